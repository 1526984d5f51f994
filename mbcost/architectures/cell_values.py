"""Keys of rows of every kind: names, inputs, conditions, repeats, activations, and their expressions."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Final

from mbcost.architectures.cells import Cells
from mbcost.architectures.expressions import Expression, ExpressionError, check_names, compile_expression
from mbcost.architectures.fields import NUMBER, FieldError, FieldKind, shown_value, whole
from mbcost.architectures.names import read_activation
from mbcost.architectures.problem_log import Cell, ProblemLog
from mbcost.architectures.spec import Declared, NominalWidth, RowFrame
from mbcost.errors import Location, did_you_mean
from mbcost.operators import ACTIVATIONS

MAX_REPEAT: Final = 1000

#: Names that the builder binds in every scope.
SCOPE_NAMES: Final[frozenset[str]] = frozenset(
    {
        "in_channels",
        "base_in_channels",
        "in_height",
        "in_width",
        "image_height",
        "image_width",
        "alpha",
        "index",
        "width",
    }
)
_NAME: Final = re.compile(r"[A-Za-z_][\w.\-]{0,99}")
_ALPHA: Final = compile_expression("alpha")


@dataclass(frozen=True, slots=True)
class Names:
    """The names that cells of a row may refer to: numbers and flags, and parameters with an activation."""

    numbers: frozenset[str]
    activations: frozenset[str] = frozenset()


def is_row_name(text: str) -> bool:
    """Whether a row can be called so."""
    return _NAME.fullmatch(text) is not None


def read_value(log: ProblemLog, key: str, cell: Cell, kind: FieldKind, names: Names) -> Any:
    """The value of a cell, or its expression; None if it is neither."""
    try:
        value = kind.read(cell.value)
        if isinstance(value, Expression):
            _check_names(value, names, kind)
    except (FieldError, ExpressionError) as error:
        log.add_mistake(key, cell, error)
        return None
    return value


def _check_names(expression: Expression, names: Names, kind: FieldKind) -> None:
    """Refuse an expression that reads an unknown name."""
    word = expression.text.strip()
    if word in expression.names and kind.words and word not in names.numbers | names.activations:
        near = did_you_mean(word, [*kind.words, *names.numbers])
        raise FieldError(f"{shown_value(word)} is not {kind.name}", hint=near)
    held = expression.names & names.activations
    if held:
        name = min(held)
        raise ExpressionError(
            f"`{name}` holds an activation, not a number", max(0, expression.text.find(name)), len(name)
        )
    check_names(expression, names.numbers)


def read_expression(log: ProblemLog, key: str, cell: Cell, names: Names, wanted: str) -> Expression | None:
    """The expression that a cell holds, `wanted` in words; None where it holds none."""
    value = cell.value
    try:
        if not isinstance(value, (str, bool, int, float)):
            raise FieldError(f"{shown_value(value)} is not {wanted}")
        expression = compile_expression(str(value).lower() if isinstance(value, bool) else str(value))
        if expression.names.isdisjoint(names.numbers | names.activations) and expression.text.lower() in _YES_OR_NO:
            raise FieldError(f"{shown_value(value)} is not {wanted}", hint="write `true` or `false`")
        _check_names(expression, names, NUMBER_EXPRESSION)
    except (FieldError, ExpressionError) as error:
        log.add_mistake(key, cell, error)
        return None
    return expression


_YES_OR_NO: Final = frozenset({"yes", "no", "y", "n", "on", "off"})
#: An expression where no words are special, so that one unknown name is an error of the expression.
NUMBER_EXPRESSION: Final = FieldKind("a number or an expression", NUMBER.parse, NUMBER.convert, {})


def read_frame(
    log: ProblemLog, cells: Cells, names: Names, location: Location, declared: Declared | None = None
) -> RowFrame:
    """The keys that rows of every kind have."""
    name, when = cells.get("name"), cells.get("when")
    if name is not None and not (isinstance(name.value, str) and is_row_name(name.value)):
        log.add(
            "MB103",
            "a name is a word of at most 100 letters, digits, `_`, `-` and `.`",
            log.at(name),
            "it starts with a letter",
        )
    elif name is not None and name.value == "input":
        log.add("MB206", "`input` is the name of what the table or block starts from", log.at(name))
    inputs = _read_inputs(log, cells.get("inputs"))
    return RowFrame(
        location,
        str(name.value) if name else None,
        tuple(cell.value for cell in inputs) if inputs else None,
        read_expression(log, "when", when, names, "a condition such as `stride == 1`") if when else None,
        _read_repeat(log, cells.get("repeat"), names),
        declared,
        places={key: log.at(cells[key]) for key in ("op", "name", "when", "repeat", "inputs") if key in cells},
        input_locations=tuple(log.at(cell) for cell in inputs),
    )


def read_weights(log: ProblemLog, cells: Cells, frame: RowFrame) -> RowFrame:
    """A row's frame with what is known of weights that exist already."""
    channels = cells.get("in_channels")
    if channels is not None:
        try:
            frame = replace(frame, in_channels=whole(channels.value, 1))
        except FieldError as error:
            log.add_mistake("in_channels", channels, error)
    owned, trained = (_read_true(log, cells.get(key)) for key in ("owns_weights", "trained_weights"))
    return frame if owned and trained else replace(frame, owns_weights=owned, trained=trained)


def _read_true(log: ProblemLog, cell: Cell | None) -> bool:
    """The value of a flag that is true unless a row says otherwise."""
    if cell is not None and not isinstance(cell.value, bool):
        log.add("MB103", f"{shown_value(cell.value)} is not `true` or `false`", log.at(cell))
    return cell is None or cell.value is not False


def _read_inputs(log: ProblemLog, cell: Cell | None) -> list[Cell]:
    """The names under `inputs`, a list or a single one, as cells."""
    if cell is None:
        return []
    if isinstance(cell.value, str):
        return [cell]
    if not isinstance(cell.value, list) or not cell.value:
        log.add("MB103", "`inputs` is a list of names of rows", log.at(cell))
        return []
    items = [Cell(word, (*cell.path, position)) for position, word in enumerate(cell.value)]
    for item in items:
        if not isinstance(item.value, str):
            log.add("MB103", f"`inputs`: {shown_value(item.value)} is not the name of a row", log.at(item))
    return [item for item in items if isinstance(item.value, str)]


def _read_repeat(log: ProblemLog, cell: Cell | None, names: Names) -> int | Expression:
    if cell is None:
        return 1
    if isinstance(cell.value, str):
        return read_expression(log, "repeat", cell, names, "a number of times") or 1
    try:
        return int(whole(cell.value, 1, MAX_REPEAT))
    except FieldError as error:
        log.add_mistake("repeat", cell, error)
        return 1


def read_activation_cell(log: ProblemLog, cell: Cell | None, names: Names) -> tuple[str | None, str | None]:
    """(activation, parameter that names it)."""
    if cell is None:
        return None, None
    word = cell.value
    if isinstance(word, str) and word in names.activations:
        return None, word
    word = read_activation(word) if isinstance(word, str) else word
    if word == "none":
        return None, None
    if word not in ACTIVATIONS:
        choices = [*ACTIVATIONS, *names.activations]
        hint = did_you_mean(word, choices) if isinstance(word, str) else None
        message = f"{shown_value(cell.value)} is not an activation"
        log.add("MB103", message, log.at(cell), hint or f"one of {', '.join(ACTIVATIONS)} or none")
        return None, None
    return word, None


def read_norm(log: ProblemLog, cell: Cell | None) -> str | None:
    """``batch_norm`` or None."""
    if cell is None or cell.value is False or cell.value == "none":
        return None
    if cell.value is not True and cell.value not in ("batch_norm", "bn"):
        log.add("MB103", f"{shown_value(cell.value)} is not a norm", log.at(cell), "batch_norm or none")
    return "batch_norm"


def read_width(log: ProblemLog, channels: Any, cell: Cell, scale: Cell | None, names: Names) -> NominalWidth:
    """Output channels with their scale factor; `channels` is the value of `cell`."""
    factor: Expression | None = _ALPHA
    if scale is not None:
        factor = None
        if scale.value != "none":
            factor = read_expression(log, "scale", scale, names, "a number, an expression such as `alpha`, or none")
    return NominalWidth(channels, factor, log.at(cell))

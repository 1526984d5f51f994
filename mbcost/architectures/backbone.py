"""Tables that begin with another table's network: heads for detection and segmentation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from mbcost.architectures.expressions import Expression, ExpressionError, check_names, compile_expression
from mbcost.architectures.problem_log import Cell, ProblemLog
from mbcost.architectures.spec import ArchitectureSpec, BackboneRow, OptionValue, RowFrame
from mbcost.errors import InputError, did_you_mean

#: Keys under ``backbone:``, with what they mean.
BACKBONE_KEYS: Final[dict[str, str]] = {
    "architecture": "name of a built-in table, or a file beside this one",
    "until": "its last row that is kept; default: all of them",
    "taps": "names for outputs inside it, such as `c4: bottleneck_14/expand/relu6`",
    "options": "values for its options: numbers, true, false, or expressions of this table's options",
    "output_stride": "once the product of its strides is this, further strides become dilation; may be an expression",
}

MAX_STRIDE: Final = 1024


def read_backbone(
    log: ProblemLog,
    data: Mapping[str, Any],
    own_options: Collection[str],
    load: Callable[[str], ArchitectureSpec],
) -> BackboneRow | None:
    """The row for the key ``backbone``; None if the file has none, or a bad one, whose problems are logged.

    Parameters
    ----------
    own_options
        Names of the options of the table itself, which expressions may read.
    load
        Loads the architecture that ``architecture`` names.
    """
    value = data.get("backbone")
    if value is None:
        return None
    place = log.document.key("backbone")
    if not isinstance(value, dict):
        log.add("MB103", "`backbone` has to be a mapping", place, f"its keys: {', '.join(BACKBONE_KEYS)}")
        return None
    for key in value:
        if key not in BACKBONE_KEYS:
            hint = did_you_mean(key, BACKBONE_KEYS) or f"known: {', '.join(BACKBONE_KEYS)}"
            log.add("MB101", f"unknown key `{key}` in `backbone`", log.document.key("backbone", key), hint)
    name = value.get("architecture")
    if not isinstance(name, str):
        log.add("MB102", "`backbone` needs an `architecture`", place, BACKBONE_KEYS["architecture"])
        return None
    try:
        architecture = load(name)
    except InputError as error:
        first = error.problems[0]
        log.add(first.code, first.message, log.document.value("backbone", "architecture"), first.hint)
        return None
    taps = _taps(log, value)
    places = {key: log.document.value("backbone", key) for key in value}
    places |= {f"taps/{key}": log.document.value("backbone", "taps", key) for key in taps}
    return BackboneRow(
        frame=RowFrame(place, places=places),
        architecture=architecture,
        until=_word(log, value, "until"),
        taps=taps,
        options=_options(log, value, own_options, architecture),
        output_stride=_output_stride(log, value, own_options),
    )


def _word(log: ProblemLog, value: Mapping[str, Any], key: str) -> str | None:
    word = value.get(key)
    if word is not None and not isinstance(word, str):
        log.add("MB103", f"`{key}` is the name of a row", log.document.value("backbone", key))
        return None
    return word


def _taps(log: ProblemLog, value: Mapping[str, Any]) -> dict[str, str]:
    taps = value.get("taps") or {}
    if not isinstance(taps, dict) or not all(isinstance(path, str) for path in taps.values()):
        log.add("MB103", "`taps` maps names to names of rows", log.document.value("backbone", "taps"))
        return {}
    return taps


def _options(
    log: ProblemLog, value: Mapping[str, Any], own_options: Collection[str], architecture: ArchitectureSpec
) -> dict[str, OptionValue | Expression]:
    options = value.get("options") or {}
    if not isinstance(options, dict):
        log.add("MB103", "`options` maps names to values", log.document.value("backbone", "options"))
        return {}
    result: dict[str, OptionValue | Expression] = {}
    for name, given in options.items():
        place = log.document.key("backbone", "options", name)
        if name not in architecture.options:
            hint = did_you_mean(name, architecture.options) or f"known: {', '.join(architecture.options)}"
            log.add("MB010", f"{architecture.name} has no option `{name}`", place, hint)
        elif isinstance(given, str):
            expression = _expression(log, Cell(given, ("backbone", "options", name)), own_options)
            if expression is not None:
                result[name] = expression
        elif isinstance(given, (bool, int, float)):
            result[name] = given
        else:
            log.add("MB103", f"option `{name}` is a number, true, false or an expression", place)
    return result


def _output_stride(log: ProblemLog, value: Mapping[str, Any], own_options: Collection[str]) -> int | Expression | None:
    stride = value.get("output_stride")
    if isinstance(stride, str):
        return _expression(log, Cell(stride, ("backbone", "output_stride")), own_options)
    if stride is not None and (
        isinstance(stride, bool) or not isinstance(stride, int) or not 1 <= stride <= MAX_STRIDE
    ):
        message = f"`output_stride` is a whole number from 1 to {MAX_STRIDE}"
        log.add("MB103", message, log.document.value("backbone", "output_stride"))
        return None
    return stride


def _expression(log: ProblemLog, cell: Cell, names: Collection[str]) -> Expression | None:
    """The expression of the table's own options that a cell holds; None, and a problem, where it holds none."""
    try:
        expression = compile_expression(cell.value)
        check_names(expression, names)
    except ExpressionError as error:
        log.add_mistake(str(cell.path[-1]), cell, error)
        return None
    return expression

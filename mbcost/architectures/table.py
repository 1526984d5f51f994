"""From the rows of a YAML document to the rows of an :class:`ArchitectureSpec`; every mistake becomes a Problem."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mbcost.architectures.expressions import Expression, ExpressionError, check_names, is_name
from mbcost.architectures.fields import FieldError, FieldKind, operator_fields, read_parameter
from mbcost.architectures.names import KEY_ALIASES, ROW_KEYS, read_activation, read_op
from mbcost.architectures.spec import (
    Block,
    BlockRow,
    Declared,
    FieldExpression,
    GroupRow,
    LayerRow,
    NominalWidth,
    OptionValue,
    Row,
    RowFrame,
)
from mbcost.errors import Location, Problem, did_you_mean
from mbcost.files import Document
from mbcost.operators import ACTIVATIONS, OPERATOR_BY_NAME, Operator, TensorShape

MAX_REPEAT: Final = 1000
MAX_GROUP_DEPTH: Final = 4

#: Names that the builder binds in every scope.
SCOPE_NAMES: Final[frozenset[str]] = frozenset(
    {"in_channels", "base_in_channels", "in_height", "in_width", "alpha", "index", "width"}
)
_SHAPE: Final = re.compile(r"\s*(\d{1,6})\s*(?:\^2|²)?\s*(?:[x×]\s*(\d{1,9})\s*)?(?:[x×]\s*(\d{1,9})\s*)?")
_FILTER: Final = re.compile(r"\s*(\d+(?:\s*[x×]\s*\d+)*)\s*(?:dw)?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of a row and the places of its key and of itself."""

    value: Any
    key_location: Location
    location: Location


Cells = dict[str, Cell]


def parse_shape(text: Any) -> TensorShape | None:
    """``224x224x3``, ``224^2x3`` or ``1x1x1024`` as a shape; None where it is none."""
    if isinstance(text, list) and len(text) == 3 and all(isinstance(d, int) and d > 0 for d in text):
        return TensorShape(*text)
    if not isinstance(text, str):
        return None
    match = _SHAPE.fullmatch(text)
    if match is None:
        return None
    numbers = [int(group) for group in match.groups() if group is not None]
    if "^2" in text or "²" in text:
        numbers.insert(0, numbers[0])
    if len(numbers) != 3 or min(numbers) < 1:
        return None
    return TensorShape(*numbers)


@dataclass(slots=True)
class TableReader:
    """Reads the rows of one document. Problems are collected; a row that has any yields None."""

    document: Document
    options: Mapping[str, OptionValue]
    defaults: Mapping[str, Mapping[str, Cell]]
    columns: tuple[str, ...] = ()
    blocks: dict[str, Block] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, code: str, message: str, location: Location, hint: str | None = None) -> None:
        self.problems.append(Problem(code, message, location, hint))

    # -- rows ---------------------------------------------------------------------------------------------------------

    def rows(
        self, path: tuple[str | int, ...], value: Any, names: frozenset[str], block: Block | None, depth: int = 0
    ) -> tuple[Row, ...]:
        """The rows under `path`. `names` are what expressions may read; `block` is the block they belong to, if any."""
        if not isinstance(value, list) or not value:
            self.problem("MB103", "a list of rows is wanted here", self.document.value(*path))
            return ()
        rows = (self._row((*path, i), item, names, block, depth) for i, item in enumerate(value))
        return tuple(row for row in rows if row is not None)

    def _row(
        self, path: tuple[str | int, ...], value: Any, names: frozenset[str], block: Block | None, depth: int
    ) -> Row | None:
        before = len(self.problems)
        cells = self._cells(path, value)
        if cells is None:
            return None
        location = self.document.value(*path)
        if "layers" in cells:
            row: Row | None = self._group(path, cells, names, block, location, depth)
        elif "op" not in cells:
            hint = did_you_mean("op", cells) or "every row names its operator in `op`"
            self.problem("MB102", "the row has no `op`", location, hint)
            row = None
        else:
            row = self._operator_row(cells, names, block, location)
        return row if len(self.problems) == before else None

    def _cells(self, path: tuple[str | int, ...], value: Any) -> Cells | None:
        """The cells of a row, by canonical key; empty cells (``-``) are left out."""
        location = self.document.value(*path)
        if isinstance(value, list):
            if not self.columns:
                self.problem("MB103", "a row given as a list needs `columns` at the top of the table", location)
                return None
            if len(value) != len(self.columns):
                message = f"the row has {len(value)} cells, the table {len(self.columns)} columns"
                self.problem("MB103", message, location, f"columns: {', '.join(self.columns)}")
                return None
            places = [self.document.value(*path, i) for i in range(len(value))]
            pairs = [(key, Cell(v, p, p)) for key, v, p in zip(self.columns, value, places, strict=True)]
        elif isinstance(value, dict):
            pairs = [
                (key, Cell(v, self.document.key(*path, key), self.document.value(*path, key)))
                for key, v in value.items()
            ]
        else:
            self.problem("MB103", "a row is a mapping such as {op: conv2d, out: 32, kernel: 3}, or a list", location)
            return None
        cells: Cells = {}
        for key, cell in pairs:
            canonical = KEY_ALIASES.get(key.lower(), key.lower())
            if canonical in cells:
                self.problem(
                    "MB104", f"`{key}` is another name of `{canonical}`, which the row has already", cell.key_location
                )
            elif cell.value is not None:
                cells[canonical] = cell
        return cells

    def _group(
        self,
        path: tuple[str | int, ...],
        cells: Cells,
        names: frozenset[str],
        block: Block | None,
        location: Location,
        depth: int,
    ) -> GroupRow | None:
        self._refuse_unknown(cells, {"layers", "repeat", "when", "name", "inputs"}, "a group of rows")
        if depth >= MAX_GROUP_DEPTH:
            self.problem("MB106", f"groups nested more than {MAX_GROUP_DEPTH} levels deep", location)
            return None
        frame = self._frame(cells, names, location)
        return GroupRow(frame, self.rows((*path, "layers"), cells["layers"].value, names, block, depth + 1))

    def _operator_row(self, cells: Cells, names: frozenset[str], block: Block | None, location: Location) -> Row | None:
        cell = cells["op"]
        if not isinstance(cell.value, str):
            self.problem("MB103", "`op` is the name of an operator or block", cell.location)
            return None
        op = read_op(cell.value)
        for key, value in (("kernel", op.kernel), ("stride", op.stride)):
            if value is not None and key in cells:
                self.problem("MB104", f"`{key}` stands in `op` too", cells[key].key_location)
            elif value is not None:
                cells[key] = Cell(value, cell.key_location, cell.location)
        if op.op in self.blocks:
            return self._block_row(self.blocks[op.op], cells, names, block, location)
        if op.op in OPERATOR_BY_NAME:
            return self._layer_row(OPERATOR_BY_NAME[op.op], cells, names, block, location)
        hint = did_you_mean(op.op, [*OPERATOR_BY_NAME, *self.blocks])
        self.problem(
            "MB201",
            f"unknown operator or block `{cell.value}`",
            cell.location,
            hint or "`mbcost schema architecture` lists them",
        )
        return None

    # -- what rows have in common -------------------------------------------------------------------------------------

    def _refuse_unknown(self, cells: Cells, known: Iterable[str], owner: str) -> None:
        allowed = [*known]
        for key, cell in cells.items():
            if key not in allowed:
                hint = did_you_mean(key, [*allowed, *(a for a, c in KEY_ALIASES.items() if c in allowed)])
                self.problem(
                    "MB101",
                    f"unknown key `{key}` in {owner}",
                    cell.key_location,
                    hint or f"{owner} takes {', '.join(allowed)}",
                )

    def _frame(
        self, cells: Cells, names: frozenset[str], location: Location, declared: Declared | None = None
    ) -> RowFrame:
        name = cells.get("name")
        if name is not None and not (
            isinstance(name.value, str) and re.fullmatch(r"[A-Za-z_][\w.\-]{0,99}", name.value)
        ):
            self.problem("MB103", "a name is a word of letters, digits, `_`, `-` and `.`", name.location)
        inputs = cells.get("inputs")
        words = inputs.value if inputs else None
        if isinstance(words, str):
            words = [words]
        if inputs is not None and not (isinstance(words, list) and words and all(isinstance(w, str) for w in words)):
            self.problem("MB103", "`inputs` is a list of names of rows", inputs.location)
            words = None
        return RowFrame(
            location,
            str(name.value) if name else None,
            tuple(words) if words else None,
            self._expression(cells.get("when"), names) if "when" in cells else None,
            self._repeat(cells.get("repeat"), names),
            declared,
        )

    def _repeat(self, cell: Cell | None, names: frozenset[str]) -> int | Expression:
        if cell is None:
            return 1
        if isinstance(cell.value, str):
            return self._expression(cell, names) or 1
        if isinstance(cell.value, bool) or not isinstance(cell.value, int) or not 1 <= cell.value <= MAX_REPEAT:
            self.problem("MB103", f"`repeat` is a whole number from 1 to {MAX_REPEAT}", cell.location)
            return 1
        return cell.value

    def _expression(self, cell: Cell | None, names: frozenset[str]) -> Expression | None:
        if cell is None:
            return None
        value = cell.value
        text = ("true" if value else "false") if isinstance(value, bool) else str(value)
        try:
            expression = read_parameter(text)
        except FieldError as error:
            self.problem("MB205", str(error), cell.location)
            return None
        self._check_names(expression, names, cell)
        assert isinstance(expression, Expression)
        return expression

    def _check_names(self, expression: Expression, names: frozenset[str], cell: Cell) -> None:
        try:
            check_names(expression, names)
        except ExpressionError as error:
            whole = cell.location
            inside = self.document.inside(whole, error.offset, error.length) if whole.text else whole
            self.problem("MB205", str(error), inside)

    def _activation(self, cell: Cell | None, names: frozenset[str]) -> tuple[str | None, str | None]:
        """(activation, parameter that names it)."""
        if cell is None:
            return None, None
        word = cell.value
        if isinstance(word, str) and word in names - SCOPE_NAMES:
            return None, word
        word = read_activation(word) if isinstance(word, str) else word
        if word == "none":
            return None, None
        if word not in ACTIVATIONS:
            hint = did_you_mean(str(word), ACTIVATIONS)
            self.problem(
                "MB103",
                f"unknown activation `{cell.value}`",
                cell.location,
                hint or f"one of {', '.join(ACTIVATIONS)} or none",
            )
            return None, None
        return word, None

    def _norm(self, cell: Cell | None) -> str | None:
        if cell is None or cell.value in {"none", False}:
            return None
        if cell.value not in {"batch_norm", "bn", True}:
            self.problem("MB103", f"unknown norm `{cell.value}`", cell.location, "batch_norm or none")
        return "batch_norm"

    # -- operators ----------------------------------------------------------------------------------------------------

    def _layer_row(
        self, operator: type[Operator], cells: Cells, names: frozenset[str], block: Block | None, location: Location
    ) -> LayerRow:
        fields = operator_fields(operator)
        cells = {**{k: c for k, c in self.defaults.get(operator.op, {}).items() if k not in cells}, **cells}
        declared = self._declared(cells, operator)
        universal = {"op", "name", "inputs", "input", "filter", "repeat", "when", "norm", "activation"}
        scalable = {"scale"} if "out" in fields and block is None else set()
        known = [*fields, *(key for key in ROW_KEYS if key in universal | scalable)]
        self._refuse_unknown(cells, known, f"`{operator.op}`")
        constants: dict[str, Any] = {}
        expressions: list[FieldExpression] = []
        width = None
        for name, spec in fields.items():
            cell = cells.get(name)
            if cell is None:
                if spec.required:
                    self.problem("MB102", f"`{operator.op}` needs `{name}`", location, f"{name}: {spec.kind.name}")
                continue
            try:
                value = spec.kind.read(cell.value)
            except FieldError as error:
                self.problem("MB103", f"`{name}`: {error}", cell.location)
                continue
            if isinstance(value, Expression):
                self._check_names(value, names, cell)
            if name == "out" and block is None:
                width = self._width(value, cells.get("scale"), names, cell)
            elif isinstance(value, Expression):
                expressions.append(FieldExpression(name, value, spec.kind, cell.location))
            else:
                constants[name] = value
        activation, parameter = self._activation(cells.get("activation"), names)
        frame = self._frame(cells, names, location, declared)
        return LayerRow(
            frame, operator, constants, tuple(expressions), width, self._norm(cells.get("norm")), activation, parameter
        )

    def _width(self, value: Any, scale: Cell | None, names: frozenset[str], cell: Cell) -> NominalWidth:
        if scale is None:
            factor = read_parameter("alpha")
        elif scale.value == "none":
            factor = None
        else:
            factor = self._expression(scale, names)
        return NominalWidth(value, factor, cell.location)

    def _declared(self, cells: Cells, operator: type[Operator] | None) -> Declared | None:
        """Takes the printed columns out of `cells`; a filter gives the kernel and the output channels too."""
        shape = window = channels = None
        shape_cell, filter_cell = cells.get("input"), cells.get("filter")
        if shape_cell is not None:
            shape = parse_shape(shape_cell.value)
            if shape is None:
                self.problem(
                    "MB103", f"`{shape_cell.value}` is not an input size such as 112x112x32", shape_cell.location
                )
        if filter_cell is not None and operator is not None:
            window, channels = self._filter(filter_cell, operator, cells)
        if shape is None and window is None and channels is None:
            return None
        return Declared(
            shape,
            shape_cell.location if shape_cell else None,
            channels,
            window,
            filter_cell.location if filter_cell else None,
        )

    def _filter(self, cell: Cell, operator: type[Operator], cells: Cells) -> tuple[tuple[int, int] | None, int | None]:
        """Reads a printed filter shape into `cells`; what is left to check is the window and the input channels."""
        match = _FILTER.fullmatch(str(cell.value))
        sizes = [int(part) for part in re.split(r"[x×]", match[1])] if match else []
        wanted = {"conv2d": (4, "3x3x3x32"), "depthwise_conv2d": (3, "3x3x32 dw"), "dense": (2, "1024x1000")}
        pools = {"max_pool2d", "avg_pool2d", "global_avg_pool", "global_max_pool"}
        length, example = wanted.get(operator.op, (2, "7x7") if operator.op in pools else (0, ""))
        if len(sizes) != length or length == 0:
            hint = f"for example {example}" if example else f"`{operator.op}` has no filter"
            self.problem("MB103", f"`{cell.value}` is not a filter shape of `{operator.op}`", cell.location, hint)
            return None, None
        given: dict[str, Any] = {}
        if operator.op in {"conv2d", "depthwise_conv2d", "max_pool2d", "avg_pool2d"}:
            given["kernel"] = sizes[:2]
        if operator.op in {"conv2d", "dense"}:
            given["out"] = sizes[-1]
        for key, value in given.items():
            if key in cells:
                self.problem("MB104", f"`{key}` stands in `filter` too", cells[key].key_location)
            cells[key] = Cell(value, cell.key_location, cell.location)
        if operator.op.startswith("global"):
            return (sizes[0], sizes[1]), None
        return None, sizes[-2] if operator.op in {"conv2d", "dense"} else sizes[2] if length == 3 else None

    # -- blocks -------------------------------------------------------------------------------------------------------

    def _block_row(
        self, used: Block, cells: Cells, names: frozenset[str], block: Block | None, location: Location
    ) -> BlockRow:
        declared = self._declared(cells, None)
        universal = {"op", "name", "inputs", "input", "repeat", "when"}
        scalable = {"scale"} if "out" in used.parameters and block is None else set()
        own = [key for key in used.parameters if key not in universal]
        self._refuse_unknown(
            cells, [*own, *(key for key in ROW_KEYS if key in universal | scalable)], f"block `{used.name}`"
        )
        arguments: dict[str, OptionValue] = {}
        expressions: list[FieldExpression] = []
        width = None
        for name, default in used.parameters.items():
            cell = cells.get(name)
            if cell is None:
                if default is None:
                    self.problem("MB102", f"block `{used.name}` needs `{name}`", location)
                continue
            value = self._argument(name, default, cell, names)
            if name == "out" and block is None:
                width = self._width(value, cells.get("scale"), names, cell)
            elif isinstance(value, Expression):
                expressions.append(FieldExpression(name, value, _NUMBER, cell.location))
            elif value is not None:
                arguments[name] = value
        return BlockRow(self._frame(cells, names, location, declared), used, arguments, tuple(expressions), width)

    def _argument(self, name: str, default: OptionValue | None, cell: Cell, names: frozenset[str]) -> Any:
        value = cell.value
        if isinstance(default, bool) and isinstance(value, str) and value.lower() in {"y", "yes", "n", "no", "✓"}:
            return value.lower() not in {"n", "no"}
        if isinstance(default, str) or name == "activation":
            if isinstance(value, str) and value in names - SCOPE_NAMES:
                return read_parameter(value)
            word, _ = self._activation(cell, frozenset())
            return word or "none"
        try:
            result = read_parameter(value)
        except FieldError as error:
            self.problem("MB103", f"`{name}`: {error}", cell.location)
            return None
        if isinstance(result, Expression):
            self._check_names(result, names, cell)
        return result

    def block(self, name: str, value: Any) -> None:
        """Read one definition under ``blocks:`` and make it usable by the rows and blocks after it."""
        path = ("blocks", name)
        location = self.document.key(*path)
        if not is_name(name) or name in OPERATOR_BY_NAME:
            self.problem("MB206", f"`{name}` cannot name a block: it is an operator or not a word", location)
            return
        if not isinstance(value, dict):
            self.problem("MB103", "a block is a mapping with `parameters` and `layers`", self.document.value(*path))
            return
        for key in value:
            if key not in {"parameters", "layers", "output", "note"}:
                hint = did_you_mean(key, ["parameters", "layers", "output", "note"])
                self.problem("MB101", f"unknown key `{key}` in a block", self.document.key(*path, key), hint)
        parameters = self._parameters(path, value.get("parameters") or {})
        output = value.get("output")
        draft = Block(name, parameters, (), output if isinstance(output, str) else None, location)
        names = SCOPE_NAMES | frozenset(parameters) | frozenset(self.options)
        if "layers" not in value:
            self.problem("MB102", f"block `{name}` has no `layers`", location)
            return
        rows = self.rows((*path, "layers"), value["layers"], names, draft)
        self.blocks[name] = Block(name, parameters, rows, draft.output, location)

    def _parameters(self, path: tuple[str | int, ...], value: Any) -> dict[str, OptionValue | None]:
        here = (*path, "parameters")
        if not isinstance(value, dict):
            self.problem(
                "MB103", "`parameters` maps names to default values (or `required`)", self.document.value(*here)
            )
            return {}
        result: dict[str, OptionValue | None] = {}
        for name, default in value.items():
            clash = name in SCOPE_NAMES or (name in ROW_KEYS and name != "activation")
            if not is_name(name) or clash:
                self.problem("MB206", f"`{name}` cannot name a parameter", self.document.key(*here, name))
            elif default == "required" or default is None:
                result[name] = None
            elif isinstance(default, (bool, int, float)):
                result[name] = default
            elif isinstance(default, str) and read_activation(default) in {*ACTIVATIONS, "none"}:
                result[name] = read_activation(default)
            else:
                message = "a default is a number, true, false, an activation or `required`"
                self.problem("MB103", message, self.document.value(*here, name))
        return result


def _identity(value: Any) -> Any:
    return value


_NUMBER: Final = FieldKind("a number", _identity, _identity, {})

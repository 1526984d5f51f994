"""From the rows of a document to the rows of an :class:`ArchitectureSpec`: operators, uses of blocks, groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mbcost.architectures.cell_values import (
    Names,
    read_activation_cell,
    read_frame,
    read_norm,
    read_value,
    read_weights,
    read_width,
)
from mbcost.architectures.cells import (
    Cells,
    Columns,
    keep_own_words,
    read_cells,
    refuse_unknown,
    take_misspelt_op,
)
from mbcost.architectures.expressions import Expression, compile_expression
from mbcost.architectures.fields import NUMBER, operator_fields, shown_value
from mbcost.architectures.names import OP_ALIASES, PARAMETER_KEYS, ROW_KEYS, read_op
from mbcost.architectures.printed_columns import read_declared
from mbcost.architectures.problem_log import Cell, ProblemLog
from mbcost.architectures.spec import Block, BlockRow, FieldExpression, GroupRow, LayerRow, OptionValue, Row
from mbcost.errors import Location, did_you_mean
from mbcost.operators import OPERATOR_BY_NAME, LeakyRelu, Operator

MAX_GROUP_DEPTH: Final = 4
MAX_BLOCK_DEPTH: Final = 16

_LAYER_KEYS: Final = (
    *("op", "name", "inputs", "input", "filter", "repeat", "when", "norm", "activation", "slope"),
    *("in_channels", "owns_weights", "trained_weights"),
)
_BLOCK_KEYS: Final = ("op", "name", "inputs", "input", "repeat", "when")
_GROUP_KEYS: Final = ("layers", "repeat", "when", "name", "inputs")


@dataclass(frozen=True, slots=True)
class RowScope:
    """The place of rows: in the table (`block` is None) or in a block, and the depth of groups."""

    names: Names
    block: str | None = None
    depth: int = 0


@dataclass(slots=True)
class RowReader:
    """Reads the rows of one document. Problems are logged; a row that has any yields None.

    Attributes
    ----------
    defaults
        Default cells of an operator's rows.
    blocks
        Blocks that rows may use, by name; grows as the definitions are read.
    block_names
        All blocks that the file defines, before or after.
    block_depths
        Nesting depth of each block, itself included.
    """

    log: ProblemLog
    defaults: Mapping[str, Cells]
    columns: Columns | None
    block_names: Iterable[str] = ()
    blocks: dict[str, Block | None] = field(default_factory=dict)
    block_depths: dict[str, int] = field(default_factory=dict)

    def rows(self, path: tuple[str | int, ...], value: Any, scope: RowScope) -> tuple[Row, ...]:
        """The rows under `path`."""
        if not isinstance(value, list) or not value:
            self.log.add("MB103", "a list of rows is wanted here", self.log.document.value(*path))
            return ()
        rows = (self._row((*path, position), item, scope) for position, item in enumerate(value))
        return tuple([row for row in rows if row is not None])

    def _row(self, path: tuple[str | int, ...], value: Any, scope: RowScope) -> Row | None:
        reports = self.log.reports
        cells = read_cells(self.log, path, value, self.columns)
        if cells is None:
            return None
        row: Row | None
        if "layers" in cells:
            row = self._group(path, cells, scope)
        elif "op" in cells or take_misspelt_op(self.log, cells):
            row = self._operator_row(path, cells, scope)
        else:
            location = self.log.document.value(*path)
            self.log.add("MB102", "the row has no `op`", location, "every row names its operator or block in `op`")
            row = None
        return row if self.log.reports == reports else None

    def _group(self, path: tuple[str | int, ...], cells: Cells, scope: RowScope) -> GroupRow | None:
        location = self.log.document.value(*path)
        refuse_unknown(self.log, cells, _GROUP_KEYS, "a group of rows")
        if scope.depth >= MAX_GROUP_DEPTH:
            self.log.add("MB106", f"groups nested more than {MAX_GROUP_DEPTH} levels deep", location)
            return None
        frame = read_frame(self.log, cells, scope.names, location)
        self._check_arity("a group of rows", (1, 1), cells)
        inner = RowScope(scope.names, scope.block, scope.depth + 1)
        return GroupRow(frame, self.rows((*path, "layers"), cells["layers"].value, inner))

    def _operator_row(self, path: tuple[str | int, ...], cells: Cells, scope: RowScope) -> Row | None:
        cell = cells["op"]
        if not isinstance(cell.value, str):
            message = f"{shown_value(cell.value)} is not the name of an operator or block"
            self.log.add("MB103", message, self.log.at(cell))
            return None
        op = read_op(cell.value)
        for key, value in (("kernel", op.kernel), ("stride", op.stride)):
            if value is not None and key in cells:
                self.log.add("MB104", f"`{key}` stands in `op` too", self.log.at_key(cells[key]))
            elif value is not None:
                cells[key] = Cell(value, cell.path, derived=True)
        location = self.log.document.value(*path)
        if op.op in OPERATOR_BY_NAME:
            return self._layer_row(OPERATOR_BY_NAME[op.op], cells, scope, location)
        if op.op in self.blocks:
            block = self.blocks[op.op]
            return None if block is None else self._block_row(block, cells, scope, location)
        self._refuse_op(cell, op.op, scope)
        return None

    def _refuse_op(self, cell: Cell, op: str, scope: RowScope) -> None:
        """Report an unknown operator or block."""
        location = self.log.at(cell)
        first = op.split()[0] if op.split() else ""
        if op == scope.block:
            self.log.add("MB201", f"block `{op}` uses itself", location)
        elif op in self.block_names:
            message = f"block `{op}` is used before its definition"
            self.log.add("MB201", message, location, "move its definition up, above this one")
        elif first.lower() in {*OPERATOR_BY_NAME, *OP_ALIASES, *self.blocks}:
            hint = "write for example `conv2d 3x3`, `conv2d / s2` or `conv dw / s1`"
            near = did_you_mean(op, [*OP_ALIASES, *OPERATOR_BY_NAME]) if len(first) < len(op) else None
            self.log.add("MB201", f"unknown operator or block {shown_value(cell.value)}", location, near or hint)
        else:
            near = did_you_mean(op, [*OPERATOR_BY_NAME, *self.blocks, *OP_ALIASES])
            hint = near or "`mbcost schema architecture` lists them"
            self.log.add("MB201", f"unknown operator or block {shown_value(cell.value)}", location, hint)

    def _check_arity(self, owner: str, arity: tuple[int, int | None], cells: Cells) -> None:
        """Report a row that names fewer or more inputs than `owner` takes."""
        least, most = arity
        cell = cells.get("inputs")
        count = len(cell.value) if cell is not None and isinstance(cell.value, list) else 1
        if count and not least <= count <= (most or count):
            wanted = str(least) if most == least else f"at least {least}"
            message = f"{owner} takes {wanted} input{'s' * (least > 1)}, this row has {count}"
            place = cell or cells["op"]
            self.log.add("MB204", message, self.log.at(place), "name them in `inputs`" if cell is None else None)

    # -- operators ----------------------------------------------------------------------------------------------------

    def check_defaults(self, names: Names) -> None:
        """Report the problems of the defaults, whether or not a row uses them."""
        for op, cells in self.defaults.items():
            operator = OPERATOR_BY_NAME[op]
            known = [*operator_fields(operator), "norm", "activation", "slope"]
            refuse_unknown(self.log, cells, known, f"defaults of `{op}`")
            self._fields(operator, cells, RowScope(names))
            read_activation_cell(self.log, cells.get("activation"), names)
            self._slope(operator, cells, names)
            read_norm(self.log, cells.get("norm"))

    def _layer_row(
        self, operator: type[Operator], cells: Cells, scope: RowScope, location: Location
    ) -> LayerRow | None:
        log, names = self.log, scope.names
        fields = operator_fields(operator)
        keep_own_words(cells, fields)
        defaults = self.defaults.get(operator.op)
        if defaults:
            cells = {**{key: cell for key, cell in defaults.items() if key not in cells}, **cells}
        declared = read_declared(log, cells, operator)
        scalable = ("scale",) if "out" in fields and scope.block is None else ()
        refuse_unknown(
            log, cells, {**dict.fromkeys(fields), **dict.fromkeys((*_LAYER_KEYS, *scalable))}, f"`{operator.op}`"
        )
        self._check_arity(f"`{operator.op}`", operator.arity, cells)
        for name, spec in fields.items():
            if spec.required and name not in cells and not (name in {"kernel", "out"} and "filter" in cells):
                log.add("MB102", f"`{operator.op}` needs `{name}`", log.at(cells["op"]), f"{name}: {spec.kind.name}")
        constants, expressions = self._fields(operator, cells, scope)
        width = None
        if scope.block is None and "out" in fields and "out" in cells:
            nominal = next((item.expression for item in expressions if item.name == "out"), constants.pop("out", None))
            expressions = [item for item in expressions if item.name != "out"]
            width = read_width(log, nominal, cells["out"], cells.get("scale"), names)
        activation, parameter = read_activation_cell(log, cells.get("activation"), names)
        frame = read_weights(log, cells, read_frame(log, cells, names, location, declared))
        norm = read_norm(log, cells.get("norm"))
        slope = self._slope(operator, cells, names)
        if slope is not None and parameter is None and activation != LeakyRelu.op:
            if (defaults or {}).get("slope") is not cells["slope"]:
                message = "`slope` without the `activation: leaky_relu` that it is of"
                log.add("MB104", message, log.at_key(cells["slope"]), "leave it out, or name the activation")
            slope = None
        return LayerRow(frame, operator, constants, tuple(expressions), width, norm, activation, parameter, slope)

    def _slope(self, operator: type[Operator], cells: Cells, names: Names) -> float | FieldExpression | None:
        """The slope of the activation of a row; None if the row has none."""
        cell = cells.get("slope")
        if cell is None or "slope" in operator_fields(operator):
            return None
        kind = operator_fields(LeakyRelu)["slope"].kind
        value = read_value(self.log, "slope", cell, kind, names)
        if isinstance(value, Expression):
            return FieldExpression("slope", value, kind, self.log.at(cell))
        return None if value is None else float(value)

    def _fields(
        self, operator: type[Operator], cells: Cells, scope: RowScope
    ) -> tuple[dict[str, Any], list[FieldExpression]]:
        """The operator's fields among `cells`: those that are known, and those that are computed."""
        constants: dict[str, Any] = {}
        expressions: list[FieldExpression] = []
        for name, spec in operator_fields(operator).items():
            cell = cells.get(name)
            if cell is None:
                continue
            value = read_value(self.log, name, cell, spec.kind, scope.names)
            if isinstance(value, Expression):
                expressions.append(FieldExpression(name, value, spec.kind, self.log.at(cell)))
            elif value is not None:
                constants[name] = value
        return constants, expressions

    # -- blocks -------------------------------------------------------------------------------------------------------

    def _block_row(self, used: Block, cells: Cells, scope: RowScope, location: Location) -> BlockRow | None:
        log = self.log
        declared = read_declared(log, cells, None)
        owner = f"block `{used.name}`"
        scalable = ("scale",) if "out" in used.parameters and scope.block is None else ()
        own = [key for key in used.parameters if key not in ROW_KEYS or key in PARAMETER_KEYS]
        refuse_unknown(log, cells, [*own, *_BLOCK_KEYS, *scalable], owner)
        self._check_arity(owner, (1, 1), cells)
        self._nest(used, cells["op"], scope)
        arguments: dict[str, OptionValue] = {}
        expressions: list[FieldExpression] = []
        width = None
        for name, default in used.parameters.items():
            cell = cells.get(name)
            if cell is None:
                if default is None:
                    log.add("MB102", f"{owner} needs `{name}`", log.at(cells["op"]), f"{name}: {NUMBER.name}")
                continue
            value = self._argument(name, default, cell, scope.names)
            if value is None:
                continue
            if name == "out" and scope.block is None:
                width = read_width(log, value, cell, cells.get("scale"), scope.names)
            elif isinstance(value, Expression):
                expressions.append(FieldExpression(name, value, NUMBER, log.at(cell)))
            else:
                arguments[name] = value
        frame = read_frame(log, cells, scope.names, location, declared)
        return BlockRow(frame, used, arguments, tuple(expressions), width)

    def _nest(self, used: Block, cell: Cell, scope: RowScope) -> None:
        """Record the nesting depth of the block that is being defined."""
        if scope.block is None:
            return
        depth = max(self.block_depths.get(scope.block, 1), self.block_depths.get(used.name, 1) + 1)
        self.block_depths[scope.block] = depth
        if depth > MAX_BLOCK_DEPTH:
            self.log.add("MB106", f"blocks nested more than {MAX_BLOCK_DEPTH} levels deep", self.log.at(cell))

    def _argument(self, name: str, default: OptionValue | None, cell: Cell, names: Names) -> Any:
        """A row's value for a parameter of a block: a value, an expression, or None if it is neither."""
        value = cell.value
        if isinstance(default, bool) and isinstance(value, str) and value.lower() in {"y", "yes", "n", "no", "✓"}:
            return value.lower() not in {"n", "no"}
        if isinstance(default, str) or name == "activation":
            word, parameter = read_activation_cell(self.log, cell, names)
            return compile_expression(parameter) if parameter else word or "none"
        return read_value(self.log, name, cell, NUMBER, names)

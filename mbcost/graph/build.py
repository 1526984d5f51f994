"""From a table with open alpha, rho and options to a :class:`LayerGraph` with every shape known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from mbcost.architectures.expressions import EvaluationError, Expression
from mbcost.architectures.fields import FieldError, FieldKind, number, operator_fields, whole
from mbcost.architectures.names import read_activation
from mbcost.architectures.scaling import scaled_resolution
from mbcost.architectures.spec import (
    ArchitectureSpec,
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
from mbcost.errors import InputError, Location, Problem, did_you_mean, fail
from mbcost.graph.layer import NETWORK_INPUT, Layer, LayerGraph
from mbcost.numeric import all_true, is_scalar
from mbcost.operators import ACTIVATIONS, OPERATOR_BY_NAME, BatchNorm, Operator, OperatorError, TensorShape

MAX_LAYERS: Final = 20_000
#: Most rows that are looked at, whether or not their conditions hold.
MAX_STEPS: Final = 100_000
MAX_ALPHA: Final = 100.0
MAX_RESOLUTION: Final = 16_384
MAX_ELEMENTS: Final = 2**40

_OFF: Final = "a stride or a number of channels above is off, or this column is"
_COMPARE: Final = "compare it with a number, as in `stride == 1`"
_BATCH_NORM: Final = BatchNorm()
_ACTIVATIONS: Final[dict[str, Operator]] = {name: OPERATOR_BY_NAME[name]() for name in ACTIVATIONS}
_DIM: Final[FieldKind] = operator_fields(OPERATOR_BY_NAME["conv2d"])["out"].kind


class MixedConfigurationsError(Exception):
    """A row exists in some of an array's configurations only: split the array by `condition` and build each part."""

    def __init__(self, condition: Any) -> None:
        super().__init__("the configurations differ in which layers exist")
        self.condition = condition


def build_graph(
    spec: ArchitectureSpec,
    *,
    alpha: float = 1.0,
    rho: float | None = None,
    resolution: int | None = None,
    options: Mapping[str, OptionValue] | None = None,
) -> LayerGraph:
    """Build a network at a width and a resolution.

    Parameters
    ----------
    spec
        The architecture.
    alpha
        Width multiplier; what it does to a number of channels is the table's width rule. A float, or an array of them
        with one entry a configuration.
    rho, resolution
        Resolution multiplier, or the input's height and width [pixels]; at most one of them. Default: rho = 1. The
        resolution may be an int64 array with one entry a configuration.
    options
        Values for the table's options, such as ``{"classes": 1001}``.

    Raises
    ------
    InputError
        MB010 for a multiplier or an option that the table does not know, MB204 if an operator cannot take its input at
        this configuration, with the row of the table.
    MixedConfigurationsError
        If the configurations of an array differ in which layers exist.
    """
    chosen = _choose_options(spec, options or {})
    _check_alpha(spec, alpha)
    shape = _input_shape(spec, rho, resolution)
    base = None if all_true(alpha == 1) else _base_channels(spec, chosen)
    return _Builder(spec, alpha, shape, chosen, base).build()


def check_architecture(spec: ArchitectureSpec) -> tuple[Problem, ...]:
    """What is wrong with a table at alpha = rho = 1: shapes that do not fit, and printed columns that disagree.

    A wrong input column is told apart from a wrong stride by which reading leaves fewer contradictions.
    """
    problems: list[list[Problem]] = []
    for trust_table in (False, True):
        builder = _Builder(spec, 1.0, spec.input_shape, dict(spec.options), None, check=True, trust_table=trust_table)
        builder.build()
        found = list(dict.fromkeys(builder.problems))
        problems.append(found)
        if all(problem.code != "MB203" for problem in found):
            return tuple(found)
    computed, printed = problems
    if len(computed) == len(printed):
        return tuple(computed)
    column_is_off = len(computed) < len(printed)
    hint = (
        "the rows after it agree with those before it" if column_is_off else "a row above has another stride or width"
    )
    fewer = computed if column_is_off else printed
    return tuple(replace(problem, hint=hint) if problem.hint == _OFF else problem for problem in fewer)


def _check_alpha(spec: ArchitectureSpec, alpha: float) -> None:
    if not all_true((alpha > 0) & (alpha <= MAX_ALPHA)):
        fail("MB010", f"alpha is {alpha}, it has to be above 0 and at most {MAX_ALPHA:g}")
    if spec.width is None and not all_true(alpha == 1):
        fail("MB010", f"{spec.name} has no width rule, so alpha has to be 1", hint="add `width:` to its table")


def _input_shape(spec: ArchitectureSpec, rho: float | None, resolution: int | None) -> TensorShape:
    base = spec.input_shape
    if rho is not None and resolution is not None:
        fail("MB010", "rho and resolution were both given", hint="resolution = rho x the table's resolution")
    if rho is not None:
        if not 0 < rho <= MAX_RESOLUTION:
            fail("MB010", f"rho is {rho}, it has to be above 0")
        height, width = scaled_resolution(base.height, rho), scaled_resolution(base.width, rho)
    elif resolution is not None:
        if base.height != base.width:
            fail("MB010", f"the input of {spec.name} is {base}, not square", hint="use rho")
        height = width = resolution
    else:
        height, width = base.height, base.width
    if not all_true((height >= 1) & (height <= MAX_RESOLUTION) & (width >= 1) & (width <= MAX_RESOLUTION)):
        fail("MB010", f"an input of {height}x{width} pixels is out of range: 1 to {MAX_RESOLUTION}")
    return TensorShape(height, width, base.channels)


def _choose_options(spec: ArchitectureSpec, given: Mapping[str, OptionValue]) -> dict[str, OptionValue]:
    chosen = dict(spec.options)
    for name, value in given.items():
        if name not in chosen:
            known = f"its options are {', '.join(chosen)}" if chosen else "it has no options"
            fail("MB010", f"{spec.name} has no option `{name[:60]}`", hint=did_you_mean(name, chosen) or known)
        default = chosen[name]
        if isinstance(default, bool) != isinstance(value, bool) or isinstance(value, str):
            wanted = "true or false" if isinstance(default, bool) else "a number"
            fail("MB010", f"option `{name}` of {spec.name} is {wanted}, not `{value}`")
        chosen[name] = value
    return chosen


def _base_channels(spec: ArchitectureSpec, options: Mapping[str, OptionValue]) -> dict[str, Any]:
    """Input channels of every block at alpha 1, for width rules that refer to the printed table."""
    if not _reads_base(spec.rows, set()):
        return {}
    builder = _Builder(spec, 1.0, spec.input_shape, options, None)
    builder.build()
    return builder.block_channels


def _reads_base(rows: tuple[Row, ...], done: set[str]) -> bool:
    """Whether any row, or any block outside of `done` that one uses, reads ``base_in_channels``."""
    for row in rows:
        expressions = [row.frame.when, row.frame.repeat]
        if isinstance(row, (LayerRow, BlockRow)):
            expressions += [item.expression for item in row.expressions]
        if any(isinstance(e, Expression) and "base_in_channels" in e.names for e in expressions):
            return True
        inner: tuple[Row, ...] = row.rows if isinstance(row, GroupRow) else ()
        if isinstance(row, BlockRow) and row.block.name not in done:
            done.add(row.block.name)
            inner = row.block.rows
        if _reads_base(inner, done):
            return True
    return False


class _Tensor(NamedTuple):
    """A value that flows: who made it, and its shape."""

    producer: int
    shape: TensorShape


@dataclass(slots=True)
class _Scope:
    """What names mean in a table or in a block."""

    values: dict[str, Any]
    tensors: dict[str, _Tensor]
    prefix: str
    counts: dict[str, int] = field(default_factory=dict)
    block: str | None = None

    def name(self, wanted: str | None, op: str, repeats: bool) -> str:
        """A name for a row: the wanted one, or one with a number that no row before has."""
        if wanted is not None and not repeats:
            return wanted
        stem = wanted or op
        count = self.counts.get(stem, 0) + 1
        while (name := f"{stem}_{count}") in self.tensors:
            count += 1
        self.counts[stem] = count
        return name


class _Builder:
    """Runs a table once: the rows are its program, the shapes its state."""

    def __init__(
        self,
        spec: ArchitectureSpec,
        alpha: float,
        input_shape: TensorShape,
        options: Mapping[str, OptionValue],
        base_channels: Mapping[str, Any] | None,
        *,
        check: bool = False,
        trust_table: bool = False,
    ) -> None:
        self.spec = spec
        self.alpha = alpha
        self.input_shape = input_shape
        self.options = options
        self.base_channels = base_channels
        self.check = check
        self.trust_table = trust_table
        self.layers: list[Layer] = []
        self.names: set[str] = set()
        self.block_channels: dict[str, Any] = {}
        self.problems: list[Problem] = []
        self.steps = 0
        #: What expressions may read everywhere.
        self.values: dict[str, Any] = {**options, "alpha": alpha}
        if spec.width is not None:
            rule = spec.width
            self.values["width"] = lambda nominal: rule(nominal, alpha)
        #: Whether the shape that flows is a guess, after a row that could not be built.
        self.guessing = False

    def build(self) -> LayerGraph:
        """The graph; with `check`, problems are collected instead of raised."""
        spec, shape = self.spec, self.input_shape
        tensors = {name: _Tensor(NETWORK_INPUT, extra) for name, extra in spec.extra_inputs.items()}
        scope = _Scope(self.values, {"input": _Tensor(NETWORK_INPUT, shape), **tensors}, "")
        outputs: tuple[int, ...] = ()
        try:
            last = self._run(spec.rows, scope, _Tensor(NETWORK_INPUT, shape))
            outputs = self._outputs(scope, last)
        except InputError as error:
            if not self.check:
                raise
            self.problems.extend(error.problems)
        return LayerGraph(
            spec.name,
            spec.title,
            self.alpha,
            shape.height,
            dict(self.options),
            shape,
            tuple(self.layers),
            outputs,
        )

    def _outputs(self, scope: _Scope, last: _Tensor) -> tuple[int, ...]:
        spec = self.spec
        if not self.layers and not self.problems:
            fail("MB207", "the network has no layer: no row's `when` holds", spec.rows[0].frame.place("when"))
        if not spec.outputs:
            return (last.producer,)
        places = spec.output_locations or (None,) * len(spec.outputs)
        producers: list[int] = []
        problems: list[Problem] = []
        for name, place in zip(spec.outputs, places, strict=True):
            try:
                producers.append(self._tensor(name, scope, place).producer)
            except InputError as error:
                problems.extend(error.problems)
        if problems:
            raise InputError(problems)
        return tuple(producers)

    # -- rows ---------------------------------------------------------------------------------------------------------

    def _run(self, rows: tuple[Row, ...], scope: _Scope, x: _Tensor, *, repeats: bool = False) -> _Tensor:
        """Run rows one after the other; names get numbers if `repeats`, as the rows of a group do."""
        for row in rows:
            try:
                x = self._repeated(row, scope, x, repeats=repeats)
            except InputError as error:
                if not self.check or scope.block is not None or error.codes == ("MB208",):
                    raise
                x = self._recover(row, scope, x, error)
        return x

    def _repeated(self, row: Row, scope: _Scope, x: _Tensor, *, repeats: bool) -> _Tensor:
        """Run a row as often as it says."""
        frame = row.frame
        repeat = frame.repeat if isinstance(frame.repeat, int) else self._repeat(frame.repeat, scope, x, frame)
        try:
            for index in range(repeat):
                x = self._row(row, scope, x, index, repeats=repeats or repeat > 1)
        except OperatorError as error:
            fail("MB204", str(error), frame.place("op"))
        return x

    def _recover(self, row: Row, scope: _Scope, x: _Tensor, error: InputError) -> _Tensor:
        """Note why a row of the table cannot be built and go on as if it let its input pass through.

        From here to the next printed input the shape is a guess: only names are checked.
        """
        self.problems.extend(p for p in error.problems if not self.guessing or p.code in {"MB202", "MB206"})
        self.guessing = True
        if row.frame.name is not None:
            scope.tensors[row.frame.name] = x
        return x

    def _row(self, row: Row, scope: _Scope, x: _Tensor, index: int, *, repeats: bool) -> _Tensor:
        frame = row.frame
        self.steps += 1
        if self.steps > MAX_STEPS:
            fail("MB208", f"more than {MAX_STEPS} rows, with all repeats", frame.place("repeat", "op"))
        inputs = self._inputs(frame, scope) if frame.inputs else [x]
        x = inputs[0]
        if frame.in_channels is not None and not all_true(x.shape.channels == frame.in_channels):
            wanted, given = frame.in_channels, x.shape.channels
            raise OperatorError(
                f"its weights are made for {wanted} input channels, at this configuration it gets {given}"
            )
        if frame.declared is not None and index == 0 and self.check:
            x = inputs[0] = self._check_declared(frame.declared, inputs[0])
        if frame.when is not None and not self._holds(frame, scope, x, index):
            if frame.name is not None:
                scope.tensors[frame.name] = x
            return x
        if isinstance(row, GroupRow):
            result = self._run(row.rows, scope, x, repeats=repeats)
        else:
            word = row.block.name if isinstance(row, BlockRow) else row.operator.op
            name = scope.name(frame.name, word, repeats)
            self._claim(f"{scope.prefix}{name}", frame)
            if isinstance(row, BlockRow):
                result = self._block(row, scope, x, index, name)
            else:
                result = self._layer(row, scope, inputs, index, name)
            scope.tensors[name] = result
        if frame.name is not None:
            scope.tensors[frame.name] = result
        return result

    def _claim(self, path: str, frame: RowFrame) -> None:
        """Refuse a name that a row has already."""
        if path in self.names:
            hint = "give one of the rows another `name`"
            fail("MB206", f"two rows are called `{path}`", frame.place("name", "op"), hint)
        self.names.add(path)

    def _inputs(self, frame: RowFrame, scope: _Scope) -> list[_Tensor]:
        """The tensors that a row names; every name that does not exist is reported."""
        names = frame.inputs or ()
        places = frame.input_locations or (frame.location,) * len(names)
        tensors: list[_Tensor] = []
        problems: list[Problem] = []
        for name, place in zip(names, places, strict=True):
            try:
                tensors.append(self._tensor(name, scope, place))
            except InputError as error:
                problems.extend(error.problems)
        if problems:
            raise InputError(problems)
        return tensors

    def _tensor(self, name: str, scope: _Scope, location: Location | None) -> _Tensor:
        tensor = scope.tensors.get(name)
        if tensor is None:
            inner = next((layer for layer in self.layers if layer.name == f"{scope.prefix}{name}"), None)
            if inner is not None:
                return _Tensor(inner.position, inner.output_shape)
            if scope.block is None and any(row.frame.name == name for row in self.spec.rows):
                fail("MB202", f"the row `{name}` comes later in the table", location, "inputs come from rows above")
            hint = did_you_mean(name, scope.tensors) or f"known here: {', '.join(list(scope.tensors)[:12])}"
            fail("MB202", f"no row above is called `{name[:60]}`", location, hint)
        return tensor

    def _block(self, row: BlockRow, outer: _Scope, x: _Tensor, index: int, name: str) -> _Tensor:
        block = row.block
        path = f"{outer.prefix}{name}"
        channels = x.shape.channels
        self.block_channels[path] = channels
        base = channels if self.base_channels is None else self.base_channels.get(path, channels)
        values = {**self.values, **block.parameters, **row.arguments}
        values.update((e.name, self._value(e, outer, x, index)) for e in row.expressions)
        if row.width is not None:
            values["out"] = self._width(row.width, outer, x, index)
        if index > 0 and "stride" in values:
            values["stride"] = 1
        height, width, _ = x.shape
        values.update(in_channels=channels, base_in_channels=base, in_height=height, in_width=width, index=index)
        scope = _Scope(values, {"input": x}, f"{path}/", block=outer.block or path)
        try:
            result = self._run(block.rows, scope, x)
            return result if block.output is None else self._tensor(block.output, scope, block.location)
        except InputError as error:
            used = f"block `{block.name}` is used on line {row.frame.location.line}"
            raise InputError([p if p.hint else replace(p, hint=used) for p in error.problems]) from None

    def _layer(self, row: LayerRow, scope: _Scope, inputs: list[_Tensor], index: int, name: str) -> _Tensor:
        fields = dict(row.constants)
        for item in row.expressions:
            fields[item.name] = self._value(item, scope, inputs[0], index)
        if row.width is not None:
            fields["out"] = self._width(row.width, scope, inputs[0], index)
        if index > 0 and "stride" in fields:
            fields["stride"] = (1, 1)
        path = f"{scope.prefix}{name}"
        block = scope.block or path
        location = row.frame.location
        least, most = row.operator.arity
        if not least <= len(inputs) <= (most or len(inputs)):
            wanted = f"{least}" if most == least else f"at least {least}"
            message = f"`{row.operator.op}` takes {wanted} input{'s' * (least > 1)}, this row has {len(inputs)}"
            raise OperatorError(message)
        x = self._append(row.operator(**fields), tuple(inputs), path, block, location)
        if row.norm is not None:
            x = self._append(_BATCH_NORM, (x,), f"{path}/batch_norm", block, location)
        activation = row.activation
        if row.activation_parameter is not None:
            activation = self._activation(scope.values.get(row.activation_parameter), location)
        if activation is not None:
            x = self._append(_ACTIVATIONS[activation], (x,), f"{path}/{activation}", block, location)
        return x

    def _append(
        self, operator: Operator, inputs: tuple[_Tensor, ...], name: str, block: str, location: Location
    ) -> _Tensor:
        position = len(self.layers)
        if position >= MAX_LAYERS:
            fail("MB208", f"more than {MAX_LAYERS} layers", location)
        shapes = tuple([tensor.shape for tensor in inputs])
        producers = tuple([tensor.producer for tensor in inputs])
        output = operator.output_shape(shapes)
        cost = operator.cost(shapes, output)
        elements = cost.output_elements
        if is_scalar(elements) and elements > MAX_ELEMENTS:
            fail("MB208", f"`{name}` would have {output} elements", location)
        self.layers.append(Layer(position, name, block, operator, producers, shapes, output, cost, location))
        return _Tensor(position, output)

    # -- values -------------------------------------------------------------------------------------------------------

    def _evaluate(
        self,
        expression: Expression,
        scope: _Scope,
        x: _Tensor,
        index: int,
        where: FieldExpression | NominalWidth | RowFrame,
        key: str = "",
    ) -> Any:
        """The value of an expression of `where`; of its cell `key`, if it is a row."""
        values = scope.values
        if scope.block is None:
            height, width, channels = x.shape
            values = {
                **values,
                "in_channels": channels,
                "base_in_channels": channels,
                "in_height": height,
                "in_width": width,
                "index": index,
            }
        try:
            return expression(values)
        except EvaluationError as error:
            location = where.place(key) if isinstance(where, RowFrame) else where.location
            fail("MB205", f"`{expression.text}` cannot be computed: {error}", location)

    def _value(self, item: FieldExpression, scope: _Scope, x: _Tensor, index: int) -> Any:
        value = self._evaluate(item.expression, scope, x, index, item)
        assert item.kind.convert is not None
        try:
            return item.kind.convert(value)
        except FieldError as error:
            fail("MB205", f"`{item.name}: {item.expression.text}`: {error}", item.location, error.hint)

    def _holds(self, frame: RowFrame, scope: _Scope, x: _Tensor, index: int) -> bool:
        """Whether a row's `when` holds; a row without one is there."""
        when = frame.when
        if when is None:
            return True
        value = self._evaluate(when, scope, x, index, frame, "when")
        if is_scalar(value):
            if value not in (0, 1):
                message = f"`when: {when.text}` is {value}, neither true nor false"
                fail("MB205", message, frame.place("when"), _COMPARE)
            return bool(value)
        if value.all():
            return True
        if not value.any():
            return False
        raise MixedConfigurationsError(value)

    def _repeat(self, repeat: Expression, scope: _Scope, x: _Tensor, frame: RowFrame) -> int:
        value = self._evaluate(repeat, scope, x, 0, frame, "repeat")
        try:
            return int(whole(value, 0, 1000))
        except (FieldError, TypeError) as error:
            fail("MB205", f"`repeat: {repeat.text}`: {error}", frame.place("repeat"))

    def _width(self, nominal: NominalWidth, scope: _Scope, x: _Tensor, index: int) -> Any:
        channels: Any = nominal.channels
        if isinstance(channels, Expression):
            channels = self._evaluate(channels, scope, x, index, nominal)
        rule = self.spec.width
        scale = None if nominal.scale is None else self._evaluate(nominal.scale, scope, x, index, nominal)
        assert _DIM.convert is not None
        try:
            if scale is not None and rule is not None:
                channels = rule(number(channels), number(scale))
            return _DIM.convert(channels)
        except FieldError as error:
            fail("MB205", f"`out`: {error}", nominal.location)

    def _activation(self, value: Any, location: Location) -> str | None:
        word = read_activation(str(value))
        if word == "none":
            return None
        if word not in _ACTIVATIONS:
            fail("MB103", f"`{value}` is not an activation", location, f"one of {', '.join(ACTIVATIONS)} or none")
        return word

    # -- printed columns ----------------------------------------------------------------------------------------------

    def _problem(self, code: str, message: str, location: Location | None, hint: str | None = None) -> None:
        self.problems.append(Problem(code, message, location, hint))

    def _check_declared(self, declared: Declared, x: _Tensor) -> _Tensor:
        """Compare the printed columns with what arrived; which of the two goes on is the reading that is tried."""
        printed = declared.input_shape
        if self.guessing and printed is not None:
            x = _Tensor(x.producer, printed)
            self.guessing = False
        if printed is not None and printed != x.shape:
            if self.layers:
                message = f"the table says {printed}, the rows before it give {x.shape}"
                self._problem("MB203", message, declared.input_location, _OFF)
            else:
                message = f"the table says {printed}, but `input` above is {x.shape}"
                self._problem("MB203", message, declared.input_location)
            if self.trust_table:
                x = _Tensor(x.producer, printed)
        if declared.filter_channels is not None and declared.filter_channels != x.shape.channels:
            message = (
                f"the filter has {declared.filter_channels} input channels, its input {x.shape} has {x.shape.channels}"
            )
            self._problem("MB203", message, declared.filter_location)
        window = declared.filter_window
        if window is not None and window != (x.shape.height, x.shape.width):
            message = f"a global window of {window[0]}x{window[1]} is printed, its input is {x.shape}"
            self._problem("MB203", message, declared.filter_location)
        return x

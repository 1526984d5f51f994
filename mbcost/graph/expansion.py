"""Runs a table: the rows are the program, the shapes its state, the layers its output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from mbcost.architectures.spec import (
    ArchitectureSpec,
    BackboneRow,
    BlockRow,
    GroupRow,
    LayerRow,
    OptionValue,
    Row,
    RowFrame,
)
from mbcost.errors import InputError, Location, Problem, did_you_mean, fail
from mbcost.graph.layer import NETWORK_INPUT, Layer
from mbcost.graph.layer_graph import LayerGraph
from mbcost.graph.scope import Atrous, Scope, Tensor, shared_values
from mbcost.numeric import all_true, is_scalar
from mbcost.operators import ACTIVATIONS, OPERATOR_BY_NAME, BatchNorm, LeakyRelu, Operator, OperatorError, TensorShape

MAX_LAYERS: Final = 20_000
#: Most rows that are run, whether or not their conditions hold.
MAX_STEPS: Final = 100_000
MAX_ELEMENTS: Final = 2**40

_BATCH_NORM: Final = BatchNorm()
_ACTIVATIONS: Final[dict[str, Operator]] = {name: OPERATOR_BY_NAME[name]() for name in ACTIVATIONS}


#: What the names of a backbone's layers start with.
BACKBONE: Final = "backbone/"


class _LastRowError(Exception):
    """The last row that is kept of a backbone has been built."""

    def __init__(self, tensor: Tensor) -> None:
        super().__init__("the last row has been built")
        self.tensor = tensor


class Builder:
    """Runs a table once, at one configuration or an array of them.

    Parameters
    ----------
    base_channels
        Input channels of every block at alpha 1, by the block's path; None where alpha is 1.
    """

    def __init__(
        self,
        spec: ArchitectureSpec,
        alpha: float,
        input_shape: TensorShape,
        options: Mapping[str, OptionValue],
        base_channels: Mapping[str, Any] | None = None,
    ) -> None:
        self.spec = spec
        self.alpha = alpha
        self.input_shape = input_shape
        self.options = options
        self.base_channels = base_channels
        self.layers: list[Layer] = []
        self.names: set[str] = set()
        self.block_channels: dict[str, Any] = {}
        self.steps = 0

    def build(self) -> LayerGraph:
        """The graph.

        Raises
        ------
        InputError
            If a row cannot be built at this configuration.
        """
        shape = self.input_shape
        tensors = {name: Tensor(NETWORK_INPUT, extra) for name, extra in self.spec.extra_inputs.items()}
        rule = self.spec.width
        shared = shared_values(self.options, self.alpha, rule, shape)
        scope = Scope(dict(shared), {"input": Tensor(NETWORK_INPUT, shape), **tensors}, "", shared, rule)
        outputs = self._outputs(scope, self._run(self.spec.rows, scope, scope.tensors["input"]))
        return LayerGraph(
            self.spec.name,
            self.spec.title,
            self.alpha,
            shape.height,
            dict(self.options),
            shape,
            tuple(self.layers),
            outputs,
            tuple(self.spec.extra_inputs.values()),
        )

    def _outputs(self, scope: Scope, last: Tensor) -> tuple[int, ...]:
        spec = self.spec
        if not self.layers:
            fail("MB207", "the network has no layer: no row's `when` holds", spec.rows[0].frame.place("when"))
        if not spec.outputs:
            return (last.producer,)
        places = spec.output_locations or (None,) * len(spec.outputs)
        tensors = self._tensors(spec.outputs, places, scope)
        return tuple([tensor.producer for tensor in tensors])

    # -- rows ---------------------------------------------------------------------------------------------------------

    def _run(self, rows: tuple[Row, ...], scope: Scope, x: Tensor, *, repeats: bool = False) -> Tensor:
        """Run rows one after the other; names get numbers if `repeats`, as the rows of a group do."""
        for row in rows:
            x = self._repeated(row, scope, x, repeats=repeats)
        return x

    def _repeated(self, row: Row, scope: Scope, x: Tensor, *, repeats: bool) -> Tensor:
        """Run a row with its repeats."""
        frame = row.frame
        try:
            if frame.repeat == 1:
                return self._row(row, scope, x, 0, repeats=repeats)
            scope.see(x, 0)
            count = scope.repeat(frame)
            for index in range(count):
                x = self._row(row, scope, x, index, repeats=repeats or count > 1)
        except OperatorError as error:
            place = frame.place("op")
            fail("MB204", str(error) if place.line else f"`{frame.name}`: {error}", place)
        return x

    def _row(self, row: Row, scope: Scope, x: Tensor, index: int, *, repeats: bool) -> Tensor:
        frame = row.frame
        self.steps += 1
        if self.steps > MAX_STEPS:
            fail("MB208", f"more than {MAX_STEPS} rows, with all repeats", frame.place("repeat", "op"))
        inputs = self._tensors(frame.inputs, frame.input_locations, scope) if frame.inputs else (x,)
        if frame.in_channels is not None or frame.declared is not None:
            inputs = (self._arrive(frame, inputs[0], index, scope), *inputs[1:])
        x = inputs[0]
        if scope.block is None:
            scope.see(x, index)
        if frame.when is not None and not scope.holds(frame):
            result = x
        elif isinstance(row, GroupRow):
            result = self._run(row.rows, scope, x, repeats=repeats)
        elif isinstance(row, BackboneRow):
            result = self._backbone(row, scope, x)
        else:
            result = self._named(row, scope, inputs, index, repeats=repeats)
        if frame.name is not None:
            scope.tensors[frame.name] = result
        return result

    def _named(
        self, row: LayerRow | BlockRow, scope: Scope, inputs: tuple[Tensor, ...], index: int, *, repeats: bool
    ) -> Tensor:
        """Run an operator or a block under a name of its own."""
        word = row.operator.op if isinstance(row, LayerRow) else row.block.name
        name = scope.name(row.frame.name, word, repeats)
        path = f"{scope.prefix}{name}"
        if path in self.names:
            hint = "give one of the rows another `name`"
            fail("MB206", f"two rows are called `{path}`", row.frame.place("name", "op"), hint)
        self.names.add(path)
        if isinstance(row, LayerRow):
            result = self._layer(row, scope, inputs, index, path)
        else:
            result = self._block(row, scope, inputs[0], index, path)
        scope.tensors[name] = result
        if name == scope.until:
            raise _LastRowError(result)
        return result

    def _arrive(self, frame: RowFrame, x: Tensor, index: int, scope: Scope) -> Tensor:
        """The input of a row; refuses numbers of channels that do not fit imported weights."""
        wanted = frame.in_channels
        if wanted is not None and not all_true(x.shape.channels == wanted):
            given = x.shape.channels
            raise OperatorError(
                f"its weights are made for {wanted} input channels, at this configuration it gets {given}"
            )
        return x

    def _tensors(self, names: tuple[str, ...], places: tuple[Location | None, ...], scope: Scope) -> tuple[Tensor, ...]:
        """The tensors that a row, or the table's outputs, name; every name that does not exist is reported."""
        tensors: list[Tensor] = []
        problems: list[Problem] = []
        for i, name in enumerate(names):
            tensor = scope.tensors.get(name) or self._inner(f"{scope.prefix}{name}")
            if tensor is None:
                problems.append(self._unknown(name, scope, places[i] if i < len(places) else None))
            else:
                tensors.append(tensor)
        if problems:
            raise InputError(problems)
        return tuple(tensors)

    def _inner(self, path: str) -> Tensor | None:
        """The output of a layer inside a block, by its full name."""
        for layer in self.layers:
            if layer.name == path:
                return Tensor(layer.position, layer.output_shape)
        return None

    def _unknown(self, name: str, scope: Scope, place: Location | None) -> Problem:
        if scope.block is None and any(row.frame.name == name for row in self.spec.rows):
            return Problem("MB202", f"the row `{name}` comes later in the table", place, "inputs come from rows above")
        hint = did_you_mean(name, scope.tensors) or f"known here: {', '.join(list(scope.tensors)[:12])}"
        return Problem("MB202", f"no row above is called `{name[:60]}`", place, hint)

    # -- blocks and layers --------------------------------------------------------------------------------------------

    def _block(self, row: BlockRow, outer: Scope, x: Tensor, index: int, path: str) -> Tensor:
        block = row.block
        height, width, channels = x.shape
        self.block_channels[path] = channels
        values = {**outer.shared, **block.parameters, **row.arguments}
        for item in row.expressions:
            values[item.name] = outer.field(item)
        if row.width is not None:
            values["out"] = outer.width(row.width)
        if index > 0 and "stride" in values:
            values["stride"] = 1
        values["in_channels"], values["in_height"], values["in_width"], values["index"] = channels, height, width, index
        base = self.base_channels
        values["base_in_channels"] = channels if base is None else base.get(path, channels)
        scope = outer.inside(path, values, x)
        try:
            result = self._run(block.rows, scope, x)
            return result if block.output is None else self._tensors((block.output,), (block.location,), scope)[0]
        except InputError as error:
            used = f"block `{block.name}` is used on line {row.frame.location.line}"
            raise InputError([p if p.hint else replace(p, hint=used) for p in error.problems]) from None

    def _backbone(self, row: BackboneRow, outer: Scope, x: Tensor) -> Tensor:
        """Run another table up to its last row that is kept, and name its taps."""
        spec, frame = row.architecture, row.frame
        options = {**spec.options, **{name: outer.option(value, frame) for name, value in row.options.items()}}
        shared = shared_values(options, self.alpha, spec.width, self.input_shape)
        atrous = None if row.output_stride is None else Atrous(outer.output_stride(row.output_stride, frame))
        scope = Scope(dict(shared), {"input": x}, BACKBONE, shared, spec.width, until=row.until, atrous=atrous)
        try:
            x = self._run(spec.rows, scope, x)
            if row.until is not None:
                raise InputError([self._unknown(row.until, scope, frame.place("until"))])
        except _LastRowError as reached:
            x = reached.tensor
        places = tuple([frame.place(f"taps/{name}") for name in row.taps])
        tapped = self._tensors(tuple(row.taps.values()), places, scope)
        outer.tensors.update(zip(row.taps, tapped, strict=True))
        return x

    def _layer(self, row: LayerRow, scope: Scope, inputs: tuple[Tensor, ...], index: int, path: str) -> Tensor:
        fields = dict(row.constants)
        for item in row.expressions:
            fields[item.name] = scope.field(item)
        if row.width is not None:
            fields["out"] = scope.width(row.width)
        if index > 0 and "stride" in fields:
            fields["stride"] = (1, 1)
        if scope.atrous is not None:
            scope.atrous.apply(fields, row.operator)
        block, location = scope.block or path, row.frame.location
        if len(inputs) != 1 or row.operator.arity[0] != 1:
            _check_arity(row.operator, len(inputs))
        x = self._append(row.operator(**fields), inputs, path, block, location)
        if not (row.frame.owns_weights and row.frame.trained):
            owned, trained = row.frame.owns_weights, row.frame.trained
            self.layers[-1] = self.layers[-1]._replace(owns_weights=owned, trained=trained)
        if row.norm is not None:
            x = self._append(_BATCH_NORM, (x,), f"{path}/batch_norm", block, location)
        activation = row.activation
        if row.activation_parameter is not None:
            activation = scope.activation(row.activation_parameter, location)
        if activation is not None:
            function = _ACTIVATIONS[activation]
            if row.slope is not None and activation == LeakyRelu.op:
                function = LeakyRelu(row.slope if isinstance(row.slope, float) else scope.field(row.slope))
            x = self._append(function, (x,), f"{path}/{activation}", block, location)
        return x

    def _append(
        self, operator: Operator, inputs: tuple[Tensor, ...], name: str, block: str, location: Location
    ) -> Tensor:
        layers = self.layers
        position = len(layers)
        if position >= MAX_LAYERS:
            fail("MB208", f"more than {MAX_LAYERS} layers", location)
        if len(inputs) == 1:
            producer, shape = inputs[0]
            producers, shapes = (producer,), (shape,)
        else:
            producers, shapes = zip(*inputs, strict=True)
        output = operator.output_shape(shapes)
        cost = operator.cost(shapes, output)
        elements = cost.output_elements
        if is_scalar(elements) and elements > MAX_ELEMENTS:
            fail("MB208", f"`{name}` would have {output} elements", location)
        layers.append(Layer(position, name, block, operator, producers, shapes, output, cost, location))
        return Tensor(position, output)


def _check_arity(operator: type[Operator], given: int) -> None:
    least, most = operator.arity
    if given < least or (most is not None and given > most):
        wanted = f"{least}" if most == least else f"at least {least}"
        raise OperatorError(f"`{operator.op}` takes {wanted} input{'s' * (least > 1)}, this row has {given}")

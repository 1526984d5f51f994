"""From a graph's layers to a program: one function an operator, and what becomes of batch norms and clamps."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from mbcost.exporters.program import (
    CLAMPED,
    NO_PADS,
    PRODUCTS,
    Clamp,
    LackingError,
    Node,
    Pads,
    Program,
    Shape,
    Tensor,
)
from mbcost.exporters.weights import CONFIDENT, HALVED, LINEAR, Weights
from mbcost.graph import Layer, LayerGraph
from mbcost.graph.layer import NETWORK_INPUT
from mbcost.operators import (
    Activation,
    AdaptiveAvgPool2d,
    Add,
    AvgPool2d,
    BatchNorm,
    ChannelShuffle,
    Concat,
    Constant,
    Conv2d,
    Crop,
    Dense,
    DepthToSpace,
    DepthwiseConv2d,
    Divide,
    Elu,
    Explicit,
    Flatten,
    Gelu,
    GlobalAvgPool,
    GlobalMaxPool,
    GroupNorm,
    HardSigmoid,
    HardSwish,
    InstanceNorm,
    L2Norm,
    LayerNorm,
    LeakyRelu,
    LocalResponseNorm,
    LogSoftmax,
    Matmul,
    Maximum,
    MaxPool2d,
    Minimum,
    Mish,
    Multiply,
    Operator,
    Pad,
    Prelu,
    Reduce,
    Relu,
    Relu6,
    Reshape,
    Resize,
    Scale,
    Shift,
    Sigmoid,
    Softmax,
    Softplus,
    SpaceToDepth,
    Split,
    Subtract,
    Swish,
    Tanh,
    Tile,
    Transpose,
    TransposedConv2d,
)

#: What a name may not hold: ncnn separates words by spaces, and the writers mark names of their own by a colon.
_FORBIDDEN: Final = re.compile(r"[\s:]")
#: ncnn reads names of at most 255 bytes.
_LONGEST_NAME: Final = 60
#: Added to a variance, as in PyTorch.
_EPSILON: Final = 1e-5
AXES: Final = {"height": 1, "width": 2, "channels": 3}


def lower(graph: LayerGraph, seed: int) -> Program:
    """The program of a graph, with random weights; what cannot be written is in its `lacking`."""
    work = Lowering(graph, seed)
    if graph.extra_inputs:
        work.lack("it has several inputs", "input")
    for layer in graph.layers:
        work.add(layer)
    outputs: list[int] = []
    for i, position in enumerate(graph.outputs):
        found = work.values[position]
        if found in outputs or found == work.values[NETWORK_INPUT]:  # formats want outputs of their own
            found = work.reshape(f"output/{i}", found, work.shape(found))
        outputs.append(found)
    return Program(graph.architecture, work.tensors, work.nodes, work.values[NETWORK_INPUT], outputs, work.lacking)


class Lowering:
    """A program that grows layer by layer.

    Attributes
    ----------
    values
        Position of a layer -> the tensor of its output.
    lacking
        What cannot be written -> names of the layers.
    """

    def __init__(self, graph: LayerGraph, seed: int) -> None:
        self.weights = Weights(seed)
        self.tensors: list[Tensor] = []
        self.nodes: list[Node] = []
        self.values: dict[int, int] = {}
        self.lacking: dict[str, list[str]] = {}
        self._names: set[str] = set()
        #: Tensors of layers that several others read, or that are outputs.
        self._shared: set[int] = set()
        self._made: dict[int, Node] = {}
        self._reads = graph.reads()
        self._outputs = graph.outputs
        self._following: dict[int, list[Layer]] = {position: [] for position in range(NETWORK_INPUT, len(graph.layers))}
        for layer in graph.layers:
            for position in layer.inputs:
                self._following[position].append(layer)
        self.values[NETWORK_INPUT] = self.tensor("input", (1, *map(int, graph.input_shape)))

    def add(self, layer: Layer) -> None:
        """The operators of one layer; of one that cannot be written, nothing but its output."""
        inputs = [self.values[position] for position in layer.inputs]
        rule = LOWERINGS.get(type(layer.operator))
        try:
            if rule is None:
                raise LackingError(f"there is no way to write `{layer.op}`")
            output = rule(self, layer, inputs)
        except LackingError as error:
            self.lack(str(error), layer.name)
            output = self.tensor(layer.name, _extents(layer))
        height, width, channels = map(int, layer.output_shape)
        shape = self.tensors[output].shape
        assert shape in ((1, height, width, channels), (height, width, channels)[1:]), (layer.name, shape)
        self.values[layer.position] = output
        if self._reads[layer.position] != 1:
            self._shared.add(output)

    def lack(self, what: str, layer: str) -> None:
        """Note what cannot be written."""
        self.lacking.setdefault(what, []).append(layer)

    def tensor(self, name: str, shape: Shape, data: Any = None) -> int:
        """A new tensor, its name made one that no other has and that every format takes."""
        name = unique = _FORBIDDEN.sub("_", name)[:_LONGEST_NAME]
        count = 1
        while unique in self._names:
            count += 1
            unique = f"{name}_{count}"
        self._names.add(unique)
        self.tensors.append(Tensor(unique, shape, None if data is None else np.ascontiguousarray(data, np.float32)))
        return len(self.tensors) - 1

    def constant(self, name: str, data: Any) -> int:
        return self.tensor(name, np.shape(data), data)

    def node(self, op: str, name: str, inputs: Sequence[int], shape: Shape, **settings: Any) -> int:
        """A new operator; its output."""
        output = self.tensor(name, shape)
        node = Node(op, self.tensors[output].name, list(inputs), output, settings)
        self.nodes.append(node)
        self._made[output] = node
        return output

    def reshape(self, name: str, tensor: int, shape: Shape) -> int:
        """The same elements under another shape."""
        return self.node("reshape", name, [tensor], shape, target=shape)

    def shape(self, tensor: int) -> Shape:
        return self.tensors[tensor].shape

    def as_map(self, tensor: int, name: str) -> int:
        """A tensor with height and width."""
        shape = self.shape(tensor)
        if len(shape) == 4:
            return tensor
        return self.reshape(f"{name}/map", tensor, (1, 1, 1, shape[-1]))

    def as_vector(self, tensor: int, name: str) -> int:
        """A tensor of one pixel without height and width."""
        shape = self.shape(tensor)
        if len(shape) == 2:
            return tensor
        return self.reshape(f"{name}/vector", tensor, (1, shape[-1]))

    def maker(self, tensor: int) -> Node | None:
        """The operator that makes a tensor, if nothing but one layer reads it, which may then be fused into it."""
        node = None if tensor in self._shared else self._made.get(tensor)
        return node if node is not None and node.clamp == "none" else None

    def is_operand(self, layer: Layer) -> bool:
        """Whether element-wise arithmetic alone reads a layer."""
        readers = self._following[layer.position]
        return layer.position not in self._outputs and all(reader.op in _ARITHMETIC for reader in readers)

    def gain(self, layer: Layer) -> float:
        """The variance gain of a product: smaller where it ends a branch, its batch norm and activation aside."""
        found, halved = layer, False
        while len(self._following[found.position]) == 1:
            found = self._following[found.position][0]
            halved |= found.op in _HALVING
            if found.op not in _HALVING | _PASSING:
                break
        if found.op in ("softmax", "log_softmax"):
            return CONFIDENT
        return HALVED if halved and found.op != "add" else LINEAR


Rule: TypeAlias = Callable[[Lowering, Layer, list[int]], int]

_HALVING: Final = frozenset(
    operator.op for operator in (Relu, Relu6, LeakyRelu, Prelu, Elu, Swish, HardSwish, Gelu, Sigmoid, HardSigmoid, Tanh)
)

#: Operators that a constant may be an input of.
_ARITHMETIC: Final = frozenset(operator.op for operator in (Add, Subtract, Multiply, Divide, Maximum, Minimum))
#: What lies between a product and the layer that its spread is chosen for.
_PASSING: Final = frozenset(operator.op for operator in (BatchNorm, GlobalAvgPool, Flatten, Reshape))


def _extents(layer: Layer) -> Shape:
    """The output as a map."""
    return (1, *map(int, layer.output_shape))


def _ends(size: int, out: int, reach: int, stride: int, padding: object, axis: int) -> tuple[int, int]:
    """Elements to add before and after an axis."""
    needed = (out - 1) * stride + reach - size
    if padding == "same":
        total = max(needed, 0)
        return total // 2, total - total // 2
    before = after = 0
    if isinstance(padding, Explicit):
        before, after = (padding.top, padding.bottom) if axis == 0 else (padding.left, padding.right)
    return before, max(after, needed - before)


def _pads(x: Shape, y: Shape, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int], how: Any) -> Pads:
    """What a window needs around its map, whatever the rule that says so."""
    ends = [
        _ends(x[1 + axis], y[1 + axis], dilation[axis] * (kernel[axis] - 1) + 1, stride[axis], how, axis)
        for axis in (0, 1)
    ]
    return (*ends[0], *ends[1])


def _bias(work: Lowering, layer: Layer, out: int, *, wanted: bool) -> list[int]:
    return [work.constant(f"{layer.name}/bias", work.weights.shifts((out,)))] if wanted else []


def _convolution(work: Lowering, layer: Layer, inputs: list[int]) -> int:
    operator = layer.operator
    assert isinstance(operator, Conv2d)
    x = work.as_map(inputs[0], layer.name)
    channels, out, groups = work.shape(x)[3], int(operator.out), int(operator.groups)
    if groups == channels and groups > 1:
        return _depthwise_window(work, layer, x, out)
    kernel, y = operator.kernel, _extents(layer)
    taps = kernel[0] * kernel[1]
    per_group = channels // groups
    data = work.weights.product((out, *kernel, per_group), taps * per_group, work.gain(layer))
    constants = [work.constant(f"{layer.name}/weights", data), *_bias(work, layer, out, wanted=operator.bias)]
    pads = _pads(work.shape(x), y, kernel, operator.stride, operator.dilation, operator.padding)
    settings = {"stride": operator.stride, "dilation": operator.dilation, "pads": pads, "groups": groups}
    return work.node("conv", layer.name, [x, *constants], y, **settings)


def _depthwise(work: Lowering, layer: Layer, inputs: list[int]) -> int:
    x = work.as_map(inputs[0], layer.name)
    return _depthwise_window(work, layer, x, int(layer.output_shape.channels))


def _depthwise_window(work: Lowering, layer: Layer, x: int, out: int) -> int:
    operator = layer.operator
    assert isinstance(operator, (Conv2d, DepthwiseConv2d))
    kernel, y = operator.kernel, _extents(layer)
    data = work.weights.product((1, *kernel, out), kernel[0] * kernel[1], work.gain(layer))
    constants = [work.constant(f"{layer.name}/weights", data), *_bias(work, layer, out, wanted=operator.bias)]
    pads = _pads(work.shape(x), y, kernel, operator.stride, operator.dilation, operator.padding)
    settings = {"stride": operator.stride, "dilation": operator.dilation, "pads": pads}
    return work.node("depthwise", layer.name, [x, *constants], y, **settings)


def _transposed(work: Lowering, layer: Layer, inputs: list[int]) -> int:
    operator = layer.operator
    assert isinstance(operator, TransposedConv2d)
    x = work.as_map(inputs[0], layer.name)
    channels, out, groups = work.shape(x)[3], int(operator.out), int(operator.groups)
    if groups > 1 or operator.dilation != (1, 1):
        raise LackingError("a transposed convolution with groups or dilation")
    kernel, stride, y = operator.kernel, operator.stride, _extents(layer)
    taps = kernel[0] * kernel[1]
    inputs_of_one = max(taps // (stride[0] * stride[1]), 1) * channels
    data = work.weights.product((out, *kernel, channels), inputs_of_one, work.gain(layer))
    constants = [work.constant(f"{layer.name}/weights", data), *_bias(work, layer, out, wanted=operator.bias)]
    crops: list[int] = []
    for axis in (0, 1):
        full = (work.shape(x)[1 + axis] - 1) * stride[axis] + kernel[axis]
        surplus = full - y[1 + axis]
        before = max(surplus, 0) // 2
        if isinstance(operator.padding, Explicit):
            before = operator.padding.top if axis == 0 else operator.padding.left
        elif operator.padding == "valid":
            before = 0
        if surplus < before:
            raise LackingError("a transposed convolution whose output is larger than its windows reach")
        crops += [before, surplus - before]
    return work.node("transposed_conv", layer.name, [x, *constants], y, stride=stride, crops=tuple(crops))


def _dense(work: Lowering, layer: Layer, inputs: list[int]) -> int:
    """A product with a vector; of a map, the 1x1 convolution that it is."""
    operator, y = layer.operator, _extents(layer)
    assert isinstance(operator, Dense)
    if operator.sequential:
        raise LackingError("a recurrent layer")
    channels, out = work.shape(inputs[0])[-1], int(operator.out)
    data = work.weights.product((out, channels), channels, work.gain(layer))
    bias = _bias(work, layer, out, wanted=operator.bias)
    if y[1:3] == (1, 1):
        x = work.as_vector(inputs[0], layer.name)
        weights = work.constant(f"{layer.name}/weights", data)
        return work.node("dense", layer.name, [x, weights, *bias], (1, out))
    weights = work.constant(f"{layer.name}/weights", data.reshape(out, 1, 1, channels))
    settings = {"stride": (1, 1), "dilation": (1, 1), "pads": NO_PADS, "groups": 1}
    return work.node("conv", layer.name, [inputs[0], weights, *bias], y, **settings)


def _batch_norm(work: Lowering, layer: Layer, inputs: list[int]) -> int:
    """Folded into the product before it, or a scale and a shift."""
    (x,) = inputs
    channels = work.shape(x)[-1]
    scale, shift = work.weights.scales((channels,)), work.weights.shifts((channels,))
    product = work.maker(x)
    if product is None or product.op not in PRODUCTS:
        scaled = _with_constant(work, "multiply", f"{layer.name}/scale", x, scale, norm=True)
        return _with_constant(work, "add", layer.name, scaled, shift, norm=True)
    weights = work.tensors[product.inputs[1]]
    assert weights.data is not None
    depthwise = product.op == "depthwise"
    weights.data *= scale if depthwise else scale.reshape(-1, *[1] * (weights.data.ndim - 1))
    if len(product.inputs) > 2:
        bias = work.tensors[product.inputs[2]]
        assert bias.data is not None
        bias.data = bias.data * scale + shift
    else:
        product.inputs.append(work.constant(f"{product.name}/bias", shift))
    return x


def _with_constant(work: Lowering, op: str, name: str, x: int, data: Any, *, norm: bool = False) -> int:
    """A product or sum with a constant; `norm` where the two of them are a batch norm."""
    return work.node(op, name, [x, work.constant(f"{name}/constant", data)], work.shape(x), norm=norm)


def _clamp(kind: Clamp) -> Rule:
    """A ReLU: of the operator before it if that has room, else one of its own."""

    def rule(work: Lowering, layer: Layer, inputs: list[int]) -> int:
        maker = work.maker(inputs[0])
        if maker is not None and maker.op in CLAMPED:
            maker.clamp = kind
            return inputs[0]
        return work.node(kind, layer.name, inputs, work.shape(inputs[0]))

    return rule


def _function(op: str) -> Rule:
    """A function of each element, or of each pixel's channels."""

    def rule(work: Lowering, layer: Layer, inputs: list[int]) -> int:
        return work.node(op, layer.name, inputs, work.shape(inputs[0]))

    return rule


def _leaky_relu(work: Lowering, layer: Layer, inputs: list[int]) -> int:
    assert isinstance(layer.operator, LeakyRelu)
    return work.node("leaky_relu", layer.name, inputs, work.shape(inputs[0]), slope=float(layer.operator.slope))


def _prelu(work: Lowering, layer: Layer, inputs: list[int]) -> int:
    slopes = work.constant(f"{layer.name}/slopes", work.weights.slopes((work.shape(inputs[0])[-1],)))
    return work.node("prelu", layer.name, [inputs[0], slopes], work.shape(inputs[0]))


def _arithmetic(op: str) -> Rule:
    """Two inputs or more, one after the other."""

    def rule(work: Lowering, layer: Layer, inputs: list[int]) -> int:
        if any(len(work.shape(x)) == 4 for x in inputs):
            inputs = [work.as_map(x, f"{layer.name}/{i}") for i, x in enumerate(inputs)]
        total = inputs[0]
        for i, x in enumerate(inputs[1:], start=1):
            shape = tuple(np.broadcast_shapes(work.shape(total), work.shape(x)))
            name = layer.name if i == len(inputs) - 1 else f"{layer.name}/{i}"
            total = work.node(op, name, [total, x], shape)
        return total

    return rule


def _constants(op: str) -> Rule:
    """A product or sum with as many constants as were trained: one, one a channel, or one an element."""

    def rule(work: Lowering, layer: Layer, inputs: list[int]) -> int:
        assert isinstance(layer.operator, (Scale, Shift))
        (x,), count = inputs, int(layer.operator.weights)
        shape = work.shape(x)
        wanted = {1: (1,), 0: (1,), shape[-1]: (shape[-1],), int(np.prod(shape)): shape}.get(count)
        if wanted is None:
            raise LackingError(f"a `{layer.op}` with {count} constants of unknown place")
        data = work.weights.scales(wanted) if op == "multiply" else work.weights.shifts(wanted)
        return _with_constant(work, op, layer.name, x, data)

    return rule


def _pool(op: str) -> Rule:
    """A mean leaves the padding out with SAME, as in TensorFlow, and counts it as zeros otherwise, as in PyTorch."""

    def rule(work: Lowering, layer: Layer, inputs: list[int]) -> int:
        operator, y = layer.operator, _extents(layer)
        assert isinstance(operator, (MaxPool2d, AvgPool2d))
        x = work.as_map(inputs[0], layer.name)
        pads = _pads(work.shape(x), y, operator.kernel, operator.stride, (1, 1), operator.padding)
        settings: dict[str, Any] = {"kernel": operator.kernel, "stride": operator.stride, "pads": pads}
        if op == "avg_pool":
            settings["counts_padding"] = operator.padding != "same" and pads != NO_PADS
        return work.node(op, layer.name, [x], y, **settings)

    return rule


def _global_pool(op: str) -> Rule:
    def rule(work: Lowering, layer: Layer, inputs: list[int]) -> int:
        x = work.as_map(inputs[0], layer.name)
        return work.node(op, layer.name, [x], _extents(layer))

    return rule


def _adaptive_pool(work: Lowering, layer: Layer, inputs: list[int]) -> int:
    """A pooling where the windows are alike; else rows, then columns, window by window."""
    x, y = work.as_map(inputs[0], layer.name), _extents(layer)
    shape = work.shape(x)
    if y == shape:
        return x
    if y[1:3] == (1, 1):
        return work.node("global_avg_pool", layer.name, [x], y)
    if shape[1] % y[1] == 0 and shape[2] % y[2] == 0:
        kernel = (shape[1] // y[1], shape[2] // y[2])
        settings = {"kernel": kernel, "stride": kernel, "pads": NO_PADS, "counts_padding": False}
        return work.node("avg_pool", layer.name, [x], y, **settings)
    for axis in (1, 2):
        x = _windows_along(work, layer.name, x, axis, y[axis])
    return x


def _windows_along(work: Lowering, name: str, x: int, axis: int, count: int) -> int:
    """Means of windows that tile an axis (see :class:`~mbcost.operators.AdaptiveAvgPool2d`)."""
    shape = work.shape(x)
    extent = shape[axis]
    if count == extent:
        return x
    parts = []
    for i in range(count):
        start, stop = i * extent // count, -(-(i + 1) * extent // count)
        part_name = f"{name}/{'height' if axis == 1 else 'width'}{i}"
        part = _slice(work, f"{part_name}/slice", x, axis, start, stop - start)
        if stop - start > 1:
            kernel = (stop - start, 1) if axis == 1 else (1, stop - start)
            settings = {"kernel": kernel, "stride": (1, 1), "pads": NO_PADS, "counts_padding": False}
            part = work.node("avg_pool", part_name, [part], _resized(shape, axis, 1), **settings)
        parts.append(part)
    whole = f"{name}/{'height' if axis == 1 else 'width'}"
    return work.node("concat", whole, parts, _resized(shape, axis, count), axis=axis)


def _resized(shape: Shape, axis: int, extent: int) -> Shape:
    return (*shape[:axis], extent, *shape[axis + 1 :])


def _slice(work: Lowering, name: str, x: int, axis: int, start: int, size: int) -> int:
    return work.node("slice", name, [x], _resized(work.shape(x), axis, size), axis=axis, start=start, size=size)


def _split(work: Lowering, layer: Layer, inputs: list[int]) -> int:
    operator, x = layer.operator, work.as_map(inputs[0], layer.name)
    assert isinstance(operator, Split)
    axis = AXES[operator.axis]
    extent = work.shape(x)[axis]
    sizes = [int(size) for size in operator.sizes] or [extent // operator.parts] * operator.parts
    return _slice(work, layer.name, x, axis, sum(sizes[: operator.part]), sizes[operator.part])


def _concat(work: Lowering, layer: Layer, inputs: list[int]) -> int:
    assert isinstance(layer.operator, Concat)
    axis = AXES[layer.operator.axis]
    vectors = axis == 3 and all(len(work.shape(x)) == 2 for x in inputs)
    parts = inputs if vectors else [work.as_map(x, f"{layer.name}/{i}") for i, x in enumerate(inputs)]
    if len(parts) == 1:
        return parts[0]
    shape = (1, int(layer.output_shape.channels)) if vectors else _extents(layer)
    return work.node("concat", layer.name, parts, shape, axis=1 if vectors else axis)


def _flatten(work: Lowering, layer: Layer, inputs: list[int]) -> int:
    shape = (1, int(layer.output_shape.channels))
    return inputs[0] if work.shape(inputs[0]) == shape else work.reshape(layer.name, inputs[0], shape)


def _reshape(work: Lowering, layer: Layer, inputs: list[int]) -> int:
    return work.reshape(layer.name, inputs[0], _extents(layer))


def _pad(work: Lowering, layer: Layer, inputs: list[int]) -> int:
    operator, x = layer.operator, work.as_map(inputs[0], layer.name)
    assert isinstance(operator, Pad)
    around = operator.padding
    pads = (around.top, around.bottom, around.left, around.right)
    return work.node("pad", layer.name, [x], _extents(layer), pads=pads, channels=operator.channels)


def _resize(work: Lowering, layer: Layer, inputs: list[int]) -> int:
    assert isinstance(layer.operator, Resize)
    x = work.as_map(inputs[0], layer.name)
    y = _extents(layer)
    return work.node("resize", layer.name, [x], y, method=layer.operator.method, size=y[1:3])


def _reduce(work: Lowering, layer: Layer, inputs: list[int]) -> int:
    """The maximum: a table does not say which reduction it is."""
    operator, x = layer.operator, work.as_map(inputs[0], layer.name)
    assert isinstance(operator, Reduce)
    chosen = (operator.height, operator.width, operator.channels)
    axes = tuple(axis for axis, chosen_one in enumerate(chosen, start=1) if chosen_one)
    return work.node("reduce_max", layer.name, [x], _extents(layer), axes=axes)


def _l2_norm(work: Lowering, layer: Layer, inputs: list[int]) -> int:
    """Times a trained scale of about 20, the start value of Liu et al. 2015, arXiv:1506.04579."""
    assert isinstance(layer.operator, L2Norm)
    x = work.shape(inputs[0])
    if not layer.operator.affine:
        return work.node("l2_norm", layer.name, inputs, x)
    norm = work.node("l2_norm", f"{layer.name}/norm", inputs, x)
    return _with_constant(work, "multiply", layer.name, norm, 20 * work.weights.scales((x[-1],)))


def _normalize(work: Lowering, layer: Layer, inputs: list[int]) -> int:
    """Taken apart, as converters do for TFLite: ``(x - mean) / sqrt(variance + epsilon)``, then scale and shift."""
    operator, (x,), name = layer.operator, inputs, layer.name
    assert isinstance(operator, (LayerNorm, InstanceNorm, GroupNorm))
    ops = ["channel_mean"] if isinstance(operator, LayerNorm) else ["global_avg_pool"]
    if isinstance(operator, GroupNorm) and int(operator.groups) != work.shape(x)[-1]:
        if int(operator.groups) != 1:
            raise LackingError("a group norm of several groups")
        ops = ["global_avg_pool", "channel_mean"]
    if ops[0] == "global_avg_pool":
        x = work.as_map(x, name)
    mean = _mean(work, f"{name}/mean", x, ops)
    centred = work.node("subtract", f"{name}/centred", [x, mean], work.shape(x))
    squares = work.node("multiply", f"{name}/squares", [centred, centred], work.shape(x))
    variance = _mean(work, f"{name}/variance", squares, ops)
    raised = _with_constant(work, "add", f"{name}/raised", variance, np.full((1,), _EPSILON, np.float32))
    inverse = work.node("rsqrt", f"{name}/inverse", [raised], work.shape(raised))
    if not operator.affine:
        return work.node("multiply", name, [centred, inverse], work.shape(x))
    normal = work.node("multiply", f"{name}/normal", [centred, inverse], work.shape(x))
    channels = (work.shape(x)[-1],)
    scaled = _with_constant(work, "multiply", f"{name}/scaled", normal, work.weights.scales(channels))
    return _with_constant(work, "add", name, scaled, work.weights.shifts(channels))


def _mean(work: Lowering, name: str, x: int, ops: Sequence[str]) -> int:
    for op in ops:
        shape = work.shape(x)
        smaller = (*shape[:-1], 1) if op == "channel_mean" else (1, 1, 1, shape[-1])
        x = work.node(op, name, [x], smaller)
    return x


def _local_response_norm(work: Lowering, layer: Layer, inputs: list[int]) -> int:
    assert isinstance(layer.operator, LocalResponseNorm)
    x, size = work.as_map(inputs[0], layer.name), int(layer.operator.size)
    if size % 2 == 0:
        raise LackingError("a local response norm over an even number of channels")
    return work.node("lrn", layer.name, [x], work.shape(x), size=size)


def _matmul(work: Lowering, layer: Layer, inputs: list[int]) -> int:
    assert isinstance(layer.operator, Matmul)
    parts = [work.as_map(x, f"{layer.name}/{i}") for i, x in enumerate(inputs)]
    if work.shape(parts[1])[1] != work.shape(parts[0])[1]:
        raise LackingError("a product of several matrices with one")
    return work.node("matmul", layer.name, parts, _extents(layer), transpose_b=layer.operator.transpose_b)


def _transpose(work: Lowering, layer: Layer, inputs: list[int]) -> int:
    """The order that gives the output's shape; else width and channels change places before a reshape."""
    x, y = work.as_map(inputs[0], layer.name), _extents(layer)
    shape = work.shape(x)
    orders = [(0, *order) for order in itertools.permutations((1, 2, 3))][1:]
    fitting = [order for order in orders if tuple(shape[axis] for axis in order) == y]
    if fitting:
        return work.node("transpose", layer.name, [x], y, order=fitting[0])
    order = (0, 1, 3, 2)
    turned = work.node("transpose", f"{layer.name}/turned", [x], tuple(shape[axis] for axis in order), order=order)
    return work.reshape(layer.name, turned, y)


def _crop(work: Lowering, layer: Layer, inputs: list[int]) -> int:
    """The first elements along each axis: a table does not say which part it is."""
    x, y = work.as_map(inputs[0], layer.name), _extents(layer)
    changed = [axis for axis in (1, 2, 3) if work.shape(x)[axis] != y[axis]]
    for axis in changed:
        name = layer.name if axis == changed[-1] else f"{layer.name}/{axis}"
        x = _slice(work, name, x, axis, 0, y[axis])
    return x


def _tile(work: Lowering, layer: Layer, inputs: list[int]) -> int:
    """Joined with itself along each axis."""
    x, y = work.as_map(inputs[0], layer.name), _extents(layer)
    changed = [axis for axis in (1, 2, 3) if work.shape(x)[axis] != y[axis]]
    for axis in changed:
        shape = work.shape(x)
        name = layer.name if axis == changed[-1] else f"{layer.name}/{axis}"
        x = work.node("concat", name, [x] * (y[axis] // shape[axis]), _resized(shape, axis, y[axis]), axis=axis)
    return x


def _constant(work: Lowering, layer: Layer, _: list[int]) -> int:
    if not work.is_operand(layer):
        raise LackingError("a constant that something else than arithmetic reads")
    return work.constant(layer.name, work.weights.shifts(_extents(layer)))


def _shuffle(work: Lowering, layer: Layer, inputs: list[int]) -> int:
    assert isinstance(layer.operator, ChannelShuffle)
    x = work.as_map(inputs[0], layer.name)
    return work.node("channel_shuffle", layer.name, [x], work.shape(x), groups=int(layer.operator.groups))


def _block(op: str) -> Rule:
    def rule(work: Lowering, layer: Layer, inputs: list[int]) -> int:
        assert isinstance(layer.operator, (SpaceToDepth, DepthToSpace))
        x = work.as_map(inputs[0], layer.name)
        return work.node(op, layer.name, [x], _extents(layer), block=int(layer.operator.block))

    return rule


def _activation(*operators: type[Activation]) -> dict[type[Operator], Rule]:
    return {operator: _function(operator.op) for operator in operators}


#: operator -> what makes its primitive operators
LOWERINGS: Final[dict[type[Operator], Rule]] = {
    Conv2d: _convolution,
    DepthwiseConv2d: _depthwise,
    TransposedConv2d: _transposed,
    Dense: _dense,
    BatchNorm: _batch_norm,
    Relu: _clamp("relu"),
    Relu6: _clamp("relu6"),
    **_activation(Elu, Sigmoid, HardSigmoid, Swish, HardSwish, Tanh, Gelu, Mish, Softplus),
    LeakyRelu: _leaky_relu,
    Prelu: _prelu,
    Softmax: _function("softmax"),
    LogSoftmax: _function("log_softmax"),
    **{operator: _arithmetic(operator.op) for operator in (Add, Subtract, Multiply, Divide, Maximum, Minimum)},
    Scale: _constants("multiply"),
    Shift: _constants("add"),
    MaxPool2d: _pool("max_pool"),
    AvgPool2d: _pool("avg_pool"),
    GlobalAvgPool: _global_pool("global_avg_pool"),
    GlobalMaxPool: _global_pool("global_max_pool"),
    AdaptiveAvgPool2d: _adaptive_pool,
    L2Norm: _l2_norm,
    **dict.fromkeys((LayerNorm, InstanceNorm, GroupNorm), _normalize),
    LocalResponseNorm: _local_response_norm,
    Matmul: _matmul,
    Transpose: _transpose,
    Crop: _crop,
    Tile: _tile,
    Constant: _constant,
    Reduce: _reduce,
    Concat: _concat,
    Split: _split,
    ChannelShuffle: _shuffle,
    Pad: _pad,
    Resize: _resize,
    DepthToSpace: _block("depth_to_space"),
    SpaceToDepth: _block("space_to_depth"),
    Reshape: _reshape,
    Flatten: _flatten,
}

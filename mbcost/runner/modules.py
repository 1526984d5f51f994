"""From a network's graph to a PyTorch module that runs it, layer by layer, with random weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, Final

from mbcost.errors import fail
from mbcost.graph import NETWORK_INPUT, Layer, LayerGraph
from mbcost.importers.pytorch.isolate import import_torch
from mbcost.numeric import is_scalar
from mbcost.operators import (
    AdaptiveAvgPool2d,
    BatchNorm,
    ChannelShuffle,
    Concat,
    Conv2d,
    Dense,
    DepthToSpace,
    DepthwiseConv2d,
    LeakyRelu,
    LocalResponseNorm,
    Operator,
    Pad,
    Resize,
    SpaceToDepth,
    Split,
    TensorShape,
)
from mbcost.operators.pool import AvgPool2d, MaxPool2d
from mbcost.operators.window import Explicit

#: A step of a module: tensors in, tensor out.
Step = Callable[..., Any]

_AXES: Final = {"channels": 1, "height": 2, "width": 3}
_POOL_SIZE: Final = 2**22


def build_module(graph: LayerGraph, *, inplace: bool = False) -> Any:
    """An ``nn.Module`` for inference that computes the layers of the graph.

    Its input is (batch, channels, height, width). Weights are random, scaled so that activations keep their size.

    Parameters
    ----------
    inplace
        Whether activations overwrite their input where no other layer reads it, as in most published modules.

    Raises
    ------
    InputError
        MB011 without PyTorch, MB400 for an operator that it cannot run.
    """
    torch = import_torch()
    weights = _Weights(torch)
    reads = graph.reads()
    vectors = _vectors(graph)
    steps = [
        _step(
            torch,
            layer,
            weights,
            inplace=inplace and layer.inputs[0] >= 0 and reads[layer.inputs[0]] == 1,
            is_vector=layer.inputs[0] in vectors,
        )
        for layer in graph.layers
    ]
    last_reader = {source: layer.position for layer in graph.layers for source in layer.inputs}
    kept = {*graph.outputs, NETWORK_INPUT}
    dying: dict[int, list[int]] = {}
    for source, reader in last_reader.items():
        if source not in kept:
            dying.setdefault(reader, []).append(source)
    plan = [
        (layer.position, step, layer.inputs, tuple(dying.get(layer.position, ())))
        for layer, step in zip(graph.layers, steps, strict=True)
    ]
    outputs = graph.outputs

    class Network(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.steps = torch.nn.ModuleList([step for step in steps if isinstance(step, torch.nn.Module)])

        def forward(self, x: Any) -> Any:
            values = {NETWORK_INPUT: x}
            for position, step, inputs, dead in plan:
                values[position] = step(*[values[source] for source in inputs])
                for source in dead:
                    del values[source]
            results = [values[output] for output in outputs]
            return results[0] if len(results) == 1 else results

    return Network().eval()


class _Weights:
    """Random weights from one block of normal numbers: drawing each separately would take longer than timing it."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch
        generator = torch.Generator().manual_seed(0)
        self.block = torch.randn(_POOL_SIZE, generator=generator)

    def fill(self, module: Any) -> Any:
        """Weights with the deviation sqrt(2 / inputs of an output) of He et al. 2015 (arXiv:1502.01852); no bias."""
        with self.torch.no_grad():
            weight = module.weight
            flat = weight.view(-1)
            scale = (2.0 / max(1, prod(weight.shape[1:]))) ** 0.5
            for start in range(0, flat.numel(), _POOL_SIZE):
                part = flat[start : start + _POOL_SIZE]
                self.torch.mul(self.block[: part.numel()], scale, out=part)
            if module.bias is not None:
                module.bias.zero_()
        return module


def _vectors(graph: LayerGraph) -> set[int]:
    """Positions of the layers whose output has no height and width: fully connected ones, and what follows them."""
    found: set[int] = set()
    for layer in graph.layers:
        keeps = not isinstance(layer.operator, (Conv2d, DepthwiseConv2d))
        if layer.op in {"flatten", "dense"} or (keeps and all(source in found for source in layer.inputs)):
            found.add(layer.position)
    return found


def _step(torch: Any, layer: Layer, weights: _Weights, *, inplace: bool, is_vector: bool) -> Step:
    """The function of a layer; `is_vector` says whether its input has no height and width."""
    operator, source = layer.operator, layer.input_shapes[0]
    if not all(is_scalar(dim) for dim in source):
        fail("MB010", "a module runs one configuration, not an array of them")
    if isinstance(operator, (Conv2d, DepthwiseConv2d)):
        return _convolution(torch, layer, weights, is_vector=is_vector)
    if isinstance(operator, Dense):
        if source.pixels != 1:
            return _unknown(layer)
        linear = _empty(torch, torch.nn.Linear, source.channels, operator.out, bias=operator.bias)
        filled: Step = weights.fill(linear)
        return filled if is_vector else _reshaped(torch, filled, to_map=False)
    if isinstance(operator, BatchNorm):
        norm: Step = torch.nn.BatchNorm2d(source.channels).requires_grad_(requires_grad=False)
        return norm
    if isinstance(operator, (MaxPool2d, AvgPool2d)):
        return _pooling(torch, operator, source, layer.output_shape)
    if isinstance(operator, LeakyRelu):
        leaky: Step = torch.nn.LeakyReLU(operator.slope, inplace=inplace)
        return leaky
    functions = {**_activations(torch, inplace=inplace), **_functions(torch)}
    if operator.op in functions:
        return functions[operator.op]
    movement = _movement(torch, operator)
    return movement or _unknown(layer)


def _unknown(layer: Layer) -> Step:
    fail("MB400", f"the PyTorch runner cannot run `{layer.op}` (layer {layer.name})", layer.location)


def _empty(torch: Any, kind: Any, *args: Any, **settings: Any) -> Any:
    """A module whose weights are not drawn yet."""
    return torch.nn.utils.skip_init(kind, *args, **settings).requires_grad_(requires_grad=False)


def _symmetric(
    operator: Any, source: TensorShape, output: TensorShape
) -> tuple[tuple[int, int], tuple[int, int, int, int]]:
    """Padding on both sides of height and width, and the padding of a separate step (left, right, top, bottom).

    SAME pads one more at the end where the total is odd; a module pads both ends alike wherever that gives the same
    shape.
    """
    padding, dilation = operator.padding, getattr(operator, "dilation", (1, 1))
    if isinstance(padding, Explicit):
        if (padding.top, padding.left) == (padding.bottom, padding.right):
            return (padding.top, padding.left), (0, 0, 0, 0)
        return (0, 0), (padding.left, padding.right, padding.top, padding.bottom)
    if padding == "valid":
        return (0, 0), (0, 0, 0, 0)
    extents, wanted = (source.height, source.width), (output.height, output.width)
    both, before = [], []
    for axis in range(2):
        stride, reach = operator.stride[axis], dilation[axis] * (operator.kernel[axis] - 1) + 1
        total = max((wanted[axis] - 1) * stride + reach - extents[axis], 0)
        half = -(-total // 2)
        fits = (extents[axis] + 2 * half - reach) // stride + 1 == wanted[axis]
        both.append(half if fits else 0)
        before.append((0, 0) if fits else (total // 2, total - total // 2))
    return (both[0], both[1]), (*before[1], *before[0])


def _padded(torch: Any, step: Step, before: tuple[int, int, int, int]) -> Step:
    if not any(before):
        return step
    pad = torch.nn.ZeroPad2d(before)
    return torch.nn.Sequential(pad, step) if isinstance(step, torch.nn.Module) else lambda x: step(pad(x))


def _convolution(torch: Any, layer: Layer, weights: _Weights, *, is_vector: bool) -> Step:
    operator: Any = layer.operator
    source, output = layer.input_shapes[0], layer.output_shape
    both, before = _symmetric(operator, source, output)
    conv = _empty(
        torch,
        torch.nn.Conv2d,
        source.channels,
        output.channels,
        operator.kernel,
        operator.stride,
        both,
        operator.dilation,
        source.channels if isinstance(operator, DepthwiseConv2d) else operator.groups,
        bias=operator.bias,
    )
    filled = weights.fill(conv)
    return _padded(torch, _reshaped(torch, filled, to_map=True) if is_vector else filled, before)


def _reshaped(torch: Any, module: Any, *, to_map: bool) -> Any:
    """A module whose input is made a map of one pixel, or a vector."""
    return torch.nn.Sequential(torch.nn.Unflatten(1, (-1, 1, 1)) if to_map else torch.nn.Flatten(), module)


def _pooling(torch: Any, operator: Any, source: TensorShape, output: TensorShape) -> Step:
    both, before = _symmetric(operator, source, output)
    if any(side > extent // 2 for side, extent in zip(both, operator.kernel, strict=True)):
        both, before = (0, 0), (both[1], both[1], both[0], both[0])
    settings = {"stride": operator.stride, "padding": both, "ceil_mode": operator.ceil_mode}
    kind = torch.nn.MaxPool2d if isinstance(operator, MaxPool2d) else torch.nn.AvgPool2d
    return _padded(torch, kind(operator.kernel, **settings), before)


def _activations(torch: Any, *, inplace: bool) -> Mapping[str, Step]:
    nn = torch.nn
    return {
        "relu": nn.ReLU(inplace),
        "relu6": nn.ReLU6(inplace),
        "elu": nn.ELU(inplace=inplace),
        "hard_sigmoid": nn.Hardsigmoid(inplace),
        "hard_swish": nn.Hardswish(inplace),
        "swish": nn.SiLU(inplace),
        "mish": nn.Mish(inplace),
        "gelu": nn.GELU(),
        "sigmoid": nn.Sigmoid(),
        "tanh": nn.Tanh(),
        "softplus": nn.Softplus(),
    }


def _functions(torch: Any) -> Mapping[str, Step]:
    """Operators without fields."""
    return {
        "add": _folded(torch.add),
        "subtract": _folded(torch.sub),
        "multiply": _folded(torch.mul),
        "divide": _folded(torch.div),
        "maximum": _folded(torch.maximum),
        "minimum": _folded(torch.minimum),
        "global_avg_pool": torch.nn.AdaptiveAvgPool2d(1),
        "global_max_pool": torch.nn.AdaptiveMaxPool2d(1),
        "flatten": torch.nn.Flatten(),
        "softmax": torch.nn.Softmax(1),
        "log_softmax": torch.nn.LogSoftmax(1),
    }


def _folded(function: Step) -> Step:
    """A function of two tensors, applied to any number of them; a vector with a map becomes a map of one pixel."""

    def run(first: Any, *others: Any) -> Any:
        for other in others:
            if first.dim() != other.dim():
                first, other = (x if x.dim() == 4 else x[:, :, None, None] for x in (first, other))
            first = function(first, other)
        return first

    return run


def _movement(torch: Any, operator: Operator) -> Step | None:
    """Operators that move elements, and the poolings and norms with fields of their own."""
    functional = torch.nn.functional
    if isinstance(operator, Concat):
        axis = _AXES[operator.axis]
        return lambda *tensors: torch.cat(tensors, axis)
    if isinstance(operator, Split):
        axis, part = _AXES[operator.axis], operator.part
        sizes = operator.sizes
        if sizes:
            return lambda x: x.split(list(sizes), axis)[part]
        return lambda x: x.chunk(operator.parts, axis)[part]
    if isinstance(operator, ChannelShuffle):
        groups = operator.groups
        return lambda x: x.unflatten(1, (groups, x.shape[1] // groups)).transpose(1, 2).flatten(1, 2).contiguous()
    if isinstance(operator, AdaptiveAvgPool2d):
        return torch.nn.AdaptiveAvgPool2d(operator.size)  # type: ignore[no-any-return]
    if isinstance(operator, LocalResponseNorm):
        return torch.nn.LocalResponseNorm(operator.size)  # type: ignore[no-any-return]
    if isinstance(operator, DepthToSpace):
        return torch.nn.PixelShuffle(operator.block)  # type: ignore[no-any-return]
    if isinstance(operator, SpaceToDepth):
        return torch.nn.PixelUnshuffle(operator.block)  # type: ignore[no-any-return]
    if isinstance(operator, Pad):
        edges = operator.padding
        return lambda x: functional.pad(x, (edges.left, edges.right, edges.top, edges.bottom))
    if isinstance(operator, Resize):
        size, scale, method = operator.size, operator.scale, operator.method
        where: dict[str, Any] = {"size": size} if any(size) else {"scale_factor": [float(value) for value in scale]}
        if method == "bilinear":
            where["align_corners"] = False
        return lambda x: functional.interpolate(x, mode=method, **where)
    return None

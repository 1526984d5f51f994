"""Converters of what slides a window over a volume, ``NCHHW``: its slices lie below one another."""

from __future__ import annotations

from math import prod

from mbcost.architectures.fields import MAX_WINDOW
from mbcost.importers.onnx.call import Call, UnsupportedError
from mbcost.importers.onnx.tensors import ModelError
from mbcost.importers.onnx.values import Constant, Tensor
from mbcost.operators import Add, Conv2d, Shift
from mbcost.operators.volume import AvgPool3d, Conv3d, MaxPool3d, Triple, volume_extents

AXES = "NCHHW"


def is_volume(call: Call) -> bool:
    """Whether the input has three dimensions beside batch and channels."""
    x = call.value(0)
    return isinstance(x, Tensor) and len(x.dims) == len(AXES) and x.dims[0] == 1


def _triple(call: Call, name: str) -> Triple:
    numbers = call.ints(name) or [1, 1, 1]
    if len(numbers) != 3 or not all(1 <= number <= MAX_WINDOW for number in numbers):
        raise ModelError(f"its attribute `{name}` is {numbers[:8]}")
    return numbers[0], numbers[1], numbers[2]


def _padding(call: Call, x: Tensor, kernel: Triple, stride: Triple, dilation: Triple) -> Triple:
    """Zeros along each dimension, both ends together."""
    pads = call.ints("pads") or [0] * 6
    mode = call.text("auto_pad", "NOTSET")
    if len(pads) != 6 or min(pads) < 0 or max(pads) > MAX_WINDOW or min(stride) < 1:
        raise ModelError(f"its attribute `pads` is {pads[:8]}, its strides are {list(stride)}")
    totals = [pads[axis] + pads[axis + 3] for axis in range(3)]
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        rows = zip(x.dims[2:], kernel, stride, dilation, strict=True)
        totals = [max(0, (-(-size // step) - 1) * step + gap * (taps - 1) + 1 - size) for size, taps, step, gap in rows]
    return totals[0], totals[1], totals[2]


def conv(call: Call) -> Tensor:
    """Conv (x, weight, bias) of a volume."""
    x, weight = call.build.lettered(call.tensor(), AXES), call.weight(1)
    if len(weight.dims) != len(AXES):
        raise ModelError(f"its weight has the shape {list(weight.dims)}, its input {list(x.dims)}")
    call.check_kernel_shape(weight)
    out, per_group, *kernel = weight.dims
    window, groups = (kernel[0], kernel[1], kernel[2]), call.integer("group", 1)
    if not all(1 <= side <= MAX_WINDOW for side in window):
        raise UnsupportedError(f"a window of {'x'.join(map(str, window))}: sides have to be 1 to {MAX_WINDOW}")
    stride, dilation = _triple(call, "strides"), _triple(call, "dilations")
    padding = _padding(call, x, window, stride, dilation)
    operator = Conv3d(out, x.dims[2], window, stride, dilation, groups, padding, isinstance(call.value(2), Constant))
    extents = volume_extents(x.shape, x.dims[2], window, stride, dilation, padding)
    dims = (1, out, *map(int, extents))
    product = call.build.tensor(operator, (x,), dims, AXES, in_channels=per_group * groups, weight=weight)
    bias = call.value(2)
    if not isinstance(bias, Tensor):
        return product
    column = call.build.view(bias, (bias.elements, 1, 1, 1), AXES[1:])
    return call.build.tensor(Add(), (product, column), dims, AXES)


def conv_transpose(call: Call) -> Tensor:
    """ConvTranspose (x, weight, bias) of a volume: every pixel's products, which are then added in their places.

    MACs = Din * Hin * Win * Cin * Kd * Kh * Kw * Cout / groups: those of the convolution whose gradient it is.
    """
    x, weight = call.build.lettered(call.tensor(), AXES), call.weight(1)
    if len(weight.dims) != len(AXES):
        raise ModelError(f"its weight has the shape {list(weight.dims)}, its input {list(x.dims)}")
    call.check_kernel_shape(weight)
    if call.ints("output_shape") or call.text("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise UnsupportedError("a transposed convolution of volumes whose padding follows from its output")
    inputs, per_group, *window = weight.dims
    groups, stride, dilation = call.integer("group", 1), _triple(call, "strides"), _triple(call, "dilations")
    pads, extra = call.ints("pads") or [0] * 6, call.ints("output_padding") or [0] * 3
    if len(pads) != 6 or len(extra) != 3 or max(window, default=0) > MAX_WINDOW:
        raise ModelError(f"its attribute `pads` is {pads[:8]}, its window is {window[:8]}")
    extents = [
        stride[axis] * (x.dims[axis + 2] - 1)
        + extra[axis]
        + (window[axis] - 1) * dilation[axis]
        + 1
        - pads[axis]
        - pads[axis + 3]
        for axis in range(3)
    ]
    products = per_group * prod(window) * groups
    flat = call.build.view(x, (1, inputs, x.dims[2] * x.dims[3], x.dims[4]), "NCHW")
    spread = call.build.mapped(
        Conv2d(products, groups=groups, padding="valid"), flat, in_channels=inputs, weight=weight
    )
    result = call.build.traffic("col2im", (spread,), (1, per_group * groups, *extents), AXES)
    bias = call.value(2)
    if bias is None:
        return result
    if isinstance(bias, Constant):
        return call.build.same(Shift(bias.stored), result, weight=bias)
    column = call.build.view(bias, (bias.elements, 1, 1, 1), AXES[1:])
    return call.build.tensor(Add(), (result, column), result.dims, AXES)


def pool(call: Call, kind: type[MaxPool3d | AvgPool3d]) -> Tensor:
    """MaxPool and AveragePool of a volume."""
    x = call.build.lettered(call.tensor(), AXES)
    if call.integer("ceil_mode", 0) or _triple(call, "dilations") != (1, 1, 1):
        raise UnsupportedError("a pooling of volumes with dilation or rounding up is not modelled")
    kernel, stride = _triple(call, "kernel_shape"), _triple(call, "strides")
    padding = _padding(call, x, kernel, stride, (1, 1, 1))
    extents = volume_extents(x.shape, x.dims[2], kernel, stride, (1, 1, 1), padding)
    dims = (1, x.dims[1], *map(int, extents))
    return call.build.tensor(kind(x.dims[2], kernel, stride, padding), (x,), dims, AXES)

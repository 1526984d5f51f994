"""Converters of what slides a window over a map: convolutions, poolings, padding, resizing."""

from __future__ import annotations

import math
from typing import Final, Literal

from mbcost.importers.onnx import volumes
from mbcost.importers.onnx.call import Call, UnsupportedError
from mbcost.importers.onnx.tensors import ModelError
from mbcost.importers.onnx.values import Constant, Tensor, spatial_axes
from mbcost.operators import (
    AvgPool2d,
    Conv2d,
    DepthToSpace,
    DepthwiseConv2d,
    Explicit,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool2d,
    Operator,
    Pad,
    Resize,
    SpaceToDepth,
    TransposedConv2d,
)
from mbcost.operators.volume import AvgPool3d, MaxPool3d
from mbcost.operators.window import Padding, Pair

MAX_WINDOW: Final = 2**31


def as_map(call: Call, position: int = 0) -> Tensor:
    """An input as ``NCHW``, or as ``NCW`` with a height of one."""
    x = call.tensor(position)
    if len(x.dims) not in (3, 4) or x.dims[0] != 1:
        shape = f"its input has the shape {list(x.dims)}, which is not modelled"
        raise UnsupportedError(f"{shape}: a batch, channels and one or two more dimensions are")
    return call.build.lettered(x, spatial_axes(x.dims))


def _pair(call: Call, name: str, x: Tensor, default: int = 1) -> Pair:
    """An attribute with one number a spatial dimension."""
    items = call.ints(name)
    rank = len(x.dims) - 2
    if items is None:
        items = [default] * rank
    if len(items) != rank or not all(0 <= item <= MAX_WINDOW for item in items):
        raise ModelError(f"its attribute `{name}` is {items[:8]}")
    return (1 if name != "output_padding" else 0, items[0]) if rank == 1 else (items[0], items[1])


def _padding(call: Call, x: Tensor) -> Padding:
    mode = call.text("auto_pad", "NOTSET")
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        return "same"
    return "valid" if mode == "VALID" else _explicit(call.ints("pads"), x)


def _explicit(pads: list[int] | None, x: Tensor) -> Padding:
    """``[top, left, bottom, right]`` or ``[left, right]``."""
    rank = len(x.dims) - 2
    if not pads or not any(pads):
        return "valid"
    if len(pads) != 2 * rank or not all(abs(item) <= MAX_WINDOW for item in pads):
        raise ModelError(f"its attribute `pads` is {pads[:8]}")
    return Explicit(0, 0, pads[0], pads[1]) if rank == 1 else Explicit(pads[0], pads[2], pads[1], pads[3])


def conv(call: Call) -> Tensor:
    """Conv (x, weight, bias)."""
    if volumes.is_volume(call):
        return volumes.conv(call)
    x, weight = as_map(call), call.weight(1)
    groups = call.integer("group", 1)
    kernel, in_channels = _kernel(weight, x, groups)
    out, bias = weight.dims[0], call.value(2) is not None
    stride, dilation = _pair(call, "strides", x), _pair(call, "dilations", x)
    padding = _padding(call, x)
    operator: Operator
    if groups == in_channels > 1 and out % groups == 0:
        operator = DepthwiseConv2d(kernel, stride, dilation, out // groups, padding, bias)
    else:
        operator = Conv2d(out, kernel, stride, dilation, groups, padding, bias)
    return call.build.mapped(operator, x, in_channels=in_channels, weight=weight)


def conv_transpose(call: Call) -> Tensor:
    """ConvTranspose (x, weight, bias)."""
    x, weight = as_map(call), call.weight(1)
    groups = call.integer("group", 1)
    if len(weight.dims) != len(x.dims):
        raise ModelError(f"its weight has the shape {list(weight.dims)}")
    kernel = (1, weight.dims[2]) if len(x.dims) == 3 else (weight.dims[2], weight.dims[3])
    stride, dilation = _pair(call, "strides", x), _pair(call, "dilations", x)
    extra = _pair(call, "output_padding", x, default=0)
    wanted = call.ints("output_shape")
    padding = _padding(call, x)
    if wanted:
        padding, extra = _padding_for(wanted, x, kernel, stride, dilation, extra)
    elif padding == "same":
        extra = (0, 0)
    operator = TransposedConv2d(
        weight.dims[1] * groups, kernel, stride, dilation, groups, padding, extra, call.value(2) is not None
    )
    return call.build.mapped(operator, x, in_channels=weight.dims[0], weight=weight)


def _padding_for(
    wanted: list[int], x: Tensor, kernel: Pair, stride: Pair, dilation: Pair, extra: Pair
) -> tuple[Padding, Pair]:
    """Padding and output padding by which a transposed convolution has an output of the `wanted` size."""
    sizes = [1, *wanted[-1:]] if len(x.dims) == 3 else wanted[-2:]
    ends, more = [], []
    for axis, size in enumerate(sizes):
        full = stride[axis] * (x.shape[axis] - 1) + dilation[axis] * (kernel[axis] - 1) + 1 + extra[axis] - size
        ends += [max(full, 0) - max(full, 0) // 2, max(full, 0) // 2]
        more.append(extra[axis] + max(-full, 0))
    return Explicit(*ends), (more[0], more[1])


def _kernel(weight: Constant, x: Tensor, groups: int) -> tuple[Pair, int]:
    """Window and input channels of a convolution's weight."""
    if len(weight.dims) != len(x.dims):
        raise ModelError(f"its weight has the shape {list(weight.dims)}, its input {list(x.dims)}")
    window = (1, weight.dims[2]) if len(x.dims) == 3 else (weight.dims[2], weight.dims[3])
    return window, weight.dims[1] * groups


def max_pool(call: Call) -> Tensor:
    """MaxPool; its second output, the indices, is not modelled."""
    return volumes.pool(call, MaxPool3d) if volumes.is_volume(call) else _pool(call, MaxPool2d)


def average_pool(call: Call) -> Tensor:
    """AveragePool."""
    return volumes.pool(call, AvgPool3d) if volumes.is_volume(call) else _pool(call, AvgPool2d)


def _pool(call: Call, kind: type[MaxPool2d | AvgPool2d]) -> Tensor:
    x = as_map(call)
    if _pair(call, "dilations", x) != (1, 1):
        raise UnsupportedError("a pooling with dilation is not modelled")
    if "kernel_shape" not in call.node.attributes:
        raise ModelError("its attribute `kernel_shape` is missing")
    padding = _padding(call, x)
    kernel, stride = _pair(call, "kernel_shape", x), _pair(call, "strides", x)
    return call.build.mapped(kind(kernel, stride, padding, call.integer("ceil_mode", 0) == 1), x)


def global_average_pool(call: Call) -> Tensor:
    """GlobalAveragePool."""
    return _global_pool(call, GlobalAvgPool())


def global_max_pool(call: Call) -> Tensor:
    """GlobalMaxPool."""
    return _global_pool(call, GlobalMaxPool())


def _global_pool(call: Call, operator: Operator) -> Tensor:
    x = call.build.lettered(call.tensor(), volumes.AXES) if volumes.is_volume(call) else as_map(call)
    return call.build.tensor(operator, (x,), (*x.dims[:2], *(1 for _ in x.dims[2:])), x.axes)


def pad(call: Call) -> Tensor:
    """Pad (x, pads, value, axes). A convolution or pooling after it takes it in, see ``patterns``."""
    x = call.tensor()
    pads = call.ints("pads", 1) or []
    axes = call.ints("axes", 3) or list(range(len(x.dims)))
    ends = dict(zip([axis % len(x.dims) for axis in axes], zip(pads, pads[len(axes) :], strict=False), strict=False))
    if not any(map(any, ends.values())):
        return x
    x = as_map(call)
    if any(any(ends.get(axis, (0, 0))) for axis in (0, 1)):
        raise UnsupportedError("padding of the batch or of the channels is not modelled")
    vertical = ends.get(2, (0, 0)) if len(x.dims) == 4 else (0, 0)
    horizontal = ends.get(len(x.dims) - 1, (0, 0))
    zeros = call.text("mode", "constant") == "constant"
    result = call.build.mapped(Pad(Explicit(*vertical, *horizontal)), x)
    call.build.words[result.source] = "pad" if zeros else "pad of another kind"
    return result


def resize(call: Call) -> Tensor:
    """Resize (x, roi, scales, sizes), Resize and Upsample of opset 9 and 10 (x, scales)."""
    x = as_map(call)
    method: Literal["nearest", "bilinear"] = "nearest" if call.text("mode", "nearest") == "nearest" else "bilinear"
    factors = _factors(call, x)
    sizes = [math.floor(dim * factor + 1e-6) for dim, factor in zip(x.dims, factors, strict=True)]
    if sizes[:2] != list(x.dims[:2]):
        raise UnsupportedError("resizing of the batch or of the channels is not modelled")
    spatial = [factor if factor.is_integer() else 0 for factor in factors[2:]]
    vertical, horizontal = (1.0, *spatial) if len(x.dims) == 3 else spatial
    if vertical >= 1 and horizontal >= 1:
        return call.build.mapped(Resize((0, 0), (int(vertical), int(horizontal)), method), x)
    height, width = (1, sizes[2]) if len(x.dims) == 3 else sizes[2:]
    return call.build.mapped(Resize((height, width), (1, 1), method), x)


def _factors(call: Call, x: Tensor) -> list[float]:
    """By how much each dimension grows."""
    scales_at = 2 if call.node.op_type == "Resize" and call.opset >= 11 else 1
    axes = call.ints("axes") or list(range(len(x.dims)))
    scales = call.value(scales_at)
    if isinstance(scales, Constant) and scales.elements:
        given = call.numbers(scales_at)
    else:
        sizes = call.numbers(3)
        given = [size / x.dims[axis] for axis, size in zip(axes, sizes, strict=True)]
    factors = [1.0] * len(x.dims)
    for axis, factor in zip(axes, given, strict=True):
        if not 0 < factor < MAX_WINDOW:
            raise ModelError(f"it resizes by {factor}")
        factors[axis] = float(factor)
    return factors


def depth_to_space(call: Call) -> Tensor:
    """DepthToSpace."""
    return call.build.mapped(DepthToSpace(call.integer("blocksize", 0)), as_map(call))


def space_to_depth(call: Call) -> Tensor:
    """SpaceToDepth."""
    return call.build.mapped(SpaceToDepth(call.integer("blocksize", 0)), as_map(call))

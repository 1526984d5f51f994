"""Converters of what slides a window over a map: convolutions, poolings, padding, resizing."""

from __future__ import annotations

import math
from typing import Final

from mbcost.architectures.fields import MAX_WINDOW
from mbcost.importers.onnx import computed, volumes
from mbcost.importers.onnx.call import Call, UnsupportedError
from mbcost.importers.onnx.tensors import ModelError
from mbcost.importers.onnx.values import Constant, Tensor, shape_of, spatial_axes
from mbcost.operators import (
    Add,
    AvgPool2d,
    Conv2d,
    Crop,
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
from mbcost.operators.resize import ResizeMethod
from mbcost.operators.volume import AvgPool3d, MaxPool3d
from mbcost.operators.window import Padding, Pair

#: The largest extent of a resized map.
MAX_EXTENT: Final = 2**20


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
        raise ModelError(f"its attribute `{name}` is {items[:8]}; a window has sides of at most {MAX_WINDOW}")
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
        raise ModelError(f"its attribute `pads` is {pads[:8]}; a margin is at most {MAX_WINDOW}")
    return Explicit(0, 0, pads[0], pads[1]) if rank == 1 else Explicit(pads[0], pads[2], pads[1], pads[3])


def conv(call: Call) -> Tensor:
    """Conv (x, weight, bias)."""
    if volumes.is_volume(call):
        return volumes.conv(call)
    x, weight = as_map(call), _filter(call)
    groups = call.integer("group", 1)
    kernel, in_channels = _kernel(call, weight, x, groups)
    out, bias = weight.dims[0], isinstance(call.value(2), Constant)
    stride, dilation = _pair(call, "strides", x), _pair(call, "dilations", x)
    padding = _padding(call, x)
    operator: Operator
    if groups == in_channels > 1 and out % groups == 0:
        operator = DepthwiseConv2d(kernel, stride, dilation, out // groups, padding, bias)
    else:
        operator = Conv2d(out, kernel, stride, dilation, groups, padding, bias)
    if isinstance(weight, Tensor):
        return with_computed_bias(call, computed.convolution(call, x, weight, operator, groups))
    return with_computed_bias(call, call.build.mapped(operator, x, in_channels=in_channels, weight=weight))


def _filter(call: Call) -> Tensor | Constant:
    """A convolution's weight, which the network may compute."""
    weight = call.value(1)
    return weight if isinstance(weight, Tensor) else call.weight(1)


def with_computed_bias(call: Call, product: Tensor) -> Tensor:
    """A convolution's output plus the bias that is its third input, where the network computes that."""
    bias = call.value(2)
    if not isinstance(bias, Tensor):
        return product
    dims = (bias.elements, *(1 for _ in product.dims[2:]))
    column = call.build.view(bias, dims, product.axes[1:])
    return call.build.tensor(Add(), (product, column), product.dims, product.axes)


def conv_transpose(call: Call) -> Tensor:
    """ConvTranspose (x, weight, bias)."""
    if volumes.is_volume(call):
        return volumes.conv_transpose(call)
    x, weight = as_map(call), _filter(call)
    groups = call.integer("group", 1)
    if len(weight.dims) != len(x.dims):
        raise ModelError(f"its weight has the shape {list(weight.dims)}")
    kernel = (1, weight.dims[2]) if len(x.dims) == 3 else (weight.dims[2], weight.dims[3])
    _check_window(kernel)
    call.check_kernel_shape(weight)
    stride, dilation = _pair(call, "strides", x), _pair(call, "dilations", x)
    extra = _pair(call, "output_padding", x, default=0)
    wanted = call.ints("output_shape")
    padding = _padding(call, x)
    if wanted:
        padding, extra = _padding_for(wanted, x, kernel, stride, dilation, extra)
    elif padding == "same":
        extra = (0, 0)
    operator = TransposedConv2d(
        weight.dims[1] * groups, kernel, stride, dilation, groups, padding, extra, isinstance(call.value(2), Constant)
    )
    if isinstance(weight, Tensor):
        return with_computed_bias(call, computed.transposed(call, x, weight, operator, groups))
    return with_computed_bias(call, call.build.mapped(operator, x, in_channels=weight.dims[0], weight=weight))


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


def _check_window(window: Pair) -> None:
    """Raise for a window that no table could have."""
    if not all(1 <= side <= MAX_WINDOW for side in window):
        raise UnsupportedError(f"a window of {window[0]}x{window[1]}: sides have to be 1 to {MAX_WINDOW}")


def _kernel(call: Call, weight: Tensor | Constant, x: Tensor, groups: int) -> tuple[Pair, int]:
    """Window and input channels of a convolution's weight."""
    if len(weight.dims) != len(x.dims):
        raise ModelError(f"its weight has the shape {list(weight.dims)}, its input {list(x.dims)}")
    window = (1, weight.dims[2]) if len(x.dims) == 3 else (weight.dims[2], weight.dims[3])
    _check_window(window)
    call.check_kernel_shape(weight)
    return window, weight.dims[1] * groups


def max_pool(call: Call) -> Tensor:
    """MaxPool; its second output, the indices, has the first one's shape and comes with it."""
    return volumes.pool(call, MaxPool3d) if volumes.is_volume(call) else _pool(call, MaxPool2d)


def average_pool(call: Call) -> Tensor:
    """AveragePool."""
    return volumes.pool(call, AvgPool3d) if volumes.is_volume(call) else _pool(call, AvgPool2d)


def _pool(call: Call, kind: type[MaxPool2d | AvgPool2d]) -> Tensor:
    x = as_map(call)
    dilation = _pair(call, "dilations", x)
    if dilation != (1, 1):
        return _dilated_pool(call, x, kind, dilation)
    if "kernel_shape" not in call.node.attributes:
        raise ModelError("its attribute `kernel_shape` is missing")
    padding = _padding(call, x)
    kernel, stride = _pair(call, "kernel_shape", x), _pair(call, "strides", x)
    return call.build.mapped(kind(kernel, stride, padding, call.integer("ceil_mode", 0) == 1), x)


def _dilated_pool(call: Call, x: Tensor, kind: type[MaxPool2d | AvgPool2d], dilation: Pair) -> Tensor:
    """A pooling with gaps in its window: the size of one with a window that reaches as far, charged by its traffic."""
    kernel, stride = _pair(call, "kernel_shape", x), _pair(call, "strides", x)
    reach = ((kernel[0] - 1) * dilation[0] + 1, (kernel[1] - 1) * dilation[1] + 1)
    operator = kind(reach, stride, _padding(call, x), call.integer("ceil_mode", 0) == 1)
    shape = operator.output_shape((x.shape,))
    sizes = {"N": 1, "H": int(shape.height), "W": int(shape.width), "C": int(shape.channels)}
    return call.build.traffic(call.node.op_type, (x,), tuple(sizes[axis] for axis in x.axes), x.axes)


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
    pads = call.ints("pads", 1) or call.ints("paddings") or []
    axes = call.ints("axes", 3) or list(range(len(x.dims)))
    ends = dict(zip([axis % len(x.dims) for axis in axes], zip(pads, pads[len(axes) :], strict=False), strict=False))
    if not any(map(any, ends.values())):
        return x
    margins = [ends.get(axis, (0, 0)) for axis in range(len(x.dims))]
    if any(abs(side) > MAX_WINDOW for pair in margins for side in pair):
        raise UnsupportedError(f"margins of {pads[:16]}: at most {MAX_WINDOW} are modelled")
    changed = [axis for axis, pair in enumerate(margins) if any(pair)]
    zeros = call.text("mode", "constant") == "constant"
    if any(pair[0] < 0 or pair[1] < 0 for pair in margins):
        cut = tuple(dim + min(pair[0], 0) + min(pair[1], 0) for dim, pair in zip(x.dims, margins, strict=True))
        if min(cut, default=1) < 1:
            raise UnsupportedError(f"it cuts everything off {list(x.dims)}")
        x = call.build.tensor(Crop(shape_of(cut, x.axes)), (x,), cut, x.axes)
        margins = [(max(pair[0], 0), max(pair[1], 0)) for pair in margins]
        changed = [axis for axis, pair in enumerate(margins) if any(pair)]
        if not changed:
            return x
    if x.dims[0] != 1 or len(x.dims) not in (3, 4) or not set(changed) <= set(range(1, len(x.dims))):
        return _padded(call, x, margins, changed)
    x = call.build.lettered(x, spatial_axes(x.dims))
    vertical = margins[2] if len(x.dims) == 4 else (0, 0)
    result = call.build.mapped(Pad(Explicit(*vertical, *margins[-1]), margins[1]), x)
    call.build.words[result.source] = "pad" if zeros and margins[1] == (0, 0) else "pad of another kind"
    return result


def _padded(call: Call, x: Tensor, margins: list[Pair], changed: list[int]) -> Tensor:
    """Padding of a tensor that is no map: one dimension after the other, by its letter."""
    for axis in changed:
        letters = "H" * axis + "W" + "C" * (len(x.dims) - axis - 1)
        x = call.build.lettered(x, letters)
        dims = (*x.dims[:axis], x.dims[axis] + sum(margins[axis]), *x.dims[axis + 1 :])
        x = call.build.tensor(Pad(Explicit(0, 0, *margins[axis])), (x,), dims, letters)
        call.build.words[x.source] = "pad of another kind"
    return x


def resize(call: Call) -> Tensor:
    """Resize (x, roi, scales, sizes), Resize and Upsample of opset 9 and 10 (x, scales), Upsample before (x)."""
    x = call.tensor()
    mode = call.text("mode", "nearest")
    method: ResizeMethod = "nearest" if mode == "nearest" else "bilinear"
    sizes, factors = _sizes(call, x)
    if sizes == list(x.dims):
        return x
    changed = [axis for axis, (new, old) in enumerate(zip(sizes, x.dims, strict=True)) if new != old]
    if len(x.dims) not in (3, 4) or x.dims[0] != 1 or min(changed) < 2:
        return _resampled(call, x, tuple(sizes))
    x = call.build.lettered(x, spatial_axes(x.dims))
    spatial = [factor if factor.is_integer() else 0 for factor in factors[2:]]
    vertical, horizontal = (1.0, *spatial) if len(x.dims) == 3 else spatial
    if vertical >= 1 and horizontal >= 1:
        return call.build.mapped(Resize((0, 0), (int(vertical), int(horizontal)), method), x)
    height, width = (1, sizes[2]) if len(x.dims) == 3 else sizes[2:]
    return call.build.mapped(Resize((height, width), (1, 1), method), x)


def _resampled(call: Call, x: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Resizing of what is no map, such as one with its channels last: by its letters, or charged by its traffic."""
    changed = {axis for axis, dim in enumerate(dims) if dim != x.dims[axis]}
    if x.whole(changed) and {x.axes[axis] for axis in changed} <= {"H", "W"}:
        shape = shape_of(dims, x.axes)
        return call.build.tensor(Resize((shape.height, shape.width), (1, 1)), (x,), dims, x.axes)
    return call.build.traffic(call.node.op_type, (x,), dims)


def _sizes(call: Call, x: Tensor) -> tuple[list[int], list[float]]:
    """The extents after resizing, and by how much each dimension grows."""
    resizes = call.node.op_type == "Resize"
    scales_at = 2 if resizes and call.opset >= 11 else 1
    axes = call.ints("axes") or list(range(len(x.dims)))
    axes = [axis % len(x.dims) for axis in axes]
    scales, wanted = call.value(scales_at), call.value(3)
    factors, sizes = [1.0] * len(x.dims), list(x.dims)
    if isinstance(scales, Tensor) or isinstance(wanted, Tensor):
        raise UnsupportedError("its scales or sizes are an input of the network, or computed by it")
    if isinstance(scales, Constant) and scales.elements:
        given = call.numbers(scales_at)
    elif isinstance(wanted, Constant):
        numbers = [int(number) for number in call.numbers(3)]
        policy = call.text("keep_aspect_ratio_policy", "stretch")
        ratios = [size / x.dims[axis] for axis, size in zip(axes, numbers, strict=True)]
        if policy != "stretch":
            # one factor for all: sizes are rounded, halves up (onnx, Resize, keep_aspect_ratio_policy)
            one = (min if policy == "not_larger" else max)(ratios)
            numbers = [math.floor(one * x.dims[axis] + 0.5) for axis in axes]
            ratios = [size / x.dims[axis] for axis, size in zip(axes, numbers, strict=True)]
        for axis, size, ratio in zip(axes, numbers, ratios, strict=True):
            sizes[axis], factors[axis] = size, ratio
        return _checked_sizes(sizes), factors
    else:
        given = _old_scales(call, len(x.dims))
    for axis, factor in zip(axes, given, strict=True):
        if not 0 < factor <= MAX_WINDOW:
            raise ModelError(f"it resizes by {factor}")
        factors[axis], sizes[axis] = float(factor), math.floor(x.dims[axis] * float(factor) + 1e-6)
    return _checked_sizes(sizes), factors


def _checked_sizes(sizes: list[int]) -> list[int]:
    if min(sizes, default=1) < 1 or max(sizes, default=1) > MAX_EXTENT:
        raise ModelError(f"it resizes to {sizes}")
    return sizes


def _old_scales(call: Call, rank: int) -> list[float]:
    """Scales as attributes: of opset 7 and 8, and of opset 1 to 6 for height and width."""
    scales = call.node.attributes.get("scales")
    if isinstance(scales, list):
        return [float(scale) for scale in scales]
    if call.node.op_type != "Upsample" or rank != 4 or "height_scale" not in call.node.attributes:
        raise ModelError("its scales are missing")
    return [1.0, 1.0, call.number("height_scale", 1), call.number("width_scale", 1)]


def depth_to_space(call: Call) -> Tensor:
    """DepthToSpace."""
    return call.build.mapped(DepthToSpace(call.integer("blocksize", 0)), as_map(call))


def space_to_depth(call: Call) -> Tensor:
    """SpaceToDepth."""
    return call.build.mapped(SpaceToDepth(call.integer("blocksize", 0)), as_map(call))

"""Formulas against brute force, and identities between operators."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mbcost.operators import (
    Conv2d,
    DepthwiseConv2d,
    Explicit,
    MaxPool2d,
    Operator,
    OperatorCost,
    OperatorError,
    TensorShape,
    TransposedConv2d,
)
from mbcost.operators.window import Padding, is_pointwise, output_extents, transposed_extents

sizes = st.integers(1, 40)
kernels = st.integers(1, 7)
strides = st.integers(1, 9)
dilations = st.integers(1, 3)
margins = st.integers(0, 4)
paddings: st.SearchStrategy[Padding] = st.one_of(
    st.sampled_from(["same", "valid"]), st.builds(Explicit, margins, margins, margins, margins)
)


def window_starts(padded: int, reach: int, stride: int) -> list[int]:
    """Where a window starts that lies inside the padded input, counted one by one."""
    return [start for start in range(0, padded, stride) if start + reach <= padded]


def extent(size: int, kernel: int, stride: int, dilation: int, padding: Padding, *, ceil_mode: bool = False) -> int:
    """The height formula, or 0 where it refuses."""
    x = TensorShape(size, 1000, 1)
    try:
        return output_extents(x, (kernel, 1), (stride, 1), (dilation, 1), padding, ceil_mode=ceil_mode)[0]
    except OperatorError:
        return 0


def outcome(operator: Operator, inputs: tuple[TensorShape, ...]) -> tuple[TensorShape, OperatorCost] | str:
    """Output and cost, or why there are none."""
    try:
        output = operator.output_shape(inputs)
    except OperatorError as error:
        return str(error)
    return output, operator.cost(inputs, output)


@given(sizes, kernels, strides, dilations, margins, margins)
def test_windows_counted_one_by_one(
    size: int, kernel: int, stride: int, dilation: int, before: int, after: int
) -> None:
    reach = len(range(0, dilation * kernel, dilation)) * dilation - dilation + 1
    starts = window_starts(before + size + after, reach, stride)
    assert extent(size, kernel, stride, dilation, Explicit(before, after, 0, 0)) == len(starts)
    assert extent(size, kernel, stride, dilation, "valid") == len(window_starts(size, reach, stride))


@given(sizes, kernels, strides, dilations)
def test_same_padding_starts_a_window_at_every_stride(size: int, kernel: int, stride: int, dilation: int) -> None:
    assert extent(size, kernel, stride, dilation, "same") == len(range(0, size, stride))


@given(sizes, kernels, strides, dilations, margins, margins)
def test_ceil_mode_by_the_rule_of_pytorch(
    size: int, kernel: int, stride: int, dilation: int, before: int, after: int
) -> None:
    """The windows of floor mode, and one more where they do not reach the padded end; the last one only counts if it
    starts inside the input or the padding before it. Where floor mode has no window, one that starts at 0 is that one
    more, if less than a stride is missing (torch.nn.MaxPool2d; pooling_output_shape in aten/src/ATen/native/Pool.h).
    """
    padded, reach = before + size + after, dilation * (kernel - 1) + 1
    starts = [start for start in range(-stride, padded, stride) if start + reach <= padded]
    if starts and starts[-1] + reach < padded:
        starts.append(starts[-1] + stride)
    if starts and starts[-1] >= before + size:
        starts.pop()
    count = len([start for start in starts if start >= 0])
    padding = Explicit(before, after, 0, 0)
    assert extent(size, kernel, stride, dilation, padding, ceil_mode=True) == count


@given(sizes, kernels, strides, dilations, margins, margins, st.data())
def test_transposed_extent_counted_one_by_one(
    size: int, kernel: int, stride: int, dilation: int, before: int, after: int, data: st.DataObject
) -> None:
    extra = data.draw(st.integers(0, max(stride, dilation) - 1))
    touched = max(i * stride + k * dilation for i in range(size) for k in range(kernel)) + 1
    expected = touched - before - after + extra
    x, padding = TensorShape(size, 9, 1), Explicit(before, after, 0, 0)
    try:
        found = transposed_extents(x, (kernel, 1), (stride, 1), (dilation, 1), padding, (extra, 0))[0]
    except OperatorError:
        found = None
    assert found == (expected if expected >= 1 else None)


@given(sizes, kernels, strides, margins)
def test_transposed_convolution_undoes_the_extent_of_a_convolution(
    size: int, kernel: int, stride: int, margin: int
) -> None:
    """ConvTranspose2d of PyTorch: output_padding is what the convolution's floor had lost."""
    outputs = extent(size, kernel, stride, 1, Explicit(margin, margin, 0, 0))
    if not outputs:
        return
    lost = (size + 2 * margin - kernel) % stride
    deconv = TransposedConv2d(
        out=1, kernel=(kernel, 1), stride=(stride, 1), padding=Explicit(margin, margin, 0, 0), output_padding=(lost, 0)
    )
    assert deconv.output_shape((TensorShape(outputs, 1, 1),)).height == size


@given(
    sizes, sizes, kernels, kernels, strides, dilations, paddings, st.integers(1, 12), st.integers(1, 3), st.booleans()
)
def test_depthwise_is_a_grouped_convolution(
    height: int,
    width: int,
    kernel_height: int,
    kernel_width: int,
    stride: int,
    dilation: int,
    padding: Padding,
    channels: int,
    multiplier: int,
    bias: bool,
) -> None:
    window = {
        "kernel": (kernel_height, kernel_width),
        "stride": (stride, stride),
        "dilation": (dilation, dilation),
        "padding": padding,
        "bias": bias,
    }
    depthwise = DepthwiseConv2d(multiplier=multiplier, **window)
    grouped = Conv2d(out=channels * multiplier, groups=channels, **window)
    x = (TensorShape(height, width, channels),)
    assert outcome(depthwise, x) == outcome(grouped, x)


@given(sizes, st.integers(1, 64), st.integers(1, 64), kernels, strides, paddings)
def test_macs_are_the_product_of_the_lowered_matrices(
    size: int, channels: int, out: int, kernel: int, stride: int, padding: Padding
) -> None:
    conv = Conv2d(out=out, kernel=(kernel, kernel), stride=(stride, stride), padding=padding)
    x = (TensorShape(size, size + 3, channels),)
    try:
        output = conv.output_shape(x)
    except OperatorError:
        return
    cost = conv.cost(x, output)
    rows = cost.input_elements if is_pointwise(conv.kernel, conv.stride, padding) else cost.im2col_elements
    assert cost.macs == rows * out
    assert cost.macs == cost.weight_elements * output.pixels


@settings(max_examples=50)
@given(sizes, kernels, strides)
def test_pooling_and_convolution_agree_on_their_windows(size: int, kernel: int, stride: int) -> None:
    pool = MaxPool2d(kernel=(kernel, kernel), stride=(stride, stride))
    conv = Conv2d(out=3, kernel=(kernel, kernel), stride=(stride, stride))
    x = (TensorShape(size, size, 3),)
    assert pool.output_shape(x) == conv.output_shape(x)

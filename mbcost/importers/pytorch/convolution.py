"""Convolutions in one, two and three dimensions, transposed ones, and the padding before them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from mbcost.importers.pytorch.layout import Layout, Sizes, layout_of
from mbcost.importers.pytorch.state import NO_PADDING, Fixed, ImportState, Tensor, UnsupportedError, extents
from mbcost.operators import Conv2d, Conv3d, DepthwiseConv2d, Explicit, Opaque, Operator, Shift, TransposedConv2d
from mbcost.operators.window import Padding


def convolution(state: ImportState) -> Tensor:
    """conv1d, conv2d, conv3d, and the general convolution that they are below autograd."""
    if state.call.get("transposed"):
        return transposed_convolution(state)
    weight = _weight(state)
    spatial = len(weight.sizes) - 2
    x, zeros = unpadded_map(state, "input", spatial)
    if spatial == 3 or (spatial == 2 and _images(x.sizes, spatial) > 1):
        return _convolution_3d(state, weight)
    return _emitted(state, _planar(state, weight, zeros), state.arranged(x, map_layout(x.sizes, spatial)), weight)


def transposed_convolution(state: ImportState) -> Tensor:
    """conv_transpose1d, conv_transpose2d and conv_transpose3d."""
    weight, call = _weight(state), state.call
    spatial = len(weight.sizes) - 2
    x = state.tensor("input")
    if spatial > 2 or (spatial == 2 and _images(x.sizes, spatial) > 1):
        return _scattered(state, x, weight)
    layout = map_layout(x.sizes, spatial)
    operator = TransposedConv2d(
        out=weight.sizes[1] * call["groups"],
        kernel=pair(weight.sizes[2:], 1),
        stride=pair(numbers(call["stride"], spatial), 1),
        dilation=pair(numbers(call["dilation"], spatial), 1),
        groups=call["groups"],
        padding=symmetric(numbers(call["padding"], spatial), NO_PADDING),
        output_padding=pair(numbers(call["output_padding"], spatial), 0),
        bias=state.fixed("bias") is not None,
    )
    return _emitted(state, operator, state.arranged(x, layout), weight)


def _scattered(state: ImportState, x: Tensor, weight: Fixed) -> Tensor:
    """A transposed convolution of volumes or several images: every pixel's products, which are then added in place.

    MACs = Din * Hin * Win * Cin * Kd * Kh * Kw * Cout / groups: those of the convolution whose gradient it is.
    """
    spatial, groups = len(weight.sizes) - 2, int(state.call["groups"])
    products = prod(weight.sizes[1:]) * groups
    sizes = (*x.sizes[: -spatial - 1], products, *x.sizes[-spatial:])
    operator = Conv2d(out=products, groups=groups, padding="valid")
    spread = state.emit(
        operator, [state.arranged(x, map_layout(x.sizes, spatial))], sizes, map_layout(sizes, spatial), weights=[weight]
    )
    made = state.result_sizes()
    layout = map_layout(made, spatial)
    state.by_traffic["col2im"] += 1
    result = state.emit(Opaque(extents(layout.shape(made)), known=True), [spread], made, layout)
    bias = state.fixed("bias")
    if bias is None:
        return result
    return state.emit(Shift(weights=sum(size for _, size in bias.weights)), [result], made, layout, weights=[bias])


def map_layout(sizes: Sizes, spatial: int) -> Layout:
    """The layout that a window over the last `spatial` dimensions needs: images beside each other are rows."""
    first = len(sizes) - spatial
    return layout_of(sizes, (*range(first - 1), *range(first, len(sizes) - 1)), (-1,), (first - 1,))


def unpadded_map(state: ImportState, name: str, spatial: int) -> tuple[Tensor, Explicit]:
    """The map that is an argument of the call, and the zeros around it that a window can take in."""
    x, zeros = state.unpadded(name)
    if zeros != NO_PADDING and x.layout != map_layout(x.sizes, spatial):
        return state.tensor(name), NO_PADDING
    return x, zeros


def _planar(state: ImportState, weight: Fixed, zeros: Explicit) -> Operator:
    call = state.call
    out, per_group, *window = weight.sizes
    spatial = len(window)
    groups = int(call["groups"])
    dilation = numbers(call["dilation"], spatial)
    common: dict[str, Any] = {
        "kernel": pair(window, 1),
        "stride": pair(numbers(call["stride"], spatial), 1),
        "dilation": pair(dilation, 1),
        "padding": _explicit(_zeros(call["padding"], window, dilation), zeros),
        "bias": state.fixed("bias") is not None,
    }
    if groups > 1 and per_group == 1:
        return DepthwiseConv2d(multiplier=out // groups, **common)
    return Conv2d(out=out, groups=groups, **common)


def _convolution_3d(state: ImportState, weight: Fixed) -> Tensor:
    """A convolution over a volume, or over several images side by side: a volume with a window of depth 1."""
    call, x = state.call, state.tensor("input")
    out, _, *window = weight.sizes
    spatial = len(window)
    if spatial == 3 and _images(x.sizes, spatial) > 1:
        raise UnsupportedError("a convolution in three dimensions over more than one image")
    depth = x.sizes[-3] if spatial == 3 else _images(x.sizes, spatial)
    layout = map_layout(x.sizes, spatial)
    dilation = numbers(call["dilation"], spatial)
    operator = Conv3d(
        out=out,
        depth=depth,
        kernel=triple(window, 1),
        stride=triple(numbers(call["stride"], spatial), 1),
        dilation=triple(dilation, 1),
        groups=call["groups"],
        padding=triple([before + after for before, after in _zeros(call["padding"], window, dilation)], 0),
        bias=state.fixed("bias") is not None,
    )
    return _emitted(state, operator, state.arranged(x, layout), weight)


def _emitted(state: ImportState, operator: Operator, x: Tensor, weight: Fixed) -> Tensor:
    sizes = state.result_sizes()
    layout = map_layout(sizes, len(weight.sizes) - 2)
    return state.emit(operator, [x], sizes, layout, weights=[weight, state.fixed("bias")])


def _weight(state: ImportState) -> Fixed:
    weight = state.fixed("weight")
    assert weight is not None
    return weight


def _images(sizes: Sizes, spatial: int) -> int:
    return prod(sizes[: len(sizes) - spatial - 1])


def _zeros(padding: Any, window: Sequence[int], dilation: Sequence[int]) -> list[tuple[int, int]]:
    """Zeros before and after each dimension; PyTorch's `same` puts the odd one after."""
    if padding == "valid":
        return [(0, 0)] * len(window)
    if padding == "same":
        totals = [step * (size - 1) for size, step in zip(window, dilation, strict=True)]
        return [(total // 2, total - total // 2) for total in totals]
    return _both(numbers(padding, len(window)))


def _both(padding: Sequence[int]) -> list[tuple[int, int]]:
    return [(size, size) for size in padding]


def symmetric(padding: Sequence[int], more: Explicit) -> Padding:
    """The same padding before and after each dimension, and more of it."""
    return _explicit(_both(padding), more)


def _explicit(zeros: Sequence[tuple[int, int]], more: Explicit) -> Padding:
    (top, bottom), (left, right) = ((0, 0), *zeros)[-2:]
    total = Explicit(top + more.top, bottom + more.bottom, left + more.left, right + more.right)
    return "valid" if total == NO_PADDING else total


def numbers(value: Any, count: int) -> tuple[int, ...]:
    """PyTorch's "a number or one a dimension", of which some schemas give a list of one."""
    numbers = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    return numbers * count if len(numbers) == 1 else numbers


def pair(numbers: Sequence[int], missing: int) -> tuple[int, int]:
    first, second = (missing, *numbers)[-2:]
    return first, second


def triple(numbers: Sequence[int], missing: int) -> tuple[int, int, int]:
    first, second, third = (missing, *numbers)[-3:]
    return first, second, third

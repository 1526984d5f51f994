"""Convolutions whose weight is computed from the input: mixtures of experts, modulation, correlation of two maps."""

from __future__ import annotations

from math import prod

from mbcost.importers.pytorch import convolution as ordinary
from mbcost.importers.pytorch.layout import layout_of
from mbcost.importers.pytorch.movement import reshaped
from mbcost.importers.pytorch.pointwise import combined
from mbcost.importers.pytorch.product import contraction
from mbcost.importers.pytorch.state import Fixed, ImportState, Tensor, extents
from mbcost.operators import Add, Opaque


def convolution(state: ImportState) -> Tensor:
    """conv1d, conv2d, conv3d and the general convolution, whatever their weight is."""
    if state.call.get("transposed"):
        return transposed_convolution(state)
    if isinstance(state.value("weight"), Tensor):
        return _with_computed_weight(state)
    return ordinary.convolution(state)


def transposed_convolution(state: ImportState) -> Tensor:
    """conv_transpose1d, conv_transpose2d and conv_transpose3d, whatever their weight is.

    MACs = input pixels * Cin * K * K * Cout / groups. With a weight that is an activation: the products of every pixel,
    which are then added in place.
    """
    if not isinstance(state.value("weight"), Tensor):
        return ordinary.transposed_convolution(state)
    call, x, weight = state.call, state.tensor("input"), state.tensor("weight")
    inputs, per_group, *window = weight.sizes
    spatial, groups, made = len(window), int(call["groups"]), state.result_sizes()
    images, pixels, products = prod(made[: -spatial - 1]), prod(x.sizes[-spatial:]), per_group * prod(window)
    columns = reshaped(state, x, (images, groups, inputs // groups, pixels))
    rows = reshaped(state, weight, (groups, inputs // groups, products))
    labels = ("image", "group", "out", "pixel")
    spread = contraction(state, columns, ("image", "group", "in", "pixel"), rows, ("group", "in", "out"), labels)
    layout = ordinary.map_layout(made, spatial)
    state.by_traffic["col2im"] += 1
    return _biased(state, state.emit(Opaque(extents(layout.shape(made)), known=True), [spread], made, layout))


def _with_computed_weight(state: ImportState) -> Tensor:
    """A convolution whose weight is an activation: the product of the unfolded map with it.

    MACs = pixels * Cout * K * K * Cin / groups, as of any convolution.
    """
    call, x, weight = state.call, state.tensor("input"), state.tensor("weight")
    out, per_group, *window = weight.sizes
    spatial, groups, made = len(window), int(call["groups"]), state.result_sizes()
    images, pixels = prod(made[: -spatial - 1]), prod(made[-spatial:])
    unfolded = (images, groups, per_group * prod(window), pixels)
    if prod(window) == 1 and made[-spatial:] == x.sizes[-spatial:]:
        columns = reshaped(state, x, unfolded)
    else:
        layout = layout_of(unfolded, (0, 1), (3,), (2,))
        state.by_traffic["im2col"] += 1
        columns = state.emit(Opaque(extents(layout.shape(unfolded)), known=True), [x], unfolded, layout)
    rows = reshaped(state, weight, (groups, out // groups, unfolded[2]))
    labels = ("image", "group", "out", "pixel")
    product = contraction(state, columns, ("image", "group", "in", "pixel"), rows, ("group", "out", "in"), labels)
    return _biased(state, reshaped(state, product, made))


def _biased(state: ImportState, result: Tensor) -> Tensor:
    """The output of a convolution plus its bias, of the network's parameters or computed."""
    if state.call.get("bias") is None:
        return result
    spatial = len(state.tensor("weight").sizes) - 2
    bias, place = state.value("bias"), (result.sizes[-spatial - 1], *[1] * spatial)
    aligned = Fixed(place, (bias.key, place), bias.weights) if isinstance(bias, Fixed) else reshaped(state, bias, place)
    return combined(state, Add(), [result, aligned])

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
    if isinstance(state.value("weight"), Tensor) and not state.call.get("transposed"):
        return _with_computed_weight(state)
    return ordinary.convolution(state)


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
    result = reshaped(state, product, made)
    if call.get("bias") is None:
        return result
    bias, place = state.value("bias"), (out, *[1] * spatial)
    aligned = Fixed(place, (bias.key, place), bias.weights) if isinstance(bias, Fixed) else reshaped(state, bias, place)
    return combined(state, Add(), [result, aligned])

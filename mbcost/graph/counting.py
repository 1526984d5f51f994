"""Counting conventions: what a published "params" or "MACs" includes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mbcost.graph.layer import NETWORK_INPUT, Layer, Network
from mbcost.numeric import Dim
from mbcost.operators import Conv2d, Conv3d, Dense, DepthwiseConv2d, Matmul, Operator, TransposedConv2d
from mbcost.words import MacsConvention, NormParams

_PER_CHANNEL: Final[dict[NormParams, int]] = {"folded": 1, "affine": 2, "all": 4, "none": 0}
#: Operators into whose bias a batch norm is folded.
FOLDS_NORM: Final = (Conv2d, DepthwiseConv2d, TransposedConv2d, Conv3d, Dense)


@dataclass(frozen=True, slots=True)
class ParamsConvention:
    """What a batch norm adds to the number of parameters.

    Attributes
    ----------
    batch_norm
        ``folded``: one bias per channel, unless the layer before has one; ``affine``: gamma and beta (PyTorch,
        Keras's "trainable"); ``all``: moving mean and variance too (Keras's total); ``none``: weights and biases only.
    after_depthwise
        The same for batch norms after a depthwise convolution, where it differs.
    """

    batch_norm: NormParams = "affine"
    after_depthwise: NormParams | None = None


DEFAULT_PARAMS: Final = ParamsConvention()


def params_by_layer(graph: Network, convention: ParamsConvention = DEFAULT_PARAMS) -> list[Dim]:
    """Parameters of every layer of a network [elements]."""
    layers = graph.layers
    result: list[Dim] = []
    for layer in layers:
        cost = layer.cost
        if not layer.has_parameters:
            result.append(0)
        elif layer.op == "batch_norm":
            producer = layers[layer.inputs[0]].operator if layer.inputs[0] != NETWORK_INPUT else None
            result.append(_per_channel(producer, convention) * cost.norm_channels)
        else:
            result.append(cost.weight_elements + cost.bias_elements)
    return result


def count_params(graph: Network, convention: ParamsConvention = DEFAULT_PARAMS) -> Dim:
    """Parameters of a network [elements]."""
    return sum(params_by_layer(graph, convention))


def _per_channel(producer: Operator | None, convention: ParamsConvention) -> int:
    """Parameters per channel of a batch norm after `producer`."""
    chosen = convention.batch_norm
    if convention.after_depthwise is not None and isinstance(producer, DepthwiseConv2d):
        chosen = convention.after_depthwise
    if chosen == "folded" and getattr(producer, "bias", False):
        return 0
    return _PER_CHANNEL[chosen]


def macs_by_layer(graph: Network, convention: MacsConvention = "products") -> list[Dim]:
    """Multiply-accumulates of every layer for one image; see :func:`count_macs`."""
    if convention == "products":
        return [layer.cost.macs for layer in graph.layers]
    return [layer.cost.macs + layer.cost.elementwise_ops for layer in graph.layers]


def count_macs(graph: Network, convention: MacsConvention = "products") -> Dim:
    """Multiply-accumulates of a network for one image.

    ``products`` counts convolutions, fully connected layers and matrix products without bias, as the papers do; ``all``
    adds one operation per element of batch norms, activations, additions and pooling windows.
    """
    return sum(macs_by_layer(graph, convention))


def is_product(layer: Layer) -> bool:
    """Whether a layer is a convolution, a fully connected layer or a matrix product."""
    return isinstance(layer.operator, (*FOLDS_NORM, Matmul))

"""Counting conventions: what a published "params" or "MACs" includes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from mbcost.graph.layer import NETWORK_INPUT, Layer, LayerGraph
from mbcost.numeric import Dim
from mbcost.operators import BatchNorm, Conv2d, Dense, DepthwiseConv2d, Matmul, TransposedConv2d

NormParams: TypeAlias = Literal["folded", "affine", "all", "none"]
MacsConvention: TypeAlias = Literal["products", "all"]

NORM_PARAMS: Final[tuple[NormParams, ...]] = ("folded", "affine", "all", "none")
MACS_CONVENTIONS: Final[tuple[MacsConvention, ...]] = ("products", "all")
_PER_CHANNEL: Final[dict[NormParams, int]] = {"folded": 1, "affine": 2, "all": 4, "none": 0}
#: Operators whose bias a folded batch norm disappears into.
FOLDS_NORM: Final = (Conv2d, DepthwiseConv2d, TransposedConv2d, Dense)


@dataclass(frozen=True, slots=True)
class ParamsConvention:
    """What a batch norm adds to the number of parameters.

    Attributes
    ----------
    batch_norm
        ``folded``: one bias a channel, unless the layer before has one already; ``affine``: gamma and beta (PyTorch,
        Keras's "trainable"); ``all``: moving mean and variance too (Keras's total); ``none``: weights and biases only.
    after_depthwise
        The same for batch norms after a depthwise convolution, where it differs.
    """

    batch_norm: NormParams = "affine"
    after_depthwise: NormParams | None = None


DEFAULT_PARAMS: Final = ParamsConvention()


def layer_params(layer: Layer, layers: tuple[Layer, ...], convention: ParamsConvention = DEFAULT_PARAMS) -> Dim:
    """Parameters of one layer of a network [elements]."""
    cost = layer.cost
    if not isinstance(layer.operator, BatchNorm):
        return cost.weight_elements + cost.bias_elements
    producer = layers[layer.inputs[0]] if layer.inputs[0] != NETWORK_INPUT else None
    convention_here = convention.batch_norm
    if producer is not None and isinstance(producer.operator, DepthwiseConv2d):
        convention_here = convention.after_depthwise or convention.batch_norm
    has_bias = producer is not None and getattr(producer.operator, "bias", False)
    if convention_here == "folded" and has_bias:
        return 0
    return _PER_CHANNEL[convention_here] * cost.norm_channels


def count_params(graph: LayerGraph, convention: ParamsConvention = DEFAULT_PARAMS) -> Dim:
    """Parameters of a network [elements]."""
    return sum(layer_params(layer, graph.layers, convention) for layer in graph.layers)


def layer_macs(layer: Layer, convention: MacsConvention = "products") -> Dim:
    """Multiply-accumulates of one layer; ``all`` counts batch norm and activations as one each an element."""
    if convention == "products":
        return layer.cost.macs
    return layer.cost.macs + layer.cost.elementwise_ops


def count_macs(graph: LayerGraph, convention: MacsConvention = "products") -> Dim:
    """Multiply-accumulates of a network for one image.

    ``products`` counts convolutions, fully connected layers and matrix products without bias, as the papers do; ``all``
    adds one operation an element of batch norms, activations, additions and pooling windows.
    """
    return sum(layer_macs(layer, convention) for layer in graph.layers)


def is_product(layer: Layer) -> bool:
    """Whether a layer is a convolution, a fully connected layer or a matrix product."""
    return isinstance(layer.operator, (*FOLDS_NORM, Matmul))

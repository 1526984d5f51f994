"""Graphs of layers: building them from tables, counting, activation memory."""

from mbcost.graph.build import build_graph
from mbcost.graph.check import check_architecture, check_table
from mbcost.graph.counting import (
    DEFAULT_PARAMS,
    ParamsConvention,
    count_macs,
    count_params,
    is_product,
    macs_by_layer,
    params_by_layer,
)
from mbcost.graph.layer import NETWORK_INPUT, Layer, same_shape
from mbcost.graph.layer_graph import LayerGraph
from mbcost.graph.memory import live_elements, peak_elements
from mbcost.numeric import MixedConfigurationsError

__all__ = [
    "DEFAULT_PARAMS",
    "NETWORK_INPUT",
    "Layer",
    "LayerGraph",
    "MixedConfigurationsError",
    "ParamsConvention",
    "build_graph",
    "check_architecture",
    "check_table",
    "count_macs",
    "count_params",
    "is_product",
    "live_elements",
    "macs_by_layer",
    "params_by_layer",
    "peak_elements",
    "same_shape",
]

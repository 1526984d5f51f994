"""What a written table has to keep."""

from __future__ import annotations

from typing import Any

import mbcost
from mbcost.architectures import ArchitectureSpec
from mbcost.architectures.loader import read_architecture
from mbcost.errors import InputError
from mbcost.files import parse_yaml
from mbcost.graph import LayerGraph, ParamsConvention, build_graph, check_architecture, count_macs, count_params
from mbcost.graph.table_writer import write_table
from mbcost.words import MACS_CONVENTIONS, NORM_PARAMS

CONVENTIONS = [*map(ParamsConvention, NORM_PARAMS), ParamsConvention("affine", after_depthwise="none")]


def reload(spec: ArchitectureSpec, **configuration: Any) -> ArchitectureSpec:
    """What is left of an architecture after it was written and read, with no complaint of the table checker."""
    read = read_architecture(parse_yaml(write_table(spec, **configuration), "written.yaml"))
    assert not check_architecture(read)
    return read


def layers(graph: LayerGraph) -> list[Any]:
    """Everything of the layers but their names."""
    return [
        (
            layer.operator,
            layer.inputs,
            layer.input_shapes,
            layer.output_shape,
            layer.cost,
            layer.owns_weights,
            layer.trained,
        )
        for layer in graph.layers
    ]


def assert_same(spec: ArchitectureSpec, **configuration: Any) -> ArchitectureSpec:
    """Write and read an architecture, and compare counts, kernels and latency."""
    read = reload(spec, **configuration)
    before, after = build_graph(spec, **configuration), build_graph(read)
    assert layers(before) == layers(after)
    assert before.outputs == after.outputs
    assert [count_params(before, item) for item in CONVENTIONS] == [count_params(after, item) for item in CONVENTIONS]
    assert [count_macs(before, item) for item in MACS_CONVENTIONS] == [
        count_macs(after, item) for item in MACS_CONVENTIONS
    ]
    one = mbcost.analyze(spec, "pixel1", unsupported="estimate", precision="fp32", batch=1, **configuration)
    other = mbcost.analyze(read, "pixel1", unsupported="estimate", precision="fp32", batch=1)
    assert [(kernel.kind, kernel.layers) for kernel in one.kernels] == [
        (kernel.kind, kernel.layers) for kernel in other.kernels
    ]
    assert one.latency_s == other.latency_s
    assert reload(read).name == read.name
    return read


def at_resolution(spec: ArchitectureSpec, resolution: int) -> list[Any] | tuple[str, ...]:
    """The layers at another resolution, or the codes of what prevents it."""
    try:
        return layers(build_graph(spec, resolution=resolution))
    except InputError as error:
        return error.codes

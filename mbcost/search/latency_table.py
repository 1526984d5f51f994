"""Latency tables of a search space in the form of ProxylessNAS and Once-for-All: block key -> mean in milliseconds.

Existing search code can read such a table instead of measurements (mit-han-lab/once-for-all,
nas/efficiency_predictor/latency_lookup_table.py: ``ProxylessNASLatencyTable`` and ``MBv3LatencyTable``), for a device
that was never measured. Keys look like

    expanded_conv-input:112x112x16-output:56x56x24-expand:3-kernel:5-stride:2-idskip:0

with ``expand`` the ratio in ProxylessNAS's tables and the expanded channels in Once-for-All's, where ``se`` and ``hs``
(h-swish) follow. Rows of the stem and the head have their name and shapes. Once-for-All has one table per resolution.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mbcost._version import __version__
from mbcost.errors import fail
from mbcost.graph import Layer, LayerGraph, build_graph
from mbcost.numeric import add_up
from mbcost.operators import DepthwiseConv2d, TensorShape
from mbcost.prediction import predict
from mbcost.search.compiled import CompiledSpace, probes
from mbcost.search.space import SearchSpace

_BLOCK = "expanded_conv"


def latency_table(compiled: CompiledSpace, resolution: int | None = None) -> dict[str, float]:
    """Key -> mean latency [ms] of every block of a space, and of the rows around its stages.

    Parameters
    ----------
    resolution
        One of the space's; by default the largest.

    Raises
    ------
    InputError
        MB010 for another resolution, or if the space does not say a form (its key ``latency_table``).
    """
    space = compiled.space
    if space.latency_table is None:
        fail("MB010", f"{space.name} says no form of latency table", hint="latency_table: once_for_all | proxylessnas")
    chosen = max(space.resolutions) if resolution is None else resolution
    if chosen not in space.resolutions:
        fail("MB010", f"{space.name} has no resolution {chosen}", hint=f"it has {space.resolutions}")
    table: dict[str, float] = {}
    for candidate in probes(space):
        graph = build_graph(space.architecture(candidate), resolution=chosen)
        predicted = predict(graph, compiled.model, batch=compiled.batch)
        seconds: dict[str, list[float]] = {}
        for kernel, estimate in zip(predicted.kernels, predicted.estimates, strict=True):
            seconds.setdefault(kernel.main.block, []).append(estimate.latency_s)
        described = space.describe(candidate)["stages"]
        for block, layers in _by_block(graph).items():
            key = _key(space, block, layers, _parameters(described, block))
            table[key] = float(add_up(seconds.get(block, [0.0]))) * 1e3
    return table


def table_text(compiled: CompiledSpace, resolution: int | None = None) -> str:
    """The table as YAML: ``key: {mean: milliseconds}``; parameters as for :func:`latency_table`."""
    target = compiled.target
    head = (
        f"# predicted by mbcost {__version__} for {target.name}, {target.precision}, threads {target.threads}, "
        f"batch {compiled.batch}; mean in milliseconds\n"
    )
    rows = [f"{key}: {{mean: {mean!r}}}\n" for key, mean in sorted(latency_table(compiled, resolution).items())]
    return head + "".join(rows)


def _by_block(graph: LayerGraph) -> dict[str, list[Layer]]:
    found: dict[str, list[Layer]] = {}
    for layer in graph.layers:
        found.setdefault(layer.block, []).append(layer)
    return found


def _parameters(described: Any, block: str) -> Mapping[str, Any] | None:
    """The parameters of a stage's block; None for a row of the stem or the head."""
    stage, _, position = block.removeprefix("stage").partition("_")
    if not (block.startswith("stage") and stage.isdigit() and position.isdigit()):
        return None
    entry = described[int(stage) - 1]
    stride = entry["stride"] if position == "1" else 1
    return {**entry["blocks"][int(position) - 1], "stride": stride}


def _key(space: SearchSpace, block: str, layers: list[Layer], parameters: Mapping[str, Any] | None) -> str:
    depthwise = [layer for layer in layers if isinstance(layer.operator, DepthwiseConv2d)]
    source, output = layers[0].input_shapes[0], layers[-1].output_shape
    shapes = f"input:{_shape(source)}-output:{_shape(output)}"
    if not depthwise:
        is_vector = output.pixels == 1 and layers[-1].op == "dense"
        return f"{block}-{f'input:{_shape(source)}-output:{output.channels}' if is_vector else shapes}"
    operator = depthwise[0].operator
    assert isinstance(operator, DepthwiseConv2d)
    expanded = depthwise[0].input_shapes[0].channels
    given = parameters or {}
    ratio = given.get("e", expanded // source.channels)
    once_for_all = space.latency_table == "once_for_all"
    skips = any(layer.op == "add" for layer in layers)
    parts = [
        f"{_BLOCK}-{shapes}",
        f"expand:{expanded if once_for_all else ratio}",
        f"kernel:{operator.kernel[0]}",
        f"stride:{operator.stride[0]}",
        f"idskip:{int(skips)}",
    ]
    if once_for_all:
        squeezes = any(layer.op == "global_avg_pool" for layer in layers)
        parts += [f"se:{int(squeezes)}", f"hs:{int(any(layer.op == 'hard_swish' for layer in layers))}"]
    return "-".join(parts)


def _shape(shape: TensorShape) -> str:
    return "x".join(str(dim) for dim in shape)

"""The vector DSP's form: hand arithmetic, with 1024-bit vectors and two contexts of two multipliers."""

from __future__ import annotations

import pytest

import mbcost
from mbcost.devices import resolve_target
from mbcost.graph import build_graph
from mbcost.kernels import Kernel, load_runtime, map_to_kernels
from mbcost.latency.forms import hexagon_hvx as hvx

UNIT = hvx.REFERENCE


@pytest.fixture(scope="module")
def kernels() -> dict[str, Kernel]:
    found = map_to_kernels(build_graph(mbcost.load("mobilenet_v2")), load_runtime("hexagon-hvx"), element_bytes=1)
    return {kernel.name: kernel for kernel in found}


def test_products_are_padded_to_32_channels(kernels: dict[str, Kernel]) -> None:
    """3 and 24 channels take 32; 512 products a cycle."""
    assert hvx.product_cycles(UNIT, kernels["conv2d_1"]) == 112 * 112 * 9 * 32 * 32 / 512
    assert hvx.product_cycles(UNIT, kernels["bottleneck_2/project"]) == 56 * 56 * 96 * 32 / 512


def test_depthwise_lanes_are_channels(kernels: dict[str, Kernel]) -> None:
    """144 channels take 160 lanes, at a tap a cycle."""
    assert hvx.depthwise_cycles(UNIT, kernels["bottleneck_3/depthwise"]) == 56 * 56 * 160 / 128 * 9 / 2


def test_wider_vectors_and_more_contexts_are_faster(kernels: dict[str, Kernel]) -> None:
    kernel = kernels["conv2d_2"]
    half = hvx.VectorUnit(64, 2)
    assert hvx.product_cycles(half, kernel) == 2 * hvx.product_cycles(UNIT, kernel)
    assert hvx.product_cycles(UNIT._replace(contexts=4), kernel) == hvx.product_cycles(UNIT, kernel) / 2


def test_the_snapdragon_835() -> None:
    target = resolve_target("galaxy_s8/dsp")
    assert (target.runtime, target.precision, hvx.unit_of(target)) == ("hexagon-hvx", "int8", UNIT)
    analysis = mbcost.analyze("mobilenet_v1", target)
    assert analysis.latency_s > 569e6 / 256e9  # not faster than its peak
    assert analysis.latency_low_s < analysis.latency_s < analysis.latency_high_s

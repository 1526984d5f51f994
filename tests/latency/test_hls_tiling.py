"""Loop tiling in high-level synthesis: the published engine of Zhang et al. 2015, and hand arithmetic."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import pytest

import mbcost
from mbcost.architectures.loader import read_architecture
from mbcost.devices import resolve_target
from mbcost.devices.fabric import DesignPoint, available, block_rams, exceeded, tiled_engine, used
from mbcost.errors import InputError
from mbcost.files import parse_yaml
from mbcost.graph import build_graph
from mbcost.kernels import Kernel, load_runtime, map_to_kernels
from mbcost.latency.forms.hls_tiling import activation_bytes, cycles, passes, weight_bytes
from mbcost.latency.model import latency_model

#: Half of the convolutions of Krizhevsky et al. 2012, as in Zhang et al.'s table of layers: their engine computes one
#: half after the other. Layer 3 reads both halves.
ALEXNET = """
name: alexnet_2012
title: Half of AlexNet's convolutions
source: "Krizhevsky, Sutskever, Hinton 2012"
input: 227x227x3
layers:
  - {name: layer_1, op: conv2d, out: 48, kernel: 11, stride: 4, padding: valid}
  - {op: max_pool2d, kernel: 3, stride: 2, padding: valid}
  - {name: layer_2, op: conv2d, out: 128, kernel: 5, padding: same}
  - {name: half, op: max_pool2d, kernel: 3, stride: 2, padding: valid}
  - {op: concat, inputs: [half, half]}
  - {name: layer_3, op: conv2d, out: 192, kernel: 3, padding: same}
  - {name: layer_4, op: conv2d, out: 192, kernel: 3, padding: same}
  - {name: layer_5, op: conv2d, out: 128, kernel: 3, padding: same}
"""
#: Cycles that a tile of channels takes beyond the formula in Zhang et al.'s table of execution cycles.
DEPTH = 20


def alexnet() -> mbcost.ArchitectureSpec:
    return read_architecture(parse_yaml(ALEXNET, "alexnet_2012.yaml"))


def kernels(spec: mbcost.ArchitectureSpec, element_bytes: int = 4) -> dict[str, Kernel]:
    found = map_to_kernels(build_graph(spec), load_runtime("hls-tiled"), element_bytes=element_bytes)
    return {kernel.name: kernel for kernel in found}


@pytest.mark.parametrize(
    ("layer", "tm", "tn", "published"),
    [  # Zhang et al. 2015, optimal unroll factors of each layer and its execution cycles
        ("layer_1", 48, 3, 366_025),
        ("layer_3", 96, 5, 160_264),
        ("layer_4", 96, 5, 120_198),  # <95, 5> as printed takes ceil(192 / 95) = 3 tiles and half as many cycles again
        ("layer_5", 32, 15, 80_132),
    ],
)
def test_published_cycles_of_single_layers(layer: str, tm: int, tn: int, published: int) -> None:
    kernel = kernels(alexnet())[layer]
    design = DesignPoint(tm, tn, 512, 512)  # whole maps, as the formula has it
    assert cycles(design, kernel) + DEPTH * passes(design, kernel) == pytest.approx(published, rel=1e-4)


def test_published_cycles_of_the_whole_engine() -> None:
    """<Tm, Tn> = <64, 7> for all layers: 1,008,246 cycles; layer 1 is printed without the pipeline's depth."""
    design, of = DesignPoint(64, 7, 512, 512), kernels(alexnet())
    layers = [of[f"layer_{number}"] for number in range(1, 6)]
    total = sum(cycles(design, kernel) + DEPTH * passes(design, kernel) for kernel in layers)
    assert total == 1_008_246 + DEPTH


def test_the_board_took_somewhat_longer() -> None:
    """Zhang et al. measured 21.61 ms at 100 MHz, 61.62 GFLOPS over the convolutions of AlexNet."""
    analysis = mbcost.analyze(alexnet(), "vc707")
    convolutions = [row for row in analysis.layers if row.op == "conv2d"]
    assert 2 * 2 * sum(row.macs for row in convolutions) / 21.61e-3 == pytest.approx(61.62e9, rel=1e-3)
    assert 2 * sum(row.latency_s for row in convolutions) * 1e3 == pytest.approx(21.61, rel=0.08)
    assert 2 * analysis.latency_low_s < 21.61e-3 < 2 * analysis.latency_high_s


def test_resources_of_the_published_engine() -> None:
    """2240 of 2800 DSP slices, 1024 of 2060 block RAMs."""
    vc707 = resolve_target("vc707").processor
    needed = used(vc707, "fp32")
    assert needed is not None
    assert needed.dsp == 2240
    assert needed.bram == pytest.approx(1024, rel=0.03)
    assert available(vc707)[:2] == (2800, 2060)


def test_block_rams_by_hand() -> None:
    """UG953: 512 x 36, 1024 x 18, 2048 x 9, ... bits."""
    assert block_rams(1, 448 * 32) == ceil(448 * 32 / 36)
    assert block_rams(729, 64 * 32) == 2 * ceil(64 * 32 / 36)  # two deep; as 1024 x 18 it is as many
    assert block_rams(2048, 8) == 1
    assert block_rams(16384, 1) == 1
    # Tm 4, Tn 2, 6 x 6 pixels, int8: 8 x 8 words of 16 bit, 8 weights of 8 bit, 36 words of 4 x 32 bit
    assert tiled_engine(DesignPoint(4, 2, 6, 6), "int8", 1)[:2] == (8, 2 * (1 + 2 + 4))


def test_cycles_and_traffic_by_hand() -> None:
    """A 3x3 convolution of 28 x 28 x 20 to 30 channels on Tm 8, Tn 4, tiles of 14 x 14."""
    text = """
name: hand
title: hand
source: hand
input: 28x28x20
layers:
  - {name: a, op: conv2d, out: 30, kernel: 3, padding: same}
  - {name: b, op: depthwise_conv2d, kernel: 3, stride: 2, padding: same}
  - {name: c, op: conv2d, out: 6, kernel: 1, padding: same, groups: 6}
"""
    of = kernels(read_architecture(parse_yaml(text, "hand.yaml")), 1)
    design = DesignPoint(8, 4, 14, 14)
    a, b, c = of["a"], of["b"], of["c"]
    assert cycles(design, a) == 28 * 28 * 9 * ceil(30 / 8) * ceil(20 / 4)
    assert passes(design, a) == 2 * 2 * ceil(30 / 8) * ceil(20 / 4)
    # two tiles of 14 rows read 16 each, less the two rows of padding
    assert activation_bytes(design, a) == 30 * 30 * 20 * ceil(30 / 8) + 28 * 28 * 30
    assert weight_bytes(design, a) == 9 * 20 * 30 * 4
    # min(8, 4) of 30 channels side by side; buffers of 16 rows hold (16 - 3) // 2 + 1 = 7 strided outputs
    assert cycles(design, b) == 14 * 14 * 9 * ceil(30 / 4)
    assert passes(design, b) == 2 * 2 * ceil(30 / 4)
    # six groups of 5 channels to 1: more channels than Tn, one group at a time
    assert cycles(design, c) == 14 * 14 * ceil(5 / 4) * 6


def test_layers_take_their_cycles_or_their_traffic() -> None:
    analysis = mbcost.analyze("mobilenet_v2", "pynq_z2")
    for kernel, estimate in zip(analysis.kernels, analysis.estimates, strict=True):
        if kernel.kind == "pointwise":
            expected = max(estimate.compute_s, estimate.memory_s) + estimate.overhead_s
            assert estimate.latency_s == pytest.approx(expected)


def test_a_design_over_the_resources_is_refused() -> None:
    target = resolve_target("zc706")
    hls = target.processor.hls
    assert hls is not None
    large = replace(hls, tm={**hls.tm, "int8": replace(hls.tm["int8"], value=64.0)})
    with pytest.raises(InputError, match=r"MB402.*1,408 DSP slices of 900") as error:
        latency_model(replace(target, processor=replace(target.processor, hls=large)))
    assert "block RAMs" in str(error.value)
    assert not list(exceeded(tiled_engine(DesignPoint(32, 22, 56, 56), "int8", 1), available(target.processor)))


def test_a_profile_without_a_design_is_refused() -> None:
    target = resolve_target("zc706")
    with pytest.raises(InputError, match="mbcost design"):
        latency_model(replace(target, processor=replace(target.processor, hls=None)))

"""The Adreno form: hand arithmetic of each term, with the rates of the Adreno 640."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mbcost
from mbcost.devices import resolve_target
from mbcost.graph import build_graph
from mbcost.kernels import Kernel, load_runtime, map_to_kernels
from mbcost.latency.forms import TFLITE_ADRENO
from mbcost.latency.forms.tflite_adreno import in_constant_memory, occupied, texture_macs

RUNTIME = load_runtime("tflite-gpu-2020")


def kernels_of(folder: Path, rows: str, size: str) -> tuple[Kernel, ...]:
    path = folder / "net.yaml"
    path.write_text(f"name: net\nsource: a test\ninput: {size}\nlayers:\n{rows}", encoding="utf-8")
    return map_to_kernels(build_graph(mbcost.load(path)), RUNTIME)


def counts(kernel: Kernel) -> dict[str, float]:
    return {term.name: count for term, count in TFLITE_ADRENO.explain(kernel) if count}


def test_occupancy_is_a_floor_with_a_soft_corner() -> None:
    assert occupied(0, 4000) == pytest.approx(4000)
    assert occupied(4e9, 4000) == pytest.approx(4e9)
    assert occupied(4000, 4000) == pytest.approx(4000 * 2 ** (1 / 1.5))


@pytest.mark.parametrize(
    ("row", "size", "expected"),
    [
        # 32 slices in, 16 out; 56 -> 64 columns, 56 rows: 57,344 texels, floor of 4,000; 9 * 32 steps of 16 MACs
        (
            "op: conv2d 3x3, out: 64",
            "56x56x128",
            {
                "texture_conv": 9 * 32 * 16 * (57_344**1.5 + 4000**1.5) ** (2 / 3),
                "memory": 56 * 56 * 16 * 16,
                "weights": 9 * 32 * 16 * 64,
            },
        ),
        # 28x28 of 16 slices; 32 columns, 32 rows: 16,384 texels; strided x 1.22
        (
            "op: conv2d 3x3, out: 64, stride: 2",
            "56x56x128",
            {
                "texture_conv": 9 * 32 * 16 * (16_384**1.5 + 4000**1.5) ** (2 / 3) * 1.22,
                "memory": 28 * 28 * 16 * 16,
                "weights": 9 * 32 * 16 * 64,
            },
        ),
        # 64 columns x 56 rows x 16 slices = 57,344 texels, floor of 2,400; 32 steps
        (
            "op: conv2d 1x1, out: 64",
            "56x56x128",
            {
                "pointwise_conv": 32 * 16 * (57_344**1.5 + 2400**1.5) ** (2 / 3),
                "memory": 56 * 56 * 16 * 16,
                "weights": 32 * 16 * 64,
            },
        ),
        # 3 * 32 * 9 * 4 B = 3,456 B <= 3,584 B, 8 slices: constant memory; no weights from textures
        (
            "op: conv2d 3x3, out: 32, stride: 2",
            "224x224x3",
            {"constant_conv": 112 * 112 * 9 * 3 * 8 * 4, "memory": 112 * 112 * 8 * 16},
        ),
        # 64 x 56 of 2x2 pixels padded, 8 slices, 4 x 9 MACs
        ("op: depthwise_conv2d, kernel: 3", "56x56x32", {"depthwise_3x3": 64 * 56 * 8 * 36}),
        # 28x28 -> 32x28, 8 slices, (25 + 4) x 4
        ("op: depthwise_conv2d, kernel: 5, stride: 2", "56x56x32", {"depthwise": 29 * 32 * 28 * 8 * 4}),
        # 49 reads in a row, 8 slices + 128
        ("op: global_avg_pool", "7x7x32", {"squeeze": 49 * (8 + 128)}),
        # 28x28 -> 32x32, 8 slices, 9 reads; 9 compares of real pixels
        (
            "op: max_pool2d, kernel: 3, stride: 2",
            "56x56x32",
            {"pool": 9 * 32 * 32 * 8, "max_pool": 9 * 28 * 28 * 8},
        ),
        # one read, one write
        ("op: relu", "8x8x6", {"memory": 2 * 64 * 2 * 16}),
        # read twice, written once
        ("op: hard_swish", "8x8x6", {"memory": 3 * 64 * 2 * 16}),
    ],
)
def test_terms_by_hand(tmp_path: Path, row: str, size: str, expected: dict[str, float]) -> None:
    """Slices are four channels, a texel of fp32 is 16 bytes; tensorflow/lite/delegates/gpu/cl/kernels."""
    (kernel,) = kernels_of(tmp_path, f"  - {{{row}}}\n", size)
    assert counts(kernel) == pytest.approx({**expected, "launch": 1})


def test_linked_add_reads_its_other_input(tmp_path: Path) -> None:
    rows = """\
  - {name: a, op: conv2d 3x3, out: 64}
  - {name: b, op: conv2d 3x3, out: 64}
  - {name: sum, op: add, inputs: [a, b]}
  - {op: relu}
"""
    first, second = kernels_of(tmp_path, rows, "16x16x64")
    assert (first.layers, second.layers) == ((0,), (1, 2, 3))
    assert counts(second)["memory"] == 2 * 16 * 16 * 16 * 16  # own output, the other input
    assert counts(first)["memory"] == 16 * 16 * 16 * 16


def test_squeeze_and_excite(tmp_path: Path) -> None:
    """The map has two readers, the gate is broadcast: the product is a kernel of its own, of four texels."""
    rows = """\
  - {name: map, op: conv2d 3x3, out: 64}
  - {op: global_avg_pool}
  - {name: gate, op: conv2d 1x1, out: 64, activation: hard_sigmoid}
  - {op: multiply, inputs: [map, gate]}
"""
    kernels = kernels_of(tmp_path, rows, "16x16x64")
    assert [kernel.kind for kernel in kernels] == ["direct_conv", "pool", "pointwise", "elementwise"]
    assert counts(kernels[-1])["memory"] == 4 * 16 * 16 * 16 * 16


def test_concat_is_a_copy(tmp_path: Path) -> None:
    rows = """\
  - {name: a, op: conv2d 1x1, out: 64}
  - {name: b, op: conv2d 1x1, out: 64, inputs: a}
  - {op: concat, inputs: [a, b]}
"""
    *_, kernel = kernels_of(tmp_path, rows, "16x16x64")
    assert counts(kernel) == {"copy": 2 * 16 * 16 * 32 * 16, "launch": 1}


def test_fully_connected_layers_are_outside_and_said_to_be() -> None:
    analysis = mbcost.analyze("vgg16", "pixel4/gpu")
    outside = [layer for layer in analysis.layers if layer.name.startswith("dense")]
    assert {layer.latency_s for layer in outside} == {0}  # each with the ReLU that is fused into it
    (rate,) = analysis.rates["outside"].parameters
    assert rate.reference.startswith("nn-Meter bench")
    assert any("3 layers run outside of the GPU part" in warning for warning in analysis.warnings)


def test_small_convolutions_are_chosen_one_by_one_in_arrays() -> None:
    """The first convolution of MobileNet V1: 3 * 9 * 4 * 32 B fit, at alpha 1.25 40 channels need 4,320 B."""
    spec = mbcost.load("mobilenet_v1")
    graph = build_graph(spec, alpha=np.array([1.0, 1.25]))  # type: ignore[arg-type]
    kernel = map_to_kernels(graph, RUNTIME)[0]
    assert in_constant_memory(kernel).tolist() == [True, False]  # type: ignore[attr-defined]
    assert texture_macs(kernel)[0] == 0  # type: ignore[index]
    assert texture_macs(kernel)[1] > 0  # type: ignore[index]


def test_every_kernel_kind_of_the_rules_has_a_term() -> None:
    with_term = {kind for term in TFLITE_ADRENO.terms for kind in term.kinds} | {"view"}
    assert {rule.kind for rules in RUNTIME.rules.values() for rule in rules} <= with_term


def test_the_gpu_that_was_fitted_has_a_narrow_interval() -> None:
    fitted, other, half = (
        mbcost.analyze("mobilenet_v2", "pixel4/gpu"),
        mbcost.analyze("mobilenet_v2", "pixel1/gpu"),
        mbcost.analyze("mobilenet_v2", resolve_target("pixel4/gpu", precision="fp16")),
    )
    assert fitted.latency_high_s / fitted.latency_low_s == pytest.approx(1.1 / 0.9)
    assert other.latency_high_s / other.latency_low_s == pytest.approx(2.5 / 0.4)
    assert half.latency_high_s / half.latency_low_s == pytest.approx(2.5 / 0.4)
    assert "Adreno 640 in another device" in fitted.warnings[0]
    assert "fp16 is extrapolated" in half.warnings[0]

"""The Adreno form: hand arithmetic of each term, and the rates of the Adreno 640 and of its siblings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mbcost
from mbcost.devices import resolve_target
from mbcost.graph import build_graph
from mbcost.kernels import Kernel, load_runtime, map_to_kernels
from mbcost.latency.forms.tflite_adreno import TFLITE_ADRENO, waiting
from mbcost.latency.model import latency_model
from mbcost.prediction import prepare

RUNTIME = load_runtime("tflite-gpu-2020")


def kernels_of(folder: Path, rows: str, size: str) -> tuple[Kernel, ...]:
    path = folder / "net.yaml"
    path.write_text(f"name: net\nsource: a test\ninput: {size}\nlayers:\n{rows}", encoding="utf-8")
    return map_to_kernels(build_graph(mbcost.load(path)), RUNTIME)


def counts(kernel: Kernel) -> dict[str, float]:
    return {term.name: count for term, count in TFLITE_ADRENO.explain(kernel) if count}


def open_share(texels: float) -> float:
    """Of a step's latency, with 700 threads of 8 texels to hide it: ((n^1.5 + n0^1.5)^(2/3) - n) / n0."""
    return ((texels**1.5 + 5600**1.5) ** (2 / 3) - texels) / 5600


def test_a_step_waits_unless_threads_are_many() -> None:
    assert waiting(0) == pytest.approx(1)
    assert waiting(5600) == pytest.approx(2 ** (2 / 3) - 1)
    assert waiting(5.6e7) == pytest.approx(2 / 3 * (5600 / 5.6e7) ** 0.5, rel=1e-4)  # n0^q n^(1-q) / q / n0


@pytest.mark.parametrize(
    ("row", "size", "expected"),
    [
        # 32 slices in, 16 out; 56 -> 64 columns, 56 rows: 57,344 texels; 9 * 32 steps of 16 MACs
        (
            "op: conv2d 3x3, out: 64",
            "56x56x128",
            {
                "texture_conv": 9 * 32 * 16 * 57_344,
                "latency": 9 * 32 * open_share(57_344),
                "memory": 56 * 56 * 16 * 16,
            },
        ),
        # 28x28 of 16 slices; 32 columns, 32 rows: 16,384 texels; strided x 1.25
        (
            "op: conv2d 3x3, out: 64, stride: 2",
            "56x56x128",
            {
                "texture_conv": 9 * 32 * 16 * 16_384 * 1.25,
                "latency": 9 * 32 * open_share(16_384),
                "memory": 28 * 28 * 16 * 16,
            },
        ),
        # 64 columns x 56 rows x 16 slices = 57,344 texels; 32 steps
        (
            "op: conv2d 1x1, out: 64",
            "56x56x128",
            {"pointwise_conv": 32 * 16 * 57_344, "latency": 32 * open_share(57_344), "memory": 56 * 56 * 16 * 16},
        ),
        # one pixel is padded to 16 x 1, 16 slices: 256 texels, and nearly the whole latency of each of 32 steps
        (
            "op: conv2d 1x1, out: 64",
            "1x1x128",
            {"pointwise_conv": 32 * 16 * 256, "latency": 32 * open_share(256), "memory": 16 * 16},
        ),
        # 3 channels are one slice; 112 x 112 x 8 slices
        (
            "op: conv2d 3x3, out: 32, stride: 2",
            "224x224x3",
            {
                "texture_conv": 9 * 16 * 112 * 112 * 8 * 1.25,
                "latency": 9 * open_share(112 * 112 * 8),
                "memory": 112 * 112 * 8 * 16,
            },
        ),
        # 64 x 56 of 2x2 pixels padded, 8 slices, 4 x 9 MACs
        ("op: depthwise_conv2d, kernel: 3", "56x56x32", {"depthwise_3x3": 64 * 56 * 8 * 36}),
        # 28x28 -> 32x28, 8 slices, (25 + 4) x 4
        ("op: depthwise_conv2d, kernel: 5, stride: 2", "56x56x32", {"depthwise": 29 * 32 * 28 * 8 * 4}),
        # 49 reads in a row, 8 slices + 64
        ("op: global_avg_pool", "7x7x32", {"squeeze": 49 * (8 + 64)}),
        # 28 x 28 x 8 slices, 9 reads of 16 B, each compared
        (
            "op: max_pool2d, kernel: 3, stride: 2",
            "56x56x32",
            {"pool": 9 * 28 * 28 * 8 * 16, "max_pool": 9 * 28 * 28 * 8},
        ),
        ("op: avg_pool2d, kernel: 2, stride: 2", "56x56x32", {"pool": 4 * 28 * 28 * 8 * 16}),
        # one read, one write, of neighbouring texels: half a convolution's time
        ("op: relu", "8x8x6", {"memory": 2 * 64 * 2 * 16 / 2}),
        ("op: hard_swish", "8x8x6", {"memory": 2 * 64 * 2 * 16 / 2}),
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
    """The map has two readers, the gate is broadcast: the product is a kernel of its own, of two reads and a write."""
    rows = """\
  - {name: map, op: conv2d 3x3, out: 64}
  - {op: global_avg_pool}
  - {name: gate, op: conv2d 1x1, out: 64, activation: hard_sigmoid}
  - {op: multiply, inputs: [map, gate]}
"""
    kernels = kernels_of(tmp_path, rows, "16x16x64")
    assert [kernel.kind for kernel in kernels] == ["direct_conv", "pool", "pointwise", "elementwise"]
    assert counts(kernels[-1])["memory"] == 3 * 16 * 16 * 16 * 16 / 2


def test_concat_is_a_copy(tmp_path: Path) -> None:
    rows = """\
  - {name: a, op: conv2d 1x1, out: 64}
  - {name: b, op: conv2d 1x1, out: 64, inputs: a}
  - {op: concat, inputs: [a, b]}
"""
    *_, kernel = kernels_of(tmp_path, rows, "16x16x64")
    assert counts(kernel) == {"copy": 2 * 16 * 16 * 32 * 16, "launch": 1}


def test_fully_connected_layers_are_charged_and_said_to_be_assumed() -> None:
    """VGG-16: 25,088 x 4,096, 4,096 x 4,096 and 4,096 x 1,000 MACs and weights, and a bias each.

    Arithmetic at 57 GMAC/s (17.5 ps a MAC), weights and outputs at the 40 GB/s of the system cache.
    """
    analysis = mbcost.analyze("vgg16", "pixel4/gpu@tflite-gpu-2020")
    dense = {layer.name: layer for layer in analysis.layers if layer.op == "dense"}
    sizes = [(25_088, 4_096), (4_096, 4_096), (4_096, 1_000)]
    launch = analysis.rates["launch"].seconds
    for layer, (inputs, outputs) in zip(dense.values(), sizes, strict=True):
        weights = inputs * outputs + outputs
        by_hand = inputs * outputs * 1.75e-11 + (weights + outputs) * 4 / 40e9 + launch
        assert layer.latency_s == pytest.approx(by_hand, rel=1e-6)
    assert any("`dense`" in warning and "assumed" in warning for warning in analysis.warnings)
    assert not any("outside" in warning for warning in analysis.warnings)


def test_arrays_of_configurations_count_as_each_of_them() -> None:
    spec = mbcost.load("mobilenet_v3_large")
    alphas = [0.75, 1.0]
    together = map_to_kernels(build_graph(spec, alpha=np.array(alphas)), RUNTIME)  # type: ignore[arg-type]
    for i, alpha in enumerate(alphas):
        alone = map_to_kernels(build_graph(spec, alpha=alpha), RUNTIME)
        for kernel, one in zip(together, alone, strict=True):
            found = {name: np.broadcast_to(count, 2)[i] for name, count in counts_of_all(kernel).items()}
            assert found == counts_of_all(one)


def counts_of_all(kernel: Kernel) -> dict[str, float]:
    return {term.name: count for term, count in TFLITE_ADRENO.explain(kernel)}


def test_every_kernel_kind_of_the_rules_has_a_term() -> None:
    with_term = {kind for term in TFLITE_ADRENO.terms for kind in term.kinds} | {"view"}
    assert {rule.kind for rules in RUNTIME.rules.values() for rule in rules} <= with_term


def rates(name: str, precision: str | None = None) -> dict[str, float]:
    _, _, found = latency_model(resolve_target(name, precision=precision))
    return {term: rate.seconds for term, rate in found.items()}


def test_latencies_are_times_on_every_adreno() -> None:
    """0.67 us a step: what waits for a read does not scale with the arithmetic peak (363.52 against 449.28 GMAC/s)."""
    other, fitted = rates("pixel3/gpu"), rates("xiaomi_mi9/gpu")
    assert other["latency"] == fitted["latency"] == 6.7e-7
    assert other["squeeze"] == fitted["squeeze"]
    assert other["texture_conv"] / fitted["texture_conv"] == pytest.approx(449.28 / 363.52)


def test_pointwise_convolutions_are_bound_by_reads_or_by_arithmetic() -> None:
    """57 GMAC/s on the Adreno 630 and 640; the Adreno 530 does 0.195 x 159.744 = 31 GMAC/s in all its convolutions."""
    assert rates("pixel3/gpu")["pointwise_conv"] == rates("xiaomi_mi9/gpu")["pointwise_conv"] == 1.75e-11
    oldest = rates("pixel1/gpu")
    assert oldest["pointwise_conv"] == oldest["texture_conv"] == pytest.approx(1 / (0.195 * 159.744e9))
    assert rates("xiaomi_mi9/gpu", "fp16")["pointwise_conv"] == 1.75e-11 / 2  # texels of half the bytes


def test_a_launch_takes_what_the_profile_says() -> None:
    """3.167 us a kernel on the Adreno 630 of the nn-Meter bench; the runtime's time where a profile does not know."""
    found = prepare(resolve_target("pixel3/gpu")).rates
    assert found["launch"].seconds == pytest.approx(3.167e-6)
    assert set(found["launch"].quantities) == {"overheads.gpu.kernel"}
    assert rates("pixel1/gpu")["launch"] == rates("pixel4/gpu@tflite-gpu-2020")["launch"] == 1.26e-6


def test_activations_pass_through_the_system_cache_where_there_is_one() -> None:
    assert rates("pixel4/gpu@tflite-gpu-2020")["memory"] == pytest.approx(1 / 40e9)  # ArchProbe, Pixel 4
    assert rates("pixel3/gpu")["memory"] == pytest.approx(1 / (1.27 * 28e9))


def test_the_interval_is_wider_the_farther_the_rates_come_from() -> None:
    """Calibrated; the same GPU in another device; another GPU; another precision."""

    def width(name: str, precision: str | None = None) -> tuple[float, str]:
        analysis = mbcost.analyze("mobilenet_v2", resolve_target(name, precision=precision))
        return analysis.latency_high_s / analysis.latency_low_s, " ".join(analysis.warnings)

    calibrated, same, other, half = (
        width("xiaomi_mi9/gpu"), width("pixel4/gpu@tflite-gpu-2020"), width("pixel3/gpu"),
        width("xiaomi_mi9/gpu", "fp16"),
    )  # fmt: skip
    assert calibrated[0] < 1.1**2
    assert "not calibrated" not in calibrated[1]
    assert same[0] == pytest.approx(1.25 / 0.8)
    assert "Adreno 640 in another device" in same[1]
    assert [other[0], half[0]] == pytest.approx([2.5 / 0.4] * 2)
    assert "scaled from the GPU" in other[1]
    assert "fp16 is extrapolated" in half[1]


def test_the_form_has_at_most_fifteen_rates() -> None:
    assert len(TFLITE_ADRENO.terms) <= 15

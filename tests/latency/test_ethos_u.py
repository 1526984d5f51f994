"""The Ethos-U's form: hand arithmetic on the unit's cycles and traffic, and what Arm's compiler estimates."""

from __future__ import annotations

import json
from dataclasses import replace
from math import ceil
from pathlib import Path

import pytest

import mbcost
from mbcost.devices import resolve_target
from mbcost.errors import InputError
from mbcost.graph import build_graph
from mbcost.insight.breakdown import spent
from mbcost.kernels import Kernel, load_runtime, map_to_kernels
from mbcost.latency import LatencyForm
from mbcost.latency.form import Rate, Term, kinds, one
from mbcost.latency.forms.ethos_u import U55_256, cycles, sram_bytes, unit_of, weight_bytes
from mbcost.latency.model import latency_model

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def v1() -> dict[str, Kernel]:
    graph = build_graph(mbcost.load("mobilenet_v1"))
    return {kernel.name: kernel for kernel in map_to_kernels(graph, load_runtime("vela"), element_bytes=1)}


def test_cycles_by_hand(v1: dict[str, Kernel]) -> None:
    """2 x 2 pixels x 8 outputs a step; 32 input channels, or 4 window elements of 8 or of 1 channel, in 4 cycles."""
    assert cycles(U55_256, v1["conv2d_4"]) == 28 * 28 * (128 / 8) * (128 / 32) * 4  # 56x56, 128 -> 128
    assert cycles(U55_256, v1["conv2d_1"]) == 56 * 56 * (32 / 8) * ceil(9 / 4) * 4  # 3 channels: 4 elements of 8
    assert cycles(U55_256, v1["depthwise_conv2d_1"]) == 56 * 56 * (32 / 8) * ceil(9 / 4) * 4
    assert cycles(U55_256, v1["conv2d_2"]) == 112 * 112 * 64 / 4  # four results a cycle take longer than its products
    assert cycles(U55_256, v1["dense_1"]) == (1000 / 8) * (1024 / 32) * 32  # 8 weights decoded a cycle


def test_traffic_by_hand(v1: dict[str, Kernel]) -> None:
    """All of 7x7 is one block: weights once from flash; input once for each of the 16 blocks of 64 channels."""
    assert weight_bytes(U55_256, v1["conv2d_14"]) == 1024 * 1024 + 10 * 1024
    assert sram_bytes(U55_256, v1["conv2d_14"]) == 7 * 7 * 1024 * (1024 / 64) + 7 * 7 * 1024


@pytest.mark.parametrize(
    ("network", "expected", "tolerance"),
    [  # cycles that ethos-u-vela 5.2.0 estimates; see benchmarks/beside_vela.py
        ("mobilenet_v1", 6_350_097, 0.02),
        ("mobilenet_v2", 6_033_740, 0.1),
        ("mobilenet_v3_large", 9_286_877, 0.1),
        ("resnet18", 16_892_585, 0.1),
        ("squeezenet1_1", 3_028_051, 0.1),
        ("efficientnet_lite0", 7_585_319, 0.1),
        ("mnasnet_b1", 6_831_509, 0.1),
    ],
)
def test_totals_of_vela(network: str, expected: int, tolerance: float) -> None:
    latency_s = mbcost.analyze(network, "ethos_u55_256").latency_s
    assert latency_s * 500e6 == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [  # of the same list, what bounds them: results, SRAM, products, flash
        ("conv2d_2", 202_048),
        ("depthwise_conv2d_2", 164_948),
        ("depthwise_conv2d_3", 152_280),
        ("conv2d_8", 286_974),
        ("conv2d_14", 1_058_960),
        ("dense_1", 1_034_128),
    ],
)
def test_layers_of_vela(layer: str, expected: int) -> None:
    rows = {row.name: row for row in mbcost.analyze("mobilenet_v1", "ethos_u55_256").layers}
    assert rows[layer].latency_s * 500e6 == pytest.approx(expected, rel=0.02)


@pytest.mark.skipif(not (ROOT / "benchmarks").exists(), reason="only in a checkout")
def test_the_report_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import accelerators_report  # type: ignore[import-not-found]

    found = [
        json.loads((ROOT / "reports" / f"beside_{tool}.json").read_text("utf-8")) for tool in ("vela", "scale_sim")
    ]
    assert accelerators_report.report(*found) == (ROOT / "reports" / "accelerators.md").read_text("utf-8")
    for row in found[0]["networks"]:
        assert mbcost.analyze(row["network"], "ethos_u55_256").latency_s * 500e6 == pytest.approx(row["cycles"], abs=1)


def test_the_unit_comes_from_the_profile() -> None:
    target = resolve_target("ethos_u55_256")
    assert unit_of(target) == U55_256
    for gone in ({"ethos_u": None}, {"local_memory_bandwidth": None}):
        with pytest.raises(InputError, match="MB401"):
            latency_model(replace(target, processor=replace(target.processor, **gone)))


@pytest.mark.parametrize(
    ("seconds", "latency", "parts"),
    [
        ((5, 3, 4), 5 + 2 + 1, (5, 0, 0, 2, 1)),
        ((1, 3, 4), 4 + 2 + 1, (0, 0, 4, 2, 1)),
        ((1, 4, 3), 4 + 2 + 1, (0, 4, 0, 2, 1)),
    ],
)
def test_compute_and_two_memories_at_once(
    v1: dict[str, Kernel], seconds: tuple[int, ...], latency: int, parts: tuple[int, ...]
) -> None:
    """The longest counts; lowering comes before it, overhead on top. What is shown adds up."""
    every = kinds("direct_conv")
    names = ("compute", "activations", "weights", "lowering", "overhead")
    terms = tuple(Term(name, "call", name, every, one) for name in names)
    form = LatencyForm("x", "x", terms, "parallel", lambda *_: {}, "x")
    rates = {name: Rate(float(value), "") for name, value in zip(names, (*seconds, 2, 1), strict=True)}
    (estimate,) = form.estimate([v1["conv2d_1"]], {name: rate.seconds for name, rate in rates.items()})
    assert estimate.latency_s == latency
    assert spent(estimate, form) == parts

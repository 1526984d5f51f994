"""Systolic arrays: SCALE-Sim's own cycles, and hand arithmetic."""

from __future__ import annotations

from dataclasses import replace

import pytest

import mbcost
from mbcost.devices import resolve_target
from mbcost.devices.types import Dataflow
from mbcost.errors import InputError
from mbcost.latency.forms.systolic import REFERENCE, SystolicArray, array_of, fold_cycles
from mbcost.latency.model import latency_model


@pytest.mark.parametrize(
    ("dataflow", "rows", "columns", "depth", "cycles"),
    [  # total cycles that SCALE-Sim 3.0.0 reports for 32 x 32 multipliers; it counts from 0
        ("weight_stationary", 7 * 7, 1024, 512, 73_215),
        ("weight_stationary", 14 * 14, 512, 256, 37_119),
        ("weight_stationary", 14 * 14, 64, 9 * 32, 5_219),
        ("weight_stationary", 7 * 7, 1, 9, 142),
        ("input_stationary", 7 * 7, 1024, 512, 35_775),
        ("input_stationary", 14 * 14, 512, 256, 33_935),
        ("input_stationary", 14 * 14, 64, 9 * 32, 9_953),
        ("input_stationary", 7 * 7, 1, 9, 189),
        ("output_stationary", 7 * 7, 1024, 512, 36_735),
        ("output_stationary", 14 * 14, 512, 256, 35_615),
        ("output_stationary", 14 * 14, 64, 9 * 32, 4_899),
        ("output_stationary", 7 * 7, 1, 9, 141),
    ],
)
def test_cycles_of_scale_sim(dataflow: Dataflow, rows: int, columns: int, depth: int, cycles: int) -> None:
    assert fold_cycles(SystolicArray(dataflow, 32, 32, 0), rows, columns, depth) == cycles + 1


@pytest.mark.parametrize(
    ("dataflow", "cycles"),
    [
        ("output_stationary", (4 + 8 - 2 + 30) * 3 * 3),  # ceil(10 / 4) x ceil(20 / 8), 30 steps
        ("weight_stationary", (2 * 4 + 8 - 2 + 10) * 8 * 3),  # ceil(30 / 4) x ceil(20 / 8), 10 steps
        ("input_stationary", (2 * 4 + 8 - 2 + 20) * 8 * 2),  # ceil(30 / 4) x ceil(10 / 8), 20 steps
    ],
)
def test_dataflows_by_hand(dataflow: Dataflow, cycles: int) -> None:
    """A product of 10 x 30 and 30 x 20 on 4 x 8 multipliers."""
    assert fold_cycles(SystolicArray(dataflow, 4, 8, 0), 10, 20, 30) == cycles


def test_a_depthwise_layer_uses_one_column() -> None:
    """MobileNet V1's first: 32 channels, each a product of 12544 x 9 with 9 x 1."""
    analysis = mbcost.analyze("mobilenet_v1", "edge_tpu")
    layer = next(layer for layer in analysis.layers if layer.op == "depthwise_conv2d")
    assert layer.compute_s == pytest.approx(32 * (2 * 64 + 64 + 112 * 112 - 2) / 480e6)


def test_the_array_comes_from_the_profile() -> None:
    target = resolve_target("edge_tpu")
    assert array_of(target) == REFERENCE
    for gone in ({"systolic": None}, {"sram": None}):
        with pytest.raises(InputError, match="MB401"):
            latency_model(replace(target, processor=replace(target.processor, **gone)))


@pytest.mark.parametrize("batch", [2, 8, 64])
def test_the_images_of_a_batch_run_one_after_the_other(batch: int) -> None:
    """google-coral/edgetpu#700: a batch above 1 is not supported, so that its images are so many calls."""
    one, many = (mbcost.analyze("densenet121", "edge_tpu", batch=n) for n in (1, batch))
    assert many.latency_s == pytest.approx(batch * one.latency_s, rel=1e-12)
    assert [text for text in many.warnings if " on chip" in text] == [
        text for text in one.warnings if " on chip" in text
    ]

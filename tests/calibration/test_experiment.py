"""Suggestions of what to measure next begin with what is known of the rates, as predictions and calibrations do."""

from __future__ import annotations

import math

import pytest

import mbcost
from mbcost.calibration.experiment import suggest
from mbcost.latency.model import latency_model, spread_of


@pytest.mark.parametrize("name", ["pixel6", "pixel4@ncnn"])
def test_uncertainty_is_that_of_the_prediction(name):
    target = mbcost.analyze("mobilenet_v2", name).target
    runtime, form, _ = latency_model(target)
    spread = spread_of(target, runtime, form)
    assert spread is not None
    for suggestion in suggest(target, 3, models=["mobilenet_v1", "mobilenet_v2"]):
        predicted = mbcost.analyze(
            suggestion.architecture, target, alpha=suggestion.alpha, resolution=suggestion.resolution
        )
        assert suggestion.latency_s == pytest.approx(predicted.latency_s, rel=1e-12)
        # the interval is the latency times 1 + width x sqrt(noise^2 + variance of the rates)
        deviation = (predicted.latency_high_s / predicted.latency_s - 1) / spread.width
        assert suggestion.uncertainty == pytest.approx(math.sqrt(deviation**2 - spread.noise**2), rel=1e-9)

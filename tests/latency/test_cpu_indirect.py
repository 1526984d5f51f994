"""The form of indirect convolutions: hand arithmetic, and published latencies that nothing was fitted to."""

from __future__ import annotations

import numpy as np
import pytest

import mbcost
from mbcost.calibration.measurements import read_measurements, work_of
from mbcost.devices import resolve_target
from mbcost.graph import build_graph
from mbcost.kernels import load_runtime, map_to_kernels
from mbcost.latency.forms.cpu_indirect import gemm_macs
from mbcost.latency.model import latency_model
from mbcost.resources import hardware_profiles


def test_a_convolution_is_not_lowered_and_takes_six_pixels_at_a_time() -> None:
    # MobileNet V1 at 224: 112 x 112 = 12,544 pixels of the first layer are 2,091 tiles of six, rounded up
    first = map_to_kernels(build_graph(mbcost.load("mobilenet_v1")), load_runtime("xnnpack-2020"))[0]
    assert first.kind == "direct_conv"
    assert first.im2col_elements == 0
    assert gemm_macs(first) == 6 * 2091 * 32 * 27
    analysis = mbcost.analyze("mobilenet_v1", device="pixel3a", calibration=False)
    assert sum(layer.latency_s for layer in analysis.layers) == pytest.approx(analysis.latency_s)
    assert "im2col" not in analysis.rates


@pytest.mark.parametrize(("phone", "worst"), [("pixel1", 0.3), ("pixel2", 0.1), ("pixel3a", 0.45)])
def test_published_latencies_of_xnnpack(phone: str, worst: float) -> None:
    """google/XNNPACK, README.md, single-threaded: what the facts of three phones alone say about four networks."""
    target = resolve_target(f"{phone}/cpu@xnnpack-2020")
    rows = read_measurements(hardware_profiles() / "measurements" / f"{phone}_xnnpack_2020.csv")[0]
    work = work_of(rows, target)
    counts, measured = work.counts, work.measured_s
    runtime, _, rates = latency_model(target)
    ratios = counts @ np.array([float(rate.seconds) for rate in rates.values()]) / measured
    assert np.abs(ratios - 1).max() < worst
    low, high = (bound.value for bound in runtime.interval(target.processor.model, target.precision))
    assert ((ratios * low <= 1) & (ratios * high >= 1)).all()

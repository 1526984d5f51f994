"""Count vectors: hand arithmetic, and that counts times rates is the latency."""

from __future__ import annotations

import numpy as np
import pytest

import mbcost
from mbcost.graph import build_graph
from mbcost.kernels import load_runtime, map_to_kernels
from mbcost.latency import find_form
from mbcost.latency.form import count_vector


@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v3_small", "densenet121"])
def test_counts_times_rates_is_the_latency(name: str) -> None:
    analysis = mbcost.analyze(name, device="pixel4")
    counts = count_vector(analysis.kernels, analysis.form)
    assert list(counts) == [term.name for term in analysis.form.terms]
    total = sum(counts[term] * analysis.rates[term].seconds for term in counts)
    assert total == pytest.approx(analysis.latency_s)


def test_weights_of_mobilenet_v1() -> None:
    """4 B for each of 4,231,976 parameters (Howard et al. 2017: 4.2 M), less one for each of 10,944 channels with batch
    norm: its scale and shift, folded, leave one bias."""
    analysis = mbcost.analyze("mobilenet_v1", device="pixel4@tflite-2.1", options={"classes": 1000})
    counts = count_vector(analysis.kernels, analysis.form)
    assert counts["weights"] == 4 * (4_231_976 - 10_944)


def test_counts_of_arrays_are_those_of_single_configurations() -> None:
    spec = mbcost.load("mobilenet_v2")
    runtime = load_runtime("tflite-2018")
    form = find_form(runtime.form)
    resolutions = np.array([128, 160, 224])
    together = count_vector(map_to_kernels(build_graph(spec, resolution=resolutions), runtime), form)  # type: ignore[arg-type]
    for i, resolution in enumerate(resolutions):
        single = count_vector(map_to_kernels(build_graph(spec, resolution=int(resolution)), runtime), form)
        assert {name: np.broadcast_to(value, 3)[i] for name, value in together.items()} == single

"""The ablations change what they say and leave the form as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mbcost
from mbcost.graph import build_graph
from mbcost.kernels import load_runtime, map_to_kernels
from mbcost.latency.form import count_vector
from mbcost.latency.forms.tflite_adreno import TFLITE_ADRENO

pytest.importorskip("scipy")
ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(not (ROOT / "benchmarks").exists(), reason="only in a checkout")
GRAPHS = [build_graph(mbcost.load(name)) for name in ("mobilenet_v3_large", "densenet121", "resnet50")]


def test_every_change_changes_the_counts_and_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from ablations_adreno import CHANGES, Networks, counts  # type: ignore[import-not-found]

    networks = Networks(GRAPHS, np.ones(len(GRAPHS)), np.array(["a", "b", "c"]), np.zeros(len(GRAPHS)))
    runtime = load_runtime("tflite-gpu-2020")
    from nn_meter_counts import as_measured  # type: ignore[import-not-found]

    kernels = [as_measured(map_to_kernels(graph, runtime), TFLITE_ADRENO) for graph in GRAPHS]
    plain = np.array([[*count_vector(each, TFLITE_ADRENO).values()] for each in kernels])
    outside = [term.name for term in TFLITE_ADRENO.terms].index("outside")
    plain = np.delete(plain, outside, axis=1)
    assert len({change.name for change in CHANGES}) == len(CHANGES)
    for change in CHANGES:
        found = counts(networks, runtime, change)
        assert np.isfinite(found).all()
        assert (found >= 0).all()
        same = found.shape == plain.shape and np.allclose(found, plain)
        assert same == (change.name == "none"), change.name
    assert np.array_equal(counts(networks, runtime, CHANGES[0]), plain)

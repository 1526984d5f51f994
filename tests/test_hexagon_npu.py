"""The benchmark of Hexagon NPUs: recovers rates that made a table, and reads tables with care."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
HEADER = "date,model_id,precision,device,runtime,inference_time_ms,primary_compute_unit\n"
SHARED = Path(__file__).parents[2] / "shared" / "measurements" / "npu" / "hexagon_classifiers.csv"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    sys.path.insert(0, str(FOLDER))
    try:
        return importlib.import_module("hexagon_npu")
    finally:
        sys.path.remove(str(FOLDER))


def test_it_recovers_the_form_that_made_the_latencies(bench: ModuleType) -> None:
    """Two devices, one half as fast, without noise: held-out networks are predicted exactly, MACs alone do not."""
    names = ("googlenet", "resnet18", "resnext50", "shufflenet_v2", "squeezenet1_1", "mobilenet_v3_small")
    found = [bench.counts_of(name, "w8a8") for name in names]
    counts = np.array([counts for _, counts in found])
    rates = np.array(
        [{"call": 1e-4, "engine": 4e-14, "weights": 1e-11, "grouped": 2e-11}.get(t, 0.0) for t in bench.TERMS]
    )
    seconds = {"one": counts @ rates, "two": 2 * counts @ rates}
    table = bench.Table(names, counts, np.array([macs for macs, _ in found]), seconds)
    ratios = bench.ratios_of(table, bench.FORMS["grouped"], frozenset({0}))
    assert list(ratios.values()) == pytest.approx([1.0, 1.0], abs=0.01)
    assert abs(bench.baseline_of(table, 0)["one", 0] - 1) > 0.05


def test_the_last_snapshot_counts_and_others_are_left_out(bench: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(
        HEADER
        + "2026-02-24,resnet18,float,A,tflite,2.0,NPU\n2026-02-12,resnet18,float,A,tflite,1.0,NPU\n"
        + "2026-02-24,resnet18,float,B,tflite,9.0,GPU\n2026-02-24,resnet18,w8a16,A,tflite,9.0,NPU\n"
    )
    assert bench.read_rows(path, None) == [bench.Row("resnet18", "A", "tflite", "float", 2e-3)]
    assert bench.read_rows(path, "2026-02-12")[0].seconds == 1e-3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "table.csv:1: no column date"),
        (HEADER + "2026-02-24,resnet18,float,A,tflite,fast,NPU\n", "table.csv:2: fast is no latency"),
        (HEADER + "2026-02-24,resnet18,float,A,tflite,-1,NPU\n", "table.csv:2: -1 is no latency"),
        (HEADER + "2026-02-24,resnet18,float,A,tflite,1,NPU\n", "no runtime has a device with 8 networks"),
    ],
)
def test_bad_tables(
    bench: ModuleType,
    tmp_path: Path,
    text: str,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, out = tmp_path / "table.csv", tmp_path / "out.json"
    path.write_text(text)
    monkeypatch.setattr(sys, "argv", ["hexagon_npu.py", "--data", str(path), "--json", str(out)])
    assert bench.main() == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.skipif(not SHARED.is_file(), reason="the measurements are not here")
def test_a_network_that_does_not_ship_is_left_out(bench: ModuleType) -> None:
    table = bench.table_of(bench.read_rows(SHARED, None), "tflite", "w8a8", 8)
    assert len(table.seconds) >= 10
    assert "nasnet" not in table.networks
    assert json.dumps(table.networks)

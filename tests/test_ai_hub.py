"""The benchmarks of NPUs: they read tables with care, and recover the rates that made one."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
HEADER = "model,component,precision,device,runtime,inference_time_ms,compute_unit,layers,npu,gpu,cpu,job_id\n"
NETWORKS = (
    "resnet18", "resnet50", "googlenet", "mobilenet_v2", "squeezenet1_1", "shufflenet_v2", "densenet121", "regnet",
    "mnasnet05", "wideresnet50",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder() -> Iterator[None]:
    sys.path.insert(0, str(FOLDER))
    yield
    sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def bench(folder: None) -> ModuleType:
    return importlib.import_module("ai_hub")


@pytest.fixture(scope="module")
def data(folder: None) -> ModuleType:
    return importlib.import_module("ai_hub_data")


def row(model: str, precision: str, device: str, milliseconds: float, *, cpu: int = 0, job: str = "") -> str:
    return f"{model},{model},{precision},{device},tflite,{milliseconds},NPU,50,50,0,{cpu},{job or model + device}\n"


def test_counts_that_are_kept_are_those_of_the_form(data: ModuleType) -> None:
    """The form or its rules changed: `python benchmarks/ai_hub.py fit` and `npus.py fit` count anew."""
    npus = importlib.import_module("npus")
    for module, name in ((data, "ai_hub_counts.json"), (npus, "npus_counts.json")):
        kept = json.loads((FOLDER / name).read_text(encoding="utf-8"))
        assert kept["rules"] == module.rules()
        assert kept["counts"]


def test_macs_of_networks_are_the_published_ones(data: ModuleType, tmp_path: Path) -> None:
    """Pages of torchvision: ResNet-50 4.09, EfficientNet-B4 4.39 GMAC; ultralytics: YOLOv8n 8.7, YOLO11n 6.5 GFLOP."""
    published = {"resnet50": 4.09e9, "efficientnet_b4": 4.39e9, "yolov8_det": 4.35e9, "yolov11_det": 3.25e9}
    for name, macs in published.items():
        assert data.counts_of(name, "float", tmp_path).macs == pytest.approx(macs, rel=0.02), name


def test_what_does_not_run_on_the_npu_is_left_out(data: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("# a source\n" + HEADER + row("resnet18", "float", "A", 2.0) + row("vit", "float", "A", 9.0, cpu=3))
    rows, left_out = data.read_rows(path)
    assert [(one.network, one.seconds) for one in rows] == [("resnet18", 2e-3)]
    assert [one["name"] for one in left_out] == ["vit"]


def test_a_network_that_is_slower_when_quantised_is_left_out(data: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    lines = [row("yolov9_det", "float", "A", 5.0), row("yolov9_det", "w8a8", "A", 136.0)]
    for name in ("resnet18", "resnet50", "googlenet"):
        lines += [row(name, "float", "A", 2.0), row(name, "w8a8", "A", 1.0)]
    path.write_text(HEADER + "".join(lines))
    group, _, left_out = data.read_group(path, "tflite", "w8a8", tmp_path)
    assert group.units[0].networks == ("googlenet", "resnet18", "resnet50")
    assert any(one["name"] == "yolov9_det" and "27.2 times" in one["reason"] for one in left_out)


def test_devices_that_quote_the_same_jobs_are_held_out_together(data: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    lines = [row(name, "float", device, 2.0, job=name) for name in NETWORKS[:4] for device in ("A", "B")]
    lines += [row(name, "float", "C", 2.0) for name in NETWORKS[:4]]
    path.write_text(HEADER + "".join(lines))
    units = data.read_group(path, "tflite", "float", tmp_path)[0].units
    assert [(unit.configuration, unit.phone) for unit in units] == [("A", "A"), ("B", "A"), ("C", "C")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "no column precision"),
        (HEADER + row("resnet18", "float", "A", 0.0), "row 2: 0.0 is no latency in ms"),
    ],
)
def test_bad_tables(data: ModuleType, tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(SystemExit, match=message):
        data.read_rows(path)


def test_it_recovers_the_rates_that_made_the_latencies(bench: ModuleType, data: ModuleType, tmp_path: Path) -> None:
    """Three devices, each by one factor from the others: held-out networks, and devices with one latency."""
    terms = [term.name for term in data._FORM.terms]
    rates = {"engine": 2e-13, "weights": 1e-11, "depthwise": 4e-12, "vector": 4e-12, "colours": 2e-9, "image": 4e-9}
    seconds = np.array([{**rates, "call": 2e-4}.get(term, 1e-11) for term in terms])
    lines = []
    for device, factor in (("A", 1.0), ("B", 2.0), ("C", 5.0)):
        for name in NETWORKS:
            latency = factor * float(np.array(data.counts_of(name, "float", tmp_path).terms) @ seconds)
            lines.append(row(name, "float", device, latency * 1e3))
    path = tmp_path / "table.csv"
    path.write_text(HEADER + "".join(lines))
    how = {"data": path, "runtime": "tflite", "precision": "float", "cache": tmp_path, "seeds": 2, "beside": None}
    found = bench.run(argparse.Namespace(protocol="new-network", calibrate_on=None, **how))
    total = found["results"][0]
    assert total["name"] == "total"
    assert {one["name"] for one in found["results"]} >= {"A", "B", "C"}
    assert total["mape"] < 0.1 < total["baselines"]["macs"]["mape"]
    one = bench.run(argparse.Namespace(protocol="new-device", calibrate_on=1, **how))["results"][0]
    assert one["mape"] < 0.1

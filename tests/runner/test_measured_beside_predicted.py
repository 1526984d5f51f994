"""``mbcost analyze --measure``: a network in the double of ONNX Runtime, beside its prediction."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

import mbcost
from mbcost.errors import InputError
from mbcost.insight import measured
from mbcost.insight.measured import UNKNOWN, MeasuredAnalysis, MeasuredKernel
from mbcost.runner.session import Timing, Visit

TARGET = "pixel4/cpu@onnxruntime"
TABLE = """\
name: small
source: test
input: 8x8x8
layers:
  - {op: conv2d, name: stem, kernel: 3, out: 8}
  - {op: conv2d, name: head, kernel: 1, out: 8}
"""


@pytest.fixture
def table(double: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A network, on a machine that the target is taken for."""
    monkeypatch.setattr(measured, "check_bench_of", lambda _: None)
    path = double / "small.yaml"
    path.write_text(TABLE)
    return path


def test_measured_beside_predicted(table: Path) -> None:
    found = mbcost.measure(mbcost.analyze(table, TARGET))
    assert 1e-3 <= found.latency_s < 1e-2  # the double sleeps a millisecond
    assert found.runtime == "ONNX Runtime 9.8.7"
    assert found.load_s is not None
    assert found.first_s is not None
    stem, head, reorder = found.kernels
    # the profile of the double: a convolution of 40 us, and 5 us that no layer has
    assert (stem.layer, stem.operators, stem.measured_s) == ("stem", ("stem_nchwc",), pytest.approx(40e-6))
    assert (head.layer, head.operators, head.measured_s) == ("head", (), None)
    assert (reorder.operator_class, reorder.measured_s) == (UNKNOWN, pytest.approx(5e-6))
    assert [share.operator_class for share in found.shares] == ["3x3 conv"]


def test_screens_and_files(table: Path, cli) -> None:
    command = ("analyze", str(table), "--device", TARGET, "--measure")
    text = cli(*command).out
    assert "measured" in text
    assert "none of its own" in text
    assert UNKNOWN in text
    data = json.loads(cli(*command, "--format", "json").out)
    assert data["schema"] == "mbcost/measured/1"
    assert data["measured_ms"] >= 1
    assert data["error"] == pytest.approx(data["predicted_ms"] / data["measured_ms"] - 1)
    rows = list(csv.DictReader(io.StringIO(cli(*command, "--format", "csv").out)))
    assert [row["layer"] for row in rows] == ["stem", "head", ""]
    assert rows[1]["measured_ms"] == ""
    target = table.with_name("report.md")
    assert cli(*command, "-o", str(target), "--all").code == 0
    assert "| stem |" in target.read_text()


def test_a_model_file_is_measured_as_it_is(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = table.with_suffix(".onnx")
    mbcost.convert(table, file)
    analysis = mbcost.analyze(file, TARGET)
    monkeypatch.setattr(measured, "write_model", lambda *_: pytest.fail("another file is written"))
    assert mbcost.measure(analysis, file).file == str(file)
    with pytest.raises(InputError, match=r"reads \.onnx files, not small\.yaml"):
        mbcost.measure(analysis, table)


def test_a_network_that_the_runtime_dies_of(table: Path) -> None:
    table.write_text(TABLE.replace("name: small", "name: deadly"))
    with pytest.raises(InputError, match=r"MB603.*deadly does not run in ONNX Runtime"):
        mbcost.measure(mbcost.analyze(table, TARGET))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--device", "pixel4/gpu"), "MB304"),
        (("--device", TARGET, "--batch", "2"), "measured with one image"),
        (("--device", TARGET, "--device", "pixel1"), "runs one target"),
        (("--device", TARGET, "--format", "html"), "has no format html"),
    ],
)
def test_what_cannot_be_measured(table: Path, cli, options: tuple[str, ...], message: str) -> None:
    assert message in cli("analyze", str(table), *options, "--measure").err


def test_another_machine_is_refused(double: Path, cli) -> None:
    assert "MB604" in cli("analyze", "mobilenet_v1", "--device", TARGET, "--measure").err


def test_shares_are_of_what_is_predicted_and_measured() -> None:
    # 3 of 4 ms measured and 1 of 4 ms predicted are pointwise
    kernels = (
        MeasuredKernel("a", "pointwise", ("a",), 1e-3, 3e-3),
        MeasuredKernel("b", "dense", ("b",), 3e-3, 1e-3),
        MeasuredKernel("c", "dense", (), 9e-3, None),
        MeasuredKernel("", UNKNOWN, ("d",), None, 9e-3),
    )
    timing = Timing(visits=[Visit(4e-3, 9, 1e-4), Visit(5e-3, 9, 1e-4)])
    analysis = mbcost.analyze("mobilenet_v1", "pixel1")
    found = MeasuredAnalysis(analysis, "a runtime", "", timing, kernels)
    assert found.shares == [("pointwise", 0.25, 0.75), ("dense", 0.75, 0.25)]
    assert found.latency_s == 4e-3
    assert found.error == pytest.approx(analysis.latency_s / 4e-3 - 1)
    assert found.load_s is None
    assert not found.is_disturbed

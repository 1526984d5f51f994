"""``mbcost compare``: each format, widths of screens, and the checks of its options."""

from __future__ import annotations

import csv
import io
import json

import pytest

COMPARE = ("compare", "mobilenet_v1", "mobilenet_v2", "--device", "pixel1")


def test_the_screen_in_order(cli):
    lines = cli(*COMPARE).out.splitlines()
    heads = [line.split("  ")[0] for line in lines if line and not line.startswith(" ")]
    assert heads == [
        "mobilenet_v1 against mobilenet_v2",
        "Why",
        "By operator class",
        "By what the time is spent on",
        "What moved in mobilenet_v2",
        "Caveats",
    ]


@pytest.mark.parametrize("width", [80, 100, 200])
def test_the_screen_fits(cli, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    out = cli(*COMPARE).out
    assert max(map(len, out.splitlines())) <= width
    assert "…" not in out


def test_json(cli):
    result = json.loads(cli(*COMPARE, "--format", "json").out)
    assert result["schema"] == "mbcost/comparison/1"
    assert [subject["label"] for subject in result["subjects"]] == ["mobilenet_v1", "mobilenet_v2"]
    first, second = (subject["latency_ms"] for subject in result["subjects"])
    layers = result["comparisons"][0]["layers"]
    assert sum(layer["difference_ms"] for layer in layers) == pytest.approx(second - first)
    for number, subject in enumerate(result["subjects"]):
        assert sum(entry["latency_ms"][number] for entry in result["classes"]) == pytest.approx(subject["latency_ms"])
        assert sum(subject["split_ms"].values()) == pytest.approx(subject["latency_ms"])


def test_csv(cli):
    rows = list(csv.DictReader(io.StringIO(cli(*COMPARE, "--format", "csv").out)))
    layers = json.loads(cli(*COMPARE, "--format", "json").out)["comparisons"][0]["layers"]
    assert [float(row["difference_ms"]) for row in rows] == [layer["difference_ms"] for layer in layers]
    assert {row["compared"] for row in rows} == {"mobilenet_v2"}


def test_markdown(cli):
    lines = cli(*COMPARE, "--format", "md", "--top", "2").out.splitlines()
    assert lines[0].startswith("|  | ms | x | 90 % interval |")
    start = next(number for number, line in enumerate(lines) if line.startswith("| moved in mobilenet"))
    assert len(lines[start:]) == 4


def test_targets(cli):
    out = cli("compare", "mobilenet_v2", "-d", "pixel1", "-d", "pixel4/gpu", "-d", "zcu102", "--all").out
    assert out.startswith("pixel1/cpu@tflite-2018 against pixel4/gpu@tflite-gpu-2020, zcu102/fpga@vitis-ai-2.5\n")
    assert "others together" not in out


def test_html(cli, tmp_path):
    assert cli(*COMPARE, "-o", "out.html").code == 0
    assert (tmp_path / "out.html").read_text().startswith("<!doctype html>")
    assert cli(*COMPARE, "-o", "out.html").err.startswith("error[MB007]")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("compare", "mobilenet_v1", "-d", "pixel1"), "there are 1 to compare, and it takes 2 to 6"),
        (("compare", *["mobilenet_v1"] * 7, "-d", "pixel1"), "there are 7 to compare"),
        (("compare", "mobilenet_v1", "mobilenet_v2"), "`--device` is missing"),
        ((*COMPARE, "-o", "out.dot"), "error[MB006]"),
        ((*COMPARE, "--format", "xml"), "error[MB010]: invalid value for '--format'"),
        ((*COMPARE, "-o", "no/such/out.md"), "error[MB008]"),
    ],
)
def test_bad_input(cli, arguments, expected):
    outcome = cli(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert expected in outcome.err


def test_problems_come_together(cli):
    outcome = cli("compare", "mobilenet_v11", "mobilenet_v22", "-d", "pixel1")
    assert outcome.err.count("error[MB200]") == 2
    outcome = cli("compare", "mobilenet_v1", "mobilenet_v2", "-d", "one", "-d", "two")
    assert outcome.err.count("error[MB300]") == 2

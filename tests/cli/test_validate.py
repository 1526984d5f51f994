"""``mbcost validate`` and ``mbcost calibrate``: formats, reports, and files that are not overwritten."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pytest

HEADER = "architecture,alpha,resolution,batch,precision,device,processor,runtime,threads,latency_ms,source"
ROWS = [
    f"mobilenet_v2,{alpha},{size},1,fp32,pixel1,cpu,tflite-2018,1,{ms},hand"
    for alpha, size, ms in ((1, 224, 73.8), (1, 160, 40.2), (0.5, 224, 28.7), (0.35, 96, 4.5))
]  # tensorflow/models, research/slim/nets/mobilenet/README.md


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "m.csv"
    path.write_text("\n".join([HEADER, *ROWS]) + "\n")
    return str(path)


def test_all_formats_hold_the_same_numbers(cli, file):
    result = json.loads(cli("validate", file, "-d", "pixel1", "--format", "json").out)
    rows = list(csv.DictReader(io.StringIO(cli("validate", file, "-d", "pixel1", "--format", "csv").out)))
    assert list(rows[0]) == list(result["rows"][0])
    assert [float(row["predicted_ms"]) for row in rows] == [row["predicted_ms"] for row in result["rows"]]
    mean = sum(abs(row["predicted_ms"] / row["measured_ms"] - 1) for row in result["rows"]) / 4
    text = cli("validate", file, "-d", "pixel1").out
    assert text.splitlines()[-1].startswith(f"all: 4 latencies, mean abs. error {mean:.1%}, mean error ")
    assert f"in their interval {result['summary']['coverage']:.0%}, Kendall tau 1.000" in text
    markdown = cli("validate", file, "-d", "pixel1", "--format", "md").out
    assert f"4 latencies, mean abs. error {mean:.1%}" in markdown
    assert markdown.count("| mobilenet\\_v2 ") + markdown.count("| mobilenet_v2 ") == 5


def test_a_file_is_kept_unless_forced_and_min_hit_still_decides(cli, file, tmp_path):
    assert cli("validate", file, "-d", "pixel1", "-o", "v.html", "--min-hit", "1").code in {0, 1}
    text = (tmp_path / "v.html").read_text()
    assert text.startswith("<!doctype html>")
    assert f"mbcost validate {file} -d pixel1 -o v.html" in text
    again = cli("validate", file, "-d", "pixel1", "-o", "v.html")
    assert (again.code, again.err.split(":")[0]) == (2, "error[MB007]")
    (tmp_path / "v.json").write_text("mine")
    forced = cli("validate", file, "-d", "pixel1", "-o", "v.json", "--force", "--min-hit", "1", "--uncalibrated")
    assert forced.code == 1
    assert "check failed" in forced.err
    assert json.loads((tmp_path / "v.json").read_text())["target"]["calibrated"] is False
    assert "error[MB006]" in cli("validate", file, "-d", "pixel1", "-o", "v.dot").err


def test_nothing_is_written_where_nothing_can_be_compared(cli, tmp_path):
    (tmp_path / "m.csv").write_text(f"{HEADER}\n")
    outcome = cli("validate", "m.csv", "-d", "pixel1", "-o", "v.html")
    assert outcome.code == 2
    assert "holds no measurement" in outcome.err
    assert not (tmp_path / "v.html").exists()


@pytest.mark.parametrize("command", [("validate", "-o"), ("calibrate", "--report")])
def test_an_unwritable_path(cli, file, tmp_path, command):
    pytest.importorskip("scipy")
    missing = cli(command[0], file, "-d", "pixel1", command[1], "nowhere/r.html")
    assert missing.code == 2
    assert "nowhere" in missing.err
    if os.geteuid():
        (tmp_path / "shut").mkdir(mode=0o500)
        assert cli(command[0], file, "-d", "pixel1", command[1], "shut/r.html").code == 2
    assert list(tmp_path.glob("**/*.html")) == []


def test_the_report_of_a_calibration(cli, file, tmp_path):
    pytest.importorskip("scipy")
    command = ("calibrate", file, "-d", "pixel1", "--suggest", "2", "--candidates", "resnet18", "--report", "c.html")
    outcome = cli(*command, "-o", "c.yaml")
    assert outcome.code == 0, outcome.err
    assert (tmp_path / "c.yaml").exists()
    text = (tmp_path / "c.html").read_text()
    assert "What to measure next" in text
    assert f"mbcost {' '.join(command)} -o c.yaml" in text
    kept = cli(*command)
    assert (kept.code, kept.out, kept.err.split(":")[0]) == (2, "", "error[MB007]")
    assert "the report: --report c.html" in cli("calibrate", file, "-d", "pixel1", "-o", "c.html", "--force").err
    assert "error[MB006]" in cli("calibrate", file, "-d", "pixel1", "--report", "c.pdf").err
    assert (
        "no measurements to calibrate on"
        in cli("calibrate", "-d", "pixel1", "--suggest", "1", "--report", "d.html").err
    )

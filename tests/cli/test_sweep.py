"""``mbcost sweep``: every format, and the checks of its options."""

from __future__ import annotations

import csv
import io
import json
from importlib import import_module

import pandas as pd
import pytest

from mbcost import parquet
from mbcost.search.result import COLUMNS

SWEEP = ("sweep", "mobilenet_v2", "--device", "pixel1")


def test_csv_has_a_row_a_configuration(cli):
    result = cli(*SWEEP, "--alpha", "0.35,0.5:1:0.25", "--resolution", "96:224:64", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.out)))
    assert result.code == 0
    assert tuple(rows[0]) == COLUMNS
    assert [(row["alpha"], row["resolution"]) for row in rows] == [
        (alpha, size) for alpha in ("0.35", "0.5", "0.75", "1.0") for size in ("96", "160", "224")
    ]
    single = json.loads(cli("analyze", *SWEEP[1:], "--alpha", "0.5", "--resolution", "160", "--format", "json").out)
    (same,) = [row for row in rows if (row["alpha"], row["resolution"]) == ("0.5", "160")]
    assert float(same["latency_ms"]) == single["latency_ms"]
    assert int(same["macs"]) == single["totals"]["macs"]
    assert {row["on_front"] for row in rows} == {"True", "False"}


def test_unknown_accuracy_is_blank(cli):
    rows = list(csv.DictReader(io.StringIO(cli(*SWEEP, "--alpha", "0.5,0.6", "--format", "csv").out)))
    known = [(row["alpha"], row["top1"], row["measured_ms"]) for row in rows]
    assert known == [
        ("0.5", "65.4", "28.7"),
        ("0.6", "", ""),
    ]


def test_json(cli):
    result = cli(*SWEEP, "--published", "--format", "json")
    data = json.loads(result.out)
    assert list(data) == ["schema", "mbcost_version", "interval", "rows", "warnings"]
    assert data["schema"] == "mbcost/sweep/1"
    assert len(data["rows"]) == 22
    assert tuple(data["rows"][0]) == COLUMNS
    unknown = json.loads(cli(*SWEEP, "--alpha", "0.6", "--format", "json").out)["rows"][0]
    assert (unknown["top1"], unknown["measured_ms"]) == (None, None)


def test_parquet(cli, tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "grid.parquet"
    result = cli(*SWEEP, "--alpha", "0.5,1", "--batch", "1,4", "-o", str(path))
    assert (result.code, result.out) == (0, "")
    frame = pd.read_parquet(path)
    assert tuple(frame.columns) == COLUMNS
    assert frame["batch"].tolist() == [1, 1, 4, 4]
    again = cli(*SWEEP, "-o", str(path))
    assert again.code == 2
    assert "MB007" in again.err
    assert cli(*SWEEP, "-o", str(path), "--force").code == 0


def test_screen_shows_the_front(cli):
    text = cli(*SWEEP, "--published").out
    assert "22, of which 22 with a published top-1" in text
    assert "pixel1/cpu@tflite-2018  fp32, 1 thread, batch 1" in text
    rows = [line.split() for line in text.splitlines() if line.strip().endswith("M") and "to" in line]
    assert ["0.5", "224"] in [row[:2] for row in rows]
    assert ["0.35", "128"] not in [row[:2] for row in rows]  # 0.5 / 96 is faster and better
    everything = cli(*SWEEP, "--published", "--all").out
    assert len(everything.splitlines()) > len(text.splitlines())
    plain = cli(*SWEEP, "--alpha", "0.6:0.9:0.1").out
    assert "no accuracy of these is published" in plain


def test_markdown_escapes_names(cli, tiny):
    text = cli("sweep", tiny, "mobilenet_v1", "--device", "pixel1", "--rho", "1,2", "--format", "md").out
    assert text.startswith("| network | alpha |")
    assert "| mobilenet\\_v1" in text or "| mobilenet_v1" in text


def test_several_targets_precisions_and_threads(cli):
    targets = ("--device", "pixel4", "--device", "pixel1")
    text = cli("sweep", "mobilenet_v2", *targets, "--threads", "1,2", "--format", "csv").out
    rows = [(row["target"], row["threads"]) for row in csv.DictReader(io.StringIO(text))]
    assert rows == [
        (target, threads) for target in ("pixel4/cpu@tflite-2.10", "pixel1/cpu@tflite-2018") for threads in ("1", "2")
    ]
    text = cli("sweep", "mobilenet_v2", *targets[:2], "--precision", "fp32,int8", "--format", "csv").out
    assert [row["precision"] for row in csv.DictReader(io.StringIO(text))] == ["fp32", "int8"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--alpha", "1:0.5:0.1"), "alpha `1:0.5:0.1` is inverted"),
        (("--alpha", "0"), "alpha is 0"),
        (("--alpha", "nan"), "alpha `nan` is not a finite number"),
        (("--alpha", ""), "alpha `` is empty"),
        (("--resolution", "-5"), "resolution is -5"),
        (("--resolution", "1e9"), "resolution is 1e+09"),
        (("--batch", "1.5"), "--batch 1.5 is not a whole number"),
        (("--batch", "0"), "batch is 0"),
        (("--threads", "99"), "cannot run 99 threads"),
        (("--precision", "fp8"), "does not compute in `fp8`"),
        (("--published", "--alpha", "1"), "contradict each other"),
        (("--format", "parquet"), "goes to a file"),
        (("-o", "grid.doc"), "does not say its format"),
        (("--uncalibrated", "--calibration", "x.yaml"), "contradict each other"),
    ],
)
def test_bad_options(cli, arguments, message):
    result = cli(*SWEEP, *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


def test_a_device_is_needed(cli):
    assert "`--device` is missing" in cli("sweep", "mobilenet_v2").err


def test_a_resolution_that_the_strides_cannot_take(cli):
    result = cli("sweep", "ssd300_vgg16", "--device", "pixel1", "--resolution", "300,100")
    assert result.code == 2
    assert "error[MB204]: ssd300_vgg16 at alpha 1, resolution 100: " in result.err
    assert result.out == ""


def test_parquet_without_its_package(cli, monkeypatch, tmp_path):
    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(parquet, "import_module", missing)
    result = cli(*SWEEP, "-o", str(tmp_path / "x.parquet"))
    assert result.code == 2
    assert "mbcost[parquet]" in result.err
    assert not (tmp_path / "x.parquet").exists()


def test_an_interrupted_sweep_says_how_to_keep_what_is_done(cli, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(import_module("mbcost.search.sweep"), "sweep", interrupted)
    outcome = cli(*SWEEP)
    assert outcome.code == 130
    assert "interrupted; nothing was kept: with --parts FOLDER the same command goes on" in outcome.err


def test_parts(cli, tmp_path):
    pytest.importorskip("pyarrow")
    arguments = (*SWEEP, "--alpha", "0.5,1", "--resolution", "96:224:32", "--parts", "grid")
    result = cli(*arguments)
    assert (result.code, result.out) == (0, "")
    assert "wrote 10 rows in 1 parts, and grid/front.parquet" in result.err
    assert sorted(path.name for path in (tmp_path / "grid").iterdir()) == [
        "front.parquet", "part-00000.parquet", "sweep.json", "sweep.sha256",
    ]  # fmt: skip
    assert "1 of them found" in cli(*arguments).err
    other = cli(*SWEEP, "--alpha", "0.7", "--parts", "grid")
    assert other.code == 2
    assert "grid holds another sweep" in other.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--parts", "x", "--published"), "leave out --published, -o, --format and --all"),
        (("--parts", "x", "-o", "x.csv"), "leave out --published, -o, --format and --all"),
        (("--scheduler", "tcp://127.0.0.1:1"), "add --engine dask"),
        (("--workers", "2"), "--workers is a number of processes"),
    ],
)
def test_bad_options_beyond_one_machine(cli, arguments, message):
    result = cli(*SWEEP, *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err

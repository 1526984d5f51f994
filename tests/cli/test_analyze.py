"""``mbcost analyze``: the result in each format, and the checks of its options."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import os
import re
import stat
import sys
from pathlib import Path

import pytest

from mbcost.kernels import load_runtime
from mbcost.latency import model

ANALYZE = ("analyze", "mobilenet_v2", "--device", "pixel1")

# interface.md, section 2
KEYS = [
    "schema",
    "mbcost_version",
    "architecture",
    "alpha",
    "resolution",
    "input_width",
    "batch",
    "target",
    "totals",
    "latency_ms",
    "latency_low_ms",
    "latency_high_ms",
    "interval",
    "load_ms",
    "first_ms",
    "basis",
    "frames_per_s",
    "layers",
    "warnings",
    "energy",
    "resources",
    "memory",
]
TARGET_KEYS = ["device", "processor", "runtime", "precision", "threads", "calibrated", "lowering"]
TOTALS_KEYS = ["macs", "params", "activation_bytes", "weight_bytes", "im2col_bytes", "peak_activation_bytes"]
LAYER_KEYS = [
    "name",
    "op",
    "block",
    "inputs",
    "input_shape",
    "output_shape",
    "macs",
    "params",
    "input_bytes",
    "weight_bytes",
    "output_bytes",
    "im2col_bytes",
    "arithmetic_intensity",
    "kernel",
    "bound",
    "runs_on",
    "latency_ms",
    "compute_ms",
    "memory_ms",
    "overhead_ms",
]


def test_json_has_the_documented_keys(cli):
    result = json.loads(cli(*ANALYZE, "--format", "json").out)
    assert list(result) == KEYS
    assert list(result["target"]) == TARGET_KEYS
    assert list(result["totals"]) == TOTALS_KEYS
    assert all(list(layer) == LAYER_KEYS for layer in result["layers"])
    assert result["schema"] == "mbcost/analysis/1"


def test_json_has_the_published_totals(cli):
    # torchvision: 300.77 M multiply-accumulates and 3,504,872 parameters
    totals = json.loads(cli(*ANALYZE, "--format", "json").out)["totals"]
    assert totals["macs"] == 300774272
    assert totals["params"] == 3504872


@pytest.mark.parametrize("target", ["pixel1", "pixel4/gpu", "pixel1/dsp", "zcu102"])
def test_layers_add_up_to_the_latency(cli, target):
    result = json.loads(cli("analyze", "mobilenet_v3_large", "--device", target, "--format", "json").out)
    assert sum(layer["latency_ms"] for layer in result["layers"]) == pytest.approx(result["latency_ms"], rel=1e-9)


def test_several_devices_print_a_list(cli):
    results = json.loads(cli(*ANALYZE, "--device", "pixel4", "--format", "json").out)
    assert [result["target"]["device"] for result in results] == ["pixel1", "pixel4"]


def test_csv_has_the_columns_of_the_json(cli):
    layers = json.loads(cli(*ANALYZE, "--format", "json").out)["layers"]
    rows = list(csv.DictReader(io.StringIO(cli(*ANALYZE, "--format", "csv").out)))
    assert list(rows[0]) == [*LAYER_KEYS, "basis"]
    assert len(rows) == len(layers)
    assert rows[0]["output_shape"] == "112x112x32"
    add = next(row for row in rows if row["op"] == "add")
    assert add["inputs"] == "bottleneck_3/project/batch_norm bottleneck_2/project/batch_norm"
    assert [float(row["latency_ms"]) for row in rows] == [layer["latency_ms"] for layer in layers]


def test_csv_of_several_devices_names_the_target(cli):
    outcome = cli(*ANALYZE, "--device", "pixel4", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(outcome.out)))
    assert list(rows[0]) == ["target", *LAYER_KEYS, "basis"]
    assert {row["target"] for row in rows} == {"pixel1/cpu@tflite-2018", "pixel4/cpu@tflite-2.10"}


def test_csv_leaves_the_warnings_to_stderr(cli):
    assert "warning: pixel1/cpu@tflite-2018: " in cli(*ANALYZE, "--uncalibrated", "--format", "csv").err
    assert cli(*ANALYZE, "--format", "json").err == ""


def test_markdown_is_a_summary_and_tables(cli):
    lines = cli(*ANALYZE, "--uncalibrated", "--format", "md", "--top", "3").out.splitlines()
    assert lines[0].startswith("**MobileNet V2** (alpha 1, 224x224x3, batch 1) on pixel1/cpu@tflite-2018 fp32: **")
    assert "| operator class | n | ms | % | cum. % | MACs % | params % |" in lines
    start = lines.index("| slowest layers | output | ms | % | bound |")
    assert lines[start + 1] == "| --- | ---: | ---: | ---: | --- |"
    assert [line.startswith("| ") for line in lines[start + 2 : start + 6]] == [True, True, True, False]


def test_markdown_escapes_names(cli, tiny):
    line = cli("analyze", tiny, "--device", "pixel1", "--format", "md").out.splitlines()[0]
    assert line.startswith("**\\[red\\]tiny\\[/red\\]")


def test_the_screen_in_order(cli):
    lines = cli(*ANALYZE).out.splitlines()
    heads = [line.split("  ")[0] for line in lines if line and not line.startswith(" ")]
    assert heads == [
        "MobileNet V2 on Google Pixel 1",
        "Answer",
        "Time by operator class",
        "Slowest layers",
        "Hints",
        "Caveats",
    ]


def test_the_screen_gives_the_answer(cli):
    analysis = json.loads(cli(*ANALYZE, "--format", "json").out)
    out = cli(*ANALYZE).out
    assert f"{analysis['latency_ms']:.1f} ms, 90% interval {analysis['latency_low_ms']:.1f} to " in out
    assert "300.8 M MACs, 3.505 M parameters" in out
    assert "frames/s" in out
    assert "of activations at the peak" in out


@pytest.mark.parametrize(("group_by", "first"), [("op", "pointwise"), ("block", "bottleneck_"), ("layer", "conv2d_1")])
def test_group_by(cli, group_by, first):
    lines = cli(*ANALYZE, "--group-by", group_by).out.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("Time by"))
    assert lines[start + 2].strip().startswith(first)


def test_top_and_all(cli):
    assert "Slowest layers  3 of 64, " in cli(*ANALYZE, "--top", "3").out
    every = cli(*ANALYZE, "--all").out
    assert "Layers  in the order they run" in every
    assert every.index("bottleneck_1/depthwise ") < every.index("bottleneck_17/depthwise ") < every.index("dense_1 ")


def test_several_screens_follow_each_other(cli):
    out = cli(*ANALYZE, "--device", "pixel4/gpu").out
    assert out.index("on Google Pixel 1") < out.index("on Google Pixel 4")


def test_options_reach_the_model(cli):
    result = json.loads(
        cli(
            *("analyze", "mobilenet_v1.yaml", "--device", "pixel4/cpu@tflite-2018", "--alpha", "0.5", "--rho", "0.714"),
            *("--batch", "2", "--precision", "int8", "--threads", "2", "--set", "shallow=true", "--classes", "1001"),
            *("--format", "json"),
        ).out
    )
    target = result["target"]
    assert (result["alpha"], result["resolution"], result["batch"]) == (0.5, 160, 2)
    assert (target["runtime"], target["precision"], target["threads"]) == ("tflite-2018", "int8", 2)
    assert result["layers"][-1]["output_shape"] == [1, 1, 1001]


@pytest.mark.parametrize(
    ("convention", "params"),
    # one bias a channel, gamma and beta, moving mean and variance too; 17,056 normalised channels
    [("none", 3470760), ("folded", 3487816), ("affine", 3504872), ("all", 3538984)],
)
def test_params_conventions(cli, convention, params):
    out = cli(*ANALYZE, "--params", convention, "--format", "json").out
    assert json.loads(out)["totals"]["params"] == params


def test_macs_conventions(cli):
    out = cli(*ANALYZE, "--macs", "all", "--format", "json").out
    assert json.loads(out)["totals"]["macs"] > 300774272


@pytest.mark.parametrize(("limit", "code"), [("1000", 0), ("0.5", 1)])
def test_max_ms(cli, limit, code):
    outcome = cli(*ANALYZE, "--max-ms", limit, "--format", "json")
    assert outcome.code == code
    assert json.loads(outcome.out)  # the result comes all the same
    assert ("check failed: pixel1/cpu@tflite-2018 takes" in outcome.err) == bool(code)


@pytest.mark.parametrize("suffix", [".json", ".csv", ".md", ".txt", ".trace.json", ".dot", ".graphml"])
def test_output_takes_its_format_from_the_suffix(cli, tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    outcome = cli(*ANALYZE, "-o", str(path))
    assert (outcome.code, outcome.out) == (0, "")
    assert f"wrote {path}" in outcome.err
    name = {".txt": "table", ".trace.json": "trace"}.get(suffix, suffix[1:])
    assert path.read_text() == cli(*ANALYZE, "--format", name).out


def test_html_is_a_page_with_its_provenance(cli, tiny, tmp_path):
    path = tmp_path / "out.html"
    outcome = cli("analyze", tiny, "-d", "pixel1", "-d", "zcu102", "-o", str(path))
    assert (outcome.code, outcome.out) == (0, "")
    text = path.read_text()
    assert text.startswith("<!doctype html>")
    data = json.loads(re.search('id="data">(.*?)</script>', text)[1])
    provenance = dict(data["views"][0]["provenance"])
    assert provenance["command"] == f"mbcost analyze {tiny} -d pixel1 -d zcu102 -o {path}"
    digest = hashlib.sha256(Path(tiny).read_bytes()).hexdigest()
    assert provenance["model"] == f"{tiny} (sha256 {digest[:32]})"
    assert "latencies" in provenance["calibration"]
    assert data["views"][1]["name"] == "zcu102/fpga@vitis-ai-2.5"
    assert cli("analyze", tiny, "-d", "pixel1", "-o", str(path)).err.startswith("error[MB007]")
    assert path.read_text() == text


def test_parquet_has_the_rows_and_columns_of_the_json(cli, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
    assert cli(*ANALYZE, "-o", "out.parquet").code == 0
    table = parquet.read_table(tmp_path / "out.parquet")
    layers = json.loads(cli(*ANALYZE, "--format", "json").out)["layers"]
    assert table.to_pylist() == [layer | {"basis": "calibrated"} for layer in layers]
    assert cli(*ANALYZE, "-d", "pixel4", "-o", "both.parquet").code == 0
    assert parquet.read_table(tmp_path / "both.parquet").column_names == ["target", *LAYER_KEYS, "basis"]
    assert "name a file: -o FILE" in cli(*ANALYZE, "--format", "parquet").err


def test_parquet_without_pyarrow(cli, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    outcome = cli(*ANALYZE, "-o", "out.parquet")
    assert outcome.code == 2
    assert outcome.err.startswith("error[MB011]: Parquet needs pyarrow")
    assert not (tmp_path / "out.parquet").exists()


def test_a_graph_is_of_one_target(cli):
    assert "a graph holds the latencies of one target" in cli(*ANALYZE, "-d", "pixel4", "-o", "out.dot").err


def test_output_keeps_an_existing_file_unless_forced(cli, tmp_path):
    path = tmp_path / "out.json"
    path.write_text("mine")
    outcome = cli(*ANALYZE, "-o", str(path))
    assert outcome.code == 2
    assert outcome.err.startswith("error[MB007]:")
    assert path.read_text() == "mine"
    assert cli(*ANALYZE, "-o", str(path), "--force").code == 0
    assert json.loads(path.read_text())["schema"] == "mbcost/analysis/1"


@pytest.mark.parametrize(
    ("output", "code"), [("out", "MB006"), ("out.html5", "MB006"), ("no/such/folder.json", "MB008"), (".", "MB006")]
)
def test_output_that_cannot_be(cli, output, code):
    outcome = cli(*ANALYZE, "-o", output)
    assert outcome.code == 2
    assert f"error[{code}]" in outcome.err


def test_output_format_against_suffix(cli):
    assert "--format is json, the output x.csv" in cli(*ANALYZE, "-o", "x.csv", "--format", "json").err
    assert cli(*ANALYZE, "-o", "x.dat", "--format", "json").code == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_output_into_a_folder_without_permission(cli, tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        outcome = cli(*ANALYZE, "-o", "out.json")
    finally:
        tmp_path.chmod(stat.S_IRWXU)
    assert outcome.code == 2
    assert "error[MB008]" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ("analyze", "mobilenet_v2"),
            "`--device` is missing\n  = help: such as --device pixel1; `mbcost devices search TEXT` ",
        ),
        (("analyze", "mobilenet_v2", "-d", "pixle1"), "unknown device `pixle1`\n  = help: did you mean `pixel1`"),
        (("analyze", "mobilenet_v22", "-d", "pixel1"), "error[MB200]: no architecture or file `mobilenet_v22`"),
        (("analyze", "nothing/there.yaml", "-d", "pixel1"), "error[MB001]: no file nothing/there.yaml"),
        (("analyze", "./", "-d", "pixel1"), "error[MB002]"),
        ((*ANALYZE, "--precision", "int4"), "error[MB305]"),
        ((*ANALYZE, "--threads", "99"), "error[MB305]"),
        ((*ANALYZE, "--batch", "0"), "error[MB010]: --batch is 0"),
        ((*ANALYZE, "--alpha", "nan"), "error[MB010]: --alpha is nan"),
        ((*ANALYZE, "--rho", "0"), "error[MB010]: --rho is 0"),
        ((*ANALYZE, "--rho", "1", "--resolution", "96"), "error[MB010]: --rho and --resolution were both given"),
        ((*ANALYZE, "--max-ms", "nan"), "error[MB010]: --max-ms is nan"),
        ((*ANALYZE, "--max-ms", "-1"), "error[MB010]: --max-ms is -1"),
        ((*ANALYZE, "--top", "0"), "error[MB010]: invalid value for '--top'"),
        ((*ANALYZE, "--format", "xml"), "error[MB010]: invalid value for '--format'"),
        ((*ANALYZE, "--set", "classes"), "error[MB010]: `--set classes` is not NAME=VALUE"),
        ((*ANALYZE, "--set", "=3"), "is not NAME=VALUE"),
        ((*ANALYZE, "--set", "classes=many"), "`many` is not a number, true or false"),
        ((*ANALYZE, "--set", "classes=nan"), "`nan` is not a number, true or false"),
        ((*ANALYZE, "--set", "clases=3"), "has no option `clases`\n  = help: did you mean `classes`?"),
        ((*ANALYZE, "--set", "classes=true"), "option `classes` of mobilenet_v2 is a number"),
        ((*ANALYZE, "--set", "classes=3", "--classes", "4"), "option `classes` was given twice"),
    ],
)
def test_bad_input(cli, arguments, expected):
    outcome = cli(*arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert expected in outcome.err


def test_problems_of_all_devices_come_together(cli):
    outcome = cli("analyze", "mobilenet_v2", "-d", "one", "-d", "two", "-d", "two")
    assert outcome.err.count("error[MB300]") == 2
    assert outcome.err.endswith("\n2 problems\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_model_without_permission(cli, tiny):
    os.chmod(tiny, 0)
    assert "error[MB003]" in cli("analyze", tiny, "--device", "pixel1").err


def test_markup_and_control_characters_of_a_table_stay_text(cli, tiny):
    out = cli("analyze", tiny, "--device", "pixel1").out
    assert "[red]tiny[/red] \\x1b[31m on Google Pixel 1" in out
    assert "\x1b" not in out


def test_markup_in_an_error_stays_text(cli, tiny, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("name: bad\nsource: s\ninput: 8x8x3\nlayers:\n  - {name: '[red]x[/red]', op: '[bold]y[/bold]'}\n")
    err = cli("analyze", str(path), "--device", "pixel1").err
    assert "`[bold]y[/bold]`" in err
    assert "[red]x[/red]" in err


@pytest.fixture
def no_softmax(monkeypatch):
    """A runtime without a kernel for softmax."""
    runtime = load_runtime("vitis-ai-2.5")
    rules = {operator: rule for operator, rule in runtime.rules.items() if operator != "softmax"}
    model._model_of.cache_clear()
    monkeypatch.setattr(model, "load_runtime", lambda _: dataclasses.replace(runtime, rules=rules))
    yield
    model._model_of.cache_clear()


@pytest.mark.usefixtures("no_softmax")
def test_an_operator_without_a_kernel(cli, tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(
        "name: m\nsource: s\ninput: 8x8x3\nlayers:\n  - {op: conv2d, out: 8, kernel: 3}\n  - {op: softmax}\n"
    )
    arguments = ("analyze", str(path), "--device", "zcu102")
    refused = cli(*arguments)
    assert refused.code == 2
    assert "error[MB400]" in refused.err
    estimated = cli(*arguments, "--unsupported", "estimate")
    assert estimated.code == 0
    assert "charged by its traffic" in estimated.out


def test_a_network_that_takes_no_time(cli, tmp_path):
    path = tmp_path / "view.yaml"
    path.write_text("name: view\nsource: s\ninput: 8x8x3\nlayers:\n  - {op: flatten}\n")
    arguments = ("analyze", str(path), "--device", "pixel1")
    assert cli(*arguments).code == 0
    assert cli(*arguments, "--format", "md").code == 0
    assert json.loads(cli(*arguments, "--format", "json").out)["frames_per_s"] is None


def test_uncalibrated_and_calibration_contradict(cli):
    outcome = cli("analyze", "mobilenet_v2", "-d", "pixel1", "--uncalibrated", "--calibration", "x.yaml")
    assert outcome.code == 2
    assert "contradict" in outcome.err


def test_uncalibrated(cli):
    outcome = cli("analyze", "mobilenet_v2", "-d", "pixel1", "--uncalibrated", "--format", "json")
    assert outcome.code == 0
    assert json.loads(outcome.out)["target"]["calibrated"] is False

"""``mbcost calibrate`` and ``mbcost validate`` on files that are good, and on files that are not."""

from __future__ import annotations

import csv
import re
import sys
import time
from pathlib import Path

import pytest

import mbcost

pytest.importorskip("scipy")

HEADER = (
    "architecture,alpha,resolution,batch,precision,device,processor,runtime,threads,latency_ms,latency_std_ms,source"
)
GOOD = [
    f"mobilenet_v2,{alpha},{size},1,fp32,pixel1,cpu,tflite-2018,1,{ms},,hand"
    for alpha, size, ms in ((1, 224, 73.8), (1, 160, 40.2), (0.5, 224, 28.7), (0.35, 96, 4.5))
]  # tensorflow/models, research/slim/nets/mobilenet/README.md


def write(path: Path, *rows: str, header: str = HEADER) -> str:
    path.write_text("\n".join([header, *rows]) + "\n")
    return str(path)


def test_calibrate_writes_a_file_that_analyze_takes(cli, tmp_path):
    file = write(tmp_path / "m.csv", *GOOD)
    outcome = cli("calibrate", file, "-d", "pixel1", "-o", "c.yaml")
    assert outcome.code == 0, outcome.err
    assert "fewer latencies than rates" in outcome.out
    assert "copy" in outcome.out
    assert "not covered" in outcome.out
    assert "leave one out: 4 latencies" in outcome.out
    shown = cli("analyze", "mobilenet_v2", "-d", "pixel1", "--calibration", "c.yaml", "--format", "json")
    assert '"calibrated": true' in shown.out
    assert cli("calibrate", file, "-d", "pixel1", "-o", "c.yaml").code == 2  # kept without --force


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("mobilenet_v2,1,224,1,fp32,pixel1,cpu,tflite-2018,1,-3,,", "row 6: `latency_ms` is -3"),
        ("mobilenet_v2,1,224,1,fp32,pixel1,cpu,tflite-2018,1,0,,", "row 6: `latency_ms` is 0"),
        ("mobilenet_v2,1,224,1,fp32,pixel1,cpu,tflite-2018,1,,,", "row 6: `latency_ms` is empty"),
        ("mobilenet_v2,1,224,1,fp32,pixel1,cpu,tflite-2018,1,nan,,", "row 6: `latency_ms` is nan"),
        ("mobilenet_v2,1,224,1,fp32,pixel1,cpu,tflite-2018,1,fast,,", "row 6: `latency_ms` is `fast`"),
        ("mobilenet_v2,1,224,1,fp32,pixel1,cpu,tflite-2018,1,1e12,,", "row 6: a latency of 1e+12 ms"),
        ("mobilenet_v2,1,22.5,1,fp32,pixel1,cpu,tflite-2018,1,70,,", "row 6: `resolution` is 22.5"),
        ("mobilenet_v22,1,224,1,fp32,pixel1,cpu,tflite-2018,1,70,,", "row 6: no architecture or file"),
        ("mobilenet_v2,1,224,1,fp32,pixel1,cpu,xnnpack,1,70,,", "row 6 is of pixel1/cpu@xnnpack"),
        ("mobilenet_v2,1,224,1,fp32,pixel1,cpu,tflite-2018,2,70,,", "fp32, 2 threads"),
    ],
)
def test_bad_rows_are_named_and_nothing_is_written(cli, tmp_path, row, said):
    file = write(tmp_path / "m.csv", *GOOD, row)
    outcome = cli("calibrate", file, "-d", "pixel1", "-o", "c.yaml")
    assert outcome.code == 2
    assert said in outcome.err
    assert re.search(rf"m\.csv:6:\d+\n  \|\n6 \| {re.escape(row[:20])}", outcome.err)
    assert not (tmp_path / "c.yaml").exists()


def test_the_cell_is_marked(cli, tmp_path):
    quoted = 'mobilenet_v2,1,224,1,fp32,pixel1,cpu,tflite-2018,1,-3,,"by hand, twice"'
    outcome = cli("calibrate", write(tmp_path / "m.csv", *GOOD, quoted), "-d", "pixel1")
    assert f"m.csv:6:{quoted.index('-3') + 1}" in outcome.err
    spread = "mobilenet_v2,1,224,1,fp32,pixel1,cpu,tflite-2018,1,70,-1,"
    outcome = cli("calibrate", write(tmp_path / "m.csv", *GOOD, spread), "-d", "pixel1")
    assert "row 6: `latency_std_ms` is -1" in outcome.err
    outcome = cli("calibrate", write(tmp_path / "m.csv", *GOOD, f"{GOOD[0]},more"), "-d", "pixel1")
    assert "row 6: 13 cells under 12 columns" in outcome.err


KERNELS = "op,height,width,in_channels,out_channels,kernel,stride,groups,fields,second_input,latency_us"
KERNEL_ROWS = [
    "conv2d,56,56,64,128,1,1,1,activation: relu6,,4300",
    "conv2d,28,28,64,64,3x3,1,,padding: valid,,4700",
    "conv2d 3x3 / s2,224,224,3,32,,,,,,2900",
    "dw,56,56,128,128,3,1,,,,1700",
    "dense,1,1,1024,1000,,,,,,420",
    "add,56,56,64,64,,,,,,210",
    "multiply,56,56,64,,,,,,1x1x64,230",
    "avg_pool2d,7,7,1024,,7,1,,padding: valid,,70",
    '"[{op: dw, kernel: 5, norm: batch_norm}, {op: conv2d, out: 64}]",28,28,96,64,,,,,,900',
    'relu,28,28,96,,,,,"repeat: 20",,900',
]


def test_calibrate_from_kernels_and_from_both(cli, tmp_path):
    kernels = write(tmp_path / "k.csv", *KERNEL_ROWS, header=KERNELS)
    outcome = cli("calibrate", kernels, "-d", "pixel1")
    assert outcome.code == 0, outcome.err
    assert "leave one out: 10 latencies" in outcome.out
    outcome = cli("calibrate", kernels, write(tmp_path / "m.csv", *GOOD), "-d", "pixel1")
    assert outcome.code == 0, outcome.err
    assert "leave one out: 14 latencies" in outcome.out
    shown = cli("validate", kernels, "-d", "pixel1")
    assert '28x28x96 {op: "relu", repeat: 20}' in shown.out


@pytest.mark.parametrize(
    ("row", "said", "column"),
    [
        ("conv2d,56,56,64,128,1,1,,,,-1", "`latency_us` is -1", "latency_us"),
        ("conv2d,56,56,64,128,1,1,,,,1e12", "a latency of 1e+12 us", "latency_us"),
        ("conv2d,56,56,64,,1,1,,,,9", "`out`", "op"),
        ("conv2d,56,0,64,128,1,1,,,,9", "`width` is 0", "width"),
        ("conv2d,56,56,64,128,three,1,,,,9", "`kernel` is `three`", "kernel"),
        ("conv2d,56,56,64,128,3,1,3,,,9", "64", "op"),
        ("conv3x3,56,56,64,128,3,1,,,,9", "`conv3x3`", "op"),
        ("dw,56,56,64,32,3,1,,,,9", "`out_channels` is 32, but the operator makes 64", "out_channels"),
        ("dw,56,56,64,64,3,1,,paddin: valid,,9", "paddin", "op"),
        ("dw,56,56,64,64,3,1,,{,,9", "row 12: ", "op"),
        ("multiply,56,56,64,,,,,,64,9", "`second_input` is `64`", "second_input"),
        ("multiply,56,56,64,,,,,,1x1x32,9", "row 12: ", "op"),
        ('"[{op: relu}]",56,56,64,64,3,1,,,,9', "`kernel` belongs in the table", "kernel"),
        ("opaque_,56,56,64,64,3,1,,,,", "`latency_us` is empty", "latency_us"),
    ],
)
def test_bad_kernels_are_named(cli, tmp_path, row, said, column):
    file = write(tmp_path / "k.csv", *KERNEL_ROWS, row, header=KERNELS)
    outcome = cli("calibrate", file, "-d", "pixel1", "-o", "c.yaml")
    assert outcome.code == 2
    assert said in outcome.err
    cells = next(csv.reader([row]))
    at = row.index(cells[0]) if column == "op" and not row.startswith('"') else 0
    if cells[KERNELS.split(",").index(column)] and column != "op":
        at = len(",".join(cells[: KERNELS.split(",").index(column)])) + 1 + 2 * row.startswith('"')
        assert f"k.csv:12:{at + 1}" in outcome.err
    assert "k.csv:12:" in outcome.err
    assert not (tmp_path / "c.yaml").exists()


def test_kernels_of_another_target_are_named(cli, tmp_path):
    header = f"{KERNELS},device,runtime"
    file = write(tmp_path / "k.csv", *(f"{row},pixel1,tflite-2.1" for row in KERNEL_ROWS), header=header)
    outcome = cli("calibrate", file, "-d", "pixel1")
    assert outcome.code == 2
    assert "row 2 is of pixel1/cpu@tflite-2.1" in outcome.err


def test_a_network_beside_the_measurements(cli, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "own.yaml").write_text("name: own\nsource: mine\ninput: 56x56x64\nlayers: [{op: conv2d 3x3, out: 64}]\n")
    row = "own.yaml,1,,1,fp32,pixel1,cpu,tflite-2018,1,20,,"
    outcome = cli("validate", write(folder / "m.csv", row), "-d", "pixel1")
    assert outcome.code == 0, outcome.err
    assert "own.yaml 1" in outcome.out


@pytest.mark.parametrize("name", ["helper:net", "./helper:net", "http.server:test", "helper:net.onnx"])
@pytest.mark.parametrize("command", ["validate", "calibrate"])
def test_a_file_of_measurements_runs_no_code(cli, tmp_path, monkeypatch, command, name):
    (tmp_path / "helper.py").write_text("raise SystemExit('ran')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    rows = [f"{name},1,{size},1,fp32,pixel1,cpu,tflite-2018,1,20,," for size in (96, 128, 160, 192)]
    outcome = cli(command, write(tmp_path / "m.csv", *rows), "-d", "pixel1")
    assert outcome.code == 2
    assert "MB600" in outcome.err or "MB200" in outcome.err or "MB001" in outcome.err
    assert not {"helper", "http.server"} & set(sys.modules)


@pytest.mark.parametrize("letters", [300, 5000])
def test_a_network_whose_name_no_file_can_have(cli, tmp_path, letters):
    row = f"{'x' * letters},1,96,1,fp32,pixel1,cpu,tflite-2018,1,20,,"
    outcome = cli("validate", write(tmp_path / "m.csv", row), "-d", "pixel1")
    assert outcome.code == 2
    assert "MB200" in outcome.err


def test_all_bad_rows_are_shown_at_once(cli, tmp_path):
    bad = GOOD[0].replace("73.8", "-1")
    outcome = cli("calibrate", write(tmp_path / "m.csv", bad, GOOD[1], bad), "-d", "pixel1")
    assert "row 2" in outcome.err
    assert "row 4" in outcome.err
    assert "2 problems" in outcome.err


def test_repeated_rows_are_a_warning(cli, tmp_path):
    outcome = cli("calibrate", write(tmp_path / "m.csv", *GOOD, GOOD[1]), "-d", "pixel1")
    assert outcome.code == 0
    assert "warning[MB600]: row 6 repeats row 3: mobilenet_v2 1 160, 40.2 ms there, 40.2 ms here" in outcome.err


def test_a_row_that_the_fit_cannot_describe_is_a_warning(cli, tmp_path):
    odd = (
        "mobilenet_v2,0.75,224,1,fp32,pixel1,cpu,tflite-2018,1,5580,,"  # microseconds / 10 in a column of milliseconds
    )
    outcome = cli("calibrate", write(tmp_path / "m.csv", *GOOD, *PUBLISHED, odd), "-d", "pixel1")
    assert outcome.code == 0
    assert f"warning[MB600]: row {len(GOOD) + len(PUBLISHED) + 2}: 5580 ms measured, " in outcome.err


def test_latencies_in_another_unit_are_no_calibration(cli, tmp_path):
    rows = [row.replace(cell, f"{float(cell) * 1000:g}") for row in GOOD for cell in (row.split(",")[9],)]
    outcome = cli("calibrate", write(tmp_path / "m.csv", *rows), "-d", "pixel1", "-o", "c.yaml")
    assert outcome.code == 2
    assert "MB602" in outcome.err
    assert not (tmp_path / "c.yaml").exists()


def test_suggestions(cli, tmp_path):
    """With nothing measured; then what was measured does not come first any more."""
    models = [text for name in ("mobilenet_v2", "resnet18", "alexnet") for text in ("--candidates", name)]
    first = cli("calibrate", "-d", "pixel1", "--suggest", "3", *models)
    assert first.code == 0, first.err
    lines = first.out.splitlines()[3:]
    assert len(lines) == 3
    name, alpha, size, latency = lines[0].split()[:4]
    row = f"{name},{alpha},{size},1,fp32,pixel1,cpu,tflite-2018,1,{latency},,"
    file = write(tmp_path / "m.csv", *GOOD, row)
    again = cli("calibrate", file, "-d", "pixel1", "--suggest", "1", *models)
    assert "leave one out: 5 latencies" in again.out
    assert again.out.splitlines()[-1].split()[:3] != [name, alpha, size]
    assert (
        "no architecture or file `nothing`"
        in cli("calibrate", "-d", "pixel1", "--suggest", "3", "--candidates", "nothing").err
    )
    assert "no measurements to calibrate on" in cli("calibrate", "-d", "pixel1").err
    assert cli("calibrate", "-d", "pixel1", "--suggest", "-1").code == 2


PUBLISHED = [
    f"mobilenet_v2,{alpha},{size},1,fp32,pixel1,cpu,tflite-2018,1,{ms},,hand"
    for alpha, size, ms in ((1.4, 224, 138), (1.3, 224, 123), (0.75, 192, 41.6), (0.75, 160, 30.4), (0.5, 192, 21.1),
                            (0.5, 160, 14.9), (0.35, 224, 19.7), (0.35, 192, 14.6))
]  # fmt: skip  # tensorflow/models, research/slim/nets/mobilenet/README.md


def test_a_hundred_networks_of_200_layers_take_10_seconds(cli, tmp_path):
    """Processor time, reading and building included; latencies that follow the resolution."""
    at_224 = {"densenet121": 500.0, "efficientnet_b0": 110.0}  # [ms], about what 2.9 and 0.4 GMACs take
    assert all(len(mbcost.build_graph(mbcost.load(name)).layers) >= 200 for name in at_224)
    rows = [
        f"{name},1,{size},1,fp32,pixel1,cpu,tflite-2018,1,{ms * (size / 224) ** 2:g},,"
        for name, ms in at_224.items()
        for size in range(64, 264, 4)
    ]
    file = write(tmp_path / "m.csv", *rows)
    begin = time.process_time()
    outcome = cli("calibrate", file, "-d", "pixel1")
    assert time.process_time() - begin < 10
    assert "leave one out: 100 latencies" in outcome.out, outcome.err


def test_files_that_cannot_be_used(cli, tmp_path):
    file = tmp_path / "m.csv"
    (tmp_path / "view.yaml").write_text("name: view\nsource: mine\ninput: 8x8x3\nlayers: [{op: flatten}]\n")
    nothing = "view.yaml,1,,1,fp32,pixel1,cpu,tflite-2018,1,20,,"
    assert (
        "row 3: view.yaml 1 has nothing that takes time"
        in cli("calibrate", write(file, GOOD[0], nothing), "-d", "pixel1").err
    )
    assert "no row is of pixel4" in cli("calibrate", write(file, *GOOD), "-d", "pixel4").err
    assert "holds no measurement" in cli("calibrate", write(file), "-d", "pixel1").err
    assert "no column `latency_ms`" in cli("calibrate", write(file, header="architecture,alpha"), "-d", "pixel1").err
    assert "not a CSV file" in cli("calibrate", write(file, "x" * 200_000), "-d", "pixel1").err
    assert cli("calibrate", "none.csv", "-d", "pixel1").code == 2
    assert "nothing to fit" in cli("calibrate", write(file, *ROOFLINE), "-d", "iphone_x/gpu").err


ROOFLINE = ["mobilenet_v2,1,224,1,fp32,iphone_x,gpu,coreml-gpu,1,5,,x"]


def test_a_faster_device_is_told_to_have_its_own_peak(cli, tmp_path):
    fast = [row.replace(f",{ms},", f",{float(ms) / 30:g},") for row in GOOD for ms in [row.split(",")[9]]]
    outcome = cli("calibrate", write(tmp_path / "m.csv", *fast), "-d", "pixel1")
    assert outcome.code == 2
    assert "MB602" in outcome.err
    assert "faster than the peak of pixel1 allows" in " ".join(outcome.err.split())
    slow = [row.replace(f",{ms},", f",{float(ms) * 9:g},") for row in GOOD for ms in [row.split(",")[9]]]
    assert "faster than the peak" not in cli("calibrate", write(tmp_path / "m.csv", *slow), "-d", "pixel1").err


def test_one_latency_is_enough(cli, tmp_path):
    outcome = cli("calibrate", write(tmp_path / "m.csv", GOOD[0]), "-d", "pixel1", "-o", "c.yaml")
    assert outcome.code == 0, outcome.err
    assert cli("analyze", "mobilenet_v2", "-d", "pixel1", "--calibration", "c.yaml").code == 0


def test_validate_the_measurements_that_ship(cli):
    outcome = cli("validate", "-d", "pixel1", "--uncalibrated")
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[-1].startswith("all: 63 latencies, mean abs. error 14.7%")
    assert cli("validate", "-d", "pixel1", "--uncalibrated", "--min-hit", "0.9").code == 1
    assert cli("validate", "-d", "pixel1", "--min-hit", "2").code == 2


def test_validate_a_file(cli, tmp_path):
    outcome = cli("validate", write(tmp_path / "m.csv", *GOOD), "-d", "pixel1", "--uncalibrated", "--min-hit", "0")
    assert outcome.code == 0
    assert "mobilenet_v2 0.35 96" in outcome.out
    assert "no measurements of raspberry_pi_4/cpu" in cli("validate", "-d", "raspberry_pi_4").err

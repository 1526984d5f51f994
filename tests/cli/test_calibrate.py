"""``mbcost calibrate`` and ``mbcost validate`` on files that are good, and on files that are not."""

from __future__ import annotations

from pathlib import Path

import pytest

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
    assert f"m.csv:6:1\n  |\n6 | {row[:20]}" in outcome.err
    assert not (tmp_path / "c.yaml").exists()


def test_all_bad_rows_are_shown_at_once(cli, tmp_path):
    bad = GOOD[0].replace("73.8", "-1")
    outcome = cli("calibrate", write(tmp_path / "m.csv", bad, GOOD[1], bad), "-d", "pixel1")
    assert "row 2" in outcome.err
    assert "row 4" in outcome.err
    assert "2 problems" in outcome.err


def test_repeated_rows_are_a_warning(cli, tmp_path):
    outcome = cli("calibrate", write(tmp_path / "m.csv", *GOOD, GOOD[1]), "-d", "pixel1")
    assert outcome.code == 0
    assert "warning[MB600]: row 6 repeats row 3: mobilenet_v2 1 160" in outcome.err


def test_files_that_cannot_be_used(cli, tmp_path):
    file = tmp_path / "m.csv"
    assert "too few to fit" in cli("calibrate", write(file, *GOOD[:2]), "-d", "pixel1").err
    assert "no row is of pixel4" in cli("calibrate", write(file, *GOOD), "-d", "pixel4").err
    assert "holds no measurement" in cli("calibrate", write(file), "-d", "pixel1").err
    assert "no column `latency_ms`" in cli("calibrate", write(file, header="architecture,alpha"), "-d", "pixel1").err
    assert "not a CSV file" in cli("calibrate", write(file, "x" * 200_000), "-d", "pixel1").err
    assert cli("calibrate", "none.csv", "-d", "pixel1").code == 2
    assert "nothing to fit" in cli("calibrate", write(file, *ROOFLINE), "-d", "zcu102").err


ROOFLINE = ["mobilenet_v2,1,224,1,int8,zcu102,fpga,vitis-ai-2.5,1,5,,x"]


def test_validate_the_measurements_that_ship(cli):
    outcome = cli("validate", "-d", "pixel1", "--uncalibrated")
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[-1].startswith("all: 44 latencies, mean abs. error 20.4%")
    assert cli("validate", "-d", "pixel1", "--uncalibrated", "--min-hit", "0.9").code == 1
    assert cli("validate", "-d", "pixel1", "--min-hit", "2").code == 2


def test_validate_a_file(cli, tmp_path):
    outcome = cli("validate", write(tmp_path / "m.csv", *GOOD), "-d", "pixel1", "--uncalibrated", "--min-hit", "0")
    assert outcome.code == 0
    assert "mobilenet_v2 0.35 96" in outcome.out
    assert "no measurements of raspberry_pi_4/cpu" in cli("validate", "-d", "raspberry_pi_4").err

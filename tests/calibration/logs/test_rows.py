"""Readings become rows: their networks are found, their target is filled in, visits are put together."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

import mbcost
from mbcost.calibration.inputs import read_inputs
from mbcost.calibration.logs.names import shipped
from mbcost.calibration.logs.readers import read_log
from mbcost.calibration.logs.rows import rows_of, target_of
from mbcost.calibration.measurements import read_measurements
from mbcost.devices import resolve_target
from mbcost.errors import InputError
from tests.calibration.logs import texts
from tests.cli.conftest import Cli


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mobilenet_v1_0.5_160_quant.tflite", ("mobilenet_v1", 0.5, 160, "int8")),
        ("mobilenet_v2_1.0_224.tflite", ("mobilenet_v2", 1.0, 224, "")),
        ("/data/local/tmp/resnet50.tflite", ("resnet50", 1.0, None, "")),
        ("C:\\models\\ResNet-18_fp16.onnx", ("resnet18", 1.0, None, "fp16")),
        ("efficientnet-lite0-int8.tflite", ("efficientnet_lite0", 1.0, None, "int8")),
        ("regnet_x_3.2gf.onnx", None),
        ("best.tflite", None),
        ("m", None),
        ("", None),
    ],
)
def test_names_of_model_zoos(name: str, expected: tuple[str, float, int | None, str] | None) -> None:
    found = shipped(name)
    assert (None if found is None else found[:4]) == expected


def test_a_file_beside_the_log_comes_before_a_name(tmp_path: Path) -> None:
    log = written(tmp_path, "log.txt", texts.TFLITE)
    assert rows_of(read_log(log)).measurements[0].architecture == "mobilenet_v2"
    model = written(tmp_path, "mobilenet_v2_1.0_224.tflite", "")
    assert rows_of(read_log(log)).measurements[0].architecture == str(model)


def test_a_network_that_is_not_known(tmp_path: Path) -> None:
    log = written(tmp_path, "log.txt", texts.MNN.replace("mobilenet_v2", "best").replace("resnet18", "worst"))
    with pytest.raises(InputError, match="no file here or beside the log") as caught:
        rows_of(read_log(log))
    assert [problem.location.line for problem in caught.value.problems if problem.location] == [4, 5]
    named = rows_of(read_log(log), networks=["best.mnn=mobilenet_v2", "worst.mnn=resnet18"])
    assert [row.architecture for row in named.measurements] == ["mobilenet_v2", "resnet18"]
    with pytest.raises(InputError, match="the logs name 2 networks"):
        rows_of(read_log(log), networks=["mobilenet_v2"])


def test_a_log_that_names_no_network(tmp_path: Path) -> None:
    log = written(tmp_path, "log.txt", texts.TFLITE_SHORT)
    with pytest.raises(InputError, match="does not say which network") as caught:
        rows_of(read_log(log))
    assert "`--network log.txt=MODEL`" in str(caught.value.problems[0].hint)
    for named in ("log.txt=resnet18", "resnet18"):
        assert rows_of(read_log(log), networks=[named]).measurements[0].architecture == "resnet18"


def test_visits_are_their_median(tmp_path: Path) -> None:
    paths = [
        written(tmp_path, f"{number}.txt", texts.TFLITE.replace("avg=23767.3", f"avg={number}"))
        for number in (20000, 21000, 25000)
    ]
    readings = [reading for path in paths for reading in read_log(path)]
    (row,) = rows_of(readings).measurements
    assert row.measured_s == pytest.approx(0.021)
    # around the mean 22: 2^2 + 1^2 + 3^2 = 14, sqrt(14 / 2) = 2.6458, over 21
    assert row.spread == pytest.approx(2.6458 / 21, rel=1e-4)


def test_the_target_is_what_the_logs_say(tmp_path: Path) -> None:
    log = written(tmp_path, "log.txt", texts.TFLITE_LOGCAT)
    readings = read_log(log)
    target = target_of(readings, "pixel4", None, None)
    assert (target.precision, target.threads) == ("int8", 4)
    (row,) = rows_of(readings, target).measurements
    assert row.target == ("pixel4", "cpu", target.runtime, "int8", "4")


def test_rows_of_another_processor_or_runtime(tmp_path: Path) -> None:
    log = written(tmp_path, "log.txt", texts.TFLITE_SAME)
    target = resolve_target("pixel4")
    (row,) = rows_of(read_log(log), target).measurements
    assert row.target[1] == "gpu"
    with pytest.raises(InputError, match="is of pixel4/gpu"):
        mbcost.calibrate("pixel4", log)
    ncnn = written(tmp_path, "ncnn.txt", texts.NCNN)
    with pytest.raises(InputError, match="this is of benchncnn, but pixel4/cpu@"):
        rows_of(read_log(ncnn), target)
    assert len(rows_of(read_log(ncnn), resolve_target("pixel4@ncnn", threads=2)).rows) == 2


def test_a_disturbed_run_and_one_of_another_unit(tmp_path: Path) -> None:
    disturbed = written(tmp_path, "a.txt", texts.TFLITE.replace("std=152", "std=30000"))
    slow = written(tmp_path, "b.txt", texts.NCNN.replace("8.15", "81500000"))
    with pytest.raises(InputError) as caught:
        rows_of([*read_log(disturbed), *read_log(slow)])
    assert [problem.code for problem in caught.value.problems] == ["MB600", "MB600"]
    assert "vary by 30 ms" in caught.value.problems[0].message
    assert "8.15e+07 ms is not plausible" in caught.value.problems[1].message


def test_a_profile_gives_way_to_a_run_without_one(tmp_path: Path) -> None:
    profile = written(tmp_path, "p.json", texts.ORT_PROFILE)
    printed = written(tmp_path, "log.txt", texts.ORT.replace("../resnet50.onnx", "-"))
    readings = [*read_log(profile), *read_log(printed)]
    for reading_order in (readings, readings[::-1]):
        found = rows_of(reading_order, networks=["resnet50"], precision="fp32", threads=4)
        assert [row.measured_s for row in found.measurements] == [pytest.approx(0.00709)]


def test_the_command_writes_rows_that_calibrate_reads(cli: Cli, tmp_path: Path) -> None:
    logs = [written(tmp_path, "a.txt", texts.TFLITE), written(tmp_path, "b.csv", texts.TFLITE_CSV)]
    rows, operators = tmp_path / "rows.csv", tmp_path / "operators.csv"
    done = cli("measurements", "read", str(logs[0]), "-d", "pixel4", "-o", str(rows))
    assert done.code == 0, done.err
    assert "is taken to be mobilenet_v2" in done.err
    (row,) = read_measurements(rows)[0]
    assert (row.name, row.target[0], row.measured_s) == ("mobilenet_v2 1 224", "pixel4", pytest.approx(0.0237673))
    (cells,) = csv.DictReader(rows.read_text().splitlines())
    assert (cells["min_ms"], cells["first_ms"], cells["load_ms"], cells["visits"]) == ("23.59", "25.31", "12.345", "1")
    again = cli("measurements", "read", str(logs[0]), "-o", str(rows))
    assert (again.code, "exists and was kept" in again.err) == (2, True)
    profile = ("measurements", "read", str(logs[1]), "--network", "mobilenet_v3_small", "--operators", str(operators))
    done = cli(*profile)
    assert done.out.splitlines()[1].startswith("mobilenet_v3_small,1,,1,int8,,,,1,1.887,")
    assert [cells["latency_us"] for cells in csv.DictReader(operators.read_text().splitlines())] == [
        "402",
        "200",
        "1270",
    ]


def test_calibrate_and_validate_take_logs(cli: Cli, tmp_path: Path) -> None:
    latencies = {
        "mobilenet_v1_1.0_224": 32000, "mobilenet_v2_1.0_224": 23767, "mobilenet_v2_0.5_160": 6000,
        "mobilenet_v1_0.5_128": 4000, "resnet50": 210000, "mobilenet_v3_large": 19000,
    }  # fmt: skip
    runs = [
        texts.TFLITE.replace("mobilenet_v2_1.0_224", name).replace("avg=23767.3", f"avg={latency}")
        for name, latency in latencies.items()
    ]
    log = written(tmp_path, "log.txt", "".join(runs))
    out = tmp_path / "c.yaml"
    done = cli("calibrate", str(log), "--device", "pixel4", "-o", str(out))
    assert done.code == 0, done.err
    assert out.exists()
    assert re.search(r"6 latencies", done.out)
    shown = cli("validate", str(log), "--device", "pixel4", "--uncalibrated")
    assert shown.code == 0, shown.err
    assert "mobilenet_v2" in shown.out


def test_a_csv_file_keeps_its_own_problems(tmp_path: Path) -> None:
    broken = written(tmp_path, "a.csv", "architecture,latency_ms\nmobilenet_v2,12\n")
    strange = written(tmp_path, "b.csv", "network;ms\nmobilenet_v2;12\n")
    with pytest.raises(InputError) as caught:
        read_inputs([broken, strange])
    assert {problem.code for problem in caught.value.problems} == {"MB102"}

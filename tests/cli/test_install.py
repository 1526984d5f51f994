"""Calibrations of few columns, kept where predictions find them, of devices that are made on the way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mbcost.calibration.install import disturbances
from tests.cli.conftest import Cli

#: tensorflow/models, research/slim/nets/mobilenet/README.md: alpha, resolution, ms on a Pixel 1.
PIXEL_1 = ((1, 224, 73.8), (1, 160, 40.2), (0.5, 224, 28.7), (0.35, 96, 4.5), (0.75, 192, 41.6), (1.4, 224, 138.0))


def rows(path: Path, faster: float = 1.0, header: str = "architecture,alpha,resolution,latency_ms") -> str:
    lines = [f"mobilenet_v2,{alpha},{size},{ms / faster:g}" for alpha, size, ms in PIXEL_1]
    path.write_text("\n".join([header, *lines]) + "\n")
    return str(path)


def latency_ms(cli: Cli, device: str, *more: str) -> float:
    done = cli("analyze", "mobilenet_v2", "--device", device, "--format", "json", *more)
    assert done.code == 0, done.err
    found: float = json.loads(done.out)["latency_ms"]
    return found


def test_two_columns_are_enough(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    file.write_text("architecture,latency_ms\nmobilenet_v2,73.8\nmobilenet_v1,117.1\n")
    done = cli("calibrate", str(file), "--device", "pixel1", "-o", "c.yaml")
    assert done.code == 0, done.err
    shown = cli("validate", str(file), "--device", "pixel1", "--calibration", "c.yaml")
    assert shown.code == 0, shown.err
    assert "all: 2 latencies" in shown.out
    assert cli("validate", str(file), "-d", "pixel1", "--calibration", "c.yaml", "--uncalibrated").code == 2


def test_options_fill_what_rows_lack(cli: Cli, tmp_path: Path) -> None:
    file = rows(tmp_path / "m.csv", faster=15)
    done = cli(
        "calibrate", file, "--device", "pixel4@tflite-2.10", "--threads", "4", "--precision", "int8", "-o", "c.yaml"
    )
    assert done.code == 0, done.err
    text = (tmp_path / "c.yaml").read_text()
    assert 'device: "pixel4", processor: "cpu", runtime: "tflite-2.10", precision: "int8", threads: 4' in text


def test_a_calibration_is_installed_and_used(cli: Cli, tmp_path: Path) -> None:
    """The installed one predicts what the same calibration does when it is named."""
    file = rows(tmp_path / "m.csv")
    before = latency_ms(cli, "pixel4")
    done = cli("calibrate", file, "--device", "pixel4", "--install", "--force", "-o", "c.yaml")
    assert done.code == 0, done.err
    assert "use it with --device pixel4" in done.err
    assert latency_ms(cli, "pixel4") == latency_ms(cli, "pixel4", "--calibration", "c.yaml") != before
    (path,) = (tmp_path / "config/mbcost/devices/calibrations").iterdir()
    assert path.read_text() == (tmp_path / "c.yaml").read_text()
    again = cli("calibrate", file, "--device", "pixel4", "--install")
    assert again.code == 2  # kept without --force


def test_a_poor_fit_is_not_installed(cli: Cli, tmp_path: Path) -> None:
    """Latencies of 90 to 180 ms whatever the network: no rates describe them."""
    file = tmp_path / "m.csv"
    lines = [f"mobilenet_v2,{alpha},{size},{90 + 90 * (number % 2)}" for number, (alpha, size, _) in enumerate(PIXEL_1)]
    file.write_text("\n".join(["architecture,alpha,resolution,latency_ms", *lines]) + "\n")
    done = cli("calibrate", str(file), "--device", "pixel1", "--install")
    assert done.code == 2
    assert "MB602" in done.err
    assert not (tmp_path / "config").exists()


def test_a_doubtful_fit_needs_force(cli: Cli, tmp_path: Path) -> None:
    """Every second network is twice as slow as published: the others miss it by far more than 15 %."""
    file = tmp_path / "m.csv"
    lines = [f"mobilenet_v2,{a},{size},{ms * (1 + number % 2)}" for number, (a, size, ms) in enumerate(PIXEL_1)]
    file.write_text("\n".join(["architecture,alpha,resolution,latency_ms", *lines]) + "\n")
    done = cli("calibrate", str(file), "--device", "pixel1", "--install")
    assert (done.code, "not installed: the fit is poor" in done.err) == (2, True)
    assert "--force keeps it nevertheless" in done.err
    assert not (tmp_path / "config").exists()
    assert cli("calibrate", str(file), "--device", "pixel1", "--install", "--force").code == 0


def test_a_loaded_machine_is_a_doubt(cli: Cli, tmp_path: Path) -> None:
    file = rows(tmp_path / "m.csv")
    beside = tmp_path / "m.json"
    beside.write_text(json.dumps({"visits": 60, "rejected_visits": 40}))
    (problem,) = disturbances([Path(file)])
    assert "40% of the visits" in problem.message
    done = cli("calibrate", file, "--device", "pixel1", "--install")
    assert (done.code, "the machine was loaded" in done.err) == (2, True)
    beside.write_text(json.dumps({"visits": 80, "rejected_visits": 20}))
    assert disturbances([Path(file)]) == []
    beside.write_text(json.dumps({"visits": 80, "rejected_visits": 0, "busy": 0.9}))
    (problem,) = disturbances([Path(file)])
    assert "other programs used 90% of the cores' time" in problem.message
    beside.write_text("[" * 20_000)
    assert disturbances([Path(file)]) == []


def test_a_new_device_is_made_on_the_way(cli: Cli, tmp_path: Path) -> None:
    """A phone that is ten times as fast as its model's peak allows: the peak is not its own."""
    file = rows(tmp_path / "m.csv", faster=30)
    named = cli("calibrate", file, "--device", "pixel1")
    assert named.code == 2
    assert "--device NAME --like pixel1" in " ".join(named.err.split())
    done = cli("calibrate", file, "--device", "my_phone", "--like", "pixel1", "--install")
    assert done.code == 0, done.err
    folder = tmp_path / "config/mbcost/devices"
    assert (folder / "my_phone.yaml").exists()
    assert [path.name.startswith("my_phone-cpu-") for path in (folder / "calibrations").iterdir()] == [True]
    assert latency_ms(cli, "my_phone") == pytest.approx(73.8 / 30, rel=0.1)
    again = cli("calibrate", file, "--device", "my_phone", "--like", "pixel1", "--install")
    assert (again.code, "there is a device `my_phone` already" in again.err) == (2, True)
    doubtful = cli("calibrate", file, "--device", "my_phone", "--install")
    assert (doubtful.code, "faster than the peak of my_phone allows" in doubtful.err) == (2, True)
    assert cli("calibrate", file, "--device", "my_phone", "--install", "--force").code == 0


def test_nothing_is_made_of_a_failed_calibration(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    file.write_text("architecture,latency_ms\nnothing,73.8\n")
    assert cli("calibrate", str(file), "--device", "my_phone", "--like", "pixel1", "--install").code == 2
    assert cli("calibrate", rows(file), "--device", "My Phone", "--like", "pixel1", "--install").code == 2
    assert cli("calibrate", rows(file), "--device", "my_phone", "--like", "no_phone", "--install").code == 2
    assert cli("calibrate", "--device", "my_phone", "--like", "pixel1", "--suggest", "2").code == 2
    assert cli("calibrate", rows(file), "--name", "box", "--install").code == 2
    assert not (tmp_path / "config").exists()


def test_suggestions_among_given_rows(cli: Cli, tmp_path: Path) -> None:
    """The networks of a file are the candidates; those that were measured are none."""
    listed = tmp_path / "listed.csv"
    listed.write_text("architecture,alpha,resolution\nresnet18,1,224\nmobilenet_v2,0.5,160\nmobilenet_v2,1,224\n")
    done = cli("calibrate", "--device", "pixel1", "--suggest", "9", "--candidates", str(listed))
    assert done.code == 0, done.err
    found = {tuple(line.split()[:3]) for line in done.out.splitlines()[3:]}
    assert found == {("resnet18", "1", "224"), ("mobilenet_v2", "0.5", "160"), ("mobilenet_v2", "1", "224")}
    file = rows(tmp_path / "m.csv")  # mobilenet_v2 1 224 among them
    done = cli("calibrate", file, "--device", "pixel1", "--suggest", "9", "--candidates", str(listed))
    text = done.out.partition("most worth measuring next")[2]
    assert {tuple(line.split()[:3]) for line in text.splitlines()[3:]} == found - {("mobilenet_v2", "1", "224")}
    listed.write_text("architecture,alpha\nresnet18,-1\n,1\n")
    bad = cli("calibrate", "--device", "pixel1", "--suggest", "9", "--candidates", str(listed))
    assert (bad.code, bad.err.count("error[MB600]")) == (2, 2)


def test_a_precision_that_is_named_leaves_other_rows_alone(cli: Cli, tmp_path: Path) -> None:
    """Rows of two precisions are two targets: one is taken when it is named."""
    file = tmp_path / "m.csv"
    lines = [f"mobilenet_v2,{alpha},{size},fp32,{ms}" for alpha, size, ms in PIXEL_1]
    lines += [f"mobilenet_v2,{alpha},{size},int8,{ms / 2}" for alpha, size, ms in PIXEL_1[:2]]
    file.write_text("\n".join(["architecture,alpha,resolution,precision,latency_ms", *lines]) + "\n")
    device = "pixel1@tflite-2.10"
    mixed = cli("calibrate", str(file), "--device", device)
    assert (mixed.code, mixed.err.count("error[MB600]")) == (2, 2)
    assert "name the precision and the threads" in mixed.err
    for precision, number in (("fp32", 6), ("int8", 2)):
        done = cli("calibrate", str(file), "--device", device, "--precision", precision)
        assert (done.code, f"{precision}: {number} latencies" in done.out) == (0, True), done.err
        shown = cli("validate", str(file), "--device", device, "--precision", precision, "--uncalibrated")
        assert f"all: {number} latencies" in shown.out
    none = cli("calibrate", str(file), "--device", device, "--precision", "fp32", "--threads", "2")
    assert none.code == 0, none.err  # the rows do not say how many threads ran

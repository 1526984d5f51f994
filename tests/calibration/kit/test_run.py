"""The script of a kit, run against stand-ins for adb, ssh and the tools."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.calibration.kit.conftest import Device, MakeKit

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the stand-ins are Linux's"),
]

FIRST = {"1/canary-0", "1/one.yaml-1-32-fp32", "1/two.yaml-1-32-fp32"}
ALL = FIRST | {"1/canary-end", "profile/one.yaml-1-32-fp32", "profile/two.yaml-1-32-fp32"}


def visits(kit: Path, suffix: str = "txt") -> set[str]:
    """Files of visits, without the suffix."""
    results = kit / "results"
    return {f"{path.parent.name}/{path.name.removesuffix(f'.{suffix}')}" for path in results.glob(f"*/*.{suffix}")}


def test_everything_is_measured_once(device: Device, small_kit: MakeKit) -> None:
    kit = small_kit()
    done = device.measure(kit)
    assert (done.returncode, visits(kit)) == (0, ALL), done.stderr
    assert device.runs() == 6
    text = (kit / "results/1/canary-0.txt").read_text()
    state = "status 0, hottest 31 C, clock 3000000 kHz"
    assert text.splitlines()[-1] == f"mbcost: before: {state}; after: {state}; cool 0"
    assert set((device.folder / "masks").read_text().split()) == {"8"}  # core 3 alone has the highest clock
    assert "--num_threads=1 --use_xnnpack=true" in (device.folder / "runs").read_text()
    power = (device.folder / "power").read_text().splitlines()
    assert power == [f"cmd power set-fixed-performance-mode-enabled {state}" for state in ("true", "false")]
    assert "device\tsome ro.product.model some ro.build.fingerprint" in (kit / "results/device.txt").read_text()
    again = device.measure(kit)
    assert (again.returncode, device.runs()) == (0, 6)
    assert not (kit / "results/.lock").exists()
    assert not (device.work / "lock").exists()


def test_a_visit_that_failed_is_kept_aside_and_comes_again(device: Device, small_kit: MakeKit) -> None:
    kit = small_kit(visits=3)
    table = (kit / "models.csv").read_text().splitlines()
    device.write("broken", next(line for line in table if line.startswith("two")).split(",")[6])
    done = device.measure(kit)
    assert done.returncode == 1
    failed = {"1/two.yaml-1-32-fp32", "1/canary-0"}
    assert visits(kit, "failed") == failed  # the canary is the larger of two
    assert visits(kit) == FIRST - failed
    assert "2 of 3 visits are missing" in done.stderr
    (device.folder / "broken").unlink()
    assert device.measure(kit).returncode == 0
    assert (visits(kit), device.runs()) == (FIRST, 3 + 2)


def test_a_hot_visit_is_kept_aside_and_comes_again(device: Device, small_kit: MakeKit) -> None:
    kit = small_kit(visits=3)
    device.write("heats", "")
    done = device.measure(kit)
    assert (done.returncode, visits(kit), visits(kit, "hot")) == (0, FIRST, {"1/canary-0"}), done.stderr
    assert "hot: two.yaml-1-32-fp32 comes again" in done.stderr
    assert "after: status 2," in (kit / "results/1/canary-0.hot").read_text()


def test_it_waits_until_the_device_is_cool(device: Device, small_kit: MakeKit) -> None:
    """Began at 31 C: it is 44 C at the second start, and 33 C after a look."""
    kit = small_kit(visits=3)
    device.measure(kit)
    (kit / "results/1/canary-0.txt").unlink()
    device.write("sys/class/thermal/thermal_zone0/temp", "44000")
    sensor = device.folder / "sys/class/thermal/thermal_zone0/temp"
    process = subprocess.Popen(["sh", "-c", f"sleep 0.7; echo 33000 > {sensor}"])
    done = device.measure(kit)
    process.wait()
    assert done.returncode == 0
    assert "waiting for the device to cool down" in done.stderr
    assert "before: status 0, hottest 33 C" in (kit / "results/1/canary-0.txt").read_text()


@pytest.mark.parametrize("call", [25, 33])
def test_a_device_that_goes_away_half_way(device: Device, small_kit: MakeKit, call: int) -> None:
    kit = small_kit(visits=3)
    device.write("gone", str(call))
    done = device.measure(kit)
    assert done.returncode == 4
    assert "the device went away" in done.stderr
    before = visits(kit)
    assert before < FIRST
    assert not list((kit / "results").glob("*/*.part"))
    assert not visits(kit, "failed")
    (device.folder / "gone").unlink()
    runs = device.runs()
    assert (device.measure(kit).returncode, visits(kit)) == (0, FIRST)
    assert device.runs() - runs == len(FIRST - before)


def test_no_space_here(device: Device, small_kit: MakeKit) -> None:
    kit = small_kit(visits=3)
    (kit / "results/1").mkdir(parents=True)
    part = kit / "results/1/canary-0.txt.part"
    part.symlink_to("/dev/full")  # ENOSPC at every write
    done = device.measure(kit)
    assert (done.returncode, visits(kit)) == (5, set())
    assert "is there space left here?" in done.stderr
    assert not part.is_symlink()
    assert device.measure(kit).returncode == 0


def test_no_space_on_the_device(device: Device, small_kit: MakeKit) -> None:
    kit = small_kit(visits=3)
    device.write("full", "")
    done = device.measure(kit)
    assert (done.returncode, "is there space left on the device?" in done.stderr) == (5, True)
    (device.folder / "full").unlink()
    assert device.measure(kit).returncode == 0


def test_one_kit_at_a_time(device: Device, small_kit: MakeKit) -> None:
    kit = small_kit(visits=3)
    lock = kit / "results/.lock"
    lock.mkdir(parents=True)
    (lock / "owner").write_text(f"{os.getpid()}\n")
    done = device.measure(kit)
    assert (done.returncode, "this kit is running already" in done.stderr) == (3, True)
    assert lock.exists()
    (lock / "owner").write_text("999999999\n")  # a process that is no more
    there = device.work / "lock"
    there.mkdir(parents=True)
    (there / "owner").write_text("another-computer:1\n")
    done = device.measure(kit)
    assert (done.returncode, "another kit measures on this device (another-computer:1)" in done.stderr) == (3, True)
    assert there.exists()
    (there / "owner").write_text(f"{os.uname().nodename}:999999999\n")
    assert device.measure(kit).returncode == 0
    assert not there.exists()


def test_another_device_and_no_tool(device: Device, small_kit: MakeKit) -> None:
    kit = small_kit(visits=3)
    tool = device.folder / "device/benchmark_model"
    text = tool.read_text()
    tool.unlink()
    done = device.measure(kit)
    assert (done.returncode, "no benchmark_model on the device: put it into tool/" in done.stderr) == (6, True)
    (kit / "tool/benchmark_model").write_text(text)
    assert device.measure(kit).returncode == 0
    device.write("ro.product.model", "another phone")
    done = device.measure(kit)
    assert (done.returncode, "results/ is of another device" in done.stderr) == (2, True)
    assert device.measure(kit, "-x").returncode == 2


@pytest.mark.parametrize(
    ("runtime", "options"), [("litert", ("-r", "me@board")), ("onnxruntime", ("-l",)), ("ncnn", ("-l",))]
)
def test_other_ways_and_tools(device: Device, small_kit: MakeKit, runtime: str, options: tuple[str, ...]) -> None:
    kit = small_kit(runtime, visits=3)
    done = device.measure(kit, *options)
    assert (done.returncode, visits(kit)) == (0, FIRST), done.stderr

"""Load and first inference: fitted to times made from known parts, kept in the file, shown beside the latency."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mbcost
from mbcost.calibration.file import calibration_text, read_calibration
from mbcost.calibration.measurements import Work, measured_here, read_measurements
from mbcost.calibration.record import StartTime
from mbcost.calibration.start import FEWEST, start_times
from mbcost.devices import resolve_target
from mbcost.errors import InputError
from mbcost.files import parse_yaml
from mbcost.report.rows.physical import start_line
from tests.calibration.test_apply import twice_as_slow

pytest.importorskip("scipy")

TARGET = resolve_target("pixel1")
#: Loading takes 1 ms, 10 us a kernel and 0.2 ns a byte; the first inference 1.1 times the latency and 2 us a kernel.
LOAD, FIRST = (0.0, 1e-3, 1e-5, 2e-10), (1.1, 0.0, 2e-6, 0.0)


def measured(networks: int, *, noise: float = 0.0):
    random = np.random.default_rng(0)
    launches, sizes = random.integers(10, 200, networks), random.uniform(1e5, 5e7, networks)
    latency_s = random.uniform(1e-3, 1e-1, networks)
    rows = []
    for i in range(networks):
        row = measured_here(TARGET, "mobilenet_v1", 1.0, None, float(latency_s[i]))
        load_s, first_s = (
            (part[0] * latency_s[i] + part[1] + part[2] * launches[i] + part[3] * sizes[i])
            * np.exp(noise * random.standard_normal())
            for part in (LOAD, FIRST)
        )
        rows.append(replace(row, load_s=float(load_s), first_s=float(first_s)))
    return rows, Work(np.ones((networks, 1)), launches, latency_s, launches, sizes)


def test_known_parts_are_found() -> None:
    found = start_times(*measured(40))
    for time, parts in ((found.load, LOAD), (found.first, FIRST)):
        assert time is not None
        assert time[:4] == pytest.approx(parts, rel=1e-6, abs=1e-15)
        assert time.factor == pytest.approx(1.0)
        assert time.networks == 40


def test_the_factor_holds_nine_of_ten() -> None:
    # of a normal distribution 90 % are within 1.645 deviations
    time = start_times(*measured(400, noise=0.1)).load
    assert time is not None
    assert time.factor == pytest.approx(np.exp(1.645 * 0.1), rel=0.03)


def test_a_wild_time_has_little_weight() -> None:
    rows, work = measured(40)
    rows[3] = replace(rows[3], load_s=30 * rows[3].load_s)
    time = start_times(rows, work).load
    assert time is not None
    assert time.byte == pytest.approx(2e-10, rel=0.02)


def test_few_times_are_none() -> None:
    rows, work = measured(FEWEST)
    rows[0] = replace(rows[0], load_s=None)
    found = start_times(rows, work)
    assert found.load is None
    assert found.first is not None


def test_what_a_network_takes() -> None:
    # 1.1 * 20 ms + 1 ms + 50 * 10 us + 1 MB * 0.2 ns
    assert StartTime(1.1, 1e-3, 1e-5, 2e-10, 1.2, 30).seconds(20e-3, 50, 1e6) == pytest.approx(22e-3 + 1.7e-3)


def test_beside_the_latency_and_in_the_file() -> None:
    load, first = StartTime(0.0, 1e-3, 0.0, 0.0, 1.6, 30), StartTime(1.5, 0.0, 0.0, 0.0, 1.1, 30)
    calibration = replace(twice_as_slow(), load=load, first=first)
    text = calibration_text(calibration)
    assert read_calibration(parse_yaml(text, "c.yaml")).load == load
    assert read_calibration(parse_yaml(text, "c.yaml")).first == first
    found = mbcost.analyze("mobilenet_v2", "pixel1", calibration=calibration)
    assert found.load_s == 1e-3
    assert found.first_s == pytest.approx(1.5 * found.latency_s)
    assert found.to_dict()["load_ms"] == pytest.approx(1.0)
    assert "loading 1.00 ms (within a factor of 1.6)" in start_line(found)
    without = mbcost.analyze("mobilenet_v2", "pixel1")
    assert (without.load_s, without.first_s, start_line(without)) == (None, None, "")
    assert without.to_dict()["first_ms"] is None


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [("fixed: 0.001", "fixd: 0.001", "MB101"), ("factor: 1.6", "factor: -1", "MB103"), ("{inference", "3 #", "MB103")],
)
def test_a_damaged_file(before: str, after: str, code: str) -> None:
    text = calibration_text(replace(twice_as_slow(), load=StartTime(0.0, 1e-3, 0.0, 0.0, 1.6, 30)))
    assert before in text
    with pytest.raises(InputError, match=code):
        read_calibration(parse_yaml(text.replace(before, after), "c.yaml"))


def test_columns_of_a_bench(tmp_path: Path) -> None:
    path = tmp_path / "bench.csv"
    path.write_text(
        "architecture,latency_ms,load_ms,first_ms\nmobilenet_v1,20,4.5,21\nmobilenet_v2,10,,0\nresnet18,9,-1,3\n"
    )
    with pytest.raises(InputError, match="row 4: `load_ms` is -1"):
        read_measurements(path)
    path.write_text(path.read_text().replace("-1", "1"))
    one, other, _ = read_measurements(path)[0]
    assert (one.load_s, one.first_s) == (4.5e-3, 21e-3)
    assert (other.load_s, other.first_s) == (None, None)

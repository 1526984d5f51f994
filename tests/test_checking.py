"""``mbcost.check`` tells what kind of file it has."""

from __future__ import annotations

from pathlib import Path

import pytest

import mbcost
from mbcost.resources import hardware_profiles, runtime_rules

TABLES = Path(mbcost.__file__).parent / "architectures" / "tables"
GOOD = {
    "a table": TABLES / "mobilenet_v1.yaml",
    "a device": hardware_profiles() / "pixel1.yaml",
    "a runtime": runtime_rules() / "tflite-2018.yaml",
    "a runtime like another": runtime_rules() / "tflite-2019.yaml",
    "a calibration": hardware_profiles() / "calibrations" / "pixel1-cpu-tflite-2018-fp32.yaml",
    "measurements": hardware_profiles() / "measurements" / "pixel1_tflite_2018.csv",
}


@pytest.mark.parametrize("path", GOOD.values(), ids=GOOD)
def test_what_ships_has_no_problem(path: Path) -> None:
    assert mbcost.check(path) == ()


@pytest.mark.parametrize(
    ("kind", "old", "new", "message"),
    [
        ("a table", "input: 224x224x3", "input: 224x224x4", "224x224x4"),
        ("a device", "\nmemory:", "\nmemorie:", "memorie"),
        ("a runtime", "\ntitle:", "\ntitel:", "titel"),
        ("a calibration", "\nform: cpu_eigen", "\nfrom: cpu_eigen", "form"),
        ("measurements", ",117.1,", ",fast,", "fast"),
    ],
)
def test_a_problem_of_each_kind(tmp_path: Path, kind: str, old: str, new: str, message: str) -> None:
    text = GOOD[kind].read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / GOOD[kind].name.replace("tflite-2018", "mine")
    path.write_text(text.replace(old, new, 1).replace("name: tflite-2018", "name: mine"), encoding="utf-8")
    problems = mbcost.check(path)
    assert any(message in problem.message for problem in problems), problems


def test_a_model_is_read_as_analyze_reads_it(tmp_path: Path) -> None:
    mobilenet = tmp_path / "mobilenet.onnx"
    mbcost.convert("mobilenet_v1", mobilenet)
    assert mbcost.check(mobilenet) == ()
    mobilenet.write_bytes(mobilenet.read_bytes()[:1000])
    assert [problem.code for problem in mbcost.check(mobilenet)] == ["MB500"]

"""Defaults from mbcost.toml and pyproject.toml: what holds, where it is said, and every mistake with its place."""

from __future__ import annotations

import json

import pytest

import mbcost

ANALYZE = ("analyze", "mobilenet_v2", "--format", "json")


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch):
    monkeypatch.delenv("MBCOST_CONFIG", raising=False)


def target(outcome):
    return json.loads(outcome.out)["target"]


def test_a_default_device(cli, tmp_path):
    (tmp_path / "mbcost.toml").write_text('device = "pixel4/gpu"\nprecision = "fp16"\n')
    outcome = cli(*ANALYZE)
    assert (target(outcome)["device"], target(outcome)["processor"]) == ("pixel4", "gpu")
    assert target(outcome)["precision"] == "fp16"
    assert outcome.err == "mbcost.toml: --device pixel4/gpu --precision fp16 (--no-config leaves it out)\n"


def test_the_command_line_has_priority_and_is_not_announced(cli, tmp_path):
    (tmp_path / "mbcost.toml").write_text('device = "pixel4"\nthreads = 2\n')
    outcome = cli(*ANALYZE, "--device", "pixel1")
    assert (target(outcome)["device"], target(outcome)["threads"]) == ("pixel1", 2)
    assert outcome.err == "mbcost.toml: --threads 2 (--no-config leaves it out)\n"
    assert cli(*ANALYZE, "--device", "pixel1", "--threads", "1").err == ""


def test_several_devices(cli, tmp_path):
    (tmp_path / "mbcost.toml").write_text('device = ["pixel1", "pixel4"]\n')
    assert [each["target"]["device"] for each in json.loads(cli(*ANALYZE).out)] == ["pixel1", "pixel4"]
    assert "missing" in cli("explain", "mobilenet_v2", "--measured", "27ms").err  # it takes one


def test_a_default_runtime_holds_where_it_runs(cli, tmp_path):
    (tmp_path / "mbcost.toml").write_text('runtime = "tflite-2.10"\n')
    outcome = cli(*ANALYZE, "--device", "pixel4,memory.bandwidth=20GB/s")
    assert target(outcome)["runtime"] == "tflite-2.10"
    assert outcome.err == "mbcost.toml: runtime tflite-2.10 (--no-config leaves it out)\n"
    for device, runtime in (("pixel4/gpu", "tflite-gpu-2.10"), ("pixel4@ncnn", "ncnn")):
        outcome = cli(*ANALYZE, "--device", device)
        assert target(outcome)["runtime"] == runtime
        assert outcome.err == ""


def test_the_nearest_folder_counts(cli, tmp_path, monkeypatch):
    (tmp_path / "mbcost.toml").write_text('device = "pixel1"\n')
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    outcome = cli(*ANALYZE)
    assert target(outcome)["device"] == "pixel1"
    assert outcome.err.startswith("../../mbcost.toml: ")
    (tmp_path / "a" / "pyproject.toml").write_text('[project]\nname = "x"\n')  # has no table of ours
    assert target(cli(*ANALYZE))["device"] == "pixel1"
    (tmp_path / "a" / "pyproject.toml").write_text('[tool.mbcost]\ndevice = "pixel4"\n')
    assert target(cli(*ANALYZE))["device"] == "pixel4"


def test_choosing_the_file(cli, tmp_path, monkeypatch):
    (tmp_path / "mbcost.toml").write_text('device = "pixel1"\n')
    (tmp_path / "other.toml").write_text('device = "pixel4"\n')
    for arguments in (("--config", "other.toml", *ANALYZE), (*ANALYZE, "--config=other.toml")):
        assert target(cli(*arguments))["device"] == "pixel4"
    for arguments in (("--no-config", *ANALYZE), (*ANALYZE, "--no-config")):
        assert "`--device` is missing" in cli(*arguments).err
    monkeypatch.setenv("MBCOST_CONFIG", "other.toml")
    assert target(cli(*ANALYZE))["device"] == "pixel4"
    assert target(cli(*ANALYZE, "--config", "mbcost.toml"))["device"] == "pixel1"
    monkeypatch.setenv("MBCOST_CONFIG", "none")
    assert "`--device` is missing" in cli(*ANALYZE).err
    assert cli(*ANALYZE, "--config", "missing.toml").err.startswith("error[MB001]")
    assert "names no file" in cli(*ANALYZE, "--config").err
    assert "contradict" in cli(*ANALYZE, "--config", "other.toml", "--no-config").err


def test_paths_are_relative_to_the_file(cli, tmp_path, monkeypatch):
    """Of a device's file, and of the folder of devices."""
    folder = tmp_path / "hw"
    folder.mkdir()
    assert cli("devices", "new", "my_phone", "--like", "pixel4", "-o", "hw/my_phone.yaml").code == 0
    inner = tmp_path / "inner"
    inner.mkdir()
    monkeypatch.chdir(inner)
    (tmp_path / "mbcost.toml").write_text('device = "hw/my_phone.yaml"\n')
    assert target(cli(*ANALYZE))["device"] == "my_phone"
    (tmp_path / "mbcost.toml").write_text('devices-folder = "hw"\ndevice = "my_phone"\n')
    outcome = cli(*ANALYZE)
    assert target(outcome)["device"] == "my_phone"
    assert outcome.err.endswith("--device my_phone, devices of hw (--no-config leaves it out)\n")
    with pytest.raises(mbcost.InputError):  # never for the library
        mbcost.analyze("mobilenet_v2", "my_phone")


def test_a_check_and_a_report_name_what_held(cli, tmp_path):
    (tmp_path / "mbcost.toml").write_text('device = "pixel1"\nmax-ms = 60\n')
    outcome = cli("analyze", "mobilenet_v2", "-o", "report.html")  # 74.8 ms: README
    assert outcome.code == 1
    assert "--max-ms 60" in outcome.err
    page = (tmp_path / "report.html").read_text()
    assert "mbcost analyze mobilenet_v2 -o report.html --device pixel1 --max-ms 60" in page


def test_other_commands_are_left_alone(cli, tmp_path):
    (tmp_path / "mbcost.toml").write_text('device = "pixel1"\nprecision = "int8"\nthreads = 2\n')
    outcome = cli("convert", "mobilenet_v1", "net.yaml")  # a table holds no latencies
    assert (outcome.code, outcome.err) == (0, "wrote net.yaml\n")
    assert cli("architectures", "show", "mobilenet_v1").err == ""


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("devic = 'pixel1'", "MB101", "1:1"),
        ("\n  'max_ms' = 3", "MB101", "2:4"),
        ("threads = '2'", "MB103", "1:11"),
        ("threads = 0", "MB103", "1:11"),
        ("threads = true", "MB103", "1:11"),
        ("max-ms = inf", "MB103", "1:10"),
        ("max-ms = nan", "MB103", "1:10"),
        ("device = []", "MB103", "1:10"),
        ("device = ['pixel1', 3]", "MB103", "1:10"),
        ("runtime = ['ncnn']", "MB103", "1:11"),
        ("precision = 'fp23'", "MB103", "1:13"),
        ("outside = {a = 1}", "MB103", "1:11"),
        ("[analyze]\ndevice = 'pixel1'", "MB101", "1:2"),
        ("device = pixel1", "MB103", "1:10"),
        ("runtime = 'tflite-9'\ndevice = 'pixel1'", "MB304", "1:11"),
        ("device = 'pixel1'\x00", "MB005", None),
        ("threads = " + "9" * 5000, "MB103", None),
        ("device = " + "[" * 5000, "MB103", None),
    ],
)
def test_mistakes_have_a_place(cli, tmp_path, text, code, place):
    (tmp_path / "mbcost.toml").write_text(text)
    outcome = cli(*ANALYZE)
    assert outcome.code == 2
    assert outcome.err.startswith(f"error[{code}]")
    assert place is None or f"--> mbcost.toml:{place}\n" in outcome.err


def test_mistakes_in_a_project(cli, tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\ndevic = "x"\n[tool.mbcost]\ndevic = "pixel1"\nthreads = 1.5\n')
    outcome = cli(*ANALYZE)
    assert "--> pyproject.toml:4:1\n" in outcome.err
    assert "did you mean `device`" in outcome.err
    assert "--> pyproject.toml:5:11\n" in outcome.err
    assert outcome.err.endswith("2 problems\n")

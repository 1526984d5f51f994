"""``mbcost calibrate --name``: a bench of this machine becomes a device."""

from __future__ import annotations

import json
from importlib import metadata
from importlib.util import find_spec

import pytest

from tests.runner.machine import write_bench

pytest.importorskip("scipy")
TORCH = metadata.version("torch") if find_spec("torch") else "2.13.0+cpu"


@pytest.fixture
def bench(cli, tmp_path):
    return write_bench(tmp_path, torch=TORCH)


def test_a_bench_becomes_a_device(cli, bench, tmp_path) -> None:
    outcome = cli("calibrate", str(bench), "--name", "my-laptop")
    assert outcome.code == 0, outcome.err
    assert "leave one out: 12 latencies" in outcome.out
    assert "use it with --device my-laptop" in outcome.err
    folder = tmp_path / "config" / "mbcost" / "devices"
    assert (folder / "my-laptop.yaml").is_file()
    assert (folder / "calibrations" / "my-laptop-cpu-pytorch-eager-fp32.yaml").is_file()
    assert "my-laptop" in cli("devices", "list").out
    assert cli("devices", "check", str(folder / "my-laptop.yaml")).code == 0
    shown = json.loads(cli("analyze", "mobilenet_v2", "--device", "my-laptop", "--format", "json").out)
    assert shown["target"]["calibrated"] is True
    assert shown["target"]["runtime"] == "pytorch-eager"


def test_nothing_is_overwritten_unasked(cli, bench, tmp_path) -> None:
    assert cli("calibrate", str(bench), "--name", "my-laptop").code == 0
    again = cli("calibrate", str(bench), "--name", "my-laptop")
    assert again.code == 2
    assert "MB007" in again.err
    assert cli("calibrate", str(bench), "--name", "my-laptop", "--force").code == 0
    shipped = cli("calibrate", str(bench), "--name", "pixel1")
    assert "MB007" in shipped.err
    assert "which is not this machine" in shipped.err


@pytest.mark.parametrize("changes", [{"cpu": "another"}, {"cores": 1000}, {"machine": "riscv"}])
def test_a_bench_of_another_machine_is_refused_unless_forced(cli, tmp_path, changes) -> None:
    file = str(write_bench(tmp_path, torch=TORCH, **changes))
    refused = cli("calibrate", file, "--name", "other")
    assert refused.code == 2
    assert "MB604" in refused.err
    assert not (tmp_path / "config").exists()
    assert cli("calibrate", file, "--name", "other", "--force").code == 0


@pytest.mark.skipif(not find_spec("torch"), reason="another PyTorch than the one that is installed")
def test_a_bench_of_another_torch_is_refused(cli, tmp_path) -> None:
    refused = cli("calibrate", str(write_bench(tmp_path, torch="1.0.0")), "--name", "other")
    assert "torch 1.0.0 there" in refused.err


def test_bad_names_and_files(cli, bench, tmp_path) -> None:
    assert "either --device" in cli("calibrate", str(bench)).err
    assert "either --device" in cli("calibrate", str(bench), "--name", "a", "-d", "pixel1").err
    assert "lower-case letters" in cli("calibrate", str(bench), "--name", "My Laptop").err
    assert cli("calibrate", str(bench), "--name", "../evil").code == 2
    for name in ("a" * 81, "a" * 300, "a\n", "\udce9", ""):
        assert "MB303" in cli("calibrate", str(bench), "--name", name).err
    bench.with_suffix(".json").write_text('{"schema": "mbcost/bench/1"}')
    assert "MB600" in cli("calibrate", str(bench), "--name", "a").err
    bench.with_suffix(".json").unlink()
    assert "MB001" in cli("calibrate", str(bench), "--name", "a").err
    assert not list(tmp_path.rglob("*.part"))


WRONG = {
    "no peak": (("facts", "peak_macs_per_s"), None, "`facts.peak_macs_per_s` is None"),
    "peak of 0": (("facts", "peak_macs_per_s"), 0, "`facts.peak_macs_per_s` is 0"),
    "endless peak": (("facts", "peak_macs_per_s"), float("inf"), "`facts.peak_macs_per_s` is inf"),
    "text as a bandwidth": (("facts", "bandwidth_bytes_per_s"), "2e10", "`facts.bandwidth_bytes_per_s` is `2e10`"),
    "list of facts": (("facts",), [], "`facts` is []"),
    "half a bit": (("facts", "vector_bits"), 0.5, "`facts.vector_bits` is 0.5"),
    "no environment": (("environment",), None, "`environment` is None"),
    "number as a CPU": (("environment", "cpu"), 5, "`environment.cpu` is 5"),
    "control character": (("environment", "cpu"), "a\x1b[31mb", "`environment.cpu` is"),
    "no PyTorch": (("environment", "torch"), "", "`environment.torch` is"),
    "text as memory": (("environment", "memory_bytes"), "much", "`environment.memory_bytes` is `much`"),
    "no cores": (("environment", "cores"), 0, "`environment.cores` is 0"),
    "list of caches": (("environment", "caches"), [1], "`environment.caches` is [1]"),
    "cache of nothing": (("environment", "caches", "l2"), None, "`environment.caches.l2` is None"),
    "unknown device": (("bench", "device"), "tpu", "`bench.device` is `tpu`"),
    "mapping as a device": (("bench", "device"), {}, "`bench.device` is {}"),
    "unknown precision": (("bench", "precision"), "int8", "`bench.precision` is `int8`, on cpu it has to be"),
    "GPU without a name": (("bench", "device"), "cuda", "`environment.accelerator` is"),
    "number as a date": (("date",), 2026, "`date` is 2026"),
}


@pytest.mark.parametrize(("path", "value", "said"), WRONG.values(), ids=WRONG)
def test_a_damaged_environment_of_a_bench_is_named(cli, bench, path, value, said) -> None:
    document = json.loads(bench.with_suffix(".json").read_text())
    section = document
    for key in path[:-1]:
        section = section[key]
    section[path[-1]] = value
    bench.with_suffix(".json").write_text(json.dumps(document))
    outcome = cli("calibrate", str(bench), "--name", "a", "--force")
    assert outcome.code == 2
    assert "MB600" in outcome.err
    assert said in " ".join(outcome.err.split())
    assert "bench.json" in outcome.err


def test_a_folder_that_cannot_be_written(cli, bench, tmp_path) -> None:
    (tmp_path / "config").write_text("a file where the folder should be")
    outcome = cli("calibrate", str(bench), "--name", "my-laptop")
    assert outcome.code == 2
    assert "MB008" in outcome.err


def test_measuring_needs_a_device_of_a_bench(cli) -> None:
    outcome = cli("validate", "--device", "pixel1", "--measure")
    assert outcome.code == 2
    assert "is no runtime that can be measured here" in outcome.err

"""Measuring with PyTorch: short runs of a few networks."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import pytest

from mbcost.errors import InputError
from mbcost.graph import build_graph
from mbcost.networks import load
from mbcost.runner.bench import run_bench
from mbcost.runner.measure import measure_networks
from mbcost.runner.session import open_session, visit_all
from mbcost.runner.settings import Settings, Source
from mbcost.runner.suites import Plan
from tests.breadth import some

pytestmark = pytest.mark.skipif(not find_spec("torch"), reason="needs PyTorch")
TINY = Plan(12, 1.0, 0.001)


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


@pytest.mark.parametrize(
    "name", some(["mobilenet_v3_small", "googlenet", "densenet121", "shufflenet_v2"], always=["mobilenet_v3_small"])
)
def test_a_table_and_its_module_have_the_same_counts(name: str) -> None:
    """The importer, which is tested against PyTorch's own counter, reads the module that the runner builds."""
    from mbcost.importers.pytorch import from_torch
    from mbcost.runner.modules import build_module

    graph = build_graph(load(name))
    again = build_graph(from_torch(build_module(graph), (1, 3, 224, 224)))
    assert again.cost.macs == graph.cost.macs
    assert again.cost.weight_elements == graph.cost.weight_elements
    assert again.cost.elementwise_ops == graph.cost.elementwise_ops


def test_a_module_keeps_its_activations_finite_and_runs_in_place_too() -> None:
    import torch

    from mbcost.runner.modules import build_module

    graph = build_graph(load("mobilenet_v2"), resolution=64)
    x = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        results = [build_module(graph, inplace=inplace)(x) for inplace in (False, True)]
    assert torch.isfinite(results[0]).all()
    assert float(results[0].std()) > 1e-3
    torch.testing.assert_close(results[0], results[1])


def test_an_operator_that_cannot_be_run_is_named() -> None:
    from mbcost.runner.modules import build_module

    with pytest.raises(InputError, match="cannot run `l2_norm`"):
        build_module(build_graph(load("ssd300_vgg16")))


def test_bench_and_calibrate_a_device(cli, tmp_path) -> None:
    pytest.importorskip("scipy")
    seen = []
    found = run_bench(
        tmp_path / "bench.csv", "quick", Settings(), plan=TINY, on_progress=lambda *done: seen.append(done[0])
    )
    assert found.measured == 12
    assert found.failed == {}
    assert seen == sorted(seen)
    rows = rows_of(tmp_path / "bench.csv")
    assert len(rows) == 12
    assert all(0.1 < float(row["latency_ms"]) < 1000 for row in rows)
    document = json.loads((tmp_path / "bench.json").read_text())
    assert document["environment"]["allocator"]["MALLOC_MMAP_THRESHOLD_"] == "33554432"
    assert len(document["environment"]["affinity"]) in {0, 1}
    assert document["facts"]["peak_macs_per_s"] > 1e9
    assert not (tmp_path / "bench.journal.jsonl").exists()
    outcome = cli("calibrate", "bench.csv", "--name", "this-one")
    assert outcome.code == 0, outcome.err
    assert cli("analyze", "mobilenet_v2", "-d", "this-one").code == 0


def test_an_interrupted_bench_goes_on(tmp_path) -> None:
    output = tmp_path / "bench.csv"
    visits = []

    def stop(share: float, what: str) -> None:
        visits.append(what)
        if len(visits) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_bench(output, "quick", Settings(), plan=TINY, on_progress=stop)
    assert not output.exists()
    left = (tmp_path / "bench.journal.jsonl").read_text().splitlines()
    assert len(left) == 6  # what it is a journal of, and five visits
    run_bench(output, "quick", Settings(), plan=TINY, on_progress=lambda *done: visits.append(done[1]))
    assert len(rows_of(output)) == 12
    assert all(visits.count(name) >= 2 for name in visits)


@pytest.mark.parametrize(
    ("killed", "force"), [("bench.json", True), pytest.param("bench.csv", False, marks=pytest.mark.slow)]
)
def test_a_bench_that_is_killed_while_it_writes_resumes(tmp_path, monkeypatch, killed: str, force: bool) -> None:
    """Whichever file was about to be written: the same call without `force` goes on, with all visits of the first."""
    from mbcost.runner import bench

    output, write = tmp_path / "bench.csv", bench.write_text
    if force:
        output.write_text("an older bench")

    def stop(path: Path, text: str, **more: bool) -> None:
        if path.name == killed:
            raise KeyboardInterrupt
        write(path, text, **more)

    monkeypatch.setattr(bench, "write_text", stop)
    with pytest.raises(KeyboardInterrupt):
        run_bench(output, "quick", Settings(), plan=TINY, force=force)
    monkeypatch.setattr(bench, "write_text", write)
    left = len((tmp_path / "bench.journal.jsonl").read_text().splitlines()) - 1
    found = run_bench(output, "quick", Settings(), plan=TINY)
    assert found.visits >= left >= 12
    assert len(rows_of(output)) == 12
    assert json.loads((tmp_path / "bench.json").read_text())["measured"] == 12
    assert not (tmp_path / "bench.journal.jsonl").exists()
    with pytest.raises(InputError, match="MB007"):
        run_bench(output, "quick", Settings(), plan=TINY)


def test_single_kernels(tmp_path) -> None:
    found = run_bench(tmp_path / "kernels.csv", "kernels", Settings(), plan=Plan(19, 30.0, 0.001, 19))
    assert found.measured == 19
    rows = rows_of(tmp_path / "kernels.csv")
    assert {"conv2d", "depthwise_conv2d", "dense", "batch_norm"} <= {row["op"] for row in rows} | {"dense"}
    assert all(float(row["latency_us"]) > 0 for row in rows)


def test_a_kernel_that_does_not_fit_into_memory_is_left_out_and_the_process_goes_on() -> None:
    huge = "name: kernel\nsource: hand\ninput: 10000x10000x9000\nlayers: [{op: relu}]\n"
    small = "name: kernel\nsource: hand\ninput: 8x8x8\nlayers: [{op: relu}]\n"
    with open_session(Settings()) as session:
        reply = session.ask(do="measure", source=asdict(Source("kernel", huge)), seconds=0.001)
        assert reply["memory"] is True
        reply = session.ask(do="measure", source=asdict(Source("kernel", small)), seconds=0.001)
        assert min(reply["times_s"]) > 0


def test_a_device_that_is_not_there() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is CUDA")
    with pytest.raises(InputError, match="MB603") as error, open_session(Settings(device="cuda")):
        pass
    assert "cannot measure on cuda" in str(error.value)


def test_a_folder_that_cannot_be_written(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="MB008"):
        run_bench(tmp_path / "file" / "bench.csv", "quick", Settings(), plan=TINY)


def test_two_threads_channels_last_and_bfloat16_run() -> None:
    import os

    threads = min(2, os.cpu_count() or 1)
    for settings in (Settings(threads=threads, channels_last=True), Settings(precision="bf16")):
        source = Source("table", "mobilenet_v3_small", resolution=64)
        timings = measure_networks(settings, [("small", source)], seconds=0.1)
        assert timings["small"].latency_s > 0


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_compiled_networks_run_compiled_however_many_share_their_code(tmp_path) -> None:
    """Dynamo runs what it compiled eight times uncompiled from then on, unless it is told otherwise."""
    sources = []
    for size in range(8, 18):
        path = tmp_path / f"relu{size}.yaml"
        path.write_text(f"name: x\nsource: test\ninput: {size}x{size}x8\nlayers: [{{op: relu}}]\n")
        sources.append((path.name, Source("table", str(path))))
    with open_session(Settings(mode="compile")) as session:
        timings = visit_all(session, sources, until=0.0, seconds=0.001, visits=1)
        assert not any(timing.failed for timing in timings.values())
        source = asdict(sources[-1][1])
        operators = session.ask(do="operators", source=source)["operators"]
    assert not any("aten::relu" in names for names in operators)


def test_a_network_that_does_not_run_is_named() -> None:
    source = Source("table", "ssd300_vgg16")
    with pytest.raises(InputError, match="ssd does not run"):
        measure_networks(Settings(), [("ssd", source)], seconds=0.1)
    small = Source("table", "mobilenet_v3_small", resolution=64)
    timings = measure_networks(Settings(), [("ssd", source), ("small", small)], seconds=0.1)
    assert timings["ssd"].failed
    assert timings["small"].latency_s > 0

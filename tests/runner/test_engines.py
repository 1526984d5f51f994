"""Runtimes of model files: a double of ONNX Runtime that every test has, and those that are installed."""

from __future__ import annotations

import csv
import importlib.metadata
import importlib.util
import json
import math
from pathlib import Path

import pytest

from mbcost.architectures.loader import read_architecture
from mbcost.errors import InputError
from mbcost.exporters.lowering import lower
from mbcost.files import parse_yaml
from mbcost.graph import build_graph
from mbcost.runner import environment
from mbcost.runner.bench import run_bench
from mbcost.runner.bench_file import bench_document
from mbcost.runner.engines import ENGINES, Operator
from mbcost.runner.engines.mapping import layers_of
from mbcost.runner.engines.model_files import write_model
from mbcost.runner.engines.onnxruntime_engine import fastest_of
from mbcost.runner.environment import system_facts, vector_bits
from mbcost.runner.journal import Journal, check_same
from mbcost.runner.measure import measure_networks
from mbcost.runner.profile import extended, profile_of
from mbcost.runner.session import Timing, Visit
from mbcost.runner.settings import Settings, Source, checked_settings
from mbcost.runner.suites import Plan
from tests.cli.test_output_schemas import check

TINY = Plan(12, 0.5, 0.001, 6)
SETTINGS = Settings(engine="onnxruntime")
TABLE = "name: small\nsource: test\ninput: 8x8x8\nlayers: [{op: conv2d, kernel: 3, out: 8}, {op: relu}]\n"


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def test_an_interrupted_bench_of_model_files_goes_on(double: Path) -> None:
    output, seen = double / "bench.csv", []

    def stop(_: float, name: str) -> None:
        seen.append(name)
        if len(seen) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_bench(output, "quick", SETTINGS, plan=TINY, on_progress=stop)
    assert len((double / "bench.journal.jsonl").read_text().splitlines()) == 6  # the first line, and five visits
    found = run_bench(output, "quick", SETTINGS, plan=TINY)
    assert (found.measured, found.failed) == (12, {})
    rows = rows_of(output)
    assert len(rows) == 12
    for row in rows:
        assert (row["runtime"], row["processor"], row["precision"]) == ("onnxruntime", "cpu", "fp32")
        assert 1 <= float(row["latency_ms"]) < 50  # it sleeps a millisecond
        assert 1 <= float(row["first_ms"]) < 50
        assert 0 < float(row["load_ms"]) < 1000
        assert "ONNX Runtime 9.8.7" in row["source"]
    document = bench_document(output)
    check("bench", document)
    assert document["environment"]["runtime"] == "ONNX Runtime 9.8.7"
    assert "torch" not in document["environment"]
    assert document["bench"]["engine"] == "onnxruntime"
    assert document["facts"]["call_s"] == 1e-6


def test_a_network_that_crashes_the_runtime_is_left_out_alone(double: Path) -> None:
    files = []
    for name in ("small", "deadly", "other"):
        path = write_model(TABLE.replace("small", name), double / f"{name}.onnx", "fp32")
        files.append((name, Source("file", str(path))))
    timings = measure_networks(SETTINGS, files, seconds=0.05)
    assert "ended with code -6" in timings["deadly"].failed  # SIGABRT
    assert not timings["small"].failed
    assert not timings["other"].failed
    assert timings["small"].latency_s >= 1e-3


def test_a_network_that_has_no_file_is_left_out(double: Path) -> None:
    table = double / "strange.yaml"
    table.write_text("name: strange\nsource: test\ninput: 8x8x8\nlayers: [{op: not_known}]\n")
    small = double / "small.yaml"
    small.write_text(TABLE)
    sources = [("strange", Source("table", str(table))), ("small", Source("table", str(small)))]
    timings = measure_networks(SETTINGS, sources, seconds=0.05)
    assert "not_known" in timings["strange"].failed
    assert not timings["small"].failed


@pytest.mark.parametrize(
    ("name", "package"), [("litert", "ai-edge-litert"), ("openvino", "openvino"), ("ncnn", "ncnn")]
)
def test_a_runtime_that_is_not_installed_says_what_to_install(cli, monkeypatch, name: str, package: str) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    outcome = cli("bench", "-o", "bench.csv", "--runtime", name)
    assert outcome.code == 2
    assert "MB011" in outcome.err
    assert f"`{package}`" in outcome.err
    assert f"pip install 'mbcost[{name}]'" in outcome.err


@pytest.mark.parametrize(
    ("engine", "changed", "said"),
    [
        ("ncnn", {"precision": "int8"}, "precision int8 of ncnn is not measured"),
        ("litert", {"precision": "fp16"}, "it is fp32 or int8"),
        ("onnxruntime", {"mode": "compile"}, "mode"),
        ("openvino", {"channels_last": True}, "channels_last"),
        ("litert", {"device": "cuda"}, "device"),
    ],
)
def test_what_a_runtime_of_files_does_not_have(engine, changed, said) -> None:
    usual = {"device": "cpu", "threads": 1, "channels_last": False, "mode": "eager", "precision": "fp32"}
    with pytest.raises(InputError, match="MB010") as error:
        checked_settings(**{**usual, **changed}, engine=engine)
    assert said in str(error.value)


def test_single_kernels_are_for_pytorch(double: Path) -> None:
    with pytest.raises(InputError, match="single kernels of ONNX Runtime"):
        run_bench(double / "kernels.csv", "kernels", SETTINGS)


def test_the_journal_keeps_load_and_first_inference(tmp_path: Path) -> None:
    header = {"bench": {"suite": "quick", "engine": "litert"}, "environment": {"cpu": "Zen"}}
    output = tmp_path / "bench.csv"
    Journal(output, header, anew=False).add("a", Timing(visits=[Visit(1.0, 5, 0.1)], load_s=0.25, first_s=1.5), 3.0)
    again = Journal(output, header, anew=False).timings["a"]
    assert (again.load_s, again.first_s, again.warm_s) == (0.25, 1.5, math.inf)
    with pytest.raises(InputError, match="MB604"):  # a bench of PyTorch, as older ones, which name no engine
        Journal(output, {**header, "bench": {"suite": "quick"}}, anew=False)


def test_a_build_that_only_pytorch_itself_states_is_no_other_machine() -> None:
    check_same({"torch": "2.14.1+cu130"}, {"torch": "2.14.1"}, "the bench", "")
    for other in ("2.14.0", "2.14.1+cpu"):
        with pytest.raises(InputError, match="MB604"):
            check_same({"torch": "2.14.1+cu130"}, {"torch": other}, "the bench", "")


def document_of(engine: str, ran: str, precision: str = "fp32") -> dict:
    return {
        "schema": "mbcost/bench/1",
        "bench": {"device": "cpu", "precision": precision, "engine": engine},
        "environment": {**system_facts(), "runtime": ran},
        "facts": {"peak_macs_per_s": 5e10, "bandwidth_bytes_per_s": 2e10, "call_s": 1e-6, "vector_bits": 256},
    }


def test_several_runtimes_of_one_machine_are_one_profile() -> None:
    profile = profile_of("box", document_of("litert", "LiteRT 2.3.0"))
    assert profile["processors"]["cpu"]["runtime"] == "litert"
    assert profile["provenance"]["runtime"] == "LiteRT 2.3.0"
    more = extended(profile, profile_of("box", document_of("onnxruntime", "ONNX Runtime 1.32.0", "int8")))
    cpu = more["processors"]["cpu"]
    assert cpu["precisions"] == ["fp32", "int8"]
    assert set(cpu["peak"]) == {"fp32", "int8"}
    assert more["provenance"]["runtime"] == "LiteRT 2.3.0, ONNX Runtime 1.32.0"
    assert extended(more, profile) == more


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"engine": "tvm"}, "bench.engine"), ({"engine": "ncnn", "precision": "int8"}, "bench.precision")],
)
def test_a_bench_of_no_known_runtime_is_refused(tmp_path: Path, changed, said) -> None:
    document = document_of("litert", "LiteRT 2.3.0")
    document["bench"] |= changed
    (tmp_path / "bench.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="MB600") as error:
        bench_document(tmp_path / "bench.csv")
    assert said in str(error.value)


def test_a_profile_of_onnx_runtime_has_the_fastest_run_of_each_operator() -> None:
    """Events as onnxruntime/core/common/profiler.cc writes them; other categories and timers are no operators."""

    def event(name: str, time: int, category: str = "Node") -> dict:
        return {"cat": category, "name": name, "dur": time, "ts": 0, "args": {"op_name": "Conv"}}

    events = [event("model_run", 90, "Session"), event("l1_nchwc_kernel_time", 30), event("l2_kernel_time", 7)]
    events += [event("l1_nchwc_fence_before", 1), event("l1_nchwc_kernel_time", 20)]
    found = fastest_of(events)
    assert [(one.name, one.kind) for one in found] == [("l1_nchwc", "Conv"), ("l2", "Conv")]
    assert [one.seconds for one in found] == pytest.approx([20e-6, 7e-6])


@pytest.mark.parametrize("name", list(ENGINES))
def test_an_installed_runtime_runs_a_network_and_names_its_operators(tmp_path: Path, name: str) -> None:
    engine = ENGINES[name]
    pytest.importorskip(engine.package)
    assert engine.versioned == f"{engine.title} {importlib.metadata.version(engine.distribution)}"
    for precision in engine.precisions:
        path = write_model(TABLE, tmp_path / f"{precision}{engine.suffix}", precision)
        run = engine.load(path, 1)
        run()
        if engine.profiles:
            found = engine.operators(path, 1, 3)
            assert any("Conv" in operator.kind for operator in found)
            assert all(0 <= operator.seconds < 1 for operator in found)


@pytest.mark.parametrize(
    ("features", "bits"), [(("avx512f", "avx2"), 512), (("avx2", "sse2"), 256), (("asimd",), 128), ((), None)]
)
def test_the_widest_vectors_count(monkeypatch, features: tuple[str, ...], bits: int | None) -> None:
    monkeypatch.setattr("mbcost.runner.environment.cpu_features", lambda: features)
    assert vector_bits() == bits


#: What LiteRT 2.3 and OpenVINO 2026.4 name the operators of the network below (seen in their profiles).
NAMED = ["input_abcd_acdb_stem/WithoutBiases", "stem:raw/WithoutBiases", "wide_nchwc", "sum", "ReorderOutput_token_7"]
KINDS = ["Convolution (NHWC, F32) IGEMM", "Convolution (NHWC, F32) DWConv", "Add (ND)", "Static Reshape (NC)"]
NETWORK = """
name: small
source: test
input: 8x8x8
layers:
  - {op: conv2d, name: stem, kernel: 3, out: 8}
  - {op: depthwise_conv2d, name: wide, kernel: 3}
  - {op: add, name: sum, inputs: [stem, wide]}
"""


def test_operators_find_their_layers_by_name_or_by_order_in_their_class() -> None:
    program = lower(build_graph(read_architecture(parse_yaml(NETWORK, "table"))), 0)

    def mapped(*pairs: tuple[str, str]) -> list[str]:
        return layers_of([Operator(name, kind, 1e-5) for name, kind in pairs], program)

    assert mapped(*((name, "") for name in NAMED)) == ["", "stem", "wide", "sum", ""]
    assert mapped(*(("", kind) for kind in KINDS)) == ["stem", "wide", "sum", ""]
    # one convolution too few: which one is missing is not known
    assert mapped(*(("", kind) for kind in KINDS[1:])) == ["", "sum", ""]


def test_other_programs_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # user, nice, system, idle, waiting for a disk: 30 of 40 ticks are used between the two reads
    times = iter([[100, 0, 50, 1000, 10], [120, 4, 56, 1007, 13]])
    monkeypatch.setattr(environment, "_ticks", lambda: next(times))
    assert environment.busy_share() == pytest.approx(0.75)
    monkeypatch.setattr(environment, "_ticks", list)
    assert environment.busy_share() is None

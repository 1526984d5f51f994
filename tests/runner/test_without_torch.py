"""What the runner does before and after measuring; none of it needs PyTorch."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

from mbcost.architectures.loader import read_architecture
from mbcost.calibration.measurements import read_measurements
from mbcost.devices import check_device, load_device
from mbcost.errors import InputError
from mbcost.files import parse_yaml
from mbcost.graph import build_graph
from mbcost.runner.bench import _kernel_rows
from mbcost.runner.environment import system_facts
from mbcost.runner.journal import Journal, check_same
from mbcost.runner.profile import profile_of, profile_text
from mbcost.runner.random_networks import LEAST_MACS, MOST_MACS, random_table
from mbcost.runner.session import DISTURBED, FEWEST, VISITS, Session, Timing, Visit, visit_all
from mbcost.runner.settings import Settings, Source, checked_settings
from mbcost.runner.suites import PLANS, kernels
from tests.runner.machine import write_bench

HEADER = {"bench": {"suite": "quick"}, "environment": {"cpu": "Zen", "torch": "2.13.0"}}


@pytest.mark.parametrize("number", range(0, 60, 7))
def test_a_random_network_is_the_same_everywhere_and_of_a_useful_size(number: int) -> None:
    table = random_table(number)
    assert table == random_table(number)
    assert table != random_table(number + 1)
    graph = build_graph(read_architecture(parse_yaml(table, "table")))
    assert LEAST_MACS * 0.9 <= graph.cost.macs <= MOST_MACS * 1.1


def test_random_networks_hold_every_kind_of_kernel_and_maps_of_few_pixels() -> None:
    found, small = set(), 0
    for number in range(120):  # as many as the suite quick measures
        graph = build_graph(read_architecture(parse_yaml(random_table(number), "table")))
        found |= {layer.op for layer in graph.layers}
        small += any(1 < layer.output_shape.height <= 3 for layer in graph.layers)
    assert small >= 12
    wanted = "conv2d depthwise_conv2d dense batch_norm relu relu6 swish hard_swish add multiply concat channel_shuffle"
    assert set(wanted.split()) | {"max_pool2d", "avg_pool2d", "global_avg_pool", "split", "sigmoid"} <= found


def test_every_kernel_of_the_suite_has_a_table() -> None:
    number = PLANS["kernels"].items
    suite = kernels(number)
    assert len({kernel.name for kernel in suite}) == number
    for kernel in suite:
        build_graph(read_architecture(parse_yaml(kernel.table, "kernel")))


def test_a_disturbed_visit_does_not_count() -> None:
    timing = Timing(visits=[Visit(1.0, 5, 0.1), Visit(0.9, 5, 0.1 * DISTURBED * 1.01), Visit(1.02, 5, 0.1)])
    timing.sort_out(0.1)
    assert timing.latency_s == 1.0  # not the 0.9 of the disturbed one
    assert timing.spread_s == pytest.approx(0.02)
    assert timing.runs == 10
    timing.sort_out(0.05)  # a faster canary later on: now none is undisturbed, and the fastest stands in
    assert not timing.visits
    assert timing.latency_s == 0.9


def test_the_journal_goes_on_after_a_cut_and_drops_half_a_line(tmp_path) -> None:
    output = tmp_path / "bench.csv"
    journal = Journal(output, HEADER, anew=False)
    journal.add("a", Timing(visits=[Visit(1.0, 5, 0.1)]), 3.0)
    journal.add("b", Timing(failed="not enough memory"), 4.0)
    with journal.path.open("a") as stream:
        stream.write('{"name": "a", "vis')
    again = Journal(output, HEADER, anew=False)
    assert again.timings["a"].visits == [Visit(1.0, 5, 0.1)]
    assert again.timings["b"].failed == "not enough memory"
    assert again.seconds == 4.0
    again.add("a", Timing(visits=[Visit(0.9, 5, 0.1)]), 5.0)
    assert len(Journal(output, HEADER, anew=False).timings["a"].visits) == 2
    assert Journal(output, HEADER, anew=True).timings == {}


VISIT = {"name": "a", "seconds": 9.0, "visit": [2.0, 5, 0.1]}
DAMAGED = {
    "empty mapping": {},
    "list": [],
    "nothing": None,
    "no name": {**VISIT, "name": ""},
    "name of no network": {**VISIT, "name": "c"},
    "number as a name": {**VISIT, "name": 5},
    "no time": {"name": "a", "visit": [2.0, 5, 0.1]},
    "negative time": {**VISIT, "seconds": -1.0},
    "endless time": {**VISIT, "seconds": float("inf")},
    "negative latency": {**VISIT, "visit": [-2.0, 5, 0.1]},
    "latency of 0": {**VISIT, "visit": [0.0, 5, 0.1]},
    "no latency": {**VISIT, "visit": [float("nan"), 5, 0.1]},
    "text as a latency": {**VISIT, "visit": ["2.0", 5, 0.1]},
    "boolean as a latency": {**VISIT, "visit": [True, 5, 0.1]},
    "no runs": {**VISIT, "visit": [2.0, 0, 0.1]},
    "half a run": {**VISIT, "visit": [2.0, 2.5, 0.1]},
    "canary of 0": {**VISIT, "visit": [2.0, 5, 0.0]},
    "two of three": {**VISIT, "visit": [2.0, 5]},
    "four of three": {**VISIT, "visit": [2.0, 5, 0.1, 7]},
    "number as a visit": {**VISIT, "visit": 2.0},
    "neither visit nor failure": {"name": "a", "seconds": 9.0},
    "empty failure": {"name": "a", "seconds": 9.0, "failed": ""},
    "negative warm time": {**VISIT, "warm_s": -1.0},
}


@pytest.mark.parametrize("line", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_line_is_set_aside_and_all_others_are_kept(tmp_path, line) -> None:
    journal = Journal(tmp_path / "bench.csv", HEADER, anew=False)
    journal.add("a", Timing(visits=[Visit(1.0, 5, 0.1)], warm_s=0.5), 3.0)
    damaged = json.dumps(line) + "\n"
    with journal.path.open("a") as stream:
        stream.write(damaged)
    journal.add("b", Timing(visits=[Visit(4.0, 5, 0.1)]), 5.0)
    again = Journal(tmp_path / "bench.csv", HEADER, anew=False, names={"a", "b"})
    assert again.damaged == 1
    assert again.timings["a"] == Timing(visits=[Visit(1.0, 5, 0.1)], warm_s=0.5)
    assert again.timings["b"].visits == [Visit(4.0, 5, 0.1)]
    assert again.seconds == 5.0
    assert again.aside.read_text() == damaged
    assert damaged not in again.path.read_text()
    assert Journal(tmp_path / "bench.csv", HEADER, anew=False).damaged == 0


@pytest.mark.parametrize("first", ["", "{}", "[]", "[" * 5000, '{"schema": "mbcost/bench-jour', '{"bench": 1}'])
def test_a_journal_of_nobody_knows_what_is_damaged_and_kept(tmp_path, first) -> None:
    journal = Journal(tmp_path / "bench.csv", HEADER, anew=False)
    journal.add("a", Timing(visits=[Visit(1.0, 5, 0.1)]), 3.0)
    content = first + "\n" + journal.path.read_text().partition("\n")[2]
    journal.path.write_text(content)
    with pytest.raises(InputError, match="MB605") as error:
        Journal(tmp_path / "bench.csv", HEADER, anew=False)
    assert "is damaged: its first line" in str(error.value)
    assert journal.path.read_text() == content
    assert Journal(tmp_path / "bench.csv", HEADER, anew=True).timings == {}
    assert (tmp_path / "bench.journal.old.jsonl").read_text() == content


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({**HEADER, "environment": {"cpu": "Zen", "torch": "2.12.0"}}, "torch 2.13.0 there, 2.12.0 here"),
        ({**HEADER, "environment": {"cpu": "Xeon", "torch": "2.13.0"}}, "cpu Zen there, Xeon here"),
        ({**HEADER, "bench": {"suite": "full"}}, "the journal of another bench"),
    ],
)
def test_a_journal_of_something_else_is_refused_unless_forced(tmp_path, header, said) -> None:
    Journal(tmp_path / "bench.csv", HEADER, anew=False)
    with pytest.raises(InputError, match="MB604") as error:
        Journal(tmp_path / "bench.csv", header, anew=False)
    assert said in str(error.value)
    assert "`force=True`" in str(error.value)
    Journal(tmp_path / "bench.csv", header, anew=True)


def test_environments_are_compared_as_far_as_both_know_them() -> None:
    check_same({"cpu": "Zen", "torch": "2.13.0", "governor": "a"}, {"cpu": "Zen", "governor": "b"}, "it", "")


def test_a_profile_passes_the_checks_and_marks_its_numbers_measured(tmp_path) -> None:
    document = json.loads(write_bench(tmp_path).with_suffix(".json").read_text())
    path = tmp_path / "my-laptop.yaml"
    path.write_text(profile_text(profile_of("my-laptop", document)))
    assert check_device(path) == []
    device = load_device(path)
    assert {quantity.source for _, quantity in device.quantities()} == {"measured"}
    processor = device.processors["cpu"]
    assert processor.peak["fp32"].value == 5e10
    assert processor.bandwidth is not None
    assert processor.bandwidth.value == 2e10
    assert processor.max_threads == system_facts()["cores"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tpu", 1, False, "eager", "fp32"), "device is tpu"),
        (("cpu", 1, False, "eager", "int8"), "int8 is not measured"),
        (("cpu", 1, False, "graph", "fp32"), '`device="cuda"`'),
        (("cpu", 10**6, False, "eager", "fp32"), "this machine has"),
    ],
)
def test_settings_that_do_not_go_together(arguments, said) -> None:
    with pytest.raises(InputError, match="MB010") as error:
        checked_settings(*arguments)
    assert said in str(error.value)


def test_compiling_without_a_compiler_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(InputError, match="there is no no-such-compiler"):
        checked_settings("cpu", 1, False, "compile", "fp32")


def test_bench_without_torch_says_what_to_install(cli, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    outcome = cli("bench", "-o", "bench.csv")
    assert outcome.code == 2
    assert "MB011" in outcome.err
    assert "mbcost[torch]" in outcome.err


def test_bench_keeps_what_is_there(cli, tmp_path) -> None:
    if not find_spec("torch"):
        pytest.skip("needs PyTorch")
    (tmp_path / "bench.csv").write_text("mine")
    assert "MB007" in cli("bench", "-o", "bench.csv").err
    assert "MB006" in cli("bench", "-o", "bench.txt").err
    assert (tmp_path / "bench.csv").read_text() == "mine"


@pytest.mark.skipif(not find_spec("torch"), reason="needs PyTorch")
@pytest.mark.parametrize("name", ["bench.csv", "bench.json", "bench.networks/random_0000.yaml", "link to nowhere"])
def test_bench_overwrites_nothing_beside_its_output_unasked(cli, tmp_path, name) -> None:
    if name == "link to nowhere":
        path = tmp_path / "bench.csv"
        path.symlink_to("nowhere")
    else:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    outcome = cli("bench", "-o", "bench.csv")
    assert outcome.code == 2
    assert "MB007" in outcome.err
    assert path.is_symlink() or path.read_text() == "mine"
    assert not (tmp_path / "bench.journal.jsonl").exists()


class _Dying(Session):
    """A session whose process says that it is ready, and ends at its first network as `end` says."""

    def __init__(self, end: str) -> None:
        self.end, self.starts = end, 0
        super().__init__(Settings())

    def _command(self) -> list[str]:
        self.starts += 1
        ready = "import os, sys; print('{}', flush=True); sys.stdin.readline(); "
        reply = """print('{"times_s": [0.5], "canary_s": [0.1, 0.1]}', flush=True)"""
        return [sys.executable, "-c", ready + (self.end if self.starts == 1 else reply)]


class _Steady(Session):
    """A measuring process that is not there: every visit counts."""

    def __init__(self) -> None:
        self.canaries_s = [1.0]

    def visit(self, source: Source, timing: Timing, seconds: float) -> None:
        timing.visits.append(Visit(1.0, 1, 1.0))


@pytest.mark.parametrize(("known", "networks", "visits"), [(0, FEWEST, VISITS), (FEWEST + 1, FEWEST + 1, 2)])
def test_when_the_time_is_over_the_fewest_get_all_their_visits_and_more_of_them_get_two(
    known: int, networks: int, visits: int
) -> None:
    sources = [(f"net{i}", Source("table", f"net{i}")) for i in range(30)]
    timings = {name: Timing(visits=[Visit(1.0, 1, 1.0)]) for name, _ in sources[:known]}
    found = visit_all(_Steady(), sources, until=0.0, first_until=0.0, seconds=0.01, timings=timings)
    assert [len(timing.visits) for timing in found.values()] == [visits] * networks


@pytest.mark.parametrize(
    ("end", "message"),
    [
        ("os.kill(os.getpid(), 9)", "not enough memory: the measuring process was killed"),
        ("sys.exit('INFO: ready\\nit broke')", "the measuring process ended with code 1: it broke"),
    ],
)
def test_a_network_that_takes_the_process_down_is_left_out_and_the_next_one_is_measured(end: str, message: str) -> None:
    session = _Dying(end)
    large, small = Timing(), Timing()
    session.visit(Source("table", "large"), large, 0.01)
    session.visit(Source("table", "small"), small, 0.01)
    session.close()
    assert large.failed.startswith(message)
    assert small.latency_s == 0.5
    assert session.starts == 2


def test_one_name_collects_processors_and_precisions(cli, tmp_path) -> None:
    pytest.importorskip("scipy")
    torch = version("torch") if find_spec("torch") else "2.13.0+cpu"
    for name, settings in (
        ("eager", Settings()),
        ("narrow", Settings(precision="bf16")),
        ("again", Settings(precision="bf16")),
    ):
        write_bench(tmp_path, torch=torch, settings=settings, name=name)
    assert cli("calibrate", "eager.csv", "--name", "box").code == 0
    outcome = cli("calibrate", "narrow.csv", "--name", "box")
    assert outcome.code == 0, outcome.err
    assert "use it with --device box --precision bf16" in outcome.err
    assert load_device("box").processors["cpu"].precisions == ("fp32", "bf16")
    assert cli("analyze", "mobilenet_v2", "-d", "box", "--precision", "bf16").code == 0
    assert cli("calibrate", "again.csv", "--name", "box").code == 2  # it is there, and nobody said --force


def test_an_interrupted_bench_says_that_the_same_command_goes_on(cli, monkeypatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mbcost.runner.bench.run_bench", interrupted)
    outcome = cli("bench", "-o", "bench.csv")
    assert outcome.code == 130
    assert "the same command without --force resumes" in outcome.err


def test_a_kernel_that_varies_by_more_than_it_takes_can_be_read_again(tmp_path: Path) -> None:
    kernel = kernels(1)[0]
    timing = Timing(visits=[Visit(42.3391e-6, 1, 0.1), Visit(99e-6, 1, 0.1)])
    path = tmp_path / "kernels.csv"
    source = {kernel.name: Source("kernel", kernel.table)}
    rows = _kernel_rows([kernel], source, {kernel.name: timing}, Settings(), "a test")
    path.write_text(rows, encoding="utf-8")
    (row,), _ = read_measurements(path)
    assert row.measured_s == pytest.approx(42.3391e-6)
    assert row.spread == 1

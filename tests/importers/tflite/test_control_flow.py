"""IF, WHILE and CALL: what runs a known number of times is counted so often, the rest refused or "at least"."""

from __future__ import annotations

from pathlib import Path

import pytest

import mbcost
from mbcost.errors import InputError
from mbcost.graph import build_graph, count_params
from mbcost.importers.tflite import read_tflite
from tests.importers.tflite.build import Model

MAP = (1, 14, 14, 8)
#: 3x3 and 1x1 convolutions of 8 channels at 14 x 14.
WIDE, NARROW = 14 * 14 * 9 * 8 * 8, 14 * 14 * 8 * 8


def saved(folder: Path, model: Model) -> Path:
    path = folder / "net.tflite"
    path.write_bytes(model.finish())
    return path


def branching(condition: bool | None) -> Model:
    m = Model()
    x = m.input(*MAP)
    if condition is None:
        most = m.op("REDUCE_MAX", [m.op("RELU", [x], MAP), m.constant(0, 1, 2, 3)], (), kind="ReducerOptions")
        chosen = m.op("GREATER", [most, m.scalar(0.5)], (), dtype="BOOL")
    else:
        chosen = m.constant(condition, dtype="BOOL", shape=[])
    for kernel in (3, 1):
        branch = m.branch()
        branch.outputs = [branch.conv(branch.input(*MAP), 8, kernel)]
    m.op("IF", [chosen, x], MAP, kind="IfOptions", ThenSubgraphIndex=1, ElseSubgraphIndex=2)
    return m


@pytest.mark.parametrize(("condition", "macs"), [(True, WIDE), (False, NARROW)])
def test_a_constant_condition_takes_its_branch(tmp_path: Path, condition: bool, macs: int) -> None:
    assert build_graph(read_tflite(saved(tmp_path, branching(condition)))).cost.macs == macs


def test_a_computed_condition(tmp_path: Path) -> None:
    path = saved(tmp_path, branching(None))
    with pytest.raises(InputError, match="which branch runs is computed by the network") as refused:
        read_tflite(path)
    assert '`unsupported="estimate"` takes its first branch and says so' in str(refused.value)
    found = mbcost.analyze(path, "pixel1", unsupported="estimate")
    assert found.totals.macs == WIDE
    assert (
        "IF (its first branch) is not known: charged by its traffic, so that the MACs are at least these"
        in " ".join(found.warnings)
    )
    taken = mbcost.analyze(saved(tmp_path, branching(condition=True)), "pixel1")
    assert found.latency_high_s / found.latency_s > taken.latency_high_s / taken.latency_s


def looping(turns: int | None) -> Model:
    """A convolution whose output is its next input, while a counter is below a number."""
    m = Model()
    x, start = m.input(*MAP), m.constant(0, shape=[])
    if turns is None:
        start = m.op(
            "CAST",
            [m.op("REDUCE_MAX", [m.op("RELU", [x], MAP), m.constant(0, 1, 2, 3)], (), kind="ReducerOptions")],
            (),
            dtype="INT32",
        )
    condition = m.branch()
    counter, _ = condition.input(dtype="INT32"), condition.input(*MAP)
    limit = condition.constant(turns or 3, shape=[])
    condition.outputs = [condition.op("LESS", [counter, limit], (), dtype="BOOL")]
    body = m.branch()
    counter, state = body.input(dtype="INT32"), body.input(*MAP)
    one = body.constant(1, shape=[])
    more = body.op("ADD", [counter, one], (), dtype="INT32", kind="AddOptions")
    body.outputs = [more, body.conv(state, 8, 3)]
    counted = m.tensor((), "counted", "INT32")
    result = m.tensor(MAP, "result")
    m.raw("WHILE", [start, x], [counted, result], kind="WhileOptions", CondSubgraphIndex=1, BodySubgraphIndex=2)
    m.op("RELU", [result], MAP)
    return m


@pytest.mark.parametrize("turns", [1, 3])
def test_a_counter_below_a_constant(tmp_path: Path, turns: int) -> None:
    graph = build_graph(read_tflite(saved(tmp_path, looping(turns))))
    assert graph.cost.macs == turns * WIDE
    assert count_params(graph) == 9 * 8 * 8 + 8


def test_turns_that_the_network_decides(tmp_path: Path) -> None:
    path = saved(tmp_path, looping(None))
    with pytest.raises(InputError, match="how often its body runs is computed by the network") as refused:
        read_tflite(path)
    assert '`unsupported="estimate"` counts one turn of its body and says so' in str(refused.value)
    found = mbcost.analyze(path, "pixel1", unsupported="estimate")
    assert found.totals.macs == WIDE
    assert "WHILE (one turn of its body) is not known" in " ".join(found.warnings)


def test_what_decides_how_often_a_body_runs_is_counted(tmp_path: Path) -> None:
    m = Model()
    x = m.input(*MAP)
    condition, body = m.branch(), m.branch()
    seen = condition.conv(condition.input(*MAP), 8, 1)
    most = condition.op("REDUCE_MAX", [seen, condition.constant(0, 1, 2, 3)], (), kind="ReducerOptions")
    condition.outputs = [condition.op("GREATER", [most, condition.scalar(0.5)], (), dtype="BOOL")]
    body.outputs = [body.conv(body.input(*MAP), 8, 3)]
    m.op("WHILE", [x], MAP, kind="WhileOptions", CondSubgraphIndex=1, BodySubgraphIndex=2)
    graph = build_graph(read_tflite(saved(tmp_path, m), unsupported="estimate"))
    # one turn of the body, before and after which the condition is evaluated
    assert graph.cost.macs == WIDE + 2 * NARROW
    assert count_params(graph) == 9 * 8 * 8 + 8 + 8 * 8 + 8


def test_too_many_turns_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, looping(10**9))
    with pytest.raises(InputError, match="more than 1024 times"):
        read_tflite(path)
    assert build_graph(read_tflite(path, unsupported="estimate")).cost.macs == WIDE


def test_a_call_is_its_subgraph(tmp_path: Path) -> None:
    m = Model()
    x = m.input(*MAP)
    branch = m.branch()
    branch.outputs = [branch.conv(branch.input(*MAP), 8, 3)]
    m.op("CALL", [m.op("CALL", [x], MAP, kind="CallOptions", Subgraph=1)], MAP, kind="CallOptions", Subgraph=1)
    graph = build_graph(read_tflite(saved(tmp_path, m)))
    assert graph.cost.macs == 2 * WIDE
    assert count_params(graph) == 9 * 8 * 8 + 8


def test_calls_of_calls_have_a_limit(tmp_path: Path) -> None:
    m = Model()
    x = m.input(*MAP)
    for number in range(1, 12):  # each calls the next one ten times
        branch = m.branch()
        y = branch.input(*MAP)
        for _ in range(10 if number < 11 else 1):
            name, options = ("CALL", {"kind": "CallOptions", "Subgraph": number + 1}) if number < 11 else ("RELU", {})
            y = branch.op(name, [y], MAP, **options)
        branch.outputs = [y]
    m.op("CALL", [x], MAP, kind="CallOptions", Subgraph=1)
    with pytest.raises(InputError, match="more than 20000 subgraphs"):
        read_tflite(saved(tmp_path, m))


@pytest.mark.parametrize("number", [0, 7])
def test_a_subgraph_that_calls_itself_or_is_missing(tmp_path: Path, number: int) -> None:
    m = Model()
    m.op("CALL", [m.input(*MAP)], MAP, kind="CallOptions", Subgraph=number)
    with pytest.raises(InputError, match="MB503"):
        read_tflite(saved(tmp_path, m))

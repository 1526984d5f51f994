"""Rows whose weights exist already, and further inputs: the keys that tables of imported networks need."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import mbcost
from mbcost.architectures.schema import architecture_json_schema
from mbcost.errors import InputError
from mbcost.files import load_yaml
from mbcost.graph import build_graph, count_params

TABLE = """\
name: net
source: none, made for this test
input: 8x8x3
inputs: {state: 1x1x5, "odd-name.1": [8, 8, 2]}
layers:
  - {name: a, op: conv2d 3x3, out: 4, in_channels: 3, bias: true}
  - {name: b, op: conv2d 3x3, out: 4, inputs: [input], owns_weights: false, norm: batch_norm}
  - {op: concat, inputs: [a, b, odd-name.1]}
  - {op: flatten}
  - {name: head, op: dense, out: 10, in_channels: 640, owns_weights: true}
  - {name: other, op: dense, out: 2, inputs: [state], bias: false}
outputs: [head, other]
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "net.yaml"
    path.write_text(TABLE, encoding="utf-8")
    return path


def test_weights_of_another_row_are_no_parameters(table: Path) -> None:
    graph = build_graph(mbcost.load(table))
    # a: 3*3*3*4 weights and 4 biases; b: its norm's 2*4; head: 8*8*10 channels in, 10 out; other: 5 in, 2 out
    assert count_params(graph) == 108 + 4 + 8 + 640 * 10 + 10 + 5 * 2
    assert graph.cost.macs == 2 * 8 * 8 * 108 + 6400 + 10


def test_weights_fix_the_resolution(table: Path) -> None:
    spec = mbcost.load(table)
    with pytest.raises(InputError, match=r"do not|not equal|640|differ") as caught:
        build_graph(spec, resolution=16)
    assert caught.value.codes == ("MB204",)


def test_a_resolution_names_the_row_whose_weights_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    rows = "  - {op: flatten}\n  - {op: dense, out: 2, in_channels: 192}\n"
    path.write_text(f"name: net\nsource: s\ninput: 8x8x3\nlayers:\n{rows}", encoding="utf-8")
    with pytest.raises(InputError, match="made for 192 input channels, at this configuration it gets 768") as caught:
        build_graph(mbcost.load(path), resolution=16)
    (problem,) = caught.value.problems
    assert problem.location is not None
    assert problem.location.line == 6


def test_schema_knows_the_keys(table: Path) -> None:
    assert not list(Draft202012Validator(architecture_json_schema()).iter_errors(load_yaml(table).data))

"""Rows of single operators, measured in the company that they have in a network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mbcost
from mbcost.calibration.measurements import KERNEL_NOISE, NOISE, noise_of, read_measurements, work_of
from mbcost.errors import InputError
from mbcost.latency.model import latency_model

TABLE = """\
name: net
source: a test
input: 16x16x8
layers:
  - {name: first, op: conv2d 3x3, out: 16, activation: relu}
  - {name: second, op: conv2d 1x1, out: 32}
  - {name: last, op: add, inputs: [second, second]}
"""
HEAD = "architecture,layer,precision,device,processor,runtime,latency_ms\n"


def measurements(tmp_path: Path, rows: str) -> Path:
    (tmp_path / "net.yaml").write_text(TABLE, encoding="utf-8")
    path = tmp_path / "rows.csv"
    path.write_text(HEAD + rows, encoding="utf-8")
    return path


def test_operators_add_up_to_their_network_without_calls(tmp_path: Path) -> None:
    target = mbcost.resolve_target("pixel4@litert", "fp32")
    rows = "".join(f"net.yaml,{layer},fp32,pixel4,cpu,litert,0.1\n" for layer in ("", "first", "second", "last"))
    found = read_measurements(measurements(tmp_path, rows))[0]
    assert [row.kind for row in found] == ["network", "operator", "operator", "operator"]
    assert {row.network for row in found} == {found[0].name}
    whole, *parts = work_of(found, target).counts
    overhead = np.array([term.group == "overhead" for term in latency_model(target).form.terms])
    assert not np.array(parts)[:, overhead].any()
    np.testing.assert_array_equal(np.sum(parts, axis=0)[~overhead], whole[~overhead])
    assert whole[overhead].sum() == 3  # a call each


def test_a_fused_layer_names_its_kernel(tmp_path: Path) -> None:
    rows = "".join(f"net.yaml,{layer},fp32,pixel4,cpu,litert,0.1\n" for layer in ("first", "first/relu"))
    one, other = work_of(
        read_measurements(measurements(tmp_path, rows))[0], mbcost.resolve_target("pixel4@litert", "fp32")
    ).counts
    np.testing.assert_array_equal(one, other)


def test_an_operator_is_expected_to_be_as_wrong_as_a_kernel(tmp_path: Path) -> None:
    rows = "net.yaml,,fp32,pixel4,cpu,litert,0.1\nnet.yaml,last,fp32,pixel4,cpu,litert,0.01\n"
    assert list(noise_of(read_measurements(measurements(tmp_path, rows))[0])) == [NOISE, KERNEL_NOISE]


def test_a_layer_that_is_not_there_is_a_problem_of_its_row(tmp_path: Path) -> None:
    found = read_measurements(measurements(tmp_path, "net.yaml,third,fp32,pixel4,cpu,litert,0.1\n"))[0]
    with pytest.raises(InputError, match="no layer `third`") as caught:
        work_of(found, mbcost.resolve_target("pixel4@litert", "fp32"))
    assert caught.value.problems[0].location is not None
    assert caught.value.problems[0].location.line == 2


def test_operators_are_held_out_with_their_network(tmp_path: Path) -> None:
    others = "mobilenet_v1,,fp32,pixel4,cpu,litert,30\nmobilenet_v2,,fp32,pixel4,cpu,litert,20\n"
    mine = "".join(f"net.yaml,{layer},fp32,pixel4,cpu,litert,0.1\n" for layer in ("", "first", "second"))
    found = mbcost.calibrate("pixel4@litert", measurements(tmp_path, mine + others))
    without = mbcost.calibrate("pixel4@litert", measurements(tmp_path, others))
    alone = mbcost.analyze(str(tmp_path / "net.yaml"), "pixel4@litert", calibration=without).latency_s
    assert found.rows[0].left_out_s == pytest.approx(alone)

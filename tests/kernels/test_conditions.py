"""Conditions of rules: facts of a layer, and precisions."""

from __future__ import annotations

from pathlib import Path

import pytest

from mbcost.architectures.loader import read_architecture
from mbcost.files import parse_yaml
from mbcost.graph import Layer, build_graph
from mbcost.kernels import check_runtime, load_runtime
from mbcost.kernels.conditions import CONDITIONS, FACTS, condition
from mbcost.kernels.runtime_schema import FactsSection

RUNTIME = """\
name: mine
title: My runtime
like: litert
source: a test
kernels:
  - {{operators: [hard_swish], {given}, kernel: fallback, source: a test}}
  - {{operators: [hard_swish], kernel: elementwise, source: a test}}
"""


def layer_of(row: str, shape: str = "16x16x24") -> Layer:
    table = f"name: x\nsource: x\ninput: {shape}\nlayers: [{{{row}}}]\n"
    return build_graph(read_architecture(parse_yaml(table, "table"))).layers[0]


@pytest.mark.parametrize(
    ("row", "entry", "holds"),
    [
        ("op: depthwise_conv2d 5x5", {"taps": "> 25"}, False),  # 25 elements
        ("op: depthwise_conv2d 7x7", {"taps": "> 25"}, True),  # 49
        ("op: conv2d 7x7, out: 24, groups: 24", {"is": "depthwise", "taps": ">= 49"}, True),
        ("op: conv2d 7x7, out: 24", {"is": "depthwise", "taps": ">= 49"}, False),
        ("op: conv2d 1x1, out: 8", {"channels": "== 24", "filters": "<= 8", "groups": "!= 2"}, True),
        ("op: conv2d 1x1, out: 8", {"channels": "<24"}, False),
        ("op: concat, inputs: [input, input, input]", {"inputs": "> 2"}, True),
        ("op: concat, inputs: [input, input, input]", {"inputs": "> 3"}, False),
    ],
)
def test_facts_have_to_hold_together(row: str, entry: dict[str, str], holds: bool) -> None:
    assert condition(entry)(layer_of(row)) is holds


@pytest.mark.parametrize("entry", ["deep", {"taps": "about 25"}, {"colour": "> 1"}, {"is": "deep"}])
def test_unknown_conditions_are_refused(entry: str | dict[str, str]) -> None:
    with pytest.raises(ValueError, match="unknown condition"):
        condition(entry)


def test_the_schema_has_every_fact() -> None:
    assert set(FactsSection.model_fields) == {*FACTS, "is_"}
    assert {"pointwise", "depthwise"} <= set(CONDITIONS)


def test_rules_hold_at_their_precisions(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(RUNTIME.format(given="precision: [int8]"), encoding="utf-8")
    assert check_runtime(path) == []
    runtime, layer = load_runtime(str(path)), layer_of("op: hard_swish")
    found = {precision: runtime.at_precision(precision).kernel_kind(layer) for precision in ("fp32", "fp16", "int8")}
    assert found == {"fp32": "elementwise", "fp16": "elementwise", "int8": "fallback"}


def test_what_is_inherited_holds_at_other_precisions(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    only = RUNTIME.replace("  - {{operators: [hard_swish], kernel: elementwise, source: a test}}\n", "")
    path.write_text(only.format(given="precision: [fp16]").replace("hard_swish", "relu"), encoding="utf-8")
    runtime, layer = load_runtime(str(path)), layer_of("op: relu")
    found = [runtime.at_precision(precision).kernel_kind(layer) for precision in ("fp32", "fp16")]
    assert found == ["elementwise", "fallback"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ('when: {taps: "many"}', "`many` is no comparison"),
        ("when: {colour: 3}", "colour"),
        ("when: deep", "deep"),
        ("precision: [int3]", "int3"),
    ],
)
def test_wrong_conditions_are_problems_of_the_file(tmp_path: Path, given: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(RUNTIME.format(given=given), encoding="utf-8")
    (problem,) = check_runtime(path)
    assert message in problem.message
    assert problem.location is not None
    assert problem.location.line == 6


def test_xnnpack_has_no_depthwise_kernel_beyond_25_elements() -> None:
    runtime = load_runtime("litert")
    found = [runtime.kernel_kind(layer_of(f"op: depthwise_conv2d {side}x{side}")) for side in (3, 5, 7)]
    assert found == ["depthwise", "depthwise", "direct_conv"]  # src/configs/dwconv-config.c

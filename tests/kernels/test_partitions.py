"""Parts of a network as TensorFlow Lite makes them: graph_info.cc and delegates/utils.cc, followed by hand."""

from __future__ import annotations

import pytest

import mbcost
from mbcost.architectures.loader import read_architecture
from mbcost.files import parse_yaml
from mbcost.hosting import crossings
from mbcost.kernels.partitions import outside_the_largest, parts_of


@pytest.mark.parametrize(
    ("inputs", "taken", "parts"),
    [
        ([(), (0,), (1,), (2,)], [True, True, False, True], (0, 0, 1, 2)),  # a chain
        ([(), (0,), (1,)], [False, True, False], (0, 1, 2)),  # the first ready node says what the first part is
        # a > b > d and a > c: c is ready in the first part, b and d are one, although c is between them in the file
        ([(), (0,), (0,), (1,), (2, 3)], [True, False, True, False, True], (0, 1, 0, 1, 2)),
        ([(), (), (0, 1)], [True, False, False], (0, 1, 1)),  # two inputs: the second one waits for its kind
        ([(), (0,), (1,), (2,)], [True, None, False, None], (0, 0, 1, 1)),  # views are in the part of what they read
        ([(), (0,)], [None, False], (0, 0)),
        ([], [], ()),
    ],
)
def test_parts_by_hand(inputs, taken, parts) -> None:
    assert parts_of(inputs, taken) == parts


@pytest.mark.parametrize(
    ("taken", "sizes", "left"),
    [
        ([True, False, True, True], [1, 1, 1, 1], {0}),
        ([True, False, True, True], [3, 1, 1, 1], {2, 3}),  # operators count, not kernels
        ([True, False, True, False, True], [1, 1, 1, 1, 1], {2, 4}),  # the first of equal parts
        ([False, False], [1, 1], set()),
        ([True, True], [1, 1], set()),
    ],
)
def test_the_largest_part_of_a_chain(taken, sizes, left) -> None:
    chain = [(), *((index,) for index in range(len(taken) - 1))]
    assert outside_the_largest(chain, taken, sizes) == left


def analysis_of(rows: str, target: str) -> mbcost.Analysis:
    table = f"name: x\nsource: hand\ninput: 16x16x8\nlayers:\n{rows}"
    return mbcost.analyze(read_architecture(parse_yaml(table, "table")), target)


INTERLEAVED = """\
  - {op: conv2d 3x3, out: 8, name: a}
  - {op: mish, from: a, name: b}
  - {op: conv2d 3x3, out: 8, from: a, name: c}
  - {op: mish, from: b, name: d}
  - {op: add, from: [c, d], name: e}
"""


def test_branches_that_wait_for_the_host_start_the_accelerator_once() -> None:
    """Two mishes (not on the Hexagon NPU) with a convolution between them in the file are one part."""
    analysis = analysis_of(INTERLEAVED, "galaxy_s24/npu")
    assert [layer.runs_on for layer in analysis.layers] == ["npu", "cpu", "npu", "cpu", "npu"]
    found = crossings(analysis.layer_graph, analysis.kernels)
    assert [one.restarts for one in found.values()] == [1, 0]
    assert [one.bytes for one in found.values()] == [16 * 16 * 8, 16 * 16 * 8]  # in to b, out of d


CUT = """\
  - {op: conv2d 3x3, out: 8, name: first}
  - {op: relu, name: joined}
  - {op: l2_norm, name: cut}
  - {op: conv2d 3x3, out: 8, name: second}
  - {op: relu, name: joined_2}
  - {op: conv2d 3x3, out: 8, name: third}
"""


def test_a_gpu_delegate_takes_its_largest_part_alone() -> None:
    """An l2_norm has no parser (model_builder.cc): of one and two convolutions beside it, two are on the GPU."""
    analysis = analysis_of(CUT, "pixel4/gpu")
    assert [layer.runs_on for layer in analysis.layers] == ["cpu", "cpu", "cpu", "gpu", "gpu", "gpu"]
    found = crossings(analysis.layer_graph, analysis.kernels)
    assert [one.restarts for one in found.values()] == [0, 0]
    assert sum(one.bytes for one in found.values()) == 16 * 16 * 8 * analysis.element_bytes
    (said,) = [text for text in analysis.warnings if "run on pixel4/cpu" in text]
    assert "1 of them since the delegate takes the part with most operators alone" in said


def test_a_network_that_it_takes_whole_stays_whole() -> None:
    analysis = analysis_of(CUT.replace("l2_norm", "relu6"), "pixel4/gpu")
    assert {layer.runs_on for layer in analysis.layers} == {"gpu"}

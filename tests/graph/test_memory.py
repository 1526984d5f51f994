"""Activation memory over the schedule, against hand arithmetic."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import mbcost
from mbcost.architectures import read_architecture
from mbcost.files import parse_yaml
from mbcost.graph import build_graph, live_elements, peak_elements
from mbcost.operators import TensorShape


def table(folder: Path, rows: str, size: str = "8x8x4") -> Path:
    path = folder / "net.yaml"
    path.write_text(f"name: net\nsource: a test\ninput: {size}\nlayers:\n{rows}", encoding="utf-8")
    return path


def test_mobilenet_v2() -> None:
    # the first strided depthwise layer: 112x112x96 in, 56x56x96 out
    assert peak_elements(build_graph(mbcost.load("mobilenet_v2"))) == 112 * 112 * 96 + 56 * 56 * 96


def test_mobilenet_v1() -> None:
    # the first pointwise layer: 112x112x32 in, 112x112x64 out
    assert peak_elements(build_graph(mbcost.load("mobilenet_v1"))) == 112 * 112 * (32 + 64)


def test_residual_keeps_its_input(tmp_path: Path) -> None:
    rows = """
  - {name: stem, op: conv2d 1x1, out: 4}
  - {name: wide, op: conv2d 1x1, out: 24}
  - {op: relu6}
  - {name: back, op: conv2d 1x1, out: 4}
  - {op: add, inputs: [back, stem]}
"""
    graph = build_graph(mbcost.load(table(tmp_path, rows)))
    pixels = 8 * 8
    assert live_elements(graph) == [
        pixels * (4 + 4),  # input and stem
        pixels * (4 + 24),  # stem is kept for the add
        pixels * (4 + 24),  # ReLU6 in place
        pixels * (4 + 24 + 4),
        pixels * (4 + 4),  # the add writes over its first input
    ]


def test_activation_of_a_shared_tensor_is_not_in_place(tmp_path: Path) -> None:
    rows = """
  - {name: stem, op: conv2d 1x1, out: 4}
  - {name: gate, op: sigmoid}
  - {op: multiply, inputs: [stem, gate]}
"""
    graph = build_graph(mbcost.load(table(tmp_path, rows)))
    assert live_elements(graph) == [8 * 8 * (4 + 4), 8 * 8 * (4 + 4), 8 * 8 * (4 + 4)]


def test_views_share_memory(tmp_path: Path) -> None:
    rows = "  - {op: conv2d 1x1, out: 4}\n  - {op: flatten}\n  - {op: dense, out: 10}\n"
    graph = build_graph(mbcost.load(table(tmp_path, rows)))
    assert live_elements(graph) == [512, 256, 256 + 10]


@pytest.mark.parametrize("name", mbcost.architecture_names())
def test_never_below_any_layer(name: str) -> None:
    graph = build_graph(mbcost.load(name))
    needed = max(layer.input_shapes[0].elements for layer in graph.layers)
    assert peak_elements(graph) >= needed


def test_every_input_of_a_network_is_in_memory() -> None:
    """A network of two inputs, 32x32x3 and 32x32x64: both are there when the first layer runs.

    3x3 on the image gives 30x30x8; at that time 3,072 + 65,536 + 7,200 elements are alive. The second convolution still
    needs 65,536 + 7,200 + 7,200, which is the peak, since the image is gone.
    """
    document = parse_yaml(
        "name: two\nsource: a test\ninput: 32x32x3\nlayers:\n  - {name: a, op: conv2d 3x3, out: 8, padding: valid}\n",
        "two.yaml",
    )
    spec = replace(read_architecture(document), extra_inputs={"other": TensorShape(32, 32, 64)})
    graph = mbcost.build_graph(spec)
    assert live_elements(graph) == [32 * 32 * 3 + 30 * 30 * 8]  # nobody reads the other input
    first = graph.layers[0]
    second = first._replace(position=1, name="b", input_shapes=(TensorShape(32, 32, 64),))
    both = replace(graph, layers=(first, second), outputs=(0, 1))
    assert live_elements(both) == [3_072 + 65_536 + 7_200, 65_536 + 7_200 + 7_200]

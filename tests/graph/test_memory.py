"""Activation memory over the schedule, against hand arithmetic."""

from __future__ import annotations

from pathlib import Path

import pytest

import mbcost
from mbcost.graph import build_graph, live_elements, peak_elements


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

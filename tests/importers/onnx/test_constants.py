"""Constants that nobody trained: no parameters, but in memory and read; and windows that contradict their weights."""

from __future__ import annotations

import numpy as np
import pytest

import mbcost
from mbcost.errors import InputError
from mbcost.graph import count_params
from mbcost.importers.onnx import read_onnx
from tests.importers.onnx.models import Net

#: Positions of the pixels, as detectors add them: 0, 1, 2, ... of 14 x 14.
GRID = np.arange(14 * 14, dtype=np.float32).reshape(1, 1, 14, 14)


@pytest.mark.parametrize("op_type", ["Add", "Mul", "Sub"])
def test_a_grid_is_in_memory(tmp_path, op_type):
    net = Net()
    path = net.save(tmp_path, net.node(op_type, "x", net.numbers(GRID, np.float32)))
    graph = mbcost.build_graph(mbcost.load(path))
    assert graph.cost.weight_elements == 14 * 14
    assert count_params(graph) == 0
    found = mbcost.analyze(path, "pixel1")
    assert (found.totals.params, found.totals.weight_bytes) == (0, 4 * 14 * 14)


def test_a_grid_that_is_joined_is_in_memory(tmp_path):
    net = Net()
    path = net.save(tmp_path, net.node("Concat", "x", net.numbers(GRID, np.float32), axis=1))
    found = mbcost.analyze(path, "pixel1")
    assert (found.totals.params, found.totals.weight_bytes) == (0, 4 * 14 * 14)


def test_a_grid_that_two_layers_read_is_in_memory_once(tmp_path):
    net = Net()
    grid = net.numbers(GRID, np.float32)
    path = net.save(tmp_path, net.node("Add", net.node("Relu", net.node("Add", "x", grid)), grid))
    assert mbcost.analyze(path, "pixel1").totals.weight_bytes == 4 * 14 * 14


def test_single_numbers_are_code(tmp_path):
    net = Net()
    path = net.save(tmp_path, net.node("Mul", "x", net.numbers([0.5], np.float32)))
    assert mbcost.analyze(path, "pixel1").totals.weight_bytes == 0


def test_a_grid_after_a_convolution_is_no_bias(tmp_path):
    net = Net()
    steps = net.numbers(np.arange(8).reshape(8, 1, 1), np.float32)
    path = net.save(tmp_path, net.node("Add", net.node("Conv", "x", net.weight((8, 8, 1, 1))), steps))
    graph = mbcost.build_graph(mbcost.load(path))
    assert [layer.op for layer in graph.layers] == ["conv2d", "shift"]
    assert count_params(graph) == 64


@pytest.mark.parametrize(
    ("op_type", "weight", "window", "dims"),
    [
        ("Conv", (4, 8, 3, 3), [5, 5], (1, 8, 14, 14)),
        ("Conv", (4, 8, 3), [1], (1, 8, 14)),
        ("Conv", (4, 8, 3, 3, 3), [3, 3, 1], (1, 8, 6, 6, 6)),
        ("ConvTranspose", (8, 4, 2, 2), [3, 3], (1, 8, 14, 14)),
    ],
)
def test_a_window_that_contradicts_the_weight(tmp_path, op_type, weight, window, dims):
    net = Net()
    path = net.save(tmp_path, net.node(op_type, "x", net.weight(weight), kernel_shape=window), dims)
    with pytest.raises(InputError, match="MB503") as refused:
        read_onnx(path)
    assert f"`kernel_shape` is {window}, its weight has the shape {list(weight)}" in str(refused.value)

"""Fusion and the choice of kernels."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

import mbcost
from mbcost.errors import InputError
from mbcost.graph import LayerGraph, build_graph
from mbcost.kernels import Kernel, load_runtime, map_to_kernels, runtime_names

RUNTIMES = runtime_names()
NAMES = mbcost.architecture_names()


def graph_of(folder: Path, rows: str, size: str = "16x16x8") -> LayerGraph:
    path = folder / "net.yaml"
    path.write_text(f"name: net\nsource: a test\ninput: {size}\nlayers:\n{rows}", encoding="utf-8")
    return build_graph(mbcost.load(path))


def kernels_of(graph: LayerGraph, runtime: str = "tflite-2.1") -> tuple[Kernel, ...]:
    return map_to_kernels(graph, load_runtime(runtime))


@cache
def graph_named(name: str) -> LayerGraph:
    return build_graph(mbcost.load(name))


@pytest.mark.broad
@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("name", NAMES)
def test_every_layer_is_in_exactly_one_kernel(name: str, runtime: str) -> None:
    """Fusion adds no traffic. What a runtime refuses is estimated, in a kernel like all else."""
    graph = graph_named(name)
    kernels = map_to_kernels(graph, load_runtime(runtime), estimate_unsupported=True)
    seen = Counter(position for kernel in kernels for position in kernel.layers)
    assert seen == Counter(range(len(graph.layers)))
    assert sum(kernel.macs for kernel in kernels) == graph.cost.macs
    for kernel in kernels:
        layers = [graph.layers[position] for position in kernel.layers]
        assert kernel.input_elements <= sum(layer.cost.input_elements for layer in layers)
        assert kernel.output_elements <= sum(layer.cost.output_elements for layer in layers)


def test_mobilenet_v2_on_tflite() -> None:
    """35 pointwise convolutions and one more of the last row, 17 depthwise, 10 adds, one pooling, one classifier."""
    kinds = Counter(kernel.kind for kernel in kernels_of(build_graph(mbcost.load("mobilenet_v2"))))
    # 16 expansions (the first block has none), 17 projections, the last 1x1
    assert kinds == {"pointwise": 34, "im2col_gemm": 1, "depthwise": 17, "elementwise": 10, "pool": 1, "dense": 1}


def test_convolution_batch_norm_activation_is_one_kernel(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "  - {op: conv2d 3x3, out: 16, norm: batch_norm, activation: relu6}\n")
    (kernel,) = kernels_of(graph)
    assert kernel.kind == "im2col_gemm"
    assert kernel.weight_elements == 3 * 3 * 8 * 16 + 16  # batch norm is left as one bias a channel
    assert kernel.im2col_elements == 3 * 3 * 8 * 16 * 16
    assert (kernel.input_elements, kernel.output_elements) == (16 * 16 * 8, 16 * 16 * 16)


def test_order_of_fusion_is_kept(tmp_path: Path) -> None:
    """An activation before a batch norm keeps the batch norm from being folded."""
    rows = "  - {op: conv2d 1x1, out: 16, activation: relu}\n  - {op: batch_norm}\n  - {op: relu}\n"
    assert [k.kind for k in kernels_of(graph_of(tmp_path, rows))] == ["pointwise", "elementwise", "elementwise"]


def test_hard_swish_is_a_kernel_of_its_own_on_tflite(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "  - {op: conv2d 1x1, out: 16, norm: batch_norm, activation: hard_swish}\n")
    assert [k.op for k in kernels_of(graph)] == ["conv2d", "hard_swish"]


def test_a_tensor_with_two_readers_is_not_fused(tmp_path: Path) -> None:
    rows = """
  - {name: conv, op: conv2d 1x1, out: 8}
  - {name: act, op: relu}
  - {op: add, inputs: [conv, act]}
"""
    assert [k.op for k in kernels_of(graph_of(tmp_path, rows))] == ["conv2d", "relu", "add"]


def test_fpga_builds_no_lowering_buffer() -> None:
    kernels = kernels_of(build_graph(mbcost.load("mobilenet_v2")), "vitis-ai-2.5")
    assert {kernel.im2col_elements for kernel in kernels} == {0}
    assert "direct_conv" in {kernel.kind for kernel in kernels}


def test_grouped_convolution_of_one_channel_a_group_is_depthwise(tmp_path: Path) -> None:
    (kernel,) = kernels_of(graph_of(tmp_path, "  - {op: conv2d 3x3, out: 8, groups: 8}\n"))
    assert kernel.kind == "depthwise"


def test_batch_scales_activations_but_not_weights(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "  - {op: conv2d 3x3, out: 16}\n")
    (one,), (four,) = kernels_of(graph), map_to_kernels(graph, load_runtime("tflite-2.1"), batch=4)
    assert four.macs == 4 * one.macs
    assert four.weight_elements == one.weight_elements
    assert four.gemm().rows == 4 * 16 * 16


def test_operator_without_a_kernel_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    graph = graph_of(tmp_path, "  - {op: conv2d 1x1, out: 8}\n  - {op: gelu}\n  - {op: tanh}\n")
    runtime = load_runtime("tflite-2.1")
    poorer = replace(runtime, rules={k: v for k, v in runtime.rules.items() if k not in {"gelu", "tanh"}})
    with pytest.raises(InputError) as caught:
        map_to_kernels(graph, poorer)
    assert caught.value.codes == ("MB400", "MB400")
    kernels = map_to_kernels(graph, poorer, estimate_unsupported=True)
    assert [kernel.kind for kernel in kernels] == ["pointwise", "elementwise", "elementwise"]

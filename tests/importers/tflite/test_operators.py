"""Every operator that the importer knows: the layers that come of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mbcost.graph import LayerGraph, build_graph
from mbcost.importers.tflite import read_tflite
from mbcost.importers.tflite.convert import CONVERTERS
from tests.importers.tflite.build import Model
from tests.importers.tflite.cases import CASES, Build, Rows, dilated, folded, image, with_constant


def graph_of(tmp_path: Path, build: Build, dtype: str = "FLOAT32", **more: Any) -> LayerGraph:
    model = Model(dtype)
    outputs = build(model)
    path = tmp_path / "net.tflite"
    path.write_bytes(model.finish(*(outputs if isinstance(outputs, list) else [outputs])))
    return build_graph(read_tflite(path, **more))


def rows(graph: LayerGraph) -> Rows:
    return [(layer.op, str(layer.output_shape)) for layer in graph.layers]


@pytest.mark.parametrize(("build", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_layers(tmp_path: Path, build: Build, expected: Rows) -> None:
    if expected:
        assert rows(graph_of(tmp_path, build)) == expected
    else:  # nothing is left of it: only what follows is a layer
        assert rows(graph_of(tmp_path, lambda m: m.op("RELU", [y := build(m)], m.shape(y))))[0][0] == "relu"


def test_every_converter_has_a_case() -> None:
    assert not {name for name in CONVERTERS if not any(name in case[0] for case in CASES)}


def test_counts_of_a_dilated_and_of_a_padded_convolution(tmp_path: Path) -> None:
    conv = graph_of(tmp_path, dilated).layers[0]
    assert (conv.cost.macs, conv.cost.im2col_elements) == (8 * 8 * 7 * 9 * 4, 8 * 8 * 9 * 4)
    assert conv.operator.dilation == (2, 2)
    assert conv.operator.padding == "same"
    padded = graph_of(tmp_path, folded).layers[0]
    assert padded.cost.macs == 4 * 3 * 16 * 9 * 12
    assert padded.input_shapes[0] == (8, 6, 12)


def test_shared_weights_are_parameters_once(tmp_path: Path) -> None:
    def build(m: Model) -> int:
        x, weights = image(m), m.weights(12, 1, 1, 12)
        for _ in range(2):
            x = m.op("CONV_2D", [x, weights], m.shape(x), kind="Conv2DOptions", Padding=0, StrideW=1, StrideH=1)
        return x

    graph = graph_of(tmp_path, build)
    assert [layer.owns_weights for layer in graph.layers] == [True, False]


def test_constants_with_one_value_are_no_parameters(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, lambda m: m.binary("MUL", image(m), m.scalar(0.5)))
    assert graph.layers[0].cost.weight_elements == 0
    graph = graph_of(tmp_path, lambda m: with_constant(m, "MUL", 12))
    assert graph.layers[0].cost.weight_elements == 12


def test_names_are_the_first_of_those_that_a_converter_joined(tmp_path: Path) -> None:
    def build(m: Model) -> int:
        x = m.conv(image(m), 4, activation="RELU")
        m.tensors[x] = ("net/conv1/Relu;net/conv1/BiasAdd;", *m.tensors[x][1:])
        return x

    graph = graph_of(tmp_path, build)
    assert [layer.name for layer in graph.layers] == ["net_conv1_Relu", "net_conv1_Relu_relu"]


def test_a_batch_of_several_is_counted_for_one_image(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, lambda m: m.dense(m.mean(m.conv(image(m, 4, 8, 8, 3), 5), 1, 2), 10))
    assert rows(graph) == [("conv2d", "8x8x5"), ("global_avg_pool", "1x1x5"), ("dense", "1x1x10")]
    assert graph.cost.macs == 64 * 3 * 5 + 50


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    def build(m: Model) -> list[int]:
        vector, x = m.input(1, 12, name="vector"), image(m)
        return [m.binary("MUL", x, vector), m.conv(x, 3)]

    graph = graph_of(tmp_path, build)
    assert graph.input_shape == (8, 6, 12)
    assert graph.outputs == (0, 1)


def test_weights_only_quantisation_is_noted(tmp_path: Path) -> None:
    model = Model()
    x = image(model)
    w = model.tensor((4, 1, 1, 12), dtype="INT8", data=b"\0", quantization=(0.1, 0))
    y = model.op("CONV_2D", [x, w], (1, 8, 6, 4), kind="Conv2DOptions", Padding=0, StrideW=1, StrideH=1)
    path = tmp_path / "hybrid.tflite"
    path.write_bytes(model.finish(y))
    assert read_tflite(path).notes == ("weights quantised to int8, activations in float",)

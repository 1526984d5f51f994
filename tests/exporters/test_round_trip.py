"""What is written is read back as the same network: the reader and the writer were made apart, and test each other."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import onnx
import pytest
import tflite

import mbcost
from mbcost.architectures.loader import architecture_names
from mbcost.errors import InputError
from mbcost.exporters.export import export
from mbcost.exporters.tflite import OPTION_NUMBERS
from mbcost.graph import LayerGraph, ParamsConvention, build_graph
from mbcost.graph.counting import count_params
from mbcost.networks import load
from tests.breadth import some

#: What a batch norm leaves in a file: a bias.
FOLDED = ParamsConvention("folded")
#: Networks with more weights than the quick tests should write.
LARGE = (
    *("alexnet", "darknet19", "dla102x", "efficientnet_b4", "mobilenet_v1_full_conv", "regnet_x_3_2gf", "resnet50"),
    *("convnext_tiny", "efficientnet_v2_s", "efficientvit_b2", "efficientvit_b3", "mobilenet_v4_conv_large", "yolov8s"),
    *("efficientnet_lite4", "mobileone_s4", "repvgg_a0", "repvgg_a1", "unet", "yolov5s"),
    *("convnext_v2_tiny", "mobilenet_v4_hybrid_large"),
    *("resnext50_32x4d", "ssd300_vgg16", "ssd512_vgg16", "vgg16", "wide_resnet50_2", "xception", "yolov2"),
)
#: Networks that no file is written of: a trained temperature or bias of each head, a convolution of constants.
REFUSED = ("edgenext_small", "edgenext_xx_small", "efficientformer_l1", "efficientformer_l3", "tiny_vit_5m")
EVERY = some([name for name in architecture_names() if name not in REFUSED], never=LARGE)


@cache
def graph_of(name: str) -> LayerGraph:
    return build_graph(load(name))


def read_back(path: Path, content: bytes) -> LayerGraph:
    path.write_bytes(content)
    graph = build_graph(load(str(path)))
    path.unlink()  # or gigabytes would be left
    return graph


def outputs(graph: LayerGraph) -> list[object]:
    return sorted(graph.layers[position].output_shape for position in graph.outputs)


@pytest.mark.parametrize("suffix", [".tflite", ".onnx"])
@pytest.mark.parametrize("name", EVERY)
def test_every_architecture(name: str, suffix: str, tmp_path: Path) -> None:
    graph = graph_of(name)
    again = read_back(tmp_path / f"net{suffix}", export(graph, suffix, "fp32", 0)[suffix])
    assert again.cost.macs == graph.cost.macs
    zeros = zero_biases(graph) - arithmetic_scales(graph) if suffix == ".tflite" else 0
    assert count_params(again, FOLDED) == count_params(graph, FOLDED) + zeros
    assert again.input_shape == graph.input_shape
    assert outputs(again) == outputs(graph)
    assert products(again) == products(graph)


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    with pytest.raises(InputError, match="MB507"):
        export(graph_of(name), ".onnx", "fp32", 0)


def zero_biases(graph: LayerGraph) -> int:
    """Elements of the biases that TFLite's kernels want where a product has none, nor a batch norm to make one of."""
    weighted = [layer for layer in graph.layers if layer.cost.macs and layer.cost.weight_elements]
    bare = [layer for layer in weighted if not layer.cost.bias_elements]
    normed = [layer.inputs[0] for layer in graph.layers if layer.op == "batch_norm"]
    return sum(layer.output_shape.channels for layer in bare if layer.position not in normed)


def arithmetic_scales(graph: LayerGraph) -> int:
    """Elements of scales that TFLite has as those of a batch norm, folded to its shift: of norms, and before shifts."""
    shifted = {layer.inputs[0] for layer in graph.layers if layer.op == "shift" and layer.cost.weight_elements}
    return sum(
        layer.cost.weight_elements
        for layer in graph.layers
        if layer.op in {"layer_norm", "group_norm"} or (layer.op == "scale" and layer.position in shifted)
    )


def products(graph: LayerGraph) -> list[tuple[object, ...]]:
    """Shapes of all products, in order."""
    return [(layer.input_shapes[0], layer.output_shape) for layer in graph.layers if layer.cost.macs]


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
@pytest.mark.parametrize("suffix", [".tflite", ".onnx"])
def test_precisions_alphas_and_rectangles(suffix: str, precision: str, tmp_path: Path) -> None:
    for name, alpha in (("mobilenet_v2", 0.35), ("mobilenet_v3_small", 0.75), ("shufflenet_v1", 1.0)):
        graph = build_graph(load(name), alpha=alpha, resolution=(64, 96))
        again = read_back(tmp_path / f"{name}{suffix}", export(graph, suffix, precision, 0)[suffix])
        assert again.cost.macs == graph.cost.macs
        assert count_params(again, FOLDED) == count_params(graph, FOLDED)
        assert products(again) == products(graph)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
@pytest.mark.parametrize("name", ["mobilenet_v3_small", "shufflenet_v2", "ssdlite_mobilenet_v3_small"])
def test_onnx_is_valid(name: str, precision: str) -> None:
    """By the checker and the shape inference of the onnx package."""
    model = onnx.load_model_from_string(export(graph_of(name), ".onnx", precision, 0)[".onnx"])
    onnx.checker.check_model(model, full_check=True)


def test_tflite_by_generated_code() -> None:
    """The code that flatc makes of the schema reads the same numbers."""
    graph = build_graph(load("mobilenet_v2"), resolution=(96, 64))
    content = export(graph, ".tflite", "int8", 0)[".tflite"]
    model = tflite.Model.GetRootAs(content, 0)
    main = model.Subgraphs(0)
    tensor = main.Tensors(main.Inputs(0))
    assert tensor.ShapeAsNumpy().tolist() == [1, 96, 64, 3]
    assert tensor.Type() == tflite.TensorType.INT8
    first = main.Operators(0)
    weights = main.Tensors(first.Inputs(1))
    # Sandler et al. 2018, Table 2: 32 filters of 3 x 3 x 3
    assert weights.ShapeAsNumpy().tolist() == [32, 3, 3, 3]
    assert weights.Quantization().ScaleLength() == 32
    assert model.Buffers(weights.Buffer()).DataLength() == 32 * 27
    assert model.OperatorCodes(first.OpcodeIndex()).BuiltinCode() == tflite.BuiltinOperator.CONV_2D
    assert all(
        model.Buffers(i).DataLength() == 0 or data_start(model, i) % 16 == 0 for i in range(model.BuffersLength())
    )


def data_start(model: tflite.Model, i: int) -> int:
    buffer = model.Buffers(i)
    return int(buffer._tab.Vector(buffer._tab.Offset(4)))


def test_numbers_of_options() -> None:
    assert {name: getattr(tflite.BuiltinOptions, name) for name in OPTION_NUMBERS} == OPTION_NUMBERS


def test_same_seed_same_file(tmp_path: Path) -> None:
    contents = []
    for i, seed in enumerate((1, 1, 2)):
        path = tmp_path / f"{i}.onnx"
        mbcost.convert("mobilenet_v3_small", path, seed=seed, alpha=0.35, resolution=32)
        contents.append(path.read_bytes())
    assert contents[0] == contents[1] != contents[2]

"""What written files compute: by the reference of the onnx package, and by the runtimes where they are installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from mbcost.exporters.evaluation import evaluate, outputs, sample_input
from mbcost.exporters.export import export
from mbcost.exporters.lowering import lower
from mbcost.exporters.program import PRODUCTS, Array, Program
from mbcost.graph import LayerGraph, build_graph
from mbcost.networks import load
from tests.exporters.tables import TABLES, graph_of

#: Largest difference, of the largest output: rounding of float32, and of what a precision keeps.
BOUNDS = {"fp32": 1e-4, "fp16": 1e-2}
#: Smallest correlation of int8 with float32 (softmax and sums of few elements round the most).
CORRELATION = 0.97
ARCHITECTURES = (
    *("densenet121", "efficientnet_b0", "googlenet", "mnasnet_a1", "mobilenet_v1", "mobilenet_v2"),
    *("mobilenet_v3_large", "resnet18", "shufflenet_v1", "shufflenet_v2", "squeezenet1_1", "ssdlite_mobilenet_v2"),
)


def sample(name: str) -> tuple[LayerGraph, Program, Array]:
    """A small network, or an architecture at a small resolution; its program and an input."""
    if name in TABLES:
        graph = graph_of(name)
    else:
        graph = build_graph(load(name), resolution=None if name.startswith("ssd") else (64, 96))
    program = lower(graph, 0)
    return graph, program, sample_input(program, 1)


def agree(expected: list[Array], found: list[Any], precision: str) -> None:
    assert len(expected) == len(found)
    for one, other in zip(expected, found, strict=True):
        assert np.std(one) > 0
        flat = np.asarray(other, np.float32).reshape(one.shape)
        if precision == "int8":
            assert np.corrcoef(one.ravel(), flat.ravel())[0, 1] > CORRELATION
        else:
            assert np.abs(one - flat).max() <= BOUNDS[precision] * np.abs(one).max()


def last(x: Any) -> Any:
    """A map of channels, height and width with its channels last."""
    return x.transpose(0, 2, 3, 1) if x.ndim == 4 else x


@pytest.mark.parametrize("name", TABLES)
def test_by_the_reference_of_onnx(name: str) -> None:
    graph, program, x = sample(name)
    model = onnx.load_model_from_string(export(graph, ".onnx", "fp32", 0)[".onnx"])
    onnx.checker.check_model(model, full_check=True)
    found = ReferenceEvaluator(model).run(None, {"input": x.transpose(0, 3, 1, 2)})
    agree(outputs(program, x), [last(array) for array in found], "fp32")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_values_neither_vanish_nor_grow(name: str) -> None:
    """Through up to 120 products, each of which would change the spread by its gain if that were off."""
    _, program, x = sample(name)
    products = {node.output for node in program.nodes if node.op in PRODUCTS}
    spreads = [float(np.std(array)) for tensor, array in evaluate(program, x) if tensor in products]
    assert len(spreads) > 15
    assert min(spreads) > 0.01
    assert max(spreads) < 100


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
@pytest.mark.parametrize("name", [*TABLES, *ARCHITECTURES])
def test_by_onnx_runtime(name: str, precision: str) -> None:
    runtime = pytest.importorskip("onnxruntime")
    graph, program, x = sample(name)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(export(graph, ".onnx", precision, 0)[".onnx"], options)
    given = x.transpose(0, 3, 1, 2).astype(np.float16 if precision == "fp16" else np.float32)
    agree(outputs(program, x), [last(array) for array in session.run(None, {"input": given})], precision)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
@pytest.mark.parametrize("name", [*TABLES, *ARCHITECTURES])
def test_by_litert(name: str, precision: str) -> None:
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    if name == "rare" or (precision == "int8" and name == "arithmetic"):
        pytest.skip("it is refused: TFLite has no mish, and no quotient in int8")
    graph, program, x = sample(name)
    interpreter = litert.Interpreter(model_content=export(graph, ".tflite", precision, 0)[".tflite"], num_threads=1)
    interpreter.allocate_tensors()
    (given,) = interpreter.get_input_details()
    interpreter.set_tensor(given["index"], packed(x, given))
    interpreter.invoke()
    found = [real(interpreter.get_tensor(each["index"]), each) for each in interpreter.get_output_details()]
    agree(outputs(program, x), found, precision)


def packed(x: Array, details: dict[str, Any]) -> Any:
    """An input as a file takes it."""
    if details["dtype"] != np.int8:
        return x
    scale, zero_point = details["quantization"]
    return np.clip(np.rint(x / scale) + zero_point, -128, 127).astype(np.int8)


def real(x: Any, details: dict[str, Any]) -> Any:
    """An output as numbers."""
    if details["dtype"] != np.int8:
        return x
    scale, zero_point = details["quantization"]
    return (x.astype(np.float32) - zero_point) * scale


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("name", [*TABLES, *ARCHITECTURES])
def test_by_ncnn(name: str, precision: str, tmp_path: Path) -> None:
    ncnn = pytest.importorskip("ncnn")
    graph, program, x = sample(name)
    for suffix, content in export(graph, ".param", precision, 0).items():
        (tmp_path / f"net{suffix}").write_bytes(content)
    net = ncnn.Net()
    net.opt.num_threads = 1
    for option in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
        setattr(net.opt, option, False)
    assert net.load_param(str(tmp_path / "net.param")) == 0
    assert net.load_model(str(tmp_path / "net.bin")) == 0
    extractor = net.create_extractor()
    given = np.ascontiguousarray(x[0].transpose(2, 0, 1))  # a Mat does not keep it alive
    extractor.input("input", ncnn.Mat(given).clone())
    found = []
    for i in range(len(program.outputs)):
        code, blob = extractor.extract(f"output{i}")
        assert code == 0
        array = np.array(blob)
        found.append(array.transpose(1, 2, 0) if array.ndim == 3 else array)
    agree(outputs(program, x), found, precision)

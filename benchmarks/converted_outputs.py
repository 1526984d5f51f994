"""Outputs of the files that ``mbcost convert`` writes, runtime by runtime, beside those of NumPy.

    python -m pip install ai-edge-litert onnxruntime ncnn torch
    python benchmarks/converted_outputs.py --precision fp32

Prints a table: the largest difference of an output from NumPy's fp32, of the largest output; for int8 the correlation.
What is not installed is left out. Ends with 1 if an fp32 output is off by more than 1e-4.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mbcost.architectures.loader import architecture_names
from mbcost.errors import InputError
from mbcost.exporters.evaluation import EVALUATIONS, Evaluation, outputs, padded, sample_input
from mbcost.exporters.export import export
from mbcost.exporters.lowering import lower
from mbcost.exporters.program import Array, Node, Program
from mbcost.graph import LayerGraph, build_graph
from mbcost.networks import load

#: Largest difference of fp32 [of the largest output].
BOUND = 1e-4


class Case(NamedTuple):
    """A network with an input, to be run in a precision."""

    graph: LayerGraph
    program: Program
    x: Array
    precision: str


Runner = Callable[[Case], list[Any]]


def litert(case: Case) -> list[Any]:
    """By LiteRT with XNNPACK."""
    from ai_edge_litert.interpreter import Interpreter

    content = export(case.graph, ".tflite", case.precision, 0)[".tflite"]
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    (given,) = interpreter.get_input_details()
    scale, zero = given["quantization"]
    x = case.x if given["dtype"] != np.int8 else np.clip(np.rint(case.x / scale) + zero, -128, 127).astype(np.int8)
    interpreter.set_tensor(given["index"], x)
    interpreter.invoke()
    found = []
    for each in interpreter.get_output_details():
        array, (scale, zero) = interpreter.get_tensor(each["index"]), each["quantization"]
        found.append((array.astype(np.float32) - zero) * scale if each["dtype"] == np.int8 else array)
    return found


def onnxruntime(case: Case) -> list[Any]:
    """By ONNX Runtime on the CPU."""
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = 1
    session = InferenceSession(export(case.graph, ".onnx", case.precision, 0)[".onnx"], options)
    given = case.x.transpose(0, 3, 1, 2).astype(np.float16 if case.precision == "fp16" else np.float32)
    return [y.transpose(0, 2, 3, 1) if y.ndim == 4 else y for y in session.run(None, {"input": given})]


def ncnn(case: Case) -> list[Any]:
    """By ncnn, in fp32 arithmetic."""
    from ncnn import Mat, Net

    with tempfile.TemporaryDirectory() as folder:
        for suffix, content in export(case.graph, ".param", case.precision, 0).items():
            (Path(folder) / f"net{suffix}").write_bytes(content)
        net = Net()
        net.opt.num_threads = 1
        for option in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
            setattr(net.opt, option, False)
        net.load_param(f"{folder}/net.param")
        net.load_model(f"{folder}/net.bin")
        extractor, given = net.create_extractor(), np.ascontiguousarray(case.x[0].transpose(2, 0, 1))
        extractor.input("input", Mat(given).clone())
        found = [np.array(extractor.extract(f"output{i}")[1]) for i in range(len(case.program.outputs))]
    return [y.transpose(1, 2, 0) if y.ndim == 3 else y for y in found]


def pytorch(case: Case) -> list[Any]:
    """The program with PyTorch's products, poolings, resizing and normalisations in place of NumPy's."""
    from unittest import mock

    with mock.patch.dict(EVALUATIONS, torch_evaluations()):
        return outputs(case.program, case.x)


def torch_evaluations() -> dict[str, Evaluation]:
    """Primitive operators as PyTorch has them."""
    import torch
    from torch.nn import functional

    def first(x: Array) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))

    def last(x: torch.Tensor) -> Any:
        return x.numpy().transpose(0, 2, 3, 1)

    def bias(inputs: list[Array]) -> torch.Tensor | None:
        return torch.from_numpy(np.ascontiguousarray(inputs[2])) if len(inputs) > 2 else None

    def conv(node: Node, inputs: list[Array]) -> Any:
        depthwise = node.op == "depthwise"
        weights = inputs[1].transpose(3, 0, 1, 2) if depthwise else inputs[1].transpose(0, 3, 1, 2)
        groups = inputs[0].shape[3] if depthwise else node.settings["groups"]
        x, kernel = first(padded(inputs[0], node.settings["pads"])), torch.from_numpy(np.ascontiguousarray(weights))
        stride, dilation = node.settings["stride"], node.settings["dilation"]
        return last(functional.conv2d(x, kernel, bias(inputs), stride, 0, dilation, groups))

    def dense(_: Node, inputs: list[Array]) -> Any:
        return functional.linear(torch.from_numpy(inputs[0]), torch.from_numpy(inputs[1]), bias(inputs)).numpy()

    def max_pool(node: Node, inputs: list[Array]) -> Any:
        x = first(padded(inputs[0], node.settings["pads"], -np.inf))
        return last(functional.max_pool2d(x, node.settings["kernel"], node.settings["stride"]))

    def bilinear(node: Node, inputs: list[Array]) -> Any:
        mode = node.settings["method"]
        how = {"align_corners": False} if mode == "bilinear" else {}
        return last(functional.interpolate(first(inputs[0]), size=node.settings["size"], mode=mode, **how))

    def softmax(_: Node, inputs: list[Array]) -> Any:
        return functional.softmax(torch.from_numpy(inputs[0]), dim=-1).numpy()

    found: dict[str, Evaluation] = dict.fromkeys(("conv", "depthwise"), conv)
    return found | {"dense": dense, "max_pool": max_pool, "resize": bilinear, "softmax": softmax}


RUNNERS: dict[str, tuple[str, Runner]] = {
    "LiteRT": ("ai_edge_litert", litert),
    "ONNX Runtime": ("onnxruntime", onnxruntime),
    "ncnn": ("ncnn", ncnn),
    "PyTorch": ("torch", pytorch),
}


def compared(name: str, size: int, precision: str, runners: dict[str, Runner]) -> dict[str, float | str]:
    """Runtime -> difference or correlation, or why there is none."""
    graph = build_graph(load(name), resolution=None if name.startswith("ssd") else size)
    program = lower(graph, 0)
    case = Case(graph, program, sample_input(program, 1), precision)
    expected = outputs(program, case.x)
    row: dict[str, float | str] = {}
    for title, run in runners.items():
        try:
            found = run(case)
        except InputError as error:
            row[title] = error.codes[0]
            continue
        pairs = [(one, np.asarray(y, np.float32).reshape(one.shape)) for one, y in zip(expected, found, strict=True)]
        if precision == "int8":
            row[title] = min(float(np.corrcoef(one.ravel(), y.ravel())[0, 1]) for one, y in pairs)
        else:
            row[title] = max(float(np.abs(one - y).max() / np.abs(one).max()) for one, y in pairs)
    return row


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="networks; all that ship if there are none")
    parser.add_argument("--precision", default="fp32", choices=("fp32", "fp16", "int8"))
    parser.add_argument("--resolution", type=int, default=96)
    arguments = parser.parse_args()
    installed = {title: run for title, (package, run) in RUNNERS.items() if importlib.util.find_spec(package)}
    if arguments.precision != "fp32":
        installed.pop("PyTorch", None)
    if arguments.precision == "int8":
        installed.pop("ncnn", None)
    worst = 0.0
    print(f"| network | {' | '.join(installed)} |\n|---|{'--:|' * len(installed)}")
    for name in arguments.names or architecture_names():
        row = compared(name, arguments.resolution, arguments.precision, installed)
        form = ".4f" if arguments.precision == "int8" else ".1e"
        cells = [format(cell, form) if isinstance(cell, float) else cell for cell in row.values()]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
        worst = max([worst, *(cell for cell in row.values() if isinstance(cell, float))])
    return int(arguments.precision == "fp32" and worst > BOUND)


if __name__ == "__main__":
    sys.exit(main())

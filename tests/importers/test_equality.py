"""One network from every format: the same MACs, parameters, shapes, kernels and latency as from its table.

A fully connected layer and a 1x1 convolution of one pixel are the same matrix-vector product, and networks have either
for the same layer (MobileNet V3's head is convolutions in its table and ``Linear`` in torchvision). Runtimes launch
them under different names, so a kernel keeps the name that its format gives it; here they compare as equal.

The PyTorch modules have batch norms with statistics: of untrained ones PyTorch's exporters leave out biases that are
all zero, and keep one copy of weights that are all equal.
"""

from __future__ import annotations

import logging
import warnings
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import mbcost
from mbcost.architectures import ArchitectureSpec
from mbcost.graph import LayerGraph, ParamsConvention, build_graph, count_macs, count_params
from mbcost.kernels import Kernel, load_runtime, map_to_kernels
from tests.importers.tflite.from_table import as_tflite

#: Table, and the name of its module in tests/importers/pytorch/networks.py.
NETWORKS = {
    "mobilenet_v1": "MobileNet V1",
    "mobilenet_v2": "MobileNet V2",
    "mobilenet_v3_large": "MobileNet V3-Large",
    "resnet50": "ResNet-50",
    "squeezenet1_1": "SqueezeNet 1.1",
    "shufflenet_v2": "ShuffleNet V2",
    "densenet121": "DenseNet-121",
}
SIZES = (1, 3, 224, 224)
every_network = pytest.mark.parametrize("name", NETWORKS)


class Work(NamedTuple):
    """What a kernel does."""

    kind: str
    macs: int
    elementwise_ops: int
    input_elements: int
    output_elements: int
    weight_elements: int
    output_shape: tuple[int, ...]


def work(kernel: Kernel) -> Work:
    main = kernel.main
    vector = kernel.kind == "pointwise" and main.input_shapes[0].pixels == 1
    counted = (getattr(kernel, name) for name in Work._fields[1:-1])
    return Work("dense" if vector else kernel.kind, *counted, tuple(main.output_shape))


class Counts(NamedTuple):
    """What has to agree."""

    macs: int
    folded_params: int
    input_shape: tuple[int, ...]
    kernels: list[Work]


def counts(graph: LayerGraph) -> Counts:
    kernels = map_to_kernels(graph, load_runtime("tflite-2.1"))
    folded = count_params(graph, ParamsConvention("folded"))
    return Counts(count_macs(graph), folded, tuple(graph.input_shape), [work(kernel) for kernel in kernels])


@cache
def table(name: str) -> LayerGraph:
    return build_graph(mbcost.load(name))


def assert_same(spec: ArchitectureSpec, name: str, *, latency: float = 0.0) -> None:
    """That a network is the table's; its latency up to this share of it."""
    assert counts(build_graph(spec)) == counts(table(name))
    wanted = mbcost.analyze(name, device="pixel1").latency_s
    assert mbcost.analyze(spec, device="pixel1").latency_s == pytest.approx(wanted, rel=latency, abs=0)


# -- TensorFlow Lite --------------------------------------------------------------------------------------------------


@every_network
@pytest.mark.parametrize("pad_first", [False, True], ids=["same", "pad, then valid"])
def test_tflite(tmp_path: Path, name: str, pad_first: bool) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(as_tflite(table(name), pad_first=pad_first))
    assert_same(mbcost.load(path), name)


# -- PyTorch and ONNX -------------------------------------------------------------------------------------------------


@cache
def module_of(name: str) -> Any:
    """A network with batch norms that have seen something; not to be changed."""
    torch = pytest.importorskip("torch")
    from tests.importers.pytorch.networks import NETWORKS as MODULES

    module: Any = MODULES[NETWORKS[name]][0]()
    random = torch.Generator().manual_seed(1)
    for item in module.modules():
        if isinstance(item, torch.nn.BatchNorm2d):
            for tensor in (item.weight, item.bias, item.running_mean, item.running_var):
                tensor.detach().copy_(torch.rand(tensor.shape, generator=random) + 0.5)
    return module.eval()


def exported(module: Any, path: Path, **options: Any) -> Path:
    """The module as an ONNX file."""
    torch = pytest.importorskip("torch")
    options.setdefault("dynamo", False)
    if options["dynamo"]:
        options |= {"external_data": False, "verbose": False}
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (torch.zeros(SIZES),), str(path), **options)
    logging.disable(logging.NOTSET)
    return path


@every_network
def test_pytorch(name: str) -> None:
    spec = mbcost.from_torch(module_of(name), SIZES)
    assert_same(spec, name)
    assert count_params(build_graph(spec)) == count_params(table(name))


@every_network
def test_onnx(tmp_path: Path, name: str) -> None:
    assert_same(mbcost.load(exported(module_of(name), tmp_path / "net.onnx")), name)


# the others agree as well, and take a minute
@pytest.mark.parametrize("name", ["mobilenet_v3_large", "squeezenet1_1", "shufflenet_v2"])
def test_onnx_of_the_newer_exporter(tmp_path: Path, name: str) -> None:
    pytest.importorskip("onnxscript")
    assert_same(mbcost.load(exported(module_of(name), tmp_path / "net.onnx", dynamo=True)), name)


def test_onnx_with_batch_norm(tmp_path: Path) -> None:
    module, name = module_of("mobilenet_v1"), "mobilenet_v1"
    torch = pytest.importorskip("torch")
    spec = mbcost.load(exported(module, tmp_path / "net.onnx", training=torch.onnx.TrainingMode.PRESERVE))
    assert_same(spec, name)
    assert count_params(build_graph(spec)) == count_params(table(name))


def test_onnx_before_hard_swish_was_an_operator(tmp_path: Path) -> None:
    path = exported(module_of("mobilenet_v3_large"), tmp_path / "net.onnx", opset_version=9)
    assert_same(mbcost.load(path), "mobilenet_v3_large")


# -- other ways of writing the same network ---------------------------------------------------------------------------


def rewritten(module: Any, rules: dict[type, Any]) -> Any:
    """A module with its parts replaced, by type."""
    for name, child in module.named_children():
        rule = next((rules[kind] for kind in rules if type(child) is kind), None)
        setattr(module, name, rewritten(child, rules) if rule is None else rule(child))
    return module


def other_ways(torch: Any) -> dict[str, tuple[str, dict[type, Any]]]:
    """Name: table, and what to write differently."""
    nn, functional = torch.nn, torch.nn.functional

    class Function(nn.Module):
        def __init__(self, function: Any) -> None:
            super().__init__()
            self.function = function

        def forward(self, x: Any) -> Any:
            return self.function(x)

    def linear(conv: Any) -> Any:
        """A 1x1 convolution as a fully connected layer, between views."""
        if conv.kernel_size != (1, 1) or conv.bias is None:
            return conv
        return nn.Sequential(
            nn.Flatten(), nn.Linear(conv.in_channels, conv.out_channels), nn.Unflatten(1, (conv.out_channels, 1, 1))
        )

    def padded(window: Any) -> Any:
        """Zeros by an operator of their own."""
        size = window.padding if isinstance(window.padding, int) else window.padding[0]
        window.padding = 0 if isinstance(window.padding, int) else (0, 0)
        return nn.Sequential(nn.ZeroPad2d(size), window)

    return {
        "functions taken apart": (
            "mobilenet_v3_large",
            {
                nn.Hardswish: lambda _: Function(lambda x: x * functional.relu6(x + 3) / 6),
                nn.Hardsigmoid: lambda _: Function(lambda x: functional.relu6(x + 3) / 6),
                nn.AdaptiveAvgPool2d: lambda _: Function(lambda x: x.mean((2, 3), keepdim=True)),
            },
        ),
        "vectors through linear layers": ("mobilenet_v3_large", {nn.Conv2d: linear}),
        "dropout, pooling of the map's size": (
            "mobilenet_v1",
            {
                nn.ReLU6: lambda act: nn.Sequential(act, nn.Dropout2d()),
                nn.AdaptiveAvgPool2d: lambda _: nn.AvgPool2d(7),
            },
        ),
        "zeros by themselves": ("shufflenet_v2", {nn.Conv2d: padded, nn.MaxPool2d: padded}),
    }


WAYS = [
    "functions taken apart",
    "vectors through linear layers",
    "dropout, pooling of the map's size",
    "zeros by themselves",
]


@pytest.mark.parametrize("form", ["pytorch", "onnx"])
@pytest.mark.parametrize("way", WAYS)
def test_another_way_of_writing(tmp_path: Path, way: str, form: str) -> None:
    name, rules = other_ways(pytest.importorskip("torch"))[way]
    module = rewritten(deepcopy(module_of(name)), rules)
    spec = mbcost.from_torch(module, SIZES) if form == "pytorch" else mbcost.load(exported(module, tmp_path / "a.onnx"))
    # a fully connected layer is charged without its few activations
    assert_same(spec, name, latency=1e-3 if "linear" in way else 0.0)

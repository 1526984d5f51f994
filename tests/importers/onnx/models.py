"""ONNX models made with ``onnx.helper``: small ones around single operators, and MobileNet V2 as exporters write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

Dims = Sequence[int | str | None]


@dataclass
class Net:
    """Nodes and weights of a graph, one after the other; each node's first output is its name."""

    opset: int = 17
    nodes: list[NodeProto] = field(default_factory=list)
    weights: list[TensorProto] = field(default_factory=list)
    infos: list[Any] = field(default_factory=list)

    def weight(self, dims: Sequence[int], name: str | None = None) -> str:
        """A float weight of a shape; what its numbers are does not matter."""
        name = name or f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.zeros(tuple(dims), np.float32), name))
        return name

    def numbers(self, values: Any, dtype: Any = np.int64) -> str:
        """A constant whose numbers matter."""
        name = f"k{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def node(self, op_type: str, *inputs: str, domain: str = "", outputs: int = 1, **attributes: Any) -> str:
        name = f"{op_type.lower()}{len(self.nodes)}"
        names = [name, *(f"{name}_{i}" for i in range(1, outputs))]
        self.nodes.append(helper.make_node(op_type, list(inputs), names, name, domain=domain, **attributes))
        return name

    def model(self, outputs: Sequence[str], inputs: Mapping[str, Dims]) -> ModelProto:
        graph = helper.make_graph(
            self.nodes,
            "net",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in inputs.items()],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            self.weights,
            value_info=self.infos,
        )
        domains = {node.domain for node in self.nodes} - {""}
        opsets = [helper.make_opsetid("", self.opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
        return helper.make_model(graph, opset_imports=opsets, producer_name="tests")

    def save(self, folder: Path, output: str | Sequence[str], dims: Dims = (1, 8, 14, 14), **more: Dims) -> Path:
        """Write the model; its image input is ``x``."""
        outputs = [output] if isinstance(output, str) else list(output)
        path = folder / "net.onnx"
        path.write_bytes(self.model(outputs, {"x": dims, **more}).SerializeToString())
        return path


def mobilenet_v2(*, folded: bool) -> ModelProto:
    """MobileNet V2 at alpha 1 (Sandler et al. 2018, arXiv:1801.04381, Table 2), as PyTorch's exporter writes it.

    `folded`: batch norm has become the bias of its convolution.
    """
    net = Net(opset=13)
    least, most = net.numbers(0.0, np.float32), net.numbers(6.0, np.float32)

    def conv(x: str, channels: int, out: int, kernel: int, stride: int, groups: int, *, act: bool = True) -> str:
        inputs = [x, net.weight((out, channels // groups, kernel, kernel))]
        inputs += [net.weight((out,))] if folded else []
        pads = [kernel // 2] * 4
        x = net.node("Conv", *inputs, strides=[stride] * 2, pads=pads, group=groups, kernel_shape=[kernel] * 2)
        if not folded:
            x = net.node("BatchNormalization", x, *(net.weight((out,)) for _ in range(4)))
        return net.node("Clip", x, least, most) if act else x

    x, channels = conv("x", 3, 32, 3, 2, 1), 32
    table = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for t, c, n, s in table:
        for i in range(n):
            entry, hidden, stride = x, channels * t, s if i == 0 else 1
            if t > 1:
                x = conv(x, channels, hidden, 1, 1, 1)
            x = conv(x, hidden, hidden, 3, stride, hidden)
            x = conv(x, hidden, c, 1, 1, 1, act=False)
            if stride == 1 and channels == c:
                x = net.node("Add", entry, x)
            channels = c
    x = conv(x, 320, 1280, 1, 1, 1)
    x = net.node("Flatten", net.node("GlobalAveragePool", x))
    x = net.node("Gemm", x, net.weight((1000, 1280)), net.weight((1000,)), transB=1)
    return net.model([x], {"x": ("batch", 3, 224, 224)})


def subgraph(name: str) -> AttributeProto:
    """An attribute that holds a graph, as those of control flow do."""
    return helper.make_attribute(name, helper.make_graph([], name, [], []))

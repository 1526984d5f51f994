"""Write a small classifier as an ONNX file, for trying things out: ``python examples/write_onnx.py model.onnx``.

Needs the onnx package: ``python -m pip install onnx``.
"""

import sys

import numpy as np
import onnx
from onnx import helper, numpy_helper

#: Input and output channels, window, stride and groups of the convolutions.
CONVOLUTIONS = [(3, 16, 3, 2, 1), (16, 16, 3, 1, 16), (16, 32, 1, 1, 1), (32, 32, 3, 2, 32), (32, 64, 1, 1, 1)]


def classifier(classes: int = 10) -> onnx.ModelProto:
    nodes, weights, last = [], [], "image"
    for i, (channels, out, window, stride, groups) in enumerate(CONVOLUTIONS):
        shape = (out, channels // groups, window, window)
        weights.append(numpy_helper.from_array(np.zeros(shape, np.float32), f"w{i}"))
        padding = [window // 2] * 4
        attributes = {"kernel_shape": [window] * 2, "strides": [stride] * 2, "pads": padding, "group": groups}
        nodes.append(helper.make_node("Conv", [last, f"w{i}"], [f"conv{i}"], f"conv{i}", **attributes))
        nodes.append(helper.make_node("Relu", [f"conv{i}"], [f"relu{i}"], f"relu{i}"))
        last = f"relu{i}"
    weights.append(numpy_helper.from_array(np.zeros((classes, CONVOLUTIONS[-1][1]), np.float32), "fc"))
    nodes.append(helper.make_node("GlobalAveragePool", [last], ["mean"], "mean"))
    nodes.append(helper.make_node("Flatten", ["mean"], ["flat"], "flatten"))
    nodes.append(helper.make_node("Gemm", ["flat", "fc"], ["scores"], "dense", transB=1))
    image = helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, (1, 3, 224, 224))
    scores = helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, (1, classes))
    graph = helper.make_graph(nodes, "classifier", [image], [scores], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


if __name__ == "__main__":
    path = sys.argv[1] if len(sys.argv) > 1 else "model.onnx"
    onnx.save(classifier(), path)
    print(f"wrote {path}")

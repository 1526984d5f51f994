"""Names of layers: PyTorch's exporter writes the path of a node's module into its metadata."""

from __future__ import annotations

from pathlib import Path

import pytest

import mbcost

onnx = pytest.importorskip("onnx")

SCOPES = "pkg.torch.onnx.name_scopes"


def names(tmp_path: Path, *metadata: tuple[str, str]) -> list[str]:
    """The names of the layers of two ReLUs, of which the first has metadata."""
    helper = onnx.helper
    shape = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, (1, 8, 4, 4))
    end = helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, (1, 8, 4, 4))
    nodes = [helper.make_node("Relu", ["x"], ["y"], "node_relu"), helper.make_node("Relu", ["y"], ["z"], "node_relu_1")]
    if not hasattr(nodes[0], "metadata_props"):
        pytest.skip("this version of onnx has no metadata of nodes")
    for key, value in metadata:
        nodes[0].metadata_props.add(key=key, value=value)
    model = helper.make_model(
        helper.make_graph(nodes, "g", [shape], [end]), opset_imports=[helper.make_opsetid("", 17)]
    )
    onnx.save(model, tmp_path / "net.onnx")
    analysis = mbcost.analyze(tmp_path / "net.onnx", "pixel1")
    return [layer.name for layer in analysis.layers if layer.op == "relu"]


def test_a_module_stands_before_the_name(tmp_path: Path) -> None:
    scopes = (SCOPES, "['', 'features', 'features.0', 'features.0.1', 'relu']")
    assert names(tmp_path, ("namespace", "x"), scopes) == ["features.0.1.relu", "node_relu_1"]


@pytest.mark.parametrize(
    "value",
    ["", "[]", "['']", "['', 'relu']", "relu", "['<b>', 'relu']", "[" * 5000, "['" + "a." * 5000 + "', 'relu']"],
)
def test_no_module(tmp_path: Path, value: str) -> None:
    """Of the outermost scope, or what is no list of scopes: the name as it is."""
    assert names(tmp_path, (SCOPES, value)) == ["node_relu", "node_relu_1"]

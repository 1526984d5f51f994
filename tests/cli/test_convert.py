"""``mbcost convert``, and models of other formats on the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import networkx as nx
import pytest

import mbcost
from tests.importers.onnx.models import Net, mobilenet_v2

GRAPHS = ("net.json", "net.graphml", "net.dot")


@pytest.fixture
def v2(tmp_path: Path) -> str:
    path = tmp_path / "v2.onnx"
    path.write_bytes(mobilenet_v2(folded=True).SerializeToString())
    return str(path)


@pytest.fixture
def strange(tmp_path: Path) -> str:
    """A network with an operator that nobody knows, and a dimension that is open."""
    net = Net()
    x = net.node("Conv", "x", net.weight((4, 8, 3, 3)), pads=[1] * 4)
    return str(net.save(tmp_path, net.node("Frob", x, domain="my.ops"), ("batch", 8, "h", 12)))


@pytest.mark.parametrize("name", ["table.yaml", "table.yml", "TABLE.YAML"])
def test_table(cli, v2, tmp_path, name):
    outcome = cli("convert", v2, name)
    assert (outcome.code, outcome.out, outcome.err) == (0, "", f"wrote {name}\n")
    assert cli("architectures", "check", name).code == 0
    # Sandler et al. 2018, Table 2, batch norm folded to a bias: torchvision's 3,504,872 less one a channel
    shown = json.loads(cli("architectures", "show", name, "--format", "json").out)
    assert (shown["macs"], shown["params"]) == (300_774_272, 3_504_872 - 17_056)


def test_a_built_in_network_is_written_at_a_configuration(cli):
    assert cli("convert", "mobilenet_v2", "half.yaml", "--alpha", "0.5", "--resolution", "160").code == 0
    wanted = mbcost.analyze("mobilenet_v2", "pixel1", alpha=0.5, resolution=160)
    assert mbcost.analyze("half.yaml", "pixel1").totals == wanted.totals


def test_existing_files_are_kept(cli, v2, tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text("mine")
    refused = cli("convert", v2, str(path))
    assert refused.code == 2
    assert "error[MB007]" in refused.err
    assert path.read_text() == "mine"
    assert cli("convert", v2, str(path), "--force").code == 0
    assert path.read_text().startswith("name: ")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["v2.onnx", "net.txt"], "MB006", "end it in .yaml, .yml, .graphml, .dot, .json, .tflite, .onnx or .param"),
        (["v2.onnx", "net"], "MB006", "`net` does not say its format"),
        (["gone.onnx", "net.yaml"], "MB001", "no file gone.onnx"),
        (["mobilenet_v9", "net.yaml"], "MB200", "did you mean `mobilenet_v"),
        (["v2.onnx", "net.yaml", "--alpha", "0.5"], "MB010", "are fixed by its weights, so alpha has to be 1"),
        (["v2.onnx", "net.yaml", "--device", "pixel1"], "MB010", "a table holds no latencies"),
        (["v2.onnx", "net.json", "--device", "pixel99"], "MB300", "pixel99"),
        (["v2.onnx", "net.yaml", "--set", "classes=5"], "MB010", "no option `classes`"),
        (["v2.onnx", "gone/net.yaml"], "MB008", "cannot write gone"),
        (["v2.onnx", "net.yaml", "--input-shape", "1x3x"], "MB010", "`--input-shape 1x3x` is not a shape"),
        (["v2.onnx", "net.yaml", "--input-shape", "0x3"], "MB010", "is not a shape"),
        (["v2.onnx", "net.yaml", "--input-shape", "1x3", "--input-shape", "1x3"], "MB010", "given twice"),
        (["v2.onnx", "net.yaml", "--input-shape", "1x3", "--input-shape", "y=1x3"], "MB010", "has no name"),
        (["v2.onnx", "net.yaml", "--input-shape", "y=1x3x224x224"], "MB010", "has no input `y`"),
        (["mobilenet_v2", "net.yaml", "--input-shape", "1x4x224x224"], "MB010", "is no image of 3 channels"),
        (["net:make", "net.yaml", "--input-shape", "x=1x3"], "MB010", "is given without a name"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_mistakes(cli, v2, tmp_path, arguments, code, message):
    before = set(tmp_path.rglob("*"))
    outcome = cli("convert", *arguments)
    assert outcome.code == 2
    assert outcome.err.startswith(f"error[{code}]")
    assert message in outcome.err
    assert set(tmp_path.rglob("*")) == before


def test_json_of_a_graph(cli, v2):
    assert cli("convert", v2, "net.json").code == 0
    graph = json.loads(Path("net.json").read_text())
    assert (graph["schema"], graph["macs"], graph["warnings"]) == ("mbcost/graph/1", 300_774_272, [])
    assert len(graph["nodes"]) == 99
    assert graph["nodes"][0]["output_shape"] == [112, 112, 32]
    assert ["conv0", "clip1"] in graph["edges"]
    assert "latency_ms" not in graph["nodes"][0]


def test_latencies_in_a_graph(cli, v2):
    assert cli("convert", v2, "net.json", "--device", "pixel1", "--resolution", "160").code == 0
    graph = json.loads(Path("net.json").read_text())
    analysis = mbcost.analyze(v2, "pixel1", resolution=160)
    assert graph["latency_ms"] == analysis.latency_s * 1e3
    assert sum(node["latency_ms"] for node in graph["nodes"]) == pytest.approx(graph["latency_ms"])
    assert graph["target"] == "pixel1/cpu@tflite-2018"
    assert graph["warnings"] == list(analysis.warnings)


@pytest.mark.parametrize("device", [(), ("--device", "pixel1")])
def test_graphml_is_read_by_networkx(cli, v2, device):
    assert cli("convert", v2, "net.graphml", *device).code == 0
    graph = nx.read_graphml("net.graphml")
    assert (len(graph), graph.graph["macs"]) == (99, 300_774_272)
    assert nx.is_directed_acyclic_graph(graph)
    node = graph.nodes["conv0"]
    assert (node["op"], node["input_shape"], node["macs"], node["inputs"]) == (
        "conv2d",
        "224x224x3",
        10_838_016,  # 112 * 112 * 32 outputs of 3 * 3 * 3 taps each
        "input",
    )
    assert ("latency_ms" in node) is bool(device)


def test_dot(cli, tiny):
    """The table's name tries to end the string that it stands in."""
    table = Path(tiny)
    table.write_text(table.read_text().replace("name: tiny", 'name: "a\\"; b\\\\"'))
    assert cli("convert", tiny, "net.dot").code == 0
    lines = Path("net.dot").read_text().splitlines()
    assert lines[0] == 'digraph "a\\"; b\\\\" {'
    # 4x4 outputs of 4 channels, 3 * 3 * 3 taps each
    assert '  n0 [label="stem\\nconv2d\\n4x4x4\\n1,728 MACs"];' in lines
    assert re.findall(r"n\d -> n\d", "\n".join(lines)) == ["n0 -> n1", "n1 -> n2"]


@pytest.mark.parametrize("name", ["net.yaml", *GRAPHS])
def test_names_that_try_to_drive_what_reads_them(cli, tiny, name):
    assert cli("convert", tiny, name).code == 0
    assert "\x1b" not in Path(name).read_text()
    if name == "net.graphml":
        nx.read_graphml(name)


@pytest.mark.parametrize("name", ["net.yaml", *GRAPHS])
def test_unknown_operators_are_estimated_on_demand(cli, strange, name):
    shape = ("--input-shape", "x=1x8x10x12")
    refused = cli("convert", strange, name, *shape)
    assert (refused.code, Path(name).exists()) == (2, False)
    assert "operator `my.ops.Frob` is not known" in refused.err
    outcome = cli("convert", strange, name, *shape, "--unsupported", "estimate")
    assert outcome.code == 0
    assert "warning: 1 operator of the model is not known" in outcome.err


def test_analyze_estimates_unknown_operators(cli, strange):
    arguments = ("analyze", strange, "--device", "pixel1", "--input-shape", "1x8x10x12")
    assert "--unsupported estimate" in cli(*arguments).err
    screen = cli(*arguments, "--unsupported", "estimate").out
    assert "1 operator of the model is not known" in " ".join(screen.split())
    warnings = json.loads(cli(*arguments, "--unsupported", "estimate", "--format", "json").out)["warnings"]
    assert any("1 operator of the model is not known" in warning for warning in warnings)


def test_analyze_asks_for_open_dimensions(cli, strange):
    outcome = cli("analyze", strange, "--device", "pixel1", "--unsupported", "estimate")
    assert outcome.code == 2
    assert "error[MB502]" in outcome.err
    assert "--input-shape x=1x8x" in outcome.err


def test_show_a_model(cli, strange):
    arguments = ("architectures", "show", strange, "--input-shape", "1x8x10x12", "--unsupported", "estimate")
    assert "warning: 1 operator" in cli(*arguments).err
    details = json.loads(cli(*arguments, "--format", "json").out)
    assert (details["macs"], len(details["warnings"])) == (10 * 12 * 4 * 9 * 8, 1)


def test_resolution_of_a_model(cli, v2, tmp_path):
    small = json.loads(cli("analyze", v2, "--device", "pixel1", "--resolution", "160", "--format", "json").out)
    # as the table of MobileNet V2 gives at 160 x 160
    assert small["totals"]["macs"] == mbcost.analyze("mobilenet_v2", "pixel1", resolution=160).totals.macs
    net = Net()
    x = net.node("Flatten", net.node("Conv", "x", net.weight((4, 8, 3, 3)), pads=[1] * 4))
    path = net.save(tmp_path, net.node("Gemm", x, net.weight((10, 784)), transB=1))
    outcome = cli("analyze", str(path), "--device", "pixel1", "--resolution", "28")
    assert outcome.code == 2
    assert outcome.err == (
        "error[MB204]: `gemm2`: its weights are made for 784 input channels, at this configuration it gets 3136\n"
        f"  --> {path}\n"
    )


@pytest.mark.slow
def test_a_network_that_is_too_large_for_a_table(cli, tmp_path):
    rows = "\n".join(f"  - {{name: r{i}, op: conv2d 3x3, out: 3, bias: true, padding: 1}}" for i in range(17_000))
    Path("long.yaml").write_text(f"name: long\nsource: s\ninput: 8x8x3\nlayers:\n{rows}\n")
    outcome = cli("convert", "long.yaml", "out.yaml")
    assert (outcome.code, Path("out.yaml").exists()) == (2, False)
    assert "error[MB208]: long has too many layers for a table" in outcome.err
    assert cli("convert", "long.yaml", "out.json").code == 0

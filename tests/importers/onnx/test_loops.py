"""Loop and Scan: a body that runs a known number of times is counted so often, others are refused or "at least"."""

from __future__ import annotations

import json

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import mbcost
from mbcost.__main__ import main
from mbcost.errors import InputError
from mbcost.graph import count_params
from mbcost.importers.onnx import read_onnx

#: 3x3 convolution of 8 channels at 14 x 14: 9 * 8 * 8 * 14 * 14 multiply-accumulates.
CONV = 9 * 8 * 8 * 14 * 14


def value(name, kind=TensorProto.FLOAT, dims=None):
    return helper.make_tensor_value_info(name, kind, dims)


def saved(tmp_path, nodes, weights, *, output="y", dims=(1, 8, 14, 14), opset=17):
    graph = helper.make_graph(nodes, "net", [value("x", dims=dims)], [value(output)], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def weight():
    return numpy_helper.from_array(np.zeros((8, 8, 3, 3), np.float32), "w")


def number(name, content, kind=np.int64):
    return numpy_helper.from_array(np.asarray(content, kind), name)


def conv_body(condition, *, collects=False):
    """A convolution of what is handed on, whose weights lie outside."""
    nodes = [helper.make_node("Conv", ["state", "w"], ["next"], "conv", pads=[1] * 4), *condition]
    outputs = [value("going_on", TensorProto.BOOL), value("next"), *([value("next")] if collects else [])]
    inputs = [value("i", TensorProto.INT64, []), value("going", TensorProto.BOOL, []), value("state")]
    return helper.make_graph(nodes, "body", inputs, outputs, [number("limit", 4)])


ALWAYS = [helper.make_node("Identity", ["going"], ["going_on"])]
#: Until the number of the turn is 4: five turns, of which the first is number 0.
COUNTS = [helper.make_node("Less", ["i", "limit"], ["going_on"])]
COMPUTED = [
    helper.make_node("ReduceMax", ["next"], ["most"], keepdims=0),
    helper.make_node("Cast", ["most"], ["going_on"], to=TensorProto.BOOL),
]


def looped(tmp_path, body, *, most="m", going=""):
    loop = helper.make_node("Loop", [most, going, "x"], ["y"], "loop", body=body)
    weights = [weight(), number("m", 3), number("yes", True, np.bool_), number("no", False, np.bool_)]
    return saved(tmp_path, [loop], weights)


@pytest.mark.parametrize(
    ("condition", "most", "going", "turns"),
    [(ALWAYS, "m", "", 3), (ALWAYS, "m", "yes", 3), (COUNTS, "", "yes", 5), (COUNTS, "m", "", 3)],
)
def test_a_known_number_of_turns(tmp_path, condition, most, going, turns):
    graph = mbcost.build_graph(mbcost.load(looped(tmp_path, conv_body(condition), most=most, going=going)))
    assert graph.cost.macs == turns * CONV
    # all turns have the same weights: parameters and memory are those of one
    assert count_params(graph) == 9 * 8 * 8
    assert sum(layer.cost.weight_elements for layer in graph.layers if layer.owns_weights) == 9 * 8 * 8


def test_parameters_of_a_body_count_once(tmp_path):
    # a bias, a scale and a shift of batch norm, and a slope, 8 elements each
    nodes = [
        helper.make_node("Add", ["state", "v8"], ["a"]),
        helper.make_node("BatchNormalization", ["a", "bn", "bn", "bn", "bn"], ["b"]),
        helper.make_node("PRelu", ["b", "slope"], ["next"]),
        *ALWAYS,
    ]
    outputs = [value("going_on", TensorProto.BOOL), value("next")]
    inputs = [value("i", TensorProto.INT64, []), value("going", TensorProto.BOOL, []), value("state")]
    loop = helper.make_node("Loop", ["m", "", "x"], ["y"], "loop", body=helper.make_graph(nodes, "b", inputs, outputs))
    weights = [number("m", 3), number("v8", np.zeros((8, 1, 1)), np.float32), number("bn", np.zeros(8), np.float32)]
    path = saved(tmp_path, [loop], [*weights, number("slope", np.zeros((8, 1, 1)), np.float32)])
    graph = mbcost.build_graph(mbcost.load(path))
    assert [layer.op for layer in graph.layers] == ["shift", "batch_norm", "prelu"] * 3
    assert count_params(graph) == 8 + 2 * 8 + 8


def test_no_turn(tmp_path):
    with pytest.raises(InputError, match="holds no layer"):
        read_onnx(looped(tmp_path, conv_body(ALWAYS), going="no"))


def test_what_turns_collect(tmp_path):
    loop = helper.make_node("Loop", ["m", "", "x"], ["last", "all"], "loop", body=conv_body(ALWAYS, collects=True))
    reshape = helper.make_node("ReduceMean", ["all"], ["y"], axes=[0], keepdims=0)
    path = saved(tmp_path, [loop, reshape], [weight(), number("m", 3)])
    graph = mbcost.build_graph(mbcost.load(path))
    assert graph.cost.macs == 3 * CONV
    (concat,) = (layer for layer in graph.layers if layer.op == "concat")
    assert len(concat.inputs) == 3
    assert concat.output_shape.elements == 3 * 8 * 14 * 14


def test_turns_that_the_network_decides(tmp_path):
    path = looped(tmp_path, conv_body(COMPUTED), most="", going="yes")
    with pytest.raises(InputError, match="how often its body runs is computed by the network") as refused:
        read_onnx(path)
    assert '`unsupported="estimate"` counts one turn of its body and says so' in str(refused.value)
    found = mbcost.analyze(path, "pixel1", unsupported="estimate")
    assert found.totals.macs == CONV
    assert any("Loop (one turn of its body)" in text and "at least these" in text for text in found.warnings)
    known = mbcost.analyze(looped(tmp_path, conv_body(ALWAYS)), "pixel1")
    assert found.latency_high_s / found.latency_s > known.latency_high_s / known.latency_s


def test_what_decides_how_often_a_body_runs_is_counted(tmp_path):
    inside = [
        helper.make_node("Conv", ["next", "w"], ["seen"], "seen", pads=[1] * 4),
        helper.make_node("ReduceMax", ["seen"], ["most"], keepdims=0),
        helper.make_node("Cast", ["most"], ["going_on"], to=TensorProto.BOOL),
    ]
    path = looped(tmp_path, conv_body(inside), most="", going="yes")
    assert mbcost.build_graph(read_onnx(path, unsupported="estimate")).cost.macs == 2 * CONV
    before = [
        helper.make_node("Conv", ["x", "w"], ["seen"], "seen", pads=[1] * 4),
        helper.make_node("ReduceMax", ["seen"], ["most"], keepdims=0),
        helper.make_node("Cast", ["most"], ["turns"], to=TensorProto.INT64),
        helper.make_node("Loop", ["turns", "", "x"], ["y"], "loop", body=conv_body(ALWAYS)),
    ]
    path = saved(tmp_path, before, [weight()])
    assert mbcost.build_graph(read_onnx(path, unsupported="estimate")).cost.macs == 2 * CONV


def test_at_most_so_many_turns(tmp_path):
    path = looped(tmp_path, conv_body(COMPUTED), most="m")
    with pytest.raises(InputError, match="how often its body runs"):
        read_onnx(path)
    assert mbcost.build_graph(read_onnx(path, unsupported="estimate")).cost.macs == CONV


@pytest.mark.parametrize(("turns", "message"), [(2000, "more than 1024 times"), (10**12, "more than 1024 times")])
def test_too_many_turns(tmp_path, turns, message):
    loop = helper.make_node("Loop", ["m", "", "x"], ["y"], "loop", body=conv_body(ALWAYS))
    with pytest.raises(InputError, match=message):
        read_onnx(saved(tmp_path, [loop], [weight(), number("m", turns)]))


def test_loops_in_loops_have_a_limit(tmp_path):
    inner = helper.make_node("Loop", ["n", "", "state"], ["next"], "inner", body=named_body("b"))
    outputs = [value("going_on", TensorProto.BOOL), value("next")]
    inputs = [value("i", TensorProto.INT64, []), value("going", TensorProto.BOOL, []), value("state")]
    outer = helper.make_graph([inner, *ALWAYS], "outer", inputs, outputs, [number("n", 1000)])
    loop = helper.make_node("Loop", ["m", "", "x"], ["y"], "loop", body=outer)
    with pytest.raises(InputError, match="more than 20000 nodes"):
        read_onnx(saved(tmp_path, [loop], [number("m", 1000)]))


def test_empty_loops_in_loops_have_a_limit(tmp_path):
    body = None
    for depth in range(4):
        inputs = [value(f"i{depth}", TensorProto.INT64, []), value(f"going{depth}", TensorProto.BOOL, [])]
        inputs.append(value(f"state{depth}"))
        nodes, result = [], f"state{depth}"
        if body is not None:
            result = f"next{depth}"
            nodes = [helper.make_node("Loop", ["m", "", f"state{depth}"], [result], f"loop{depth}", body=body)]
        outputs = [value(f"going{depth}", TensorProto.BOOL), value(result)]
        body = helper.make_graph(nodes, f"body{depth}", inputs, outputs)
    loop = helper.make_node("Loop", ["m", "", "x"], ["y"], "loop", body=body)
    with pytest.raises(InputError, match="more than 20000 nodes"):
        read_onnx(saved(tmp_path, [loop], [number("m", 1000)]))


def named_body(name):
    nodes = [
        helper.make_node("Relu", [f"{name}_state"], [f"{name}_next"]),
        helper.make_node("Identity", [f"{name}_going"], [f"{name}_on"]),
    ]
    inputs = [
        value(f"{name}_i", TensorProto.INT64, []),
        value(f"{name}_going", TensorProto.BOOL, []),
        value(f"{name}_state"),
    ]
    return helper.make_graph(nodes, name, inputs, [value(f"{name}_on", TensorProto.BOOL), value(f"{name}_next")])


@pytest.mark.parametrize("axis", [0, 1])
def test_scan_multiplies_each_step(tmp_path, axis):
    # a recurrent layer: 7 steps of x[12] W + h[16] R, with 12 * 16 + 16 * 16 MACs a step
    nodes = [
        helper.make_node("MatMul", ["row", "w"], ["a"]),
        helper.make_node("MatMul", ["h", "r"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["c"]),
        helper.make_node("Tanh", ["c"], ["h_out"]),
        helper.make_node("Identity", ["h_out"], ["kept"]),
    ]
    body = helper.make_graph(nodes, "body", [value("h"), value("row")], [value("h_out"), value("kept")])
    scan = helper.make_node(
        "Scan", ["h0", "x"], ["last", "y"], "scan", body=body, num_scan_inputs=1, scan_input_axes=[axis]
    )
    weights = [
        numpy_helper.from_array(np.zeros(dims, np.float32), name) for name, dims in (("w", (12, 16)), ("r", (16, 16)))
    ]
    weights.append(numpy_helper.from_array(np.zeros((1, 16), np.float32), "h0"))
    path = saved(tmp_path, [scan], weights, dims=(7, 1, 12) if axis == 0 else (1, 7, 12))
    graph = mbcost.build_graph(mbcost.load(path))
    # the first state is a constant, whose product is worked out once
    assert graph.cost.macs == 7 * 12 * 16 + 6 * 16 * 16
    assert count_params(graph) == 12 * 16 + 16 * 16 + 16  # w, r and the first state
    assert "256 MACs on constants alone" in " ".join(mbcost.load(path).notes)


def test_the_command_line_says_what_to_do(capsys, tmp_path):
    path = looped(tmp_path, conv_body(COMPUTED), most="", going="yes")
    assert main(("analyze", str(path), "-d", "pixel1")) == 2
    err = capsys.readouterr().err
    assert "--unsupported estimate counts one turn of its body and says so" in " ".join(err.replace("`", "").split())
    assert main(("analyze", str(path), "-d", "pixel1", "--unsupported", "estimate", "--format", "json")) == 0
    assert json.loads(capsys.readouterr().out)["totals"]["macs"] == CONV

"""What users' files hold: computed operands, batches, functions, branches, recurrent layers, detectors.

Counts are hand arithmetic by the operators' specifications (https://onnx.ai/onnx/operators).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from mbcost.errors import InputError
from mbcost.graph import build_graph, count_macs, count_params
from mbcost.importers.onnx import read_onnx
from mbcost.networks import load
from tests.importers.onnx.models import Net

CONV = 12 * 12 * 4 * 8 * 9


def ops(path: Path, **options: Any) -> list[str]:
    return [layer.op for layer in build_graph(read_onnx(path, **options)).layers]


def macs(path: Path, *given: Any, **options: Any) -> int:
    return int(count_macs(build_graph(read_onnx(path, *given, **options))))


def saved(folder: Path, model: ModelProto) -> Path:
    path = folder / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def pooled(net: Net, count: int, *, rank: int = 1) -> str:
    """A vector of `count` that the network computes, marked by a Sigmoid that is nowhere else."""
    matrix = net.node("MatMul", net.node("Flatten", net.node("GlobalAveragePool", "x")), net.weight((8, count)))
    marked = net.node("Sigmoid", matrix)
    return net.node("Reshape", marked, net.numbers([count] if rank == 1 else [-1, count])) if rank < 3 else marked


def scalar_of(net: Net) -> str:
    return net.node("Reshape", pooled(net, 1), net.numbers(np.zeros(0, np.int64)))


COMPUTED: list[tuple[str, Callable[[Net], str], bool]] = [
    ("Gemm's c", lambda n: n.node("Gemm", flat(n), n.weight((8, 5)), pooled(n, 5)), True),
    ("Gemm's c, transposed b", lambda n: n.node("Gemm", flat(n), n.weight((5, 8)), pooled(n, 5), transB=1), True),
    ("Gemm's a is a weight", lambda n: n.node("Gemm", n.weight((3, 5)), pooled(n, 5, rank=2), transB=1), True),
    ("Conv's bias", lambda n: n.node("Conv", "x", n.weight((4, 8, 3, 3)), pooled(n, 4)), True),
    ("ConvTranspose's bias", lambda n: n.node("ConvTranspose", "x", n.weight((8, 4, 3, 3)), pooled(n, 4)), True),
    ("Conv's weight", lambda n: n.node("Conv", "x", n.node("Reshape", pooled(n, 32), n.numbers([4, 8, 1, 1]))), True),
    *(
        (f"BatchNormalization's input {place}", lambda n, place=place: batch_norm(n, place), True)
        for place in range(1, 5)
    ),
    ("an instance norm's scale", lambda n: n.node("InstanceNormalization", "x", pooled(n, 8), n.weight((8,))), True),
    ("an instance norm's bias", lambda n: n.node("InstanceNormalization", "x", n.weight((8,)), pooled(n, 8)), True),
    ("LayerNormalization's scale", lambda n: layer_norm(n, pooled(n, 14), n.weight((14,))), True),
    ("LayerNormalization's bias", lambda n: layer_norm(n, n.weight((14,)), pooled(n, 14)), True),
    ("GroupNormalization's scale", lambda n: group_norm(n, pooled(n, 8), n.weight((8,))), True),
    ("GroupNormalization's bias", lambda n: group_norm(n, n.weight((8,)), pooled(n, 8)), True),
    ("Clip's least", lambda n: n.node("Clip", "x", scalar_of(n)), True),
    ("Clip's most", lambda n: n.node("Clip", "x", "", scalar_of(n)), True),
    ("Pow's exponent", lambda n: n.node("Pow", "x", scalar_of(n)), True),
    ("Pow of a number", lambda n: n.node("Pow", n.numbers(2.0, np.float32), pooled(n, 4)), True),
    ("Where's condition", lambda n: n.node("Where", n.node("Cast", pooled(n, 14), to=9), "x", "x"), True),
    ("PRelu's slope", lambda n: n.node("PRelu", "x", n.node("Reshape", pooled(n, 8), n.numbers([8, 1, 1]))), True),
    ("FusedConv's z", lambda n: fused_conv(n), True),
    ("a quantised tensor's scale", lambda n: n.node("QuantizeLinear", "x", scalar_of(n), n.numbers(0)), True),
    ("a padding's value", lambda n: n.node("Pad", "x", n.numbers([0, 0, 1, 1] * 2), scalar_of(n)), False),
    ("an LSTM's first state", lambda n: recurrent_state(n), True),
    ("Gather's indices", lambda n: n.node("Gather", n.weight((50, 8)), n.node("ArgMax", pooled(n, 6), axis=0)), True),
]  # fmt: skip


def flat(net: Net) -> str:
    return net.node("Flatten", net.node("GlobalAveragePool", "x"))


def batch_norm(net: Net, place: int) -> str:
    inputs = [pooled(net, 8) if at == place else net.weight((8,)) for at in range(1, 5)]
    return net.node("BatchNormalization", "x", *inputs)


def layer_norm(net: Net, scale: str, bias: str) -> str:
    return net.node("LayerNormalization", "x", scale, bias)


def group_norm(net: Net, scale: str, bias: str) -> str:
    net.opset = 21
    return net.node("GroupNormalization", "x", scale, bias, num_groups=2)


def fused_conv(net: Net) -> str:
    z = net.node("Reshape", pooled(net, 8), net.numbers([1, 8, 1, 1]))
    return net.node("FusedConv", "x", net.weight((8, 8, 1, 1)), "", z, domain="com.microsoft", activation="Relu")


def recurrent_state(net: Net) -> str:
    x = net.node("Reshape", "x", net.numbers([14, 1, 112]))
    state = net.node("Reshape", pooled(net, 6), net.numbers([1, 1, 6]))
    return net.node("LSTM", x, net.weight((1, 24, 112)), net.weight((1, 24, 6)), "", "", state, hidden_size=6)


@pytest.mark.parametrize(("build", "taken"), [case[1:] for case in COMPUTED], ids=[case[0] for case in COMPUTED])
def test_what_the_network_computes_is_a_layer_or_is_refused(
    tmp_path: Path, build: Callable[[Net], str], taken: bool
) -> None:
    net = Net()
    path = net.save(tmp_path, net.node("Relu", build(net)))
    if taken:
        assert "sigmoid" in ops(path)
        return
    with pytest.raises(InputError, match="computed by the network") as caught:
        read_onnx(path)
    assert caught.value.codes == ("MB504",)


def test_a_sum_of_a_product_has_both_factors(tmp_path: Path) -> None:
    net = Net()
    path = net.save(tmp_path, net.node("Gemm", flat(net), net.weight((8, 5)), pooled(net, 5)))
    assert macs(path) == 8 * 5 + 8 * 5


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize(
    ("op_type", "weight", "product", "output"),
    [
        ("Conv", (4, 8, 3, 3), 12 * 12 * 4 * 8 * 9, (1, 4, 12, 12)),
        ("ConvTranspose", (8, 4, 2, 2), 14 * 14 * 8 * 4 * 4, (1, 4, 28, 28)),
    ],
)
def test_weights_that_the_network_computes(
    tmp_path: Path,
    op_type: str,
    weight: tuple[int, ...],
    product: int,
    output: tuple[int, ...],
    groups: int,
    biased: bool,
) -> None:
    net, stride = Net(), 1 if op_type == "Conv" else 2
    first, second = weight[:2]
    shape = (first, second // groups, *weight[2:])
    count = int(np.prod(shape))
    computed = net.node("Reshape", pooled(net, count), net.numbers(shape))
    bias = [net.weight((4,))] if biased else []
    last = net.node(op_type, "x", computed, *bias, group=groups, strides=[stride] * 2)
    graph = build_graph(read_onnx(net.save(tmp_path, last)))
    # a dense layer of 8 inputs makes the weight; with groups each output has a part of the products
    assert count_macs(graph) == 8 * count + product // groups
    assert count_params(graph) == 8 * count + (4 if biased else 0)
    assert graph.layers[-1].output_shape == (output[2], output[3], output[1])


def test_a_stack_of_weights(tmp_path: Path) -> None:
    net = Net()
    path = net.save(tmp_path, net.node("MatMul", "x", net.weight((3, 16, 10))), (3, 5, 16))
    graph = build_graph(read_onnx(path))
    assert (count_macs(graph), count_params(graph)) == (3 * 5 * 16 * 10, 3 * 16 * 10)
    path = net.save(tmp_path, net.node("MatMul", net.weight((3, 10, 5)), "x"), (3, 5, 16))
    graph = build_graph(read_onnx(path))
    assert (count_macs(graph), count_params(graph)) == (3 * 10 * 5 * 16, 3 * 10 * 5)


@pytest.mark.parametrize(
    ("left", "right", "macs_"),
    [
        ((1, 5, 16), (3, 16, 10), 3 * 5 * 16 * 10),
        ((2, 1, 5, 16), (3, 16, 10), 2 * 3 * 5 * 16 * 10),
        ((2, 3, 5, 16), (3, 16, 10), 2 * 3 * 5 * 16 * 10),
        ((3, 5, 16), (1, 16, 10), 3 * 5 * 16 * 10),
        ((1, 4, 5, 16), (1, 1, 16, 5), 4 * 5 * 16 * 5),
    ],
)
def test_products_whose_stacks_broadcast(
    tmp_path: Path, left: tuple[int, ...], right: tuple[int, ...], macs_: int
) -> None:
    net = Net()
    b = net.node("Reshape", pooled(net, int(np.prod(right))), net.numbers(right))
    a = net.node("Reshape", pooled(net, int(np.prod(left))), net.numbers(left))
    path = net.save(tmp_path, net.node("MatMul", a, b))
    assert macs(path) == macs_ + 8 * int(np.prod(right)) + 8 * int(np.prod(left))


@pytest.mark.parametrize("groups", [1, 2])
def test_a_transposed_convolution_of_a_volume(tmp_path: Path, groups: int) -> None:
    net = Net()
    inputs = ["x", net.weight((8, 4, 2, 3, 3)), net.weight((4 * groups,))]
    last = net.node("ConvTranspose", *inputs, group=groups, strides=[2, 2, 2], pads=[0, 1, 1, 0, 1, 1])
    graph = build_graph(read_onnx(net.save(tmp_path, last, (1, 8, 3, 5, 5))))
    assert count_macs(graph) == 3 * 5 * 5 * 8 * 4 * 2 * 3 * 3
    assert count_params(graph) == 8 * 4 * 18 + 4 * groups
    # 2 * (3 - 1) + 2 = 6 slices of 2 * (5 - 1) + 3 - 2 = 9 x 9 pixels
    assert graph.layers[-1].output_shape.elements == 6 * 9 * 9 * 4 * groups


# -- batches ----------------------------------------------------------------------------------------------------------


def test_the_batch_of_a_file_is_recorded(tmp_path: Path) -> None:
    net = Net()
    path = net.save(tmp_path, net.node("Conv", "x", net.weight((4, 8, 3, 3))), (8, 8, 14, 14))
    spec = read_onnx(path)
    assert (spec.stated_batch, count_macs(build_graph(spec))) == (8, CONV)
    assert "batch is 8" in " ".join(spec.notes)
    for given in ((2, 8, 14, 14), {"x": (2, 8, 14, 14)}):
        assert read_onnx(path, given).stated_batch == 2  # type: ignore[arg-type]
    assert load(str(path), input_shape=(3, 8, 14, 14)).stated_batch == 3


@pytest.mark.parametrize("first", [1, "N"])
def test_one_image_states_no_batch(tmp_path: Path, first: int | str) -> None:
    net = Net()
    spec = read_onnx(net.save(tmp_path, net.node("Relu", "x"), (first, 8, 14, 14)))
    assert (spec.stated_batch, " ".join(spec.notes)) == (1, "")


def test_tokens_beside_an_image_keep_their_number(tmp_path: Path) -> None:
    net = Net()
    image = net.node("Flatten", net.node("GlobalAveragePool", "x"))
    tokens = net.node("MatMul", "tokens", net.weight((512, 8)))
    path = net.save(tmp_path, net.node("Mul", tokens, image), tokens=(77, 512))
    assert macs(path) == 77 * 512 * 8
    assert macs(path, {"tokens": (20, 512)}) == 20 * 512 * 8


def test_inputs_that_share_the_batch_are_one_image_too(tmp_path: Path) -> None:
    net = Net()
    both = net.node("Mul", flat(net), net.node("MatMul", "z", net.weight((16, 8))))
    for first in (4, "batch"):
        path = net.save(tmp_path, both, (first, 8, 14, 14), z=(first, 16))
        assert macs(path) == 16 * 8


def test_an_open_length_is_no_batch(tmp_path: Path) -> None:
    net = Net()
    path = net.save(tmp_path, net.node("MatMul", "tokens", net.weight((16, 8))), tokens=("length", 16))
    net.node("Relu", "x")
    assert macs(path) == 16 * 8  # the only input: nobody says what the name means
    beside = net.save(tmp_path, net.node("Mul", flat(net), "matmul0"), tokens=("length", 16))
    with pytest.raises(InputError, match="`length`"):
        read_onnx(beside)


@pytest.mark.parametrize(
    ("shape", "dims"), [([8, 392, 2], (392, 2)), ([3136, 2], (392, 2)), ([8, -1], (1, 784)), ([-1, 2], (392, 2))]
)
def test_shapes_that_hold_the_batch(tmp_path: Path, shape: list[int], dims: tuple[int, int]) -> None:
    net = Net()
    net_out = net.node(
        "Sigmoid", net.node("Reshape", net.node("Conv", "x", net.weight((4, 8, 1, 1))), net.numbers(shape))
    )
    graph = build_graph(read_onnx(net.save(tmp_path, net_out, (8, 8, 14, 14))))
    assert graph.layers[-1].output_shape == (1, *dims)


def test_a_sequence_keeps_its_first_dimension(tmp_path: Path) -> None:
    net = Net()
    path = net.save(tmp_path, net.node("MatMul", "x", net.weight((16, 8))), (20, 1, 16))
    spec = read_onnx(path)
    assert (count_macs(build_graph(spec)), spec.stated_batch) == (20 * 16 * 8, 1)
    assert "20, is taken as it is" in " ".join(spec.notes)


def test_open_sizes_are_filled_by_a_resolution(tmp_path: Path) -> None:
    net = Net()
    conv = net.node("Conv", "x", net.weight((4, 3, 1, 1)))
    path = net.save(tmp_path, conv, ("N", 3, "h", "w"))
    assert macs(path, resolution=20) == 400 * 12
    assert read_onnx(path, (1, 3, None, 8), resolution=20).input_shape == (20, 8, 3)  # type: ignore[arg-type]
    last = net.node("Conv", net.node("Transpose", "x", perm=[0, 3, 1, 2]), net.weight((4, 3, 1, 1)))
    path = net.save(tmp_path, last, ("N", None, None, 3))
    assert macs(path, resolution=20) == 400 * 12
    with pytest.raises(InputError, match="--input-shape x=1x224x224x3"):
        read_onnx(path)


# -- ends, functions, branches ----------------------------------------------------------------------------------------


def test_a_network_ends_at_a_tensor(tmp_path: Path) -> None:
    net = Net()
    conv = net.node("Conv", "x", net.weight((4, 8, 3, 3)))
    net.nodes[-1].name = "features/conv"
    path = net.save(tmp_path, net.node("MyTail", net.node("Relu", conv), domain="acme"))
    with pytest.raises(InputError, match="until"):
        read_onnx(path)
    assert ops(path, until="relu1") == ["conv2d", "relu"]
    assert ops(path, until="features/conv") == ["conv2d"]
    assert len(build_graph(load(str(path), until="relu1")).layers) == 2
    with pytest.raises(InputError, match="did you mean `relu1`") as caught:
        read_onnx(path, until="relu7")
    assert caught.value.codes == ("MB010",)
    with pytest.raises(InputError, match="can end at a tensor"):
        load("mobilenet_v2", until="relu1")


def with_functions(net: Net, output: str, *functions: Any) -> ModelProto:
    model = net.model([output], {"x": (1, 8, 14, 14)})
    model.functions.extend(functions)
    return model


def local_function(name: str, nodes: list[NodeProto], inputs: list[str], attributes: list[str] | None = None) -> Any:
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    return helper.make_function("local", name, inputs, ["Y"], nodes, sets, attributes or [])


def test_functions_within_functions_are_inlined(tmp_path: Path) -> None:
    conv = helper.make_node("Conv", ["X", "W"], ["t"], "conv")
    stride = AttributeProto(name="strides", ref_attr_name="steps", type=AttributeProto.INTS)
    conv.attribute.append(stride)
    inner = local_function("Inner", [conv, helper.make_node("Relu", ["t"], ["Y"])], ["X", "W"], ["steps"])
    call = helper.make_node("Inner", ["X", "W"], ["u"], "first", domain="local", steps=[2, 2])
    outer = local_function("Outer", [call, helper.make_node("Tanh", ["u"], ["Y"])], ["X", "W"])
    net = Net()
    out = net.node("Outer", "x", net.weight((4, 8, 2, 2)), domain="local")
    again = net.node("Outer", "x", net.weight((4, 8, 2, 2)), domain="local")
    path = saved(tmp_path, with_functions(net, net.node("Add", out, again), inner, outer))
    graph = build_graph(read_onnx(path))
    assert [layer.op for layer in graph.layers] == ["conv2d", "relu", "tanh"] * 2 + ["add"]
    assert count_macs(graph) == 2 * 49 * 4 * 8 * 4
    assert graph.layers[0].name == "outer0_first_conv"


def test_a_function_that_calls_itself_is_damage(tmp_path: Path) -> None:
    endless = local_function("Endless", [helper.make_node("Endless", ["X"], ["Y"], domain="local")], ["X"])
    net = Net()
    path = saved(tmp_path, with_functions(net, net.node("Endless", "x", domain="local"), endless))
    with pytest.raises(InputError, match="calls itself") as caught:
        read_onnx(path)
    assert caught.value.codes == ("MB503",)


def test_functions_do_not_grow_without_bound(tmp_path: Path) -> None:
    doubled = [
        local_function(
            f"F{level}",
            [
                helper.make_node(f"F{level + 1}", ["X"], ["t"], domain="local"),
                helper.make_node(f"F{level + 1}", ["t"], ["Y"], domain="local"),
            ],
            ["X"],
        )
        for level in range(24)
    ]
    last = local_function("F24", [helper.make_node("Relu", ["X"], ["Y"])], ["X"])
    net = Net()
    path = saved(tmp_path, with_functions(net, net.node("F0", "x", domain="local"), *doubled, last))
    with pytest.raises(InputError, match="more than 100000 nodes"):
        read_onnx(path)


def branch(name: str, *nodes: NodeProto) -> AttributeProto:
    output = helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)
    return helper.make_attribute(name, helper.make_graph(list(nodes), name, [], [output]))


def conditional(net: Net, condition: str) -> str:
    out = net.node("If", condition)
    net.nodes[-1].attribute.extend(
        [
            branch("then_branch", helper.make_node("Relu", ["x"], ["then"])),
            branch("else_branch", helper.make_node("Conv", ["x", net.weight((4, 8, 3, 3))], ["else"])),
        ]
    )
    return out


@pytest.mark.parametrize(("extent", "found"), [(14, ["relu"]), (15, ["conv2d"])])
def test_a_branch_with_a_known_condition_is_taken(tmp_path: Path, extent: int, found: list[str]) -> None:
    net = Net()
    size = net.node("Gather", net.node("Shape", "x"), net.numbers(2))
    path = net.save(tmp_path, conditional(net, net.node("Equal", size, net.numbers(14))), (1, 8, extent, extent))
    assert ops(path) == found


def test_a_branch_that_the_network_chooses_is_refused(tmp_path: Path) -> None:
    net = Net()
    path = net.save(
        tmp_path, conditional(net, net.node("Greater", net.node("ReduceMax", "x"), net.numbers(0.0, np.float32)))
    )
    with pytest.raises(InputError, match="either branch may run"):
        read_onnx(path)
    spec = read_onnx(path, unsupported="estimate")
    assert "at least" in " ".join(spec.notes)


def test_what_decides_which_branch_runs_is_counted(tmp_path: Path) -> None:
    # as in hey_jarvis_v0.1.onnx of openWakeWord: a first network says whether a second one runs
    net = Net()
    deciding = net.node("ReduceMax", net.node("Conv", "x", net.weight((4, 8, 3, 3))))
    out = conditional(net, net.node("Greater", deciding, net.numbers(0.0, np.float32)))
    assert macs(net.save(tmp_path, out), unsupported="estimate") == CONV
    branches = net.nodes[-1].attribute
    first, second = branches.pop(), branches.pop()
    first.name, second.name = "then_branch", "else_branch"
    branches.extend([first, second])
    assert macs(net.save(tmp_path, out), unsupported="estimate") == 2 * CONV


# -- recurrent layers and products ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
@pytest.mark.parametrize("directions", [1, 2])
def test_recurrent_layers(tmp_path: Path, kind: str, gates: int, directions: int) -> None:
    net = Net()
    dims = (directions, gates * 16)
    weights = net.weight((*dims, 8)), net.weight((*dims, 16)), net.weight((directions, 2 * gates * 16))
    way = "bidirectional" if directions == 2 else "forward"
    net.node(kind, "x", *weights, hidden_size=16, direction=way, outputs=2)
    every, last = net.nodes[-1].output[:2]
    joined = net.node("Add", net.node("ReduceSum", every, net.numbers([0]), keepdims=0), last)
    spec = read_onnx(net.save(tmp_path, joined, (20, 3, 8)))
    graph = build_graph(spec)
    assert count_macs(graph) == directions * 20 * 3 * gates * 16 * (8 + 16)
    assert count_params(graph) == directions * gates * 16 * (8 + 16 + 2)
    assert "at least" in " ".join(spec.notes)


EQUATIONS = [
    ("bij,bjk->bik", [(3, 4, 5), (3, 5, 6)], 3 * 4 * 5 * 6, (3, 4, 6)),
    ("bhid,bhjd->bhij", [(1, 2, 7, 8), (1, 2, 9, 8)], 2 * 7 * 9 * 8, (1, 2, 7, 9)),
    ("...ij,...jk->...ik", [(3, 4, 5), (3, 5, 6)], 3 * 4 * 5 * 6, (3, 4, 6)),
    ("ij,jk", [(4, 5), (5, 6)], 4 * 5 * 6, (4, 6)),
    ("bcxd,md->bcxm", [(2, 3, 4, 5), (6, 5)], 2 * 3 * 4 * 5 * 6, (2, 3, 4, 6)),
    ("i,j->ij", [(4,), (5,)], 0, (4, 5)),
    ("bij->bj", [(3, 4, 5)], 0, (3, 5)),
    ("ij->ji", [(4, 5)], 0, (5, 4)),
    ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)], 2 * 3 * 4 + 2 * 4 * 5, (2, 5)),
]


@pytest.mark.parametrize(("equation", "shapes", "count", "result"), EQUATIONS, ids=[row[0] for row in EQUATIONS])
@pytest.mark.parametrize("weight", [False, True])
def test_einsum(
    tmp_path: Path, equation: str, shapes: list[tuple[int, ...]], count: int, result: tuple[int, ...], weight: bool
) -> None:
    net = Net()
    names = ["x", *(net.weight(dims) if weight else f"in{i}" for i, dims in enumerate(shapes[1:]))]
    made = net.node("Einsum", *names, equation=equation)
    shape = net.node("Mul", made, net.weight(result))  # fails to broadcast if the shape is another
    extra = {} if weight else dict(zip(names[1:], shapes[1:], strict=True))
    path = net.save(tmp_path, shape, shapes[0], **extra)
    graph = build_graph(read_onnx(path))
    if shapes[0] == (2, 3, 4, 5):  # a map: one image of two
        count //= 2
    assert count_macs(graph) == count


def test_attention_with_fewer_heads_of_keys(tmp_path: Path) -> None:
    net = Net(opset=23)
    made = net.node("Attention", "q", "k", "v", q_num_heads=4, kv_num_heads=2)
    path = net.save(tmp_path, net.node("Add", made, "x"), (1, 10, 32), q=(1, 10, 32), k=(1, 12, 16), v=(1, 12, 16))
    assert macs(path) == 2 * 4 * 10 * 12 * 8  # heads x queries x keys x (8 of a key + 8 of a value)


def test_rows_of_a_table_are_read_not_the_table(tmp_path: Path) -> None:
    net = Net()
    path = net.save(tmp_path, net.node("Relu", net.node("Gather", net.weight((1000, 24)), "x")), (1, 16))
    graph = build_graph(read_onnx(path))
    assert count_params(graph) == 24_000
    assert [layer.cost.input_elements for layer in graph.layers if layer.op == "crop"] == [16 * 24]
    assert graph.layers[-1].output_shape == (1, 16, 24)


# -- constants --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Sin", "Cos", "Softmax", "Erf", "Sqrt", "Sigmoid", "HardSwish", "Trilu"])
def test_functions_of_constants_are_constants(tmp_path: Path, name: str) -> None:
    net = Net()
    path = net.save(tmp_path, net.node("Add", "x", net.node(name, net.weight((1, 8, 14, 14)))))
    graph = build_graph(read_onnx(path))
    assert [layer.op for layer in graph.layers] == ["shift"]
    assert count_params(graph) == 1568


def test_work_on_constants_is_said(tmp_path: Path) -> None:
    net = Net()
    table = net.node("MatMul", net.weight((14, 32)), net.weight((32, 14)))
    spec = read_onnx(net.save(tmp_path, net.node("Add", "x", table)))
    assert count_macs(build_graph(spec)) == 0
    assert f"{14 * 32 * 14} MACs on constants" in " ".join(spec.notes)


def test_a_range_is_no_parameter(tmp_path: Path) -> None:
    net = Net()
    steps = net.node("Cast", net.node("Range", net.numbers(0), net.numbers(14), net.numbers(1)), to=1)
    waves = net.node("Cos", net.node("Tile", steps, net.numbers([1])))
    graph = build_graph(read_onnx(net.save(tmp_path, net.node("Mul", "x", waves))))
    assert count_params(graph) == 0


# -- old operator sets ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", range(1, 9))
def test_old_operator_sets(tmp_path: Path, opset: int) -> None:
    net = Net(opset)
    x = net.node("Conv", "x", net.weight((4, 8, 3, 3)), kernel_shape=[3, 3])
    x = net.node(
        "BatchNormalization", x, *(net.weight((4,)) for _ in range(4)), **({"is_test": 1} if opset < 7 else {})
    )
    x = net.node("Clip", x, min=0.0, max=6.0)
    axis = {"broadcast": 1, "axis": 1} if opset < 7 else {}
    x = net.node("Add", x, net.weight((4,) if opset < 7 else (4, 1, 1)), **axis)
    x = net.node("Dropout", x, **({"is_test": 1} if opset < 7 else {}))
    x = net.node("Pad", x, **{"paddings" if opset < 2 else "pads": [0, 0, 1, 1, 0, 0, 1, 1]})
    scales = {"height_scale": 2.0, "width_scale": 2.0} if opset < 7 else {"scales": [1.0, 1.0, 2.0, 2.0]}
    x = net.node("Upsample", x, **scales)
    x = net.node("Slice", x, starts=[0, 0], ends=[14, 14], axes=[2, 3])
    shape = {"shape": [1, -1]} if opset < 5 else {}
    x = net.node("Reshape", x, *([] if shape else [net.numbers([1, -1])]), **shape)
    x = net.node("Gemm", x, net.weight((784, 5)), net.weight((5,)), **({"broadcast": 1} if opset < 7 else {}))
    graph = build_graph(
        read_onnx(net.save(tmp_path, net.node("Squeeze", net.node("Unsqueeze", x, axes=[0]), axes=[0])))
    )
    found = [layer.op for layer in graph.layers]
    assert found == ["conv2d", "batch_norm", "relu6", "shift", "pad", "resize", "crop", "flatten", "dense"]
    assert count_macs(graph) == CONV + 784 * 5


# -- details ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "sizes", "found"),
    [("not_larger", [20, 60], (20, 40)), ("not_smaller", [20, 60], (30, 60)), ("stretch", [20, 60], (20, 60))],
)
def test_resizing_that_keeps_the_aspect(tmp_path: Path, policy: str, sizes: list[int], found: tuple[int, int]) -> None:
    net = Net(opset=18)
    x = net.node("Resize", "x", "", "", net.numbers(sizes), axes=[2, 3], keep_aspect_ratio_policy=policy)
    assert build_graph(read_onnx(net.save(tmp_path, x, (1, 8, 10, 20)))).layers[0].output_shape == (*found, 8)


def test_second_outputs(tmp_path: Path) -> None:
    net = Net()
    pooled_ = net.node("MaxPool", "x", kernel_shape=[2, 2], strides=[2, 2], outputs=2)
    dropped = net.node("Dropout", pooled_, outputs=2)
    assert ops(net.save(tmp_path, [dropped, f"{dropped}_1", f"{pooled_}_1"])) == ["max_pool2d"]


def test_two_maps_under_a_fifth_dimension(tmp_path: Path) -> None:
    net = Net()
    one = net.numbers([1])
    both = [net.node("Unsqueeze", net.node(name, "x"), one) for name in ("Relu", "Tanh")]
    gate = net.node("Reshape", pooled(net, 16, rank=2), net.numbers([1, 2, 8, 1, 1]))
    chosen = net.node("ReduceSum", net.node("Mul", net.node("Concat", *both, axis=1), gate), one, keepdims=0)
    graph = build_graph(read_onnx(net.save(tmp_path, chosen)))
    assert graph.layers[-1].output_shape.elements == 8 * 14 * 14
    assert count_macs(graph) == 8 * 16


def test_a_detector_with_its_tail_is_charged_visibly(tmp_path: Path) -> None:
    net = Net()
    boxes = net.node(
        "Transpose",
        net.node("Reshape", net.node("Conv", "x", net.weight((4, 8, 1, 1))), net.numbers([1, 4, -1])),
        perm=[0, 2, 1],
    )
    scores = net.node(
        "Sigmoid", net.node("Reshape", net.node("Conv", "x", net.weight((3, 8, 1, 1))), net.numbers([1, 3, -1]))
    )
    kept = net.node("NonMaxSuppression", boxes, scores, net.numbers([50]))
    places = net.node("Reshape", net.node("Gather", kept, net.numbers([2]), axis=1), net.numbers([-1]))
    best = net.node("TopK", net.node("Reshape", scores, net.numbers([-1])), net.numbers([10]), outputs=2)
    spec = read_onnx(net.save(tmp_path, [net.node("Gather", boxes, places, axis=1), best, f"{best}_1"]))
    graph = build_graph(spec)
    assert count_macs(graph) == 196 * 8 * 7
    assert "Charged by their traffic alone: NonMaxSuppression, TopK, Gather" in " ".join(spec.notes) or all(
        name in " ".join(spec.notes) for name in ("NonMaxSuppression", "TopK", "Gather")
    )
    # at most 50 boxes of each of 3 classes, of 4 numbers each
    assert graph.layers[graph.outputs[0]].output_shape.elements == 150 * 4


def test_an_estimate_keeps_the_declared_first_dimension(tmp_path: Path) -> None:
    net = Net()
    made = net.node("MyOp", "x", domain="acme")
    net.infos.append(helper.make_tensor_value_info(made, TensorProto.FLOAT, [20, 1, 8]))
    spec = read_onnx(net.save(tmp_path, net.node("MatMul", made, net.weight((8, 10)))), unsupported="estimate")
    assert count_macs(build_graph(spec)) == 20 * 8 * 10
    assert "The MACs are at least these" in " ".join(spec.notes)


def test_what_is_not_modelled_is_estimated_where_its_shape_is_declared(tmp_path: Path) -> None:
    net = Net()
    volume = net.node("Reshape", "x", net.numbers([1, 8, 14, 14, 1]))
    made = net.node("Conv", volume, net.node("Reshape", pooled(net, 32), net.numbers([4, 8, 1, 1, 1])))
    path = net.save(tmp_path, net.node("Relu", made))
    with pytest.raises(InputError, match="only weights in the file"):
        read_onnx(path, unsupported="estimate")
    net.infos.append(helper.make_tensor_value_info(made, TensorProto.FLOAT, [1, 4, 14, 14, 1]))
    spec = read_onnx(net.save(tmp_path, net.node("Tanh", made)), unsupported="estimate")
    assert [layer.op for layer in build_graph(spec).layers][-2:] == ["opaque", "tanh"]
    assert "Estimated by their traffic, since mbcost does not know them: Conv" in " ".join(spec.notes)


def test_zeros_that_pad_a_map_are_no_parameters(tmp_path: Path) -> None:
    net = Net()
    net.weights.append(numpy_helper.from_array(np.ones((1, 2, 14, 14), np.float32), "ones"))
    path = net.save(tmp_path, net.node("Concat", "x", net.weight((1, 4, 14, 14)), "ones", axis=1))
    assert count_params(build_graph(read_onnx(path))) == 2 * 196


def test_a_part_of_nothing_joins_nothing(tmp_path: Path) -> None:
    net = Net()
    conv = net.node("Conv", "x", net.weight((4, 8, 3, 3)))
    nothing = net.node("Slice", conv, net.numbers([0]), net.numbers([0]), net.numbers([1]))
    graph = build_graph(read_onnx(net.save(tmp_path, net.node("Relu", net.node("Concat", nothing, conv, axis=1)))))
    assert graph.layers[-1].output_shape == (12, 12, 4)
    assert count_macs(graph) == CONV


def test_weights_of_dynamic_quantisation(tmp_path: Path) -> None:
    net = Net()
    scale, zero = net.numbers(0.1, np.float32), net.numbers(0, np.int8)
    weights = net.weight((1, 8, 64)), net.weight((1, 16, 64))
    inputs = (*weights, *[""] * 5, scale, zero, scale, zero)
    made = net.node("DynamicQuantizeLSTM", "x", *inputs, domain="com.microsoft")
    assert macs(net.save(tmp_path, made, (20, 1, 8))) == 20 * 64 * (8 + 16)


def test_channels_in_blocks_of_onnx_runtime(tmp_path: Path) -> None:
    """What ONNX Runtime 1.32 writes at ORT_ENABLE_ALL: 24 channels are padded to two blocks of 16."""
    net = Net()
    domain = "com.microsoft.nchwc"
    conv = net.node("Conv", "x", net.weight((32, 8, 3, 3)), net.weight((32,)), domain=domain, activation="Relu")
    path = net.save(tmp_path, net.node("Tanh", net.node("ReorderOutput", conv, domain=domain, channels=24)))
    spec = read_onnx(path)
    graph = build_graph(spec)
    assert [layer.op for layer in graph.layers] == ["conv2d", "relu", "split", "tanh"]
    assert graph.layers[-1].output_shape == (12, 12, 24)
    assert count_macs(graph) == 144 * 32 * 72
    assert "whole blocks" in " ".join(spec.notes)


def test_matrix_products_of_onnx_runtime(tmp_path: Path) -> None:
    net = Net()
    made = net.node("FusedMatMul", "x", net.weight((5, 14)), domain="com.microsoft", transB=1, alpha=0.5)
    assert macs(net.save(tmp_path, made)) == 8 * 14 * 14 * 5


@pytest.mark.parametrize(
    ("numbers", "trained"),
    [
        (np.arange(14) + 0.5, 0),  # centres of pixels
        (np.repeat([8.0, 16.0], 7), 0),  # strides
        (np.where(np.eye(14), 0.0, -np.inf), 0),  # a mask
        (np.where(np.eye(14), 0.0, -100.0), 0),
        (np.zeros(14), 14),  # as trained as a new scale of ones
        (np.ones(14), 14),
        (np.linspace(-0.02, 0.02, 14), 14),
    ],
)
def test_grids_and_masks_are_no_parameters(tmp_path: Path, numbers: Any, trained: int) -> None:
    net = Net()
    path = net.save(tmp_path, net.node("Add", "x", net.numbers(numbers, np.float32)))
    assert count_params(build_graph(read_onnx(path))) == trained


def test_inputs_that_only_a_branch_reads(tmp_path: Path) -> None:
    net = Net()
    out = net.node("If", net.node("Equal", net.node("Size", "sizes"), net.numbers(3)))
    taken = helper.make_node("Conv", ["x", net.weight((4, 8, 3, 3))], ["then"])
    other = helper.make_node("Relu", ["x"], ["else"])
    net.nodes[-1].attribute.extend([branch("then_branch", taken), branch("else_branch", other)])
    assert macs(net.save(tmp_path, out, sizes=(3,))) == CONV

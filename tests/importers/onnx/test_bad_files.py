"""Files that cannot be read or are not modelled: one clear error each, and never a traceback."""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

import mbcost
from mbcost.errors import InputError
from mbcost.graph import build_graph
from mbcost.importers.onnx import read_onnx
from mbcost.importers.onnx.folding import FOLDED
from mbcost.importers.onnx.table import CONVERTERS
from tests.importers.onnx.models import Net, mobilenet_v2, subgraph
from tests.importers.onnx.test_operators import CASES


def refused(path: Path, code: str, *parts: str, **options: object) -> str:
    """The error of a file, with its code and what it has to name."""
    with pytest.raises(InputError) as caught:
        build_graph(read_onnx(path, **options))  # type: ignore[arg-type]
    assert set(caught.value.codes) == {code}, caught.value
    text = str(caught.value)
    assert all(part in text for part in parts), text
    return text


def test_paths(tmp_path: Path) -> None:
    refused(tmp_path / "missing.onnx", "MB001", "missing.onnx")
    refused(tmp_path, "MB002", "is not a regular file")
    (tmp_path / "empty.onnx").touch()
    refused(tmp_path / "empty.onnx", "MB500", "is empty")
    refused(tmp_path / "empty.onnx" / "x.onnx", "MB001")


@pytest.mark.parametrize(
    "data",
    [
        b"name: mobilenet\nlayers: []\n",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"PK\x03\x04" + bytes(100),
        random.Random(1).randbytes(4096),
        bytes(1000),
        b"\x08\x08",
    ],
)
def test_other_files(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "other.onnx"
    path.write_bytes(data)
    refused(path, "MB500", "not an ONNX file")


def test_a_download_that_was_cut_off(tmp_path: Path) -> None:
    data = mobilenet_v2(folded=True).SerializeToString()
    for size in (100, 10_000, len(data) // 2, len(data) - 20):
        path = tmp_path / "cut.onnx"
        path.write_bytes(data[:size])
        refused(path, "MB500", "cut off", "downloaded completely")


@pytest.mark.parametrize("opset", [0, 29, 2**31])
def test_opsets(tmp_path: Path, opset: int) -> None:
    net = Net(opset)
    refused(net.save(tmp_path, net.node("Relu", "x")), "MB504", f"opset {opset}", "1 to 28")


def test_every_unknown_operator_is_named(tmp_path: Path) -> None:
    net = Net()
    x = net.node("SequenceConstruct", "x")
    x = net.node("MyOp", net.node("MyOp", x, domain="acme"), domain="acme")
    x = net.node("Reluu", x)
    x = net.node("SequenceMap", x)
    net.nodes[-1].attribute.append(subgraph("body"))
    path = net.save(tmp_path, x)
    text = refused(path, "MB501", "`SequenceConstruct`", "node `sequenceconstruct0`", str(path))
    assert "`acme.MyOp` is not known (node `myop1` and 1 more" in text
    assert "did you mean `Relu`" in text
    assert "control flow is not modelled" in text
    assert "did you mean `Sequence" not in text
    assert text.count("estimate") == text.count("until") == 4


def test_unknown_operators_are_estimated_if_asked(tmp_path: Path) -> None:
    net = Net()
    x = net.node("Relu", net.node("MyOp", net.node("Relu", "x"), domain="acme"))
    spec = read_onnx(net.save(tmp_path, x), unsupported="estimate")
    graph = build_graph(spec)
    assert [layer.op for layer in graph.layers] == ["relu", "opaque", "relu"]
    assert graph.layers[1].cost.input_elements == 8 * 14 * 14
    assert "MyOp" in " ".join(spec.notes)


def test_an_estimated_operator_has_the_shape_that_the_file_declares(tmp_path: Path) -> None:
    net = Net()
    x = net.node("MyOp", "x", domain="acme")
    net.infos.append(helper.make_tensor_value_info(x, TensorProto.FLOAT, ["N", 4, 7, 7]))
    graph = build_graph(read_onnx(net.save(tmp_path, net.node("Relu", x)), unsupported="estimate"))
    assert graph.layers[0].output_shape == (7, 7, 4)


def external(location: str) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location)

    return change


@pytest.mark.parametrize(
    "location", ["/etc/passwd", "../secret.bin", "a/../../b", "C:\\x.bin", "..\\x.bin", "http://x"]
)
def test_external_data_outside_the_folder(tmp_path: Path, location: str) -> None:
    refused(changed(tmp_path, external(location)), "MB505", "points out of its folder")


def test_external_data_is_never_opened(tmp_path: Path) -> None:
    assert build_graph(read_onnx(changed(tmp_path, external("weights/not_there.bin")))).layers


@pytest.mark.parametrize("op_type", ["Conv", "MaxPool"])
@pytest.mark.parametrize(
    "attribute",
    [
        {"kernel_shape": [200_000_000, 3], "pads": [100_000_000, 1] * 2},
        {"pads": [2**31 - 1] * 4},
        {"pads": [1] * 200_000},
        {"dilations": [2**31 - 1] * 2, "pads": [2**31 - 1] * 4},
        {"strides": [2**62, 2**62]},
    ],
)
def test_windows_and_lists_are_bounded(tmp_path: Path, op_type: str, attribute: dict[str, list[int]]) -> None:
    """A model file has the limits of a table: what is computed over a window, or of a list, must not take for ever."""
    net = Net()
    attribute = {"kernel_shape": [3, 3], **attribute}
    weights = [net.weight((4, 8, 3, 3))] if op_type == "Conv" else []
    path = net.save(tmp_path, net.node(op_type, "x", *weights, **attribute))
    begin = time.process_time()
    with pytest.raises(InputError) as caught:
        mbcost.analyze(path, "ethos_u55_256")
    assert time.process_time() - begin < 2
    assert set(caught.value.codes) <= {"MB503", "MB504", "MB205", "MB204"}, caught.value


def changed(folder: Path, change: Callable[[ModelProto], None]) -> Path:
    net = Net()
    x = net.node("Relu", net.node("Conv", "x", net.weight((4, 8, 3, 3))))
    model = net.model([x], {"x": (1, 8, 14, 14)})
    change(model)
    path = folder / "changed.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def dims(*values: int) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        model.graph.initializer[0].ClearField("dims")
        model.graph.initializer[0].dims.extend(values)

    return change


def without_bytes(change: Callable[[ModelProto], None]) -> Callable[[ModelProto], None]:
    def both(model: ModelProto) -> None:
        change(model)
        model.graph.initializer[0].ClearField("raw_data")

    return both


def edit(field: str, position: int, value: str) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        getattr(model.graph.node[position], field)[0] = value

    return change


@pytest.mark.parametrize(
    ("change", "code", "part"),
    [
        (dims(2**31, 2**31, 3, 3), "MB503", "would have"),
        (dims(-4, 8, 3, 3), "MB503", "has the shape [-4, 8, 3, 3]"),
        (dims(4, 8, 3), "MB503", "has 1152 bytes for 96 elements"),
        (without_bytes(dims(2**20, 8, 3, 3)), "MB000", ""),
        (without_bytes(dims(4, 8, 3)), "MB503", "its weight has the shape [4, 8, 3]"),
        (without_bytes(dims(4, 9, 3, 3)), "MB204", "made for 9 input channels, it gets 8"),
        (without_bytes(dims(4, 8, 99, 3)), "MB204", "the window reaches over 99"),
        (without_bytes(dims(0, 8, 3, 3)), "MB204", "the number of output channels is 0"),
        (edit("input", 1, "relu1"), "MB503", "Relu `relu1` reads `relu1`, which nothing before it makes"),
        (edit("input", 0, "nowhere"), "MB503", "reads `nowhere`"),
        (edit("input", 1, "nowhere"), "MB503", "reads `nowhere`"),
        (lambda model: model.graph.output.add(name="nowhere"), "MB503", "the graph's output reads `nowhere`"),
        (lambda model: model.graph.ClearField("input"), "MB503", "reads `x`"),
        (lambda model: model.graph.input.append(model.graph.input[0]), "MB503", "declares the input `x` twice"),
        (lambda model: model.graph.ClearField("node"), "MB503", "the graph's output reads `relu1`"),
        (lambda model: model.ClearField("graph"), "MB500", "holds no graph"),
        (lambda model: model.graph.node[0].input.pop(), "MB503", "its input 1 is missing"),
    ],
)
def test_damaged_models(tmp_path: Path, change: Callable[[ModelProto], None], code: str, part: str) -> None:
    path = changed(tmp_path, change)
    if code == "MB000":  # large, but a network: counted without a byte of it
        assert build_graph(read_onnx(path)).layers[0].cost.weight_elements == 2**20 * 72
        return
    refused(path, code, part, str(path))


MANY = np.full(4, 2**40)


@pytest.mark.parametrize(
    ("build", "code"),
    [
        (lambda net: net.node("Conv", "x", net.weight((4, 8, 3, 3)), strides=[0, 1]), "MB204"),
        (lambda net: net.node("Conv", "x", net.weight((4, 8, 3, 3)), strides=[1, 1, 1]), "MB503"),
        (lambda net: net.node("Conv", "x", net.weight((4, 8, 3, 3)), pads=[-1, 0, 0, 0]), "MB204"),
        (lambda net: net.node("Conv", "x", net.weight((4, 8, 3, 3)), group=0), "MB204"),
        (lambda net: net.node("Conv", "x", net.weight((4, 8, 3, 3)), auto_pad=3), "MB503"),
        (lambda net: net.node("Conv", "x", net.node("Reshape", "x", net.numbers([2, 4, 14, 14]))), "MB503"),
        (lambda net: net.node("MaxPool", "x"), "MB503"),
        (lambda net: net.node("Conv", "x", net.weight((4, 8, 5000, 1))), "MB504"),
        (lambda net: net.node("Conv", "x", net.weight((4, 8, 3, 3)), pads=[5000] * 4), "MB503"),
        (lambda net: net.node("MaxPool", "x", kernel_shape=[2**31, 1]), "MB503"),
        (lambda net: net.node("Pad", "x", net.numbers([0, 0, 5000, 0, 0, 0, 0, 0])), "MB504"),
        (lambda net: net.node("Transpose", "x", perm=[1] * 700_000), "MB503"),
        (lambda net: net.node("Reshape", "x", net.numbers([3, -1])), "MB503"),
        (lambda net: net.node("Reshape", "x", net.numbers([-1, -1])), "MB503"),
        (lambda net: net.node("Reshape", "x", net.numbers([1] * 17)), "MB503"),
        (lambda net: net.node("Reshape", "x", net.node("Relu", "x")), "MB504"),
        (lambda net: net.node("Transpose", "x", perm=[0, 0, 1, 2]), "MB503"),
        (lambda net: net.node("Concat", "x", net.node("GlobalMaxPool", "x"), axis=1), "MB204"),
        (lambda net: net.node("Concat", "x", "x", axis=7), "MB503"),
        (lambda net: net.node("Add", "x", net.weight((9, 1, 1))), "MB204"),
        (lambda net: net.node("MatMul", "x", net.weight((9, 5))), "MB503"),
        (lambda net: net.node("Expand", "x", net.numbers(MANY)), "MB204"),
        (lambda net: net.node("Tile", "x", net.numbers(MANY)), "MB208"),
        (lambda net: net.node("Resize", "x", "", net.numbers([1, 1, 2**20, 2**20], np.float32)), "MB503"),
        (lambda net: net.node("Resize", "x", "", net.numbers([1, 1, np.nan, 1], np.float32)), "MB503"),
        (lambda net: net.node("Mul", "x", net.node("ConstantOfShape", net.numbers(MANY))), "MB204"),
        (lambda net: net.node("Reshape", "x", net.node("Range", *map(net.numbers, (0, 2**60, 1)))), "MB504"),
        (lambda net: net.node("Add", "x", net.node("Div", *map(net.numbers, (1, 0)))), "MB503"),
        (lambda net: net.node("Split", "x", axis=1, outputs=9), "MB204"),
        (lambda net: net.node("Slice", "x", net.numbers([5]), net.numbers([5])), "MB204"),
        (lambda net: net.node("Relu", net.node("Slice", "x", net.numbers([5]), net.numbers([5]))), "MB204"),
        (lambda net: net.node("Relu"), "MB503"),
    ],
)
def test_nodes_that_make_no_sense(tmp_path: Path, build: Callable[[Net], str], code: str) -> None:
    net = Net()
    output = build(net)
    net.node("Relu", "x")
    start = time.process_time()
    path = net.save(tmp_path, output)
    with pytest.raises(InputError) as caught:
        build_graph(read_onnx(path))
    assert caught.value.codes == (code,), caught.value
    assert time.process_time() - start < 2


def test_shapes_that_are_not_modelled_are_refused_in_words(tmp_path: Path) -> None:
    net = Net()
    path = net.save(tmp_path, net.node("LRN", "x", size=5), (1, 3, 8, 32, 32))
    refused(path, "MB504", "LRN `lrn0`", "[1, 3, 8, 32, 32], which is not modelled")


def test_what_is_known_for_constants_only(tmp_path: Path) -> None:
    net = Net()
    refused(net.save(tmp_path, net.node("ConstantOfShape", "x")), "MB504", "for constants and shapes only")


def seeds() -> list[bytes]:
    """Small models that together hold every operator."""
    models = [mobilenet_v2(folded=False)]
    for tensor in models[0].graph.initializer:
        if len(tensor.raw_data) > 1000:
            tensor.ClearField("raw_data")
    for case in CASES:
        net = Net(case.opset)
        models.append(net.model([case.build(net)], {"x": case.dims}))
    return [model.SerializeToString() for model in models]


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, cut out, doubled or cut off."""
    out = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at, size = chance.randrange(len(out)), chance.choice((1, 2, 8, 40))
        kind = chance.randrange(6)
        if kind < 3:
            out[at] = chance.choice((chance.randrange(256), out[at] ^ 1 << chance.randrange(8), 0, 255, 127))
        elif kind == 3:
            del out[at : at + size]
        elif kind == 4:
            out[at:at] = out[at : at + size]
        else:
            out[at : at + size] = chance.randbytes(size)
        if not out:
            return b"\0"
    return bytes(out[: chance.randrange(len(out))]) if chance.random() < 0.05 else bytes(out)


def test_mutated_models_end_in_an_error_or_in_a_network(tmp_path: Path) -> None:
    chance = random.Random(20_240)
    models = seeds()
    path = tmp_path / "mutated.onnx"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read = 0
    for number in range(2000):
        data = mutated(chance.choice(models), chance)
        path.write_bytes(data)
        try:
            build_graph(read_onnx(path, unsupported="estimate" if number % 2 else "refuse"))
        except InputError:
            continue
        read += 1
    assert 0 < read < 2000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


NUMBERS = (0, 1, -1, 2, 3, -2, 7, 64, 10**6, 2**31, 2**62, -(2**63))


def rewired(data: bytes, chance: random.Random) -> bytes:
    """A well-formed model in which a number, an input, an operator or a shape is another one."""
    model = ModelProto.FromString(data)
    graph = model.graph
    node, names = chance.choice(graph.node), [*(t.name for t in graph.initializer), *(n.name for n in graph.node), ""]
    lists = [a.ints for a in node.attribute if a.ints] + [t.dims for t in graph.initializer if t.dims]
    kind = chance.randrange(6)
    if kind == 0 and lists:
        numbers = chance.choice(lists)
        numbers[chance.randrange(len(numbers))] = chance.choice(NUMBERS)
    elif kind == 1 and lists:
        chance.choice(lists).append(chance.choice(NUMBERS))
    elif kind == 2 and node.input:
        node.input[chance.randrange(len(node.input))] = chance.choice(names)
    elif kind == 3:
        node.input.append(chance.choice(names))
    elif kind == 4:
        node.op_type = chance.choice(sorted({name for _, name in CONVERTERS} | set(FOLDED)))
    else:
        small = [t for t in graph.initializer if t.data_type == TensorProto.INT64]
        for tensor in small[:1]:
            values = numpy_helper.to_array(tensor).copy()
            values.reshape(-1)[:1] = chance.choice(NUMBERS)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return model.SerializeToString()


def test_rewired_models_end_in_an_error_or_in_a_network(tmp_path: Path) -> None:
    chance = random.Random(2_025)
    models = seeds()[1:]
    path = tmp_path / "rewired.onnx"
    codes: set[str] = set()
    for number in range(2000):
        path.write_bytes(rewired(chance.choice(models), chance))
        try:
            build_graph(read_onnx(path, unsupported="estimate" if number % 2 else "refuse"))
        except InputError as error:
            codes.update(error.codes)
    assert codes <= {"MB204", "MB208", "MB501", "MB503", "MB504"}

"""The reader of protobuf's wire format and of ONNX messages, beside the ``onnx`` package."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from mbcost.importers.onnx.model import read_graph, read_header
from mbcost.importers.onnx.tensors import MAX_VALUES, ModelError, read_tensor
from mbcost.importers.onnx.wire import Range, WireError, read_fields
from tests.importers.onnx.models import Net, mobilenet_v2


def whole(data: bytes) -> Range:
    return Range(data, 0, len(data))


def test_fields_of_every_wire_type() -> None:
    # tag = number << 3 | type: varint 150, 64 bits, three bytes, 32 bits (protobuf.dev/programming-guides/encoding)
    data = b"\x08\x96\x01" + b"\x11" + bytes(8) + b"\x1a\x03abc" + b"\x25\x00\x00\x80\x3f"
    first, second, third, fourth = read_fields(whole(data))
    assert (first.number, first.value) == (1, 150)
    assert (second.number, second.value) == (2, bytes(8))
    assert third.text() == "abc"
    assert fourth.float32() == 1.0


def test_negative_ints_take_ten_bytes() -> None:
    (field,) = read_fields(whole(b"\x08" + b"\xff" * 9 + b"\x01"))
    assert field.signed() == -1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x08", "cut off"),
        (b"\x08" + b"\xff" * 10, "more than 64 bits"),
        (b"\x1a\x05abc", "reaches to byte 7, its message ends at byte 5"),
        (b"\x11\x00", "reaches to byte 9"),
        (b"\x0b", "wire type 3"),
        (b"\x00\x01", "field number 0"),
    ],
)
def test_damage_is_told_with_its_place(data: bytes, message: str) -> None:
    with pytest.raises(WireError, match=message):
        list(read_fields(whole(data)))


def test_fields_of_another_type() -> None:
    number, text = read_fields(whole(b"\x08\x01\x12\x03abc"))
    with pytest.raises(WireError, match="a message belongs"):
        number.text()
    with pytest.raises(WireError, match="is not a number"):
        text.signed()
    with pytest.raises(WireError, match="32-bit float"):
        text.float32()
    with pytest.raises(WireError, match="3 bytes are no list"):
        text.float32_items()


FLOATS = (np.float16, np.float32, np.float64)
INTS = (bool, np.int8, np.uint8, np.int16, np.uint16, np.int32, np.int64, np.uint32)


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("dtype", [*FLOATS, *INTS])
def test_small_tensors_are_read_as_onnx_reads_them(dtype: type[np.generic], raw: bool) -> None:
    array = np.array([[0, 1, 5], [1, 100, 7]], dtype)
    element = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    items = array.tobytes() if raw else array.reshape(-1).tolist()
    proto = helper.make_tensor("t", element, array.shape, items, raw=raw)
    assert np.array_equal(numpy_helper.to_array(proto), array)
    tensor = read_tensor(whole(proto.SerializeToString()))
    values = tensor.values()
    assert tensor.dims == (2, 3)
    assert values is not None
    assert np.array_equal(values, array)


def test_numbers_of_large_and_external_tensors_are_not_read() -> None:
    large = read_tensor(whole(numpy_helper.from_array(np.zeros(MAX_VALUES + 1, np.int64), "t").SerializeToString()))
    assert large.values() is None
    proto = TensorProto(name="t", data_type=1, dims=[2], data_location=1)
    proto.external_data.add(key="location", value="weights.bin")
    external = read_tensor(whole(proto.SerializeToString()))
    assert external.external == "weights.bin"
    assert external.values() is None


@pytest.mark.parametrize(
    ("proto", "message"),
    [
        (TensorProto(name="t", data_type=1, dims=[-1]), "has the shape"),
        (TensorProto(name="t", data_type=1, dims=[1] * 17), "has the shape"),
        (TensorProto(name="t", data_type=1, dims=[2**40, 2**40]), "would have 1208925819614629174706176 elements"),
        (TensorProto(name="t", data_type=1, dims=[3], raw_data=b"1234"), "has 4 bytes for 3 elements"),
    ],
)
def test_shapes_that_no_bytes_stand_behind(proto: TensorProto, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        read_tensor(whole(proto.SerializeToString()))


def test_fewer_numbers_than_elements() -> None:
    tensor = read_tensor(whole(TensorProto(name="t", data_type=7, dims=[3], int64_data=[1, 2]).SerializeToString()))
    with pytest.raises(ModelError, match="has 2 numbers for 3 elements"):
        tensor.values()


def test_a_model_is_read_as_onnx_reads_it() -> None:
    proto = mobilenet_v2(folded=False)
    model = read_header(whole(proto.SerializeToString()))
    read_graph(model)
    assert model.opsets == {"": 13}
    assert model.producer == "tests"
    assert model.name == "net"
    assert [node.op_type for node in model.nodes] == [node.op_type for node in proto.graph.node]
    assert [node.inputs for node in model.nodes] == [tuple(node.input) for node in proto.graph.node]
    for mine, theirs in zip(model.nodes, proto.graph.node, strict=True):
        assert mine.attributes == {a.name: helper.get_attribute_value(a) for a in theirs.attribute}
    assert {name: data.dims for name, data in model.initializers.items()} == {
        tensor.name: tuple(tensor.dims) for tensor in proto.graph.initializer
    }
    assert [(info.name, info.dims) for info in model.inputs] == [("x", ("batch", 3, 224, 224))]
    assert [(info.name, info.dims) for info in model.outputs] == [(proto.graph.output[0].name, None)]


def test_attributes_of_every_kind() -> None:
    net = Net()
    tensor = numpy_helper.from_array(np.array([1, 2]), "t")
    net.node("Op", "x", i=-3, f=0.5, s="text", ints=[1, -2], floats=[0.5, 2.0], t=tensor, none=[1])
    model = read_header(whole(net.model(["op0"], {"x": [1]}).SerializeToString()))
    read_graph(model)
    attributes = dict(model.nodes[0].attributes)
    tensor_data = attributes.pop("t")
    assert attributes == {"i": -3, "f": 0.5, "s": "text", "ints": [1, -2], "floats": [0.5, 2.0], "none": [1]}
    assert tensor_data.dims == (2,)  # type: ignore[union-attr]

"""Mutants of ONNX files: nodes, attributes, tensors, shapes and names are changed and the model is written again."""

from __future__ import annotations

import random
from typing import Any

from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper

from mbcost.importers.onnx.folding import FOLDED
from mbcost.importers.onnx.table import CONVERTERS
from tests.fuzz.texts import bytes_mutant
from tests.fuzz.values import FLOATS, INTEGERS, TEXTS, integer

_OPERATORS = sorted({op for _, op in CONVERTERS} | set(FOLDED) | {"If", "Loop", "NoSuchOp"})
_DOMAINS = ("", "", "ai.onnx", "com.microsoft", "acme")
_INTEGER_LISTS = ("kernel_shape", "pads", "strides", "dilations", "perm", "axes", "split", "shape", "output_padding")
_INTEGER_ATTRIBUTES = ("axis", "group", "keepdims", "allowzero", "ceil_mode", "transB", "hidden_size", "to", "mode")


def onnx_mutant(content: bytes, rng: random.Random) -> bytes:
    """A mutant: four times out of five of what the file says, otherwise of its bytes."""
    if rng.random() < 0.2:
        return bytes_mutant(content, rng)
    model = ModelProto()
    model.ParseFromString(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        rng.choice(_CHANGES)(model, rng)
    return model.SerializeToString()


def _node(model: ModelProto, rng: random.Random) -> NodeProto:
    return rng.choice(model.graph.node) if model.graph.node else model.graph.node.add()


def _names(model: ModelProto) -> list[str]:
    graph = model.graph
    made = [name for node in graph.node for name in node.output]
    return [*made, *(t.name for t in graph.initializer), *(i.name for i in graph.input), "", "nowhere"]


def _change_structure(model: ModelProto, rng: random.Random) -> None:
    nodes = model.graph.node
    if not nodes:
        return
    at, kind = rng.randrange(len(nodes)), rng.randrange(4)
    if kind == 0:
        del nodes[at]
    elif kind == 1:
        nodes.add().CopyFrom(nodes[at])
    elif kind == 2:
        order = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
        rng.shuffle(order)
        del nodes[:]
        nodes.extend(order)
    else:
        node = nodes.add()
        node.op_type, node.name = rng.choice(_OPERATORS), "more"
        node.input.extend(rng.choices(_names(model), k=rng.randrange(4)))
        node.output.append(rng.choice([*_names(model), "more"]))


def _change_operator(model: ModelProto, rng: random.Random) -> None:
    node = _node(model, rng)
    node.op_type = rng.choice(_OPERATORS)
    if rng.random() < 0.2:
        node.domain = rng.choice(_DOMAINS)


def _change_inputs(model: ModelProto, rng: random.Random) -> None:
    node = _node(model, rng)
    names = node.input if rng.random() < 0.75 else node.output
    kind = rng.randrange(4)
    if kind == 0 and names:
        del names[rng.randrange(len(names))]
    elif kind == 1:
        names.append(rng.choice(_names(model)))
    elif kind == 2 and len(names) > 1:
        changed = list(names)
        rng.shuffle(changed)
        del names[:]
        names.extend(changed)
    elif names:
        names[rng.randrange(len(names))] = rng.choice(_names(model))


def _change_attribute(model: ModelProto, rng: random.Random) -> None:
    """A value of an attribute, its type, or whether it is there."""
    node = _node(model, rng)
    if not node.attribute or rng.random() < 0.3:
        node.attribute.append(_new_attribute(rng))
        return
    attribute, kind = rng.choice(node.attribute), rng.randrange(8)
    if kind == 0:
        node.attribute.remove(attribute)
    elif kind == 1:
        node.attribute.add().CopyFrom(attribute)
    elif kind == 2:
        attribute.type = rng.choice(AttributeProto.AttributeType.values())
    elif kind == 3:
        attribute.name = rng.choice([*_INTEGER_LISTS, *_INTEGER_ATTRIBUTES, "auto_pad", "value", _text(rng)])
    elif attribute.ints:
        at = rng.randrange(len(attribute.ints))
        attribute.ints[at] = _int64(integer(rng, attribute.ints[at]))
        if kind == 4:
            attribute.ints.append(_int64(integer(rng)))
        if kind == 5:
            del attribute.ints[at]
    elif attribute.type == AttributeProto.STRING:
        attribute.s = rng.choice((b"SAME_UPPER", b"VALID", b"NOTSET", b"ij,jk", b"\xff", b"", b"x" * 300))
    elif attribute.type == AttributeProto.FLOAT:
        attribute.f = _float32(rng)
    elif attribute.type == AttributeProto.TENSOR:
        _change_tensor(attribute.t, rng)
    elif attribute.type == AttributeProto.GRAPH:
        for inner in attribute.g.node[:1]:
            inner.op_type = rng.choice(_OPERATORS)
    else:
        attribute.i = _int64(integer(rng, attribute.i))


def _new_attribute(rng: random.Random) -> AttributeProto:
    kind = rng.randrange(4)
    if kind == 0:
        return helper.make_attribute(rng.choice(_INTEGER_ATTRIBUTES), _int64(integer(rng)))
    if kind == 1:
        return helper.make_attribute("auto_pad", rng.choice(("SAME_UPPER", "SAME_LOWER", "VALID", "NO")))
    if kind == 2:
        return helper.make_attribute(rng.choice(("alpha", "beta", "epsilon", "ratio", "scales")), _float32(rng))
    sizes = [_int64(integer(rng, 1)) for _ in range(rng.choice((1, 2, 2, 4, 4, 6, 9)))]
    return helper.make_attribute(rng.choice(_INTEGER_LISTS), sizes)


def _change_weight(model: ModelProto, rng: random.Random) -> None:
    """A tensor of the file: its sizes, its type, its numbers, its name, or whether it is there."""
    tensors = model.graph.initializer
    if not tensors:
        return
    kind = rng.randrange(8)
    if kind == 0:
        del tensors[rng.randrange(len(tensors))]
    elif kind == 1:
        rng.choice(tensors).name = rng.choice(_names(model))
    elif kind == 2:
        tensors.add().CopyFrom(rng.choice(tensors))
    else:
        _change_tensor(rng.choice(tensors), rng)


def _change_tensor(tensor: TensorProto, rng: random.Random) -> None:
    kind = rng.randrange(7)
    if kind < 2 and tensor.dims:
        at = rng.randrange(len(tensor.dims))
        tensor.dims[at] = _int64(integer(rng, tensor.dims[at]))
    elif kind == 2:
        tensor.dims.append(_int64(integer(rng, 1)))
    elif kind == 3 and tensor.dims:
        del tensor.dims[rng.randrange(len(tensor.dims))]
    elif kind == 4:
        tensor.data_type = rng.choice([*TensorProto.DataType.values(), 99])
    elif tensor.raw_data and len(tensor.raw_data) % 8 == 0 and tensor.data_type == TensorProto.INT64:
        at = rng.randrange(len(tensor.raw_data) // 8) * 8
        number = _int64(integer(rng, int.from_bytes(tensor.raw_data[at : at + 8], "little", signed=True)))
        tensor.raw_data = tensor.raw_data[:at] + number.to_bytes(8, "little", signed=True) + tensor.raw_data[at + 8 :]
    elif tensor.raw_data:
        tensor.raw_data = tensor.raw_data[: rng.randrange(len(tensor.raw_data) + 1)] + rng.randbytes(rng.randrange(9))
    elif tensor.int64_data:
        tensor.int64_data[rng.randrange(len(tensor.int64_data))] = _int64(integer(rng))


def _change_declared(model: ModelProto, rng: random.Random) -> None:
    """The name, the shape or the type of an input, an output or a value between."""
    graph = model.graph
    lists = [found for found in (graph.input, graph.input, graph.output, graph.value_info) if found]
    if not lists:
        graph.input.add().name = "x"
        return
    infos = rng.choice(lists)
    info, kind = rng.choice(infos), rng.randrange(8)
    sizes = info.type.tensor_type.shape.dim
    if kind == 0:
        infos.remove(info)
    elif kind == 1:
        infos.add().CopyFrom(info)
    elif kind == 2:
        info.name = rng.choice(_names(model))
    elif kind == 3:
        info.type.tensor_type.elem_type = rng.choice([*TensorProto.DataType.values(), 99])
    elif kind == 4 or not sizes:
        sizes.add().dim_value = _int64(integer(rng, 1))
    elif kind == 5:
        rng.choice(sizes).dim_param = rng.choice(("N", "batch", _text(rng)))
    elif kind == 6:
        del sizes[rng.randrange(len(sizes))]
    else:
        size = rng.choice(sizes)
        size.dim_value = _int64(integer(rng, size.dim_value))


def _change_header(model: ModelProto, rng: random.Random) -> None:
    """Opsets, names, and functions that the file defines."""
    kind = rng.randrange(5)
    if kind == 0:
        model.opset_import.add(domain=rng.choice(_DOMAINS), version=_int64(integer(rng, 17)))
    elif kind == 1 and model.opset_import:
        rng.choice(model.opset_import).version = rng.choice((*range(1, 29), *INTEGERS))
    elif kind == 2:
        model.graph.name = _text(rng)
    elif kind == 3:
        _node(model, rng).name = _text(rng)
    else:
        node = _node(model, rng)
        function = model.functions.add(name=node.op_type, domain=node.domain)
        function.input.extend(["a", "b"])
        function.output.append("c")
        function.node.append(helper.make_node(rng.choice([node.op_type, *_OPERATORS]), ["a", "b"], ["c"]))


def _int64(number: int) -> int:
    return max(-(2**63), min(2**63 - 1, number))


def _float32(rng: random.Random) -> float:
    return rng.choice([number for number in FLOATS if abs(number) < 1e38 or abs(number) == float("inf")])


def _text(rng: random.Random) -> str:
    return rng.choice([text for text in TEXTS if text.isascii() or (text.isalpha() and text != "\ud800")])


_CHANGES: tuple[Any, ...] = (
    _change_structure,
    _change_operator,
    _change_operator,
    _change_inputs,
    *(_change_attribute,) * 4,
    *(_change_weight,) * 3,
    *(_change_declared,) * 2,
    _change_header,
)

"""Functions that a model defines, put in the place of the nodes that call them; and what a node reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from mbcost.importers.onnx.model import MAX_NODES, Attribute, Function, Node, OnnxModel, Reference, read_branch
from mbcost.importers.onnx.tensors import ModelError
from mbcost.importers.onnx.wire import Range

_MAX_DEPTH: Final = 32


def inlined(model: OnnxModel) -> list[Node]:
    """The nodes of the main graph, without calls of functions.

    Raises
    ------
    ModelError
        If functions call each other for ever, or make too many nodes.
    """
    if not model.functions:
        return model.nodes
    nodes: list[Node] = []
    for node in _expanded(model.nodes, model.functions, 0):
        nodes.append(node)
        if len(nodes) > MAX_NODES:
            raise ModelError(f"its functions make more than {MAX_NODES} nodes")
    return nodes


def _expanded(nodes: Iterable[Node], functions: Mapping[tuple[str, str], Function], depth: int) -> Iterator[Node]:
    for node in nodes:
        function = functions.get((node.domain, node.op_type))
        if function is None or any(isinstance(item, Range) for n in function.nodes for item in n.attributes.values()):
            yield node
            continue
        if depth > _MAX_DEPTH:
            raise ModelError(f"function `{node.op_type}` calls itself")
        yield from _expanded(_body(node, function), functions, depth + 1)


def _body(call: Node, function: Function) -> Iterator[Node]:
    """The function's nodes, with the call's names, attributes and inputs."""
    names = dict(zip(function.inputs, call.inputs, strict=False))
    names |= dict.fromkeys(function.inputs[len(call.inputs) :], "")
    given = {inner: outer for inner, outer in zip(function.outputs, call.outputs, strict=False) if outer}
    # an output that is an input as it stands has no node to take the name
    for inner in set(given) & set(function.inputs):
        yield Node("Identity", "", call.name, (names[inner],), (given.pop(inner),), {}, call.opset)
    names |= given

    def renamed(name: str) -> str:
        return names.setdefault(name, f"{call.name}/{name}") if name else ""

    for node in function.nodes:
        yield replace(
            node,
            name=f"{call.name}/{node.name}",
            module=call.module or node.module,
            inputs=tuple(map(renamed, node.inputs)),
            outputs=tuple(map(renamed, node.outputs)),
            attributes=_attributes(node.attributes, call.attributes, function.defaults),
        )


def _attributes(
    own: Mapping[str, Attribute], given: Mapping[str, Attribute], defaults: Mapping[str, Attribute]
) -> dict[str, Attribute]:
    """A node's attributes; those that refer to the function's take its values, and are absent where there is none."""
    values: dict[str, Attribute] = {}
    for name, value in own.items():
        if not isinstance(value, Reference):
            values[name] = value
        elif (value.name in given) or (value.name in defaults):
            values[name] = given.get(value.name, defaults.get(value.name))
    return values


def names_read(node: Node) -> tuple[str, ...]:
    """The values that a node needs: its inputs, and what its branches take from outside of them."""
    branches = [value for value in node.attributes.values() if isinstance(value, Range)]
    if not branches:
        return tuple(filter(None, node.inputs))
    return tuple(dict.fromkeys([*filter(None, node.inputs), *_captured(branches, 0)]))


def _captured(branches: Iterable[Range], depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        raise ModelError("its branches are nested too deeply")
    for branch in branches:
        graph = read_branch(branch, {})
        made = {info.name for info in graph.inputs} | set(graph.initializers)
        for node in graph.nodes:
            inner = [value for value in node.attributes.values() if isinstance(value, Range)]
            yield from (name for name in (*node.inputs, *_captured(inner, depth + 1)) if name and name not in made)
            made.update(node.outputs)
        yield from (info.name for info in graph.outputs if info.name not in made)


def needed(nodes: list[Node], outputs: Iterable[str]) -> list[Node]:
    """The nodes that make some values, in the order of the file."""
    wanted = set(outputs)
    kept = []
    for node in reversed(nodes):
        if wanted.intersection(node.outputs):
            wanted.update(names_read(node))
            kept.append(node)
    return kept[::-1]

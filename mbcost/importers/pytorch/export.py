"""Tracing with ``torch.export``: no weight has values, no arithmetic runs."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any, Final

from mbcost.importers.pytorch.isolate import import_torch, quiet
from mbcost.importers.pytorch.trace import Call, Ref, Trace, Weight, bound_arguments, module_path, operator_name

#: Operators whose result shares memory with their first argument, so that writing into one writes into the other.
_VIEWS: Final = frozenset(
    [
        "alias",
        "chunk",
        "detach",
        "diagonal",
        "expand",
        "flatten",
        "narrow",
        "permute",
        "reshape",
        "select",
        "slice",
        "split",
        "split_with_sizes",
        "squeeze",
        "t",
        "transpose",
        "unbind",
        "unflatten",
        "unsqueeze",
        "view",
    ]
)


def exported_trace(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Trace:
    """The operators that a module runs on inputs of these sizes, at the level of ``conv2d`` and ``linear``.

    Raises
    ------
    Exception
        Whatever ``torch.export`` or the module's own code raises.
    """
    torch = import_torch()
    with quiet(), torch.no_grad():
        program = torch.export.export(module, args, kwargs, strict=False)
        if _writes_into_views(program.graph):
            program = program.run_decompositions({})
    return _Reader(program).trace


def _writes_into_views(graph: Any) -> bool:
    """Whether a tensor is changed through a view of it, which only the functional form of the graph shows."""
    for node in graph.nodes:
        schema = getattr(node.target, "_schema", None)
        if schema is not None and schema.is_mutable and node.args:
            changed = getattr(node.args[0], "target", None)
            viewed = getattr(changed, "_schema", None)
            if node.target is not changed and viewed is not None and operator_name(viewed.name) in _VIEWS:
                return True
    return False


class _Reader:
    """Turns an exported program into a trace."""

    def __init__(self, program: Any) -> None:
        self.trace = Trace()
        self.refs: dict[Any, Any] = {}
        weights = _weights(program.graph_signature)
        inputs = set(program.graph_signature.user_inputs)
        for node in program.graph.nodes:
            if node.op == "placeholder":
                self._placeholder(node, weights, inputs)
        self._read(program.graph, "")
        (results,) = next(node.args for node in program.graph.nodes if node.op == "output")
        found = (self._resolved(node) for node in results)
        self.trace.outputs = [ref for ref in found if isinstance(ref, Ref)]

    def _placeholder(self, node: Any, weights: Mapping[str, Weight], inputs: set[str]) -> None:
        value = node.meta.get("val")
        if not hasattr(value, "shape"):
            self.refs[node] = value
            return
        ref = self.refs[node] = self.trace.add(value)
        if node.name in weights:
            self.trace.weights[ref] = weights[node.name]
        elif node.name in inputs:
            self.trace.inputs.append(ref)

    def _read(self, graph: Any, where: str) -> None:
        for node in graph.nodes:
            if node.op == "call_function":
                self._call(node, where)

    def _call(self, node: Any, where: str) -> None:
        if node.target is operator.getitem:
            source, index = node.args
            self.refs[node] = self.refs[source][index]
            return
        stack = node.meta.get("nn_module_stack") or {}
        path = module_path(list(stack.values())[-1][0]) if stack else where
        inner = self._inner_graph(node)
        if inner is not None:
            self._inline(node, inner, path)
            return
        args, kwargs = self._resolved(node.args), self._resolved(node.kwargs)
        outputs = self._outputs(node)
        schema = getattr(node.target, "_schema", None)
        if schema is None:
            name = getattr(node.target, "__name__", str(node.target))
            bound = {str(i): value for i, value in enumerate(args)} | kwargs
        else:
            name, bound = operator_name(schema.name), bound_arguments(schema, args, kwargs)
        self.trace.calls.append(Call(name, bound, outputs, path))

    def _outputs(self, node: Any) -> tuple[Ref | None, ...]:
        value = node.meta.get("val")
        if isinstance(value, (list, tuple)):
            many = tuple(self.trace.add(item) if hasattr(item, "shape") else None for item in value)
            self.refs[node] = many
            return many
        one = self.trace.add(value) if hasattr(value, "shape") else None
        self.refs[node] = value if one is None else one
        return (one,)

    def _inner_graph(self, node: Any) -> Any:
        """The graph of a region such as ``with torch.no_grad()``, which the export keeps apart."""
        for arg in node.args:
            if getattr(arg, "op", None) == "get_attr":
                return getattr(node.graph.owning_module, arg.target, None)
        return None

    def _inline(self, node: Any, inner: Any, where: str) -> None:
        given = [arg for arg in node.args if getattr(arg, "op", None) not in {None, "get_attr"}]
        places = [item for item in inner.graph.nodes if item.op == "placeholder"]
        for place, arg in zip(places, given, strict=True):
            self.refs[place] = self._resolved(arg)
        self._read(inner.graph, where)
        (results,) = next(item.args for item in inner.graph.nodes if item.op == "output")
        self.refs[node] = self._resolved(results)

    def _resolved(self, value: Any) -> Any:
        """Arguments with :class:`Ref` in the place of graph nodes."""
        if isinstance(value, (list, tuple)):
            return tuple(self._resolved(item) for item in value)
        if isinstance(value, dict):
            return {key: self._resolved(item) for key, item in value.items()}
        if type(value).__name__ == "Node":
            return self.refs.get(value)
        return value


def _weights(signature: Any) -> dict[str, Weight]:
    """Parameters, buffers and constants of a program by the names of their placeholders."""
    return {
        spec.arg.name: Weight(spec.target, trained=spec.kind.name == "PARAMETER")
        for spec in signature.input_specs
        if spec.kind.name in {"PARAMETER", "BUFFER", "CONSTANT_TENSOR"}
    }

"""IF, WHILE and CALL: the operators of the subgraph that runs, as often as it runs, in the place of the operator.

A loop's turns are counted where its condition follows from constants, such as a counter below a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from mbcost.errors import fail
from mbcost.graph.expansion import MAX_LAYERS
from mbcost.importers.tflite.flatbuffer import DamagedError
from mbcost.importers.tflite.model import Model, Node, Subgraph, Tensor, with_readers

CONTROL_FLOW: Final = frozenset({"IF", "WHILE", "CALL"})
#: Most turns of a loop that are counted, and deepest nesting of subgraphs.
MAX_TURNS: Final = 1024
_MAX_DEPTH: Final = 16
#: Most subgraphs that are put in the place of operators.
MAX_CALLS: Final = 20_000

#: What the operators of a condition or a counter compute of single numbers.
_ARITHMETIC: Final[Mapping[str, Callable[..., float]]] = {
    "ADD": lambda a, b: a + b,
    "SUB": lambda a, b: a - b,
    "MUL": lambda a, b: a * b,
    "MINIMUM": min,
    "MAXIMUM": max,
    "LESS": lambda a, b: a < b,
    "LESS_EQUAL": lambda a, b: a <= b,
    "GREATER": lambda a, b: a > b,
    "GREATER_EQUAL": lambda a, b: a >= b,
    "EQUAL": lambda a, b: a == b,
    "NOT_EQUAL": lambda a, b: a != b,
    "LOGICAL_AND": lambda a, b: a and b,
    "LOGICAL_OR": lambda a, b: a or b,
    "LOGICAL_NOT": lambda a: not a,
    "CAST": lambda a: a,
}


def inlined(model: Model, *, estimates: bool) -> Model:
    """The model without control flow, where it is known which subgraph runs, and how often.

    Parameters
    ----------
    estimates
        Take the first branch, and one turn, where that is not known; an operator of an unknown name follows them, so
        that it is charged and said.

    Raises
    ------
    InputError
        MB208 for too many operators.
    DamagedError
        If a subgraph is missing, or called with other tensors than its inputs.
    """
    if not any(node.name in CONTROL_FLOW and not node.custom for node in model.nodes):
        return model
    return _Inlining(model, estimates).run()


class _Inlining:
    def __init__(self, model: Model, estimates: bool) -> None:
        self.model = model
        self.estimates = estimates
        self.tensors: list[Tensor] = list(model.tensors)
        self.nodes: list[Node] = []
        #: Constants of subgraphs, which all turns share, by subgraph and tensor.
        self.constants: dict[tuple[int, int], int] = {}
        #: Outputs of control flow -> the tensors that they are.
        self.same: dict[int, int] = {}
        self.numbers: dict[int, float] = {}
        self.calls = 0

    def run(self) -> Model:
        self._add(self.model.nodes, {}, 0)
        outputs = dict.fromkeys(self._resolved(tensor) for tensor in self.model.outputs)
        nodes = tuple(replace(node, index=index) for index, node in enumerate(self.nodes))
        return with_readers(replace(self.model, tensors=tuple(self.tensors), nodes=nodes, outputs=outputs))

    def _resolved(self, tensor: int) -> int:
        while tensor in self.same:
            tensor = self.same[tensor]
        return tensor

    def _add(self, nodes: Sequence[Node], places: Mapping[int, int], depth: int) -> None:
        """Append operators, whose tensors are at other places here."""
        if depth > _MAX_DEPTH:
            raise DamagedError("its subgraphs are nested too deeply")
        for node in nodes:
            inputs = tuple(self._resolved(places.get(tensor, tensor)) if tensor >= 0 else -1 for tensor in node.inputs)
            outputs = tuple(places.get(tensor, tensor) for tensor in node.outputs)
            here = replace(node, inputs=inputs, outputs=outputs)
            if node.name not in CONTROL_FLOW or node.custom or not self._expanded(here, depth):
                self._append(here)

    def _append(self, node: Node) -> None:
        if len(self.nodes) >= MAX_LAYERS:
            fail("MB208", f"{self.model.path} has more than {MAX_LAYERS} operators with all turns of its loops")
        self.nodes.append(node)
        numbers = [self._number(tensor) for tensor in node.inputs]
        if node.name in _ARITHMETIC and not node.custom and None not in numbers:
            self.numbers[node.outputs[0]] = float(_ARITHMETIC[node.name](*numbers))

    def _number(self, tensor: int) -> float | None:
        """The number that a tensor of one element is, if that is known before the network runs."""
        if tensor in self.numbers:
            return self.numbers[tensor]
        head = self.tensors[tensor] if tensor >= 0 else None
        if head is None or head.elements != 1 or not head.data[1]:
            return None
        return self.model.number_of(head)

    def _expanded(self, node: Node, depth: int) -> bool:
        """Put a subgraph in the place of an operator; whether that can be done."""
        if node.name == "WHILE":
            return self._repeated(node, depth)
        name, inputs = "subgraph", node.inputs
        note = ""
        if node.name == "IF":
            condition, inputs = self._number(node.inputs[0]), node.inputs[1:]
            if condition is None and not self.estimates:
                return False
            name = "else_subgraph_index" if condition == 0 else "then_subgraph_index"
            note = "IF (its first branch)" if condition is None else ""
        results = self._called(node.option(name), inputs, depth)
        self._bind(node, results, note)
        return True

    def _repeated(self, node: Node, depth: int, most: int = MAX_TURNS) -> bool:
        state: Sequence[int] = node.inputs
        start, turns = len(self.nodes), 0
        while True:
            before = len(self.nodes)
            condition = self._number(self._called(node.option("cond_subgraph_index"), state, depth)[0])
            if condition is not None:
                del self.nodes[before:]  # a condition of single numbers, which is no part of the network's work
            if condition == 0 or (condition is None and turns and self.estimates):
                break
            if turns == most == 1:
                condition = None
                break
            if turns == most or (condition is None and not self.estimates):
                del self.nodes[start:]
                return self.estimates and self._repeated(node, depth, 1)
            state = self._called(node.option("body_subgraph_index"), state, depth)
            turns += 1
        self._bind(node, state, "" if condition == 0 else "WHILE (one turn of its body)")
        return True

    def _called(self, number: int, inputs: Sequence[int], depth: int) -> list[int]:
        """Append the operators of a subgraph, for these inputs: the tensors that are its outputs."""
        if not 0 <= number < len(self.model.subgraphs):
            raise DamagedError(f"there is no subgraph {number}")
        self.calls += 1
        if self.calls > MAX_CALLS:
            fail("MB208", f"{self.model.path} runs more than {MAX_CALLS} subgraphs")
        graph: Subgraph = self.model.subgraphs[number]
        if len(graph.inputs) != len(inputs):
            raise DamagedError(f"subgraph {number} has {len(graph.inputs)} inputs, it is called with {len(inputs)}")
        places = dict(zip(graph.inputs, inputs, strict=True))
        for place, tensor in enumerate(graph.tensors):
            if place not in places:
                places[place] = self._placed((number, place), tensor)
        self._add(graph.nodes, places, depth + 1)
        return [self._resolved(places[tensor]) for tensor in graph.outputs]

    def _placed(self, key: tuple[int, int], tensor: Tensor) -> int:
        if key in self.constants:
            return self.constants[key]
        self.tensors.append(tensor)
        if tensor.data[1]:
            self.constants[key] = len(self.tensors) - 1
        return len(self.tensors) - 1

    def _bind(self, node: Node, results: Sequence[int], note: str) -> None:
        if len(results) < len(node.outputs):
            raise DamagedError(f"{node.name} has {len(node.outputs)} outputs, its subgraph {len(results)}")
        if note:
            self._append(Node(0, note, custom=True, inputs=tuple(results), outputs=node.outputs, options=None))
            return
        self.same.update(zip(node.outputs, results, strict=False))

"""From an ONNX file to an :class:`~mbcost.architectures.ArchitectureSpec`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import Final, NoReturn

import numpy as np

from mbcost.architectures.scaling import Resolution
from mbcost.architectures.spec import ArchitectureSpec
from mbcost.errors import InputError, Problem, did_you_mean, fail
from mbcost.importers.imported import INPUT, imported_spec
from mbcost.importers.mapped_file import mapped
from mbcost.importers.onnx.builder import Builder
from mbcost.importers.onnx.call import Call, Converter, Result, UnsupportedError
from mbcost.importers.onnx.folding import FOLDED, constant_of, folded
from mbcost.importers.onnx.inline import inlined, names_read, needed
from mbcost.importers.onnx.inputs import Inputs, InputShapes, graph_inputs
from mbcost.importers.onnx.loops import MAX_NODES_RUN, loop, scan
from mbcost.importers.onnx.model import Graph, Node, OnnxModel, ValueInfo, read_branch, read_graph, read_header
from mbcost.importers.onnx.patterns import simplified
from mbcost.importers.onnx.table import CONVERTERS, EVERY_INPUT, QUANTIZING, SHAPE_ONLY, WITHOUT_MODEL
from mbcost.importers.onnx.tensors import ModelError
from mbcost.importers.onnx.values import Constant, Tensor, Value, default_axes, shape_of
from mbcost.importers.onnx.wire import Range, WireError
from mbcost.numeric import Dim
from mbcost.operators import Opaque, OperatorError
from mbcost.words import Unsupported

FIRST_OPSET: Final = 1
LAST_OPSET: Final = 28

#: Standard operators with graphs of their own.
_WITH_BODY: Final = ("If", "Loop", "Scan")
#: What an estimate makes of a graph whose turns or branch are not known.
_ESTIMATES: Final = {"If": "takes its first branch", "Loop": "counts one turn of its body"}
#: Names that torch.onnx, old and new, and tf2onnx give to every graph.
_NAMES_OF_ANY: Final = frozenset({"main_graph", "torch_jit", "torch-jit-export", "tf2onnx"})
_QUANTIZED: Final = "A quantised model: the layers are those of the float network."


def read_onnx(
    path: str | PathLike[str],
    input_shapes: InputShapes = None,
    unsupported: Unsupported = "refuse",
    *,
    until: str | None = None,
    resolution: Resolution | None = None,
) -> ArchitectureSpec:
    """The network of an ONNX file, for one image. Weights are not read, external data is not opened.

    Parameters
    ----------
    path
        The file.
    input_shapes
        Shapes of inputs as ONNX has them (``(1, 3, 224, 224)``), by name; without a name that of the image. Needed
        where the file leaves a dimension open; None in a shape takes over the file's.
    unsupported
        ``refuse`` operators that mbcost does not know, or ``estimate`` them by their traffic and say so in the note.
    until
        Name of a tensor of the file at which the network ends; what only others need is left out.
    resolution
        Height and width of the image, where the file leaves them open [pixels].

    Raises
    ------
    InputError
        MB010 if there is no tensor `until`, MB500 if it is no ONNX file, MB501 with every operator that is not known,
        MB502 for an open dimension, MB503 if the file is damaged, MB504 for what is not modelled, MB505 for external
        data outside the file's folder.
    """
    path = Path(path)
    with mapped(path, "an ONNX file") as data:
        model = _read(Range(data, 0, len(data)), str(path))
        outputs = [info.name for info in model.outputs] if until is None else [_ended(model, until, str(path))]
        try:
            nodes = needed(inlined(model), outputs)
        except (WireError, ModelError) as error:
            fail("MB503", f"{path} is damaged: {error}")
        _check(model, nodes, str(path), unsupported)
        _check_order(model, nodes, outputs, str(path))
        inputs = graph_inputs(model, nodes, input_shapes, resolution, str(path))
        return _Import(model, nodes, inputs, str(path), unsupported).spec(outputs)


def _read(file: Range, shown: str) -> OnnxModel:
    try:
        model = read_header(file)
    except (WireError, ModelError) as error:
        fail("MB500", f"{shown} is not an ONNX file, or is cut off: {error}", hint="was it downloaded completely?")
    if not model.graph:
        fail("MB500", f"{shown} is not an ONNX file: it holds no graph")
    try:
        read_graph(model)
    except (WireError, ModelError) as error:
        fail("MB503", f"{shown} is damaged: {error}")
    return model


def _ended(model: OnnxModel, until: str, shown: str) -> str:
    """The tensor at which the network is to end, by its name or by that of the node that makes it."""
    made = {name for node in model.nodes for name in node.outputs if name}
    if until in made:
        return until
    by_node = {node.name: node.outputs[0] for node in model.nodes if node.outputs and node.outputs[0]}
    if until in by_node:
        return by_node[until]
    last = [name for node in model.nodes[-8:] for name in node.outputs if name]
    hint = did_you_mean(until, sorted(made | set(by_node))) or f"its last tensors are {', '.join(last)}"
    fail("MB010", f"{shown} has no tensor `{until[:100]}` at which the network could end", hint=hint)


def _check(model: OnnxModel, nodes: Sequence[Node], shown: str, unsupported: Unsupported) -> None:
    """Raise for an opset, external data or operators that the importer does not take; all operators at once."""
    opset = model.opsets.get("", 0)
    if not FIRST_OPSET <= opset <= LAST_OPSET and (opset or any(not node.domain for node in nodes)):
        hint = "onnx.version_converter.convert_version converts a model"
        fail("MB504", f"{shown} uses opset {opset}; opsets {FIRST_OPSET} to {LAST_OPSET} are known", hint=hint)
    for tensor in model.initializers.values():
        if tensor.external is not None and _leaves(tensor.external):
            fail("MB505", f"{shown}: tensor `{tensor.name}` points out of its folder, to {tensor.external}")
    unknown: dict[tuple[str, str], list[Node]] = {}
    for node in nodes:
        key = (node.domain, node.op_type)
        if key not in CONVERTERS and not (node.domain == "" and (node.op_type in FOLDED or node.op_type in _WITH_BODY)):
            unknown.setdefault(key, []).append(node)
    problems = [_unknown(model, found, shown) for found in unknown.values()]
    if problems and unsupported == "refuse":
        raise InputError(problems)


def _check_order(model: OnnxModel, nodes: Sequence[Node], outputs: Sequence[str], shown: str) -> None:
    """Raise if a node, or an output, reads a value that nothing before it makes."""
    made = {info.name for info in model.inputs} | set(model.initializers)
    for node in nodes:
        missing = next((name for name in names_read(node) if name not in made), None)
        if missing is not None:
            fail("MB503", f"{shown} is damaged: {node.title} reads `{missing}`, which nothing before it makes")
        made.update(node.outputs)
    missing = next((name for name in outputs if name not in made), None)
    if missing is not None:
        fail("MB503", f"{shown} is damaged: the graph's output reads `{missing}`, which nothing before it makes")


def _leaves(location: str) -> bool:
    """Whether a path of external data leads out of the model's folder."""
    path = PurePosixPath(location.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in location


def _unknown(model: OnnxModel, nodes: list[Node], shown: str) -> Problem:
    node = nodes[0]
    name = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
    where = f"node `{node.name}`" + (f" and {len(nodes) - 1} more" if len(nodes) > 1 else "")
    reasons = []
    if node.op_type == "SequenceMap":
        reasons.append("control flow is not modelled")
    elif (node.domain, node.op_type) in model.functions:
        reasons.append("a function with branches: inline it with onnx.inliner.inline_local_functions")
    elif node.domain or node.op_type not in WITHOUT_MODEL:
        reasons.append(
            did_you_mean(node.op_type, [known for domain, known in CONVERTERS if domain == node.domain]) or ""
        )
    reasons += ['`unsupported="estimate"` charges its traffic and says so', "`until=TENSOR` ends the network before it"]
    return Problem(
        "MB501", f"operator `{name}` is not known ({where} of {shown})", hint="; ".join(filter(None, reasons))
    )


class _Import:
    """Runs the graph once: values by name, layers in a builder."""

    def __init__(
        self, model: OnnxModel, nodes: Sequence[Node], inputs: Inputs, shown: str, unsupported: Unsupported
    ) -> None:
        self.model = model
        self.nodes = nodes
        self.inputs = inputs
        self.shown = shown
        self.unsupported = unsupported
        self.build = Builder()
        self.values: dict[str, Value] = {}
        self.initializers = dict(model.initializers)
        self.infos = {info.name: info for info in (*model.outputs, *model.value_infos.values())}
        self.estimated: dict[str, None] = {}
        self.constant_macs: Dim = 0
        self.nodes_run = 0

    def spec(self, outputs: Sequence[str]) -> ArchitectureSpec:
        """The network, which ends in the values of these names."""
        inputs = self.inputs.tensors
        extra = {tensor.source: tensor.shape for tensor in inputs.values() if tensor.source != INPUT}
        self.build.reserve(extra)
        self.values.update(inputs)
        for node in self.nodes:
            self._run(node)
        ends = tuple(dict.fromkeys(self._outputs(outputs)))
        layers = simplified(self.build, ends)
        read = {source for layer in layers.values() for source in layer.inputs}
        graph = self.model.name
        return imported_spec(
            layers.values(),
            name=graph if graph and graph not in _NAMES_OF_ANY else Path(self.shown).stem,
            source=f"ONNX file{f' made by {self.model.producer}' if self.model.producer else ''}",
            origin=self.shown,
            input_shape=next(tensor.shape for tensor in inputs.values() if tensor.source == INPUT),
            outputs=ends,
            extra_inputs={name: shape for name, shape in extra.items() if name in read},
            notes=self._notes(),
            stated_batch=self.inputs.batch,
            stated_precision="int8" if self._is_quantised() else None,
        )

    def _outputs(self, names: Sequence[str]) -> list[str]:
        """The layers that make the network's outputs."""
        values = [self._value(name, "the graph's output") for name in names]
        return [value.source for value in values if isinstance(value, Tensor) and value.source in self.build.layers]

    def _is_quantised(self) -> bool:
        """Whether activations are; of a network with quantised weights alone only constants are dequantised."""
        return any(node.op_type in QUANTIZING for node in self.nodes)

    def _notes(self) -> list[str]:
        notes = [_QUANTIZED] if self._is_quantised() else []
        notes += self.inputs.notes
        notes += self.build.notes
        if self.build.charged:
            notes.append(f"Charged by their traffic alone: {', '.join(self.build.charged)}.")
        if self.constant_macs:
            notes.append(f"{self.constant_macs} MACs on constants alone are done once and not counted.")
        if self.estimated:
            names = ", ".join(self.estimated)
            notes.append(
                f"Estimated by their traffic, since mbcost does not know them: {names}. "
                "The MACs are at least these: those operators may have more."
            )
        return notes

    def _value(self, name: str, reader: str) -> Value:
        value = self.values.get(name)
        if value is None and name in self.initializers:
            value = self.values[name] = constant_of(self.initializers[name])
        if value is None:
            fail("MB503", f"{self.shown} is damaged: {reader} reads `{name}`, which nothing before it makes")
        return value

    def _run(self, node: Node) -> None:
        """Convert a node.

        Converters read what an operator's specification promises. A node that breaks the promise (a list that is too
        short, a number that is no dimension) is damage of the file, wherever in a converter it shows.
        """
        self.build.node = node.label
        try:
            inputs = [self._value(name, node.title) if name else None for name in node.inputs]
            call = Call(
                node, inputs, node.opset or self.model.opsets.get(node.domain, 0), self.build, self.inputs.batch
            )
            before = len(self.build.layers)
            with np.errstate(all="ignore"):
                result = self._convert(call)
            results = result if isinstance(result, tuple) else (result,)
            self._check_read(call, results, before)
        except OperatorError as error:
            self._fail(node, "MB204", str(error))
        except UnsupportedError as error:
            self._fail(node, "MB504", str(error))
        except (ModelError, WireError) as error:
            self._fail(node, "MB503", str(error))
        except (ArithmeticError, LookupError, TypeError, ValueError):
            self._fail(node, "MB503", "its attributes or inputs are not those of the operator")
        for name, value in zip(node.outputs, results, strict=False):
            self.values[name] = value
        for name in filter(None, node.outputs[len(results) :]):
            self.values[name] = self._further(results[0], name)

    def _check_read(self, call: Call, results: tuple[Value, ...], before: int) -> None:
        """Raise if the network computes an operand that no layer of the node reads: it would vanish, with all behind.

        Only the shape of some operands matters, and of a branch that is taken every node has been looked at.
        """
        if all(isinstance(value, Constant) and not value.elements for value in results):
            return
        made = itertools.islice(self.build.layers.values(), before, None)
        read = {source for layer in made for source in layer.inputs}
        read |= {value.source for value in results if isinstance(value, Tensor)}
        skipped = SHAPE_ONLY.get(call.node.op_type, ())
        for place, value in enumerate(call.inputs):
            if not isinstance(value, Tensor) or value.source in read or value.source not in self.build.layers:
                continue
            if place not in skipped:
                raise UnsupportedError(
                    f"its input {place} is computed by the network: only weights in the file are modelled"
                )

    def _further(self, first: Value, name: str) -> Value:
        """An output that no converter gives: its shape is the declared one, else the first output's."""
        if isinstance(first, Constant):
            return Constant(first.dims)
        info = self.infos.get(name)
        dims = self._declared(info) if info is not None else None
        return (
            first
            if dims is None or dims == first.dims
            else self.build.tensor(
                Opaque(shape_of(dims, default_axes(dims)), known=True), (first,), dims, default_axes(dims)
            )
        )

    def _convert(self, call: Call) -> Result:
        node = call.node
        if node.domain == "" and node.op_type == "If":
            return self._branch(call)
        if node.domain == "" and node.op_type in _WITH_BODY:
            return self._repeated(call)
        known = all(isinstance(value, Constant) for value in call.inputs if value is not None)
        if not known:
            converter = CONVERTERS.get((node.domain, node.op_type))
            return self._estimate(call) if converter is None else self._converted(call, converter)
        if node.domain == "" and node.op_type in FOLDED:
            try:
                return folded(call)
            except UnsupportedError:
                if (node.domain, node.op_type) not in CONVERTERS:
                    raise
        return self._shapes_only(call)

    def _converted(self, call: Call, converter: Converter) -> Result:
        """A known operator; what is not modelled of it is estimated if that is asked for and its shape is known."""
        try:
            return converter(call)
        except UnsupportedError:
            infos = [self.infos.get(name) for name in call.node.outputs if name]
            declared = [self._declared(info) if info is not None else None for info in infos]
            if self.unsupported == "refuse" or not declared or None in declared:
                raise
            return self._estimate(call)

    def _branch(self, call: Call) -> Result:
        """If: the branch that a constant condition takes, as if its nodes stood here."""
        condition = call.value(0)
        known = condition.scalar if isinstance(condition, Constant) else None
        if known is None and self.unsupported == "refuse":
            raise UnsupportedError("its condition is computed by the network, so that either branch may run")
        branch = call.node.attributes.get("else_branch" if known == 0 else "then_branch")
        if not isinstance(branch, Range):
            raise ModelError("it has no branch")
        if known is None:
            self.estimated["If (its first branch)"] = None
        graph = self._inner(branch)
        for node in needed(graph.nodes, [info.name for info in graph.outputs]):
            self._run(node)
        results = tuple(self._value(info.name, call.node.title) for info in graph.outputs)
        return results if known is not None else self._of_estimate(call, results, (condition,))

    def _inner(self, branch: Range) -> Graph:
        """A branch or a body, whose tensors and declared values are known from here on."""
        graph = read_branch(branch, self.model.opsets)
        self.initializers.update(graph.initializers)
        self.infos.update(graph.value_infos)
        return graph

    def _repeated(self, call: Call) -> Result:
        """Loop and Scan: their body turn by turn, as if its nodes stood here so often."""
        body = call.node.attributes.get("body")
        if not isinstance(body, Range):
            raise ModelError("it has no body")
        graph = self._inner(body)
        nodes = needed(graph.nodes, [info.name for info in graph.outputs])

        def turn(given: Sequence[Value]) -> list[Value]:
            self.nodes_run += len(nodes) + 1
            if self.nodes_run > MAX_NODES_RUN:
                raise UnsupportedError(f"its turns run more than {MAX_NODES_RUN} nodes, which is not modelled")
            self.values.update({info.name: value for info, value in zip(graph.inputs, given, strict=True)})
            for node in nodes:
                self._run(node)
            self.build.node = call.node.label
            return [self._value(info.name, call.node.title) for info in graph.outputs]

        if call.node.op_type == "Scan":
            return scan(call, turn, self._convert).results
        found = loop(call, turn, self._convert, estimates=self.unsupported == "estimate")
        if found.counted:
            return found.results
        self.estimated["Loop (one turn of its body)"] = None
        return self._of_estimate(call, found.results, found.decided_by)

    def _of_estimate(self, call: Call, results: tuple[Value, ...], decided_by: tuple[Value | None, ...]) -> Result:
        """Results of a graph of which a part was converted. What decides which part runs is counted as their input."""
        self.build.node = call.node.label
        deciding = tuple(value for value in decided_by if isinstance(value, Tensor))
        return tuple(
            self.build.tensor(Opaque(value.shape), (value, *deciding), value.dims, value.axes)
            if isinstance(value, Tensor)
            else value
            for value in results
        )

    def _shapes_only(self, call: Call) -> Result:
        """What an operator makes of constants: constants of the shape that it would make of tensors."""
        converter = CONVERTERS.get((call.node.domain, call.node.op_type))
        if converter is None:
            raise UnsupportedError("it computes with constants in a way that the importer does not")
        scratch = Builder(node=call.node.label)
        first = 1 if call.node.op_type == "Where" else 0
        every = call.node.op_type in EVERY_INPUT
        inputs = [
            Tensor(INPUT, value.dims, default_axes(value.dims))
            if isinstance(value, Constant) and (place == first or every) and value.elements
            else value
            for place, value in enumerate(call.inputs)
        ]
        result = converter(replace(call, inputs=inputs, build=scratch))
        self.constant_macs = self.constant_macs + scratch.macs
        learned = sum(value.trained for value in call.inputs if isinstance(value, Constant))
        results = result if isinstance(result, tuple) else (result,)
        return tuple(
            value if isinstance(value, Constant) else Constant(value.dims, name=name, learned=learned)
            for name, value in zip(call.node.outputs, results, strict=False)
        )

    def _estimate(self, call: Call) -> Result:
        """An unknown operator, with the output shapes that the file declares; else that of its first input."""
        captured = [
            self.values.get(name) for name in names_read(call.node)[len(list(filter(None, call.node.inputs))) :]
        ]
        tensors = tuple(value for value in (*call.inputs, *captured) if isinstance(value, Tensor))
        if not tensors:
            raise UnsupportedError("it computes with constants in a way that the importer does not")
        if self.unsupported == "refuse":
            raise UnsupportedError("it is known for constants and shapes only, not for what the network computes")
        self.estimated[call.node.op_type] = None
        return tuple(self._opaque(call, name, tensors) for name in call.node.outputs)

    def _opaque(self, call: Call, name: str, tensors: tuple[Tensor, ...]) -> Tensor:
        info = self.infos.get(name)
        dims, axes = tensors[0].dims, tensors[0].axes
        declared = self._declared(info) if info is not None else None
        if declared is not None:
            axes = axes if len(declared) == len(axes) and declared[:1] == dims[:1] else default_axes(declared)
            dims = declared
        return call.build.tensor(Opaque(shape_of(dims, axes)), tensors, dims, axes)

    def _declared(self, info: ValueInfo) -> tuple[int, ...] | None:
        """The shape that the file declares, for one image; None if a dimension is open."""
        if info.dims is None:
            return None
        declared = self.inputs.one_image(info.dims)
        dims = tuple(dim for dim in declared if isinstance(dim, int) and dim > 0)
        return dims if len(dims) == len(declared) else None

    def _fail(self, node: Node, code: str, message: str) -> NoReturn:
        hint = "`until=TENSOR` ends the network before it" if code == "MB504" else None
        if node.op_type in _ESTIMATES and code == "MB504":
            hint = f'`unsupported="estimate"` {_ESTIMATES[node.op_type]} and says so; {hint}'
        fail(code, f"{node.title} of {self.shown}: {message}", hint=hint)

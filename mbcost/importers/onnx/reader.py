"""From an ONNX file to an :class:`~mbcost.architectures.ArchitectureSpec`."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import Final, NoReturn

import numpy as np

from mbcost.architectures.spec import ArchitectureSpec
from mbcost.errors import InputError, Problem, did_you_mean, fail
from mbcost.importers.imported import INPUT, imported_spec
from mbcost.importers.mapped_file import mapped
from mbcost.importers.onnx.builder import Builder
from mbcost.importers.onnx.call import Call, Result, UnsupportedError
from mbcost.importers.onnx.folding import FOLDED, constant_of
from mbcost.importers.onnx.inputs import InputShapes, graph_inputs
from mbcost.importers.onnx.model import Node, OnnxModel, read_graph, read_header
from mbcost.importers.onnx.patterns import simplified
from mbcost.importers.onnx.table import CONVERTERS, QUANTIZING
from mbcost.importers.onnx.tensors import ModelError
from mbcost.importers.onnx.values import Constant, Tensor, Value, default_axes, shape_of
from mbcost.importers.onnx.wire import Range, WireError
from mbcost.operators import Opaque, OperatorError
from mbcost.words import Unsupported

FIRST_OPSET: Final = 9
LAST_OPSET: Final = 28

_CONTROL_FLOW: Final = ("If", "Loop", "Scan")
_QUANTIZED: Final = "A quantised model: the layers are those of the float network, to be analysed as int8."


def read_onnx(
    path: str | PathLike[str], input_shapes: InputShapes = None, unsupported: Unsupported = "refuse"
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

    Raises
    ------
    InputError
        MB500 if it is no ONNX file, MB501 with every operator that is not known, MB502 for an open dimension, MB503 if
        the file is damaged, MB504 for what is not modelled, MB505 for external data outside the file's folder.
    """
    path = Path(path)
    with mapped(path, "an ONNX file") as data:
        model = _read(Range(data, 0, len(data)), str(path))
        _check(model, str(path), unsupported)
        return _Import(model, str(path), unsupported).spec(graph_inputs(model, input_shapes, str(path)))


def _read(file: Range, shown: str) -> OnnxModel:
    try:
        model = read_header(file)
    except WireError as error:
        fail("MB500", f"{shown} is not an ONNX file, or is cut off: {error}", hint="was it downloaded completely?")
    if not model.graph:
        fail("MB500", f"{shown} is not an ONNX file: it holds no graph")
    try:
        read_graph(model)
    except (WireError, ModelError) as error:
        fail("MB503", f"{shown} is damaged: {error}")
    return model


def _check(model: OnnxModel, shown: str, unsupported: Unsupported) -> None:
    """Raise for an opset, external data or operators that the importer does not take; all operators at once."""
    opset = model.opsets.get("", 0)
    if not FIRST_OPSET <= opset <= LAST_OPSET:
        hint = "onnx.version_converter.convert_version converts a model"
        fail("MB504", f"{shown} uses opset {opset}; opsets {FIRST_OPSET} to {LAST_OPSET} are known", hint=hint)
    for tensor in model.initializers.values():
        if tensor.external is not None and _leaves(tensor.external):
            fail("MB505", f"{shown}: tensor `{tensor.name}` points out of its folder, to {tensor.external}")
    unknown: dict[tuple[str, str], list[Node]] = {}
    for node in model.nodes:
        key = (node.domain, node.op_type)
        if key not in CONVERTERS and not (node.domain == "" and node.op_type in FOLDED):
            unknown.setdefault(key, []).append(node)
    problems = [_unknown(model, nodes, shown) for nodes in unknown.values()]
    if problems and unsupported == "refuse":
        raise InputError(problems)


def _leaves(location: str) -> bool:
    """Whether a path of external data leads out of the model's folder."""
    path = PurePosixPath(location.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in location


def _unknown(model: OnnxModel, nodes: list[Node], shown: str) -> Problem:
    node = nodes[0]
    name = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
    where = f"node `{node.name}`" + (f" and {len(nodes) - 1} more" if len(nodes) > 1 else "")
    if node.op_type in _CONTROL_FLOW:
        reason = "control flow is not modelled"
    elif (node.domain, node.op_type) in model.functions:
        reason = "a function that the model defines: inline it with onnx.inliner.inline_local_functions"
    else:
        reason = did_you_mean(node.op_type, [known for _, known in CONVERTERS]) or ""
    hint = f"{reason}; " if reason else ""
    return Problem(
        "MB501",
        f"operator `{name}` is not known ({where} of {shown})",
        hint=f'{hint}`unsupported="estimate"` charges its traffic and says so',
    )


class _Import:
    """Runs the graph once: values by name, layers in a builder."""

    def __init__(self, model: OnnxModel, shown: str, unsupported: Unsupported) -> None:
        self.model = model
        self.shown = shown
        self.unsupported = unsupported
        self.build = Builder()
        self.values: dict[str, Value] = {}
        self.estimated: dict[str, None] = {}

    def spec(self, inputs: Mapping[str, Tensor]) -> ArchitectureSpec:
        """The network."""
        extra = {tensor.source: tensor.shape for tensor in inputs.values() if tensor.source != INPUT}
        self.build.reserve(extra)
        self.values.update(inputs)
        for node in self.model.nodes:
            self._run(node)
        outputs = tuple(dict.fromkeys(self._outputs()))
        layers = simplified(self.build, outputs)
        read = {source for layer in layers.values() for source in layer.inputs}
        return imported_spec(
            layers.values(),
            name=self.model.name or Path(self.shown).stem,
            source=f"ONNX file{f' made by {self.model.producer}' if self.model.producer else ''}",
            origin=self.shown,
            input_shape=next(tensor.shape for tensor in inputs.values() if tensor.source == INPUT),
            outputs=outputs,
            extra_inputs={name: shape for name, shape in extra.items() if name in read},
            note=self._note(),
        )

    def _outputs(self) -> list[str]:
        """The layers that make the graph's outputs."""
        values = [self._value(info.name, "the graph's output") for info in self.model.outputs]
        return [value.source for value in values if isinstance(value, Tensor) and value.source in self.build.layers]

    def _note(self) -> str:
        notes = [_QUANTIZED] if any(node.op_type in QUANTIZING for node in self.model.nodes) else []
        if self.estimated:
            notes.append(f"Estimated by their traffic, since mbcost does not know them: {', '.join(self.estimated)}.")
        return " ".join(notes)

    def _value(self, name: str, reader: str) -> Value:
        value = self.values.get(name)
        if value is None and name in self.model.initializers:
            value = self.values[name] = constant_of(self.model.initializers[name])
        if value is None:
            fail("MB503", f"{self.shown} is damaged: {reader} reads `{name}`, which nothing before it makes")
        return value

    def _run(self, node: Node) -> None:
        """Convert a node.

        Converters read what an operator's specification promises. A node that breaks the promise (a list that is too
        short, a number that is no dimension) is damage of the file, wherever in a converter it shows.
        """
        self.build.node = node.name
        try:
            inputs = [self._value(name, node.title) if name else None for name in node.inputs]
            call = Call(node, inputs, self.model.opsets.get(node.domain, 0), self.build)
            with np.errstate(all="ignore"):
                result = self._convert(call)
        except OperatorError as error:
            self._fail(node, "MB204", str(error))
        except UnsupportedError as error:
            self._fail(node, "MB504", str(error))
        except ModelError as error:
            self._fail(node, "MB503", str(error))
        except (ArithmeticError, LookupError, TypeError, ValueError):
            self._fail(node, "MB503", "its attributes or inputs are not those of the operator")
        results = result if isinstance(result, tuple) else (result,)
        for name, value in zip(node.outputs, results, strict=False):
            self.values[name] = value

    def _convert(self, call: Call) -> Result:
        node = call.node
        known = all(isinstance(value, Constant) for value in call.inputs if value is not None)
        if node.domain == "" and known and node.op_type in FOLDED:
            return FOLDED[node.op_type](call)
        converter = CONVERTERS.get((node.domain, node.op_type))
        if converter is not None:
            return converter(call)
        return self._estimate(call)

    def _estimate(self, call: Call) -> Result:
        """An unknown operator, with the output shapes that the file declares; else that of its first input."""
        tensors = tuple(value for value in call.inputs if isinstance(value, Tensor))
        if not tensors:
            raise UnsupportedError("it computes with constants in a way that the importer does not")
        if self.unsupported == "refuse":
            raise UnsupportedError("it is known for constants and shapes only, not for what the network computes")
        self.estimated[call.node.op_type] = None
        return tuple(self._opaque(call, name, tensors) for name in call.node.outputs)

    def _opaque(self, call: Call, name: str, tensors: tuple[Tensor, ...]) -> Tensor:
        info = next((i for i in (self.model.value_infos.get(name), *self.model.outputs) if i and i.name == name), None)
        dims, axes = tensors[0].dims, tensors[0].axes
        if info is not None and info.dims is not None:
            declared = (1, *info.dims[1:]) if len(info.dims) > 1 else info.dims
            if all(isinstance(dim, int) and dim > 0 for dim in declared):
                dims = tuple(dim for dim in declared if isinstance(dim, int))
                axes = axes if len(dims) == len(axes) else default_axes(dims)
        return self.build.tensor(Opaque(shape_of(dims, axes)), tensors, dims, axes)

    def _fail(self, node: Node, code: str, message: str) -> NoReturn:
        fail(code, f"{node.title} of {self.shown}: {message}")

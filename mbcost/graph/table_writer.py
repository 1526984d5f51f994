"""Writes a network as a readable table with one row per layer, as papers print them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mbcost.architectures.fields import FIELD_KINDS, operator_fields
from mbcost.architectures.printed_columns import parse_shape
from mbcost.architectures.scaling import Resolution
from mbcost.architectures.spec import ArchitectureSpec, OptionValue
from mbcost.architectures.unique_names import UniqueNames
from mbcost.graph.layer import Layer
from mbcost.graph.recording import Recording, Source, record
from mbcost.operators import ACTIVATIONS, Explicit, Flatten, Matmul, Operator, Reshape
from mbcost.operators.batch_norm import BatchNorm

MAX_TEXT: Final = 10_000

_INPUT: Final = "input"
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")
#: Words that YAML readers do not read as text.
_YAML_WORDS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
#: Kinds of fields in which one number can stand for all elements.
_SQUARE: Final = tuple(FIELD_KINDS[kind] for kind in ("Pair", "Triple", "tuple[int, int]", "tuple[Dim, Dim]"))
#: Operators whose output channels depend on the extent of their input.
_FROM_EXTENT: Final = (Flatten, Reshape, Matmul)
#: Widest name and operator that the columns are aligned for.
_WIDEST: Final = 32


def write_table(
    spec: ArchitectureSpec,
    *,
    alpha: float = 1.0,
    rho: float | None = None,
    resolution: Resolution | None = None,
    options: Mapping[str, OptionValue] | None = None,
) -> str:
    """A network at one configuration as the YAML of a table without blocks, groups and options.

    Batch norm and activation are part of the row of the layer before them if no other layer reads it. Loading the table
    gives the same layers, in the same order, with the same counts.

    Raises
    ------
    InputError
        As :func:`mbcost.graph.build_graph` does.
    """
    recording = record(spec, alpha=alpha, rho=rho, resolution=resolution, options=options)
    return "\n".join([*_header(spec, recording), *_Rows(spec, recording).lines(), ""])


def _header(spec: ArchitectureSpec, recording: Recording) -> Iterator[str]:
    name, title = _line(spec.name) or "network", _line(spec.title)
    yield f"name: {_word(name)}"
    if title and title != name:
        yield f"title: {_quoted(title)}"
    yield f"source: {_quoted(_line(spec.source) or 'not stated')}"
    note = "; ".join(part for part in (_line(spec.note).rstrip("."), _configuration(spec, recording)) if part)
    if note:
        yield f"note: {_quoted(_line(note))}"
    if spec.notes:
        yield "notes:"
        yield from (f"  - {_quoted(_line(text))}" for text in spec.notes)
    if spec.stated_batch != 1:
        yield f"batch: {spec.stated_batch}"
    if spec.stated_precision is not None:
        yield f"precision: {spec.stated_precision}"
    yield f"input: {recording.graph.input_shape}"
    if spec.extra_inputs:
        inputs = ", ".join(f"{_word(key)}: {shape}" for key, shape in spec.extra_inputs.items())
        yield f"inputs: {{{inputs}}}"


def _configuration(spec: ArchitectureSpec, recording: Recording) -> str:
    """The configuration at which this table was written."""
    graph = recording.graph
    chosen = [f"alpha {graph.alpha:g}"] if spec.width is not None else []
    chosen += [f"{key} {str(value).lower()}" for key, value in graph.options.items()]
    return f"written at {', '.join(chosen)}" if chosen else ""


@dataclass(frozen=True, slots=True)
class _Group:
    """The layers of one row: an operator, perhaps its batch norm, perhaps its activation."""

    layers: tuple[Layer, ...]

    @property
    def main(self) -> Layer:
        return self.layers[0]

    @property
    def last(self) -> int:
        return self.layers[-1].position


class _Rows:
    """The rows of a table and its outputs."""

    def __init__(self, spec: ArchitectureSpec, recording: Recording) -> None:
        self.recording = recording
        self.names = UniqueNames([_INPUT, *spec.extra_inputs])
        self.name_of: dict[Source, str] = {name: name for name in (_INPUT, *spec.extra_inputs)}
        self.resizable = _channels_from_extent(recording)
        self.reads = Counter(source for sources in recording.sources for source in sources)
        self.reads.update(recording.graph.outputs)

    def lines(self) -> Iterator[str]:
        """``layers:`` and ``outputs:``."""
        groups = list(self._groups())
        for group in groups:
            self.name_of[group.last] = self.names.add(group.main.name.replace("/", "."))
        before: Source = _INPUT
        rows = []
        for group in groups:
            rows.append(self._cells(group, before))
            before = group.last
        widths = {key: min(_WIDEST, max(len(row[key]) for row in rows)) + 1 for key in ("name", "op")}
        yield "layers:"
        for row in rows:
            cells = [f"{key}: {value}" for key, value in row.items()]
            aligned = [
                f"{cell},".ljust(len(key) + 2 + widths.get(key, 0)) for key, cell in zip(row, cells, strict=True)
            ]
            yield f"  - {{{' '.join(aligned).rstrip().rstrip(',')}}}"
        outputs = self.recording.graph.outputs
        if outputs != (before,):
            yield f"outputs: [{', '.join(self._named(output) for output in outputs)}]"

    def _named(self, source: Source) -> str:
        return _word(self.name_of.get(source, _INPUT))

    def _groups(self) -> Iterator[_Group]:
        layers = self.recording.graph.layers
        position = 0
        while position < len(layers):
            group = [layers[position]]
            if not isinstance(layers[position].operator, BatchNorm):
                group += self._follower(group, lambda layer: isinstance(layer.operator, BatchNorm))
            if group[0].op not in ACTIVATIONS:
                group += self._follower(group, lambda layer: layer.op in ACTIVATIONS)
            yield _Group(tuple(group))
            position += len(group)

    def _follower(self, group: list[Layer], wanted: Callable[[Layer], bool]) -> list[Layer]:
        """The layer after a group, if it is a wanted one and the only reader of the group's output."""
        layers, last = self.recording.graph.layers, group[-1].position
        if group[0].op in ACTIVATIONS or last + 1 == len(layers) or self.reads[last] != 1:
            return []
        follower = layers[last + 1]
        alone = self.recording.sources[last + 1] == (last,)
        return [follower] if alone and follower.has_parameters and wanted(follower) else []

    def _cells(self, group: _Group, before: Source) -> dict[str, str]:
        """The cells of a row, in the order that they are printed."""
        layer = group.main
        cells = {"name": _word(self.name_of[group.last]), "op": layer.op}
        kernel: tuple[int, ...] = getattr(layer.operator, "kernel", ())
        if len(kernel) == 2:
            cells["op"] += f" {kernel[0]}x{kernel[1]}"
        cells.update(_fields(layer.operator))
        sources = self.recording.sources[layer.position]
        if sources != (before,):
            cells["inputs"] = f"[{', '.join(map(self._named, sources))}]"
        if parse_shape(str(layer.input_shapes[0])) is not None:
            cells["input"] = str(layer.input_shapes[0])
        frame = self.recording.frames[layer.position]
        if frame.in_channels is not None and any(source in self.resizable for source in sources):
            cells["in_channels"] = str(frame.in_channels)
        if not layer.owns_weights:
            cells["owns_weights"] = "false"
        if not layer.trained:
            cells["trained_weights"] = "false"
        for follower in group.layers[1:]:
            cells["norm" if isinstance(follower.operator, BatchNorm) else "activation"] = follower.op
            cells.update(_fields(follower.operator))
        return cells


def _channels_from_extent(recording: Recording) -> set[Source]:
    """The layers whose output channels may change with the resolution."""
    found: set[Source] = set()
    for layer, sources in zip(recording.graph.layers, recording.sources, strict=True):
        inherits = not hasattr(layer.operator, "out") and any(source in found for source in sources)
        if inherits or isinstance(layer.operator, _FROM_EXTENT):
            found.add(layer.position)
    return found


def _fields(operator: Operator) -> dict[str, str]:
    """The operator's fields that a table has to give; a window of two numbers stands beside the operator's name."""
    result = {}
    for name, field in operator_fields(type(operator)).items():
        value = getattr(operator, name)
        beside = name == "kernel" and len(value) == 2
        if not beside and (field.required or value != field.default):
            result[name] = _value(value, square=field.kind in _SQUARE)
    return result


def _value(value: Any, *, square: bool) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Explicit):
        if (value.top, value.left) == (value.bottom, value.right):
            return _value((value.top, value.left), square=True)
        return _value((value.top, value.bottom, value.left, value.right), square=False)
    if isinstance(value, tuple):
        return str(value[0]) if square and len(set(value)) == 1 else f"[{', '.join(map(str, value))}]"
    return str(value)


def _word(text: str) -> str:
    """A name as YAML, with quotes only where it needs them."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in _YAML_WORDS else _quoted(text)


def _quoted(text: str) -> str:
    """Printable text as a YAML scalar."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _line(text: str) -> str:
    """Text from anywhere on one line, printable and not too long."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())[:MAX_TEXT]

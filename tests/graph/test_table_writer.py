"""Written tables: what is loaded again is the same network, and a reader can follow it."""

from __future__ import annotations

from typing import Any

import pytest

import mbcost
from mbcost.architectures import ArchitectureSpec
from mbcost.errors import InputError
from mbcost.graph import build_graph
from mbcost.graph.table_writer import write_table
from mbcost.importers.imported import ImportedLayer, imported_spec
from mbcost.operators import (
    Add,
    BatchNorm,
    Conv2d,
    Conv3d,
    Dense,
    Explicit,
    Flatten,
    Opaque,
    Prelu,
    Relu,
    Sigmoid,
    Split,
    TensorShape,
)
from tests.graph.table_round_trip import assert_same, at_resolution, reload
from tests.operators.cases import CASES, Case

SMALL = TensorShape(8, 8, 3)


def spec_of(*layers: ImportedLayer, shape: TensorShape = SMALL, **more: Any) -> ArchitectureSpec:
    given = {"name": "net", "source": "a test", "origin": "net.onnx", **more}
    return imported_spec(layers, input_shape=shape, **given)


def rows(spec: ArchitectureSpec) -> list[str]:
    """The rows of a written table, with single spaces."""
    lines = write_table(spec).splitlines()
    return [" ".join(line.split()) for line in lines[lines.index("layers:") + 1 :]]


@pytest.mark.parametrize("name", mbcost.architecture_names())
def test_shipped_tables(name: str) -> None:
    assert_same(mbcost.load(name))


@pytest.mark.parametrize("configuration", [{"alpha": 0.5}, {"rho": 0.5714}, {"options": {"classes": 10}}], ids=str)
@pytest.mark.parametrize("name", ["mobilenet_v2", "mobilenet_v3_large", "mnasnet_a1"])
def test_configurations(name: str, configuration: dict[str, Any]) -> None:
    assert_same(mbcost.load(name), **configuration)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_operator(case: Case) -> None:
    names, shapes = [f"x{i}" for i in range(len(case.inputs))], [TensorShape(*shape) for shape in case.inputs]
    layer = ImportedLayer("only", case.operator, tuple(names))
    spec = spec_of(layer, extra_inputs=dict(zip(names, shapes, strict=True)))
    written = reload(spec)
    (one,), (other,) = build_graph(spec).layers, build_graph(written).layers
    assert (one.operator, one.input_shapes, one.cost) == (other.operator, other.input_shapes, other.cost)


def test_norm_and_activation_join_the_row_before() -> None:
    spec = spec_of(
        ImportedLayer("stem.0", Conv2d(out=32, kernel=(3, 3), stride=(2, 2)), ("input",), in_channels=3),
        ImportedLayer("stem.1", BatchNorm(), ("stem.0",)),
        ImportedLayer("stem.2", Relu(), ("stem.1",)),
        ImportedLayer("norm", BatchNorm(), ("stem.2",)),
        ImportedLayer("slope", Prelu(), ("norm",)),
        ImportedLayer("gate", Sigmoid(), ("slope",)),
        shape=TensorShape(224, 224, 3),
    )
    assert_same(spec)
    assert rows(spec) == [
        "- {name: stem.0, op: conv2d 3x3, out: 32, stride: 2, input: 224x224x3, norm: batch_norm, activation: relu}",
        "- {name: norm, op: batch_norm, input: 112x112x32, activation: prelu}",
        "- {name: gate, op: sigmoid, input: 112x112x32}",
    ]


def test_what_others_read_stays_a_row() -> None:
    spec = spec_of(
        ImportedLayer("a", Conv2d(out=3), ("input",)),
        ImportedLayer("norm", BatchNorm(), ("a",), owns_weights=False),
        ImportedLayer("act", Relu(), ("norm",)),
        ImportedLayer("sum", Add(), ("a", "act")),
        ImportedLayer("last", Relu(), ("sum",)),
        outputs=("sum", "last"),
    )
    assert_same(spec)
    assert rows(spec) == [
        "- {name: a, op: conv2d 1x1, out: 3, input: 8x8x3}",
        "- {name: norm, op: batch_norm, input: 8x8x3, owns_weights: false, activation: relu}",
        "- {name: sum, op: add, inputs: [a, norm], input: 8x8x3}",
        "- {name: last, op: relu, input: 8x8x3}",
        "outputs: [sum, last]",
    ]


def test_fields_are_written_as_a_table_has_them() -> None:
    spec = spec_of(
        ImportedLayer("a", Conv2d(8, (3, 1), (2, 1), padding=Explicit(1, 1, 0, 0), bias=True), ("input",)),
        ImportedLayer("b", Conv2d(8, (3, 3), padding=Explicit(0, 1, 0, 1), groups=2), ("a",)),
        ImportedLayer("c", Split(sizes=(4, 4), part=1), ("b",)),
        ImportedLayer("d", Conv3d(4, 1, (1, 3, 3)), ("c",)),
    )
    read = reload(spec)
    assert [layer.operator for layer in build_graph(read).layers] == [
        layer.operator for layer in build_graph(spec).layers
    ]
    assert rows(spec)[:3] == [
        "- {name: a, op: conv2d 3x1, out: 8, stride: [2, 1], padding: [1, 0], bias: true, input: 8x8x3}",
        "- {name: b, op: conv2d 3x3, out: 8, groups: 2, padding: [0, 1, 0, 1], input: 4x8x8}",
        "- {name: c, op: split, part: 1, sizes: [4, 4], input: 3x7x8}",
    ]


def test_weights_behind_a_flatten_fix_the_resolution() -> None:
    spec = spec_of(
        ImportedLayer("a", Conv2d(out=4), ("input",), in_channels=3),
        ImportedLayer("flat", Flatten(), ("a",)),
        ImportedLayer("head", Dense(out=10), ("flat",), in_channels=256),
        ImportedLayer("more", Dense(out=10), ("head",), in_channels=10),
    )
    read = assert_same(spec)
    assert [row.frame.in_channels for row in read.rows] == [None, None, 256, None]
    assert at_resolution(spec, 16) == at_resolution(read, 16) == ("MB204",)
    with pytest.raises(InputError, match=r"`head`: its weights are made for 256 input channels.*it gets 1024"):
        build_graph(spec, resolution=16)


def test_inputs_and_unknown_operators() -> None:
    spec = spec_of(
        ImportedLayer("a", Opaque(TensorShape(1, 1, 7)), ("state", "input")),
        ImportedLayer("b", Dense(out=5), ("other",)),
        extra_inputs={"state": TensorShape(1, 9, 5), "other": TensorShape(1, 1, 2)},
        outputs=("a", "b"),
    )
    read = assert_same(spec)
    assert read.extra_inputs == spec.extra_inputs
    assert rows(spec)[:2] == [
        "- {name: a, op: opaque, shape: [1, 1, 7], inputs: [state, input], input: 1x9x5}",
        "- {name: b, op: dense, out: 5, inputs: [other], input: 1x1x2}",
    ]


def test_output_of_a_row_that_is_not_the_last() -> None:
    spec = spec_of(ImportedLayer("a", Relu(), ("input",)), ImportedLayer("b", Flatten(), ("input",)), outputs=("a",))
    assert assert_same(spec).outputs == ("a",)


STRANGE = [
    "input",
    "null",
    "True",
    "no",
    "-",
    "a: b",
    "{x}",
    "#1",
    "0x1F",
    "1e6",
    "~",
    "'",
    '"',
    "ä/ö",
    "\x1b[31m",
    "😀",
]


def test_names_from_anywhere() -> None:
    before = ("input", *STRANGE)
    spec = spec_of(*[ImportedLayer(name, Relu(), (before[i],)) for i, name in enumerate(STRANGE) if i])
    assert_same(spec)


@pytest.mark.parametrize(
    "text", [*STRANGE, 'a "quoted" \\ text', "tab\tand\nnewline", "\ud800", "\u2028", "x" * 20_000]
)
def test_texts_from_anywhere(text: str) -> None:
    layer = ImportedLayer("a", Relu(), ("input",))
    read = reload(spec_of(layer, name=text, source=text, note=text))
    cleaned = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:10_000]
    assert read.note == cleaned.rstrip(".")
    # an architecture has its names with control characters spelled out
    spelled = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
    spelled = " ".join(spelled.split())[:10_000]
    assert (read.source, read.name) == (spelled or "not stated", spelled or "network")


def test_long_maps_have_no_input_column() -> None:
    spec = spec_of(
        ImportedLayer("a", Relu(), ("long",)), extra_inputs={"long": TensorShape(1, 16_384, 1)}, outputs=("a",)
    )
    assert "input: 1x16384x1" in rows(spec)[0]

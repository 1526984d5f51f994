"""Architectures as read from tables, with alpha, rho and the options still open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from mbcost.architectures.expressions import Expression
from mbcost.architectures.fields import FieldKind
from mbcost.architectures.printed_counts import PrintedNumber
from mbcost.architectures.scaling import WidthRule
from mbcost.errors import Location, printable
from mbcost.operators import Operator, TensorShape

OptionValue: TypeAlias = int | float | bool | str


@dataclass(frozen=True, slots=True)
class Declared:
    """The printed columns of a row, to be checked at alpha = rho = 1."""

    input_shape: TensorShape | None = None
    input_location: Location | None = None
    filter_channels: int | None = None
    filter_window: tuple[int, int] | None = None
    filter_location: Location | None = None
    macs: PrintedNumber | None = None
    params: PrintedNumber | None = None


@dataclass(frozen=True, slots=True)
class RowFrame:
    """The common part of rows of every kind.

    `in_channels` is the number of input channels of existing weights (imported networks): another number, for example
    after a flatten at another resolution, is an error instead of another layer. `places` has the places of the row's
    cells by key, and `input_locations` those of `inputs`. `owns_weights` is False for a layer whose weights are those
    of an earlier layer: they are read again, but are in memory and parameters once. `trained` is False for weights that
    were not trained: in memory, but no parameters.
    """

    location: Location
    name: str | None = None
    inputs: tuple[str, ...] | None = None
    when: Expression | None = None
    repeat: int | Expression = 1
    declared: Declared | None = None
    in_channels: int | None = None
    places: Mapping[str, Location] = field(default_factory=dict)
    input_locations: tuple[Location, ...] = ()
    owns_weights: bool = True
    trained: bool = True

    def place(self, *keys: str) -> Location:
        """The place of the first of these cells that the row has; of the row itself, if it has none of them."""
        return next((self.places[key] for key in keys if key in self.places), self.location)


@dataclass(frozen=True, slots=True)
class FieldExpression:
    """An operator field or block parameter whose value is computed from its scope."""

    name: str
    expression: Expression
    kind: FieldKind
    location: Location


@dataclass(frozen=True, slots=True)
class NominalWidth:
    """Output channels as the paper prints them: times `scale`, rounded by the table's width rule."""

    channels: Expression | int
    scale: Expression | None
    location: Location


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One operator, with the normalisation and the activation that follow it."""

    frame: RowFrame
    operator: type[Operator]
    constants: Mapping[str, Any]
    expressions: tuple[FieldExpression, ...] = ()
    width: NominalWidth | None = None
    norm: str | None = None
    activation: str | None = None
    activation_parameter: str | None = None
    slope: float | FieldExpression | None = None  # of the activation, if it is a leaky ReLU


@dataclass(frozen=True, slots=True)
class Block:
    """A named sequence of rows with parameters; `location` is that of its output, or of its name."""

    name: str
    parameters: Mapping[str, OptionValue | None]  # None = required
    rows: tuple[Row, ...]
    output: str | None
    location: Location


@dataclass(frozen=True, slots=True)
class BlockRow:
    """A use of a block."""

    frame: RowFrame
    block: Block
    arguments: Mapping[str, OptionValue]
    expressions: tuple[FieldExpression, ...] = ()
    width: NominalWidth | None = None


@dataclass(frozen=True, slots=True)
class GroupRow:
    """Rows that repeat together."""

    frame: RowFrame
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class BackboneRow:
    """Another table's network, as the beginning of this one.

    Attributes
    ----------
    architecture
        The other table.
    until
        Name of its last row that is kept; None for all of it.
    taps
        Names of outputs inside it, for this table's rows.
    options
        Values for its options, or expressions of this table's own options.
    output_stride
        Once the product of the strides is this, further strides become dilation (Chen et al. 2017, arXiv:1706.05587); a
        number or an expression of the table's own options.
    """

    frame: RowFrame
    architecture: ArchitectureSpec
    until: str | None
    taps: Mapping[str, str]
    options: Mapping[str, OptionValue | Expression]
    output_stride: int | Expression | None


Row: TypeAlias = LayerRow | BlockRow | GroupRow | BackboneRow


@dataclass(frozen=True, slots=True, eq=False)
class ArchitectureSpec:
    """A network as its table describes it. Compared and hashed by identity, since it is never changed after loading.

    Attributes
    ----------
    name, title, source
        Short name, printed name and citation.
    input_shape
        Height, width and channels of the input at rho = 1.
    options
        The table's options with default values (``classes``, ...).
    width
        The rule of the width multiplier; None if the table has none and alpha has to be 1.
    rows
        The table.
    outputs, output_locations
        Names of the network's outputs and their places; empty for the last layer.
    extra_inputs
        Further inputs of the network beside the image, by name.
    published
        Totals that the paper prints, ``macs`` and ``params``: checked by :func:`mbcost.graph.check_table` only.
    origin
        The file that it was read from.
    note
        Anything that a reader of the table should know.
    notes
        What a reader of its numbers has to know about how a model was read, each a caveat of every analysis.
    imported
        Whether its weights exist already, so that its numbers of channels are fixed: a model of another format.
    stated_batch
        Images at once that a model file, or the shape given for its input, states; the layers are those of one.
    stated_precision
        ``int8`` if the activations of a model file are quantised, or what a table says; None if neither states any.
    """

    name: str
    title: str
    source: str
    input_shape: TensorShape
    options: Mapping[str, OptionValue]
    width: WidthRule | None
    rows: tuple[Row, ...]
    outputs: tuple[str, ...] = ()
    output_locations: tuple[Location, ...] = ()
    extra_inputs: Mapping[str, TensorShape] = field(default_factory=dict)
    published: Mapping[str, PrintedNumber] = field(default_factory=dict)
    origin: str = ""
    note: str = ""
    notes: tuple[str, ...] = ()
    imported: bool = False
    stated_batch: int = 1
    stated_precision: str | None = None

    def __post_init__(self) -> None:
        # a stranger's file must not drive a terminal, by whatever result its names reach it
        for name in ("name", "title", "source"):
            object.__setattr__(self, name, printable(getattr(self, name), 10_000))
        object.__setattr__(self, "notes", tuple([printable(note, 10_000) for note in self.notes]))

    def __repr__(self) -> str:
        return f"<ArchitectureSpec {self.name}: {self.title}, input {self.input_shape}>"

    def __str__(self) -> str:
        options = ", ".join(f"{key}={value}" for key, value in self.options.items())
        return f"{self.title} ({self.source}); input {self.input_shape}; options: {options or 'none'}"

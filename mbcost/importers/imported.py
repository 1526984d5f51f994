"""What every importer produces: a flat list of operators, made into an :class:`ArchitectureSpec`.

An importer maps its format's nodes to :class:`ImportedLayer` in the order they run. Names of a stranger's file become
names that a table can have; shapes are not taken over but propagated again by the operators, so that a mistake of an
importer shows as a contradiction and not as a wrong count.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from typing import Final

from mbcost.architectures.cell_numbers import MAX_NUMBER
from mbcost.architectures.fields import MAX_WINDOW
from mbcost.architectures.spec import ArchitectureSpec, LayerRow, RowFrame
from mbcost.architectures.unique_names import UniqueNames
from mbcost.errors import Location, fail
from mbcost.operators import Explicit, Operator, TensorShape

_FP32: Final = struct.Struct("<f")

#: Name of the network's image input in an :class:`ImportedLayer`'s inputs.
INPUT: Final = "input"


@dataclass(frozen=True, slots=True)
class ImportedLayer:
    """One operator of an imported network.

    Attributes
    ----------
    name
        As the file has it; anything goes.
    operator
        With every field as a number.
    inputs
        Names of earlier layers, of an extra input, or :data:`INPUT`.
    in_channels
        Input channels that its weights are made for; None for operators without weights.
    owns_weights
        False if its weights are those of an earlier layer: they are read again, but are in memory and parameters once.
    trained
        False if its weights were not trained: they are in memory, but no parameters.
    """

    name: str
    operator: Operator
    inputs: tuple[str, ...]
    in_channels: int | None = None
    owns_weights: bool = True
    trained: bool = True


def slope_of(number: float) -> float | None:
    """A slope that a file has as fp32, in as few digits as tell it apart; None if no table can have it."""
    if not abs(number) <= MAX_NUMBER:
        return None
    stored = _FP32.pack(number)
    shorter = (float(f"{number:.{digits}g}") for digits in range(1, 10))  # 9 digits tell any two apart
    return next(short for short in shorter if _FP32.pack(short) == stored)


def imported_spec(
    layers: Iterable[ImportedLayer],
    *,
    name: str,
    source: str,
    origin: str,
    input_shape: TensorShape,
    outputs: tuple[str, ...] = (),
    extra_inputs: Mapping[str, TensorShape] | None = None,
    note: str = "",
    notes: Iterable[str] = (),
    stated_batch: int = 1,
    stated_precision: str | None = None,
) -> ArchitectureSpec:
    """An architecture from imported layers. It has no width rule: alpha is fixed by the weights.

    Raises
    ------
    InputError
        MB204 if there is no layer.
    """
    names = UniqueNames([INPUT, *(extra_inputs or {})])
    rows = []
    for layer in layers:
        _check_window(layer, origin)
        inputs = tuple(names.known[source_name] for source_name in layer.inputs)
        location = Location(origin, 0, 0, 0, None)
        name_here, channels = names.add(layer.name), layer.in_channels
        frame = RowFrame(
            location,
            name_here,
            inputs,
            in_channels=channels,
            owns_weights=layer.owns_weights,
            trained=layer.trained,
        )
        rows.append(LayerRow(frame, type(layer.operator), layer.operator.describe()))
    if not rows:
        fail("MB204", f"{origin} holds no layer")
    return ArchitectureSpec(
        name=name,
        title=name,
        source=source,
        input_shape=input_shape,
        options={},
        width=None,
        rows=tuple(rows),
        outputs=tuple(names.known[output] for output in outputs),
        extra_inputs={names.known[key]: shape for key, shape in (extra_inputs or {}).items()},
        origin=origin,
        note=note,
        notes=tuple(notes),
        imported=True,
        stated_batch=stated_batch,
        stated_precision=stated_precision,
    )


def _check_window(layer: ImportedLayer, origin: str) -> None:
    """Raise for a window that no table could have: what is computed over it would take for ever."""
    fields = layer.operator.describe()
    for name in ("kernel", "stride", "dilation", "padding", "output_padding"):
        value = fields.get(name)
        sides = astuple(value) if isinstance(value, Explicit) else value if isinstance(value, tuple) else ()
        if any(side > MAX_WINDOW for side in sides):
            fail("MB504", f"`{layer.name}` of {origin} has a {name} of {sides}: at most {MAX_WINDOW} is modelled")

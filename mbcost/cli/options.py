"""Options that several commands share, and reading their values."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from mbcost.cli.complete import complete_architecture
from mbcost.cli.output import ListFormat
from mbcost.errors import fail

if TYPE_CHECKING:
    from mbcost.architectures.spec import OptionValue


class Params(StrEnum):
    """What a batch norm adds to the number of parameters."""

    FOLDED = "folded"
    AFFINE = "affine"
    ALL = "all"
    NONE = "none"


class Macs(StrEnum):
    """What counts as a multiply-accumulate."""

    PRODUCTS = "products"
    ALL = "all"


class Unsupported(StrEnum):
    """What to do with an operator that mbcost does not know, or that the runtime has no kernel for."""

    REFUSE = "refuse"
    ESTIMATE = "estimate"


_NETWORK = "Network"
_COUNTING = "Counting"
_SHAPE: Final = re.compile(r"[1-9]\d{0,8}(x[1-9]\d{0,8}){0,7}")

Model: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A built-in name, a YAML table, an .onnx or .tflite file, or module:callable for PyTorch (runs its code).",
        autocompletion=complete_architecture,
        show_default=False,
    ),
]
Alpha: TypeAlias = Annotated[float, typer.Option(help="Width multiplier.", rich_help_panel=_NETWORK)]
Rho: TypeAlias = Annotated[
    float | None, typer.Option(help="Resolution multiplier, such as 0.714.", rich_help_panel=_NETWORK)
]
Resolution: TypeAlias = Annotated[
    int | None, typer.Option(help="Height and width of the input in pixels.", rich_help_panel=_NETWORK)
]
Settings: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="An option of the table, such as classes=1001 or shallow=true. Repeatable.",
        rich_help_panel=_NETWORK,
    ),
]
Classes: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", help="Short for --set classes=N.", rich_help_panel=_NETWORK)
]
InputShape: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--input-shape",
        metavar="[NAME=]SHAPE",
        help="Shape of a model's input where its file leaves it open, such as 1x3x224x224. Repeatable.",
        rich_help_panel=_NETWORK,
    ),
]
UnsupportedOption: TypeAlias = Annotated[
    Unsupported,
    typer.Option(
        help="Unknown operators, or ones without a kernel: refuse, or charge their traffic.", rich_help_panel=_NETWORK
    ),
]
ParamsOption: TypeAlias = Annotated[
    Params, typer.Option("--params", help="What a batch norm adds to the parameters.", rich_help_panel=_COUNTING)
]
MacsOption: TypeAlias = Annotated[
    Macs,
    typer.Option("--macs", help="Products only, as papers count, or element-wise too.", rich_help_panel=_COUNTING),
]
ListFormatOption: TypeAlias = Annotated[ListFormat, typer.Option("--format", help="How to print it.")]
Files: TypeAlias = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Files to check.", show_default=False, dir_okay=True)
]


def read_settings(settings: Sequence[str] | None, classes: int | None) -> dict[str, OptionValue]:
    """The values of ``--set`` and ``--classes``.

    Raises
    ------
    InputError
        MB010 for what is not NAME=VALUE with a number, true or false, and for a name that occurs twice.
    """
    texts = [*(settings or ()), *([f"classes={classes}"] if classes is not None else [])]
    values: dict[str, OptionValue] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not name or not equals:
            fail("MB010", f"`--set {text}` is not NAME=VALUE", hint="such as --set classes=1001")
        if name in values:
            fail("MB010", f"option `{name}` was given twice")
        values[name] = _read_value(text, value)
    return values


def read_input_shapes(texts: Sequence[str] | None) -> dict[str, tuple[int, ...]]:
    """The values of ``--input-shape`` by name; that of the only input is the empty one.

    Raises
    ------
    InputError
        MB010 for what is not a shape, and for a name that occurs twice.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for text in texts or ():
        name, _, shape = text.rpartition("=")
        if not _SHAPE.fullmatch(shape):
            fail("MB010", f"`--input-shape {text}` is not a shape", hint="such as 1x3x224x224 or tokens=1x77")
        if name in shapes:
            fail("MB010", f"the shape of input `{name}` was given twice" if name else "--input-shape was given twice")
        shapes[name] = tuple(int(size) for size in shape.split("x"))
    return shapes


def _read_value(text: str, value: str) -> OptionValue:
    words = {"true": True, "false": False}
    if value.lower() in words:
        return words[value.lower()]
    for kind in (int, float):
        try:
            number = kind(value)
        except ValueError:
            continue
        if math.isfinite(number):
            return number
    fail("MB010", f"`--set {text}`: `{value}` is not a number, true or false")

"""Options that several commands share, and reading their values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

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


_NETWORK = "Network"
_COUNTING = "Counting"

Model: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A built-in name or a YAML table.",
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

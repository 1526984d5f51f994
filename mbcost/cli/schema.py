"""``mbcost schema``: JSON Schema of the files that users write, for editors."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from mbcost.cli.output import emit


class Kind(StrEnum):
    """A kind of file."""

    ARCHITECTURE = "architecture"
    DEVICE = "device"


def schema(kind: Annotated[Kind, typer.Argument(help="The kind of file.", show_default=False)]) -> None:
    """Print the JSON Schema of an architecture table or a hardware profile."""
    if kind is Kind.ARCHITECTURE:
        from mbcost.architectures.schema import architecture_json_schema

        result = architecture_json_schema()
    else:
        from mbcost.devices import device_json_schema

        result = device_json_schema()
    emit(f"{json.dumps(result, indent=2)}\n")

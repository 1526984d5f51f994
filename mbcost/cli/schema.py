"""``mbcost schema``: JSON Schema of the files that users write, for editors."""

from __future__ import annotations

import json
from typing import Annotated, Literal, TypeAlias

import typer

from mbcost.cli.output import emit

#: A kind of file.
Kind: TypeAlias = Literal["architecture", "device", "runtime"]


def schema(kind: Annotated[Kind, typer.Argument(help="The kind of file.", show_default=False)]) -> None:
    """Print the JSON Schema of an architecture table, a hardware profile or a runtime."""
    if kind == "architecture":
        from mbcost.architectures.schema import architecture_json_schema

        result = architecture_json_schema()
    elif kind == "runtime":
        from mbcost.kernels.runtime_check import runtime_json_schema

        result = runtime_json_schema()
    else:
        from mbcost.devices import device_json_schema

        result = device_json_schema()
    emit(f"{json.dumps(result, indent=2)}\n")

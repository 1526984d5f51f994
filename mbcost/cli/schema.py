"""``mbcost schema``: JSON Schema of the files that users write, for editors."""

from __future__ import annotations

import json
from typing import Annotated, Literal, TypeAlias

import typer

from mbcost.cli.output import emit

#: A kind of file.
Kind: TypeAlias = Literal["architecture", "device", "short-device", "soc", "core", "gpu", "runtime"]


def schema(kind: Annotated[Kind, typer.Argument(help="The kind of file.", show_default=False)]) -> None:
    """Print the JSON Schema of an architecture table, a device, a system on a chip, a core or a runtime.

    A device has a profile in full; a short one names its chip and what deviates.
    """
    if kind == "architecture":
        from mbcost.architectures.schema import architecture_json_schema

        result = architecture_json_schema()
    elif kind == "runtime":
        from mbcost.kernels.runtime_check import runtime_json_schema

        result = runtime_json_schema()
    elif kind in {"short-device", "soc", "core", "gpu"}:
        from mbcost.devices.catalogue_schema import catalogue_json_schema

        result = catalogue_json_schema("device" if kind == "short-device" else kind)
    else:
        from mbcost.devices import device_json_schema

        result = device_json_schema()
    emit(f"{json.dumps(result, indent=2)}\n")

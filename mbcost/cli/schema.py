"""``mbcost schema``: JSON Schema of the files that users write, for editors, and of the JSON that commands write."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeAlias

import typer

from mbcost.cli.output import emit

#: A kind of file that users write.
File: TypeAlias = Literal["architecture", "device", "short-device", "soc", "core", "gpu", "runtime"]
#: What commands write as JSON; see `mbcost.report.schemas`.
Output: TypeAlias = Literal[
    "analysis",
    "comparison",
    "sweep",
    "pick",
    "explanation",
    "measured",
    "stream",
    "validation",
    "design",
    "pipeline",
    "graph",
    "devices",
    "catalogue",
    "search",
    "device-details",
    "core-details",
    "gpu-details",
    "architectures",
    "architecture-details",
    "runtimes",
    "bench",
    "kit",
    "sweep-parts",
]
Kind: TypeAlias = Literal[File, Output]


def schema(
    kind: Annotated[Kind, typer.Argument(help="A file that you write, or what a command writes.", show_default=False)],
) -> None:
    """Print a JSON Schema: of an architecture table, a device, a chip, a core or a runtime, or of a command's JSON.

    A device has a profile in full; a short one names its chip and what deviates.
    """
    emit(f"{json.dumps(_schema(kind), indent=2)}\n")


def _schema(kind: Kind) -> dict[str, Any]:
    if kind == "architecture":
        from mbcost.architectures.schema import architecture_json_schema

        return architecture_json_schema()
    if kind == "runtime":
        from mbcost.kernels.runtime_check import runtime_json_schema

        return runtime_json_schema()
    if kind == "device":
        from mbcost.devices import device_json_schema

        return device_json_schema()
    if kind == "short-device" or kind == "soc" or kind == "core" or kind == "gpu":
        from mbcost.devices.catalogue_schema import catalogue_json_schema

        return catalogue_json_schema("device" if kind == "short-device" else kind)
    from mbcost.report.schemas import output_schema

    return output_schema(kind)

"""``mbcost design``: the loop-tiled engine that runs a network fastest on an FPGA's logic."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mbcost.cli.complete import complete_target
from mbcost.cli.options import Alpha, Classes, Model, Resolution, Rho, Settings, read_settings
from mbcost.cli.output import deliver, format_of
from mbcost.errors import fail

if TYPE_CHECKING:
    from mbcost.graph import LayerGraph
    from mbcost.search.design import Workload

_REPORT = "Report"


class Style(StrEnum):
    """Kinds of accelerators."""

    TILED = "tiled"
    STREAMING = "streaming"


class DesignFormat(StrEnum):
    """Formats of a design."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


_SUFFIXES = {".json": DesignFormat.JSON, ".txt": DesignFormat.TABLE, ".yaml": DesignFormat.YAML}


def design(
    model: Model,
    device: Annotated[
        str,
        typer.Option(
            "--device", "-d", metavar="TARGET", help="Such as zc706 or pynq_z2.", autocompletion=complete_target
        ),
    ],
    style: Annotated[
        Style, typer.Option(help="tiled: one engine for all layers; streaming: a pipeline with a stage a layer.")
    ] = Style.TILED,
    share: Annotated[float, typer.Option(help="Of DSP slices and block RAMs that it may take.")] = 0.8,
    point: Annotated[
        str | None, typer.Option(metavar="TM,TN,TR,TC", help="Work out this design point instead of searching.")
    ] = None,
    precision: Annotated[str | None, typer.Option(help="Default: the first that the processor lists.")] = None,
    alpha: Alpha = 1.0,
    rho: Rho = None,
    resolution: Resolution = None,
    settings: Settings = None,
    classes: Classes = None,
    format_: Annotated[
        DesignFormat | None,
        typer.Option("--format", help="yaml: the device's profile with this design.", rich_help_panel=_REPORT),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write .yaml, .json or .txt.", rich_help_panel=_REPORT),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE.", rich_help_panel=_REPORT)] = False,
) -> None:
    """Find the tiles Tm, Tn, Tr and Tc that run a network fastest within a share of an FPGA's logic, or a pipeline.

    The design's profile, written with -o NAME.yaml, is a device for every other command.
    """
    chosen = format_of(format_, output, _SUFFIXES, DesignFormat.TABLE)
    wanted = None if point is None else _point(point)
    if style is Style.STREAMING and (wanted is not None or chosen is DesignFormat.YAML):
        fail("MB010", "a streaming design has no design point", hint="leave out --point, and --format yaml")
    from mbcost.devices import resolve_target
    from mbcost.devices.fabric import DesignPoint
    from mbcost.graph import build_graph
    from mbcost.pipeline import load
    from mbcost.report import design_screen
    from mbcost.search.design import best_design, given_design, limits_of, workload

    target = resolve_target(device, precision=precision)
    graph = build_graph(
        load(model), alpha=alpha, rho=rho, resolution=resolution, options=read_settings(settings, classes)
    )
    work = workload(graph, target)
    if style is Style.STREAMING:
        _streaming(graph, work, share, chosen, output, force=force)
        return
    found = (
        best_design(work, limits_of(target, share))
        if wanted is None
        else given_design(work, DesignPoint(*wanted), limits_of(target, 1.0))
    )
    report = design_screen.Report(graph, work, found)
    if chosen is DesignFormat.TABLE:
        deliver(lambda screen: design_screen.screen(report, screen), output, force=force)
    elif chosen is DesignFormat.JSON:
        deliver(lambda _: design_screen.to_json(report), output, force=force)
    else:
        name = target.device.name if output is None else output.stem
        deliver(lambda _: design_screen.to_profile(report, name), output, force=force)


def _streaming(
    graph: LayerGraph, work: Workload, share: float, chosen: DesignFormat, output: Path | None, *, force: bool
) -> None:
    """Find and show the pipeline of a network."""
    from mbcost.latency.line_buffer import best_pipeline
    from mbcost.report import pipeline_screen
    from mbcost.search.design import limits_of, multiplier

    target = work.target
    found = best_pipeline(work.kernels, target.precision, multiplier(target), limits_of(target, share))
    report = pipeline_screen.Report(graph, target, found)
    if chosen is DesignFormat.TABLE:
        deliver(lambda screen: pipeline_screen.screen(report, screen), output, force=force)
    else:
        deliver(lambda _: pipeline_screen.to_json(report), output, force=force)


def _point(text: str) -> tuple[int, int, int, int]:
    """The design point in a text such as ``64,7,27,27``."""
    parts = text.split(",")
    if len(parts) != 4 or not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        fail("MB010", f"--point {text} is not TM,TN,TR,TC", hint="four whole numbers above 0, such as 64,7,27,27")
    tm, tn, tr, tc = map(int, parts)
    return tm, tn, tr, tc

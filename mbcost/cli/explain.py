"""``mbcost explain``: which configuration a measured latency is of."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mbcost.cli.complete import complete_target
from mbcost.cli.options import (
    REPORT,
    Alpha,
    Batch,
    Classes,
    Force,
    InputShape,
    Model,
    Precision,
    ResolutionOption,
    Rho,
    Settings,
    Threads,
    Until,
    format_option,
    output_option,
    read_input_shapes,
    read_settings,
    read_size,
)
from mbcost.cli.output import format_of, show
from mbcost.errors import fail
from mbcost.report.formats import EXPLANATION, ExplanationFormat


def explain(
    model: Model,
    measured: Annotated[str, typer.Option("--measured", metavar="TIME", help="The latency, such as 27ms.")],
    device: Annotated[
        str,
        typer.Option("--device", "-d", metavar="TARGET", help="Such as pixel4.", autocompletion=complete_target),
    ],
    runtime: Annotated[str | None, typer.Option(metavar="NAME", help="The runtime, if it is known.")] = None,
    precision: Precision = None,
    threads: Threads = None,
    batch: Batch = None,
    input_shape: InputShape = None,
    until: Until = None,
    alpha: Alpha = 1.0,
    rho: Rho = None,
    resolution: ResolutionOption = None,
    settings: Settings = None,
    classes: Classes = None,
    published: Annotated[
        bool,
        typer.Option(
            "--published", help="All published latencies and answers, not the nearest.", rich_help_panel=REPORT
        ),
    ] = False,
    format_: Annotated[ExplanationFormat | None, format_option()] = None,
    output: Annotated[Path | None, output_option(EXPLANATION)] = None,
    force: Force = False,
) -> None:
    """Explain a measured latency: which runtime, threads, precision, cluster and input fit it, and what to check."""
    chosen = format_of(format_, output, EXPLANATION)
    from mbcost.insight.explain import explain as run
    from mbcost.report.show import How
    from mbcost.units import UnitError, parse_quantity

    try:
        measured_s = parse_quantity(measured, "time")
    except UnitError as error:
        fail("MB010", f"--measured: {error}", hint="such as 27ms")
    if measured_s <= 0:
        fail("MB010", f"--measured is {measured}, it has to be above 0", hint="such as 27ms")
    shapes = read_input_shapes(input_shape)
    if len(shapes) > 1 or any(shapes):
        fail("MB010", "--input-shape takes the shape of one input here", hint="such as 1x3x224x224")
    found = run(
        model,
        device,
        measured_s=measured_s,
        runtime=runtime,
        alpha=alpha,
        rho=rho,
        resolution=read_size(resolution),
        batch=batch,
        precision=precision,
        threads=threads,
        options=read_settings(settings, classes),
        input_shape=next(iter(shapes.values()), None),
        until=until,
    )
    show(found, chosen, How(all_rows=published), output, force=force)

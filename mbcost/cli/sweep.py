"""``mbcost sweep``: many configurations of networks on one or more targets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from mbcost.cli.options import (
    REPORT,
    AlphaAxis,
    BatchAxis,
    CalibrationFile,
    Classes,
    Devices,
    Force,
    HostDevice,
    InputShape,
    MacsOption,
    Models,
    OutsideOption,
    ParamsOption,
    PrecisionAxis,
    ResolutionAxis,
    RhoAxis,
    SetDevice,
    Settings,
    ThreadsAxis,
    Uncalibrated,
    UnsupportedOption,
    Until,
    calibration_choice,
    format_option,
    load_models,
    output_option,
    read_settings,
    read_whole,
    required_devices,
)
from mbcost.cli.output import command_line, format_of, print_note, show
from mbcost.cli.progress import progress_bar
from mbcost.errors import fail
from mbcost.report.formats import SWEEP, SweepFormat
from mbcost.words import Engine

_GRID = "Grid"
_ELSEWHERE = "Beyond one machine"


def sweep(
    context: typer.Context,
    models: Models,
    device: Devices = None,
    host_device: HostDevice = None,
    outside: OutsideOption = "host",
    set_device: SetDevice = None,
    alpha: AlphaAxis = None,
    rho: RhoAxis = None,
    resolution: ResolutionAxis = None,
    published: Annotated[
        bool,
        typer.Option("--published", help="Instead of a grid: what has a published checkpoint.", rich_help_panel=_GRID),
    ] = False,
    batch: BatchAxis = None,
    precision: PrecisionAxis = None,
    threads: ThreadsAxis = None,
    uncalibrated: Uncalibrated = False,
    calibration: CalibrationFile = None,
    input_shape: InputShape = None,
    until: Until = None,
    unsupported: UnsupportedOption = "refuse",
    settings: Settings = None,
    classes: Classes = None,
    params: ParamsOption = "affine",
    macs: MacsOption = "products",
    format_: Annotated[SweepFormat | None, format_option()] = None,
    output: Annotated[Path | None, output_option(SWEEP)] = None,
    force: Force = False,
    parts: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write Parquet files into FOLDER part by part; resumes where an earlier run stopped.",
            rich_help_panel=_ELSEWHERE,
        ),
    ] = None,
    engine: Annotated[Engine, typer.Option(help="Where it is computed.", rich_help_panel=_ELSEWHERE)] = "local",
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Processes; default: one a core.", rich_help_panel=_ELSEWHERE)
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Address of a Dask scheduler: tcp://host:8786.", rich_help_panel=_ELSEWHERE
        ),
    ] = None,
    all_rows: Annotated[
        bool, typer.Option("--all", help="List every row, not only the Pareto front.", rich_help_panel=REPORT)
    ] = False,
) -> None:
    """Predict the latency of a grid of widths and resolutions, and show the Pareto front."""
    chosen = format_of(format_, output, SWEEP)
    if chosen in {"parquet", "xlsx"} and output is None:
        fail("MB010", f"{chosen} goes to a file", hint=f"add -o FILE.{chosen}")
    if published and (alpha, rho, resolution) != (None, None, None):
        fail("MB010", "--published and a grid contradict each other", hint="leave out --alpha, --rho and --resolution")
    if output is not None:
        from mbcost.files import check_new

        check_new(output, force=force)
    if parts is not None and (published or output is not None or format_ is not None or all_rows):
        fail("MB010", "--parts writes Parquet files of a grid: leave out --published, -o, --format and --all")
    from mbcost.search.engines import executor_of

    arguments: dict[str, Any] = {
        "alpha": 1.0 if alpha is None else alpha,
        "rho": rho,
        "resolution": resolution,
        "batch": read_whole("--batch", batch) if batch else None,
        "precision": precision.split(",") if precision else None,
        "threads": read_whole("--threads", threads) if threads else None,
        "options": read_settings(settings, classes),
        "params": params,
        "macs": macs,
        "unsupported": unsupported,
        "calibration": calibration_choice(uncalibrated, calibration),
    }
    devices = required_devices(device, host_device, outside, set_device)
    networks = load_models(models, input_shape, until, unsupported, resolution)
    with (
        _told_how_to_go_on(parts),
        executor_of(engine, workers=workers, scheduler=scheduler) as executor,
        progress_bar("sweep") as progress,
    ):
        arguments |= {"executor": executor, "progress": progress}
        if parts is not None:
            from mbcost.search.parts import sweep_to_parts

            made = sweep_to_parts(networks, devices, folder=parts, **arguments)
        else:
            from mbcost.search.sweep import sweep as run_sweep

            result = run_sweep(networks, devices, points="published" if published else None, **arguments)
    if parts is not None:
        kept = f", {made.found} of them found" if made.found else ""
        again = f", {made.damaged} damaged ones made again" if made.damaged else ""
        print_note(f"wrote {made.rows:,} rows in {len(made.paths)} parts{kept}{again}, and {made.front}")
        return
    from mbcost.report.provenance import Origin
    from mbcost.report.show import How

    command = command_line(context)
    steps = [("The grid, the front and the trade-off as a page:", f"{command} -o sweep.html")]
    show(result, chosen, How(all_rows=all_rows, steps=steps, origin=Origin(command)), output, force=force)
    if chosen in {"csv", "parquet"}:
        for warning in result.warnings:
            print_note(f"warning: {warning}")


@contextmanager
def _told_how_to_go_on(parts: Path | None) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        if parts is None:
            print_note("interrupted; nothing was kept: with --parts FOLDER the same command goes on where it stopped")
        else:
            print_note(f"interrupted; the finished parts stay in {parts}: the same command resumes from there")
        raise

"""``mbcost sweep``: many configurations of networks on one or more targets."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from mbcost.cli.options import (
    REPORT,
    AlphaAxis,
    BatchAxis,
    CalibrationFile,
    Classes,
    Devices,
    Force,
    Macs,
    MacsOption,
    Models,
    Params,
    ParamsOption,
    PrecisionAxis,
    ResolutionAxis,
    RhoAxis,
    Settings,
    ThreadsAxis,
    Uncalibrated,
    Unsupported,
    UnsupportedOption,
    calibration_choice,
    format_option,
    output_option,
    read_settings,
    read_whole,
    required_devices,
)
from mbcost.cli.output import command_line, deliver, format_of, print_note
from mbcost.cli.progress import progress_bar
from mbcost.errors import fail
from mbcost.report.provenance import Origin

if TYPE_CHECKING:
    from mbcost.search.result import SweepResult

_GRID = "Grid"
_ELSEWHERE = "Beyond one machine"


class Engine(StrEnum):
    """Where a sweep is computed."""

    LOCAL = "local"
    PROCESSES = "processes"
    DASK = "dask"


class SweepFormat(StrEnum):
    """Formats of a sweep."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MD = "md"
    PARQUET = "parquet"
    HTML = "html"


SUFFIXES: Final = {
    ".json": SweepFormat.JSON,
    ".csv": SweepFormat.CSV,
    ".md": SweepFormat.MD,
    ".txt": SweepFormat.TABLE,
    ".parquet": SweepFormat.PARQUET,
    ".html": SweepFormat.HTML,
}


def sweep(
    context: typer.Context,
    models: Models,
    device: Devices = None,
    alpha: AlphaAxis = None,
    rho: RhoAxis = None,
    resolution: ResolutionAxis = None,
    published: Annotated[
        bool,
        typer.Option(
            "--published", help="In the place of a grid: what has a published checkpoint.", rich_help_panel=_GRID
        ),
    ] = False,
    batch: BatchAxis = "1",
    precision: PrecisionAxis = None,
    threads: ThreadsAxis = None,
    uncalibrated: Uncalibrated = False,
    calibration: CalibrationFile = None,
    unsupported: UnsupportedOption = Unsupported.REFUSE,
    settings: Settings = None,
    classes: Classes = None,
    params: ParamsOption = Params.AFFINE,
    macs: MacsOption = Macs.PRODUCTS,
    format_: Annotated[SweepFormat | None, format_option()] = None,
    output: Annotated[Path | None, output_option(SUFFIXES)] = None,
    force: Force = False,
    parts: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write Parquet files into FOLDER part by part; goes on where an earlier run stopped.",
            rich_help_panel=_ELSEWHERE,
        ),
    ] = None,
    engine: Annotated[Engine, typer.Option(help="Where it is computed.", rich_help_panel=_ELSEWHERE)] = Engine.LOCAL,
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Processes; default: one a core.", rich_help_panel=_ELSEWHERE)
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Of a Dask scheduler: tcp://host:8786.", rich_help_panel=_ELSEWHERE),
    ] = None,
    all_rows: Annotated[
        bool, typer.Option("--all", help="List every row, not the front alone.", rich_help_panel=REPORT)
    ] = False,
) -> None:
    """Predict the latency of a grid of widths and resolutions, and show which ones nothing else beats."""
    chosen = format_of(format_, output, SUFFIXES, SweepFormat.TABLE)
    if chosen is SweepFormat.PARQUET and output is None:
        fail("MB010", "Parquet goes to a file", hint="add -o FILE.parquet")
    if published and (alpha, rho, resolution) != (None, None, None):
        fail("MB010", "--published and a grid contradict each other", hint="leave out --alpha, --rho and --resolution")
    if output is not None and output.exists() and not force:
        fail("MB007", f"{output} exists and was kept", hint="use --force to overwrite it")
    if parts is not None and (published or output is not None or format_ is not None or all_rows):
        fail("MB010", "--parts writes Parquet files of a grid: --published, -o, --format and --all do not go with it")
    from mbcost.graph import ParamsConvention
    from mbcost.search.engines import executor_of

    arguments: dict[str, Any] = {
        "alpha": 1.0 if alpha is None else alpha,
        "rho": rho,
        "resolution": resolution,
        "batch": read_whole("--batch", batch),
        "precision": precision.split(",") if precision else None,
        "threads": read_whole("--threads", threads) if threads else None,
        "options": read_settings(settings, classes),
        "params": ParamsConvention(params.value),
        "macs": macs.value,
        "estimate_unsupported": unsupported is Unsupported.ESTIMATE,
        "calibration": calibration_choice(uncalibrated, calibration),
    }
    devices = required_devices(device)
    with (
        executor_of(engine.value, workers=workers, scheduler=scheduler) as executor,
        progress_bar("sweep") as progress,
    ):
        arguments |= {"executor": executor, "progress": progress}
        if parts is not None:
            from mbcost.search.parts import sweep_to_parts

            made = sweep_to_parts(models, devices, folder=parts, **arguments)
        else:
            from mbcost.search.sweep import sweep as run_sweep

            result = run_sweep(models, devices, points="published" if published else None, **arguments)
    if parts is not None:
        kept = f", {made.found} of them found" if made.found else ""
        print_note(f"wrote {made.rows:,} rows in {len(made.paths)} parts{kept}, and {made.front}")
    elif chosen is SweepFormat.HTML:
        from mbcost.report.html.sweep import sweep_page

        deliver(lambda _: sweep_page(result, Origin(command_line(context))), output, force=force)
    else:
        steps = [("The grid, the front and the trade-off as a page:", f"{command_line(context)} -o sweep.html")]
        _deliver(result, chosen, output, force=force, all_rows=all_rows, steps=steps)


def _deliver(
    result: SweepResult,
    chosen: SweepFormat,
    output: Path | None,
    *,
    force: bool,
    all_rows: bool,
    steps: list[tuple[str, str]],
) -> None:
    from mbcost.report import sweep_export, sweep_screen

    if chosen is SweepFormat.PARQUET:
        assert output is not None
        from mbcost.files import write_bytes

        write_bytes(output, result.to_parquet(), force=force)
        print_note(f"wrote {output}")
    elif chosen is SweepFormat.TABLE:
        deliver(
            lambda screen: sweep_screen.sweep_screen(result, screen, all_rows=all_rows, steps=steps),
            output,
            force=force,
        )
    elif chosen is SweepFormat.MD:
        deliver(lambda _: sweep_export.to_markdown(result, all_rows=all_rows), output, force=force)
    else:
        to_text = sweep_export.to_json if chosen is SweepFormat.JSON else sweep_export.to_csv
        deliver(lambda _: to_text(result), output, force=force)
    if chosen in {SweepFormat.CSV, SweepFormat.PARQUET}:
        for warning in result.warnings:
            print_note(f"warning: {warning}")

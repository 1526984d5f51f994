"""``mbcost validate``: predictions against measured latencies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mbcost.cli.calibrate import FILES, read_files
from mbcost.cli.complete import complete_target
from mbcost.cli.options import (
    PRECISION_WORDS,
    CalibrationFile,
    Force,
    ReportFormatOption,
    ReportOutput,
    calibration_choice,
)
from mbcost.cli.output import command_line, format_of, print_note, show
from mbcost.cli.run import CHECK_FAILED
from mbcost.errors import fail
from mbcost.report.formats import REPORT

if TYPE_CHECKING:
    from mbcost.calibration.measurements import Measurement
    from mbcost.devices import Target


def validate(
    context: typer.Context,
    device: Annotated[
        str,
        typer.Option("--device", "-d", metavar="TARGET", help="Such as pixel1.", autocompletion=complete_target),
    ],
    measurements: Annotated[list[Path] | None, FILES] = None,
    precision: Annotated[str | None, typer.Option(metavar=PRECISION_WORDS)] = None,
    threads: Annotated[int | None, typer.Option(help="Threads on a CPU; default 1.")] = None,
    uncalibrated: Annotated[bool, typer.Option("--uncalibrated", help="Do not use the target's calibration.")] = False,
    calibration: CalibrationFile = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure networks on this machine now that its calibration has not seen.")
    ] = False,
    min_hit: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Exit with 1 if a smaller share is within 10 %: 0.9.", min=0, max=1),
    ] = None,
    format_: ReportFormatOption = None,
    output: ReportOutput = None,
    force: Force = False,
) -> None:
    """Compare predicted with measured latencies: the published ones that ship, or yours."""
    chosen = format_of(format_, output, REPORT)
    if output is not None:
        from mbcost.files import check_new

        check_new(output, force=force)
    from mbcost.devices import resolve_target
    from mbcost.insight.validation import validation_of
    from mbcost.report.provenance import Origin
    from mbcost.report.show import How

    fitted = calibration_choice(uncalibrated, calibration)
    target = resolve_target(device, precision=precision, threads=threads)
    rows = _measured_now(target, measurements) if measure else _published(target, measurements, precision, threads)
    validation = validation_of(rows, target, fitted)
    show(validation, chosen, How(origin=Origin(command_line(context))), output, force=force)
    hit = validation.score().residuals.hit10
    if min_hit is not None and hit < min_hit:
        print_note(f"check failed: {hit:.1%} within 10 %, --min-hit is {min_hit:.1%}")
        raise typer.Exit(CHECK_FAILED)


def _published(
    target: Target, measurements: list[Path] | None, precision: str | None, threads: int | None
) -> list[Measurement]:
    """The measurements of a target in the files given, else in those that ship."""
    from mbcost.calibration.measurements import bundled, of_target

    paths = measurements or bundled(target)
    if not paths:
        hint = "name a file of your own; --measure runs networks on this machine"
        fail("MB010", f"no measurements of {target.name} ship with mbcost", hint=hint)
    return of_target(read_files(paths, target, precision, threads), target)


def _measured_now(target: Target, measurements: list[Path] | None) -> list[Measurement]:
    """Latencies measured on this machine; the target's profile has to be of it."""
    from mbcost.calibration.measurements import measured_here
    from mbcost.cli.bench import progress, warn_of_load
    from mbcost.runner.environment import busy_share
    from mbcost.runner.measure import UNSEEN, measure_networks, settings_of
    from mbcost.runner.profile import check_bench_of
    from mbcost.runner.settings import Source

    if measurements:
        fail("MB010", "give either files of measurements or --measure")
    settings = settings_of(target)
    check_bench_of(target)
    sources = [
        (f"{name} {alpha:g} {size}", Source("table", name, alpha=alpha, resolution=size))
        for name, alpha, size in UNSEEN
    ]
    busy = busy_share()
    with progress() as on_progress:
        timings = measure_networks(settings, sources, on_progress=on_progress)
    warn_of_load(busy)
    for name, timing in timings.items():
        if timing.failed:
            print_note(f"warning: {name} is left out, since it does not run: {timing.failed}")
    return [
        measured_here(target, source.name, source.alpha, source.resolution, timings[name].latency_s)
        for name, source in sources
        if not timings[name].failed
    ]

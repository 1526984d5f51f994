"""``mbcost calibrate``: rates from measured latencies."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mbcost.cli.complete import complete_target
from mbcost.cli.options import PRECISION_WORDS
from mbcost.cli.output import command_line, emit, print_note, print_problems
from mbcost.errors import Problem, fail

if TYPE_CHECKING:
    from mbcost.calibration.experiment import Suggestion
    from mbcost.calibration.inputs import Inputs
    from mbcost.calibration.measurements import Measurement
    from mbcost.calibration.record import Calibration
    from mbcost.devices import Target

#: The argument of `calibrate` and `validate`.
FILES: Any = typer.Argument(metavar="FILE", help="CSV files of latencies, or logs of tools.", show_default=False)


def calibrate(
    context: typer.Context,
    measurements: Annotated[list[Path] | None, FILES] = None,
    device: Annotated[
        str | None,
        typer.Option("--device", "-d", metavar="TARGET", help="Such as pixel1.", autocompletion=complete_target),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Make a device of this machine from files of `mbcost bench`.")
    ] = None,
    precision: Annotated[str | None, typer.Option(metavar=PRECISION_WORDS)] = None,
    threads: Annotated[int | None, typer.Option(help="Threads on a CPU; default 1.")] = None,
    networks: Annotated[
        list[str] | None,
        typer.Option("--network", metavar="NAME", help="Only rows of this network; that of a log, or NAME=MODEL."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the calibration.")
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(metavar="OTHER", help="Make --device, a new device, described as this one is."),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--install", help="Keep the calibration where every prediction for the target finds it.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE.html", help="Write a report of the fit.")
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Overwrite files; accept a bench of another machine; install a doubtful fit."),
    ] = False,
    suggestions: Annotated[
        int, typer.Option("--suggest", metavar="N", help="Name N networks worth measuring next.", min=0, max=1000)
    ] = 0,
    candidates: Annotated[
        list[str] | None,
        typer.Option(
            "--candidates",
            metavar="MODEL",
            help="Choose from these, or from a CSV file or a kit; default: all that ship.",
        ),
    ] = None,
) -> None:
    """Fit a target's rates to measured latencies of networks, kernels or both (several files); print held-out errors.

    FILE is a CSV file, whose columns hardware_profiles/measurements/README.md describes, or the log of a benchmark
    tool. --suggest works without measurements too and then names what to measure first.
    """
    from mbcost.calibration.calibrate import calibrate_on
    from mbcost.calibration.experiment import suggest
    from mbcost.calibration.file import calibration_text
    from mbcost.calibration.inputs import read_inputs
    from mbcost.calibration.install import check_install, drafted, install, of_new_device
    from mbcost.calibration.measurements import of_target
    from mbcost.files import write_text
    from mbcost.report.screens.calibration import calibration_summary, suggestions_text

    if (device is None) == (name is None):
        fail("MB010", "give either --device for an existing target, or --name for files of `mbcost bench`")
    _check_outputs(output, report, force=force)
    if name is not None:
        if like is not None or keep:
            fail("MB010", "--like and --install are for --device", hint="--name installs what it makes")
        _calibrate_machine(context, read_files(measurements or []), name, report, force=force)
        return
    assert device is not None
    if not measurements and (not suggestions or output is not None or report is not None or keep or like):
        fail(
            "MB010",
            "no measurements to calibrate on",
            hint="name a CSV file or a log; `--suggest 12` says what to measure",
        )
    with ExitStack() as stack:
        draft = stack.enter_context(drafted(device, like)) if like is not None else None
        inputs = read_inputs(measurements or [])
        target = inputs.target(device if draft is None else draft.device, precision, threads)
        calibration, warnings = None, list[Problem]()
        rows: list[Measurement] = []
        if measurements:
            rows = given(inputs, target, networks, precision, threads)
            rows = of_target(rows if like is None else of_new_device(rows, like), target)
            calibration, warnings = calibrate_on(rows, target, own_peak=draft is None)
            if warnings:
                print_problems(warnings)
            emit(calibration_summary(calibration))
        found = suggest(target, suggestions, calibration, candidates, rows) if suggestions else []
        if suggestions:
            emit(suggestions_text(found))
        if calibration is not None:
            if keep:
                check_install(warnings, measurements or [], force=force)
            written = [draft.keep()] if draft is not None else []
            written += [install(calibration, force=force)] if keep else []
            for path in written:
                print_note(f"wrote {path}")
            if written:
                print_note(f"use it with --device {_options_for(target, target.device.name)}")
        if output is not None and calibration is not None:
            write_text(output, calibration_text(calibration), force=force)
            print_note(f"wrote {output}")
        if report is not None and calibration is not None:
            _write_report(context, report, calibration, target, found, warnings, force=force)


def _check_outputs(output: Path | None, report: Path | None, *, force: bool) -> None:
    """Refuse output files of the wrong type and existing ones before anything is fitted."""
    if output is not None and output.suffix.lower() in {".html", ".htm"}:
        fail("MB006", f"`{output.name}` is for the calibration, which is YAML", hint=f"the report: --report {output}")
    if report is not None and report.suffix.lower() != ".html":
        fail("MB006", f"`{report.name}` is for the report, which is HTML", hint="end it in .html")
    if report is not None:
        from mbcost.files import check_new

        check_new(report, force=force)


def _write_report(
    context: typer.Context,
    path: Path,
    calibration: Calibration,
    target: Target,
    suggestions: list[Suggestion],
    warnings: list[Problem],
    *,
    force: bool,
) -> None:
    from mbcost.files import write_text
    from mbcost.prediction import prepare
    from mbcost.report.html.calibration import calibration_page
    from mbcost.report.provenance import Origin

    notes = [problem.message for problem in warnings]
    prior = prepare(target, calibration=False)
    page = calibration_page(calibration, prior, suggestions, notes, Origin(command_line(context)))
    write_text(path, page, force=force)
    print_note(f"wrote {path}")


def _calibrate_machine(
    context: typer.Context, rows: list[Measurement], name: str, report: Path | None, *, force: bool
) -> None:
    """A profile and a calibration of the machine that was benched."""
    from mbcost.calibration.calibrate import calibrate_on
    from mbcost.calibration.measurements import of_target
    from mbcost.report.screens.calibration import calibration_summary
    from mbcost.runner.profile import named_machine, write_machine

    if not rows:
        fail("MB010", "no measurements to calibrate on", hint="`mbcost bench` makes them")
    machine = named_machine(rows, name, force=force)
    calibration, warnings = calibrate_on(of_target(machine.rows, machine.target), machine.target)
    if warnings:
        print_problems(warnings)
    written = write_machine(machine, calibration, force=force)
    emit(calibration_summary(calibration))
    for path in written:
        print_note(f"wrote {path}")
    print_note(f"use it with --device {_options_for(machine.target, name)}")
    if report is not None:
        _write_report(context, report, calibration, machine.target, [], warnings, force=force)


def _options_for(target: Target, name: str) -> str:
    """The options that select a target of a named device."""
    processor = target.processor
    text = name if processor.default else f"{name}/{processor.name}"
    if target.runtime != processor.runtime:
        text += f"@{target.runtime}"
    if target.precision != processor.precisions[0]:
        text += f" --precision {target.precision}"
    return text if target.threads == 1 else f"{text} --threads {target.threads}"


def read_files(
    paths: list[Path], target: Target | None = None, precision: str | None = None, threads: int | None = None
) -> list[Measurement]:
    """The rows of files of measurements and of logs; what their user should know goes to stderr."""
    from mbcost.calibration.inputs import read_inputs

    return given(read_inputs(paths), target, None, precision, threads)


def given(
    inputs: Inputs,
    target: Target | None,
    networks: list[str] | None = None,
    precision: str | None = None,
    threads: int | None = None,
) -> list[Measurement]:
    """The rows of what was read; what their user should know goes to stderr."""
    rows, notes = inputs.measurements(target, networks or (), precision, threads)
    if inputs.warnings:
        print_problems(inputs.warnings)
    for note in notes:
        print_note(f"note: {note}")
    return rows

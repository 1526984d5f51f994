"""``mbcost calibrate`` and ``mbcost validate``: rates from measured latencies, and predictions against them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mbcost.cli.complete import complete_target
from mbcost.cli.output import emit, print_note, print_problems
from mbcost.errors import fail

if TYPE_CHECKING:
    from mbcost.devices import Target
    from mbcost.latency.calibration import Calibration, Residuals
    from mbcost.validation.measurements import Measurement
    from mbcost.validation.suggestions import Suggestion

TargetOption = Annotated[
    str,
    typer.Option("--device", "-d", metavar="TARGET", help="Such as pixel1.", autocompletion=complete_target),
]
_ONE: Any = typer.Argument(metavar="MEASUREMENTS.csv", show_default=False)


def calibrate(
    measurements: Annotated[list[Path] | None, _ONE] = None,
    device: Annotated[
        str | None,
        typer.Option("--device", "-d", metavar="TARGET", help="Such as pixel1.", autocompletion=complete_target),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Make a device of this machine, from files of `mbcost bench`.")
    ] = None,
    precision: Annotated[str | None, typer.Option(metavar="fp32|fp16|int8")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads on a CPU; default 1.")] = None,
    networks: Annotated[
        list[str] | None, typer.Option("--network", metavar="NAME", help="Only rows of this network; repeatable.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the calibration.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite what is there; take a bench of another machine.")
    ] = False,
    suggestions: Annotated[
        int, typer.Option("--suggest", metavar="N", help="Name N networks worth measuring next.", min=0, max=1000)
    ] = 0,
    candidates: Annotated[
        list[str] | None, typer.Option("--candidates", metavar="MODEL", help="To choose from; default: all that ship.")
    ] = None,
) -> None:
    """Fit a target's rates to latencies of networks, of kernels or of both (several files); print the held-out error.

    MEASUREMENTS.csv is laid out as hardware_profiles/measurements/README.md says. --suggest also goes without it, and
    says what to begin with.
    """
    from mbcost.devices import resolve_target
    from mbcost.files import write_text
    from mbcost.latency.calibration_file import calibration_text
    from mbcost.validation.calibrating import calibrate_on
    from mbcost.validation.measurements import of_target
    from mbcost.validation.suggestions import suggest

    if (device is None) == (name is None):
        fail("MB010", "give either --device, a target that there is, or --name, for files of `mbcost bench`")
    if name is not None:
        _calibrate_machine(_read(measurements or []), name, force=force)
        return
    assert device is not None
    target = resolve_target(device, precision=precision, threads=threads)
    calibration = None
    if measurements:
        rows = [row for row in of_target(_read(measurements), target) if not networks or row.architecture in networks]
        calibration, warnings = calibrate_on(rows, target)
        if warnings:
            print_problems(warnings)
        emit(_summary(calibration))
    elif not suggestions or output is not None:
        fail("MB010", "no measurements to calibrate on", hint="name a CSV file; `--suggest 12` says what to measure")
    if suggestions:
        emit(_suggested(suggest(target, suggestions, calibration, candidates)))
    if output is not None and calibration is not None:
        write_text(output, calibration_text(calibration), force=force)
        print_note(f"wrote {output}")


def _calibrate_machine(rows: list[Measurement], name: str, *, force: bool) -> None:
    """A profile and a calibration of the machine that was benched."""
    from mbcost.runner.profile import named_machine, write_machine
    from mbcost.validation.calibrating import calibrate_on
    from mbcost.validation.measurements import of_target

    if not rows:
        fail("MB010", "no measurements to calibrate on", hint="`mbcost bench` makes them")
    machine = named_machine(rows, name, force=force)
    calibration, warnings = calibrate_on(of_target(machine.rows, machine.target), machine.target)
    if warnings:
        print_problems(warnings)
    written = write_machine(machine, calibration, force=force)
    emit(_summary(calibration))
    for path in written:
        print_note(f"wrote {path}")
    where = f"{name}@{machine.target.runtime}" if machine.target.runtime != "pytorch-eager" else name
    print_note(f"use it with --device {where}")


def validate(
    device: TargetOption,
    measurements: Annotated[list[Path] | None, _ONE] = None,
    precision: Annotated[str | None, typer.Option(metavar="fp32|fp16|int8")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads on a CPU; default 1.")] = None,
    uncalibrated: Annotated[bool, typer.Option("--uncalibrated", help="Go without the target's calibration.")] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure this machine now: networks that its calibration has not seen.")
    ] = False,
    min_hit: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Exit with 1 if fewer are within 10 %: 0.9.", min=0, max=1)
    ] = None,
) -> None:
    """Compare predicted with measured latencies: the published ones that ship, or yours."""
    import numpy as np

    from mbcost.devices import resolve_target
    from mbcost.latency.fitting import residuals
    from mbcost.pipeline import latency_model
    from mbcost.validation.measurements import work_of

    target = resolve_target(device, precision=precision, threads=threads)
    rows = _measured_now(target, measurements) if measure else _published(target, measurements)
    work = work_of(rows, target)
    _, form, rates = latency_model(target, calibration=False if uncalibrated else None)
    if form.overlap != "none":
        fail("MB010", f"the form {form.name} is no sum of terms; `mbcost analyze` shows its predictions")
    ratios = work.counts @ np.array([float(rate.seconds) for rate in rates.values()]) / work.measured_s
    found = residuals(ratios)
    emit(_comparison(rows, ratios) + _line("all", len(rows), found))
    if min_hit is not None and found.hit10 < min_hit:
        print_note(f"check failed: {found.hit10:.1%} within 10 %, --min-hit is {min_hit:.1%}")
        raise typer.Exit(1)


def _published(target: Target, measurements: list[Path] | None) -> list[Measurement]:
    """The measurements of a target in the files given, else in those that ship."""
    from mbcost.validation.measurements import bundled, of_target

    paths = measurements or bundled(target)
    if not paths:
        hint = "name a file of your own; --measure runs networks on this machine"
        fail("MB010", f"no measurements of {target.name} ship with mbcost", hint=hint)
    return of_target(_read(paths), target)


def _measured_now(target: Target, measurements: list[Path] | None) -> list[Measurement]:
    """Latencies of this machine, which the target's profile has to be of."""
    from mbcost.cli.bench import progress
    from mbcost.runner.measure import UNSEEN, measure_networks, settings_of
    from mbcost.runner.profile import check_bench_of
    from mbcost.runner.settings import Source
    from mbcost.validation.measurements import measured_here

    if measurements:
        fail("MB010", "give either files of measurements or --measure")
    settings = settings_of(target)
    check_bench_of(target)
    sources = [
        (f"{name} {alpha:g} {size}", Source("table", name, alpha=alpha, resolution=size))
        for name, alpha, size in UNSEEN
    ]
    with progress() as on_progress:
        timings = measure_networks(settings, sources, on_progress=on_progress)
    return [
        measured_here(target, source.name, source.alpha, source.resolution, timings[name].latency_s)
        for name, source in sources
    ]


def _read(paths: list[Path]) -> list[Measurement]:
    from mbcost.validation.measurements import read_measurements

    rows: list[Measurement] = []
    for path in paths:
        found, warnings = read_measurements(path)
        rows += found
        if warnings:
            print_problems(warnings)
    return rows


def _suggested(found: list[Suggestion]) -> str:
    """A line a suggestion."""
    width = max(12, *(len(one.architecture) for one in found))
    lines = [
        "most worth measuring next, best first",
        "",
        f"{'architecture':<{width}}  alpha  resolution  predicted ms  tells",
    ]
    for one in found:
        time = f"{one.latency_s * 1e3:.4g} ± {one.uncertainty:.0%}"
        lines.append(
            f"{one.architecture:<{width}}  {one.alpha:5g}  {one.resolution:10}  {time:>12}  {', '.join(one.tells)}"
        )
    return "\n".join(lines) + "\n"


def _comparison(rows: list[Measurement], ratios: Any) -> str:
    """A line a measurement."""
    width = max(len(row.name) for row in rows)
    lines = [f"{'network':<{width}}  measured ms  predicted ms   error"]
    for row, ratio in zip(rows, ratios, strict=True):
        measured = row.measured_s * 1e3
        lines.append(f"{row.name:<{width}}  {measured:11.4g}  {measured * ratio:12.4g}  {ratio - 1:+6.1%}")
    return "\n".join(lines) + "\n\n"


def _line(name: str, number: int, found: Residuals) -> str:
    return (
        f"{name}: {number} latencies, mean abs. error {found.mape:.1%}, mean error {found.bias:+.1%}, "
        f"within 5 % {found.hit5:.0%}, within 10 % {found.hit10:.0%}, within 20 % {found.hit20:.0%}\n"
    )


def _summary(calibration: Calibration) -> str:
    """The rates with what decided them, the held-out error and the interval."""
    readings = {name: rate.reading for name, rate in calibration.rates.items()}
    first, second = max(map(len, readings)), max(map(len, readings.values()))
    target = f"{calibration.device}/{calibration.processor}@{calibration.runtime}, {calibration.precision}"
    lines = [
        f"{target}: {calibration.networks} latencies",
        "",
        f"{'term':<{first}}  {'rate':>{second}}  x prior  uncertainty  decided by",
    ]
    for name, rate in calibration.rates.items():
        ratio = rate.seconds / rate.prior if rate.prior else 1.0
        decided = f"{rate.state}, at its peak" if rate.at_limit else rate.state
        lines.append(f"{name:<{first}}  {readings[name]:>{second}}  {ratio:7.2f}  {rate.uncertainty:11.0%}  {decided}")
    return "\n".join([*lines, "", *_remarks(calibration)]) + "\n"


def _remarks(calibration: Calibration) -> list[str]:
    """What the measurements leave open, and how good the fit is."""
    lines = []
    if calibration.networks < len(calibration.rates):
        lines.append("fewer latencies than rates: most stay near their prior")
    for state, text in (
        ("prior", "hardly decided by the latencies, so near the prior"),
        ("not covered", "no measured network has such a kernel"),
    ):
        names = [name for name, rate in calibration.rates.items() if rate.state == state]
        if names:
            lines.append(f"{text}: {', '.join(names)}")
    peak = [name for name, rate in calibration.rates.items() if rate.at_limit]
    if peak:
        lines.append(f"at the peak of the processor, so that its form or its profile is in doubt: {', '.join(peak)}")
    lines.append(_line("leave one out", calibration.networks, calibration.residuals)[:-1])
    if calibration.unseen != calibration.residuals:
        lines.append(_line("leave one architecture out", calibration.networks, calibration.unseen)[:-1])
    factor = calibration.interval.factor
    lines.append(f"90 % interval: a factor of at least {factor:.3f} up and down, wider for what was not measured")
    return lines

"""``mbcost measurements``: rows of measurements from the logs of runtimes' own benchmark tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from mbcost.cli.complete import complete_target
from mbcost.cli.options import PRECISION_WORDS, Force
from mbcost.cli.output import emit, print_note

measurements: Final = typer.Typer(help="Rows of measurements from logs of benchmark tools.", no_args_is_help=True)


@measurements.callback()
def _group() -> None:
    """Keeps `read` a command of its own."""


@measurements.command("read")
def read_logs(
    logs: Annotated[
        list[Path],
        typer.Argument(
            metavar="LOG...", help="What the tools printed or wrote, or the results of a kit.", show_default=False
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The CSV file; without one the rows are printed."),
    ] = None,
    operators: Annotated[
        Path | None, typer.Option("--operators", metavar="FILE", help="Write the times of operators, as CSV.")
    ] = None,
    networks: Annotated[
        list[str] | None,
        typer.Option("--network", metavar="MODEL", help="The network of the logs, or NAME=MODEL; repeatable."),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            "-d",
            metavar="TARGET",
            help="What was measured; default: a kit's.",
            autocompletion=complete_target,
        ),
    ] = None,
    precision: Annotated[
        str | None, typer.Option(metavar=PRECISION_WORDS, help="The precision, where the logs do not say.")
    ] = None,
    threads: Annotated[int | None, typer.Option(help="Threads, where the logs do not say.", min=1)] = None,
    force: Force = False,
) -> None:
    """Read logs of benchmark_model, onnxruntime_perf_test, benchncnn, benchmark_app and others, by their content."""
    from mbcost.calibration.inputs import read_inputs
    from mbcost.calibration.logs.rows import operators_text, rows_text
    from mbcost.errors import fail
    from mbcost.files import check_new, write_text

    for path in (output, operators):
        if path is not None:
            check_new(path, force=force)
    inputs = read_inputs(logs)
    if inputs.rows:
        fail("MB010", f"{inputs.rows[0].location.path} has rows of measurements already", hint="name logs")
    named = device or inputs.device
    target = inputs.target(named, precision, threads) if named else None
    found = inputs.logs(target, networks or (), precision, threads)
    for note in found.notes:
        print_note(f"note: {note}")
    if output is None:
        emit(rows_text(found.rows))
    else:
        write_text(output, rows_text(found.rows, output.parent), force=force)
        print_note(f"wrote {output}: {len(found.rows)} network{'s' * (len(found.rows) != 1)}")
    if operators is not None:
        write_text(operators, operators_text(found.rows, operators.parent), force=force)
        print_note(f"wrote {operators}")

"""``mbcost runtimes``: the known runtimes, and checks of a user's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import typer

from mbcost.cli.check import check_files
from mbcost.cli.options import Files, ListFormatOption
from mbcost.cli.output import deliver, emit, print_problems
from mbcost.errors import InputError, Problem

runtimes: Final = typer.Typer(help="Runtimes that latencies can be predicted for.")


@runtimes.callback(invoke_without_command=True)
def _default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_runtimes()


@runtimes.command("list")
def list_runtimes(format_: ListFormatOption = "table") -> None:
    """List the runtimes: those that ship and those of your own folder."""
    from mbcost.devices.runtimes import find_runtime
    from mbcost.kernels import Runtime, load_runtime, runtime_names
    from mbcost.report.screens.runtimes import runtime_entry, runtimes_screen

    found: list[tuple[Runtime, str]] = []
    for name in runtime_names():
        try:
            found.append((load_runtime(name), find_runtime(name).origin))
        except InputError as error:  # a broken file of the user's folder leaves the others usable
            print_problems(error.problems)
    if format_ == "json":
        emit(f"{json.dumps([runtime_entry(*each) for each in found], indent=2)}\n")
    else:
        deliver(lambda screen: runtimes_screen(found, screen), None)


@runtimes.command("check")
def check_runtimes(files: Files) -> None:
    """Check files of runtimes: every problem of every file."""
    check_files(files, _problems)


def _problems(path: Path) -> list[Problem]:
    from mbcost.latency.forms import check_runtime_file

    return check_runtime_file(path)

"""Checks of files: a line for each that is fine, every problem of each that is not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from mbcost.cli.options import Files
from mbcost.cli.output import emit, has_colour, render_problems
from mbcost.cli.run import CHECK_FAILED
from mbcost.errors import Problem, printable


def check(files: Files) -> None:
    """Check files: tables, models, devices, runtimes, calibrations, measurements; exit with 1 if one is wrong."""
    from mbcost.checking import check as problems_of

    check_files(files, problems_of)


def check_files(files: Sequence[Path], problems_of: Callable[[Path], Sequence[Problem]]) -> None:
    """Print the problems of files as the result of a check; exit with 1 if there are any."""
    found: list[Problem] = []
    for path in files:
        problems = problems_of(path)
        if not problems:
            emit(f"ok  {printable(str(path))}\n")
        found += problems
    if found:
        emit(f"{render_problems(found, colour=has_colour(sys.stdout))}\n")
    if any(problem.severity == "error" for problem in found):
        raise typer.Exit(CHECK_FAILED)

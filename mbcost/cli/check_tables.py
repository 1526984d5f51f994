"""``mbcost architectures check``: architecture tables in YAML, and tables pasted from papers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from mbcost.cli.check import check_files
from mbcost.cli.output import emit, print_note, print_problems
from mbcost.cli.run import CHECK_FAILED
from mbcost.errors import InputError, fail


def check_tables(files: Sequence[Path], against: str | None) -> None:
    """Print the problems of tables; with `against`, of tables of shares of that architecture."""
    from mbcost.checking import checked_table
    from mbcost.networks import load

    model = None if against is None else load(against)
    check_files(files, lambda path: checked_table(path, model).problems)


def convert_table(files: Sequence[Path], output: Path | None, *, force: bool) -> None:
    """Write a pasted table as YAML to `output` or stdout and note what is wrong with it; exit with 1 if anything is."""
    from mbcost.checking import checked_table

    if len(files) != 1:
        fail("MB010", "only one pasted table can be written as YAML", hint="name a single FILE")
    checked = checked_table(files[0])
    if checked.yaml is None:
        if not checked.problems:
            fail(
                "MB010", f"{files[0]} is YAML already", hint="a pasted table is Markdown, or has tabs between its cells"
            )
        raise InputError(checked.problems)
    if checked.problems:
        print_problems(checked.problems)
    if output is None:
        emit(checked.yaml)
    else:
        from mbcost.files import write_text

        write_text(output, checked.yaml, force=force)
        print_note(f"wrote {output}")
    if any(problem.severity == "error" for problem in checked.problems):
        raise typer.Exit(CHECK_FAILED)

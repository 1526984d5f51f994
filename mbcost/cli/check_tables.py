"""``mbcost architectures check``: architecture tables in YAML, and tables pasted from papers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mbcost.cli.check import check_files
from mbcost.cli.output import emit, print_note, print_problems
from mbcost.errors import InputError, Problem, fail

if TYPE_CHECKING:
    from mbcost.architectures import ArchitectureSpec


@dataclass(frozen=True, slots=True)
class _Checked:
    """What is wrong with a file, and the YAML of a pasted table that could be read."""

    problems: tuple[Problem, ...]
    yaml: str | None = None


def check_tables(files: Sequence[Path], against: str | None) -> None:
    """Print what is wrong with tables; with `against`, with shares that are printed of that architecture."""
    from mbcost.pipeline import load

    model = None if against is None else load(against)
    check_files(files, lambda path: _check(path, model).problems)


def convert_table(files: Sequence[Path], output: Path | None, *, force: bool) -> None:
    """Write a pasted table as YAML to `output` or stdout and note what is wrong with it; exit with 1 if anything is."""
    if len(files) != 1:
        fail("MB010", "YAML is made of one pasted table", hint="name a single FILE")
    checked = _check(files[0], None)
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
        raise typer.Exit(1)


def _check(path: Path, against: ArchitectureSpec | None) -> _Checked:
    try:
        text = _pasted_text(path)
        if against is not None:
            return _Checked(_shares(path, text, against))
        return _checked_spec(_yaml_table(path)) if text is None else _checked_paste(path, text)
    except InputError as error:
        return _Checked(error.problems)


def _pasted_text(path: Path) -> str | None:
    """The text of a file with a pasted table; None for YAML and for built-in names."""
    from mbcost.architectures.pasted import is_pasted
    from mbcost.files import read_text

    if not path.is_file():
        return None
    text = read_text(path)
    return text if is_pasted(path, text) else None


def _yaml_table(path: Path) -> ArchitectureSpec:
    from mbcost.architectures import find_architecture

    return find_architecture(str(path))


def _checked_spec(spec: ArchitectureSpec) -> _Checked:
    from mbcost.graph import check_table

    return _Checked(check_table(spec))


def _checked_paste(path: Path, text: str) -> _Checked:
    from mbcost.architectures import read_architecture
    from mbcost.architectures.pasted import read_pasted
    from mbcost.graph import check_table

    table = read_pasted(text, str(path))
    problems = check_table(read_architecture(table.document))
    return _Checked((*table.warnings, *problems), table.yaml)


def _shares(path: Path, text: str | None, against: ArchitectureSpec) -> tuple[Problem, ...]:
    from mbcost.architectures.pasted import find_grids
    from mbcost.graph.shares import share_problems

    if text is None:
        fail("MB010", f"`--against` wants a pasted table of shares, {path} is none")
    return share_problems(find_grids(text, str(path)), str(path), against)

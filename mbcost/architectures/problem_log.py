"""The problems of a table so far, and the places of its cells."""

from __future__ import annotations

from typing import Any, NamedTuple

from mbcost.architectures.expressions import ExpressionError
from mbcost.architectures.fields import FieldError
from mbcost.errors import InputError, Location, Problem
from mbcost.files import MAX_PROBLEMS, Document


class Cell(NamedTuple):
    """A value of a table and where it stands; `derived` if it is part of another cell, as the 2 of ``conv / s2``."""

    value: Any
    path: tuple[str | int, ...]
    derived: bool = False


class ProblemLog:
    """Collects the problems of a document, each once, and stops reading when there are very many."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._found: dict[tuple[int, int, str, str], Problem] = {}
        #: Number of reports; it also counts a problem that is already known, as of a default in its second row.
        self.reports = 0

    def add(self, code: str, message: str, location: Location, hint: str | None = None) -> None:
        self.reports += 1
        self._found.setdefault((location.line, location.column, code, message), Problem(code, message, location, hint))
        if len(self._found) >= MAX_PROBLEMS:
            self.raise_problems()

    def raise_problems(self) -> None:
        """Raise an :class:`InputError` with all problems in the order of the file, if there are any."""
        if self._found:
            raise InputError(problem for _, problem in sorted(self._found.items(), key=lambda item: item[0][:2]))

    def at(self, cell: Cell, *items: int) -> Location:
        """Where a cell's value stands, or an item of it."""
        return self.document.value(*cell.path, *items)

    def at_key(self, cell: Cell) -> Location:
        """Where a cell's key stands; its value, where the key is that of another cell or heads a column."""
        return self.at(cell) if cell.derived else self.document.key(*cell.path)

    def add_mistake(self, key: str, cell: Cell, error: FieldError | ExpressionError) -> None:
        """Report that a cell is not what `key` takes, at the part of it that is wrong."""
        if isinstance(error, ExpressionError):
            self.add("MB205", str(error), self._inside(cell, error), error.hint)
        else:
            where = self.at(cell) if error.item is None else self.at(cell, error.item)
            self.add("MB103", f"`{key}`: {error}", where, error.hint)

    def _inside(self, cell: Cell, error: ExpressionError) -> Location:
        """The marked part of an expression; the whole, where it is not written in the file as it is read."""
        whole, text = self.at(cell), str(cell.value)
        marked = text[error.offset : error.offset + error.length]
        if whole.text is None or not marked:
            return whole
        start = whole.text.find(text, whole.column - 1, whole.end_column - 1)
        if start < 0:
            return whole
        return self.document.inside(whole, start - (whole.column - 1) + error.offset, len(marked))

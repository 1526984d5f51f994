"""Checking a table at alpha = rho = 1: all of its contradictions at once, with their places."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from mbcost.architectures.spec import ArchitectureSpec, Declared, Row, RowFrame
from mbcost.errors import InputError, Location, Problem
from mbcost.graph.builder import BACKBONE, Builder
from mbcost.graph.scope import Scope, Tensor

_OFF: Final = "a stride or a number of channels above is off, or this column is"
_COLUMN_OFF: Final = "the rows after it agree with those before it"
_ROW_OFF: Final = "a row above has another stride or width"


def check_architecture(spec: ArchitectureSpec) -> tuple[Problem, ...]:
    """What is wrong with a table at alpha = rho = 1: shapes that do not fit, and printed columns that disagree.

    A wrong input column is told apart from a wrong stride by which reading leaves fewer contradictions.
    """
    readings: list[tuple[Problem, ...]] = []
    for trust_table in (False, True):
        found = _CheckingBuilder(spec, trust_table=trust_table).problems_of_table()
        if all(problem.code != "MB203" for problem in found):
            return found
        readings.append(found)
    computed, printed = readings
    if len(computed) == len(printed):
        return computed
    fewer, hint = (computed, _COLUMN_OFF) if len(computed) < len(printed) else (printed, _ROW_OFF)
    return tuple(replace(problem, hint=hint) if problem.hint == _OFF else problem for problem in fewer)


class _CheckingBuilder(Builder):
    """Goes on where a row cannot be built, and compares printed columns with the shapes that arrive.

    Parameters
    ----------
    trust_table
        Whether the printed input of a row or the propagated shape goes on where the two differ.
    """

    def __init__(self, spec: ArchitectureSpec, *, trust_table: bool) -> None:
        super().__init__(spec, 1.0, spec.input_shape, dict(spec.options))
        self.trust_table = trust_table
        self.problems: list[Problem] = []
        #: Whether the shape that flows is a guess, after a row that could not be built.
        self.guessing = False

    def problems_of_table(self) -> tuple[Problem, ...]:
        """Run the table and return each problem once."""
        try:
            self.build()
        except InputError as error:
            if error.codes != ("MB207",) or not self.problems:
                self.problems.extend(error.problems)
        return tuple(dict.fromkeys(self.problems))

    def _run(self, rows: tuple[Row, ...], scope: Scope, x: Tensor, *, repeats: bool = False) -> Tensor:
        for row in rows:
            try:
                x = self._repeated(row, scope, x, repeats=repeats)
            except InputError as error:
                if scope.block is not None or error.codes == ("MB208",):
                    raise
                x = self._recover(row, scope, x, error)
        return x

    def _recover(self, row: Row, scope: Scope, x: Tensor, error: InputError) -> Tensor:
        """Note why a row of the table cannot be built and go on as if it let its input pass through.

        From here to the next printed input the shape is a guess: only names are checked.
        """
        self.problems.extend(p for p in error.problems if not self.guessing or p.code in {"MB202", "MB206"})
        self.guessing = True
        if row.frame.name is not None:
            scope.tensors[row.frame.name] = x
        return x

    def _arrive(self, frame: RowFrame, x: Tensor, index: int, scope: Scope) -> Tensor:
        x = super()._arrive(frame, x, index, scope)
        if frame.declared is None or index > 0 or scope.prefix.startswith(BACKBONE):
            return x  # a backbone's columns are printed for its own input, and were checked there
        return self._compare(frame.declared, x)

    def _compare(self, declared: Declared, x: Tensor) -> Tensor:
        """Compare the printed columns with what arrived; which of the two goes on is the reading that is tried."""
        printed = declared.input_shape
        if self.guessing and printed is not None:
            x = Tensor(x.producer, printed)
            self.guessing = False
        if printed is not None and printed != x.shape:
            if self.layers:
                self._contradiction(
                    f"the table says {printed}, the rows before it give {x.shape}", declared.input_location, _OFF
                )
            else:
                self._contradiction(
                    f"the table says {printed}, but `input` above is {x.shape}", declared.input_location
                )
            if self.trust_table:
                x = Tensor(x.producer, printed)
        self._compare_filter(declared, x)
        return x

    def _compare_filter(self, declared: Declared, x: Tensor) -> None:
        height, width, channels = x.shape
        if declared.filter_channels not in (None, channels):
            message = f"the filter has {declared.filter_channels} input channels, its input {x.shape} has {channels}"
            self._contradiction(message, declared.filter_location)
        window = declared.filter_window
        if window not in (None, (height, width)):
            assert window is not None
            message = f"a global window of {window[0]}x{window[1]} is printed, its input is {x.shape}"
            self._contradiction(message, declared.filter_location)

    def _contradiction(self, message: str, location: Location | None, hint: str | None = None) -> None:
        self.problems.append(Problem("MB203", message, location, hint))

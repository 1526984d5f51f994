"""One reading of a table at alpha = rho = 1: all of its contradictions, with their places."""

from __future__ import annotations

from typing import Final, NamedTuple

from mbcost.architectures.spec import ArchitectureSpec, Declared, Row, RowFrame
from mbcost.errors import InputError, Location, Problem
from mbcost.graph.expansion import BACKBONE, Builder
from mbcost.graph.layer_graph import LayerGraph
from mbcost.graph.scope import Scope, Tensor
from mbcost.operators import TensorShape

#: The hint of a contradiction while it is unknown which side of it is wrong.
UNDECIDED: Final = "a stride or a number of channels above is off, or this column is"


class Contradiction(NamedTuple):
    """A printed column, and the propagated shape."""

    declared: Declared
    location: Location | None
    arrived: TensorShape


class RowLayers(NamedTuple):
    """The layers that a row of the table with printed counts made: positions from `start` up to `stop`."""

    declared: Declared
    start: int
    stop: int


class Reading(Builder):
    """Continues after rows that cannot be built, and compares printed columns with the propagated shapes.

    Parameters
    ----------
    trust_table
        Whether to continue with the printed input of a row, or with the propagated shape, where the two differ.
    """

    def __init__(self, spec: ArchitectureSpec, *, trust_table: bool) -> None:
        super().__init__(spec, 1.0, spec.input_shape, dict(spec.options))
        self.trust_table = trust_table
        self.problems: list[Problem] = []
        self.contradictions: list[Contradiction] = []
        self.counted: list[RowLayers] = []
        #: Whether the shape that flows is a guess, after a row that could not be built.
        self.guessing = False
        self.graph: LayerGraph | None = None

    def problems_of_table(self) -> tuple[Problem, ...]:
        """Run the table and return each problem once."""
        try:
            self.graph = self.build()
        except InputError as error:
            if error.codes != ("MB207",) or not self.problems:
                self.problems.extend(error.problems)
        return tuple(dict.fromkeys(self.problems))

    def _run(self, rows: tuple[Row, ...], scope: Scope, x: Tensor, *, repeats: bool = False) -> Tensor:
        for row in rows:
            start = len(self.layers)
            try:
                x = self._repeated(row, scope, x, repeats=repeats)
                if (declared := row.frame.declared) is not None and (declared.macs or declared.params):
                    self.counted.append(RowLayers(declared, start, len(self.layers)))
            except InputError as error:
                if scope.block is not None or error.codes == ("MB208",):
                    raise
                x = self._recover(row, scope, x, error)
        return x

    def _recover(self, row: Row, scope: Scope, x: Tensor, error: InputError) -> Tensor:
        """Record why a row of the table cannot be built, and continue as if its input passed through.

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
        """Compare the printed columns with the propagated shape; the reading decides which of the two is used next."""
        printed = declared.input_shape
        if self.guessing and printed is not None:
            x = Tensor(x.producer, printed)
            self.guessing = False
        if printed is not None and printed != x.shape:
            message = f"the table says {printed}, but `input` above is {x.shape}"
            if self.layers:
                message = f"the table says {printed}, the rows before it give {x.shape}"
            hint = UNDECIDED if self.layers else None
            self._contradict(message, Contradiction(declared, declared.input_location, x.shape), hint)
            if self.trust_table:
                x = Tensor(x.producer, printed)
        self._compare_filter(declared, x.shape)
        return x

    def _compare_filter(self, declared: Declared, arrived: TensorShape) -> None:
        height, width, channels = arrived
        found = Contradiction(declared, declared.filter_location, arrived)
        if declared.filter_channels not in (None, channels):
            message = f"the filter has {declared.filter_channels} input channels, its input {arrived} has {channels}"
            self._contradict(message, found)
        window = declared.filter_window
        if window not in (None, (height, width)):
            assert window is not None
            self._contradict(f"a global window of {window[0]}x{window[1]} is printed, its input is {arrived}", found)

    def _contradict(self, message: str, found: Contradiction, hint: str | None = None) -> None:
        self.problems.append(Problem("MB203", message, found.location, hint))
        self.contradictions.append(found)

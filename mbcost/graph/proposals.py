"""Corrections of a table's contradictions: changes of a single cell, each tried by reading the table again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from mbcost.architectures.spec import ArchitectureSpec
from mbcost.errors import Location, or_list
from mbcost.graph.changes import Change, column_changes, row_changes
from mbcost.graph.reading import Contradiction, Reading
from mbcost.operators import TensorShape

#: Most rows and layers that are run to find corrections, over all tries.
MAX_WORK: Final = 60_000
#: Most independent errors that are distinguished in one table.
MAX_ROUNDS: Final = 6
MAX_SHOWN: Final = 3

Place: TypeAlias = Location | None


def propose(spec: ArchitectureSpec, reading: Reading) -> dict[Place, str]:
    """For places of contradictions, the hint with the change of a cell that resolves them.

    Parameters
    ----------
    reading
        The table read with its input column trusted, so that each contradiction is one between neighbouring rows.
    """
    search = _Search(MAX_WORK)
    contradictions = reading.contradictions
    hints: dict[Place, str] = {}
    for _ in range(MAX_ROUNDS):
        found = search.best(spec, contradictions)
        if not found:
            break
        first = found[0]
        same = [tried for tried in found if _claims(tried.left) == _claims(first.left)]
        for place, _ in _claims(contradictions) - _claims(first.left):
            hints[place] = _hint(same, place)
        spec, contradictions = first.change.spec, first.left
    return hints


@dataclass(frozen=True, slots=True)
class _Tried:
    """A change, and the contradictions that it leaves."""

    change: Change
    left: list[Contradiction]


@dataclass(slots=True)
class _Search:
    """Tries changes while there is work left."""

    work: int

    def best(self, spec: ArchitectureSpec, contradictions: list[Contradiction]) -> list[_Tried]:
        """The changes that resolve contradictions, add none, and leave the fewest; the nearest first."""
        claims = _claims(contradictions)
        found: list[_Tried] = []
        for change in _changes(spec, contradictions):
            if self.work <= 0:
                break
            reading = Reading(change.spec, trust_table=True)
            problems = reading.problems_of_table()
            self.work -= reading.steps + len(reading.layers)
            if _claims(reading.contradictions) < claims and all(p.code == "MB203" for p in problems):
                found.append(_Tried(change, reading.contradictions))
        least = min((len(_claims(tried.left)) for tried in found), default=0)
        return [tried for tried in found if len(_claims(tried.left)) == least]


def _changes(spec: ArchitectureSpec, contradictions: list[Contradiction]) -> Iterator[Change]:
    """Columns that contradict the propagated shape, then rows above the first contradiction, the nearest first."""
    yield from column_changes(spec, contradictions)
    yield from row_changes(spec, contradictions)


def _claims(contradictions: Iterable[Contradiction]) -> set[tuple[Place, TensorShape]]:
    """Contradictions as values: the same place with another shape is another one."""
    return {(item.location, item.arrived) for item in contradictions}


def _hint(found: list[_Tried], place: Place) -> str:
    """``stride 1 in line 25 makes the table consistent``."""
    line = place.line if place else 0
    texts = list(dict.fromkeys(tried.change.shown(line) for tried in found))
    words = or_list([*texts[:MAX_SHOWN], *(["another change"] if len(texts) > MAX_SHOWN else [])])
    whole = "the table" if not found[0].left else "the rows around it"
    return f"{words} makes {whole} consistent"

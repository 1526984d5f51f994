"""What would end a table's contradictions: changes of a single cell, each tried by reading the table again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from mbcost.architectures.spec import ArchitectureSpec
from mbcost.errors import Location, or_list
from mbcost.graph.changes import Change, column_changes, row_changes
from mbcost.graph.reading import Contradiction, Reading

#: Rows and layers that are run for proposals, over all tries.
MAX_WORK: Final = 60_000
#: Independent mistakes that are told apart in one table.
MAX_ROUNDS: Final = 6
MAX_SHOWN: Final = 3

Place: TypeAlias = Location | None


def propose(spec: ArchitectureSpec, reading: Reading) -> dict[Place, str]:
    """For places of contradictions, the hint that names the change of a cell which ends them.

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
        ended = _places(contradictions) - _places(found[0].left)
        hints |= {place: _hint(found, place) for place in ended}
        spec, contradictions = found[0].change.spec, found[0].left
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
        """The changes that end some contradictions, make no new one, and leave the fewest; the nearest first."""
        places = _places(contradictions)
        found: list[_Tried] = []
        for change in _changes(spec, contradictions):
            if self.work <= 0:
                break
            reading = Reading(change.spec, trust_table=True)
            problems = reading.problems_of_table()
            self.work -= reading.steps + len(reading.layers)
            if _places(reading.contradictions) < places and all(p.code == "MB203" for p in problems):
                found.append(_Tried(change, reading.contradictions))
        least = min((len(_places(tried.left)) for tried in found), default=0)
        return [tried for tried in found if len(_places(tried.left)) == least]


def _changes(spec: ArchitectureSpec, contradictions: list[Contradiction]) -> Iterator[Change]:
    """Columns that contradict what arrives, then rows above the first contradiction, the nearest first."""
    yield from column_changes(spec, contradictions)
    yield from row_changes(spec, contradictions)


def _places(contradictions: Iterable[Contradiction]) -> set[Place]:
    return {item.location for item in contradictions}


def _hint(found: list[_Tried], place: Place) -> str:
    """``stride 1 in line 25 makes the table consistent``."""
    line = place.line if place else 0
    texts: Mapping[str, None] = dict.fromkeys(tried.change.shown(line) for tried in found)
    more = len(texts) - MAX_SHOWN
    words = or_list([*list(texts)[:MAX_SHOWN], *([f"one of {more} other changes"] if more > 0 else [])])
    whole = "the table" if not found[0].left else "the rows around it"
    return f"{words} makes {whole} consistent"

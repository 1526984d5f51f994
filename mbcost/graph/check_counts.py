"""Printed MACs and parameters, of rows and of the whole network, against the computed ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from mbcost.architectures.printed_counts import PrintedNumber
from mbcost.architectures.spec import ArchitectureSpec
from mbcost.errors import Problem, or_list
from mbcost.graph.changes import Change, repeat_changes
from mbcost.graph.counting import ParamsConvention, macs_by_layer, params_by_layer
from mbcost.graph.layer_graph import LayerGraph
from mbcost.graph.reading import Reading
from mbcost.words import NORM_PARAMS

#: Most rows and layers that are run to find corrections.
MAX_WORK: Final = 30_000
MAX_SHOWN: Final = 3

#: For ``macs`` and ``params`` the counts of every layer, by what is counted.
_Counts: TypeAlias = Mapping[str, Mapping[str, list[int]]]


def count_problems(spec: ArchitectureSpec) -> tuple[Problem, ...]:
    """Printed counts that do not match the computed ones under any convention; the totals come last.

    MACs are those of products; parameters may have any convention for batch norm, or be weights only.
    """
    reading = Reading(spec, trust_table=False)
    reading.problems_of_table()
    graph = reading.graph
    if graph is None or not (spec.published or reading.counted):
        return ()
    counts = _counts(graph)
    problems: list[Problem] = []
    for row in reading.counted:
        for key, printed in (("macs", row.declared.macs), ("params", row.declared.params)):
            if printed is not None:
                problems += _compare(key, printed, counts, "the row", slice(row.start, row.stop))
    totals = list(_total_problems(spec, counts))
    if totals and (hint := _repeat_hint(spec)):
        totals = [replace(problem, hint=hint) for problem in totals]
    return tuple(dict.fromkeys([*problems, *totals]))


def _total_problems(spec: ArchitectureSpec, counts: _Counts) -> Iterator[Problem]:
    for key, printed in spec.published.items():
        yield from _compare(key, printed, counts, "the table", slice(None))


def _counts(graph: LayerGraph) -> _Counts:
    params: dict[str, list[int]] = {
        f"batch norm: {name}": params_by_layer(graph, ParamsConvention(name)) for name in NORM_PARAMS
    }
    params["weights only"] = [layer.cost.weight_elements * layer.has_parameters for layer in graph.layers]
    return {"macs": {"products": macs_by_layer(graph)}, "params": params}


def _compare(key: str, printed: PrintedNumber, counts: _Counts, what: str, part: slice) -> Iterator[Problem]:
    """A problem if no convention gives what is printed."""
    given = {name: sum(values[part]) for name, values in counts[key].items()}
    if any(printed.stands_for(count) for count in given.values()):
        return
    word = "MACs" if key == "macs" else "parameters"
    nearest = min(given, key=lambda name: abs(given[name] - printed.value))
    message = f"{printed.text} {word} are printed, {what} gives {given[nearest]:,} ({nearest})"
    yield Problem("MB207", message, printed.location)


def _repeat_hint(spec: ArchitectureSpec) -> str | None:
    """The repeats of a single row with which all totals would match."""
    found: list[Change] = []
    work = MAX_WORK
    for change in repeat_changes(spec):
        reading = Reading(change.spec, trust_table=False)
        problems = reading.problems_of_table()
        work -= reading.steps + len(reading.layers)
        if not problems and reading.graph is not None and not any(_total_problems(spec, _counts(reading.graph))):
            found.append(change)
        if work <= 0 or len(found) == MAX_SHOWN:
            break
    return f"{or_list([change.shown(0) for change in found])} would give what is printed" if found else None

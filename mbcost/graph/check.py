"""Checks a table at alpha = rho = 1: all contradictions at once, with their places and possible corrections."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from mbcost.architectures.spec import ArchitectureSpec
from mbcost.errors import Problem
from mbcost.graph.check_counts import count_problems
from mbcost.graph.proposals import propose
from mbcost.graph.reading import UNDECIDED, Reading

_COLUMN_OFF: Final = "the rows after it agree with those before it"
_ROW_OFF: Final = "a row above has another stride or width"


def check_architecture(spec: ArchitectureSpec) -> tuple[Problem, ...]:
    """The problems of a table at alpha = rho = 1: shapes that do not fit, and printed columns that disagree.

    The reading with fewer contradictions distinguishes a wrong input column from a wrong stride. The hint of a
    contradiction is the change of a single cell that resolves it, if there is one.
    """
    computed = Reading(spec, trust_table=False).problems_of_table()
    if all(problem.code != "MB203" for problem in computed):
        return computed
    reading = Reading(spec, trust_table=True)
    printed = reading.problems_of_table()
    fewer, hint = computed, UNDECIDED
    if len(computed) != len(printed):
        fewer, hint = (computed, _COLUMN_OFF) if len(computed) < len(printed) else (printed, _ROW_OFF)
    proposals = propose(spec, reading)
    return tuple(
        replace(problem, hint=proposals.get(problem.location) or (hint if problem.hint == UNDECIDED else problem.hint))
        if problem.code == "MB203"
        else problem
        for problem in fewer
    )


def check_table(spec: ArchitectureSpec) -> tuple[Problem, ...]:
    """The problems of :func:`check_architecture`; without any, the printed counts that the table contradicts.

    The counts are not checked when a table is loaded, since the totals of some papers are wrong.
    """
    return check_architecture(spec) or count_problems(spec)

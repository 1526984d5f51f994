"""Sweeps over widths and resolutions, picks under a budget, and search spaces: all on the ordinary pipeline."""

from mbcost.search.budget import Budget, read_budgets
from mbcost.search.compiled import CompiledSpace, Score, compile_space
from mbcost.search.engines import executor_of
from mbcost.search.grid import Grid, Points, make_grid, make_points
from mbcost.search.latency_table import latency_table, table_text
from mbcost.search.pareto import on_front
from mbcost.search.parts import Parts, sweep_to_parts
from mbcost.search.pick import Pick, pick
from mbcost.search.result import SweepResult
from mbcost.search.space import SearchSpace, load_space, space_names
from mbcost.search.sweep import sweep

__all__ = [
    "Budget",
    "CompiledSpace",
    "Grid",
    "Parts",
    "Pick",
    "Points",
    "Score",
    "SearchSpace",
    "SweepResult",
    "compile_space",
    "executor_of",
    "latency_table",
    "load_space",
    "make_grid",
    "make_points",
    "on_front",
    "pick",
    "read_budgets",
    "space_names",
    "sweep",
    "sweep_to_parts",
    "table_text",
]

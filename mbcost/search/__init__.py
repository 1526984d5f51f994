"""Sweeps over widths and resolutions, the choice among them, and search spaces: all on the ordinary pipeline."""

from mbcost.search.grid import Grid, Points, make_grid, make_points
from mbcost.search.pareto import on_front
from mbcost.search.result import SweepResult
from mbcost.search.sweep import sweep

__all__ = ["Grid", "Points", "SweepResult", "make_grid", "make_points", "on_front", "sweep"]

"""The candidates of a pick: published configurations, interpolated ones between them, or a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mbcost.architectures import ArchitectureSpec
from mbcost.architectures.spec import OptionValue
from mbcost.errors import InputError, fail
from mbcost.graph import build_graph
from mbcost.prediction import TargetModel
from mbcost.search.checkpoints import checkpoints_of, interpolated_top1, top1_of
from mbcost.search.grid import Floats, Numbers, Points, Sizes, make_grid

#: Steps of the widths and resolutions between published ones, and of the grid for networks without any.
ALPHA_STEP: Final = 0.05
RESOLUTION_STEP: Final = 16
#: Largest and smallest width of the grid, and its smallest share of the table's resolution.
WIDEST: Final = 1.5
LEAST_RHO: Final = 0.25


class Accuracy(NamedTuple):
    """Top-1 of configurations [%], NaN where it is unknown, and whether it is published."""

    top1: Floats
    published: NDArray[np.bool_]


def candidates_of(
    spec: ArchitectureSpec,
    prepared: Sequence[TargetModel],
    options: Mapping[str, OptionValue] | None,
    between: bool,
    alpha: Numbers | None,
    resolution: Sizes | None,
) -> tuple[Points, Accuracy]:
    """The candidates of a network for :func:`mbcost.pick`, with the accuracy that all targets' precisions keep.

    Raises
    ------
    InputError
        MB010 for a bad grid, or if there are no checkpoints to choose between.
    """
    precisions = sorted({model.target.precision for model in prepared})
    known = {precision: checkpoints_of(spec, precision, options) for precision in precisions}
    some = next(iter(known.values()))
    if alpha is not None or resolution is not None:
        points = make_grid(1.0 if alpha is None else alpha, None, resolution).points()
    elif not all(known.values()):
        if between:
            fail("MB010", f"mbcost knows of no published checkpoint of {spec.name} to choose between")
        points = grid_of(spec, options)
    elif between:
        points = _between([(c.alpha, c.resolution) for c in some])
    else:
        points = _as_points(sorted({(c.alpha, c.resolution) for c in some}))
    sizes = _squares(spec, points)
    published = _least([top1_of(checkpoints, points.alpha, sizes) for checkpoints in known.values()])
    top1 = published
    if between:
        top1 = _least([interpolated_top1(checkpoints, points.alpha, sizes) for checkpoints in known.values()])
        inside = ~np.isnan(top1)
        points, top1, published = points.take(inside), top1[inside], published[inside]
    return points, Accuracy(top1, ~np.isnan(published))


def _squares(spec: ArchitectureSpec, points: Points) -> Floats:
    """Heights of square inputs, NaN for others, since checkpoints are of square inputs."""
    shape = spec.input_shape
    heights = np.full(points.size, shape.height) if points.resolution is None else points.resolution
    widths = np.full(points.size, shape.width) if points.resolution is None else heights
    widths = widths if points.input_width is None else points.input_width
    return np.where(heights == widths, heights.astype(np.float64), np.nan)


def unknown_accuracy(count: int) -> Accuracy:
    """The unknown top-1 of configurations without a checkpoint."""
    return Accuracy(np.full(count, np.nan), np.zeros(count, dtype=np.bool_))


def grid_of(spec: ArchitectureSpec, options: Mapping[str, OptionValue] | None) -> Points:
    """A grid of widths and resolutions of a table: widths up to 1.5, resolutions down to a quarter of the table's."""
    shape = spec.input_shape
    widths = [1.0]
    if spec.width is not None:
        widths = [round(ALPHA_STEP * i, 2) for i in range(1, round(WIDEST / ALPHA_STEP) + 1)]
    least = round(shape.height * LEAST_RHO)
    sizes = range(shape.height, least - 1, -RESOLUTION_STEP) if shape.height == shape.width else range(0)
    alphas = [width for width in widths if _takes(spec, width, None, options)]
    resolutions = [size for size in sizes if _takes(spec, 1.0, size, options)]
    return make_grid(alphas or [1.0], None, resolutions or None).points()


def _takes(spec: ArchitectureSpec, alpha: float, size: int | None, options: Mapping[str, OptionValue] | None) -> bool:
    try:
        build_graph(spec, alpha=alpha, resolution=size, options=options)
    except InputError:
        return False
    return True


def _between(pairs: Sequence[tuple[float, int]]) -> Points:
    """Published configurations, and steps of width and resolution within their range."""
    alphas, sizes = {alpha for alpha, _ in pairs}, {size for _, size in pairs}
    steps = range(round(min(alphas) / ALPHA_STEP), round(max(alphas) / ALPHA_STEP) + 1)
    alphas |= {round(ALPHA_STEP * i, 2) for i in steps if min(alphas) <= round(ALPHA_STEP * i, 2) <= max(alphas)}
    sizes |= set(range(-(-min(sizes) // RESOLUTION_STEP) * RESOLUTION_STEP, max(sizes) + 1, RESOLUTION_STEP))
    return _as_points([(alpha, size) for alpha in sorted(alphas) for size in sorted(sizes)])


def _as_points(pairs: Sequence[tuple[float, int]]) -> Points:
    alphas, sizes = zip(*pairs, strict=True)
    return Points(np.array(alphas), None, np.array(sizes, dtype=np.int64))


def _least(values: Sequence[Floats]) -> Floats:
    """The lowest of several accuracies of each configuration; NaN where one of them is unknown."""
    result = values[0]
    for more in values[1:]:
        result = np.where(np.isnan(result) | np.isnan(more), np.nan, np.minimum(result, more))
    return result

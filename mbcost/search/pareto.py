"""Pareto fronts of cost and quality."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def on_front(cost: Any, quality: Any) -> NDArray[np.bool_]:
    """A mask of the points that no other point dominates, with at most the cost, at least the quality, and one better.

    Equal points are all on the front. A point whose cost or quality is NaN is never on it.

    Parameters
    ----------
    cost, quality
        Arrays of the same length; lower cost and higher quality are better.
    """
    cost, quality = np.asarray(cost, dtype=np.float64), np.asarray(quality, dtype=np.float64)
    result = np.zeros(len(cost), dtype=np.bool_)
    known = np.flatnonzero(~(np.isnan(cost) | np.isnan(quality)))
    if not len(known):
        return result
    order = known[np.lexsort((-quality[known], cost[known]))]  # cheapest first, the best of equally cheap ones first
    sorted_quality = quality[order]
    best_before = np.concatenate([[-np.inf], np.maximum.accumulate(sorted_quality)[:-1]])
    better = sorted_quality > best_before
    # an equal twin of a point that is better than all before it
    first = np.maximum.accumulate(np.where(better, np.arange(len(order)), 0))
    twin = (cost[order] == cost[order][first]) & (sorted_quality == sorted_quality[first])
    result[order[twin]] = True
    return result

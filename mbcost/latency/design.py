"""Which networks to measure next: those that say most about what is still open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from mbcost.latency.fitting import NOISE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix: TypeAlias = "NDArray[np.float64]"


def d_optimal(relative: Matrix, number: int, covariance: Matrix, *, noise: float = NOISE) -> list[int]:
    """Positions of the candidates whose relative latencies say most about the rates, best first.

    Each step takes the candidate that raises the determinant of the information matrix most, which is the one whose
    predicted latency is least certain (Fedorov 1972, Theory of Optimal Experiments; a candidate occurs once).

    Parameters
    ----------
    relative
        A row a candidate, a column a term: the term's time at the prior as a share of the predicted latency.
    covariance
        Of the rates over their priors, from what was measured or before that.
    """
    left = np.array(covariance, dtype=float)
    chosen: list[int] = []
    available: Any = np.ones(len(relative), dtype=bool)
    for _ in range(min(number, len(relative))):
        reached = relative @ left
        variance = np.where(available, np.einsum("ij,ij->i", reached, relative), -1.0)
        best = int(variance.argmax())
        chosen.append(best)
        available[best] = False
        left -= np.outer(reached[best], reached[best]) / (noise**2 + variance[best])
    return chosen

"""Which networks to measure next: those that say most about what is still open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from mbcost.latency.fitting import NOISE, PRIOR_SD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix: TypeAlias = "NDArray[np.float64]"


def d_optimal(
    counts: Matrix,
    rates: Matrix,
    number: int,
    *,
    covariance: Matrix | None = None,
    noise: float = NOISE,
    prior_sd: float = PRIOR_SD,
) -> list[int]:
    """Positions of the candidates whose relative latencies say most about the rates, best first.

    Each step takes the candidate that raises the determinant of the information matrix most, which is the one whose
    predicted latency is least certain (Fedorov 1972, Theory of Optimal Experiments; a candidate occurs once).

    Parameters
    ----------
    counts
        A row a candidate, a column a term.
    rates
        What is known of the rates so far, all above 0 [s a count]: shares of a network's time follow from them.
    covariance
        Of the rates over `rates`, from what was measured; default: that of the prior.
    """
    times = counts * rates
    shares = times / times.sum(axis=1, keepdims=True)
    left = np.eye(len(rates)) * prior_sd**2 if covariance is None else np.array(covariance, dtype=float)
    chosen: list[int] = []
    available: Any = np.ones(len(counts), dtype=bool)
    for _ in range(min(number, len(counts))):
        reached = shares @ left
        variance = np.where(available, np.einsum("ij,ij->i", reached, shares), -1.0)
        best = int(variance.argmax())
        chosen.append(best)
        available[best] = False
        left -= np.outer(reached[best], reached[best]) / (noise**2 + variance[best])
    return chosen

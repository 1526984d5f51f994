"""What a network makes a processor do, term by term: the numbers that rates are multiplied with, and fitted to."""

from __future__ import annotations

from collections.abc import Iterable

from mbcost.kernels import Kernel
from mbcost.latency.form import LatencyForm
from mbcost.numeric import Real


def count_vector(kernels: Iterable[Kernel], form: LatencyForm) -> dict[str, Real]:
    """Counts of a whole network, in the units of the form's terms and in their order.

    In a form without overlap the network's time is the sum of counts times rates [s], so that rates can be fitted to
    latencies of whole networks.

    Returns
    -------
    dict
        Term -> sum of its counts over all kernels, 0 for a term without a kernel; numbers, or arrays for kernels of
        arrays of configurations.
    """
    kernels = tuple(kernels)
    return form.total(kernels, form.counts(kernels))

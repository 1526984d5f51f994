"""Rates of NPUs from the latencies of whole networks on many devices: what `hardware_profiles/rates` holds of Hexagon.

The population of rates is that of `phones_fit.py`, an NPU in the place of a core and a second in that of a cycle. The
scale of an NPU that nobody measured comes from its generation and the operations a second that its maker states.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from phones_data import Group, Unit
from phones_fit import measured_cores, populate, shape_of, triangle

from mbcost.latency.core_rates import NPU_FACTS, CoreEntry, Npu, RateFile, facts_of_npu

#: Coefficients of the facts before any NPU was measured, and how far each may be off: the time is in inverse proportion
#: to the operations a second, whatever the generation.
FACTS_FIRST: Final = (0.0, 0.0, -1.0, 0.3)
FACTS_SD: Final = (100.0, 0.2, 0.15, 0.5)
#: Standard deviation of what facts do not say of an NPU's log scale, as a guess that is worth two NPUs; and where the
#: operations a second are not stated.
REST_SD: Final = 0.25
UNSTATED_SD: Final = 0.8


def representatives(units: Iterable[Unit]) -> list[Unit]:
    """One unit of each phone: the others quote the same measurements."""
    found: dict[str, Unit] = {}
    for unit in units:
        best = found.get(unit.phone)
        if len(unit.networks) >= 3 and (best is None or len(unit.networks) > len(best.networks)):
            found[unit.phone] = unit
    return list(found.values())


def npu_file(
    group: Group, units: Sequence[Unit], *, width: Mapping[str, float], date: str, twins: Sequence[Unit] = ()
) -> RateFile:
    """The file of rates of a group.

    Parameters
    ----------
    units
        Those that are fitted, one of each phone.
    twins
        Units of the same phones, whose NPUs have the rates of theirs.
    """
    population = populate(group, units)
    measured = measured_cores(population)
    npus = {unit.core.name: unit.core for unit in units if isinstance(unit.core, Npu)}
    facts = facts_from({name: (npus[name], scale) for name, (scale, _, _) in measured.items()})
    entries: dict[str, CoreEntry] = {}
    for name, (scale, shape, phones) in measured.items():
        number = len(phones)
        sd = population.phone_sd * math.sqrt(1 + 1 / number)
        source = f"{name} in {number} device{'s' * (number != 1)}"
        entries[name] = CoreEntry(scale, sd, "same core", source, shape_of(npus[name], population, shape), phones)
    for twin in twins:
        of = next((unit for unit in units if unit.phone == twin.phone), None)
        if of is not None and twin.core.name not in entries:
            entries[twin.core.name] = entries[of.core.name]
    average = dict(zip(group.terms, population.average.tolist(), strict=True))
    order = list(range(len(group.terms)))
    return RateFile(
        form=group.form,
        cycles=average,
        variants={},
        cores=entries,
        facts=facts,
        same=triangle(population.within, order),
        other=triangle(population.within + population.between, order),
        noise=population.noise,
        width=dict(width),
        serial={},
        sync_cycles=0.0,
        threads_sd=0.0,
        threads_shape_sd=0.0,
        source=group.source,
        date=date,
    )


def facts_from(scales: Mapping[str, tuple[Npu, float]]) -> dict[str, float]:
    """Coefficients of the facts by ridge regression on the log scales of measured NPUs."""
    rows = np.array([facts_of_npu(npu) for npu, _ in scales.values()])
    values = np.array([scale for _, scale in scales.values()])
    first = np.array([float(np.mean(values)), *FACTS_FIRST[1:]])
    precision = np.diag(1 / np.array(FACTS_SD) ** 2)
    gram = rows.T @ rows / REST_SD**2 + precision
    found = first + np.linalg.solve(gram, rows.T @ (values - rows @ first) / REST_SD**2)
    known = rows[:, NPU_FACTS.index("unstated")] == 0
    rest = (values - rows @ found)[known]
    sd = math.sqrt((float((rest**2).sum()) + 2 * REST_SD**2) / (len(rest) + 2))
    return {**dict(zip(NPU_FACTS, found.tolist(), strict=True)), "sd": sd, "unstated_sd": UNSTATED_SD}

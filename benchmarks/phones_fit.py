"""Rates of cores from the latencies of many phones: what `hardware_profiles/rates` holds.

For one runtime and precision, in cycles a count (seconds x clock), the rates of a device are

    rate[term] = average[term] x exp(scale) x (1 + shape[term])

with a scale for the core that devices scatter around, and a shape that differs less. Averages, scales, shapes and
their covariances are found in rounds (empirical Bayes): every device is fitted with what the others say as its prior,
then the average and the covariances are taken from all fits. A core that nobody measured with this runtime has a scale
from cores of its family, from its scale with other runtimes, and from its facts, each weighted by how well it predicts
the measured cores that are left out.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import numpy as np
from phones_data import Group, Unit, same_phone
from scipy.optimize import least_squares

from mbcost.calibration.fit import fit, symmetric
from mbcost.devices.cores import Core, ancestors, core_names, load_core
from mbcost.latency.core_rates import FACTS, CoreEntry, Npu, RateFile, cycles_of, facts_of, from_facts, known_core

#: Cycles a count of a core of 8 MACs a cycle before any measurement, by form, or by form and precision: one vector
#: multiply-add for 4 MACs, a handful of cycles for each element that is written, some thousand for a call. What they
#: are hardly matters: the rounds replace them.
FIRST: Final[dict[str, dict[str, float]]] = {
    "tflite_hybrid": {
        "gemm": 0.5, "outputs": 6.0, "unaligned": 0.3, "depthwise": 2.0, "elementwise": 1.0, "copy": 1.0, "pool": 1.0,
        "call": 2e4,
    },
    "tflite_xnnpack": {
        "gemm": 0.16, "grouped": 1.0, "outputs": 0.6, "gathered": 1.0, "weights": 0.4, "depthwise": 0.4, "dense": 0.6,
        "elementwise": 0.6, "copy": 1.0, "pool": 0.6, "call": 8e3,
    },
    "ncnn_cpu": {
        "pointwise": 0.16, "convolution": 0.2, "winograd": 0.16, "tiles": 2.0, "grouped": 0.4, "depthwise": 0.5,
        "loop": 1.0, "unpacked": 0.1, "outputs": 0.3, "gathered": 0.5, "weights": 0.3, "dense": 1.0, "elementwise": 0.8,
        "activation": 6.0, "normalise": 20.0, "copy": 1.0, "pool": 0.6, "call": 2e4,
    },
}  # fmt: skip
#: The same of NPUs, in seconds a count: about those of a Snapdragon 8 Gen 3. The CPU's share of a network is a guess
#: that nothing measured replaces: a tenth of 64 GB/s.
FIRST["hexagon_htp"] = {
    "engine": 1.3e-13, "weights": 8e-12, "products": 5e-13, "grouped": 2.5e-11, "depthwise": 3e-12, "vector": 4.5e-12,
    "functions": 5e-12, "normalise": 1e-10, "layout": 3e-12, "resize": 5e-11, "colours": 2e-9, "image": 5e-9,
    "host": 1.6e-10, "call": 1e-4,
}  # fmt: skip
FIRST["hexagon_htp int8"] = {
    **FIRST["hexagon_htp"], "engine": 3.2e-14, "weights": 7e-12, "products": 3e-12, "normalise": 4e-10, "image": 1.2e-9,
    "colours": 1e-9,
}  # fmt: skip
FIRST["compiled_npu"] = {
    "array": 2e-13, "depthwise": 2e-12, "weights": 1e-10, "maps": 1e-10, "spills": 1e-10, "layers": 1e-5,
    "host": 1e-9, "call": 3e-4,
}  # fmt: skip
#: (form, precision) -> instruction set -> terms that have cycles of their own on cores with it.
VARIANTS: Final[dict[tuple[str, str], dict[str, tuple[str, ...]]]] = {
    ("tflite_xnnpack", "int8"): {"dotprod": ("gemm",)},
    ("tflite_hybrid", "int8"): {"dotprod": ("gemm",)},
    ("ncnn_cpu", "int8"): {"dotprod": ("pointwise", "convolution")},
}
#: Relative error of a form on one network, by (form, precision), as leaving networks out shows it.
NOISE: Final[dict[tuple[str, str], float]] = {
    ("tflite_hybrid", "int8"): 0.06,
    ("tflite_xnnpack", "fp32"): 0.06,
    ("tflite_xnnpack", "int8"): 0.06,
    ("ncnn_cpu", "fp32"): 0.07,
    ("ncnn_cpu", "fp16"): 0.09,
    ("ncnn_cpu", "int8"): 0.15,
    ("hexagon_htp", "fp16"): 0.10,
    ("hexagon_htp", "int8"): 0.12,
    ("hexagon_htp", "w8a16"): 0.15,
    ("compiled_npu", "int8"): 0.15,
}
#: Standard deviation of the shapes at first, of the scale of equal cores in different phones, and how many phones that
#: guess and the one about shapes (they scatter as much between phones as between cores) are worth.
FIRST_SD: Final = 0.5
FIRST_PHONE_SD: Final = 0.12
GUESS_WORTH: Final = 5.0
#: Weight of the full covariance against its diagonal, and least standard deviation of a shape: with a dozen units a
#: covariance of as many terms is not known in full.
FULL: Final = 0.6
LEAST_SD: Final = 0.04
ROUNDS: Final = 3
#: Standard deviation of the log of a latency with several threads where nothing was measured with them, of one
#: network's beyond that, and of each term's. The last is chosen: of 0.1, 0.2, 0.3 and 0.5 the one that leaves ncnn's
#: networks on several threads out with the least error.
FIRST_THREADS_SD: Final = 0.25
FIRST_THREADS_NOISE: Final = 0.1
THREADS_SHAPE_SD: Final = 0.3
#: Standard deviations to either side of a 90 % interval before they are measured: the normal distribution's.
WIDTH: Final = 1.645
#: Standard deviation of what facts do not say of a core's log scale, as far as alike cores share it, and of what they
#: do not share; and by how much facts differ where half of it is shared: log MACs, order, log decode width, years.
ALIKE_SD: Final = 0.35
ALONE_SD: Final = 0.12
ALIKE_WITHIN: Final = (0.5, 0.7, 0.4, 3.0)
#: Coefficients of the facts before any core was measured: a core takes cycles in inverse proportion to its MACs a
#: cycle; and how far each may be off.
FACTS_FIRST: Final = (0.0, -0.8, 0.0, 0.0)
FACTS_SD: Final = (100.0, 0.5, 0.7, 0.7)


class Found(NamedTuple):
    """A unit's fitted rates over the average's: log scale [1] and shape [1]."""

    unit: Unit
    scale: float
    shape: Any


@dataclass(frozen=True)
class Population:
    """What the units of one runtime and precision have in common.

    Attributes
    ----------
    average
        Cycles a count, of the columns of :func:`columns_of`.
    typical
        Share of the time of each column in an average network, by which scales are weighed.
    found
        The fits of the units.
    within, between
        Covariances of shapes between phones with a core, and between cores.
    phone_sd
        Standard deviation of the log scale between phones with a core.
    """

    columns: tuple[tuple[str, str], ...]
    average: Any
    typical: Any
    found: tuple[Found, ...]
    within: Any
    between: Any
    phone_sd: float
    noise: float
    base: tuple[tuple[str, float, Any, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Elsewhere:
    """Scales of cores with another runtime: key -> (log scale, phones)."""

    scales: Mapping[str, tuple[float, tuple[str, ...]]] = field(default_factory=dict)


def columns_of(form: str, precision: str, terms: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """(term, instruction set) of every column: a term of its own for cores with the instruction set."""
    variants = VARIANTS.get((form, precision), {})
    return (
        *((term, "") for term in terms),
        *((term, feature) for feature, names in variants.items() for term in names),
    )


def split(unit: Unit, terms: Sequence[str], columns: Sequence[tuple[str, str]]) -> Any:
    """The unit's counts by column: those of a variant instead of the plain ones where the core has it."""
    own = {term for term, feature in columns if feature and feature in unit.core.features}
    parts = []
    for term, feature in columns:
        here = feature in unit.core.features if feature else term not in own
        parts.append(unit.counts[:, terms.index(term)] * here)
    return np.stack(parts, axis=1)


def populate(group: Group, units: Sequence[Unit], rounds: int = ROUNDS) -> Population:
    """The population of units of one thread.

    Parameters
    ----------
    units
        Of the group; those that were left out are not among them.
    """
    columns = columns_of(group.form, group.precision, group.terms)
    noise = NOISE[group.form, group.precision]
    first = FIRST.get(f"{group.form} {group.precision}", FIRST[group.form])
    average = np.array([first[term] * (0.3 if feature else 1.0) for term, feature in columns])
    counts = [split(unit, group.terms, columns) for unit in units]
    cycles = [unit.seconds * unit.clock for unit in units]
    typical = _typical(counts, [average] * len(units))
    spread = np.eye(len(columns)) * FIRST_SD**2
    found: list[Found] = []
    between = spread
    for _ in range(rounds + 1):
        found, left, fits = [], [], []
        for unit, each, measured in zip(units, counts, cycles, strict=True):
            prior = average * float(np.median(measured / (each @ average)))
            free = spread + 9.0  # the scale is not known before
            fitted = fit(each, measured, prior, noise=noise, covariance=free)
            fits.append(fitted)
            weights = _shares(unit.core, typical, columns)
            scale = math.log(float(weights @ (fitted.rates / average)))
            found.append(Found(unit, scale, fitted.rates / (average * math.exp(scale)) - 1))
            relative = each * prior / measured[:, None]
            left.append(np.linalg.inv(relative.T @ relative / noise**2 + np.linalg.inv(spread)))
        shapes = _by_core(found)
        has = {one.unit.core.name: _shares(one.unit.core, typical, columns) > 0 for one in found}
        present = np.array([has[name] for name in shapes])
        stacked = np.array(list(shapes.values()))
        shift = np.clip((stacked * present).sum(0) / np.maximum(present.sum(0), 1), -0.7, 3.0)
        average = average * (1 + shift)
        typical = _typical(counts, [fitted.rates for fitted in fits])
        between = _damped(stacked.T @ stacked / len(stacked))
        all_shapes = np.array([one.shape for one in found])
        spread = _damped(all_shapes.T @ all_shapes / len(found) + 0.5 * np.mean(left, axis=0))
    within, phone_sd = _within(found, between)
    return Population(columns, average, typical, tuple(found), within, between, phone_sd, noise)


def _typical(counts: Sequence[Any], rates: Sequence[Any]) -> Any:
    """Share of each column in the time of an average network, of the units that have it."""
    times = np.array([(each * of).mean(0) / (each * of).sum(1).mean() for each, of in zip(counts, rates, strict=True)])
    shares: Any = times.sum(0) / np.maximum((times > 0).sum(0), 1)
    return shares / shares.sum()


def _shares(core: Core | Npu, typical: Any, columns: Sequence[tuple[str, str]]) -> Any:
    """Share of each column in the time of an average network on a core: nothing for those that it does not have."""
    own = {term for term, feature in columns if feature and feature in core.features}
    has = [feature in core.features if feature else term not in own for term, feature in columns]
    weights = np.where(has, typical, 0.0)
    return weights / weights.sum()


def _by_core(found: Iterable[Found]) -> dict[str, Any]:
    shapes: dict[str, list[Any]] = defaultdict(list)
    for one in found:
        shapes[one.unit.core.name].append(one.shape)
    return {name: np.mean(each, axis=0) for name, each in shapes.items()}


def _damped(covariance: Any) -> Any:
    return FULL * covariance + (1 - FULL) * np.diag(np.diag(covariance)) + np.eye(len(covariance)) * LEAST_SD**2


def _within(found: Sequence[Found], between: Any) -> tuple[Any, float]:
    """Covariance of shapes and deviation of scales between phones with one core; a guess counts for some phones."""
    scatter, squares, free = np.zeros_like(between), 0.0, 0
    for name in {one.unit.core.name for one in found}:
        of: dict[str, list[Found]] = defaultdict(list)
        for one in found:
            if one.unit.core.name == name:
                of[one.unit.phone].append(one)
        if len(of) < 2:
            continue
        shapes = np.array([np.mean([one.shape for one in each], axis=0) for each in of.values()])
        scales = np.array([np.mean([one.scale for one in each]) for each in of.values()])
        scatter = scatter + (shapes - shapes.mean(0)).T @ (shapes - shapes.mean(0))
        squares += float(((scales - np.median(scales)) ** 2).sum())
        free += len(of) - 1
    weight = free + GUESS_WORTH
    covariance = _damped((scatter + GUESS_WORTH * between) / weight)
    return covariance, math.sqrt((squares + GUESS_WORTH * FIRST_PHONE_SD**2) / weight)


def rate_file(
    group: Group,
    population: Population,
    *,
    elsewhere: Mapping[str, Elsewhere],
    threads: Threads,
    width: Mapping[str, float],
    date: str,
    cores: Sequence[Core] | None = None,
) -> RateFile:
    """The file of a population: averages, and an entry for every core of the catalogue.

    Parameters
    ----------
    elsewhere
        Runtime and precision -> scales of cores there.
    threads
        What several threads do.
    width
        Standard deviations to either side of the intervals.
    """
    average = dict(zip(population.columns, population.average.tolist(), strict=True))
    variants: dict[str, dict[str, float]] = defaultdict(dict)
    for (term, feature), value in average.items():
        if feature:
            variants[feature][term] = value
    measured = measured_cores(population)
    pooled = _aligned(measured, elsewhere)
    facts = _facts({name: float(np.mean([scale for scale, _ in each])) for name, each in pooled.items()})
    family_sd = _family_sd(measured)
    everything = (load_core(name) for name in core_names())
    names = cores if cores is not None else [core for core in everything if not core.microcontroller]
    entries = {core.name: _entry(core, population, measured, pooled, facts, family_sd) for core in names}
    order = [population.columns.index((term, "")) for term in group.terms]
    return RateFile(
        form=group.form,
        cycles={term: average[term, ""] for term in group.terms},
        variants={feature: dict(terms) for feature, terms in variants.items()},
        cores=entries,
        facts=facts.coefficients,
        same=triangle(population.within, order),
        other=triangle(population.within + population.between, order),
        noise=population.noise,
        width=dict(width),
        serial=dict(threads.serial),
        sync_cycles=threads.sync_cycles,
        threads_sd=threads.sd,
        threads_shape_sd=THREADS_SHAPE_SD,
        threads_noise=threads.noise,
        source=group.source,
        date=date,
    )


def measured_cores(population: Population) -> dict[str, tuple[float, Any, tuple[str, ...]]]:
    """Core -> its log scale (the median of its phones), shape and phones."""
    found = {}
    for name in sorted({one.unit.core.name for one in population.found}):
        mine = [one for one in population.found if one.unit.core.name == name]
        phones = tuple(sorted({one.unit.phone for one in mine}))
        scales = [np.mean([one.scale for one in mine if one.unit.phone == phone]) for phone in phones]
        shape = np.mean([one.shape for one in mine], axis=0)
        doubt = population.within / len(phones)
        shape = population.between @ np.linalg.inv(population.between + doubt) @ shape
        weights = _shares(mine[0].unit.core, population.typical, population.columns)
        shape = (1 + shape) / (1 + float(weights @ shape)) - 1
        found[name] = float(np.median(scales)), shape, phones
    return found


def _aligned(
    measured: Mapping[str, tuple[float, Any, tuple[str, ...]]], elsewhere: Mapping[str, Elsewhere]
) -> dict[str, list[tuple[float, float]]]:
    """Core -> (log scale, standard deviation) here, and by other runtimes moved to this one's mean of common cores."""
    pooled: dict[str, list[tuple[float, float]]] = {name: [(one[0], 0.0)] for name, one in measured.items()}
    for other in elsewhere.values():
        common = [name for name in measured if name in other.scales]
        if len(common) < 2:
            continue
        gaps = np.array([measured[name][0] - other.scales[name][0] for name in common])
        offset = float(np.median(gaps))
        sd = math.sqrt((float(((gaps - offset) ** 2).sum()) + 2 * 0.2**2) / (len(gaps) + 1))
        for name, (scale, _) in other.scales.items():
            if name not in measured:
                pooled.setdefault(name, []).append((scale + offset, sd * math.sqrt(1 + 1 / len(common))))
    return pooled


class Facts(NamedTuple):
    """Coefficients of the facts, and a Gaussian process for what alike cores share beyond them."""

    coefficients: dict[str, float]
    cores: tuple[Core, ...]
    rest: Any
    excess: float = 1.0  # what the errors of cores that were left out are of their standard deviations

    def of(self, core: Core) -> tuple[float, float]:
        """Log scale and its standard deviation."""
        line = from_facts(self.coefficients, core)
        if not self.cores:
            return line.scale, line.sd
        gram = _alike(self.cores, self.cores) + np.eye(len(self.cores)) * ALONE_SD**2
        here = _alike([core], self.cores)[0]
        share = np.linalg.solve(gram, here)
        variance = ALIKE_SD**2 + ALONE_SD**2 - float(here @ share)
        return line.scale + float(share @ self.rest), math.sqrt(max(variance, ALONE_SD**2))


def _alike(some: Sequence[Core], others: Sequence[Core]) -> Any:
    def place(core: Core) -> Any:
        _, macs, order, decode = facts_of(core)
        return np.array([macs, order, decode, (core.year or 2016) - 2016.0]) / np.array(ALIKE_WITHIN)

    a, b = np.array([place(core) for core in some]), np.array([place(core) for core in others])
    distance = ((a[:, None, :] - b[None, :, :]) ** 2).sum(-1)
    return ALIKE_SD**2 * np.exp(-0.5 * distance)


def _facts(scales: Mapping[str, float]) -> Facts:
    """Coefficients of the facts, and their errors for cores that are left out in turn."""
    found = _regressed(scales)
    squares = []
    for name, scale in scales.items():
        rest = _regressed({other: one for other, one in scales.items() if other != name})
        guess, sd = rest.of(load_core(name))
        squares.append(((scale - guess) / sd) ** 2)
    excess = math.sqrt((sum(squares) + GUESS_WORTH) / (len(squares) + GUESS_WORTH))
    return found._replace(excess=excess)


def _regressed(scales: Mapping[str, float]) -> Facts:
    names = sorted(scales)
    cores = tuple(load_core(name) for name in names)
    facts = np.array([facts_of(core) for core in cores])
    values = np.array([scales[name] for name in names])
    first = np.array([float(np.mean(values)), *FACTS_FIRST[1:]])
    doubt = np.diag(1 / np.array(FACTS_SD) ** 2)
    noise = np.linalg.inv(_alike(cores, cores) + np.eye(len(cores)) * ALONE_SD**2)
    gram = facts.T @ noise @ facts + doubt
    coefficients = first + np.linalg.solve(gram, facts.T @ noise @ (values - facts @ first))
    rest = values - facts @ coefficients
    sd = math.sqrt((float((rest**2).sum()) + 2 * 0.3**2) / (len(rest) + 2))
    return Facts({**dict(zip(FACTS, coefficients.tolist(), strict=True)), "sd": sd}, cores, rest)


def _entry(
    core: Core,
    population: Population,
    measured: Mapping[str, tuple[float, Any, tuple[str, ...]]],
    pooled: Mapping[str, list[tuple[float, float]]],
    facts: Facts,
    family_sd: float,
) -> CoreEntry:
    if core.name in measured:
        scale, shape, phones = measured[core.name]
        number = len(phones)
        devices = f"{number} device{'s' * (number != 1)}"
        sd = population.phone_sd * math.sqrt(1 + 1 / number)
        return CoreEntry(
            scale, sd, "same core", f"{core.title} in {devices}", shape_of(core, population, shape), phones
        )
    evidence = [facts.of(core)]
    basis, source = "facts", f"from the facts of {core.title}"
    shape: Any = None
    relatives = _relatives(core, measured)
    if relatives:
        scales = [measured[name][0] for name in relatives]
        evidence.append((float(np.median(scales)), family_sd))
        shape = np.mean([measured[name][1] for name in relatives], axis=0)
        basis, source = "related core", f"from {', '.join(load_core(name).title for name in relatives)}"
    if core.name in pooled:
        evidence += pooled[core.name]
        source += ", and what it does with other runtimes"
    weights = np.array([1 / sd**2 for _, sd in evidence])
    scale = float(weights @ np.array([value for value, _ in evidence]) / weights.sum())
    excess = facts.excess if len(evidence) == 1 else 1.0  # facts beside other evidence are about as good as they say
    sd = math.sqrt(excess**2 / weights.sum() + population.phone_sd**2)
    shapes = {} if shape is None else shape_of(core, population, shape)
    return CoreEntry(scale, sd, basis, source, shapes)


def _relatives(core: Core, measured: Mapping[str, Any]) -> list[str]:
    """Measured cores of the same design: those it derives from, that derive from it, or that share an origin."""
    root = ancestors(core)[-1].name
    return [name for name in measured if ancestors(load_core(name))[-1].name == root]


def _family_sd(measured: Mapping[str, tuple[float, Any, tuple[str, ...]]]) -> float:
    """How far a core's log scale is from the median of its relatives; 0.25 is the guess, worth two of them."""
    errors = []
    for name, (scale, _, _) in measured.items():
        rest = {other: one for other, one in measured.items() if other != name}
        relatives = _relatives(load_core(name), rest)
        if relatives:
            errors.append(scale - float(np.median([measured[other][0] for other in relatives])))
    return math.sqrt((sum(error**2 for error in errors) + 2 * 0.25**2) / (len(errors) + 2))


def shape_of(core: Core | Npu, population: Population, shape: Any) -> dict[str, float]:
    """Term -> ratio to the average's cycles, of the columns that the core has."""
    found = {}
    for (term, feature), value in zip(population.columns, shape.tolist(), strict=True):
        if not feature or feature in core.features:
            found[term] = max(1 + value, 0.02)
    return found


def triangle(covariance: Any, order: Sequence[int]) -> list[list[float]]:
    return [[float(covariance[i, j]) for j in order[: row + 1]] for row, i in enumerate(order)]


def extended(file: RateFile, group: Group, units: Sequence[Unit]) -> RateFile:
    """A file that ships with what other phones say: units of one thread, none of which it was fitted on.

    The averages and covariances stay; cores have the median scale of all of their phones, and new ones are added.
    """
    free = symmetric(file.other) + 9.0  # the scale is not known before
    scales: dict[str, list[float]] = defaultdict(list)
    shapes: dict[str, list[Any]] = defaultdict(list)
    phones: dict[str, set[str]] = defaultdict(set)
    for unit in units:
        if unit.threads > 1:
            continue
        average = np.array(list(cycles_of(file, unit.core).values()))
        measured = unit.seconds * unit.clock
        prior = average * float(np.median(measured / (unit.counts @ average)))
        rates = fit(unit.counts, measured, prior, noise=file.noise, covariance=free).rates
        times = unit.counts.mean(0) * average
        scale = math.log(float(times / times.sum() @ (rates / average)))
        scales[unit.core.name].append(scale)
        shapes[unit.core.name].append(rates / (average * math.exp(scale)))
        phones[unit.core.name].add(unit.phone)
    single = [entry.sd / math.sqrt(1 + 1 / len(entry.phones)) for entry in file.cores.values() if entry.phones]
    phone_sd = float(np.median(single))
    entries = dict(file.cores)
    for name, found in scales.items():
        before = file.cores.get(name)
        known = before is not None and bool(before.phones)
        old = [before.scale] * len(before.phones) if before is not None and known else []
        number = len(old) + len(phones[name])
        shape = (
            before.shape
            if before is not None and known
            else dict(zip(group.terms, np.mean(shapes[name], axis=0).tolist(), strict=True))
        )
        entries[name] = CoreEntry(
            float(np.median([*old, *found])),
            phone_sd * math.sqrt(1 + 1 / number),
            "same core",
            f"{load_core(name).title} in {number} devices",
            shape,
            (*(before.phones if before is not None else ()), *sorted(phones[name])),
        )
    return replace(file, cores=entries)


def scales_of(file: RateFile, without: str = "", core: str = "") -> Elsewhere:
    """Scales of the measured cores of a file, without those that one phone was measured for, and without a core."""
    return Elsewhere(
        {
            name: (entry.scale, tuple(entry.phones))
            for name, entry in file.cores.items()
            if entry.phones and name != core and not any(same_phone(phone, without) for phone in entry.phones)
        }
    )


# --- threads ------------------------------------------------------------------------------------------------------


class Threads(NamedTuple):
    """What several threads do.

    Attributes
    ----------
    serial
        Share of each term's time that does not go down [1].
    sync_cycles
        Cycles a call in addition.
    sd, noise
        Standard deviations of the log of a latency from that: of clusters, and of networks on the same cluster [1].
    """

    serial: Mapping[str, float]
    sync_cycles: float
    sd: float
    noise: float


def fit_threads(group: Group, units: Sequence[Unit]) -> Threads:
    """What several threads do, from units of one cluster with one thread and with several.

    What one thread takes is known from the unit with one: its own fit, corrected by its error on each network.
    """
    singles = {(unit.phone, _cluster(unit)): unit for unit in units if unit.threads == 1}
    rows = []
    population = populate(group, list(singles.values()), 1) if singles else None
    for unit in units:
        single = singles.get((unit.phone, _cluster(unit)))
        if unit.threads == 1 or single is None or population is None or "+" in unit.configuration:
            continue
        common = [name for name in unit.networks if name in single.networks]
        one = single.of([single.networks.index(name) for name in common])
        many = unit.of([unit.networks.index(name) for name in common])
        found = next(each for each in population.found if each.unit is single)
        rates = population.average * math.exp(found.scale) * (1 + found.shape)
        parts = split(one, group.terms, population.columns) * rates
        merged = np.stack(
            [
                sum(parts[:, i] for i, (name, _) in enumerate(population.columns) if name == term)
                for term in group.terms
            ],
            axis=1,
        )
        merged = merged * (one.seconds * one.clock / merged.sum(axis=1))[:, None]
        rows.append((unit.threads, merged, one.counts[:, group.terms.index("call")], many.seconds * many.clock))
    serial = dict.fromkeys(group.terms, 1.0)
    if not rows:
        return Threads(serial, 0.0, FIRST_THREADS_SD, FIRST_THREADS_NOISE)

    def errors(values: Any) -> Any:
        shares, sync = values[:-1], values[-1]
        out = []
        for threads, parts, calls, cycles in rows:
            total = parts @ (shares + (1 - shares) / threads) + calls * sync * 1e3
            out.append(total / cycles - 1)
        doubt = (values[:-1] - 0.2) * 0.3  # terms that hardly occur
        return np.concatenate([*out, doubt])

    start = np.array([0.2] * len(group.terms) + [5.0])
    low, high = np.zeros(len(start)), np.array([1.6] * len(group.terms) + [100.0])
    solved = least_squares(errors, start, bounds=(low, high), loss="soft_l1", f_scale=0.05)
    shares, sync = solved.x[:-1], float(solved.x[-1] * 1e3)
    gaps, scatter = [], []
    for threads, parts, calls, cycles in rows:
        errors_of_one = np.log((parts @ (shares + (1 - shares) / threads) + calls * sync) / cycles)
        gaps.append(float(np.median(errors_of_one)))
        scatter.append(float(np.std(errors_of_one)))
    noise = float(np.median(scatter))  # of most clusters: a few networks on a disturbed one would decide a mean
    sd = math.sqrt((sum(gap**2 for gap in gaps) + 2 * FIRST_THREADS_SD**2) / (len(gaps) + 2))
    return Threads(dict(zip(group.terms, shares.tolist(), strict=True)), sync, sd, noise)


def _cluster(unit: Unit) -> str:
    return unit.configuration.rsplit(",", 1)[0]


# --- predictions as the product makes them --------------------------------------------------------------------------


class Prior(NamedTuple):
    """Rates of a unit before its own latencies [s a count], their relative covariance and what they rest on."""

    rates: Any
    covariance: Any
    noise: float
    width: float
    basis: str


def prior_of(file: RateFile, unit: Unit) -> Prior:
    """The prior of a unit by a file, as :mod:`mbcost.latency.core_rates` has it for a target."""
    entry = known_core(file, unit.core)
    rates = []
    for term, cycles in cycles_of(file, unit.core).items():
        share = file.serial.get(term, 1.0)
        own = cycles * math.exp(entry.scale) * entry.shape.get(term, 1.0) / unit.clock
        if unit.threads > 1:
            own *= share + (1 - share) / unit.threads
            if term == "call":
                own += file.sync_cycles / unit.clock
        rates.append(own)
    rows = file.same if entry.basis == "same core" else file.other
    covariance = symmetric(rows) + entry.sd**2
    if unit.threads > 1:
        covariance = covariance + file.threads_sd**2 + np.eye(len(covariance)) * file.threads_shape_sd**2
    return Prior(np.array(rates), covariance, file.noise_of(unit.threads), file.width[entry.basis], entry.basis)


def as_json(file: RateFile) -> str:
    """The text of a file of rates."""

    def rounded(value: Any) -> Any:
        if isinstance(value, float):
            return float(f"{value:.4g}")
        if isinstance(value, Mapping):
            return {key: rounded(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [rounded(item) for item in value]
        return value

    data = {key: getattr(file, key) for key in RateFile.__dataclass_fields__}
    cores = data.pop("cores")
    lines = [f"{json.dumps(key)}: {json.dumps(rounded(value))}" for key, value in data.items()]
    entries = []
    for name, entry in cores.items():
        values = {key: getattr(entry, key) for key in CoreEntry.__dataclass_fields__}
        kept = {key: rounded(value) for key, value in values.items() if value not in ({}, (), [])}
        entries.append(f"{json.dumps(name)}: {json.dumps(kept)}")
    return "{\n" + ",\n".join(lines) + ',\n"cores": {\n' + ",\n".join(entries) + "\n}\n}\n"

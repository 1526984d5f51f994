"""Rates of GPUs from latencies of kernels and of whole networks: what `hardware_profiles/rates` holds of them.

In units of what the data sheet says (:mod:`mbcost.latency.gpu_rates`), the rates of a GPU are

    rate[term] = average of its designer[term] x exp(scale) x shape[term]

where times (launch, dispatch, call) have no scale. A GPU with latencies of its kernels is fitted to them and to its
whole networks; one with whole networks alone is fitted to these from its designer's average. Latencies with another
version of the runtime count after one factor between the versions, from GPUs of designers that both have.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from phone_gpus_data import RUNTIME, TERMS, GpuGroup
from phones_data import Unit
from phones_fit import Prior

from mbcost.calibration.fit import fit, symmetric
from mbcost.devices.gpus import Gpu
from mbcost.latency.core_rates import CoreEntry, RateFile
from mbcost.latency.gpu_rates import BASES, covariance_of, known_gpu, units_of

#: Units a count before any measurement: some slots of a multiply-add for a MAC, tens for a texel, hundreds of cycles
#: for a step, a byte a byte, some microseconds a kernel. What they are hardly matters where kernels were measured.
FIRST: Final = {
    "pointwise": 1.0, "conv": 1.0, "reads": 20.0, "constants": 1.0, "latency": 250.0, "tiles": 4.0,
    "depthwise_3x3": 10.0, "depthwise": 16.0, "dense": 1.2, "pool": 25.0, "mean": 80.0, "copy": 2.0, "input": 0.5,
    "output": 0.8, "launch": 1e-5, "dispatch": 5e-6, "call": 1e-3,
}  # fmt: skip
#: Relative error of one kernel and of one network in the joint fit: some 3,800 kernels and 72 networks weigh alike.
KERNEL_NOISE: Final = 0.15
NETWORK_NOISE: Final = 0.03
#: Relative error of the form of one network that is predicted, and of one with another version of the runtime than that
#: whose rules it has.
NOISE: Final = 0.06
OTHER_NOISE: Final = 0.1
#: Least rate of a term, as a share of its prior: a term that the data of one GPU do not need may be needed by another.
LEAST: Final = 0.05
#: Relative standard deviation of a rate before a GPU's kernels were measured, and before whole networks alone were.
FREE_SD: Final = 1.5
WHOLE_SD: Final = 0.6
#: Standard deviations, chosen on the training networks by leaving phones out: of the log scale of one GPU in two
#: phones, of GPUs of a designer, and of any; of each term around a GPU's own, a designer's and any average.
PHONE_SD: Final = 0.08
DESIGNER_SD: Final = 0.2
ANY_SD: Final = 1.0
TERM_SD: Final = {"same": 0.2, "other": 0.35, "any": 0.8}
#: The same of times, which hang on the phone's CPU and driver.
TIME_SD: Final = {"same": 0.5, "other": 0.8, "any": 4.0}
#: Largest ratio of a posterior to a prior deviation at which a rate counts as measured.
MEASURED: Final = 0.7
#: Standard deviations to either side of a 90 % interval before they are measured.
WIDTH: Final = 1.645


class Fitted(NamedTuple):
    """The rates of a GPU in one phone: in units a count, and which of them the data decide."""

    unit: Unit
    runtime: str
    rates: Any
    decided: Any
    kernels: bool


def fitted(unit: Unit, kernels: Unit | None, runtime: str, first: Any | None = None) -> Fitted:
    """The rates of one GPU from its networks and, where there are any, its kernels."""
    prior = np.array([FIRST[term] for term in TERMS]) if first is None else first
    prior = _placed(prior, unit)
    if kernels is None:
        found = fit(unit.counts, unit.seconds, prior, noise=OTHER_NOISE, covariance=np.eye(len(prior)) * WHOLE_SD**2)
    else:
        noise = np.concatenate(
            [np.full(len(kernels.networks), KERNEL_NOISE), np.full(len(unit.networks), NETWORK_NOISE)]
        )
        counts = np.vstack([kernels.counts, unit.counts])
        seconds = np.concatenate([kernels.seconds, unit.seconds])
        found = fit(counts, seconds, prior, noise=noise, covariance=np.eye(len(prior)) * FREE_SD**2)
    rates = np.maximum(found.rates, prior * LEAST)
    return Fitted(unit, runtime, rates, found.uncertainty < MEASURED, kernels is not None)


def _placed(prior: Any, unit: Unit) -> Any:
    """A prior with what is not a time scaled to the median of the networks."""
    if not len(unit.seconds):
        return prior
    ratio = float(np.median(unit.seconds / (unit.counts @ prior)))
    return prior * np.where(SCALED, max(ratio, 0.05), 1.0)


#: Whether a term has a scale.
SCALED: Final = np.array([BASES[term] != "time" for term in TERMS])


def _mean(rows: Sequence[Any]) -> Any:
    """The mean of GPUs of one designer: of a sum of terms, parts of one may be in another."""
    return np.mean(np.array(rows), axis=0)


def _middle(rows: Sequence[Any]) -> Any:
    """The geometric mean of designers, which differ by orders of magnitude; nothing below a tenth of the mean."""
    values = np.array(rows)
    return np.exp(np.mean(np.log(np.maximum(values, 0.1 * values.mean(0))), axis=0))


def learned(target: str, parts: Iterable[tuple[GpuGroup, Unit, Unit | None]], base: RateFile | None = None) -> RateFile:
    """The rates of a runtime from phones, some of which may have been measured with another version of it.

    Parameters
    ----------
    target
        The runtime that the rates are for.
    parts
        Group, networks and kernels of each phone.
    base
        What is known already; where it is all, it is the result.
    """
    parts = list(parts)
    first = (
        None
        if base is None
        else _mean([list(base.cycles.values()), *(list(v.values()) for v in base.variants.values())])
    )
    singles = [fitted(unit, kernels, group.runtime, first) for group, unit, kernels in parts if kernels is not None]
    known = _averages(singles)
    if base is not None:
        known = {**{vendor: np.array(list(of.values())) for vendor, of in base.variants.items()}, **known}
    overall = _middle(list(known.values())) if known else np.array([FIRST[term] for term in TERMS])
    for group, unit, kernels in parts:
        if kernels is None:
            start = known.get(unit.core.vendor, overall)
            singles.append(fitted(unit, None, group.runtime, start))
    factors = _versions(target, singles, known, base)
    moved = [
        one._replace(rates=one.rates * np.where(SCALED, 1 / factors.get(one.runtime, 1.0), 1.0)) for one in singles
    ]
    known |= {vendor: of for vendor, of in _averages(moved).items() if vendor not in known}
    overall = _middle(list(known.values())) if known else overall
    entries = dict(base.cores) if base is not None else {}
    entries |= _entries(target, moved, known)
    sizes = {name: np.diag(np.where(SCALED, sd, TIME_SD[name]) ** 2) for name, sd in TERM_SD.items()}
    return RateFile(
        form="tflite_gpu",
        cycles=_by_term(overall),
        variants={vendor: _by_term(of) for vendor, of in sorted(known.items())},
        cores=entries,
        facts={
            "designer_sd": DESIGNER_SD,
            "sd": ANY_SD,
            "term_sd": TERM_SD["any"],
            "time_sd": TIME_SD["any"],
            **{k: math.log(v) for k, v in factors.items()},
        },
        same=_triangle(sizes["same"]),
        other=_triangle(sizes["other"]),
        noise=NOISE,
        width=dict.fromkeys(("same core", "related core", "facts", "calibrated"), WIDTH)
        if base is None
        else base.width,
        serial={},
        sync_cycles=0.0,
        threads_sd=0.0,
        threads_shape_sd=0.0,
        source=", ".join(dict.fromkeys([*([base.source] if base else []), *(group.source for group, _, _ in parts)])),
        date="" if base is None else base.date,
    )


def _by_term(values: Any) -> dict[str, float]:
    return dict(zip(TERMS, np.asarray(values).tolist(), strict=True))


def _triangle(covariance: Any) -> list[list[float]]:
    return [covariance[i, : i + 1].tolist() for i in range(len(covariance))]


def _averages(singles: Sequence[Fitted]) -> dict[str, Any]:
    """Designer -> the mean of its GPUs, each counted once; a rate that the data of none decide is that of all."""
    by_gpu: dict[str, dict[str, list[Fitted]]] = defaultdict(lambda: defaultdict(list))
    for one in singles:
        by_gpu[one.unit.core.vendor][one.unit.core.name].append(one)
    found = {}
    for vendor, gpus in by_gpu.items():
        rows = [_mean([one.rates for one in each]) for each in gpus.values()]
        found[vendor] = _mean(rows)
    return found


def _versions(
    target: str, singles: Sequence[Fitted], known: Mapping[str, Any], base: RateFile | None
) -> dict[str, float]:
    """Runtime -> how much longer a GPU takes with it than with the target, from designers that are known with it."""
    ratios: dict[str, list[float]] = defaultdict(list)
    mine = {one.unit.core.vendor for one in singles if one.runtime == target} | set(base.variants if base else ())
    for one in singles:
        vendor = one.unit.core.vendor
        if one.runtime != target and vendor in mine:
            predicted = one.unit.counts @ known[vendor] if vendor in known else None
            if predicted is not None:
                ratios[one.runtime].append(float(np.median(one.unit.seconds / predicted)))
    others = {one.runtime for one in singles} - {target}
    before = {} if base is None else {name: math.exp(base.facts[name]) for name in base.facts if name in others}
    return {
        name: float(np.exp(np.mean(np.log(ratios[name])))) if ratios[name] else before.get(name, 1.0) for name in others
    }


def _entries(target: str, singles: Sequence[Fitted], known: Mapping[str, Any]) -> dict[str, CoreEntry]:
    """GPU -> its scale and shape against its designer's average, and the phones that it was measured in."""
    by_gpu: dict[str, list[Fitted]] = defaultdict(list)
    for one in singles:
        by_gpu[one.unit.core.name].append(one)
    found = {}
    for name, each in by_gpu.items():
        mine = [one for one in each if one.runtime == target]
        chosen = mine or each
        gpu: Gpu = chosen[0].unit.core
        average = known[gpu.vendor]
        rates = _mean([one.rates for one in chosen])
        weights = np.mean([one.unit.counts.mean(0) * rates for one in chosen], axis=0) * SCALED
        scale = math.log(float((weights / weights.sum()) @ (rates / average)))
        shape = rates / average / np.where(SCALED, math.exp(scale), 1.0)
        phones = tuple(sorted({one.unit.phone for one in chosen}))
        number = f"{len(phones)} phone{'s' * (len(phones) != 1)}"
        found[name] = CoreEntry(
            scale,
            PHONE_SD * math.sqrt(1 + 1 / len(phones)) if mine else DESIGNER_SD,
            "same core" if mine else "related core",
            f"{gpu.title} in {number}" if mine else f"{gpu.title} in {number} with {chosen[0].runtime}",
            {term: float(value) for term, value in zip(TERMS, shape, strict=True)},
            phones if mine else (),
        )
    return found


def prior_of(file: RateFile, unit: Unit, runtime: str) -> Prior:
    """The prior of a GPU by a file, as :mod:`mbcost.latency.gpu_rates` has it, for a version of the runtime."""
    gpu: Any = unit.core
    entry = known_gpu(file, gpu)
    factor = math.exp(file.facts.get(runtime, 0.0))
    rates = np.array(list(units_of(file, gpu, entry, "fp16").values())) * np.where(SCALED, factor, 1.0)
    covariance = symmetric(covariance_of(file, gpu, entry))
    noise = file.noise if runtime == RUNTIME else OTHER_NOISE
    return Prior(rates, covariance, noise, file.width[entry.basis], entry.basis)

"""What the networks of a folder in the layout of the nn-Meter bench make devices do: each is read and built once."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from nn_meter_features import features
from nn_meter_networks import BenchError, Measurement, Row, network, read_measurements, read_rows

from mbcost.devices import Target
from mbcost.errors import MbcostError
from mbcost.graph import build_graph
from mbcost.kernels import Kernel, Runtime, map_to_kernels
from mbcost.latency import LatencyForm
from mbcost.latency.form import count_vector
from mbcost.latency.model import latency_model

__all__ = ["Bench", "BenchError", "devices_of", "load_benches"]

_PROCESSES: Final = 2
_CHUNK: Final = 32
_SHOWN: Final = 5


class Bench(NamedTuple):
    """The measured networks of a device.

    Attributes
    ----------
    terms, priors
        Of the form, and their rates before any measurement [s a count].
    names, macs, counts, measured_s, families, configs
        A row a network: counts in the order of the terms, latencies in seconds. Networks of one configuration are one
        network that was measured several times.
    features
        What simpler models than the form count, in the order of :data:`nn_meter_features.FEATURES`; empty unless asked.
    """

    device: str
    target: Target
    runtime: Runtime
    form: LatencyForm
    terms: list[str]
    priors: Any
    names: list[str]
    macs: Any
    counts: Any
    measured_s: Any
    families: Any
    configs: Any
    features: Any


def devices_of(folder: Path) -> list[str]:
    """The devices that a folder has latencies of."""
    return sorted({row.device for row in read_measurements(folder)})


def load_benches(folder: Path, models: Mapping[str, Any], *, with_features: bool = False) -> Iterator[Bench]:
    """The networks of a folder by device.

    Parameters
    ----------
    models
        Device -> its target, runtime, form and rates from facts.
    with_features
        Count what simpler models take, too.

    Raises
    ------
    BenchError
        If a file or a column is missing, or no network is left.
    """
    rows = [row for row in read_measurements(folder) if row.device in models]
    good = [row for row in rows if row.measured_s > 0]
    _report([row.model for row in rows if not row.measured_s > 0], "without a latency above 0")
    targets = {name: model[0] for name, model in models.items()}
    counts = count_networks(folder, targets, {row.model for row in good}, with_features)
    for device, (target, runtime, form, rates) in models.items():
        known: list[Measurement] = [row for row in good if row.device == device and row.model in counts]
        if not known:
            raise BenchError(f"no network of {device} can be used")
        vectors = [counts[row.model][device] for row in known]
        last = 1 + len(form.terms)
        yield Bench(
            device,
            target,
            runtime,
            form,
            [term.name for term in form.terms],
            np.array([float(rates[term.name].seconds) for term in form.terms]),
            [row.model for row in known],
            np.array([vector[0] for vector in vectors]),
            np.array([vector[1:last] for vector in vectors]),
            np.array([row.measured_s for row in known]),
            np.array([row.family for row in known]),
            np.array([row.config or row.model for row in known]),
            np.array([vector[last:] for vector in vectors]),
        )


#: Model -> device -> MACs, counts in the order of the form's terms, features.
_Counts = dict[str, dict[str, list[float]]]


def count_networks(folder: Path, targets: Mapping[str, Target], models: set[str], with_features: bool) -> _Counts:
    """Counts of the named networks for each device; networks that cannot be read are named and left out."""
    wanted = ((model, rows) for model, rows in read_rows(folder) if model in models)
    found: _Counts = {}
    refused: dict[str, list[str]] = {}
    with ProcessPoolExecutor(
        _PROCESSES, mp_context=get_context("spawn"), initializer=_remember, initargs=(targets, with_features)
    ) as pool:
        while block := list(islice(wanted, _PROCESSES * 4 * _CHUNK)):  # a block at a time bounds the memory
            for model, counts, problem in pool.map(_count, block, chunksize=_CHUNK):
                if problem:
                    refused.setdefault(problem, []).append(model)
                else:
                    found[model] = counts
    for problem, names in refused.items():
        _report(names, f"that cannot be read: {problem}")
    _report(sorted(models - set(found) - {name for names in refused.values() for name in names}), "without operators")
    return found


_models: dict[str, tuple[Runtime, LatencyForm]] = {}
_more: list[bool] = []


def _remember(targets: Mapping[str, Target], with_features: bool) -> None:
    """Look up the runtimes and forms once a process."""
    _more.append(with_features)
    for device, target in targets.items():
        _models[device] = latency_model(target)[:2]


def _count(job: tuple[str, list[Row]]) -> tuple[str, dict[str, list[float]], str]:
    """The counts of one network, or what is wrong with it. Devices of one runtime and form share them."""
    model, rows = job
    counts: dict[str, list[float]] = {}
    shared: list[tuple[tuple[Runtime, LatencyForm], list[float]]] = []
    try:
        graph = build_graph(network(model, rows))
        for device, key in _models.items():
            known = next((vector for other, vector in shared if other == key), None)
            if known is None:
                runtime, form = key
                kernels = as_measured(map_to_kernels(graph, runtime), form)
                known = [float(sum(k.macs for k in kernels)), *map(float, count_vector(kernels, form).values())]
                known += features(kernels) if _more[-1] else []
                shared.append((key, known))
            counts[device] = known
    except (MbcostError, ValueError) as error:
        return model, {}, str(error).splitlines()[0]
    return model, counts, ""


def as_measured(kernels: tuple[Kernel, ...], form: LatencyForm) -> tuple[Kernel, ...]:
    """The kernels with fully connected layers outside, where the bench's latencies have no time for them: on Adreno."""
    if form.name != "tflite_adreno":
        return kernels
    return tuple(kernel._replace(kind="outside") if kernel.kind == "dense" else kernel for kernel in kernels)


def _report(names: list[str], what: str) -> None:
    """Name networks that are left out."""
    if names:
        more = ", ..." if len(names) > _SHOWN else ""
        print(f"{len(names)} networks left out {what}: {', '.join(names[:_SHOWN])}{more}", file=sys.stderr)

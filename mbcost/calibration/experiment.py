"""Which networks to measure next on a target: D-optimal experimental design over the rates of its form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from mbcost.architectures.loader import architecture_names
from mbcost.calibration.fit import NOISE, prior_covariance, symmetric
from mbcost.calibration.listed import listed_networks
from mbcost.calibration.record import Calibration
from mbcost.devices import Target
from mbcost.errors import InputError, fail
from mbcost.graph import build_graph
from mbcost.kernels import map_to_kernels
from mbcost.latency.form import count_vector
from mbcost.latency.model import latency_model, spread_of
from mbcost.latency.rates import ELEMENT_BYTES
from mbcost.networks import load

if TYPE_CHECKING:
    from mbcost.calibration.fit import Matrix
    from mbcost.calibration.measurements import Measurement

#: Widths and resolutions [pixels] of candidates, beside those of the table itself.
ALPHAS: Final = (0.35, 0.5, 0.75, 1.0, 1.4)
RESOLUTIONS: Final = (96, 160, 224)


class Suggestion(NamedTuple):
    """A network that is worth measuring next.

    Attributes
    ----------
    latency_s
        Predicted [s].
    uncertainty
        Relative standard deviation of the prediction before any of the suggestions is measured [1].
    tells
        The terms that contribute most to the uncertainty, which the measurement would therefore decide.
    """

    architecture: str
    alpha: float
    resolution: int
    latency_s: float
    uncertainty: float
    tells: tuple[str, ...]


def suggest(
    target: Target,
    number: int,
    calibration: Calibration | None = None,
    models: Iterable[str] | None = None,
    measured: Sequence[Measurement] = (),
) -> list[Suggestion]:
    """The networks whose measurement would reduce the uncertainty of a target's rates most, best first.

    Parameters
    ----------
    calibration
        What has been measured; default: nothing, so that only the priors are known.
    models
        Names or files of architectures; default: all that ship. Each is a candidate at several widths, where it has a
        width rule, and resolutions. A CSV file with a column `architecture`, or the folder of a kit, has candidates at
        the width and resolution of each row.
    measured
        Rows whose networks are no candidates any more.

    Raises
    ------
    InputError
        MB010 if the target's form has no rates to fit, and the problems of a model that was named.
    """
    runtime, form, rates = latency_model(target)
    spread_before = spread_of(target, runtime, form)
    if form.overlap != "none":
        fail("MB010", f"the form {form.name} is not a sum of terms: there is nothing to fit for {target.name}")
    names = [term.name for term in form.terms]
    priors = np.array([float(rates[name].seconds) for name in names])
    known, covariance = priors, prior_covariance(form, spread_before)
    if calibration is not None:
        known = np.array([calibration.rates[name].seconds for name in names])
        covariance = symmetric(calibration.covariance)
    done = {(row.architecture, row.alpha, row.resolution) for row in measured}
    candidates = [each for each in _candidates(target, models) if each[0] not in done]
    if not candidates:
        fail("MB010", "every candidate has been measured", hint="name others")
    counts = np.array([list(vector.values()) for _, vector in candidates], dtype=float)
    latency = counts @ known
    relative = counts * priors / latency[:, None]
    parts = (relative @ covariance) * relative
    spread = np.sqrt(np.maximum(parts.sum(axis=1), 0.0))
    noise = NOISE if spread_before is None else spread_before.noise
    chosen = d_optimal(relative, number, covariance, noise=noise)
    return [
        Suggestion(*candidates[i][0], float(latency[i]), float(spread[i]), _largest(names, parts[i])) for i in chosen
    ]


def _largest(names: list[str], parts: Any) -> tuple[str, ...]:
    """The one or two terms that contribute more than a quarter of a variance each."""
    order = np.argsort(-parts)
    return tuple(names[i] for i in order[:2] if parts[i] > 0.25 * parts.sum())


def _candidates(
    target: Target, models: Iterable[str] | None
) -> Iterator[tuple[tuple[str, float, int], Mapping[str, Any]]]:
    """(architecture, alpha, resolution) and counts of every candidate that the target can run."""
    runtime, form, _ = latency_model(target)
    for name, alpha, resolution, asked in _configurations(models):
        try:
            graph = build_graph(load(name), alpha=alpha, resolution=resolution)
            size = ELEMENT_BYTES[runtime.computed(target.precision)]
            kernels = map_to_kernels(graph, runtime, element_bytes=size)
        except InputError:
            if asked:
                raise
            continue
        yield (name, alpha, resolution), count_vector(kernels, form)


def _configurations(models: Iterable[str] | None) -> Iterator[tuple[str, float, int, bool]]:
    """Architecture, alpha and resolution of each candidate, and whether it was asked for as it is."""
    for name in models or architecture_names():
        listed = listed_networks(Path(name))
        if listed is not None:
            for each in listed:
                size = each.resolution or int(load(each.architecture).input_shape.height)
                yield each.architecture, each.alpha, size, True
            continue
        spec = load(name)
        own = int(spec.input_shape.height)
        square = spec.input_shape.width == own
        for alpha in ALPHAS if spec.width is not None else (1.0,):
            for resolution in sorted({own, *(side for side in RESOLUTIONS if square and side < own)}):
                yield name, alpha, resolution, bool(models) and (alpha, resolution) == (1.0, own)


def d_optimal(relative: Matrix, number: int, covariance: Matrix, *, noise: float = NOISE) -> list[int]:
    """Positions of the candidates of a D-optimal design: those that determine the rates best, best first.

    Each step takes the candidate that raises the determinant of the information matrix most, which is the one whose
    predicted latency is least certain (Fedorov 1972, Theory of Optimal Experiments; a candidate occurs once).

    Parameters
    ----------
    relative
        One row per candidate, one column per term: the term's time at the prior as a share of the predicted latency.
    covariance
        Covariance of the rates over their priors, from the measurements so far.
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

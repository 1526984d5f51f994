"""Candidates of a pick: configurations with their accuracy and their cost on each target."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np

from mbcost.architectures.scaling import resolution_text
from mbcost.basis import Basis
from mbcost.calibration.interval import INTERVAL
from mbcost.prediction import TargetModel
from mbcost.search.budget import MEMORY_KINDS, Budget
from mbcost.search.choices import Accuracy
from mbcost.search.evaluate import Outcome
from mbcost.search.measured import measured_ms
from mbcost.search.memory import MemoryNeeds, needs_of
from mbcost.search.result import Section

LatencySource: TypeAlias = Literal["measured", "predicted"]
Top1Source: TypeAlias = Literal["published", "interpolated"] | None
_MEMORY_KEYS: Final = ("ram_bytes", "flash_bytes", "peak_layer")


class OnTarget(NamedTuple):
    """A candidate on one target.

    Attributes
    ----------
    latency_ms, source
        The latency that decides: the measured one where it is published for this configuration and target, else the
        predicted one [ms].
    predicted_ms, low_ms, high_ms
        The prediction with its 90 % interval [ms].
    needs_ms
        The latency that is compared with a budget of time: `latency_ms`, or the quantile of the prediction at the
        wanted probability [ms].
    probability
        Probability that the budget of time holds, from the interval; None for a measured latency or without a budget of
        time.
    peak_activation_bytes
        Activations at the peak [B].
    basis
        What the prediction rests on.
    memory
        RAM and flash; None unless a budget of them was given.
    """

    target: str
    precision: str
    threads: int
    latency_ms: float
    source: LatencySource
    predicted_ms: float
    low_ms: float
    high_ms: float
    needs_ms: float
    probability: float | None
    peak_activation_bytes: int
    basis: Basis
    memory: MemoryNeeds | None = None

    def to_dict(self) -> dict[str, Any]:
        """Its entry in the JSON's ``targets``."""
        found = self._asdict()
        memory = found.pop("memory")
        needs = {} if memory is None else {key: getattr(memory, key) for key in _MEMORY_KEYS}
        return {**found, **needs}


class Candidate(NamedTuple):
    """A configuration with its accuracy and its cost.

    Attributes
    ----------
    resolution, input_width
        Height and width of the input [pixels].
    top1, top1_source
        Accuracy on ImageNet [%] and its origin: ``published``, ``interpolated`` between published ones, or None for
        both. With targets of several precisions, the lowest of theirs.
    macs, params
        Multiply-accumulates and parameters for one image.
    targets
        The candidate on each target; its latency is that of the slowest.
    """

    architecture: str
    alpha: float
    resolution: int
    input_width: int
    top1: float | None
    top1_source: Top1Source
    macs: int
    params: int
    targets: tuple[OnTarget, ...]

    @property
    def slowest(self) -> OnTarget:
        return max(self.targets, key=lambda target: target.latency_ms)

    @property
    def probability(self) -> float | None:
        """Probability that the budget of time holds on all targets, assumed independent; None if all were measured."""
        known = [target.probability for target in self.targets if target.probability is not None]
        return math.prod(known) if known else None

    @property
    def size(self) -> str:
        """The resolution as commands take it, such as ``224`` or ``224x320``."""
        return resolution_text(self.resolution, self.input_width)

    @property
    def name(self) -> str:
        """Such as ``mobilenet_v2 0.5 / 224``."""
        return f"{self.architecture} {self.alpha:g} / {self.size}"

    def cost(self, kind: str, batch: int) -> float:
        """The value that a kind of budget limits, on the target where it is largest (frames per second: smallest)."""
        if kind in {"latency_ms", "frames_per_s"}:
            needs_ms = max(target.needs_ms for target in self.targets)
            return needs_ms if kind == "latency_ms" else batch * 1e3 / needs_ms
        if kind == "peak_activation_bytes":
            return max(target.peak_activation_bytes for target in self.targets)
        if kind in MEMORY_KINDS:
            return float(max(getattr(target.memory, kind) for target in self.targets))
        return float(self.macs if kind == "macs" else self.params)

    def row(self, target: OnTarget) -> dict[str, Any]:
        """A row of the CSV: the candidate on one of its targets."""
        return {
            "architecture": self.architecture,
            "alpha": self.alpha,
            "resolution": self.resolution,
            "input_width": self.input_width,
            "target": target.target,
            "precision": target.precision,
            "threads": target.threads,
            "latency_ms": target.latency_ms,
            "latency_source": target.source,
            "predicted_ms": target.predicted_ms,
            "latency_low_ms": target.low_ms,
            "latency_high_ms": target.high_ms,
            "basis": target.basis,
            "probability": target.probability,
            "top1": self.top1,
            "top1_source": self.top1_source,
            "macs": self.macs,
            "params": self.params,
            "peak_activation_bytes": target.peak_activation_bytes,
        }

    def to_dict(self) -> dict[str, Any]:
        """The entry of the JSON; the latency is that of the slowest target."""
        slowest = self.slowest
        return {
            "architecture": self.architecture,
            "alpha": self.alpha,
            "resolution": self.resolution,
            "input_width": self.input_width,
            "latency_ms": slowest.latency_ms,
            "latency_source": slowest.source,
            "predicted_ms": slowest.predicted_ms,
            "basis": slowest.basis,
            "probability": self.probability,
            "top1": self.top1,
            "top1_source": self.top1_source,
            "macs": self.macs,
            "params": self.params,
            "targets": [target.to_dict() for target in self.targets],
        }


def make_candidates(
    section: Section, accuracy: Accuracy, budgets: tuple[Budget, ...], min_probability: float
) -> list[Candidate]:
    """A candidate for every configuration of a section that was evaluated at one batch size.

    Parameters
    ----------
    min_probability
        Probability with which a prediction has to keep a budget of time.
    """
    work, outcome = section
    (batch,) = work.batches
    measured = [measured_ms(work, outcome, model.target, batch) for model in work.models]
    bases = [model.basis for model in work.models]
    limit = time_limit_ms(budgets, batch)
    needs = needs_of(work, budgets)
    found = []
    for i in range(work.points.size):
        on_targets = tuple(
            _on_target(outcome, model, bases[row], (row, i), float(measured[row][i]), limit, min_probability)._replace(
                memory=None if needs is None else needs(i, model)
            )
            for row, model in enumerate(work.models)
        )
        top1 = None if np.isnan(accuracy.top1[i]) else float(accuracy.top1[i])
        source: Top1Source = None
        if top1 is not None:
            source = "published" if accuracy.published[i] else "interpolated"
        found.append(
            Candidate(
                work.spec.name,
                float(work.points.alpha[i]),
                int(outcome.height[i]),
                int(outcome.width[i]),
                top1,
                source,
                int(outcome.macs[i]),
                int(outcome.params[i]),
                on_targets,
            )
        )
    return found


def _on_target(
    outcome: Outcome,
    model: TargetModel,
    basis: Basis,
    place: tuple[int, int],
    measured: float,
    limit: float | None,
    min_probability: float,
) -> OnTarget:
    """One configuration on one target; `measured` is NaN without a published measurement."""
    times = (outcome.latency_s, outcome.latency_low_s, outcome.latency_high_s)
    predicted, low, high = (float(time[place]) * 1e3 for time in times)
    is_predicted = math.isnan(measured)
    latency = predicted if is_predicted else measured
    spread = _spread(low, high)
    return OnTarget(
        model.target.name,
        model.target.precision,
        model.target.threads,
        latency,
        "predicted" if is_predicted else "measured",
        predicted,
        low,
        high,
        math.exp(spread.inv_cdf(min_probability)) if is_predicted and spread else latency,
        probability_below(limit, low, high) if is_predicted and limit is not None else None,
        int(outcome.peak_bytes[place]),
        basis,
    )


def time_limit_ms(budgets: tuple[Budget, ...], batch: int) -> float | None:
    """The latency that all budgets of time together allow [ms]; None if there is none."""
    limits = [
        budget.limit if budget.kind == "latency_ms" else batch * 1e3 / budget.limit
        for budget in budgets
        if budget.is_time
    ]
    return min(limits) if limits else None


def probability_below(limit: float, low: float, high: float) -> float:
    """Probability that a latency is below a limit, if its logarithm is normal with this 90 % interval [ms]."""
    spread = _spread(low, high)
    return float(high <= limit) if spread is None else spread.cdf(math.log(limit))


def _spread(low: float, high: float) -> NormalDist | None:
    """Distribution of a latency's logarithm; None for an interval without width."""
    if not 0 < low < high:
        return None
    z = NormalDist().inv_cdf((1 + INTERVAL) / 2)
    return NormalDist(math.log(low * high) / 2, math.log(high / low) / (2 * z))

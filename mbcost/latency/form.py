"""Latency forms: a kernel's time as a sum of named terms, each a count of its shapes times a rate.

The same terms give the latency, its split, the bound and the explanation of a number. A form is code that reads like
its equation; the rates come from a device's profile, the runtime's parameters or a calibration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from mbcost.devices import Quantity, Target
from mbcost.errors import DefectError
from mbcost.kernels import Kernel, KernelKind, Parameter, Runtime
from mbcost.numeric import Real, maximum

Group: TypeAlias = Literal["compute", "activations", "weights", "lowering", "overhead"]
GROUPS: Final[tuple[Group, ...]] = get_args(Group)
#: What rates without a calibration rest on: measurements of the same core in other devices, of a core that it derives
#: from, or the core's facts.
Basis: TypeAlias = Literal["same core", "related core", "facts"]
Overlap: TypeAlias = Literal["none", "full", "parallel"]


#: Adding and subtracting this rounds a time [s] to a multiple of 2**-50 s, about a femtosecond (the spacing of doubles
#: from 4 to 8): sums of up to 8 s are then exact in any order, so that blocks may be summed before networks.
ROUNDING: Final = 6.0


def kinds(*chosen: KernelKind) -> frozenset[KernelKind]:
    """The kinds of kernel that a term applies to."""
    return frozenset(chosen)


def one(_: Kernel) -> Real:
    """The count of a term that occurs once per kernel."""
    return 1


def first(kernel: Kernel) -> Real:
    """Once per network."""
    return 1 if kernel.position == 0 else 0


def host_bytes(kernel: Kernel) -> Real:
    """Bytes that go to the host's processor and come back."""
    return kernel.activation_bytes


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a kernel's time: a count times a rate.

    Attributes
    ----------
    name, unit
        The name of the term and the unit of its count, such as ``gemm`` in MAC.
    group
        The part of the time that it belongs to: compute, activations, weights, lowering or overhead.
    kinds
        The kinds of kernels that it applies to.
    count
        A pure function of a kernel that returns a number or an array.
    """

    name: str
    unit: str
    group: Group
    kinds: frozenset[KernelKind]
    count: Callable[[Kernel], Real]


@dataclass(frozen=True, slots=True)
class Rate:
    """Seconds per count, with everything that the rate was computed from.

    Attributes
    ----------
    seconds
        Time of one unit of the term [s].
    formula
        How it was computed: ``1 / (gemm_efficiency * peak fp32)``.
    quantities
        Numbers of the device's profile in the formula, by their place in the profile.
    parameters
        Numbers of the runtime in the formula.
    """

    seconds: Real
    formula: str
    quantities: Mapping[str, Quantity] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()

    @property
    def source(self) -> str:
        """The weakest source in the formula: assumed, fitted, measured, derived or datasheet."""
        order = ("assumed", "fitted", "derived", "measured", "datasheet")
        sources = {q.source for q in self.quantities.values()} | {p.source for p in self.parameters}
        return next((source for source in order if source in sources), "derived")


class Spread(NamedTuple):
    """How far the uncalibrated rates of a target may be off.

    Attributes
    ----------
    covariance
        Relative covariance of the rates in the order of the form: a lower triangle [1].
    noise
        Standard deviation of the relative error of a network beyond that of the rates [1].
    width, calibrated_width
        Standard deviations to either side of the 90 % interval [1]: as it is, and with a calibration.
    basis, source
        What the rates rest on: its kind, and the measurements.
    """

    covariance: tuple[tuple[float, ...], ...]
    noise: float
    width: float
    calibrated_width: float
    basis: Basis
    source: str

    @property
    def origin(self) -> str:
        """The source as the end of a sentence about the rates."""
        return f"those of {self.source}" if self.basis == "same core" else self.source


class KernelEstimate(NamedTuple):
    """A kernel's time and its split [s]. The split adds up to the time unless compute and memory overlap."""

    latency_s: Real
    compute_s: Real
    activation_s: Real
    weight_s: Real
    lowering_s: Real
    overhead_s: Real

    @property
    def memory_s(self) -> Real:
        """Activation traffic, weight traffic and lowering."""
        return self.activation_s + self.weight_s + self.lowering_s

    @property
    def bound(self) -> Group | None:
        """The group with the largest time; None for a kernel without time. For one configuration only."""
        shares = (self.compute_s, self.activation_s, self.weight_s, self.lowering_s, self.overhead_s)
        largest = max(shares)
        return GROUPS[shares.index(largest)] if largest > 0 else None


@dataclass(frozen=True)
class LatencyForm:
    """A tuple of terms, and the function for their rates without a calibration.

    Attributes
    ----------
    overlap
        ``none``: a kernel's time is the sum of its terms. ``full``: compute and memory overlap, the longer one counts,
        and overhead is added (the classic roofline). ``parallel``: compute, activations and weights overlap, the latter
        two over ports of their own. Lowering is a pass before the others and overlaps with none.
    rates
        The rates of a target from its facts and its runtime's parameters.
    source
        The source of the form.
    prior_sd, shared_sd
        Relative standard deviations of the priors in a fit: of each rate on its own, and of one factor that all rates
        of a kind (compute, or memory) share [1].
    external, loads_weights
        Terms that count bytes of the external memory, and whether each weight crosses it once in addition; without such
        terms, all tensors and weights of the kernels do.
    terms_for
        The terms with counts for a target's own array or tiles, for forms whose counts depend on them; `terms` are then
        those of the form's reference device.
    on_chip
        What the form assumes to stay in the processor's on-chip memory, a network's activations or its weights, and
        what becomes of them where they do not fit.
    image_by_image
        Whether the images of a batch run one after the other, so that those of one are in memory.
    spread
        How far the uncalibrated rates of a target may be off, for forms that learned it from many devices; None for
        those whose runtimes state an interval.
    lowers
        Whether the counts also hold for direct convolutions that are lowered (:mod:`mbcost.latency.im2col`).
    """

    name: str
    title: str
    terms: tuple[Term, ...]
    overlap: Overlap
    rates: Callable[[Target, Runtime], Mapping[str, Rate]]
    source: str
    prior_sd: float = 0.5
    shared_sd: float = 0.0
    terms_for: Callable[[Target], tuple[Term, ...]] | None = None
    external: tuple[str, ...] = ()
    loads_weights: bool = False
    lowers: bool = False
    on_chip: Mapping[Literal["activations", "weights"], str] = field(default_factory=dict, hash=False)
    image_by_image: bool = False
    spread: Callable[[Target, Runtime], Spread] | None = None
    _terms_of: Mapping[KernelKind, tuple[tuple[Term, int], ...]] = field(init=False, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"<LatencyForm {self.name}: {' + '.join(term.name for term in self.terms)}>"

    def __post_init__(self) -> None:
        kinds = {kind for term in self.terms for kind in term.kinds}
        table = {
            kind: tuple((term, GROUPS.index(term.group)) for term in self.terms if kind in term.kinds) for kind in kinds
        }
        object.__setattr__(self, "_terms_of", table)

    def on(self, target: Target) -> LatencyForm:
        """The form with the counts of a target.

        Raises
        ------
        InputError
            MB401 if its profile lacks a number that the counts need.
        """
        return self if self.terms_for is None else replace(self, terms=self.terms_for(target))

    def counts(self, kernels: Iterable[Kernel]) -> tuple[tuple[Real, ...], ...]:
        """The counts of every kernel's terms, in the order of the form.

        Raises
        ------
        DefectError
            If the form has no term for a kind of kernel, so that no kernel is free by omission.
        """
        functions = {kind: tuple([term.count for term, _ in terms]) for kind, terms in self._terms_of.items()}
        functions.setdefault("view", ())
        found = []
        for kernel in kernels:
            if kernel.kind not in functions:
                raise DefectError(f"the form {self.name} has no term for a {kernel.kind} kernel")
            found.append(tuple([count(kernel) for count in functions[kernel.kind]]))
        return tuple(found)

    def estimate(
        self, kernels: Iterable[Kernel], seconds: Mapping[str, Real], counts: Iterable[tuple[Real, ...]] | None = None
    ) -> tuple[KernelEstimate, ...]:
        """The time of every kernel and its split.

        Parameters
        ----------
        seconds
            Term -> seconds a count.
        counts
            The result of :meth:`counts`, if it is already known.

        Raises
        ------
        DefectError
            If the form has no term for a kind of kernel.
        """
        kernels = tuple(kernels)
        steps_of: dict[str, list[tuple[int, Real]]] = {
            kind: [(group, seconds[term.name]) for term, group in terms] for kind, terms in self._terms_of.items()
        }
        steps_of.setdefault("view", [])
        additive, parallel = self.overlap == "none", self.overlap == "parallel"
        estimates: list[KernelEstimate] = []
        for kernel, numbers in zip(kernels, self.counts(kernels) if counts is None else counts, strict=True):
            parts: list[Real] = [0.0, 0.0, 0.0, 0.0, 0.0]
            for (group, rate), count in zip(steps_of[kernel.kind], numbers, strict=True):
                parts[group] += count * rate
            compute, activation, weight, lowering, overhead = parts
            if additive:
                busy = compute + (activation + weight + lowering)
            else:
                memory = maximum(activation, weight) if parallel else activation + weight
                busy = maximum(compute, memory) + lowering
            estimates.append(KernelEstimate(busy + overhead + ROUNDING - ROUNDING, *parts))
        return tuple(estimates)

    def total(self, kernels: Iterable[Kernel], counts: Iterable[tuple[Real, ...]]) -> dict[str, Real]:
        """Term -> the sum of its counts over all kernels, 0 for a term without a kernel."""
        totals: dict[str, Real] = dict.fromkeys((term.name for term in self.terms), 0)
        for kernel, numbers in zip(kernels, counts, strict=True):
            for (term, _), count in zip(self._terms_of.get(kernel.kind, ()), numbers, strict=True):
                totals[term.name] = totals[term.name] + count
        return totals

    def explain(self, kernel: Kernel) -> list[tuple[Term, Real]]:
        """The terms of a kernel with their counts, in the order of the form."""
        return [(term, term.count(kernel)) for term, _ in self._terms_of.get(kernel.kind, ())]


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

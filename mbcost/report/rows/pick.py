"""Budgets, candidates and the front of a pick, in words and cells."""

from __future__ import annotations

from typing import Final

from mbcost import readable
from mbcost.search.budget import MEMORY_KINDS, NAMES, Budget
from mbcost.search.candidate import Candidate, OnTarget
from mbcost.search.pick import Alone, Binding, Pick

#: Probabilities as near to a half are a coin flip.
_COIN: Final = 0.1


def limit(budget: Budget) -> str:
    return f"{NAMES[budget.kind]} {_bound(budget)}"


def asked_for(budget: Budget) -> str:
    """A budget as it was asked for: ``at least 25.0 frames/s``, ``parameters at most 3.000 M``."""
    return _bound(budget) if budget.is_time else limit(budget)


def _bound(budget: Budget) -> str:
    least = "at least" if budget.kind == "frames_per_s" else "at most"
    return f"{least} {_amount(budget.kind, budget.limit)}"


def _amount(kind: str, value: float) -> str:
    if kind == "latency_ms":
        return f"{readable.significant(value)} ms"
    if kind == "frames_per_s":
        return f"{readable.significant(value)} frames/s"
    return readable.size(round(value)) if kind.endswith("_bytes") else readable.si(value)


def chance_line(result: Pick) -> str:
    """How sure predictions have to be of a budget of time; empty where there is none."""
    if not any(budget.is_time for budget in result.budgets):
        return ""
    flip = ", a coin flip" if abs(result.min_probability - 0.5) < _COIN else ""
    return f"with a probability of at least {result.min_probability:.0%} where it is predicted{flip}"


def miss(binding: Binding, whose: str = "") -> str:
    kind = binding.budget.kind
    needs = _amount(kind, binding.needs)
    slowest = binding.candidate.slowest
    if binding.budget.is_time and slowest.source == "predicted" and slowest.needs_ms != slowest.latency_ms:
        needs += " with that probability"
    return f"{NAMES[kind]}{whose}, {needs} ({_bound(binding.budget)}){_over(binding)}: {described(binding.candidate)}"


def _over(binding: Binding) -> str:
    """By how much memory exceeds its budget, and for RAM what sets the peak."""
    kind = binding.budget.kind
    if kind not in MEMORY_KINDS:
        return ""
    over = f", {_amount(kind, binding.needs - binding.budget.limit)} too much"
    if kind == "flash_bytes":
        return over
    most = max((one.memory for one in binding.candidate.targets if one.memory), key=lambda memory: memory.ram_bytes)
    return f"{over}; {most.peak}"


def described(candidate: Candidate) -> str:
    slowest = candidate.slowest
    macs = f"{readable.si(candidate.macs)} MACs"
    return ", ".join([candidate.name, _top1(candidate), _latency(slowest), macs, *_memory(candidate)])


def _memory(candidate: Candidate) -> list[str]:
    """RAM and flash where a budget of them was given, the most of all targets."""
    known = [one.memory for one in candidate.targets if one.memory is not None]
    if not known:
        return []
    ram, flash = max(memory.ram_bytes for memory in known), max(memory.flash_bytes for memory in known)
    return [f"{readable.size(ram)} RAM", f"{readable.size(flash)} flash"]


def _top1(candidate: Candidate) -> str:
    if candidate.top1 is None:
        return "accuracy unknown"
    source = "" if candidate.top1_source == "published" else ", interpolated"
    return f"top-1 {readable.significant(candidate.top1)} %{source}"


def _latency(target: OnTarget) -> str:
    if target.source == "measured":
        predicted = readable.significant(target.predicted_ms)
        return f"measured {readable.significant(target.latency_ms)} ms ({predicted} predicted)"
    chance = "" if target.probability is None else f" ({target.probability:.0%} likely to keep the budget)"
    return f"predicted {readable.significant(target.latency_ms)} ms{chance}, {target.basis}"


def alone_rows(result: Pick) -> list[list[str]]:
    """Each target alone: what it allows, its latency, and the budget that nothing keeps there."""
    return [_alone_row(one) for one in result.alone]


def _alone_row(one: Alone) -> list[str]:
    own = one.pick if one.pick is not None else one.nearest.candidate if one.nearest is not None else None
    why = "" if one.pick is not None else missed(one.nearest) if one.nearest is not None else "there is no candidate"
    name = quality = ms = interval = basis = readable.NOTHING
    if own is not None:
        slowest = own.slowest
        ms, basis = readable.significant(slowest.latency_ms), slowest.basis
        interval = f"{readable.significant(slowest.low_ms)} to {readable.significant(slowest.high_ms)}"
    if one.pick is not None:
        name = one.pick.name
        quality = quality if one.pick.top1 is None else readable.significant(one.pick.top1)
    return [one.target, name, quality, ms, interval, basis, why]


def missed(binding: Binding) -> str:
    """The budget that a candidate misses, and by what."""
    kind = binding.budget.kind
    return f"{binding.candidate.name}: {_amount(kind, binding.needs)}, {_bound(binding.budget)}{_over(binding)}"


def front_rows(result: Pick) -> list[list[str]]:
    return [
        [
            candidate.architecture,
            f"{candidate.alpha:g}",
            candidate.size,
            readable.NOTHING if candidate.top1 is None else readable.significant(candidate.top1),
            readable.significant(candidate.slowest.latency_ms),
            candidate.slowest.source,
            readable.si(candidate.macs),
            readable.si(candidate.params),
            _mark(result, candidate),
        ]
        for candidate in result.front
    ]


def _mark(result: Pick, candidate: Candidate) -> str:
    if candidate == result.pick:
        return "pick"
    return "runner-up" if candidate == result.runner_up else ""

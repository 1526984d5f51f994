"""``mbcost.pick``: the best width and resolution under a budget, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args

from mbcost._version import __version__
from mbcost.architectures.scaling import as_resolution
from mbcost.architectures.spec import OptionValue
from mbcost.arguments import configuration
from mbcost.calibration.apply import CalibrationChoice
from mbcost.checks import Checks, is_number, shown
from mbcost.devices import Target
from mbcost.errors import InputError, fail
from mbcost.networks import Network
from mbcost.pipeline import analyze
from mbcost.prediction import TargetModel
from mbcost.search.budget import Budget, read_budgets
from mbcost.search.candidate import Candidate, make_candidates
from mbcost.search.checkpoints import checkpoints_of, published_names
from mbcost.search.choices import candidates_of, grid_of, unknown_accuracy
from mbcost.search.evaluate import Work
from mbcost.search.grid import Numbers, Sizes, make_grid
from mbcost.search.pareto import on_front
from mbcost.search.result import Section
from mbcost.search.sweep import evaluate_all, load_each, works_of
from mbcost.shown import Shown
from mbcost.words import Lowering, Task, Unsupported

if TYPE_CHECKING:
    import pandas as pd

SCHEMA: Final = "mbcost/pick/1"
#: Least probability with which a predicted latency keeps a budget of time, unless another one is asked for [1].
MIN_PROBABILITY: Final = 0.9
#: Columns of :meth:`Pick.rows`.
COLUMNS: Final = (
    "choice", "architecture", "alpha", "resolution", "input_width", "target", "precision", "threads", "latency_ms",
    "latency_source", "predicted_ms", "latency_low_ms", "latency_high_ms", "basis", "probability", "top1",
    "top1_source", "macs", "params", "peak_activation_bytes",
)  # fmt: skip


class Binding(NamedTuple):
    """A candidate and the budget that it exceeds.

    Attributes
    ----------
    budget
        The budget that it exceeds most.
    needs
        The candidate's value of what is limited.
    candidate
        The candidate.
    """

    budget: Budget
    needs: float
    candidate: Candidate


class Alone(NamedTuple):
    """What a target allows if it is the only one.

    Attributes
    ----------
    target
        Its name.
    pick
        The best candidate that fits there; None if none does.
    nearest
        If none does: the candidate that exceeds the budgets least, and the budget that it exceeds most.
    """

    target: str
    pick: Candidate | None
    nearest: Binding | None

    def to_dict(self) -> dict[str, Any]:
        """Its entry in the JSON's ``alone``."""
        return {"target": self.target, "pick": _shown(self.pick), "nearest": _missed(self.nearest)}


@dataclass(frozen=True)
class Pick(Shown):
    """The best configuration under a budget, and the alternatives.

    Attributes
    ----------
    pick, runner_up
        The best candidate that fits, and the second best; None where there is none.
    front
        The Pareto front of latency and accuracy (of latency and MACs where no accuracy is known).
    binds
        The binding budget: the one that the better candidate that is nearest to fitting exceeds; None if the best
        candidate fits.
    nearest
        If nothing fits: the candidate that exceeds the budgets least, and the budget that it exceeds most.
    would_fit
        If nothing fits: the largest width and resolution outside the candidates that does; its accuracy is unknown.
    by
        The quality that was maximised: ``top1``, or ``macs`` where no accuracy is known.
    min_probability
        Least probability with which predictions keep the budgets of time [1].
    alone
        With several targets: what each of them allows alone, the best first.
    considered
        All candidates with a known quality, the best first; for the report.
    """

    budgets: tuple[Budget, ...]
    batch: int
    pick: Candidate | None
    runner_up: Candidate | None
    front: tuple[Candidate, ...]
    binds: Binding | None
    nearest: Binding | None
    would_fit: Candidate | None
    by: Literal["top1", "macs"]
    min_probability: float
    notes: tuple[str, ...] = ()
    alone: tuple[Alone, ...] = ()
    considered: tuple[Candidate, ...] = ()

    def rows(self) -> list[dict[str, Any]]:
        """Rows of the CSV: one per target for the pick, the runner-up and each member of the front."""
        chosen = [("pick", self.pick), ("runner_up", self.runner_up), *(("front", member) for member in self.front)]
        return [
            {"choice": choice, **candidate.row(target)}
            for choice, candidate in chosen
            if candidate is not None
            for target in candidate.targets
        ]

    def to_frame(self) -> pd.DataFrame:
        """A DataFrame of :meth:`rows`."""
        import pandas as pd

        return pd.DataFrame(self.rows(), columns=list(COLUMNS))

    def __repr__(self) -> str:
        limits = ", ".join(f"{budget.kind} {budget.limit:g}" for budget in self.budgets)
        if self.pick is None:
            return f"<Pick: nothing fits {limits}>"
        top1 = "" if self.pick.top1 is None else f", top-1 {self.pick.top1:g} %"
        return f"<Pick {self.pick.name}{top1}, {self.pick.slowest.latency_ms:.3g} ms, for {limits}>"

    def to_dict(self) -> dict[str, Any]:
        """The JSON of ``mbcost pick --format json``, schema ``mbcost/pick/1``."""

        return {
            "schema": SCHEMA,
            "mbcost_version": __version__,
            "budget": {budget.kind: budget.limit for budget in self.budgets},
            "batch": self.batch,
            "min_probability": self.min_probability,
            "by": self.by,
            "pick": _shown(self.pick),
            "runner_up": _shown(self.runner_up),
            "front": [candidate.to_dict() for candidate in self.front],
            "binds": _missed(self.binds),
            "nearest": _missed(self.nearest),
            "would_fit": _shown(self.would_fit),
            "alone": [one.to_dict() for one in self.alone],
            "notes": list(self.notes),
        }


def _shown(candidate: Candidate | None) -> dict[str, Any] | None:
    return None if candidate is None else candidate.to_dict()


def _missed(binding: Binding | None) -> dict[str, Any] | None:
    if binding is None:
        return None
    return {
        "budget": binding.budget.kind,
        "limit": binding.budget.limit,
        "needs": binding.needs,
        "candidate": binding.candidate.to_dict(),
    }


def pick(
    network: Network | Sequence[Network] | None,
    device: str | Target | Sequence[str | Target],
    *,
    budget: str | Budget | Sequence[str | Budget] = (),
    ram: str | float | None = None,
    flash: str | float | None = None,
    between: bool = False,
    alpha: Numbers | None = None,
    resolution: Sizes | None = None,
    batch: int | None = None,
    precision: str | Sequence[str] | None = None,
    threads: int | Sequence[int] | None = None,
    options: Mapping[str, OptionValue] | None = None,
    unsupported: Unsupported = "refuse",
    calibration: CalibrationChoice = None,
    lowering: Lowering = "auto",
    input_shape: Sequence[int] | None = None,
    until: str | None = None,
    min_probability: float = MIN_PROBABILITY,
    task: Task | None = None,
) -> Pick:
    """Choose the most accurate configuration that keeps every budget on every target.

    Candidates are the configurations with a published checkpoint. For a network without any, they are a grid of widths
    and resolutions of unknown accuracy, and the one with the most MACs is chosen.

    Parameters
    ----------
    network, device
        One or several, as :func:`mbcost.analyze` takes them; `network` is None with a `task`.
    budget
        Such as ``30ms``, ``25fps``, ``300M MACs``, ``3.5M params`` or ``6MiB`` of peak activations; one, or several of
        different kinds.
    ram, flash
        The most RAM and flash that it may need, such as ``256KiB``, or bytes: of the arena that the target's runtime
        plans, and of the weights (:attr:`mbcost.Analysis.memory`). With one of them, `budget` may be left out.
    between
        Consider configurations between published ones too, with interpolated accuracy.
    alpha, resolution
        Candidates from this grid instead of the default ones; accuracy where it is published.
    batch, precision, threads, options, unsupported, calibration, lowering, input_shape, until
        As for :func:`mbcost.analyze`.
    min_probability
        Least probability that a predicted latency keeps a budget of time; 0.5 is a coin flip.
    task
        ``classification``: choose among all networks that ship with a published accuracy. Those that a target does not
        run are named in the notes.

    Raises
    ------
    InputError
        MB010 for bad budgets and arguments; what :func:`mbcost.analyze` raises.
    """
    budgets = read_budgets(budget, ram, flash)
    if not (is_number(min_probability) and 0 < min_probability < 1):
        message = f"min_probability is {shown(min_probability)}, it has to be a number between 0 and 1"
        fail("MB010", message, parameter="min_probability")
    if between and (alpha is not None or resolution is not None):
        fail("MB010", "a grid and `between` contradict each other", hint="leave out alpha and resolution")
    how = configuration(
        batch=batch, options=options, unsupported=unsupported, calibration=calibration, lowering=lowering
    )
    side = make_grid(1.0, None, resolution).first_resolution
    named = network if task is None else _names_of(task, network)
    specs = [] if named is None else load_each(named, how, input_shape=input_shape, until=until, resolution=side)
    if not specs:
        fail("MB010", "network names nothing to pick from")
    works = works_of(specs, device, how.batch, precision, threads, how)
    left_out: dict[str, str] = {}
    if task is not None:
        works = [work for work in works if _has_accuracy(work, left_out)]
    _check_some(works, left_out)
    images = _batch_of(works)

    def candidates(among: Sequence[Work]) -> list[Candidate]:
        found: list[Candidate] = []
        for work in among:
            points, accuracy = candidates_of(work.spec, work.models, how.options, between, alpha, resolution)
            try:
                section = _evaluated(work._replace(points=points))
            except InputError as error:
                if task is None:
                    raise
                left_out[work.spec.name] = error.problems[0].message
                continue
            found += make_candidates(section, accuracy, budgets, min_probability)
        return found

    def largest_that_fits() -> Candidate | None:
        fitting = []
        for work in works:
            points = grid_of(work.spec, how.options)
            section = _evaluated(work._replace(points=points))
            others = make_candidates(section, unknown_accuracy(points.size), budgets, min_probability)
            fitting += [candidate for candidate in others if chooser.fits(candidate)]
        return min(fitting, key=lambda candidate: _rank(candidate, "macs")) if fitting else None

    found, chooser = candidates(works), _Chooser(budgets, images, min_probability)
    _check_some(found, left_out)
    chosen = chooser.choose(found, (lambda: None) if task is not None else largest_that_fits)
    by_name = {work.spec.name: work for work in works}
    best = chosen.pick
    predicted = () if best is None else _warnings(by_name[best.architecture], best)
    models = [model for work in works for model in work.models]
    notes = (*_about_accuracy(chosen.by, found, models), *_about_left_out(left_out), *predicted)
    targets = [model.target.name for model in works[0].models]
    if len(targets) < 2:
        return replace(chosen, notes=notes)
    each = []
    for place, target in enumerate(targets):
        own = [work._replace(models=(work.models[place],)) for work in works]
        each.append((target, chooser.choose(candidates(own), lambda: None)))
    alone = [Alone(target, one.pick, one.nearest) for target, one in sorted(each, key=lambda entry: _order(entry[1]))]
    return replace(chosen, notes=notes, alone=tuple(alone))


def _names_of(task: str, network: object) -> tuple[str, ...]:
    """The networks of a task.

    Raises
    ------
    InputError
        MB010 for another task, or networks beside one.
    """
    checks = Checks()
    checks.word("task", task, get_args(Task))
    checks.done()
    if network is not None and network != () and network != []:
        fail("MB010", "networks and a task were both given", hint="leave out one of them")
    return published_names()


def _has_accuracy(work: Work, left_out: dict[str, str]) -> bool:
    """Whether a network's accuracy is published at the precision of every target."""
    precisions = {model.target.precision for model in work.models}
    lacking = [each for each in sorted(precisions) if not checkpoints_of(work.spec, each, work.how.options)]
    if lacking:
        left_out[work.spec.name] = f"no accuracy at {' and '.join(lacking)} is published"
    return not lacking


def _check_some(kept: Sequence[object], left_out: Mapping[str, str]) -> None:
    """Refuse a task of which no network can be chosen, with the first reason.

    Raises
    ------
    InputError
        MB010.
    """
    if not kept:
        name, why = next(iter(left_out.items()))
        fail("MB010", f"there is nothing to pick from: {name}: {why}")


def _about_left_out(left_out: Mapping[str, str]) -> list[str]:
    """What a task could not choose among, by the reason."""
    reasons: dict[str, list[str]] = {}
    for name, reason in left_out.items():
        reasons.setdefault(reason.replace(name, "the network"), []).append(name)
    return [f"left out: {', '.join(names)}: {reason}" for reason, names in reasons.items()]


def _order(result: Pick) -> tuple[float, ...]:
    """The best first; of equal ones the fastest; then what misses a budget by less."""
    if result.pick is not None:
        return (0.0, *_rank(result.pick, result.by), result.pick.slowest.latency_ms)
    return (1.0, result.nearest.needs if result.nearest is not None else 0.0)


def _batch_of(works: Sequence[Work]) -> int:
    """The batch that all networks are picked at.

    Raises
    ------
    InputError
        MB010 if their files state different ones.
    """
    stated = {work.batches[0]: work.spec.name for work in works}
    if len(stated) > 1:
        which = ", ".join(f"{name} {batch}" for batch, name in stated.items())
        fail("MB010", f"the networks state different batches: {which}", hint="give one with `batch=...`")
    return next(iter(stated))


def _evaluated(work: Work) -> Section:
    (section,) = evaluate_all([work])
    return section


def _about_accuracy(by: str, candidates: Sequence[Candidate], prepared: Sequence[TargetModel]) -> list[str]:
    """Caveats about the accuracy that decided."""
    unknown = [candidate.architecture for candidate in candidates if candidate.top1 is None]
    names = ", ".join(dict.fromkeys(unknown))
    if by == "macs":
        return [f"no accuracy of {names} is published: more MACs count as better, which need not be true"]
    notes = [f"left out, since no accuracy of them is published: configurations of {names}"] if unknown else []
    narrower = dict.fromkeys(model.target.precision for model in prepared)
    return notes + [
        f"accuracy is that of fp32 checkpoints; no accuracy at {precision} is published"
        for precision in narrower
        if precision in {"tf32", "fp16", "bf16"}
    ]


def _warnings(work: Work, best: Candidate) -> list[str]:
    """Caveats about the pick's predictions, where they decided."""
    spec, how = work.spec, work.how
    own = (best.resolution, best.input_width) == spec.input_shape[:2]
    return [
        f"{model.target.name}: {warning}"
        for model, on_target in zip(work.models, best.targets, strict=True)
        if on_target.source == "predicted"
        for warning in analyze(
            spec,
            model.target,
            alpha=best.alpha,
            resolution=None if own else as_resolution(best.resolution, best.input_width),
            batch=work.batches[0],
            options=how.options,
            unsupported=how.unsupported,
            calibration=model.calibration or False,
            lowering=how.lowering,
        ).warnings
    ]


class _Chooser(NamedTuple):
    """Which candidates fit, and which is best."""

    budgets: tuple[Budget, ...]
    batch: int
    min_probability: float

    def excess(self, candidate: Candidate) -> tuple[float, Budget]:
        """The largest factor by which a candidate exceeds a budget, and that budget."""
        return max(((self._ratio(candidate, budget), budget) for budget in self.budgets), key=lambda pair: pair[0])

    def _ratio(self, candidate: Candidate, budget: Budget) -> float:
        cost = candidate.cost(budget.kind, self.batch)
        return budget.limit / cost if budget.kind == "frames_per_s" else cost / budget.limit

    def fits(self, candidate: Candidate) -> bool:
        """Whether a candidate keeps every budget on every target."""
        return self.excess(candidate)[0] <= 1

    def choose(self, candidates: list[Candidate], beyond: Callable[[], Candidate | None]) -> Pick:
        """The pick among candidates; `beyond` finds a configuration that would fit where none of them does."""
        by: Literal["top1", "macs"] = "top1" if any(c.top1 is not None for c in candidates) else "macs"
        ranked = sorted(candidates, key=lambda c: _rank(c, by))
        if by == "top1":
            ranked = [candidate for candidate in ranked if candidate.top1 is not None]
        fitting = [candidate for candidate in ranked if self.fits(candidate)]
        best = fitting[0] if fitting else None
        better = ranked[: ranked.index(best)] if best is not None else []
        binds = self._binding(min(better, key=lambda c: self.excess(c)[0])) if better else None
        nearest = None if best is not None else self._binding(min(ranked, key=lambda c: self.excess(c)[0]))
        return Pick(
            self.budgets,
            self.batch,
            best,
            fitting[1] if len(fitting) > 1 else None,
            _front(ranked, by),
            binds,
            nearest,
            None if best is not None else beyond(),
            by,
            self.min_probability,
            considered=tuple(ranked),
        )

    def _binding(self, candidate: Candidate) -> Binding:
        _, budget = self.excess(candidate)
        return Binding(budget, candidate.cost(budget.kind, self.batch), candidate)


def _rank(candidate: Candidate, by: str) -> tuple[float, ...]:
    """Best first: the most accurate (else the one with the most MACs), then the fastest, then the smallest."""
    quality = candidate.macs if by == "macs" else candidate.top1 or 0.0
    return (-quality, candidate.slowest.latency_ms, candidate.macs, candidate.params)


def _front(candidates: list[Candidate], by: str) -> tuple[Candidate, ...]:
    quality = [c.macs if by == "macs" else c.top1 for c in candidates]
    mask = on_front([c.slowest.latency_ms for c in candidates], quality)
    found = [candidate for candidate, here in zip(candidates, mask, strict=True) if here]
    return tuple(sorted(found, key=lambda c: c.slowest.latency_ms))

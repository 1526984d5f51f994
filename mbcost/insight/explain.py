"""Which runtime, threads, precision, cluster and input fit a measured latency, and how likely each is.

Bayes' rule over configurations that the device can run. A configuration's likelihood is the log-normal density of the
measured latency around its prediction, as wide as the prediction's 90 % interval and what two users of one device
differ by. So a prediction that is sure and right counts more than one that allows everything.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mbcost._version import __version__
from mbcost.architectures.scaling import Resolution
from mbcost.architectures.spec import OptionValue
from mbcost.arguments import configuration
from mbcost.basis import Basis
from mbcost.calibration.measurements import Measurement, read_measurements
from mbcost.devices import DeviceProfile, Processor, Target, resolve_target, runtimes_for
from mbcost.errors import InputError, fail
from mbcost.graph import LayerGraph, build_graph
from mbcost.hosting import is_hosted
from mbcost.networks import Network, load
from mbcost.numeric import NORMAL_90
from mbcost.prediction import predict, prepare
from mbcost.resources import hardware_profiles
from mbcost.shown import Shown

if TYPE_CHECKING:
    import pandas as pd

    from mbcost.architectures import ArchitectureSpec

SCHEMA: Final = "mbcost/explanation/1"
#: Deviation of the logarithm of one network's latency between two users of a device and runtime [1]: ncnn's published
#: latencies of one chip by two users differ by 11 % in the median, which is 0.67 deviations of a normal distribution.
_USERS: Final = 0.11 / 0.67
#: Odds that a latency was read in a publication that ships with mbcost, and not measured, and the deviation of its
#: logarithm by rounding [1]. Chosen.
_READ, ROUNDING = 0.25, 0.01
#: How often users run what, before the latency is known [1]. Chosen: nobody has counted; they decide only between
#: configurations that fit equally well.
_PROCESSORS: Final = {"default": 1.0, "accelerator": 0.5, "other": 0.2}
_THREADS: Final = {1: 0.4, 4: 0.3, 2: 0.15}
_OTHER_THREADS: Final = 0.1
_OWN_RUNTIME, _OWN_PRECISION, _OWN_INPUT = 2.0, 2.0, 10.0
#: Start of a runtime's name -> a factor for what users run seldom: on phones, or with files that few have.
_RARE: Final = {"pytorch": 0.1, "openvino": 0.1, "tflite-2020-hybrid": 0.3}
#: Other inputs and batches that a latency may be of.
_SIZES: Final = (96, 128, 160, 192, 224, 256, 320, 384, 512, 640)
_BATCHES: Final = (2, 4, 8, 16, 32)
#: An answer or a value is worth showing from here [1].
LIKELY: Final = 0.01
_TARGET: Final = ("device", "processor", "runtime", "precision", "threads")
_NO_LATENCY: Final[tuple[Basis, ...]] = ("a bound",)


class Hypothesis(NamedTuple):
    """One configuration that the latency may be of.

    Attributes
    ----------
    target, runtime_title
        Such as ``pixel4/cpu@tflite-2.10``, and its runtime for people.
    left
        Layers that the runtime leaves to another processor.
    probability
        Of all that were tried [1].
    """

    target: str
    processor: str
    runtime: str
    runtime_title: str
    precision: str
    threads: int
    input: str
    batch: int
    predicted_s: float
    low_s: float
    high_s: float
    basis: Basis
    left: int
    probability: float

    def value(self, axis: str) -> str:
        """Its value on an axis of :data:`AXES`."""
        return f"batch {self.batch}" if axis == "batch" else str(getattr(self, axis))

    def covers(self, measured_s: float) -> bool:
        """Whether its 90 % interval holds a latency."""
        return self.low_s <= measured_s <= self.high_s

    def to_dict(self) -> dict[str, Any]:
        """The hypothesis in the JSON; times in ms."""
        times = {f"{name}_ms": getattr(self, f"{name}_s") * 1e3 for name in ("predicted", "low", "high")}
        kept = {name: value for name, value in self._asdict().items() if not name.endswith("_s")}
        return kept | times


class Answer(NamedTuple):
    """A runtime with all configurations of it, the likeliest first."""

    runtime: str
    title: str
    probability: float
    hypotheses: tuple[Hypothesis, ...]


class Published(NamedTuple):
    """A published latency of the same network, and the measured one as a multiple of it [1]."""

    row: Measurement
    ratio: float


#: What is asked about a measured latency.
AXES: Final = ("runtime", "processor", "threads", "precision", "input", "batch")


@dataclass(frozen=True)
class Explanation(Shown):
    """Configurations by their probability, given a measured latency.

    Attributes
    ----------
    network, device
        Titles.
    measured_s
        The latency [s].
    hypotheses
        Every configuration that was tried, the likeliest first.
    left_out
        Targets that could not be predicted, with the reason.
    published
        Latencies of this network that ship with mbcost, the nearest first.
    """

    network: str
    device: str
    measured_s: float
    hypotheses: tuple[Hypothesis, ...]
    left_out: Mapping[str, str]
    published: tuple[Published, ...]

    @property
    def answers(self) -> list[Answer]:
        """The runtimes, the likeliest first."""
        groups: dict[str, list[Hypothesis]] = {}
        for one in self.hypotheses:
            groups.setdefault(one.runtime, []).append(one)
        answers = [
            Answer(name, several[0].runtime_title, sum(one.probability for one in several), tuple(several))
            for name, several in groups.items()
        ]
        return sorted(answers, key=lambda answer: answer.probability, reverse=True)

    @property
    def fits(self) -> bool:
        """Whether the interval of any configuration holds the latency."""
        return any(one.covers(self.measured_s) for one in self.hypotheses)

    def shares(self, axis: str) -> dict[str, float]:
        """Probability of each value of an axis of :data:`AXES`, largest first [1]."""
        found: dict[str, float] = {}
        for one in self.hypotheses:
            found[one.value(axis)] = found.get(one.value(axis), 0.0) + one.probability
        return dict(sorted(found.items(), key=lambda item: item[1], reverse=True))

    @property
    def checks(self) -> list[str]:
        """The axes that are least decided first, by Shannon's entropy."""
        entropy = {axis: sum(-p * math.log(p) for p in self.shares(axis).values() if p > 0) for axis in AXES}
        open_ = [axis for axis in AXES if max(self.shares(axis).values(), default=1.0) < 1 - LIKELY]
        return sorted(open_, key=entropy.__getitem__, reverse=True)

    def to_dict(self) -> dict[str, Any]:
        """The JSON: answers by runtime, the probabilities of each axis, what to check, published latencies."""
        return {
            "schema": SCHEMA,
            "mbcost_version": __version__,
            "network": self.network,
            "device": self.device,
            "measured_ms": self.measured_s * 1e3,
            "fits": self.fits,
            "answers": [
                {
                    "runtime": answer.runtime,
                    "title": answer.title,
                    "probability": answer.probability,
                    "configurations": [one.to_dict() for one in answer.hypotheses if one.probability >= LIKELY],
                }
                for answer in self.answers
            ],
            "shares": {axis: self.shares(axis) for axis in AXES},
            "check": self.checks,
            "published": [
                {
                    "network": one.row.name,
                    "latency_ms": one.row.measured_s * 1e3,
                    **dict(
                        zip(("device", "processor", "runtime", "precision", "threads"), one.row.target, strict=True)
                    ),
                    "ratio": one.ratio,
                    "source": one.row.source,
                }
                for one in self.published
            ],
            "left_out": dict(self.left_out),
        }

    def to_frame(self) -> pd.DataFrame:
        """One row per configuration."""
        import pandas as pd

        return pd.DataFrame([one.to_dict() for one in self.hypotheses])

    def __repr__(self) -> str:
        best = next(iter(self.answers), None)
        what = "nothing" if best is None else f"{best.runtime} {best.probability:.0%}"
        return f"<Explanation of {self.measured_s * 1e3:.4g} ms of {self.network} on {self.device}: {what}>"


def explain(
    network: Network,
    device: str,
    *,
    measured_s: float,
    runtime: str | None = None,
    alpha: float = 1.0,
    rho: float | None = None,
    resolution: Resolution | None = None,
    batch: int | None = None,
    precision: str | None = None,
    threads: int | None = None,
    options: Mapping[str, OptionValue] | None = None,
    input_shape: Sequence[int] | None = None,
    until: str | None = None,
    use_published: bool = True,
) -> Explanation:
    """Explain a measured latency: the likeliest runtimes, threads, precisions, clusters and inputs.

    Parameters
    ----------
    network, alpha, rho, options, input_shape, until
        As for :func:`mbcost.analyze`.
    device
        A device such as ``pixel4``; of ``pixel4/gpu`` only this processor is tried, of ``pixel4@ncnn`` this runtime.
    measured_s
        The latency [s].
    runtime, precision, threads, resolution, batch
        What is known of the measurement; nothing else is tried then.
    use_published
        Take into account that the latency may be one that was published for this network on this device.

    Raises
    ------
    InputError
        MB010 for a latency that is not above 0, and if nothing can be predicted on the device; what
        :func:`mbcost.analyze` raises.
    """
    if isinstance(measured_s, bool) or not isinstance(measured_s, (int, float)) or not 0 < measured_s < math.inf:
        fail("MB010", f"measured_s is {measured_s!r}, it has to be a time above 0 [s]")
    how = configuration(
        alpha=alpha, rho=rho, resolution=resolution, batch=batch, precision=precision, threads=threads, options=options
    )
    spec = load(network, input_shape=input_shape, until=until, resolution=how.resolution)
    found: list[tuple[Hypothesis, float]] = []
    left_out: dict[str, str] = {}
    graphs = _Graphs(spec, how.size)
    own = graphs.own  # the problems of the network come before those of the device
    known = resolution is not None or rho is not None, batch is not None
    tried: set[tuple[object, ...]] = set()
    for target, prior in _targets(device, runtime, how.precision or None, how.threads):
        try:
            model = prepare(target)
            basis = model.basis
            same = target.processor.name, target.runtime_file, target.threads, model.runtime.computed(target.precision)
            if same in tried:
                continue  # a file of another precision that the runtime computes alike
            tried.add(same)
            if basis in _NO_LATENCY:
                left_out[target.name] = f"only {basis} is known"
                continue
            for size, images, usual in _inputs(spec, target, how.batch, known):
                graph = graphs.of(size)
                if graph is None:
                    continue
                predicted = predict(graph, model, batch=images, estimate_unsupported=True)
                one = Hypothesis(
                    target.name,
                    target.processor.name,
                    target.runtime,
                    model.runtime.title,
                    target.precision,
                    target.threads,
                    str(graph.input_shape),
                    images,
                    float(predicted.latency_s),
                    float(predicted.latency_low_s),
                    float(predicted.latency_high_s),
                    basis,
                    sum(map(is_hosted, predicted.kernels)),
                    0.0,
                )
                found.append((one, prior * usual))
        except InputError as error:
            left_out[target.name] = error.problems[0].message
    if not found:
        why = next(iter(left_out.values()), "it has no processor that mbcost predicts")
        fail("MB010", f"nothing can be predicted on {device}: {why}")
    published = _published(own, measured_s)
    named = resolve_target(device).device
    readable = [each for each in published if use_published and each.row.target[0] == named.name]
    own_size = str(own.input_shape)
    weights = [prior * (_likelihood(one, measured_s) + _if_read(one, own_size, readable)) for one, prior in found]
    total = sum(weights) or 1.0
    ordered = [one._replace(probability=weight / total) for (one, _), weight in zip(found, weights, strict=True)]
    ordered.sort(key=lambda one: one.probability, reverse=True)
    return Explanation(own.title, named.title, float(measured_s), tuple(ordered), left_out, published)


class _Graphs:
    """Graphs of a network at several sizes, each built once."""

    def __init__(self, spec: ArchitectureSpec, size: Mapping[str, Any]) -> None:
        self._spec, self._size = spec, size
        self._known: dict[int | None, LayerGraph] = {}

    @property
    def own(self) -> LayerGraph:
        """The graph at the network's own size."""
        return self._built(None)

    def of(self, resolution: int | None) -> LayerGraph | None:
        """The graph at a size; None for a size that the network does not allow."""
        try:
            return self._built(resolution)
        except InputError:
            return None

    def _built(self, resolution: int | None) -> LayerGraph:
        if resolution not in self._known:
            size = self._size if resolution is None else {**self._size, "rho": None, "resolution": resolution}
            self._known[resolution] = build_graph(self._spec, **size)
        return self._known[resolution]


def _likelihood(one: Hypothesis, measured_s: float) -> float:
    """Density of the logarithm of a latency around its prediction [1]."""
    own = math.log(one.high_s / one.low_s) / (2 * NORMAL_90) if one.low_s > 0 else math.inf
    sigma = math.hypot(own, _USERS)
    distance = (math.log(measured_s / one.predicted_s) if one.predicted_s > 0 else math.inf) / sigma
    return math.exp(-distance * distance / 2) / sigma if math.isfinite(distance) else 0.0


def _if_read(one: Hypothesis, size: str, published: Iterable[Published]) -> float:
    """Density of a latency that was read where this configuration was published, times the odds of that [1].

    Parameters
    ----------
    size
        The network's own input, which the published latencies of this device are of.
    """
    mine = (one.processor, one.runtime, one.precision, str(one.threads))
    rows = [each for each in published if each.row.target[1:] == mine and each.row.batch == one.batch]
    distances = [math.log(each.ratio) / ROUNDING for each in rows if one.input == size]
    return _READ * sum(math.exp(-distance * distance / 2) / ROUNDING for distance in distances)


def _targets(
    text: str, runtime: str | None, precision: str | None, threads: int | None
) -> Iterator[tuple[Target, float]]:
    """Targets of a device with their prior weights; only what was named, where something was."""
    named = resolve_target(text if runtime is None else f"{text}@{runtime}")
    device = named.device
    one_processor, one_runtime = "/" in text.partition("@")[0], runtime is not None or "@" in text
    for processor in [named.processor] if one_processor else _processors(device, named.processor):
        kind = "default" if processor == named.processor else "other" if processor.kind == "cpu" else "accelerator"
        runtimes = (named.runtime_file,) if one_runtime else runtimes_for(device, processor)
        for name in runtimes:
            for count in _counts(processor, threads):
                for chosen in (precision,) if precision else processor.precisions:
                    try:
                        where = f"{device.name}/{processor.name}@{name}"
                        target = resolve_target(where, precision=chosen, threads=count)
                    except InputError:
                        continue  # this runtime has no such precision, or this cluster not so many cores
                    weight = _PROCESSORS[kind] * _THREADS.get(count, _OTHER_THREADS)
                    weight *= _OWN_RUNTIME if name == processor.runtime else 1.0
                    weight *= _OWN_PRECISION if chosen == processor.precisions[0] else 1.0
                    weight *= next((rare for start, rare in _RARE.items() if name.startswith(start)), 1.0)
                    yield target, weight


def _processors(device: DeviceProfile, default: Processor) -> Iterable[Processor]:
    return [default, *(one for one in device.processors.values() if one != default)]


def _counts(processor: Processor, threads: int | None) -> list[int]:
    if threads is not None:
        return [threads]
    most = processor.max_threads
    return sorted({1, *(count for count in _THREADS if count <= most), most})


def _inputs(
    spec: ArchitectureSpec, target: Target, batch: int | None, known: tuple[bool, bool]
) -> Iterator[tuple[int | None, int, float]]:
    """Other resolutions and batches beside the network's own: on a processor's usual runtime and precision only."""
    own = spec.stated_batch if batch is None else batch
    yield None, own, _OWN_INPUT
    usual = target.runtime == target.processor.runtime and target.precision == target.processor.precisions[0]
    if not usual:
        return
    size_known, batch_known = known
    if not size_known:
        height = int(spec.input_shape.height)
        yield from ((size, own, 1 / len(_SIZES)) for size in _SIZES if size != height)
    if not batch_known:
        yield from ((None, images, 1 / len(_BATCHES)) for images in _BATCHES if images != own)


def _published(graph: LayerGraph, measured_s: float) -> tuple[Published, ...]:
    """Latencies of this network at this size in the shipped files of measurements, the nearest first."""
    found = []
    for path in sorted((hardware_profiles() / "measurements").glob("*.csv")):
        for row in read_measurements(path)[0]:
            same = row.kind == "network" and row.architecture == graph.architecture and row.alpha == graph.alpha
            if same and row.resolution in {None, graph.resolution}:
                found.append(Published(row, measured_s / row.measured_s))
    return tuple(sorted(found, key=lambda one: abs(math.log(one.ratio))))

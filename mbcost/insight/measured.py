"""An analysis beside what its runtime measures on this machine: the latency, and the operators by kernel."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mbcost._version import __version__
from mbcost.analysis import Analysis, target_entry
from mbcost.architectures.loader import find_builtin
from mbcost.errors import fail
from mbcost.exporters.lowering import lower
from mbcost.graph import check_architecture
from mbcost.insight.breakdown import operator_class
from mbcost.kernels import Kernel
from mbcost.runner.engines import ENGINES, Operator
from mbcost.runner.engines.mapping import layers_of
from mbcost.runner.engines.model_files import write_model
from mbcost.runner.environment import busy_share
from mbcost.runner.measure import settings_of
from mbcost.runner.profile import check_bench_of
from mbcost.runner.session import MOST_VISITS, VISITS, Session, Timing, open_session, visit_all
from mbcost.runner.settings import Settings, Source
from mbcost.shown import Shown

if TYPE_CHECKING:
    import pandas as pd

SCHEMA: Final = "mbcost/measured/1"
#: Time of a visit's timed runs, and of all visits [s].
_VISIT_SECONDS: Final = 0.3
_SECONDS: Final = 20.0
#: Label of operators whose kernel is not known.
UNKNOWN: Final = "not matched to a layer"
#: Keys of a row.
COLUMNS: Final = ("layer", "operator_class", "operators", "predicted_ms", "measured_ms")
_NAME: Final = "network"


class MeasuredKernel(NamedTuple):
    """A kernel of the analysis beside the operators of the runtime that compute it.

    Attributes
    ----------
    layer
        The kernel's name; empty for operators that are matched to no layer.
    operator_class
        As :func:`mbcost.insight.breakdown.operator_class` names it.
    operators
        The runtime's names of its operators: of the file's nodes where it keeps them, else of its kernels.
    predicted_s, measured_s
        Its time [s]; None where there is no kernel, or the profile has no operator of it.
    """

    layer: str
    operator_class: str
    operators: tuple[str, ...]
    predicted_s: float | None
    measured_s: float | None

    def to_dict(self) -> dict[str, Any]:
        """The kernel in the JSON."""
        return {
            "layer": self.layer,
            "operator_class": self.operator_class,
            "operators": list(self.operators),
            "predicted_ms": _ms(self.predicted_s),
            "measured_ms": _ms(self.measured_s),
        }


class ClassShare(NamedTuple):
    """The share of a class of operators in the time of all matched kernels, predicted and measured [1]."""

    operator_class: str
    predicted: float
    measured: float


@dataclass(frozen=True)
class MeasuredAnalysis(Shown):
    """An analysis, and the same network measured on this machine in the target's runtime.

    Attributes
    ----------
    analysis
        The prediction.
    runtime
        The runtime that measured, with its version.
    file
        The model file that was measured; empty where mbcost wrote one, or the runtime runs a module.
    timing
        All visits.
    kernels
        Predicted and measured time by kernel, in the order of execution, then operators that are matched to no layer;
        empty for a runtime without a profiler.
    busy
        Share of the cores' time that other programs used when it began [1]; None if the system does not tell.
    """

    analysis: Analysis
    runtime: str
    file: str
    timing: Timing
    kernels: tuple[MeasuredKernel, ...]
    busy: float | None = None

    @property
    def latency_s(self) -> float:
        """The measured latency, the fastest undisturbed run [s]."""
        return self.timing.latency_s

    @property
    def load_s(self) -> float | None:
        """Time to load the file [s]; None for a runtime that runs modules."""
        return self.timing.load_s if self.timing.load_s < float("inf") else None

    @property
    def first_s(self) -> float | None:
        """Time of the first inference [s]; None for a runtime that runs modules."""
        return self.timing.first_s if self.timing.first_s < float("inf") else None

    @property
    def error(self) -> float:
        """Relative error of the prediction [1]."""
        return self.analysis.latency_s / self.latency_s - 1

    @property
    def covered(self) -> bool:
        """Whether the measured latency is in the prediction's interval."""
        return self.analysis.latency_low_s <= self.latency_s <= self.analysis.latency_high_s

    @property
    def is_disturbed(self) -> bool:
        """Whether other programs disturbed every visit, so that the latency is of a disturbed one."""
        return not self.timing.visits

    @property
    def shares(self) -> list[ClassShare]:
        """Shares of the classes of operators among the kernels that are both predicted and measured, largest first."""
        times: dict[str, list[float]] = {}
        for kernel in self.kernels:
            if kernel.predicted_s is not None and kernel.measured_s is not None:
                entry = times.setdefault(kernel.operator_class, [0.0, 0.0])
                entry[0] += kernel.predicted_s
                entry[1] += kernel.measured_s
        totals = [sum(entry[i] for entry in times.values()) or 1.0 for i in (0, 1)]
        shares = [ClassShare(name, *(entry[i] / totals[i] for i in (0, 1))) for name, entry in times.items()]
        return sorted(shares, key=lambda share: share.measured, reverse=True)

    def to_dict(self) -> dict[str, Any]:
        """The JSON: latencies [ms], the kernels and the shares of their classes [1]."""
        analysis = self.analysis
        return {
            "schema": SCHEMA,
            "mbcost_version": __version__,
            "network": analysis.layer_graph.title,
            "target": target_entry(analysis.target, analysis.calibration is not None),
            "measured_with": self.runtime,
            "file": self.file or None,
            "measured_ms": self.latency_s * 1e3,
            "load_ms": _ms(self.load_s),
            "first_ms": _ms(self.first_s),
            "runs": self.timing.runs,
            "disturbed": self.is_disturbed,
            "busy": self.busy,
            "predicted_ms": analysis.latency_s * 1e3,
            "predicted_low_ms": analysis.latency_low_s * 1e3,
            "predicted_high_ms": analysis.latency_high_s * 1e3,
            "basis": analysis.basis,
            "error": self.error,
            "in_interval": self.covered,
            "kernels": [kernel.to_dict() for kernel in self.kernels],
            "shares": [share._asdict() for share in self.shares],
        }

    def to_frame(self) -> pd.DataFrame:
        """One row per kernel."""
        import pandas as pd

        return pd.DataFrame(self.rows(), columns=COLUMNS)

    def rows(self) -> list[dict[str, Any]]:
        """One row per kernel, with the names of its operators in a text."""
        return [kernel.to_dict() | {"operators": ", ".join(kernel.operators)} for kernel in self.kernels]

    def __repr__(self) -> str:
        name, target = self.analysis.layer_graph.title, self.analysis.target.name
        measured, predicted = self.latency_s * 1e3, self.analysis.latency_s * 1e3
        return f"<MeasuredAnalysis {name} on {target}: {measured:.4g} ms measured, {predicted:.4g} ms predicted>"


def measure(
    analysis: Analysis,
    file: str | PathLike[str] | None = None,
    *,
    on_progress: Callable[[float, str], None] = lambda *_: None,
) -> MeasuredAnalysis:
    """Measure an analysed network on this machine, in the runtime of the analysis, beside its prediction.

    Parameters
    ----------
    analysis
        Of a target whose profile is of this machine (``mbcost bench``, ``mbcost calibrate --name``).
    file
        The model file that the network came from, to measure it as it is. Without, mbcost writes one with random
        weights; PyTorch runs a network that ships by its name.

    Raises
    ------
    InputError
        MB304 for a target whose runtime cannot be measured here, MB604 for one that is not this machine, MB010 for a
        batch or a network that the runtime cannot be given, MB011 if the runtime is not installed, MB603 if the network
        does not run in it, and what the file's writer refuses.
    """
    settings = settings_of(analysis.target)
    check_bench_of(analysis.target)
    busy = busy_share()
    with TemporaryDirectory(prefix="mbcost-models-") as folder:
        source = _source(analysis, settings, file, Path(folder))
        timing = Timing()
        with open_session(settings) as session:
            found = visit_all(
                session,
                [(_NAME, source)],
                until=time.monotonic() + _SECONDS,
                seconds=_VISIT_SECONDS,
                on_visit=lambda name, timing: on_progress(_done(timing), name),
                timings={_NAME: timing},
            )
            if found[_NAME].failed:
                fail("MB603", f"{analysis.layer_graph.title} does not run in {settings.title}: {found[_NAME].failed}")
            operators = _operators(session, settings, source)
    kernels = tuple(_beside(analysis, operators)) if operators else ()
    return MeasuredAnalysis(analysis, _version(settings), str(file or ""), timing, kernels, busy)


def _source(analysis: Analysis, settings: Settings, file: str | PathLike[str] | None, folder: Path) -> Source:
    spec, graph = analysis.spec, analysis.layer_graph
    if not settings.is_file_based:
        if find_builtin(spec.name, check_architecture) is not spec or dict(graph.options) != dict(spec.options):
            hint = "mbcost bench --runtime onnxruntime and the like run model files"
            fail("MB010", f"PyTorch is given networks that ship with mbcost, not {graph.title}", hint=hint)
        height = graph.input_shape.height
        return Source("table", spec.name, alpha=graph.alpha, resolution=int(height), batch=analysis.batch)
    if analysis.batch != 1:
        fail("MB010", f"batch is {analysis.batch}: model files are measured with one image")
    engine = ENGINES[settings.engine]
    if file is not None:
        path = Path(file)
        if path.suffix.lower() != engine.suffix:
            hint = "without a file, mbcost writes one of the network"
            fail("MB010", f"{engine.title} reads {engine.suffix} files, not {path.name}", hint=hint)
        return Source("file", str(path.resolve()))
    path = write_model(graph, folder / f"{_NAME}{engine.suffix}", settings.file_precision)
    return Source("file", str(path))


def _done(timing: Timing) -> float:
    return min(1.0, max(len(timing.visits) / VISITS, (len(timing.visits) + len(timing.disturbed)) / MOST_VISITS))


def _operators(session: Session, settings: Settings, source: Source) -> list[Operator]:
    """The runtime's operators, none without a profiler."""
    if not settings.is_file_based or not ENGINES[settings.engine].profiles:
        return []
    reply = session.ask(do="operators", source=asdict(source))
    return [Operator(*each) for each in reply.get("operators", ())]


def _version(settings: Settings) -> str:
    if settings.is_file_based:
        return ENGINES[settings.engine].versioned
    from importlib import metadata

    return f"PyTorch {metadata.version('torch')}"


def _beside(analysis: Analysis, operators: list[Operator]) -> Iterable[MeasuredKernel]:
    """The kernels that take time, each with its operators; then the operators that are matched to none."""
    layers = analysis.layer_graph.layers
    kernel_of = {layers[i].name: number for number, kernel in enumerate(analysis.kernels) for i in kernel.layers}
    found: dict[int, list[Operator]] = {}
    unknown: dict[str, list[Operator]] = {}
    for operator, layer in zip(operators, layers_of(operators, lower(analysis.layer_graph, 0)), strict=True):
        if layer in kernel_of:
            found.setdefault(kernel_of[layer], []).append(operator)
        else:
            unknown.setdefault(operator.kind, []).append(operator)
    for number, (kernel, estimate) in enumerate(zip(analysis.kernels, analysis.estimates, strict=True)):
        mine = found.get(number, [])
        if mine or estimate.latency_s:
            yield _kernel(kernel, estimate.latency_s, mine)
    for kind, several in unknown.items():
        names = tuple(operator.name or kind for operator in several)
        yield MeasuredKernel("", UNKNOWN, names, None, sum(operator.seconds for operator in several))


def _kernel(kernel: Kernel, predicted_s: float, operators: list[Operator]) -> MeasuredKernel:
    names = tuple(operator.name or operator.kind for operator in operators)
    measured = sum(operator.seconds for operator in operators) if operators else None
    return MeasuredKernel(kernel.name, operator_class(kernel), names, float(predicted_s), measured)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1e3

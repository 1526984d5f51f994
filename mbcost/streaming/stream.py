"""``mbcost.stream``: frames through capture, preprocessing, the network and postprocessing, with n buffers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mbcost._version import __version__
from mbcost.architectures.scaling import Resolution
from mbcost.architectures.spec import OptionValue
from mbcost.arguments import as_list, configuration
from mbcost.basis import Basis, weakest
from mbcost.calibration.apply import CalibrationChoice
from mbcost.checks import Checks
from mbcost.devices import Target
from mbcost.errors import call_each, fail
from mbcost.networks import Network, load
from mbcost.pipeline import analyze_one
from mbcost.shown import Shown
from mbcost.streaming.plan import Plan, best_plan
from mbcost.streaming.simulate import Stage, Stream, check_numbers, simulate
from mbcost.words import GOALS, Goal, Lowering, Unsupported

if TYPE_CHECKING:
    import pandas as pd

SCHEMA: Final = "mbcost/stream/1"


@dataclass(frozen=True)
class StreamResult(Shown):
    """The simulated stream, with its results for each number of buffers.

    Attributes
    ----------
    plan
        The assignment of layers to processors.
    stages
        The stages of every frame, in order.
    results
        One simulation per number of buffers.
    rate_fps
        Arriving frames per second [1/s]; None for as many as the buffers allow.
    jitter
        Standard deviation of every stage's time as a share of its mean [1].
    """

    architecture: str
    plan: Plan
    stages: Sequence[Stage]
    results: Sequence[Stream]
    rate_fps: float | None
    jitter: float

    @property
    def basis(self) -> Basis:
        """What the network's time rests on; of two processors the weaker ground."""
        return weakest(part.analysis.basis for part in self.plan.parts)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Caveats of the plan's analyses, each once."""
        found = dict.fromkeys(warning for part in self.plan.parts for warning in part.analysis.warnings)
        batch = self.plan.parts[0].analysis.batch
        if batch > 1:
            found[f"a frame stands for a batch of {batch} images that arrive together"] = None
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """The JSON of ``mbcost stream --format json``, schema ``mbcost/stream/1``."""
        return {
            "schema": SCHEMA,
            "mbcost_version": __version__,
            "architecture": self.architecture,
            "basis": self.basis,
            "plan": {
                "targets": [part.analysis.target.name for part in self.plan.parts],
                "basis": [part.analysis.basis for part in self.plan.parts],
                "cut_after": self.plan.cut_after,
                "transfer_bytes": self.plan.transfer_bytes,
                "latency_ms": self.plan.latency_s * 1e3,
            },
            "stages": [
                {"name": s.name, "unit": s.unit, "ms": s.seconds * 1e3, "bytes": s.traffic_bytes} for s in self.stages
            ],
            "arrival_frames_per_s": self.rate_fps,
            "jitter": self.jitter,
            "results": [
                {
                    "buffers": result.buffers,
                    "frames_per_s": result.frames_per_s,
                    "bound_frames_per_s": result.bound_frames_per_s,
                    "latency_ms": {f"p{p}": value * 1e3 for p, value in result.latency_s.items()},
                    "wait_ms": result.wait_s * 1e3,
                    "offered": result.offered,
                    "completed": result.completed,
                    "dropped": result.dropped,
                    "utilisation": result.utilisation,
                }
                for result in self.results
            ],
            "warnings": list(self.warnings),
        }

    def to_frame(self) -> pd.DataFrame:
        """One row per number of buffers; times in ms."""
        import pandas as pd

        rows = []
        for entry in self.to_dict()["results"]:
            latency, busy = entry.pop("latency_ms"), entry.pop("utilisation")
            rows.append(
                {
                    **entry,
                    **{f"latency_{name}_ms": value for name, value in latency.items()},
                    **{f"busy_{unit}": share for unit, share in busy.items()},
                    "basis": self.basis,
                }
            )
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        best = max(self.results, key=lambda result: result.frames_per_s)
        target = " and ".join(part.analysis.target.name for part in self.plan.parts)
        return (
            f"<StreamResult {self.architecture} on {target}: {best.frames_per_s:.3g} frames/s "
            f"with {best.buffers} buffers>"
        )


def stream(
    network: Network,
    device: str | Target | Sequence[str | Target],
    *,
    capture_s: Stage | float | None = None,
    preprocess_s: Stage | float | None = None,
    postprocess_s: Stage | float | None = None,
    buffers: int | Sequence[int] = 2,
    rate_fps: float | None = None,
    drop: bool = False,
    jitter: float = 0.0,
    frames: int = 1_000,
    seed: int = 0,
    plan: Goal = "throughput",
    alpha: float = 1.0,
    rho: float | None = None,
    resolution: Resolution | None = None,
    batch: int | None = None,
    precision: str | None = None,
    threads: int | None = None,
    options: Mapping[str, OptionValue] | None = None,
    unsupported: Unsupported = "refuse",
    calibration: CalibrationChoice = None,
    lowering: Lowering = "auto",
    input_shape: Sequence[int] | None = None,
    until: str | None = None,
) -> StreamResult:
    """Simulate frames through capture, preprocessing, the network and postprocessing, with n buffers.

    Parameters
    ----------
    network, device
        As for :func:`mbcost.analyze`. With several targets of one device the network runs on the best of them, or is
        cut between two of them where that is better: every cut is tried.
    capture_s, preprocess_s, postprocess_s
        Time per frame [s], on the camera, the CPU and the CPU; or a :class:`~mbcost.streaming.simulate.Stage` with a
        unit of its own.
    buffers
        Frames in flight at once; several numbers are simulated one by one.
    rate_fps
        Arriving frames per second [1/s]; None for one whenever a buffer is free.
    drop
        Drop frames that arrive while no buffer is free; else they wait.
    jitter
        Standard deviation of every stage's time as a share of its mean [1].
    frames, seed
        How many frames are simulated, and the seed of the jitter.
    plan
        What a cut between processors optimises: ``latency`` or ``throughput``.
    batch
        Images that arrive together and count as one frame; 1 by default, whatever a model's file states.
    alpha, rho, resolution, precision, threads, options, unsupported, calibration, lowering, input_shape, until
        As for :func:`mbcost.analyze`.

    Raises
    ------
    InputError
        MB010 for every number that is out of range, and what :func:`mbcost.analyze` raises.
    """
    checks = Checks()
    numbers = as_list(buffers)
    goal = checks.word("plan", plan, GOALS)
    dropping = checks.flag("drop", drop)
    places = (
        ("capture", capture_s, "camera"),
        ("preprocess", preprocess_s, "cpu"),
        ("postprocess", postprocess_s, "cpu"),
    )
    given = [_stage(checks, *place) for place in places]
    checks.done()
    if not numbers:
        fail("MB010", "buffers has no value", hint="such as 2 or [1, 2, 3]")
    check_numbers(numbers, frames, rate_fps, jitter, seed)
    how = configuration(
        alpha=alpha,
        rho=rho,
        resolution=resolution,
        batch=1 if batch is None else batch,
        precision=precision,
        threads=threads,
        options=options,
        unsupported=unsupported,
        calibration=calibration,
        lowering=lowering,
    )
    spec = load(network, input_shape=input_shape, unsupported=how.unsupported, until=until, resolution=how.resolution)
    analyses = call_each(lambda target: analyze_one(spec, target, how), as_list(device))
    if not analyses:
        fail("MB010", "device names no target", hint="such as pixel1")
    before = [stage for stage in given[:2] if stage is not None]
    after = [stage for stage in given[2:] if stage is not None]
    busy: dict[str, float] = {}
    for stage in (*before, *after):
        busy[stage.unit] = busy.get(stage.unit, 0.0) + stage.seconds
    best = best_plan(analyses, goal, busy)
    stages = [*before, *inference(best), *after]
    bandwidth = analyses[0].target.device.memory.bandwidth
    results = [
        simulate(
            stages,
            buffers=int(number),
            frames=int(frames),
            rate=rate_fps,
            drop=dropping,
            jitter=jitter,
            bandwidth=None if bandwidth is None else bandwidth.value,
            seed=int(seed),
        )
        for number in numbers
    ]
    return StreamResult(analyses[0].architecture, best, stages, results, rate_fps, jitter)


def _stage(checks: Checks, name: str, given: Stage | float | None, unit: str) -> Stage | None:
    """The stage that a time, or a stage, stands for."""
    if given is None or isinstance(given, Stage):
        return given
    return Stage(name, unit, checks.number(f"{name}_s", given, above=0, most=1e6))


def inference(plan: Plan) -> list[Stage]:
    """The stages of a plan: one a processor, and the transfer with the processor that reads."""
    stages = []
    for part in plan.parts:
        name = "inference" if len(plan.parts) == 1 else f"layers {part.first + 1} to {part.last + 1}"
        layers = part.analysis.layers[part.first : part.last + 1]
        traffic = sum(row.input_bytes + row.output_bytes + row.weight_bytes for row in layers)
        bandwidth = part.analysis.target.bandwidth
        limit = part.seconds * bandwidth.value if bandwidth else traffic
        extra = plan.transfer_s if part.first else 0.0
        stages.append(Stage(name, part.analysis.target.processor.name, part.seconds + extra, min(traffic, limit)))
    return stages

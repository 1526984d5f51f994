"""Measures networks that a calibration has not seen, for its validation."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, get_args

from mbcost.devices import Target
from mbcost.errors import fail
from mbcost.runner.engines.model_files import model_files
from mbcost.runner.session import VISITS, Timing, open_session, visit_all
from mbcost.runner.settings import RUNTIMES, Settings, Source, checked_settings
from mbcost.runner.suites import PLANS
from mbcost.words import BenchRuntime

#: Networks of ``mbcost validate --measure``: of all families, and none among a bench's random ones.
UNSEEN: Final = (
    ("mobilenet_v1", 1.0, 224), ("mobilenet_v1", 0.5, 160), ("mobilenet_v2", 1.0, 224), ("mobilenet_v2", 0.5, 128),
    ("mobilenet_v3_large", 1.0, 224), ("mobilenet_v3_small", 1.0, 224), ("efficientnet_b0", 1.0, 224),
    ("mnasnet_b1", 1.0, 224), ("proxylessnas_mobile", 1.0, 192), ("shufflenet_v2", 1.0, 224),
    ("squeezenet1_1", 1.0, 224),
    ("resnet18", 1.0, 224), ("resnet18", 1.0, 160), ("resnet50", 1.0, 192), ("densenet121", 1.0, 160),
    ("googlenet", 1.0, 224), ("alexnet", 1.0, 224), ("darknet19", 1.0, 224),
)  # fmt: skip
#: Time of all visits [s]; the first two rounds are completed regardless of it.
_SECONDS: Final = 90.0


def settings_of(target: Target) -> Settings:
    """The settings of a session that match a target.

    Raises
    ------
    InputError
        MB304 if the target's runtime cannot be measured here.
    """
    for engine in get_args(BenchRuntime):
        if engine == target.runtime and target.processor.kind == "cpu":
            return checked_settings(
                "cpu", target.threads, channels_last=False, mode="eager", precision=target.precision, engine=engine
            )
    for (device, channels_last, mode), runtime in RUNTIMES.items():
        if runtime == target.runtime:
            return checked_settings(device, target.threads, channels_last, mode, target.precision)
    hint = "a profile of `mbcost calibrate --name` has them"
    fail("MB304", f"{target.name} is no runtime that can be measured here", hint=hint)


def measure_networks(
    settings: Settings,
    sources: Sequence[tuple[str, Source]],
    *,
    seconds: float = _SECONDS,
    on_progress: Callable[[float, str], None] = lambda *_: None,
) -> dict[str, Timing]:
    """Time networks in interleaved visits, with as many networks per process as in a bench.

    The timing of a network that cannot run has `failed` and no latency.

    Raises
    ------
    InputError
        MB603 if none of them can run.
    """
    visits = 0

    def note(name: str, _: Timing) -> None:
        nonlocal visits
        visits += 1
        on_progress(min(1.0, visits / (VISITS * len(sources))), name)

    with model_files(settings) as files:
        found, refused = files.files_of(list(sources))
        timings = {name: Timing(failed=reason) for name, reason in refused.items()}
        _visit_groups(settings, found, timings, seconds, note)
    if all(timing.failed for timing in timings.values()):
        name, timing = next(iter(timings.items()))
        fail("MB603", f"{name} does not run: {timing.failed}")
    return {name: timings[name] for name, _ in sources}


def _visit_groups(
    settings: Settings,
    sources: Sequence[tuple[str, Source]],
    timings: dict[str, Timing],
    seconds: float,
    note: Callable[[str, Timing], None],
) -> None:
    """Visit networks, as many together in a process as in a bench."""
    plan, canaries_s = PLANS["quick"], list[float]()
    processes = -(-len(sources) // plan.together)
    started = time.monotonic()
    for i in range(processes):
        with open_session(settings) as session:
            session.canaries_s = canaries_s
            visit_all(
                session,
                sources[i::processes],
                until=started + seconds * (i + 1) / processes,
                seconds=plan.visit_seconds,
                on_visit=note,
                timings=timings,
            )


#: Class of operators -> the aten operators that are called only for it.
OPERATOR_CLASSES: Final[Mapping[str, tuple[str, ...]]] = {
    "oneDNN convolution": ("aten::mkldnn_convolution",),
    "matrix-product convolution": ("aten::thnn_conv2d",),
    "batch norm": ("aten::batch_norm",),
    "pooling": ("aten::max_pool2d", "aten::avg_pool2d", "aten::adaptive_avg_pool2d", "aten::mean"),
    "dense": ("aten::linear",),
    "activation, arithmetic": (
        "aten::relu", "aten::relu_", "aten::hardtanh", "aten::hardtanh_", "aten::silu", "aten::silu_",
        "aten::hardswish", "aten::hardswish_", "aten::hardsigmoid", "aten::hardsigmoid_", "aten::sigmoid",
        "aten::add", "aten::add_", "aten::mul", "aten::leaky_relu", "aten::leaky_relu_",
    ),
    "copy": ("aten::cat", "aten::contiguous", "aten::clone"),
}  # fmt: skip


def shares_by_class(operators: Mapping[str, float]) -> dict[str, float]:
    """Share of the time of each class of operators [1], from the times of outermost operators and their callees."""
    times = dict.fromkeys(OPERATOR_CLASSES, 0.0)
    for names, seconds in operators.items():
        called = set(names.split())
        kind = next((kind for kind, ops in OPERATOR_CLASSES.items() if called.intersection(ops)), None)
        if kind is not None:
            times[kind] += seconds
    total = sum(times.values())
    return {name: value / total for name, value in times.items()}

"""Plans of several processors: brute force in other words, and hand arithmetic of what crosses a cut."""

from __future__ import annotations

import pytest

import mbcost
from mbcost.errors import InputError
from mbcost.streaming.plan import best_plan, plans


def test_the_best_plan_is_no_worse_than_any() -> None:
    both = [mbcost.analyze("mobilenet_v2", target) for target in ("pixel4", "pixel4/gpu")]
    everything = list(plans(both))
    assert best_plan(both).latency_s == min(plan.latency_s for plan in everything)
    assert best_plan(both, "throughput").frames_per_s == max(plan.frames_per_s for plan in everything)
    assert best_plan(both).latency_s <= min(analysis.latency_s for analysis in both)
    whole = len(both[0].layers)
    for plan in everything:
        assert sum(part.last - part.first + 1 for part in plan.parts) == whole


def test_other_work_of_a_processor_counts() -> None:
    """With 100 ms of other work on the CPU a frame, all of the network goes to the GPU; without, it is cut."""
    both = [mbcost.analyze("mobilenet_v2", target) for target in ("pixel4", "pixel4/gpu")]
    assert len(best_plan(both, "throughput").parts) == 2
    busy = best_plan(both, "throughput", {"cpu": 0.1})
    assert [part.analysis.target.processor.name for part in busy.parts] == ["gpu"]
    assert busy.slowest_s({"cpu": 0.1}) == 0.1


def test_what_crosses_a_cut() -> None:
    """MobileNet V1 is a chain: the output of the layer before the cut, 4 B an element, is written and read."""
    both = [mbcost.analyze("mobilenet_v1", target) for target in ("pixel4", "pixel4/gpu")]
    plan = next(p for p in plans(both) if len(p.parts) == 2)
    shape = plan.parts[0].analysis.layers[plan.parts[0].last].output_shape
    assert plan.transfer_bytes == 4 * shape[0] * shape[1] * shape[2]
    memory = both[0].target.device.memory.bandwidth
    assert memory is not None
    assert plan.transfer_s == pytest.approx(2 * plan.transfer_bytes / memory.value)
    one, other = plan.parts
    assert one.seconds + other.seconds > 0
    assert plan.latency_s == pytest.approx(one.seconds + other.seconds + plan.transfer_s)


def test_processors_of_two_devices_are_refused() -> None:
    with pytest.raises(InputError, match="different devices"):
        best_plan([mbcost.analyze("mobilenet_v1", target) for target in ("pixel1", "pixel4")])
    with pytest.raises(InputError, match="twice"):
        best_plan([mbcost.analyze("mobilenet_v1", "pixel4")] * 2)

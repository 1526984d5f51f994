"""The arrival of frames and the plan of a stream, in words."""

from __future__ import annotations

from mbcost.basis import listed
from mbcost.streaming.plan import Plan
from mbcost.streaming.stream import StreamResult


def arrival(report: StreamResult) -> str:
    """The arrival of frames, in words."""
    source = "as fast as a buffer is free" if report.rate_fps is None else f"at {report.rate_fps:g} frames/s"
    return source + (f", jitter {report.jitter:.0%}" if report.jitter else "")


def grounds(report: StreamResult) -> str:
    """What the network's time rests on, by processor where they differ."""
    return listed((part.analysis.target.name, part.analysis.basis) for part in report.plan.parts)


def plan_text(plan: Plan) -> str:
    """The assignment of layers to processors, in words."""
    if plan.cut_after is None:
        return f"all on {plan.parts[0].analysis.target.name}"
    one, other = (part.analysis.target.name for part in plan.parts)
    size, time = plan.transfer_bytes / 1e3, plan.transfer_s * 1e3
    return f"{one} up to {plan.cut_after}, then {other}; {size:.0f} kB cross in {time:.2f} ms"

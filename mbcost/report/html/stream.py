"""The page of a stream: each number of buffers, the utilisation of the units, and the frames over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from mbcost import readable
from mbcost.errors import printable
from mbcost.report.charts.stream import busy, timeline
from mbcost.report.html.page import render
from mbcost.report.provenance import NO_ORIGIN, Origin, provenance
from mbcost.report.rows.stream import arrival, grounds, plan_text
from mbcost.streaming.simulate import Event, Stream
from mbcost.streaming.stream import StreamResult

#: Share of a frame's time below which a wait is rounding of the times that are subtracted. Chosen: far below a digit.
_NO_WAIT: Final = 1e-6


def stream_page(report: StreamResult, origin: Origin = NO_ORIGIN) -> str:
    """The report of a stream, as HTML."""
    units = list(dict.fromkeys(stage.unit for stage in report.stages))
    names = [stage.name for stage in report.stages]
    cards = [_card(result) for result in report.results]
    data = {
        "stream": report.to_dict(),
        "plan": f"{plan_text(report.plan)}; frames come {arrival(report)}",
        "grounds": [(part.analysis.target.name, part.analysis.basis) for part in report.plan.parts],
        "stages": names,
        "units": units,
        "cards": cards,
        "charts": {"busy": asdict(busy(report.results, units))},
        "timelines": [
            {
                "chart": asdict(timeline(result, names, units)),
                "events": [_row(event, names, units) for event in result.timeline],
            }
            for result in report.results
        ],
        "caveats": report.warnings,
        "provenance": list(
            dict.fromkeys(row for part in report.plan.parts for row in provenance(part.analysis, origin))
        ),
    }
    summary = [(card["label"], f"{card['value']}, {card['note']}") for card in cards] + [("rests on", grounds(report))]
    return render("stream", printable(f"Stream of {report.architecture}"), data, summary)


def _card(result: Stream) -> dict[str, str]:
    p50, p99 = (readable.milliseconds(result.latency_s[p]) for p in (50, 99))
    waits = result.wait_s > _NO_WAIT * result.latency_s[50]
    wait = f"{readable.milliseconds(result.wait_s)} of it waiting" if waits else "none of it waiting"
    dropped = f", {result.dropped:,} of {result.offered:,} dropped" if result.dropped else ""
    return {
        "label": "1 buffer" if result.buffers == 1 else f"{result.buffers} buffers",
        "value": f"{readable.significant(result.frames_per_s)} frames/s",
        "note": f"a frame takes {p50}, 1 % of them more than {p99}",
        "work": f"{wait}{dropped}",
        "bound": f"at most {readable.significant(result.bound_frames_per_s)} frames/s without jitter",
    }


def _row(event: Event, names: Sequence[str], units: Sequence[str]) -> list[Any]:
    """Stage, unit and frame as numbers, start and end [ms]."""
    return [names.index(event.stage), units.index(event.unit), event.frame, event.start_s * 1e3, event.end_s * 1e3]

"""Charts of a stream: how busy the units are, and the first frames over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mbcost.errors import printable
from mbcost.report.charts.chart import Chart, short, style_of
from mbcost.streaming.simulate import Stream

#: Frames in the initial view of the timeline.
FIRST_FRAMES: Final = 8


def busy(results: Sequence[Stream], units: Sequence[str]) -> Chart:
    """Utilisation of each unit, one bar per number of buffers."""
    places = list(range(len(units)))
    data = [
        {
            "type": "bar",
            "name": f"{result.buffers} buffer{'s' * (result.buffers > 1)}",
            "x": places,
            "y": [result.utilisation[unit] * 100 for unit in units],
            "marker": {"color": style_of(number)[0]},
            "hovertemplate": "%{fullData.name}: %{y:.1f} %<extra></extra>",
        }
        for number, result in enumerate(results)
    ]
    layout = {
        "barmode": "group",
        "xaxis": {"tickmode": "array", "tickvals": places, "ticktext": [short(unit, 24) for unit in units]},
        "yaxis": {"title": {"text": "busy [%]"}, "range": [0, 105]},
        "legend": {"orientation": "h", "y": 1.15},
        "showlegend": True,
    }
    last = results[-1]
    unit, share = max(last.utilisation.items(), key=lambda item: item[1])
    summary = f"With {last.buffers} buffers {printable(unit, 60)} is busiest, {share:.0%} of the time."
    return Chart("Utilisation of each unit", summary, data, layout)


def timeline(result: Stream, names: Sequence[str], units: Sequence[str]) -> Chart:
    """When each stage of each frame runs: one lane per unit, one colour per stage, the frame's number in its bar."""
    data = []
    for number, name in enumerate(names):
        found = [(place, event) for place, event in enumerate(result.timeline) if event.stage == name]
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": short(name),
                "base": [event.start_s * 1e3 for _, event in found],
                "x": [(event.end_s - event.start_s) * 1e3 for _, event in found],
                "y": [units.index(event.unit) for _, event in found],
                "customdata": [place for place, _ in found],
                "text": [str(event.frame) for _, event in found],
                "textposition": "inside",
                "insidetextanchor": "middle",
                "hovertemplate": "frame %{text}, %{fullData.name}<br>from %{base:.4g} ms, %{x:.4g} ms<extra></extra>",
                "marker": {"color": style_of(number)[0], "line": {"width": 0.5, "color": "#ffffff"}},
            }
        )
    shown = [event.end_s for event in result.timeline if event.frame < FIRST_FRAMES]
    layout = {
        "barmode": "overlay",
        "xaxis": {"title": {"text": "ms"}, "range": [0, max(shown) * 1e3]},
        "yaxis": {
            "tickmode": "array",
            "tickvals": list(range(len(units))),
            "ticktext": [short(unit, 24) for unit in units],
            "range": [len(units) - 0.5, -0.5],
            "automargin": True,
        },
        "legend": {"orientation": "h", "y": 1.12},
        "showlegend": True,
        "dragmode": "pan",
        "bargap": 0.3,
    }
    frames = len({event.frame for event in result.timeline})
    summary = f"The first {frames} frames; drag to see later ones, double-click to see all."
    return Chart("Frames on the units", summary, data, layout)

"""Charts of a sweep as Plotly figures, for a notebook."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from mbcost import readable
from mbcost.architectures.scaling import resolution_text
from mbcost.errors import did_you_mean, fail, or_list
from mbcost.report.charts.chart import Chart, plotly_figure, short, style_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from mbcost.search.result import SweepResult


def sweep_figure(
    result: SweepResult, name: str, *, architecture: str | None = None, target: str | None = None
) -> go.Figure:
    """A chart of a sweep as a Plotly figure, for a notebook.

    Parameters
    ----------
    name
        ``heat_map``: latency over width and resolution of one network on one target; ``front``: accuracy, or MACs
        where none is known, over latency on one target.
    architecture, target
        The network and the target; default: the first of the sweep.

    Raises
    ------
    InputError
        MB010 for another name, or for a network or target that the sweep does not have.
    """
    chosen = _chosen(result, "target", target)
    charts = {
        "heat_map": partial(heat_map, result, _chosen(result, "architecture", architecture), chosen),
        "front": partial(front, result, chosen),
    }
    return plotly_figure("a sweep", charts, name)


def _chosen(result: SweepResult, column: str, value: str | None) -> str:
    """A value of a column; by default its first."""
    known = list(dict.fromkeys(result.columns[column].tolist()))
    if value is not None and value not in known:
        hint = did_you_mean(value, known) or f"there is {or_list(known)}"
        fail("MB010", f"the sweep has no {column} `{value}`", hint=hint)
    found: str = value if value is not None else known[0]
    return found


def heat_map(result: SweepResult, architecture: str, target: str) -> Chart:
    """Latency [ms] of a network over width and resolution, at the first of several batch sizes."""
    columns = result.columns
    title = f"{architecture} on {target}: latency by width and resolution"
    rows = np.flatnonzero((columns["architecture"] == architecture) & (columns["target"] == target))
    rows = rows[columns["batch"][rows] == columns["batch"][rows[0]]]
    widths = sorted(set(columns["alpha"][rows].tolist()))
    sizes = {row: (int(columns["resolution"][row]), int(columns["input_width"][row])) for row in rows.tolist()}
    sides = sorted(set(sizes.values()))
    times: list[list[float | None]] = [[None] * len(widths) for _ in sides]
    for row in rows.tolist():
        place = sides.index(sizes[row]), widths.index(columns["alpha"][row])
        times[place[0]][place[1]] = float(columns["latency_ms"][row])
    trace = {
        "type": "heatmap",
        "x": list(range(len(widths))),
        "y": list(range(len(sides))),
        "z": times,
        "colorscale": "Cividis",
        "xgap": 1,
        "ygap": 1,
        "colorbar": {"title": {"text": "ms"}},
        "texttemplate": "%{z:.3g}" if len(widths) * len(sides) <= 200 else "",
        "hovertemplate": "%{z:.4g} ms<extra></extra>",
    }
    layout = {"xaxis": _axis([f"{width:g}" for width in widths], "alpha")}
    layout["yaxis"] = _axis([resolution_text(*side) for side in sides], "resolution")
    return Chart(short(title, 120), f"{len(rows)} configurations.", [trace], layout)


def _axis(texts: list[str], label: str) -> dict[str, Any]:
    places = list(range(len(texts)))
    return {"tickmode": "array", "tickvals": places, "ticktext": texts, "title": {"text": label}}


def front(result: SweepResult, target: str) -> Chart:
    """Accuracy (MACs where it is unknown) over latency of every configuration on a target, with the Pareto front."""
    columns = result.columns
    quality = "macs" if np.isnan(columns["top1"]).all() else "top1"
    rows = np.flatnonzero((columns["target"] == target) & ~np.isnan(columns[quality].astype(float)))
    names = list(dict.fromkeys(columns["architecture"].tolist()))
    data: list[dict[str, Any]] = []
    for number, name in enumerate(names):
        members = rows[columns["architecture"][rows] == name]
        colour, marker = style_of(number)
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": short(name),
                "x": columns["latency_ms"][members].tolist(),
                "y": columns[quality][members].tolist(),
                "text": [f"{short(name)} {columns['alpha'][row]:g} / {result.size_of(row)}" for row in members],
                "hovertemplate": "%{text}<br>%{x:.4g} ms, %{y:.4s}<extra></extra>",
                "marker": {
                    "color": colour,
                    "symbol": marker,
                    "size": 8,
                    "opacity": [1.0 if columns["on_front"][row] else 0.45 for row in members],
                },
            }
        )
    best = [row for row in result.front() if columns["target"][row] == target]
    data.append(
        {
            "type": "scatter",
            "mode": "lines",
            "name": "front",
            "x": columns["latency_ms"][best].tolist(),
            "y": columns[quality][best].tolist(),
            "line": {"shape": "hv", "width": 1, "color": "#888888"},
            "hoverinfo": "skip",
        }
    )
    layout = {
        "xaxis": {"title": {"text": "ms"}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": "top-1 [%]" if quality == "top1" else "MACs"}},
        "hovermode": "closest",
    }
    summary = f"{readable.si(len(best))} of {readable.si(len(rows))} configurations are on the Pareto front."
    return Chart(f"Front on {short(target)}", summary, data, layout)

"""Charts of an analysis: roofline, times by class and block, schedule and memory.

A point's ``customdata`` is the position of its layer.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mbcost import readable
from mbcost.analysis import Analysis
from mbcost.devices import Quantity
from mbcost.errors import printable
from mbcost.graph.memory import live_elements
from mbcost.insight.breakdown import (
    KernelTime,
    TimeShare,
    kernel_times,
    operator_class,
    peak_macs_per_s,
    spent,
    time_by,
    time_in_groups,
)
from mbcost.insight.regions import regions, short_names
from mbcost.latency import GROUPS
from mbcost.memory.arena import Placed
from mbcost.memory.limits import peak_text
from mbcost.report.charts.chart import (
    PALETTE,
    PART_COLOURS,
    PART_PATTERNS,
    Chart,
    names_axis,
    plotly_figure,
    short,
    style_of,
)

if TYPE_CHECKING:
    import plotly.graph_objects as go


_LONGEST_LABEL: Final = 28
_ROOF_COLOUR: Final = "#8a929c"
#: Kind of a buffer of the arena -> its name and colour.
_BUFFER_STYLES: Final = {
    "input": ("network input", PALETTE[4]),
    "tensor": ("tensors", PALETTE[0]),
    "scratch": ("scratch buffers", PALETTE[1]),
}


class Roof(NamedTuple):
    """A limit of the target: MAC/s of its arithmetic, or B/s of a memory; `own` for the two that every kernel has."""

    label: str
    value: float
    fitted: bool = False
    own: bool = False


def layer_names(analysis: Analysis) -> list[str]:
    """The name of every layer as the charts show it, by its position."""
    return short_names([layer.name for layer in analysis.layer_graph.layers])


def class_names(analysis: Analysis) -> list[str]:
    """The operator classes, slowest first; the position in the list selects colour and marker."""
    return [share.label for share in time_by(analysis, "op")]


# -- roofline ---------------------------------------------------------------------------------------------------------


def arithmetic_roofs(analysis: Analysis) -> list[Roof]:
    """Peaks of the target at each precision and, where a calibration fitted any, rates of its arithmetic [MAC/s]."""
    target = analysis.target
    threads = target.threads if target.processor.kind == "cpu" else 1
    roofs = [
        Roof(f"{name} peak", peak.value * threads, own=name == target.precision)
        for name, peak in target.processor.peak.items()
    ]
    if analysis.calibration is not None:
        products = [term.name for term in analysis.form.terms if term.group == "compute" and term.unit == "MAC"]
        roofs += [Roof(f"{name}, fitted", 1 / analysis.rates[name].seconds, fitted=True) for name in products]
    return roofs


def memory_roofs(analysis: Analysis) -> list[Roof]:
    """Bandwidths of the target's memory and caches [B/s]."""
    processor, memory = analysis.target.processor, analysis.target.device.memory
    found: Mapping[str, Quantity | None] = {
        "memory": processor.bandwidth or memory.bandwidth,
        "memory, all cores": memory.measured_bandwidth,
        "system cache": memory.system_cache_bandwidth,
        "L2": processor.l2_bandwidth,
        "texture cache": processor.texture_bandwidth,
        "local memory": processor.local_memory_bandwidth,
    }
    return [
        Roof(f"{name} {quantity.text}", quantity.value, own=name == "memory")
        for name, quantity in found.items()
        if quantity is not None
    ]


def roofline(analysis: Analysis) -> Chart:
    """MAC/s of every kernel over its MACs a byte, log-log, under the target's roofs, each with its name at its end."""
    rows = [row for row in kernel_times(analysis) if row.macs_per_s and _intensity(analysis, row) > 0]
    title = "Roofline"
    if not rows:
        return Chart(title, "No kernel has multiply-accumulates.", [], {})
    peaks, memories = arithmetic_roofs(analysis), memory_roofs(analysis)
    xs = [_intensity(analysis, row) for row in rows]
    ys = [row.macs_per_s or 0.0 for row in rows]
    ridges = [peak.value / memory.value for peak in peaks for memory in memories if not peak.fitted]
    left, right = min([*xs, *ridges]) / 1.5, max([*xs, *ridges]) * 1.5
    top = max([*ys, *(peak.value for peak in peaks)])
    bottom = min([*ys, *(roof.value * left for roof in memories)])
    frame = _Frame(left, right, bottom / 1.5, top * 1.5)
    fastest = max((roof.value for roof in memories), default=math.inf)
    data: list[dict[str, Any]] = []
    labels: list[dict[str, Any]] = []
    for roof, place in frame.apart([(roof, roof.value * left) for roof in memories]):
        xs_of, ys_of = [frame.west, left, top / roof.value], [place, left * roof.value, top]
        data.append(_line(roof, xs_of, ys_of))
        labels.append(_label(roof, frame.west, place, "right"))
    for roof, place in frame.apart([(roof, roof.value) for roof in peaks]):
        start = max(left, roof.value / fastest)
        data.append(_line(roof, [start, right, frame.east], [roof.value, roof.value, place]))
        named = roof._replace(label=f"{roof.label} {readable.si(roof.value, 3)}MAC/s")
        labels.append(_label(named, frame.east, place, "left"))
    layers = layer_names(analysis)
    for number, name in enumerate(class_names(analysis)):
        members = [row for row in rows if operator_class(row.kernel) == name]
        if members:
            data.append(_points(analysis, members, layers, name, *style_of(number)))
    peak = peak_macs_per_s(analysis)
    best = max(rows, key=lambda row: row.macs_per_s or 0.0)
    summary = f"{len(rows)} kernels; the fastest, {printable(layers[best.kernel.main.position], 60)}, reaches "
    summary += f"{readable.si(best.macs_per_s or 0.0, 3)}MAC/s"
    summary += f", {best.peak_share:.0%} of the {analysis.target.precision} peak." if peak and best.peak_share else "."
    axis = {"type": "log", "dtick": 1, "exponentformat": "SI"}
    layout = {
        "xaxis": {**axis, "title": {"text": "arithmetic intensity [MAC/B]"}, "range": frame.across},
        "yaxis": {**axis, "title": {"text": "MAC/s"}, "range": frame.upward},
        "legend": {"orientation": "h", "y": -0.2},
        "hovermode": "closest",
        "annotations": labels,
        "meta": {"within": _log_range(left, right)},
    }
    roofs = "; ".join(label["text"].replace("<b>", "").replace("</b>", "") for label in labels)
    notes = (
        f"{_HOW_TO_READ} {_BELOW_BOTH if memories else _BELOW_FLAT}",
        *_far_below(analysis, rows, layers, memories),
        f"Roofs: {html.unescape(roofs)}.",
    )
    return Chart(title, summary, data, layout, notes)


_HOW_TO_READ: Final = (
    "Each point is a kernel; its area grows with its share of the time. Further right, it computes more for each byte "
    "that it moves; further up, it computes faster."
)
_BELOW_BOTH: Final = "Below a slanted roof the memory can be its limit, below a flat one the arithmetic."
_BELOW_FLAT: Final = "The roofs are those of the arithmetic; the bandwidth of the memory is not known."
#: Part of the time -> why a kernel that mostly spends this stays below the roofs.
_WHY_BELOW: Final = dict(
    zip(
        GROUPS,
        (
            "arithmetic that this runtime computes far below the peak",
            "moving activations",
            "moving weights",
            "rearranging data for the arithmetic, which no roof shows",
            "fixed costs of every kernel, such as its launch, which no roof shows",
        ),
        strict=True,
    )
)
_MOVING: Final = ("activations", "weights")
#: A kernel below this share of what its roofs allow is explained in words. Chosen: a decade of the axis.
_FAR: Final = 0.1


def _far_below(
    analysis: Analysis, rows: Sequence[KernelTime], layers: Sequence[str], memories: Sequence[Roof]
) -> tuple[str, ...]:
    """A sentence on the kernels that stay below a tenth of what their roofs allow, if there are any."""
    peak = peak_macs_per_s(analysis)
    bandwidth = next((roof.value for roof in memories if roof.own), math.inf)
    if peak is None:
        return ()
    far = [row for row in rows if (row.macs_per_s or 0.0) < _FAR * min(peak, bandwidth * _intensity(analysis, row))]
    if not far:
        return ()
    far.sort(key=lambda row: row.latency_s, reverse=True)
    parts = [sum(values) for values in zip(*(spent(row.estimate, analysis.form) for row in far), strict=True)]
    longest = max(range(len(parts)), key=parts.__getitem__)
    share = sum(row.share for row in far)
    number, whose = ("1 kernel stays", "its") if len(far) == 1 else (f"{len(far)} kernels stay", "their")
    slowest = printable(layers[far[0].kernel.main.position], 60)
    first = f"{slowest} is the slowest of them" if len(far) > 1 else slowest
    where = f"{number} below a tenth of what {whose} roofs allow, {share:.0%} of the time ({first})."
    slow = " at less than the memory's bandwidth" if memories and GROUPS[longest] in _MOVING else ""
    return (f"{where} Most of it goes to {_WHY_BELOW[GROUPS[longest]]}{slow}.",)


class _Frame(NamedTuple):
    """The extent of the roofs and the points [MAC/B, MAC/s], with room for the names of roofs at both sides."""

    left: float
    right: float
    bottom: float
    top: float

    @property
    def _decades(self) -> float:
        return math.log10(self.right / self.left)

    @property
    def west(self) -> float:
        """Where names of the slanted roofs end."""
        return float(self.left / 10 ** (0.02 * self._decades))

    @property
    def east(self) -> float:
        """Where names of the flat roofs begin."""
        return float(self.right * 10 ** (0.02 * self._decades))

    @property
    def across(self) -> list[float]:
        return _log_range(self.left / 10 ** (0.24 * self._decades), self.right * 10 ** (0.24 * self._decades))

    @property
    def upward(self) -> list[float]:
        return _log_range(self.bottom, self.top)

    def apart(self, places: Sequence[tuple[Roof, float]]) -> list[tuple[Roof, float]]:
        """The roofs with places of their names that are at least a line of text apart, upwards."""
        gap = _LINE_OF_TEXT * math.log10(self.top / self.bottom)
        found: list[tuple[Roof, float]] = []
        last = -math.inf
        for roof, place in sorted(places, key=lambda item: item[1]):
            last = max(math.log10(place), last + gap)
            found.append((roof, float(10**last)))
        return found


#: Height of a line of text as a share of the chart's [1]: 16 of 380 pixels.
_LINE_OF_TEXT: Final = 0.042


def _intensity(analysis: Analysis, row: KernelTime) -> float:
    return analysis.layers[row.kernel.main.position].arithmetic_intensity


def _log_range(low: float, high: float) -> list[float]:
    return [math.log10(low), math.log10(high)]


def _line(roof: Roof, xs: list[float], ys: list[float]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": xs,
        "y": ys,
        "line": {"width": 1.8 if roof.own else 1, "color": _ROOF_COLOUR, "dash": "dot" if roof.fitted else "solid"},
        "hoverinfo": "text",
        "hovertext": [short(roof.label)] * len(xs),
        "showlegend": False,
    }


def _label(roof: Roof, x: float, y: float, anchor: str) -> dict[str, Any]:
    """The name of a roof at its end."""
    return {
        "name": "roof",
        "x": math.log10(x),
        "y": math.log10(y),
        "text": f"<b>{short(roof.label)}</b>" if roof.own else short(roof.label),
        "xanchor": anchor,
        "yanchor": "middle",
        "showarrow": False,
        "font": {"size": 11},
    }


def _points(
    analysis: Analysis, rows: Sequence[KernelTime], layers: Sequence[str], name: str, colour: str, marker: str
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": short(name),
        "x": [_intensity(analysis, row) for row in rows],
        "y": [row.macs_per_s for row in rows],
        "customdata": [row.kernel.main.position for row in rows],
        "text": [_hover(row, layers) for row in rows],
        "hovertemplate": "%{text}<br>%{x:.3s} MAC/B, %{y:.3s}MAC/s<extra></extra>",
        "marker": {
            "color": colour,
            "symbol": marker,
            "size": [6 + 20 * math.sqrt(row.share) for row in rows],
            "opacity": 0.8,
            "line": {"width": 0.5, "color": "#ffffff"},
        },
    }


def _hover(row: KernelTime, layers: Sequence[str]) -> str:
    bound = row.estimate.bound or "none"
    name = short(layers[row.kernel.main.position])
    return f"{name}<br>{readable.milliseconds(row.latency_s)}, {row.share:.1%}, bound by {bound}"


# -- where the time goes ----------------------------------------------------------------------------------------------


def by_class(analysis: Analysis) -> Chart:
    """Time by operator class, split by part."""
    return _shares("Time by operator class", time_by(analysis, "op"))


def by_block(analysis: Analysis) -> Chart:
    """Time by block in execution order, split by part; blocks as :func:`mbcost.insight.regions.regions` finds them."""
    label = {kernel.main.position: name for kernel, name in zip(analysis.kernels, regions(analysis), strict=True)}
    order = {name: number for number, name in enumerate(block_names(analysis))}
    shares = time_in_groups(analysis, lambda kernel: label[kernel.main.position])
    return _shares("Time by block", sorted(shares, key=lambda share: order[share.label]))


def block_names(analysis: Analysis) -> list[str]:
    """The blocks with kernels that take time, in execution order."""
    timed = {row.kernel.main.position for row in kernel_times(analysis)}
    found = zip(analysis.kernels, regions(analysis), strict=True)
    return list(dict.fromkeys(name for kernel, name in found if kernel.main.position in timed))


def _shares(title: str, shares: Sequence[TimeShare]) -> Chart:
    """Stacked bars."""
    if not shares:
        return Chart(title, "Nothing takes time.", [], {})
    places = list(range(len(shares)))
    data = []
    for number, part in enumerate(GROUPS):
        times = [share.split_s[number] * 1e3 for share in shares]
        if not any(times):
            continue
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": part,
                "x": times,
                "y": places,
                "customdata": [short(share.label) for share in shares],
                "marker": {
                    "color": PART_COLOURS[part],
                    "pattern": {
                        "shape": PART_PATTERNS[part],
                        "fillmode": "overlay",
                        "fgcolor": "#ffffff",
                        "fgopacity": 0.22,
                        "size": 6,
                        "solidity": 0.2,
                    },
                },
                "hovertemplate": f"%{{customdata}}<br>{part} %{{x:.4g}} ms<extra></extra>",
            }
        )
    layout = {
        "barmode": "stack",
        "xaxis": {"title": {"text": "ms"}, "rangemode": "tozero"},
        "yaxis": names_axis([share.label for share in shares], _LONGEST_LABEL, showgrid=False, zeroline=False),
        "legend": {"orientation": "h", "y": 1.12, "traceorder": "normal"},
        "bargap": 0.3,
    }
    longest = sorted(shares, key=lambda share: share.latency_s, reverse=True)[:3]
    summary = "; ".join(f"{printable(share.label, 60)} {share.share:.1%}" for share in longest)
    return Chart(title, f"{summary} of the time.", data, layout)


def timeline(analysis: Analysis) -> Chart:
    """When each kernel runs, one lane per operator class."""
    names, layers = class_names(analysis), layer_names(analysis)
    data: list[dict[str, Any]] = []
    starts, clock = {}, 0.0
    for row in kernel_times(analysis):
        starts[row.kernel.main.position] = clock
        clock += row.latency_s
    for number, name in enumerate(names):
        rows = [row for row in kernel_times(analysis) if operator_class(row.kernel) == name]
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": short(name),
                "base": [starts[row.kernel.main.position] * 1e3 for row in rows],
                "x": [row.latency_s * 1e3 for row in rows],
                "y": [number] * len(rows),
                "customdata": [row.kernel.main.position for row in rows],
                "text": [_hover(row, layers) for row in rows],
                "textposition": "none",
                "hovertemplate": "%{text}<br>from %{base:.4g} ms<extra></extra>",
                "marker": {"color": style_of(number)[0], "line": {"width": 0.5, "color": "#ffffff"}},
                "showlegend": False,
            }
        )
    layout = {
        "barmode": "overlay",
        "xaxis": {"title": {"text": "ms"}, "rangemode": "tozero"},
        "yaxis": names_axis(names, _LONGEST_LABEL),
        "bargap": 0.3,
    }
    summary = f"{len(starts)} kernels run one after another in {readable.milliseconds(analysis.latency_s)}."
    return Chart("Timeline", summary, data, layout)


def memory(analysis: Analysis) -> Chart:
    """Bytes of activations that are alive while each layer runs."""
    alive = live_bytes(analysis)
    names = layer_names(analysis)
    peak = max(range(len(alive)), key=alive.__getitem__)
    name = names[peak]
    trace = {
        "type": "scatter",
        "mode": "lines",
        "line": {"shape": "hvh", "color": PALETTE[0], "width": 1.5},
        "fill": "tozeroy",
        "x": list(range(len(alive))),
        "y": [number / 2**20 for number in alive],
        "customdata": list(range(len(alive))),
        "text": [f"{short(one)}<br>{readable.size(size)}" for one, size in zip(names, alive, strict=True)],
        "hovertemplate": "%{text}<extra></extra>",
        "showlegend": False,
    }
    layout = {
        "xaxis": {"title": {"text": "layer, in execution order"}},
        "yaxis": {"title": {"text": "MiB alive"}, "rangemode": "tozero"},
        "annotations": [
            {
                "name": "peak",
                "x": peak,
                "y": alive[peak] / 2**20,
                "text": f"peak {readable.size(alive[peak])}: {short(name, 32)}",
                "showarrow": True,
                "ax": 40 if peak < len(alive) / 2 else -40,
                "ay": -18,
                "xanchor": "left" if peak < len(alive) / 2 else "right",
            }
        ],
    }
    summary = f"The peak is {readable.size(alive[peak])} of live activations, while {printable(name, 60)} runs."
    return Chart("Activation memory", summary, [trace], layout)


def arena(analysis: Analysis) -> Chart:
    """Where each tensor and scratch buffer lies in the arena, over the kernels that need it."""
    plan = analysis.memory
    placed = plan.arena.placed
    if not placed:
        return Chart("Arena over time", "Nothing is in memory.", [], {})
    positions = {layer.name: layer.position for layer in analysis.layer_graph.layers}
    step, size = plan.arena.peak_step, plan.arena.size
    unit, unit_name = (2**20, "MiB") if size >= 2**20 else (2**10, "KiB")
    data = [
        {
            "type": "bar",
            "name": title,
            "x": [(one.buffer.first + one.buffer.last) / 2 for one in of_kind],
            "width": [one.buffer.last - one.buffer.first + 0.96 for one in of_kind],
            "base": [one.offset / unit for one in of_kind],
            "y": [one.buffer.size / unit for one in of_kind],
            "customdata": [positions.get(one.buffer.name) for one in of_kind],
            "text": [_buffer_text(one, plan.steps) for one in of_kind],
            "textposition": "none",
            "hovertemplate": "%{text}<extra></extra>",
            "marker": {"color": colour, "line": {"width": 1, "color": "#ffffff"}},
        }
        for kind, (title, colour) in _BUFFER_STYLES.items()
        if (of_kind := [one for one in placed if one.buffer.kind == kind])
    ]
    early = step < len(plan.steps) / 2
    layout = {
        "barmode": "overlay",
        "xaxis": {"title": {"text": "kernel, in execution order"}},
        "yaxis": {"title": {"text": unit_name}, "rangemode": "tozero"},
        "legend": {"orientation": "h", "y": 1.12},
        "annotations": [
            {
                "name": "peak",
                "x": step,
                "y": size / unit,
                "text": f"{readable.size(size)}: {short(plan.peak_layer, 32)}",
                "showarrow": True,
                "ax": 40 if early else -40,
                "ay": -18,
                "xanchor": "left" if early else "right",
            }
        ],
    }
    summary = (
        f"The arena takes {readable.size(size)} by {plan.planner.title}; {printable(peak_text(plan), 200)}. "
        f"At most {readable.size(plan.arena.lower_bound)} of it are alive at once."
    )
    if plan.arena.lower_bound > analysis.totals.peak_activation_bytes:
        summary += " Activation memory above is less: there element-wise layers write over their input."
    return Chart("Arena over time", summary, data, layout)


def _buffer_text(placed: Placed, steps: Sequence[str]) -> str:
    buffer = placed.buffer
    first, last = (steps[step - 1] if step else "the start" for step in (buffer.first, buffer.last))
    while_ = f"while {short(first)} runs" if first == last else f"from {short(first)} to {short(last)}"
    what = "scratch of " if buffer.kind == "scratch" else ""
    at = f"{readable.size(buffer.size)} at {readable.size(placed.offset)}"
    return f"{what}{short(buffer.name)}<br>{at}<br>{while_}"


def live_bytes(analysis: Analysis) -> list[int]:
    """Bytes of activations that are alive while each layer runs, of the whole batch [B]."""
    return [elements * analysis.batch * analysis.element_bytes for elements in live_elements(analysis.layer_graph)]


# -- all of them ------------------------------------------------------------------------------------------------------

CHARTS: Final[Mapping[str, Callable[[Analysis], Chart]]] = {
    "roofline": roofline,
    "by_class": by_class,
    "by_block": by_block,
    "timeline": timeline,
    "memory": memory,
    "arena": arena,
}


def figure(analysis: Analysis, name: str) -> go.Figure:
    """A chart as a Plotly figure, for a notebook.

    Parameters
    ----------
    name
        ``roofline``, ``by_class``, ``by_block``, ``timeline``, ``memory`` or ``arena``.

    Raises
    ------
    InputError
        MB010 for any other name.
    """
    return plotly_figure("an analysis", {key: partial(make, analysis) for key, make in CHARTS.items()}, name)

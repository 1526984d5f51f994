"""The page of one network on one or more targets: the data of its script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mbcost import readable
from mbcost.analysis import Analysis
from mbcost.calibration.interval import INTERVAL
from mbcost.errors import fail, printable
from mbcost.hosting import is_hosted
from mbcost.insight.breakdown import (
    caveats,
    interval_source,
    kernel_times,
    operator_class,
    peak_macs_per_s,
    spent,
    time_by,
)
from mbcost.insight.hints import find_hints
from mbcost.insight.live import Live, live_of
from mbcost.insight.regions import regions
from mbcost.insight.what_if import variant
from mbcost.kernels import Kernel
from mbcost.latency import GROUPS, LatencyForm, Rate
from mbcost.memory.targets import plans_memory
from mbcost.report.charts.analysis import CHARTS, block_names, class_names, layer_names, live_bytes
from mbcost.report.charts.chart import MARKERS, PALETTE, PART_COLOURS
from mbcost.report.html.page import render
from mbcost.report.provenance import NO_ORIGIN, Origin, provenance
from mbcost.report.rows.physical import energy_line, measured_energy_line, resource_rows, start_line, throughput_line


def analysis_page(analyses: Sequence[Analysis], origin: Origin = NO_ORIGIN) -> str:
    """The report of an architecture on one or more targets, as HTML.

    Parameters
    ----------
    origin
        For the provenance at the foot of the page.

    Raises
    ------
    InputError
        MB010 if there is nothing to show.
    """
    if not analyses:
        fail("MB010", "there is no analysis to report")
    title = f"{analyses[0].layer_graph.title} on {', '.join(dict.fromkeys(a.target.device.title for a in analyses))}"
    views = [view_of(analysis, origin) for analysis in analyses]
    data = {
        "palette": PALETTE,
        "markers": MARKERS,
        "groups": [{"name": group, "colour": PART_COLOURS[group]} for group in GROUPS],
        "views": views,
    }
    summary = [
        (card["label"], f"{card['value']} · {card['basis']}" if "basis" in card else card["value"])
        for view in views
        for card in view["cards"]
    ]
    return render("analysis", printable(title), data, summary)


def view_of(analysis: Analysis, origin: Origin) -> dict[str, Any]:
    """The data of one analysis for the page."""
    content = analysis.to_dict()
    names = layer_names(analysis)
    return {
        "name": analysis.target.name,
        "device": analysis.target.device.title,
        "subject": subject(analysis),
        "analysis": {**content, "layers": _packed(content["layers"])},
        "cards": cards(analysis),
        "verdict": verdict(analysis),
        "classes": class_names(analysis),
        "blocks": block_names(analysis),
        "names": [None if name == layer.name else name for name, layer in zip(names, analysis.layers, strict=True)],
        "rows": _packed(_rows(analysis)),
        "regions": _regions(analysis),
        "kernels": [kernel.main.position for kernel in analysis.kernels],
        "form": _form(analysis.form),
        "rates": [_rate(term.name, analysis) for term in analysis.form.terms],
        "own": _own(analysis),
        "live": _live(live_of(analysis)),
        "hints": [asdict(hint) for hint in find_hints(analysis, most=8)],
        "caveats": caveats(analysis),
        "charts": {name: asdict(make(analysis)) for name, make in CHARTS.items()},
        "provenance": provenance(analysis, origin),
    }


def _packed(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows with the same keys, which are named once."""
    return {"keys": list(rows[0]) if rows else [], "values": [list(row.values()) for row in rows]}


def subject(analysis: Analysis) -> str:
    """The analysed configuration in a line."""
    graph, target = analysis.layer_graph, analysis.target
    threads = f", {target.threads} thread{'s' if target.threads > 1 else ''}" if target.processor.kind == "cpu" else ""
    hardware = f"{target.processor.model}, {analysis.runtime.title}, {target.precision}{threads}"
    return (
        f"alpha {graph.alpha:g}, input {graph.input_shape}, batch {analysis.batch}; {len(graph.layers)} layers in "
        f"{len(analysis.kernels)} kernels; {hardware}"
    )


def cards(analysis: Analysis) -> list[dict[str, str]]:
    """The key figures, as the terminal prints them."""
    totals = analysis.totals
    low, high = (readable.significant(bound * 1e3) for bound in (analysis.latency_low_s, analysis.latency_high_s))
    return [
        {
            "label": "latency",
            "value": readable.milliseconds(analysis.latency_s),
            "note": f"{INTERVAL:.0%} interval {low} to {high} ms",
            "detail": interval_source(analysis),
            "basis": analysis.basis,
        },
        {
            "label": "throughput",
            "value": throughput_line(analysis),
            "note": "",
            "detail": "",
        },
        {"label": "MACs", "value": readable.si(totals.macs), "note": _achieved(analysis), "detail": ""},
        {
            "label": "parameters",
            "value": readable.si(totals.params),
            "note": f"{readable.size(totals.weight_bytes)} of weights",
            "detail": "",
        },
        {
            "label": "activations",
            "value": readable.size(totals.peak_activation_bytes),
            "note": "alive at the peak",
            "detail": "",
        },
        *_memory_cards(analysis),
        *_physical_cards(analysis),
    ]


def _memory_cards(analysis: Analysis) -> list[dict[str, str]]:
    """RAM and flash, on microcontrollers."""
    if not plans_memory(analysis.target):
        return []
    plan = analysis.memory
    ram, flash = readable.size(plan.ram_bytes), readable.size(plan.flash.total_bytes)
    return [
        {"label": "RAM (arena)", "value": ram, "note": f"peak at {plan.peak_layer}", "detail": plan.planner.source},
        {"label": "flash", "value": flash, "note": plan.flash.what, "detail": ""},
    ]


def _physical_cards(analysis: Analysis) -> list[dict[str, str]]:
    """Energy, and FPGA resources."""
    result = []
    if start := start_line(analysis):
        value, _, note = start.partition(" ms ")
        result.append({"label": "start", "value": f"{value} ms", "note": note, "detail": ""})
    if analysis.measured_energy is not None:
        value, _, note = measured_energy_line(analysis.measured_energy).removesuffix(")").partition(", ")
        sources = "; ".join(
            analysis.target.device.provenance.references[key] for key in analysis.measured_energy.power.reference
        )
        result.append({"label": "energy", "value": value, "note": note, "detail": sources})
    elif analysis.energy is not None:
        value, _, note = energy_line(analysis.energy).removesuffix(")").partition(" (")
        result.append({"label": "energy (estimate)", "value": value, "note": note, "detail": analysis.energy.source})
    if analysis.resources is not None:
        for label, text in resource_rows(*analysis.resources):
            value, _, rest = text.partition(" of ")
            result.append({"label": label, "value": value, "note": f"of {rest}" if rest else "", "detail": ""})
    return result


def _achieved(analysis: Analysis) -> str:
    if not analysis.latency_s or not analysis.totals.macs:
        return ""
    rate = analysis.totals.macs / analysis.latency_s
    peak = peak_macs_per_s(analysis)
    return f"{readable.si(rate, 3)}MAC/s" + (f", {rate / peak:.0%} of peak" if peak else "")


def verdict(analysis: Analysis) -> str:
    """Where the time goes, in a sentence."""
    shares = time_by(analysis, "op")
    if not shares:
        return "Nothing in this network takes time on this target."
    parts = [sum(values) for values in zip(*(share.split_s for share in shares), strict=True)]
    group = max(range(len(parts)), key=parts.__getitem__)
    return (
        f"{shares[0].share:.0%} of the time is {shares[0].label}; "
        f"{parts[group] / analysis.latency_s:.0%} is spent on {GROUPS[group]}."
    )


def _rows(analysis: Analysis) -> list[dict[str, Any]]:
    """Further data of a layer beside the JSON's keys: class, kernel, start, live activations, and the split."""
    classes = {name: number for number, name in enumerate(class_names(analysis))}
    blocks = {name: number for number, name in enumerate(block_names(analysis))}
    block_of = regions(analysis)
    times = {row.kernel.main.position: row for row in kernel_times(analysis)}
    kernel_of = {layer: number for number, kernel in enumerate(analysis.kernels) for layer in kernel.layers}
    alive = live_bytes(analysis)
    rows: list[dict[str, Any]] = []
    clock = 0.0
    for layer in analysis.layer_graph.layers:
        row = times.get(layer.position)
        entry: dict[str, Any] = {
            "kernel": kernel_of[layer.position],
            "class": None,
            "block": blocks.get(block_of[kernel_of[layer.position]]),
            "start_ms": clock * 1e3,
            "live_bytes": alive[layer.position],
            "split_ms": [0.0] * len(GROUPS),
            "macs_per_s": None,
            "peak_share": None,
        }
        if row is not None:
            entry["class"] = classes[operator_class(row.kernel)]
            entry["split_ms"] = [part * 1e3 for part in spent(row.estimate, analysis.form)]
            entry["macs_per_s"], entry["peak_share"] = row.macs_per_s, row.peak_share
            clock += row.latency_s
        rows.append(entry)
    return rows


def _form(form: LatencyForm) -> dict[str, Any]:
    return {
        "title": form.title,
        "overlap": form.overlap,
        "source": form.source,
        "terms": [
            {
                "name": term.name,
                "unit": term.unit,
                "group": GROUPS.index(term.group),
                "counts": " ".join((term.count.__doc__ or "").split("\n\n")[0].split()),
            }
            for term in form.terms
        ],
    }


def _rate(term: str, analysis: Analysis) -> dict[str, Any]:
    rate: Rate = analysis.rates[term]
    references = analysis.target.device.provenance.references
    inputs = [
        {
            "name": place,
            "value": quantity.text,
            "source": quantity.source,
            "reference": "; ".join(references.get(key, key) for key in quantity.reference),
            "note": "; ".join(part for part in (quantity.formula, quantity.note) if part),
        }
        for place, quantity in rate.quantities.items()
    ]
    inputs += [
        {
            "name": parameter.name,
            "value": f"{parameter.value:g}" + (f" {parameter.unit}" if parameter.unit != "1" else ""),
            "source": parameter.source,
            "reference": parameter.reference,
            "note": "",
        }
        for parameter in rate.parameters
    ]
    return {"formula": rate.formula, "source": rate.source, "inputs": inputs}


def _regions(analysis: Analysis) -> dict[str, Any]:
    """The blocks of the graph, and the number of each kernel's block."""
    found = regions(analysis)
    labels = list(dict.fromkeys(found))
    return {"labels": labels, "of": [labels.index(name) for name in found]}


def _own(analysis: Analysis) -> dict[str, Any]:
    """The terms of every kernel at the analysis's own setting."""
    form = analysis.form
    places = {term.name: number for number, term in enumerate(form.terms)}
    found = variant(analysis, analysis.target.precision)
    return {
        "rates": [found.rates_s[term.name] for term in form.terms],
        "counts": [[] if is_hosted(kernel) else _counts(form, kernel, places) for kernel in found.kernels],
    }


def _live(live: Live) -> dict[str, Any]:
    """The tables of the live panel."""
    return {
        "alphas": live.alphas,
        "sides": live.sides,
        "own": live.own,
        "settings": [setting._asdict() for setting in live.settings],
        "tables": live.tables,
    }


def _counts(form: LatencyForm, kernel: Kernel, places: dict[str, int]) -> list[tuple[int, float]]:
    return [(places[term.name], count) for term, count in form.explain(kernel) if count]

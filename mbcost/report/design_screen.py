"""The screen, the JSON and the profile of ``mbcost design``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml
from rich.text import Text

from mbcost._version import __version__
from mbcost.devices.fabric import Resources, available
from mbcost.errors import fail, printable
from mbcost.files import load_yaml
from mbcost.graph import LayerGraph
from mbcost.report import numbers
from mbcost.report.export import json_text
from mbcost.report.physical import resource_rows
from mbcost.report.terminal import Screen, facts, heading, section
from mbcost.search.design import Design, Workload

_LOOPS: Final = {
    "tm": "output channels at once",
    "tn": "input channels at once",
    "tr": "rows of a tile",
    "tc": "columns of a tile",
}
_NAME: Final = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")


class Report(NamedTuple):
    """A design, and the network and target that it is for."""

    graph: LayerGraph
    work: Workload
    found: Design


def screen(report: Report, terminal: Screen) -> str:
    """The design point, its latency and what it takes."""
    graph, (target, kernels, _), found = report
    macs = sum(kernel.macs for kernel in kernels)
    clock = target.processor.clock
    peak = found.point.tm * found.point.tn * clock.value if clock is not None else None
    rate = macs / found.latency_s
    examined = f"{found.examined:,} of {found.candidates:,} worked out; the others are slower by a lower bound"
    subject: list[tuple[str, str | Text]] = [
        ("network", f"alpha {graph.alpha:g}, input {graph.input_shape}"),
        ("target", f"{target.name}, {target.processor.model}, {target.precision}"),
        ("designs", examined if found.candidates > 1 else "one, as given"),
    ]
    answer: list[tuple[str, str | Text]] = [
        ("latency", Text(numbers.milliseconds(found.latency_s), style="bold cyan")),
        ("throughput", f"{numbers.significant(1 / found.latency_s)} frames/s"),
        ("rate", f"{numbers.si(rate, 3)}MAC/s" + (f", {rate / peak:.0%} of the engine's peak" if peak else "")),
        *((name.capitalize(), f"{value}, {_LOOPS[name]}") for name, value in found.point._asdict().items()),
    ]
    return terminal.render(
        section(
            heading(f"Design for {printable(graph.title)} on {printable(target.device.title)}"),
            facts(subject, terminal),
        ),
        section(heading("Answer"), facts(answer, terminal)),
        section(
            heading("Resources", "used of what the device has"),
            facts(resource_rows(found.needed, available(target.processor)), terminal),
        ),
    )


def to_json(report: Report) -> str:
    """The same as JSON, schema ``mbcost/design/1``."""
    graph, (target, _, _), found = report
    has = available(target.processor)
    value = {
        "schema": "mbcost/design/1",
        "mbcost_version": __version__,
        "architecture": graph.architecture,
        "alpha": graph.alpha,
        "resolution": graph.resolution,
        "target": {
            "device": target.device.name,
            "processor": target.processor.name,
            "runtime": target.runtime,
            "precision": target.precision,
        },
        "design": found.point._asdict(),
        "latency_ms": found.latency_s * 1e3,
        "frames_per_s": 1 / found.latency_s,
        "resources": {"used": _counted(found.needed), "available": _counted(has), "allowed": _counted(found.limits)},
        "examined": found.examined,
        "candidates": found.candidates,
    }
    return json_text(value)


def _counted(resources: Resources) -> dict[str, Any]:
    """The keys of the JSON; block RAMs of 18 Kibit."""
    return {
        "dsp": resources.dsp,
        "bram_18kbit": resources.bram,
        "uram": resources.uram,
        "lut": resources.lut,
    }


def to_profile(report: Report, name: str) -> str:
    """The profile of the device with the design in the place of its own.

    Raises
    ------
    InputError
        MB010 if `name` cannot be that of a device.
    """
    graph, (target, _, _), found = report
    if not _NAME.fullmatch(name):
        fail(
            "MB010",
            f"`{name}` cannot be the name of a device",
            hint="lower-case letters and digits, joined by `-` or `_`",
        )
    data = load_yaml(Path(target.device.path)).data
    data["identity"] = {**data["identity"], "name": name}
    section_ = data["processors"][target.processor.name]
    formula = f"mbcost design {graph.architecture} --device {target.device.name} --precision {target.precision}"
    for key, value in found.point._asdict().items():
        entry = {"value": value, "source": "derived", "formula": formula}
        section_["hls"][key] = {**(section_["hls"].get(key) or {}), target.precision: entry}
    section_["precisions"] = [target.precision, *(p for p in section_["precisions"] if p != target.precision)]
    peaks = {p: peak for p, peak in (section_.get("peak") or {}).items() if p != target.precision}
    section_["peak"] = peaks
    text: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)
    return text

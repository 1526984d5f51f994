"""The known runtimes: where each may run, its form, and its source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mbcost.kernels import Runtime
from mbcost.report.screens.terminal import Column, Screen, bullets, heading, section, table


def runtime_entry(runtime: Runtime, origin: str) -> dict[str, Any]:
    """A runtime in the JSON of a list."""
    return {
        "name": runtime.name,
        "title": runtime.title,
        "processors": list(runtime.processors),
        "form": runtime.form,
        "fitted_on": " ".join(runtime.fitted_on) if runtime.fitted_on else None,
        "source": runtime.source,
        "origin": origin,
        "path": runtime.path or None,
        "assumed_kernels": sorted(op for op, rules in runtime.rules.items() if any(rule.assumed for rule in rules)),
        "outside": sorted(op for op, rules in runtime.rules.items() if any(rule.kind == "outside" for rule in rules)),
    }


def runtimes_screen(runtimes: Sequence[tuple[Runtime, str]], screen: Screen) -> str:
    """The list of runtimes."""
    rows = [
        (runtime.name, runtime.title, ", ".join(runtime.processors), runtime.form, _fitted(runtime), origin)
        for runtime, origin in runtimes
    ]
    columns = [
        Column("runtime"),
        Column("title", narrow="cut", least=20, drop=2),
        Column("runs on"),
        Column("form"),
        Column("fitted on", style="dim", narrow="cut", least=16, drop=1),
        Column("origin"),
    ]
    steps = "`mbcost devices list` says which of them run on a device; DEVICE@RUNTIME asks for one."
    return screen.render(section(heading("Runtimes"), table(columns, rows, screen)), bullets([steps], screen))


def _fitted(runtime: Runtime) -> str:
    return " ".join(runtime.fitted_on) if runtime.fitted_on else ""

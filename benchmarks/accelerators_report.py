"""Writes `reports/accelerators.md` from what `beside_vela.py` and `beside_scale_sim.py` found.

python benchmarks/accelerators_report.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from mbcost.files import write_text

REPORTS: Final = Path(__file__).parent.parent / "reports"

INTRODUCTION: Final = """\
Made by `python benchmarks/accelerators_report.py` from `beside_vela.json` and `beside_scale_sim.json`, which the
benchmarks of those names write.
"""
VELA: Final = """\
Cycles that Arm's compiler estimates, and those of the form; int8, weights that do not compress. The form was derived
from the unit's facts, Vela's published model and its list for the first network; the others were scored once, after
that. Neither is a measurement.
"""
TIMES: Final = """\
Times are elapsed times
on a machine that was not idle: SCALE-Sim's may be several times too long, which leaves the ratio's order of magnitude.
"""


def report(vela: dict[str, Any], scale_sim: dict[str, Any]) -> str:
    """The report in Markdown."""
    lines = [
        "# Accelerators beside their own tools\n",
        INTRODUCTION,
        f"## Ethos-U55-256 beside Vela {vela['vela']}\n",
        VELA,
        "| network | | mbcost | Vela | difference |",
        "|---|---|--:|--:|--:|",
    ]
    lines += [
        f"| {row['network']} | {row['role']} | {row['cycles']:,} | {row['vela']:,} | {row['difference']:+.1%} |"
        for row in vela["networks"]
    ]
    first = vela["networks"][0]
    lines += [f"\nLayers of {first['network']}:\n", "| layer | mbcost | Vela | difference |", "|---|--:|--:|--:|"]
    lines += [
        f"| {row['layer']} | {row['cycles']:,} | {row['vela']:,} | {row['cycles'] / row['vela'] - 1:+.1%} |"
        for row in first["layers"]
    ]
    rows, columns = scale_sim["array"]
    count = scale_sim["dataflows"][0]["layers"]
    lines += [
        f"\n## Systolic arrays beside SCALE-Sim {scale_sim['scale_sim']}\n",
        f"{rows} x {columns} multipliers, the {count} layers of {scale_sim['network']}. {TIMES}",
        "| dataflow | largest difference of a layer's cycles | SCALE-Sim, s a layer | mbcost, us a layer | ratio |",
        "|---|--:|--:|--:|--:|",
    ]
    for row in scale_sim["dataflows"]:
        times = f"{row['scale_sim_s_per_layer']:.1f} | {row['mbcost_s_per_layer'] * 1e6:.1f} | {row['time_ratio']:.1e}"
        lines.append(f"| {row['dataflow'].replace('_', ' ')} | {row['largest_difference']:.2%} | {times} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write it."""
    found = [json.loads((REPORTS / f"beside_{tool}.json").read_text("utf-8")) for tool in ("vela", "scale_sim")]
    write_text(REPORTS / "accelerators.md", report(*found), force=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

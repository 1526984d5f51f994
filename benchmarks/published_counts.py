"""Writes reports/networks.md: MACs and params of networks in their frameworks, as printed, and why they differ.

`python benchmarks/published_counts.py` reads `benchmarks/published_counts.csv`, one row a network and width, and the
published accuracies that ship. `tests/architectures/test_exact_counts.py` holds mbcost's own counts against each row.
"""

from __future__ import annotations

import csv
from itertools import groupby
from pathlib import Path
from typing import Final

import mbcost
from mbcost.search.checkpoints import published

_HERE: Final = Path(__file__).parent
REPORT: Final = _HERE.parent / "reports" / "networks.md"
_COLUMNS: Final = (
    *("network", "alpha", "input", "MACs", "printed", "params", "printed", "top-1", "mAP"),
    *("counted in", "printed in", "why they differ"),
)
_HEAD: Final = """# Networks beside their frameworks and their papers

Made by `python benchmarks/published_counts.py`. MACs and params are equal to the last one in mbcost and in the
framework that is named: PyTorch modules by `FlopCounterMode` halved, with attention as its products, and model files by
their layers. `printed` is what the paper or its authors' page prints. Top-1 [%] is that of published weights at this
input, in fp32; mAP that of COCO's val2017, at 0.5 to 0.95, where the printed figures are.
"""


def rows() -> list[dict[str, str]]:
    """The rows of the file of counts."""
    with (_HERE / "published_counts.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def table() -> str:
    """The report's text."""
    lines = [_HEAD, f"| {' | '.join(_COLUMNS)} |", "|" + "---|" * len(_COLUMNS)]
    for name, group in groupby(rows(), key=lambda row: row["architecture"]):
        title = mbcost.load(name).title
        known = [point for point in published(name) if point.precision == "fp32"]
        for row in group:
            height, _, width = row["resolution"].partition("x")
            here = [p.top1 for p in known if (p.alpha, p.resolution) == (float(row["alpha"]), int(height))]
            cells = (
                f"{title} (`{name}`)",
                row["alpha"],
                f"{height}x{width or height}",
                f"{int(row['macs']):,}",
                row["printed_macs"],
                f"{int(row['params']):,}" + (" (folded)" if row["convention"] == "folded" else ""),
                row["printed_params"],
                "".join(f"{top1:g}" for top1 in here),
                row["coco_map"],
                row["counted_in"],
                row["printed_in"],
                row["difference"],
            )
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    REPORT.write_text(table(), encoding="utf-8")

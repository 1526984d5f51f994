"""The first section of the accuracy report: one table over all data, what a user gets from so many measured networks.

Rows are those of `reports/nn_meter/*.json`, `reports/phones.md` and `reports/phone_gpus.md`, which the scripts named
there write; nothing is computed here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

REPORTS: Final = Path(__file__).parent.parent / "reports"
HEADS: Final = ("data", "left out", "measured", "what", "MAPE", "within 10 %", "within 20 %", "inside", "MACs")
#: Numbers of latencies of the nn-Meter bench that are shown, and its protocols in words.
MEASURED: Final = (0, 10, 100)
PROTOCOLS: Final = {"S": "networks", "L": "family of networks"}
#: Reports of tables: file -> heading of a part -> its data in short.
TABLES: Final = {
    "phones.md": {
        "118 networks on 46 phones": "phones, TFLite 2020",
        "72 networks on 4 phones": "phones, TFLite 2.10",
        "27 networks": "boards, ncnn",
    },
    "phone_gpus.md": {
        "72 networks": "phone GPUs, TFLite 2.10, fp16",
        "118 networks": "phone GPUs, TFLite 2020",
    },
}
#: How far a measurement is from a second one of the same network, as the collections' notes state it; no script here
#: computes these.
STATED: Final = (
    ("phones, TFLite 2.10", "runs of a network scatter by 0.2 % (Cortex-A76) to 10 % (little clusters)"),
    ("boards, ncnn", "one chip at two users: 11 % after one factor (median)"),
    ("Qualcomm AI Hub", "two jobs of a network within 10 % in 95 %, within 5 % in 92.5 % of pairs"),
)


def section() -> list[str]:
    """The lines of the section."""
    rows = [*_nn_meter(), *_tables()]
    return [
        "## All data in one table",
        "",
        "Held out: nothing of what is left out is in the rates. *Measured* is the number of its networks that",
        "calibrate a device; *inside* is the share of latencies in the 90 % interval; *MACs* is the mean absolute",
        "error of MACs times a factor. The reports that the rows are from say how each was made, and what was chosen",
        "on which data.",
        "",
        f"| {' | '.join(HEADS)} |",
        "|---|---|---|---|--:|--:|--:|--:|--:|",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
        "More: Hexagon NPUs in [docs/models/hexagon.md](../docs/models/hexagon.md), Hailo and Rockchip in",
        "[docs/models/compiled-npus.md](../docs/models/compiled-npus.md), Ethos-U and systolic arrays in",
        "[accelerators.md](accelerators.md), PyTorch in [runner.md](runner.md), timm's networks on another CPU in",
        "[benchmarks/README.md](../benchmarks/README.md).",
        "",
        "The ceiling: how far a second measurement of a network is from the first. Of the nn-Meter bench, computed:",
        "",
        *(f"- {line}" for line in _repeated()),
        "",
        "Of other data, as the notes of those who collected them state it; no script here computes these:",
        "",
        *(f"- {data}: {ceiling}" for data, ceiling in STATED),
    ]


def _repeated() -> Iterator[str]:
    for path in sorted((REPORTS / "nn_meter").glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        pairs = data["repeated"]
        hits = f"within 10 % in {pairs['hit10']:.1%}, within 5 % in {pairs['hit5']:.1%} of {pairs['pairs']} pairs"
        yield f"{data['target']}: {hits}".replace("%", " %").replace("  %", " %")


def _nn_meter() -> Iterator[tuple[str, ...]]:
    for path in sorted((REPORTS / "nn_meter").glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        for one in data["results"]:
            if one["protocol"] not in PROTOCOLS or one["calibrate_on"] not in MEASURED:
                continue
            if one["protocol"] == "L" and one["calibrate_on"] != MEASURED[-1]:
                continue
            yield (
                "nn-Meter bench",
                PROTOCOLS[one["protocol"]],
                str(one["calibrate_on"]),
                data["target"],
                *(f"{one[key]:.1%}".replace("%", " %") for key in ("mape", "hit10", "hit20", "coverage90")),
                "–",
            )


def _tables() -> Iterator[tuple[str, ...]]:
    for name, parts in TABLES.items():
        data = ""
        for line in (REPORTS / name).read_text(encoding="utf-8").splitlines():
            if line.startswith("## "):
                data = next((short for start, short in parts.items() if line[3:].startswith(start)), data)
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if line.startswith("|") and len(cells) == 10 and cells[3][:1].isdigit():
                protocol, measured, what, _, mape, hit10, hit20, inside, macs, _ = cells
                yield data, protocol, measured, what, mape, hit10, hit20, inside, macs

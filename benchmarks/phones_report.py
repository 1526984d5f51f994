"""Writes `reports/phones.md` from results of `benchmarks/phones.py`.

for each protocol and number of latencies:
    python benchmarks/phones.py --data FOLDER --protocol P --calibrate-on N --json SCORES/FOLDER-P-N.json
python benchmarks/phones_report.py SCORES
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

#: What is scored: data, protocol, latencies measured -> (row of the result, in words).
ROWS: Final[dict[tuple[str, str, str], tuple[tuple[str, str], ...]]] = {
    ("phones_iitm", "new-phone", "0"): (
        ("basis: same core", "core in other phones"),
        ("basis: related core", "core of the same design in other phones"),
        ("basis: facts", "core never seen"),
    ),
    ("phones_iitm", "new-core", "0"): (
        ("basis: related core", "core of the same design in other phones"),
        ("basis: facts", "from facts"),
    ),
    ("phones_iitm", "unknown-core", "0"): (("basis: facts", "from facts"),),
    ("phones_iitm", "new-phone", "3"): (("total", "all phones"),),
    ("phones_iitm", "new-phone", "10"): (("total", "all phones"),),
    ("phones_iitm", "new-network", "10"): (("total", "all phones"),),
    ("phones_qed", "new-phone", "0"): (("total", "all clusters and threads"),),
    ("phones_qed", "new-core", "0"): (("total", "all clusters and threads"),),
    ("phones_qed", "unknown-core", "0"): (("total", "all clusters and threads"),),
    ("phones_qed", "new-phone", "3"): (("total", "all clusters and threads"),),
    ("phones_qed", "new-network", "10"): (
        ("precision: tflite-2.10 fp32", "fp32, all clusters and threads"),
        ("precision: tflite-2.10 int8", "int8, all clusters and threads"),
        ("processor: Arm, 1 thread, fp32", "fp32, one thread"),
        ("processor: Arm, 1 thread, int8", "int8, one thread"),
    ),
    ("phones_qed", "threads", "10"): (
        ("total", "several threads from one core"),
        ("precision: tflite-2.10 fp32", "of these, fp32"),
        ("precision: tflite-2.10 int8", "of these, int8"),
    ),
    ("ncnn", "new-phone", "0"): (
        ("processor: Arm, 1 thread, fp32", "Arm, one thread, fp32"),
        ("processor: Arm, 1 thread, fp16", "Arm, one thread, fp16"),
        ("processor: Arm, 1 thread, int8", "Arm, one thread, int8"),
    ),
    ("ncnn", "new-core", "0"): (
        ("processor: Arm, 1 thread, fp32", "Arm, one thread, fp32"),
        ("processor: Arm, 1 thread, fp16", "Arm, one thread, fp16"),
    ),
    ("ncnn", "unknown-core", "0"): (
        ("processor: Arm, 1 thread, fp32", "Arm, one thread, fp32"),
        ("processor: Arm, 1 thread, fp16", "Arm, one thread, fp16"),
    ),
    ("ncnn", "new-phone", "1"): (
        ("processor: Arm, 1 thread, fp32", "Arm, one thread, fp32"),
        ("processor: Arm, 1 thread, fp16", "Arm, one thread, fp16"),
    ),
    ("ncnn", "new-network", "rest"): (
        ("processor: Arm, 1 thread, fp32", "Arm, one thread, fp32"),
        ("processor: Arm, 1 thread, fp16", "Arm, one thread, fp16"),
        ("processor: Arm, several threads, fp32", "Arm, several threads, fp32"),
        ("processor: Arm, several threads, fp16", "Arm, several threads, fp16"),
    ),
}
TITLES: Final = {
    "phones_iitm": "118 networks on 46 phones, TensorFlow Lite of 2020, dynamic range (Ganesan et al., IISWC 2020)",
    "phones_qed": "72 networks on 4 phones, TensorFlow Lite 2.10 (Li, Paolieri, Golubchik, EdgeSys 2024)",
    "ncnn": "27 networks and 8 at int8 on 77 boards and phones, ncnn (benchmark/README.md of ncnn)",
}
PROTOCOLS: Final = {
    "new-phone": "new phone",
    "new-core": "new core",
    "unknown-core": "unknown core",
    "new-network": "new phone and new networks",
    "threads": "new phone, threads",
}
HEAD: Final = """# Phones and boards that were left out

Written by `benchmarks/phones_report.py` from the results of `benchmarks/phones.py`. Each phone is predicted from all
others of its data and from the rates of other runtimes; nothing of the phone is in the rates, and in the rows of new
networks nothing of these networks either. *Measured* is the number of networks of the phone itself, drawn at random
five times, that calibrate it; the others are predicted. In the rows of a new core every phone with the core is left
out, and in those of an unknown core what other runtimes say of it too. MAPE is the mean absolute error; *inside* is the
share of measured latencies in the 90 % interval. Baselines: MACs times a factor, and rank-1, the mean latency of the
network on other phones times a factor, with the factor from the measured networks, else from other phones with the
core.

The forms were chosen on these data, on networks that were left out; whole phones were not set aside from that choice.
Widths of intervals were measured on the same phones, each left out in turn.
"""


def lines(scores: Path) -> Iterator[str]:
    """The report, line by line."""
    yield HEAD
    for data, title in TITLES.items():
        yield f"\n## {title}\n"
        yield "| protocol | measured | what | predictions | MAPE | within 10 % | within 20 % | inside | MACs | rank-1 |"
        yield "|---|---|---|--:|--:|--:|--:|--:|--:|--:|"
        for (folder, protocol, number), rows in ROWS.items():
            if folder != data:
                continue
            found = json.loads((scores / f"{folder}-{protocol}-{number}.json").read_text(encoding="utf-8"))
            by_name = {row["name"]: row for row in found["results"]}
            measured = "all but one" if number == "rest" else number
            for name, words in rows:
                yield row_of(by_name[name], PROTOCOLS[protocol], measured, words)


def row_of(row: Mapping[str, Any], protocol: str, measured: str, words: str) -> str:
    """A row of the table."""
    baselines = [row["baselines"][name]["mape"] for name in ("macs", "rank1")]
    cells = [
        protocol,
        measured,
        words,
        f"{row['predictions']:,}",
        *(f"{row[key]:.1%}".replace("%", " %") for key in ("mape", "hit10", "hit20", "coverage90")),
        *("–" if value is None else f"{value:.1%}".replace("%", " %") for value in baselines),
    ]
    return f"| {' | '.join(cells)} |"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scores", type=Path)
    parser.add_argument("-o", type=Path, default=Path("reports/phones.md"))
    chosen = parser.parse_args(arguments)
    chosen.o.write_text("\n".join(lines(chosen.scores)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

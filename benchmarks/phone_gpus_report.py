"""Writes `reports/phone_gpus.md` from results of `benchmarks/phone_gpus.py`.

for each protocol and number of latencies:
    python benchmarks/phone_gpus.py --data FOLDER --beside OTHER --protocol P --calibrate-on N \
        --json SCORES/FOLDER-P-N.json
python benchmarks/phone_gpus_report.py SCORES
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from phones_report import row_of

#: What is scored: data, protocol, latencies measured -> what is shown of it, and in words.
ROWS: Final[dict[tuple[str, str, str], tuple[tuple[str, str], ...]]] = {
    ("phones_qed", "kernels", "rest"): (
        ("total", "all kernels of a network"), ("designer: adreno", "Adreno 640, 616"),
        ("designer: apple", "Apple A12"), ("designer: powervr", "PowerVR GE8320"),
    ),
    ("phones_qed", "new-network", "10"): (
        ("total", "a network"), ("designer: adreno", "Adreno 640, 616"), ("designer: apple", "Apple A12"),
        ("designer: powervr", "PowerVR GE8320"),
    ),
    ("phones_qed", "new-network", "rest"): (("total", "a network"),),
    ("phones_qed", "new-gpu", "0"): (
        ("designer: adreno", "Adreno, of a known designer"), ("designer: apple", "Apple, of an unknown designer"),
        ("designer: powervr", "PowerVR, of an unknown designer"),
    ),
    ("phones_qed", "new-gpu", "1"): (("designer: adreno", "Adreno, of a known designer"),),
    ("phones_qed", "new-gpu", "3"): (
        ("designer: adreno", "Adreno, of a known designer"), ("designer: apple", "Apple, of an unknown designer"),
        ("designer: powervr", "PowerVR, of an unknown designer"),
    ),
    ("phones_qed", "new-gpu", "10"): (("total", "all"),),
    ("phones_iitm", "new-gpu", "0"): (
        ("total", "all"), ("designer: adreno", "Adreno 540, 630, 640"), ("designer: mali", "Mali-G76, G77"),
    ),
    ("phones_iitm", "new-gpu", "3"): (("total", "all"), ("designer: mali", "Mali-G76, G77")),
    ("phones_iitm", "new-network", "10"): (("total", "a network"), ("designer: mali", "Mali-G76, G77")),
}  # fmt: skip
TITLES: Final = {
    "phones_qed": "72 networks and their kernels on 4 phones, TensorFlow Lite 2.10, fp16 (Li et al., EdgeSys 2024)",
    "phones_iitm": "118 networks on 11 phones, a delegate of 2020 (Ganesan et al., IISWC 2020)",
}
PROTOCOLS: Final = {"kernels": "new network", "new-network": "new phone, new network", "new-gpu": "new GPU or phone"}
HEAD: Final = """# GPUs of phones: kernels, networks and phones that were left out

Written by `benchmarks/phone_gpus_report.py` from the results of `benchmarks/phone_gpus.py`. *Measured* is how many
networks of the phone are known, drawn at random five times; the others are predicted. Each phone is predicted from
all others of both data sets, of which Adreno is the only designer with several GPUs at 2.10: there, Apple and PowerVR
are GPUs of a designer that nobody measured, which the rates that ship know. MAPE is the mean absolute error; *inside*
is the share of measured latencies in the 90 % interval. Baselines: MACs times a factor, and rank-1, the mean latency
of the network on other phones times a factor, with the factor from the measured networks, else from other phones.

The form and the widths of its priors were chosen on 54 of the 72 networks; 18 whole networks were set aside. Their
kernels are predicted within 9.8 % (Adreno 11.7, Apple 8.1, PowerVR 7.7), the whole networks within 2.9 % from the 54
of the same phone, and within 4.9 % (4.2, 4.3, 6.7) from ten of them with rates of the other phones. In the tables
below, all 72 are left out in turn. Widths of intervals were measured on the same phones, each left out in turn.
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


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scores", type=Path)
    parser.add_argument("-o", type=Path, default=Path("reports/phone_gpus.md"))
    chosen = parser.parse_args(arguments)
    chosen.o.write_text("\n".join(lines(chosen.scores)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Published latencies with their runtime, threads and precision hidden: does `mbcost.explain` find the runtime?

python benchmarks/explain_published.py [--rows 20] [--seed 0] [--blind] [--json OUT]

The latencies are those that ship with mbcost, chosen at random, as many of each runtime as possible. Their calibrations
were fitted to them, so that this is no test of predictions: it tests whether the likelihood tells runtimes apart. With
`--blind` mbcost may not recognise a latency as a published one.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import mbcost
from mbcost.calibration.measurements import Measurement, read_measurements
from mbcost.resources import hardware_profiles


def chosen(number: int, seed: int) -> list[Measurement]:
    """Rows at random, in turn of each runtime."""
    by_runtime: dict[str, list[Measurement]] = {}
    for path in sorted((hardware_profiles() / "measurements").glob("*.csv")):
        for row in read_measurements(path)[0]:
            if row.kind == "network":
                by_runtime.setdefault(row.target[2], []).append(row)
    draw = random.Random(seed)
    for rows in by_runtime.values():
        draw.shuffle(rows)
    found: list[Measurement] = []
    while len(found) < number and any(by_runtime.values()):
        found += [rows.pop() for rows in by_runtime.values() if rows]
    return found[:number]


def main() -> None:
    """Print a line per latency and the score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--blind", action="store_true")
    parser.add_argument("--json", type=Path, metavar="OUT")
    arguments = parser.parse_args()
    lines = []
    for row in chosen(arguments.rows, arguments.seed):
        found = mbcost.explain(
            row.architecture,
            row.target[0],
            measured_s=row.measured_s,
            alpha=row.alpha,
            resolution=row.resolution,
            batch=row.batch,
            use_published=not arguments.blind,
        )
        names = [answer.runtime for answer in found.answers]
        place = names.index(row.target[2]) + 1 if row.target[2] in names else None
        truth = f"{row.target[0]}@{row.target[2]} {row.target[3]}"
        share = next((answer.probability for answer in found.answers if answer.runtime == row.target[2]), 0.0)
        lines.append(
            {"network": row.name, "truth": truth, "measured_ms": row.measured_s * 1e3, "place": place, "share": share}
        )
        print(f"{row.name:<34} {row.measured_s * 1e3:7.1f} ms  {truth:<32} place {place}, {share:.0%}; {names[:2]}")
    first = sum(line["place"] == 1 for line in lines)
    two = sum(line["place"] in {1, 2} for line in lines)
    print(f"{len(lines)} latencies: the right runtime is the first answer for {first}, among the first two for {two}")
    if arguments.json is not None:
        report = {"latencies": len(lines), "blind": arguments.blind, "first": first, "first_two": two, "rows": lines}
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

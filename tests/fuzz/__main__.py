"""Fuzz the formats on demand: ``python -m tests.fuzz --mutants 100000 --seed 1 --json out.json``."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from tests.fuzz.campaign import campaign
from tests.fuzz.formats import FORMATS


def main() -> int:
    """Print a line per format; 1 if a mutant did anything that it must not."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Mutated files of all formats.")
    parser.add_argument("--mutants", type=int, default=100_000, help="of all formats together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--format", action="append", choices=list(FORMATS), help="only this one; repeatable")
    parser.add_argument("--json", type=Path, help="write all that was found")
    parser.add_argument("--keep", type=Path, help="copy the mutants that fail into this folder")
    given = parser.parse_args()
    names = given.format or list(FORMATS)
    found = []
    print(f"{'format':13} mutants  parsed accepted crashes hangs >1GB elsewhere slowest    time   peak")
    for position, name in enumerate(names):
        share = given.mutants // len(names) + (position < given.mutants % len(names))
        outcome = campaign(name, share, given.seed, given.keep)
        found.append(outcome)
        print(
            f"{name:13} {outcome.mutants:7} {outcome.parsed / max(1, outcome.mutants):7.0%} {outcome.accepted:8} "
            f"{len(outcome.crashes):7} {len(outcome.hangs):5} {len(outcome.memory):4} {len(outcome.written):9} "
            f"{outcome.slowest_s:5.2f} s {outcome.seconds:5.0f} s {outcome.peak_bytes / 2**20:4.0f} MiB",
            flush=True,
        )
        if given.json is not None:
            document = {"seed": given.seed, "formats": [asdict(one) for one in found]}
            given.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0 if all(outcome.is_sound for outcome in found) else 1


if __name__ == "__main__":
    sys.exit(main())

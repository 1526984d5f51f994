"""Speed of sweeps beside a loop over `analyze`: ``python benchmarks/sweep_speed.py [--check]``.

Warm: the table is loaded, the target resolved, one sweep has been done. The loop analyses the same configurations one
by one, with their totals, and keeps no graph between them; of many configurations it does a part, and the time of all
is what one took on average, times their number. Every figure is the least of several rounds, which alternate.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable

import numpy as np

import mbcost
from mbcost.graph.build import build_one
from mbcost.search import CompiledSpace, compile_space, load_space, space_names
from mbcost.search.space import Candidates

#: What is swept, configurations, most milliseconds that --check allows (None: no limit), rounds.
SIZES = (("published", 22, 10.0, 20), ("grid", 50, None, 20), ("grid", 1000, None, 5), ("grid", 100_000, 1500.0, 3))
#: Configurations of the loop at most.
LOOP = 50
#: Candidates of a compiled search space a second.
LEAST_RATE = 5e6
#: From this many configurations up, one of a sweep costs at most a tenth of an analysis.
TENTH_FROM = 50


def best(functions: list[Callable[[], object]], rounds: int) -> list[float]:
    """Least time of each function [s], round by round one after the other."""
    least = [float("inf")] * len(functions)
    for _ in range(rounds):
        for i, function in enumerate(functions):
            start = time.perf_counter()
            function()
            least[i] = min(least[i], time.perf_counter() - start)
    return least


def main() -> int:
    """Print the table; 1 if a limit is missed and --check was given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit with 1 if a limit is missed")
    check = parser.parse_args().check
    spec, target = mbcost.load("mobilenet_v2"), mbcost.resolve_target("pixel1")
    missed = []
    print("MobileNet V2 on pixel1, warm, one process")
    print("configurations        sweep ms   us each   loop over analyze ms   ratio")
    for what, count, limit_ms, rounds in SIZES:
        if what == "published":
            frame = mbcost.sweep(spec, target, points="published").to_frame()
            pairs = list(zip(frame["alpha"], frame["resolution"], strict=True))
        else:
            # as many different widths and resolutions as there are configurations
            pairs = list(zip(np.linspace(0.35, 1.4, count), np.resize(np.arange(96, 289), count), strict=True))
        pairs = [(float(alpha), int(resolution)) for alpha, resolution in pairs]
        part = pairs[:: max(1, count // LOOP)][:LOOP]

        def loop(part: list[tuple[float, int]] = part) -> None:
            for alpha, resolution in part:
                build_one.cache_clear()
                assert mbcost.analyze(spec, target, alpha=alpha, resolution=resolution).totals.macs

        def sweep(pairs: list[tuple[float, int]] = pairs) -> None:
            assert len(mbcost.sweep(spec, target, points=pairs).columns["latency_ms"]) == len(pairs)

        sweep()
        swept, looped = best([sweep, loop], rounds)
        looped *= count / len(part)
        print(
            f"{count:>9,} {what:<10} {swept * 1e3:>10.2f} {swept / count * 1e6:>9.1f} "
            f"{looped * 1e3:>22,.1f} {looped / swept:>7.1f}"
        )
        if limit_ms is not None and swept * 1e3 > limit_ms:
            missed.append(f"{count:,} configurations took {swept * 1e3:.1f} ms, at most {limit_ms:g}")
        if count >= TENTH_FROM and looped < 10 * swept:
            missed.append(f"one of {count:,} configurations costs more than a tenth of an analysis")
    for name in space_names():
        compiled = compile_space(load_space(name), target)
        candidates = compiled.space.sample(1_000_000, np.random.default_rng(0))

        def look_up(compiled: CompiledSpace = compiled, candidates: Candidates = candidates) -> None:
            assert len(compiled.latency_s(candidates)) == len(candidates)

        def analyze(compiled: CompiledSpace = compiled, candidates: Candidates = candidates) -> None:
            assert all(compiled.analysis(candidate).latency_s for candidate in candidates[:5])

        looked_up, analyzed = best([look_up, analyze], 5)
        rate, ratio = len(candidates) / looked_up, analyzed / 5 * len(candidates) / looked_up
        print(f"{name}: {rate / 1e6:.1f} million candidates a second, {ratio:,.0f} times a loop over analyze")
        if rate < LEAST_RATE:
            missed.append(f"{name}: {rate / 1e6:.1f} million candidates a second, at least {LEAST_RATE / 1e6:g}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory {peak:.2f} GiB")
    if peak > 1:
        missed.append(f"peak memory is {peak:.2f} GiB, at most 1")
    for line in missed:
        print(f"missed: {line}", file=sys.stderr)
    return int(check and bool(missed))


if __name__ == "__main__":
    sys.exit(main())

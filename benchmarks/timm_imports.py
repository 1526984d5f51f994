"""timm's convolutional and hybrid networks, imported from PyTorch, beside what PyTorch itself counts.

python benchmarks/timm_imports.py --results FILE.jsonl [--sample N] [--again] [--markdown reports/timm_imports.md]

Each network is built without weights at its default size, in a process of its own with limits of memory and time. The
count beside is half of what FlopCounterMode counts under SDPBackend.MATH, on tensors without values where the network
runs on them. A network is exact where both are within 5e-4; products of constants, which mbcost's note names and a run
repeats, are added to mbcost's. One line of JSON a network: what has one is not tried again.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
import resource
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from timm_networks import UnknownNetworkError, built, import_timm, shortened

import mbcost
from mbcost.errors import InputError
from mbcost.files import write_text
from mbcost.graph import build_graph, count_macs

#: timm's modules of networks that are neither convolutional nor hybrid: attention or fully connected layers between
#: tokens behind a patch embedding, at all stages.
NO_CONVOLUTIONS: Final = frozenset(
    {
        "beit",
        "cait",
        "convit",
        "crossvit",
        "deepseek_vit",
        "deit",
        "eva",
        "gemma4_vit",
        "hiera",
        "hieradet_sam2",
        "mlp_mixer",
        "naflexvit",
        "qwen3_vit",
        "sequencer",
        "swin_transformer",
        "swin_transformer_v2",
        "swin_transformer_v2_cr",
        "tnt",
        "vision_transformer",
        "vision_transformer_relpos",
        "vision_transformer_sam",
    }
)
TOLERANCE: Final = 5e-4
MEMORY_LIMIT: Final = 6 * 2**30
TIME_LIMIT_S: Final = 120.0

_ON_CONSTANTS: Final = re.compile(r"(\d+) MACs on constants alone")


def families() -> dict[str, list[str]]:
    """Networks by timm's module, of those with convolutions."""
    timm = import_timm()
    found = {module: sorted(timm.list_models(module=module)) for module in timm.list_modules()}
    return {module: names for module, names in sorted(found.items()) if names and module not in NO_CONVOLUTIONS}


def sampled(all_families: Mapping[str, Sequence[str]], count: int) -> list[tuple[str, str]]:
    """Pairs of family and network, evenly over the families, and evenly over the sorted names of each."""
    quota = dict.fromkeys(all_families, 0)
    total = min(count, sum(map(len, all_families.values())))
    while sum(quota.values()) < total:
        for family, names in all_families.items():
            if quota[family] < len(names) and sum(quota.values()) < total:
                quota[family] += 1
    return [
        (family, names[(2 * number + 1) * len(names) // (2 * quota[family])])
        for family, names in all_families.items()
        for number in range(quota[family])
    ]


def counted(name: str) -> dict[str, Any]:
    """MACs of a network by PyTorch and by mbcost, or the reason why one of them has none."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    try:
        module = built(name)
    except UnknownNetworkError as error:
        return {"not_built": str(error)}
    sizes = (1, *module.pretrained_cfg["input_size"])
    found: dict[str, Any] = {"input": list(sizes)}
    try:
        spec = mbcost.from_torch(module, sizes)
        found["macs"] = count_macs(build_graph(spec))
        constant = _ON_CONSTANTS.search(" ".join(spec.notes))
        found["constant_macs"] = int(constant[1]) if constant else 0
    except InputError as error:
        messages = dict.fromkeys(f"{problem.code}: {problem.message}" for problem in error.problems)
        found["refused"] = shortened("; ".join(messages))
    device = next(module.parameters()).device
    module.requires_grad_(requires_grad=False)  # or the counter follows gradients of parameters that modules are given
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            module(torch.zeros(sizes, device=device))
    except Exception as error:  # noqa: BLE001  # the network's own code
        return found | {"not_run": shortened(f"{type(error).__name__}: {error}")}
    return found | {"counted": counter.get_total_flops() / 2}


def _child(name: str, results: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    try:
        found = counted(name)
    except MemoryError:
        found = {"died": "out of memory"}
    except Exception as error:  # noqa: BLE001  # a fault of mbcost, which the report shows
        found = {"failed": shortened(f"{type(error).__name__}: {error}")}
    results.send(found)


def tried(family: str, name: str) -> dict[str, Any]:
    """A network's line, from a process that may take MEMORY_LIMIT and TIME_LIMIT_S."""
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe(duplex=False)
    process = fork.Process(target=_child, args=(name, theirs))
    begun = time.monotonic()
    process.start()
    theirs.close()
    try:
        found = ours.recv() if ours.poll(TIME_LIMIT_S) else {"died": f"longer than {TIME_LIMIT_S:g} s"}
    except EOFError:
        found = {"died": "the process ended, as when memory runs out"}
    process.kill()
    process.join()
    return {"family": family, "name": name, **found, "seconds": round(time.monotonic() - begun, 1)}


def verdict(row: Mapping[str, Any]) -> tuple[str, str]:
    """Whether a network is `exact`, `different`, `refused`, or `untried` where PyTorch has no count, and the reason."""
    for key in ("refused", "failed"):
        if key in row:
            return "refused", row[key]
    for key in ("not_built", "not_run", "died"):
        if key in row:
            return "untried", row[key]
    ratio = (row["macs"] + row["constant_macs"]) / row["counted"]
    if abs(ratio - 1) <= TOLERANCE:
        return "exact", ""
    return "different", f"{row['macs']:,} MACs and {row['constant_macs']:,} on constants of {row['counted']:,.0f}"


def report(rows: Sequence[Mapping[str, Any]], in_timm: Mapping[str, Sequence[str]]) -> str:
    """The page."""
    timm = import_timm()
    import torch

    verdicts: dict[str, Counter[str]] = defaultdict(Counter)
    reasons = []
    for row in rows:
        result, reason = verdict(row)
        verdicts[row["family"]][result] += 1
        if result != "exact":
            reasons.append(f"| `{row['name']}` | {result} | {reason.replace('|', '/')} |")
    total = sum(verdicts.values(), Counter())
    tried_of = total.total() - total["untried"]
    with_constants = sum(1 for row in rows if row.get("constant_macs") and verdict(row)[0] == "exact")
    everything = sum(map(len, in_timm.values()))
    made = (
        f"Made by `python benchmarks/timm_imports.py` (timm {timm.__version__}, PyTorch {torch.__version__}, mbcost "
        f"{mbcost.__version__}). {len(rows)} of timm's {everything:,} convolutional and hybrid networks, from "
        f"{len(verdicts)} of {len(in_timm)} families, at their default sizes. {total['exact']} of the {tried_of} that "
        f"PyTorch runs ({total['exact'] / tried_of:.1%}) have MACs within {TOLERANCE:g} of half of FlopCounterMode's "
        f"FLOPs under `SDPBackend.MATH`, {total['different']} differ, {total['refused']} are refused. In "
        f"{with_constants} of the exact ones, mbcost leaves out products of constants, which a run repeats, and its "
        f"note says how many; they are added here. {total['untried']} more have no count to compare with: PyTorch "
        f"does not build or run them within {MEMORY_LIMIT // 2**30} GB and {TIME_LIMIT_S:g} s."
    )
    lines = [
        "# timm's networks, imported from PyTorch",
        "",
        made,
        "",
        "Not tried, as neither convolutional nor hybrid: " + ", ".join(sorted(NO_CONVOLUTIONS)) + ".",
        "",
        "## Those that are not exact",
        "",
        "| network | | reason |",
        "|---|---|---|",
        *(reasons or ["| none | | |"]),
        "",
        "## Families",
        "",
        "| family | in timm | tried | exact | different | refused | no count |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for family, found in sorted(verdicts.items()):
        cells = [found[key] for key in ("exact", "different", "refused", "untried")]
        lines.append(f"| {family} | {len(in_timm[family])} | {found.total()} | " + " | ".join(map(str, cells)) + " |")
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, required=True, help="one line of JSON a network, kept and continued")
    parser.add_argument("--sample", type=int, default=10**6, help="so many networks, evenly over the families")
    parser.add_argument("--again", action="store_true", help="try those again that were not exact")
    parser.add_argument("--markdown", type=Path)
    options = parser.parse_args()

    in_timm = families()
    chosen = sampled(in_timm, options.sample)
    lines = options.results.read_text().splitlines() if options.results.is_file() else []
    known = {row["name"]: row for row in map(json.loads, lines)}
    if options.again:
        known = {name: row for name, row in known.items() if verdict(row)[0] == "exact"}
    with options.results.open("a") as stream:
        for family, name in chosen:
            if name not in known:
                known[name] = tried(family, name)
                print(json.dumps(known[name]), file=stream, flush=True)
                print(name, *verdict(known[name]), f"{known[name]['seconds']} s", file=sys.stderr, flush=True)
    if options.markdown:
        write_text(options.markdown, report(sorted(known.values(), key=lambda row: row["name"]), in_timm), force=True)


if __name__ == "__main__":
    main()

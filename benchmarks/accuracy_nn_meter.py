"""The nn-Meter bench's section of the accuracy report, from the results that `nn_meter_report.py` wrote."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

REPORTS: Final = Path(__file__).parent.parent / "reports"

#: What nn-Meter (MobiSys 2021) states of its own predictors: share of whole networks within 10 %.
PUBLISHED: Final = {
    "cortexA76cpu_tflite21": 0.990,
    "adreno640gpu_tflite21": 0.991,
    "adreno630gpu_tflite21": 0.990,
    "myriadvpu_openvino2019r2": 0.834,
}
_ABOUT: Final = (
    "Whole networks of the part of the nn-Meter bench (Zhang et al., MobiSys 2021) that is at hand. Rates are",
    "calibrated on the latencies of N whole networks and on nothing else; every figure is about networks that the",
    "calibration did not see, the mean of five random draws. nn-Meter's own predictors, to compare with, are random",
    "forests a kernel, trained on about 57,000 kernel runs a device. Made again by",
    "`python benchmarks/nn_meter_report.py --data DIR` and `python benchmarks/accuracy.py --write`.",
    "",
    "- S: N random networks, tested on all others.",
    "- L: one family left out, N networks of the others, tested on it; the mean of all families.",
    "- H: all inverted-residual families (MnasNet, MobileNet V2 and V3, ProxylessNAS) left out together.",
    "- D: as S, with the N networks chosen D-optimally among 500 random ones before anything is measured.",
)
_WORDS: Final = (
    "hit5 and hit10: share within 5 and 10 %; error: mean absolute error; bias: mean of predicted / measured - 1;",
    "worst draw: the least hit10 of the five; coverage: share of latencies within the 90 % interval; half width: its",
    "mean width to one side. Priors are the rates of the runtime's rules file, scaled by the facts of the device.",
    "Where those were fitted on the very device (`fitted_on` in the file), N = 0 is no prediction of something unseen,",
    "and small N profit from it; from N = 100 on, the latencies decide.",
)
_FAMILY: Final = (
    "family",
    "networks",
    *(f"{p}: {name}" for p in "SL" for name in ("hit10", "error", "bias", "coverage")),
)
_RUNS: Final = ("protocol", "N", "hit5", "hit10", "worst draw", "error", "Kendall tau", "coverage", "half width")
_TERM: Final = ("term", "rate", "x prior", "uncertainty", "decided by", "share of time", "bias there", "error there")


def section() -> list[str]:
    """The lines of the section."""
    paths = sorted((REPORTS / "nn_meter").glob("*.json"))
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    lines = ["## Whole networks of the nn-Meter bench", "", *_ABOUT, "", *_overview(reports), "", *_WORDS]
    for report in reports:
        lines += ["", *_device(report)]
    for path in sorted((REPORTS / "ablations").glob("*.csv")):
        lines += ["", *_ablations(path)]
    return lines


def _overview(reports: Iterable[Mapping[str, Any]]) -> list[str]:
    lines = [
        "| device | parameters | S, N = 100: hit10 / hit5 | L, N = 100 | coverage S / L | hit10 of nn-Meter |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for report in reports:
        s, left_out = (_entry(report, protocol, 100) for protocol in ("S", "L"))
        published = PUBLISHED.get(report["device"])
        lines.append(
            f"| {report['device']} | {s['parameters']} | {s['hit10']:.1%} / {s['hit5']:.1%} "
            f"| {left_out['hit10']:.1%} / {left_out['hit5']:.1%} "
            f"| {s['coverage90']:.1%} / {left_out['coverage90']:.1%} "
            f"| {'' if published is None else f'{published:.1%}'} |"
        )
    return lines


def _entry(report: Mapping[str, Any], protocol: str, number: int) -> dict[str, Any]:
    found: dict[str, Any] = next(
        entry for entry in report["results"] if (entry["protocol"], entry["calibrate_on"]) == (protocol, number)
    )
    return found


def _device(report: Mapping[str, Any]) -> list[str]:
    s = _entry(report, "S", 100)
    return [
        f"### {report['device']}",
        "",
        f"{s['networks']} networks, target {report['target']}, form: {report['form']}.",
        *_ceiling(report["repeated"]),
        "",
        *_learning(report["results"]),
        "",
        *_families(s["families"], _entry(report, "L", 100)["families"]),
        "",
        *_ladder(report, s),
        "",
        *_terms(report, s["terms"]),
    ]


def _header(names: Iterable[str], text_columns: int = 1) -> list[str]:
    names = list(names)
    rules = ["---"] * text_columns + ["--:"] * (len(names) - text_columns)
    return [f"| {' | '.join(names)} |", f"|{'|'.join(rules)}|"]


def _ceiling(repeated: Mapping[str, float]) -> list[str]:
    """What no model can beat."""
    if not repeated["pairs"]:
        return []
    hits = f"within 10 % in {repeated['hit10']:.1%}, within 5 % in {repeated['hit5']:.1%} of {repeated['pairs']} pairs"
    return [f"Two measurements of one network agree {hits}."]


def _learning(results: Iterable[Mapping[str, Any]]) -> list[str]:
    """All protocols, over the number of networks to calibrate on."""
    rows = [
        f"| {entry['protocol']} | {entry['calibrate_on']} | {entry['hit5']:.1%} | {entry['hit10']:.1%} "
        f"| {entry['worst_hit10']:.1%} | {entry['mape']:.1%} | {entry['kendall_tau']:.3f} "
        f"| {entry['coverage90']:.1%} | {entry['interval']:.1%} |"
        for entry in results
    ]
    return [*_header(_RUNS), *rows]


def _families(seen: Mapping[str, Any], unseen: Mapping[str, Any]) -> list[str]:
    """By family with N = 100: when the calibration holds networks of it, and when it does not."""
    rows = [
        f"| {name} | {left_out['networks']} | {_family(seen.get(name))} | {_family(left_out)} |"
        for name, left_out in unseen.items()
    ]
    return [*_header(_FAMILY), *rows]


def _family(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return " | | | "
    return f"{one['hit10']:.1%} | {one['mape']:.1%} | {one['bias']:+.1%} | {one['coverage90']:.1%}"


def _ladder(report: Mapping[str, Any], final: Mapping[str, Any]) -> list[str]:
    """Simpler models fitted to the same networks, and the form without one of its terms."""
    left_out = _entry(report, "L", 100)
    whole = {f"{protocol}_{name}": entry[name] for protocol, entry in (("S", final), ("L", left_out))
             for name in ("hit10", "hit5", "mape")}  # fmt: skip
    rows = [(rung["name"], rung["parameters"], rung) for rung in report["ladder"]]
    rows.append(("**the form**", final["parameters"], whole))
    rows += [(f"the form without {entry['term']}", final["parameters"] - 1, entry) for entry in report["without"]]
    return [
        *_header(("model, N = 100", "parameters", "S: hit10 / hit5", "error", "L: hit10 / hit5", "error")),
        *(
            f"| {name} | {parameters} | {one['S_hit10']:.1%} / {one['S_hit5']:.1%} | {one['S_mape']:.1%} "
            f"| {one['L_hit10']:.1%} / {one['L_hit5']:.1%} | {one['L_mape']:.1%} |"
            for name, parameters, one in rows
        ),
    ]


def _terms(report: Mapping[str, Any], terms: Mapping[str, Any]) -> list[str]:
    """The rates fitted to all networks, and the held-out errors of networks weighted by each term's share."""
    lines = _header(_TERM, 2)
    for rate in report["parameters"]:
        term = terms[rate["term"]]
        ratio = f"{rate['seconds'] / rate['prior']:.2f}" if rate["prior"] else ""
        lines.append(
            f"| {rate['term']} | {rate['reading']} | {ratio} | {rate['uncertainty']:.0%} | {rate['state']} "
            f"| {term['share']:.1%} | {term['bias']:+.1%} | {term['mape']:.1%} |"
        )
    return lines


def _ablations(path: Path) -> list[str]:
    """What was tried, from a CSV file with the columns change, hit10, hit5, mape and note."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [
        f"### What was tried and dropped: {path.stem}",
        "",
        "| change | within 10 % | within 5 % | mean abs. error | note |",
        "|---|--:|--:|--:|---|",
        *(
            f"| {row['change']} | {_percent(row['hit10'])} | {_percent(row['hit5'])} | {_percent(row['mape'])} "
            f"| {row['note']} |"
            for row in rows
        ),
    ]


def _percent(text: str) -> str:
    return f"{float(text):.1%}" if text.strip() else ""

"""Networks beside their frameworks, to the MAC and to the parameter: `benchmarks/published_counts.csv`.

Each row says in which framework the network was counted: PyTorch modules by FlopCounterMode halved (attention as its
products, SDPBackend.MATH), model files by their layers. What papers print is rounded, and often counts something else:
a printed figure is reached in its own digits, or the row says why not.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import mbcost
from mbcost.architectures.scaling import read_resolution
from mbcost.graph import ParamsConvention, build_graph, count_macs, count_params
from tests.pages import ROOT

COUNTS = ROOT / "benchmarks" / "published_counts.csv"


def counts() -> list[dict[str, str]]:
    with Path(COUNTS).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("row", counts(), ids=lambda row: f"{row['architecture']}-{row['alpha']}-{row['resolution']}")
def test_equal_to_the_framework(row: dict[str, str]) -> None:
    size = read_resolution(row["resolution"])
    graph = build_graph(mbcost.load(row["architecture"]), alpha=float(row["alpha"]), resolution=size)
    convention = ParamsConvention(row["convention"])  # type: ignore[arg-type]
    assert (count_macs(graph), count_params(graph, convention)) == (int(row["macs"]), int(row["params"]))
    assert row["counted_in"]


def test_visual_wake_words() -> None:
    """MLPerf Tiny's MobileNet V1, alpha 0.25 at 96 pixels: mlcommons/tiny at 1afd2c98, vww_96_float.tflite."""
    graph = build_graph(mbcost.load("mobilenet_v1"), alpha=0.25, resolution=96, options={"classes": 2})
    assert (count_macs(graph), count_params(graph, ParamsConvention("folded"))) == (7_489_664, 210_850)


@pytest.mark.parametrize("row", [row for row in counts() if row["printed_in"]], ids=lambda row: row["architecture"])
@pytest.mark.parametrize("what", ["macs", "params"])
def test_printed_or_explained(row: dict[str, str], what: str) -> None:
    """A printed figure is the count rounded to its digits, or cut off at them; another one is explained."""
    printed = row[f"printed_{what}"]
    if not printed:
        return
    number, unit = float(printed[:-1]), {"k": 1e3, "M": 1e6, "G": 1e9}[printed[-1]]
    last_digit = unit / 10 ** len(printed[:-1].partition(".")[2])
    reached = -0.5001 <= (int(row[what]) - number * unit) / last_digit < 1
    assert reached or row["difference"], (printed, row[what])


def test_the_report_is_what_its_command_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import published_counts

    assert published_counts.REPORT.read_text(encoding="utf-8") == published_counts.table()

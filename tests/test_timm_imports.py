"""Which of timm's networks are drawn, and when their count is called exact."""

from __future__ import annotations

import importlib
import sys

import pytest

from tests.pages import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
timm_imports = importlib.import_module("timm_imports")


def test_drawn_evenly_over_the_families() -> None:
    """Of a family of 1 that one; of a family of 9 the middle ones of its three thirds."""
    families = {"a": ["a1"], "b": [f"b{number}" for number in range(9)]}
    assert timm_imports.sampled(families, 4) == [("a", "a1"), ("b", "b1"), ("b", "b4"), ("b", "b7")]
    assert len(timm_imports.sampled(families, 1000)) == 10


@pytest.mark.parametrize(
    ("row", "result"),
    [
        ({"macs": 1_000_000, "constant_macs": 0, "counted": 1_000_500.0}, "exact"),
        ({"macs": 1_000_000, "constant_macs": 0, "counted": 1_001_000.0}, "different"),
        ({"macs": 900_000, "constant_macs": 100_000, "counted": 1_000_000.0}, "exact"),
        ({"refused": "MB501", "counted": 1.0}, "refused"),
        ({"failed": "KeyError"}, "refused"),
        ({"macs": 1, "constant_macs": 0, "not_run": "RuntimeError"}, "untried"),
        ({"died": "longer than 120 s"}, "untried"),
    ],
)
def test_verdict(row: dict[str, object], result: str) -> None:
    assert timm_imports.verdict(row)[0] == result

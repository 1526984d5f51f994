"""Frame rates of MobileNet V1 and V2 on Apple GPUs (M. Hollemans, machinethink.net, 2018) beside device facts."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.parametrize(
    ("device", "v1", "v2"), [("iphone_7", 118, 145), ("iphone_x", 162, 233), ("ipad_pro_10_5", 204, 220)]
)
def test_the_ratio_of_v2_to_v1_needs_traffic(
    device: str, v1: float, v2: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within 15 % from arithmetic and traffic; MACs alone promise 1.9 times the rate."""
    monkeypatch.syspath_prepend(str(FOLDER))
    found = importlib.import_module("apple_frame_rates").predict(f"{device}/gpu")
    assert found.additive[0] / found.additive[1] == pytest.approx(v2 / v1, rel=0.15)
    assert found.macs[0] / found.macs[1] > 1.25 * v2 / v1

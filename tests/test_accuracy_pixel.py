"""What the accuracy report says about the Pixel phones, held against the aims that were set beforehand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy")
BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.exists(), reason="only in a checkout")


@pytest.fixture
def pixel(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import accuracy_pixel  # type: ignore[import-not-found]

    return accuracy_pixel


def errors(rows: Any) -> list[float]:
    """The mean absolute error of Markdown rows [%]."""
    return [float(row.split("|")[5].strip().removesuffix("%")) for row in rows]


@pytest.mark.parametrize(
    ("target", "file", "network"),
    [
        ("pixel1/cpu@tflite-2018", "pixel1_tflite_2018.csv", "mobilenet_v2"),
        ("pixel1/cpu@tflite-2018", "pixel1_tflite_2018.csv", "mobilenet_v1"),
        ("pixel2/cpu@tflite-2018", "pixel2_tflite_2018.csv", "mobilenet_v1"),
    ],
)
def test_unseen_rows_unseen_widths_and_six_rows_are_within_four_per_cent(
    pixel: Any, target: str, file: str, network: str
) -> None:
    table = pixel.read_table(target, "fp32", file)
    assert all(error < 4 for error in errors(pixel.held_out(table, network)))


def test_six_rows_are_chosen_without_their_latencies(pixel: Any) -> None:
    table = pixel.read_table("pixel1/cpu@tflite-2018", "fp32", "pixel1_tflite_2018.csv")
    chosen = table.chosen("mobilenet_v2")
    other = table._replace(work=table.work._replace(measured_s=table.work.measured_s[::-1]))
    assert (pixel.informative(table, chosen, 6) == pixel.informative(other, chosen, 6)).all()
    assert pixel.informative(table, chosen, 6).sum() == 6


def test_operators_of_a_network_that_was_not_fitted(pixel: Any) -> None:
    """76 operators of ProxylessNAS-Mobile (the 77th, a reshape, takes 2 us): order, share of each class."""
    profile = pixel.timed_kernels("pixel1_proxylessnas_operators.csv", pixel.resolve_target("pixel1"))
    assert pixel.kendall_tau(profile.predicted, profile.measured) >= 0.75
    kinds = np.array([pixel.kind_of(row) for row in profile.rows])
    for kind in set(kinds):
        shares = [times[kinds == kind].sum() / times.sum() for times in (profile.predicted, profile.measured)]
        assert shares[0] == pytest.approx(shares[1], abs=0.05)


def test_kendall_tau_by_hand(pixel: Any) -> None:
    """Of the six pairs of 1, 2, 3, 4 and 1, 3, 2, 4, five agree and one does not: (5 - 1) / 6."""
    assert pixel.kendall_tau([1, 2, 3, 4], [1, 3, 2, 4]) == pytest.approx(4 / 6)

"""Networks of which a part is a lower bound: the interval's upper end and a caveat say so."""

from __future__ import annotations

from pathlib import Path

import pytest

import mbcost
from mbcost.prediction import UNKNOWN_FACTOR
from tests.importers.onnx.models import Net

CONV = "  - {op: conv2d 3x3, out: 8}\n"


def analysis_of(folder: Path, rows: str, device: str = "pixel4") -> mbcost.Analysis:
    path = folder / "net.yaml"
    path.write_text(f"name: net\nsource: a test\ninput: 16x16x8\nlayers:\n{rows}", encoding="utf-8")
    return mbcost.analyze(path, device, calibration=False)


def test_an_unknown_operator_widens_the_interval_and_a_known_one_does_not(tmp_path: Path) -> None:
    known = analysis_of(tmp_path, CONV + "  - {op: opaque, shape: [16, 16, 8], known: true}\n")
    unknown = analysis_of(tmp_path, CONV + "  - {op: opaque, shape: [16, 16, 8]}\n")
    assert unknown.latency_s == known.latency_s
    assert unknown.latency_low_s == known.latency_low_s
    (_, row) = unknown.layers
    assert unknown.latency_high_s - known.latency_high_s == pytest.approx(
        (UNKNOWN_FACTOR - 1) * row.latency_s, rel=1e-9
    )
    assert not any("not known" in text for text in known.warnings)
    (text,) = (text for text in unknown.warnings if "not known" in text)
    assert f"allows {UNKNOWN_FACTOR:g} times that" in text


def test_steps_of_a_recurrent_layer_are_a_lower_bound(tmp_path: Path) -> None:
    """Of 16 x 16 steps each takes at most as long as all at once: 255 times more than what is predicted."""
    plain = analysis_of(tmp_path, "  - {op: dense, out: 8}\n")
    steps = analysis_of(tmp_path, "  - {op: dense, out: 8, sequential: true}\n")
    assert steps.latency_s == plain.latency_s
    (row,) = steps.layers
    assert steps.latency_high_s - plain.latency_high_s == pytest.approx(255 * row.latency_s, rel=1e-9)
    assert any("1 layer is recurrent: up to 256 steps" in text for text in steps.to_dict()["warnings"])


def test_an_operator_that_selects_is_known(tmp_path: Path) -> None:
    net = Net()
    x = net.node("Flatten", net.node("Conv", "x", net.weight((8, 8, 1, 1))))
    top = net.node("TopK", x, net.numbers([5]), outputs=2)
    warnings = mbcost.analyze(net.save(tmp_path, top), "pixel4").warnings
    assert not any("not known" in text for text in warnings)
    assert any("Charged by their traffic alone: TopK" in text for text in warnings)


def test_an_lstm_of_a_file_is_a_lower_bound(tmp_path: Path) -> None:
    """7 steps of an LSTM of 5 cells: 4 x 5 rows of weights."""
    net = Net()
    lstm = net.node("LSTM", "x", net.weight((1, 20, 8)), net.weight((1, 20, 5)), hidden_size=5)
    path = net.save(tmp_path, lstm, (7, 1, 8))
    found = mbcost.analyze(path, "pixel4")
    assert any("up to 7 steps" in text for text in found.warnings)
    written = tmp_path / "net.yaml"
    mbcost.convert(path, written)
    again = mbcost.analyze(written, "pixel4")
    assert (again.latency_s, again.latency_high_s) == (found.latency_s, found.latency_high_s)

"""The ceiling of frames a second of a Hailo-10H: 3,704, the most of its table (Hailo Model Zoo, batch 1)."""

from __future__ import annotations

import pytest

import mbcost
from mbcost.architectures.loader import read_architecture
from mbcost.files import parse_yaml
from mbcost.report.rows.physical import throughput_line

TABLE = "name: x\nsource: hand\ninput: 16x16x8\nlayers: [{op: conv2d 3x3, out: 8}]\n"


def test_the_ceiling_shows_in_the_screen_and_the_json() -> None:
    analysis = mbcost.analyze("mobilenet_v2", "hailo_10h")
    assert analysis.most_frames_per_s == pytest.approx(3704, abs=1)
    assert throughput_line(analysis).endswith("frames/s (its host: at most 3,704)")
    assert analysis.to_dict()["most_frames_per_s"] == pytest.approx(1 / 0.27e-3)


@pytest.mark.parametrize("batch", [1, 8])
def test_a_faster_prediction_is_said_to_be_bound_by_the_host(batch: int) -> None:
    small = mbcost.analyze(read_architecture(parse_yaml(TABLE, "table")), "hailo_10h", batch=batch)
    assert small.frames_per_s > 3704
    (said,) = [text for text in small.warnings if "bound by the host" in text]
    assert "at most 3,704 frames/s (0.27 ms a frame, measured)" in said
    large = mbcost.analyze("resnet50", "hailo_10h", batch=batch)  # 1,000 frames/s at most
    assert not any("bound by the host" in text for text in large.warnings)


@pytest.mark.parametrize("device", ["hailo_8", "hailo_15", "pixel4"])
def test_no_ceiling_without_a_measured_one(device: str) -> None:
    """Hailo-8 has up to 11,321 frames a second, Hailo-15H 10,185."""
    analysis = mbcost.analyze("mobilenet_v2", device)
    assert analysis.most_frames_per_s is None
    assert throughput_line(analysis).endswith(" frames/s")
    assert "most_frames_per_s" not in analysis.to_dict()

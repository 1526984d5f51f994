"""Forced im2col on hardware that convolves without: hand arithmetic on its buffers and their time."""

from __future__ import annotations

import json
import re

import pytest

import mbcost
from mbcost.__main__ import main
from mbcost.errors import InputError

#: Elements that the windows of ResNet-18's convolutions read: 7x7x3, then four stages with a 1x1 stride 2 beside three.
RESNET18 = (
    49 * 3 * 112 * 112
    + 4 * 9 * 64 * 56 * 56
    + (9 * 64 + 3 * 9 * 128 + 64) * 28 * 28
    + (9 * 128 + 3 * 9 * 256 + 128) * 14 * 14
    + (9 * 256 + 3 * 9 * 512 + 256) * 7 * 7
)


@pytest.mark.parametrize(
    ("target", "bytes_per_s"),
    [  # where the buffer goes: memory, SRAM, the link to the host's memory, memory; int8
        ("zcu102", 19.2e9),
        ("ethos_u55_256", 4e9),
        ("edge_tpu", 5e9 / 8),
        ("zc706", 12.8e9),
    ],
)
def test_buffers_are_written_and_read_back(target: str, bytes_per_s: float) -> None:
    direct = mbcost.analyze("resnet18", target)
    assert direct.totals.im2col_bytes == 0
    assert sum(layer.lowering_s for layer in direct.layers) == 0
    forced = mbcost.analyze("resnet18", target, lowering="im2col")
    assert forced.totals.im2col_bytes == RESNET18
    lowering_s = sum(layer.lowering_s for layer in forced.layers)
    assert lowering_s == pytest.approx(2 * RESNET18 / bytes_per_s, rel=1e-3)
    assert forced.latency_s >= lowering_s
    assert any("im2col was asked for: 20 convolutions lowered, " in warning for warning in forced.warnings)


@pytest.mark.parametrize("target", ["zcu102", "ethos_u55_256", "edge_tpu", "pixel1/cpu@xnnpack-2020"])
def test_wide_convolutions_only_lose(target: str) -> None:
    """VGG-16's channels fill every array as they are but in the first layer: lowering adds, and gains nothing."""
    direct, forced = (mbcost.analyze("vgg16", target, lowering=lowering) for lowering in ("auto", "im2col"))
    for before, after in zip(direct.layers[2:], forced.layers[2:], strict=True):
        assert after.latency_s >= before.latency_s * 0.999
    assert forced.latency_s > direct.latency_s


def test_pointwise_and_depthwise_layers_stay_as_they_are() -> None:
    direct, forced = (
        mbcost.analyze("mobilenet_v2", "ethos_u55_256", lowering=lowering) for lowering in ("auto", "im2col")
    )
    lowered = [layer.name for layer in forced.layers if layer.im2col_bytes]
    assert lowered == ["conv2d_1"]
    assert forced.totals.im2col_bytes == 9 * 3 * 112 * 112
    assert [layer.latency_s for layer in direct.layers[3:]] == [layer.latency_s for layer in forced.layers[3:]]


def test_runtimes_that_lower_anyway_do_not_change() -> None:
    direct, forced = (mbcost.analyze("resnet18", "pixel1", lowering=lowering) for lowering in ("auto", "im2col"))
    assert direct.latency_s == forced.latency_s
    assert forced.totals.im2col_bytes > 0


def test_forms_without_lowered_convolutions_refuse() -> None:
    with pytest.raises(InputError, match="MB010"):
        mbcost.analyze("resnet18", "pixel4/gpu", lowering="im2col")


def test_the_command_shows_the_overhead(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("analyze", "resnet18", "--device", "zcu102", "--lowering", "im2col")) == 0
    screen = capsys.readouterr().out
    assert re.search(r"lowering +14\.0 MiB by im2col, 1\.53 ms", screen)  # 2 x 14.7 MB at 19.2 GB/s
    assert main(("analyze", "resnet18", "--device", "zcu102", "--lowering", "im2col", "--format", "json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["target"]["lowering"] == "im2col"
    assert found["totals"]["im2col_bytes"] == RESNET18

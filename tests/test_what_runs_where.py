"""The table of what runs where: its rows add up, and the rules cut the networks as the delegates' sources say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import mbcost

ROOT = Path(__file__).parents[1]


@pytest.fixture(name="share_of", scope="module")
def _share_of():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        from what_runs_where import share_of
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))
    return share_of


def test_vgg16_is_the_gpus_as_a_whole(share_of) -> None:
    """Its parsers are all there: CONV_2D, MAX_POOL_2D, RESHAPE, FULLY_CONNECTED of one row, SOFTMAX."""
    share = share_of("vgg16", "pixel4/gpu", "fp16")
    assert (share.hosted, share.parts, share.copied_mb, share.hosted_ms) == (0, 1, 0, 0)
    assert share.own == 22  # 13 convolutions, 5 poolings, 3 dense layers, a softmax


def test_convnext_is_cut_at_each_of_its_blocks(share_of) -> None:
    """18 blocks of a depthwise convolution, a norm, and two dense layers over pixels with a GELU between them."""
    share = share_of("convnext_tiny", "pixel4/gpu", "fp16")
    assert share.parts == 1
    assert share.operators == {"dense": 36, "gelu": 18}
    analysis = mbcost.analyze("convnext_tiny", "pixel4/gpu", precision="fp16")
    assert share.total_ms == pytest.approx(analysis.latency_s * 1e3, rel=1e-9)
    assert share.own + share.hosted == sum(kernel.kind != "view" for kernel in analysis.kernels)


def test_the_npu_takes_convnext_whole(share_of) -> None:
    """AI Hub, Galaxy S24, TFLite, float: 328 of 328 layers on the NPU."""
    share = share_of("convnext_tiny", "galaxy_s24/npu", "fp16")
    assert (share.hosted, share.parts) == (0, 1)

"""Scratch buffers by the formulas of CMSIS-NN@99f736a and TinyEngine@47bb283, worked by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

import mbcost
from mbcost.kernels import Kernel
from mbcost.memory.scratch import Extension, cmsis_nn_scratch, tflm_scratch, tinyengine_scratch, tinyengine_weights

TABLE = """
name: net
source: a test
input: {size}
layers:
  - {{op: {op}}}
"""


def kernel_of(folder: Path, op: str, size: str) -> Kernel:
    """The only kernel of a network of one layer."""
    path = folder / "net.yaml"
    path.write_text(TABLE.format(op=op, size=size), encoding="utf-8")
    (kernel,) = mbcost.analyze(path, "pixel4/cpu@tflite-2.10", precision="int8").kernels
    return kernel


@pytest.mark.parametrize(
    ("op", "size", "c", "dsp", "mve"),
    [
        # arm_convolve_s8_get_buffer_size: 3x3x3 = 27 columns, 28 as a multiple of 4; 2 columns of int16: 2 * 28 * 2.
        # MVE: 27 is 2 vectors of 16; 4 buffers: 4 * 2 * 16
        ("conv2d 3x3, out: 8, stride: 2", "96x96x3", 112, 112, 128),
        # 3x3x16 = 144, a multiple of 4 and of 16: 2 * 144 * 2; 4 * 144
        ("conv2d 3x3, out: 16", "32x32x16", 576, 576, 576),
        # arm_nn_is_convolve_1x1: no buffer at any stride
        ("conv2d 1x1, out: 16", "48x48x8", 0, 0, 0),
        ("conv2d 1x1, out: 16, stride: 2", "48x48x8", 0, 0, 0),
        # a map of one row, stride 1, 8 channels (8 % 4 == 0). C and DSP: 3 * 8 = 24 columns: 2 * 24 * 2.
        # MVE: pads 1 and 1, left 1 and right 1 of 20: max(3 * 8 + 1 * 8, 2 * 8 + 1 * 8) = 32
        ("conv2d 1x3, out: 4", "1x20x8", 96, 96, 32),
        # one row of 3 channels: (1 * 3) % 4 != 0, so as any other: 9 columns, 12: 2 * 12 * 2; 4 * 16
        ("conv2d 1x3, out: 4", "1x20x3", 48, 48, 64),
        # 3x3 with pads of at most 1: none, but 4 * CH_IN_BLOCK_MVE (124) * 9 for MVE
        ("depthwise_conv2d 3x3", "48x48x8", 0, 0, 4464),
        # 5x5: 8 * 25 int16 for DSP; none in plain C; 4 * 124 * 25
        ("depthwise_conv2d 5x5", "48x48x8", 0, 400, 12400),
        # dilated, or with more outputs than inputs: none
        ("depthwise_conv2d 3x3, dilation: 2", "48x48x8", 0, 0, 0),
        ("depthwise_conv2d 3x3, multiplier: 2", "48x48x8", 0, 0, 0),
        # one input channel: MVE computes a convolution of 9 columns, 4 * 16, and keeps its weights turned, 9 * 8
        ("depthwise_conv2d 3x3, multiplier: 8", "48x48x1", 0, 0, 64 + 72),
        # arm_fully_connected_s8: sums of 10 outputs in int32 for MVE
        ("dense, out: 10", "1x1x64", 0, 0, 40),
        # arm_avgpool_s8: sums of 64 channels in int32 for DSP
        ("avg_pool2d 2x2, stride: 2", "8x8x64", 0, 256, 0),
        ("max_pool2d 2x2, stride: 2", "8x8x64", 0, 0, 0),
        # TFLM's mean: sums of 64 outputs in int32, in all builds
        ("global_avg_pool", "8x8x64", 256, 256, 256),
    ],
)
def test_cmsis_nn(tmp_path: Path, op: str, size: str, c: int, dsp: int, mve: int) -> None:
    kernel = kernel_of(tmp_path, op, size)
    extensions: list[Extension] = ["c", "dsp", "mve"]
    assert [cmsis_nn_scratch(kernel, extension) for extension in extensions] == [c, dsp, mve]


def test_tflms_own_kernels(tmp_path: Path) -> None:
    assert tflm_scratch(kernel_of(tmp_path, "global_avg_pool", "8x8x64")) == 4 * 64
    assert tflm_scratch(kernel_of(tmp_path, "conv2d 3x3, out: 16", "32x32x16")) == 0


def test_tinyengine(tmp_path: Path) -> None:
    """get_sbuf_size: 2 columns of int16, or 2 padded maps; get_kbuf_size: weights in int16 of what is not 1x1."""
    convolution = kernel_of(tmp_path, "conv2d 3x3, out: 16, stride: 2", "64x64x3")
    assert (tinyengine_scratch(convolution), tinyengine_weights(convolution)) == (3 * 3 * 3 * 2 * 2, 9 * 3 * 16 * 2)
    pointwise = kernel_of(tmp_path, "conv2d 1x1, out: 16", "32x32x8")
    assert (tinyengine_scratch(pointwise), tinyengine_weights(pointwise)) == (8 * 2 * 2, 0)
    depthwise = kernel_of(tmp_path, "depthwise_conv2d 3x3", "32x32x48")
    assert (tinyengine_scratch(depthwise), tinyengine_weights(depthwise)) == (2 * 34 * 34, 0)

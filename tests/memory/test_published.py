"""RAM and flash against what runtimes' sources and makers print; docs/memory.md explains the differences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mbcost
from mbcost.analysis import Analysis
from mbcost.memory.plan import MemoryPlan

#: Any target whose kernels fuse batch norm and ReLU, as the converter of TFLite does.
TARGET = "pixel4/cpu@tflite-2.10"

#: tflite-micro@90b983c, tensorflow/lite/micro/testing/generate_test_models.py
TEST_CONV_MODEL = """
name: test_conv_model
source: tflite-micro
input: 16x16x1
layers:
  - {op: conv2d 3x3, out: 16, padding: valid, activation: relu, bias: true}
  - {op: conv2d 3x3, out: 32, padding: valid, activation: relu, bias: true}
  - {op: max_pool2d 2x2, stride: 2}
  - {op: flatten}
  - {op: dense, out: 10, bias: true}
"""
#: mlcommons/tiny, benchmark/training/keyword_spotting/keras_model.py
DS_CNN = """
name: ds_cnn
source: MLPerf Tiny
input: 49x10x1
layers:
  - {op: "conv2d 10x4", out: 64, stride: 2, bias: true, activation: relu}
  - {op: depthwise_conv2d 3x3, bias: true, activation: relu}
  - {op: conv2d 1x1, out: 64, bias: true, activation: relu}
  - {op: depthwise_conv2d 3x3, bias: true, activation: relu}
  - {op: conv2d 1x1, out: 64, bias: true, activation: relu}
  - {op: global_avg_pool}
  - {op: dense, out: 12, bias: true}
  - {op: softmax}
"""
#: mlcommons/tiny, benchmark/training/image_classification/keras_model.py: the first of three stacks
RESNET_8_STACK = """
name: resnet_8_stack
source: MLPerf Tiny
input: 32x32x3
layers:
  - {name: stem, op: conv2d 3x3, out: 16, bias: true, activation: relu}
  - {op: conv2d 3x3, out: 16, bias: true, activation: relu}
  - {name: main, op: conv2d 3x3, out: 16, bias: true}
  - {op: add, inputs: [main, stem/relu], activation: relu}
  - {op: conv2d 3x3, out: 32, stride: 2, bias: true, activation: relu}
  - {op: global_avg_pool}
  - {op: dense, out: 10, bias: true}
"""
#: mlcommons/tiny, benchmark/training/anomaly_detection/keras_model.py: both ends of the autoencoder
AUTOENCODER_ENDS = """
name: autoencoder_ends
source: MLPerf Tiny
input: 1x1x640
layers:
  - {op: dense, out: 128, bias: true, activation: relu}
  - {op: dense, out: 8, bias: true, activation: relu}
  - {op: dense, out: 128, bias: true, activation: relu}
  - {op: dense, out: 640, bias: true}
"""
#: Strides and output channels of MobileNet V1's separable convolutions at alpha 0.25 (Howard et al. 2017, table 1).
SEPARABLE = [(1, 16), (2, 32), (1, 32), (2, 64), (1, 64), (2, 128), *[(1, 128)] * 5, (2, 256), (1, 256)]


def person_detection() -> str:
    """MobileNet V1 0.25 on grey images of 96x96, with the convolution to 2 classes that TFLM's example has."""
    rows = ["{op: conv2d 3x3, out: 8, stride: 2, bias: true, activation: relu6}"]
    for stride, out in SEPARABLE:
        rows.append(f"{{op: depthwise_conv2d 3x3, stride: {stride}, bias: true, activation: relu6}}")
        rows.append(f"{{op: conv2d 1x1, out: {out}, bias: true, activation: relu6}}")
    rows += ["{op: avg_pool2d 3x3, stride: 2, padding: valid}", "{op: conv2d 1x1, out: 2, bias: true}", "{op: flatten}"]
    layers = "\n".join(f"  - {row}" for row in [*rows, "{op: softmax}"])
    return f"name: person_detection\nsource: tflite-micro\ninput: 96x96x1\nlayers:\n{layers}\n"


def planned(network: Any, planner: str, **how: Any) -> MemoryPlan:
    return analyzed(network, **how).plan_memory(planner)


def analyzed(network: Any, **how: Any) -> Analysis:
    result = mbcost.analyze(network, TARGET, precision="int8", **how)
    assert isinstance(result, Analysis)
    return result


def written(folder: Path, text: str) -> Path:
    path = folder / "net.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_tflms_test_model(tmp_path: Path) -> None:
    """memory_arena_threshold_test.cc, kTestConvModelHeadSize: 7744 = 14 * 14 * 16 + 12 * 12 * 32."""
    plan = planned(written(tmp_path, TEST_CONV_MODEL), "tflm")
    assert plan.arena.size == 7744 == plan.arena.lower_bound


def test_tflms_person_detection(tmp_path: Path) -> None:
    """36864 + 18432: the first pointwise convolution, 48x48x8 to 48x48x16, both of one byte."""
    plan = planned(written(tmp_path, person_detection()), "tflm")
    assert plan.arena.size == 48 * 48 * 8 + 48 * 48 * 16


@pytest.mark.parametrize(
    ("text", "arena", "allowed"),
    [
        # 25x5x64 in and out of a depthwise convolution; mlcommons/tiny, keyword_spotting: 200 * 1024
        (DS_CNN, 2 * 25 * 5 * 64, 200 * 1024),
        # the input of a residual block, and in and out of its second convolution; image_classification: 100 * 1024
        (RESNET_8_STACK, 3 * 32 * 32 * 16, 100 * 1024),
        # the input and the first layer's output; anomaly_detection: 10 * 1024
        (AUTOENCODER_ENDS, 640 + 128, 10 * 1024),
    ],
)
def test_mlperf_tiny(tmp_path: Path, text: str, arena: int, allowed: int) -> None:
    """By hand, and below ``kTensorArenaSize`` of mlcommons/tiny, benchmark/reference_submissions."""
    plan = planned(written(tmp_path, text), "tflm")
    assert plan.arena.size == arena
    assert plan.ram_bytes < allowed


def test_mlperf_tiny_visual_wake_words() -> None:
    """``kTensorArenaSize`` of person_detection is 200 * 1024.

    The arena is larger than the most that is alive at once, 48x48x8 and 48x48x16: of the three buffers of 18432 the
    last is placed first, at 36864, so that the first finds no gap above the input's 27648 and lies behind it.
    """
    plan = planned("mobilenet_v1", "tflm", alpha=0.25, resolution=96, options={"classes": 2})
    assert plan.arena.lower_bound == 48 * 48 * (8 + 16)
    assert plan.arena.size == 36864 + 2 * 18432
    assert plan.peak_layer == "conv2d_1"
    assert plan.ram_bytes < 200 * 1024


@pytest.mark.parametrize(
    ("network", "needs"),
    [
        ("mobilenet_v1", 1_204_224),
        ("mobilenet_v2", 1_505_280),
        ("mobilenet_v3_large", 1_003_520),
        ("efficientnet_lite0", 1_505_280),
    ],
)
def test_another_tool(network: str, needs: int) -> None:
    """petewarden/ml_memory_analyser@0e7eee2, README, RAM required: of TFLite's published files, at 224x224."""
    arena = planned(network, "tflm").arena
    assert arena.size == arena.lower_bound == needs


def test_tinyengine() -> None:
    """tinyengine@47bb283, README, peak memory of mbv2-w0.3-r64: 61 kB.

    By hand: 32x32x8 and the expanded 32x32x48 at once, the depthwise convolution in place; 2 padded maps of 34x34 and
    the first convolution's weights in int16.
    """
    plan = planned("mobilenet_v2", "tinyengine", alpha=0.3, resolution=64)
    assert plan.ram_bytes == 32 * 32 * 8 + 32 * 32 * 48 + 2 * 34 * 34 + 2 * 9 * 3 * 16
    assert round(plan.ram_bytes / 1e3) == 61


def test_in_place_depthwise(tmp_path: Path) -> None:
    """Lin et al. 2020 (MCUNet, arXiv:2007.10319), section 3.2: in place, a depthwise convolution needs (N + 1) H W
    instead of 2 N H W; TinyEngine's buffer is two padded maps in place of the one."""
    text = "name: net\nsource: a test\ninput: 16x16x24\nlayers:\n  - {op: conv2d 1x1, out: 40}\n"
    text += "  - {op: depthwise_conv2d 3x3}\n  - {op: depthwise_conv2d 3x3, stride: 2}\n  - {op: conv2d 1x1, out: 8}\n"
    path = written(tmp_path, text)
    assert planned(path, "tflm").arena.size == 2 * 40 * 16 * 16
    plan = planned(path, "tinyengine")
    scratch = 2 * 18 * 18
    assert plan.scratch_bytes == scratch
    # the pointwise convolution before it sets the peak: 24 + 40 maps
    assert plan.arena.size == (24 + 40) * 16 * 16 + scratch
    maps = [one for one in plan.arena.placed if one.buffer.kind == "tensor"]
    assert [(one.buffer.size, one.buffer.later) for one in maps] == [(40 * 256, ((4, 40 * 64),)), (8 * 64, ())]


@pytest.mark.parametrize(
    ("network", "alpha", "classes", "weights"),
    [
        ("mobilenet_v1", 0.25, 5, 214.69),
        ("mobilenet_v1", 0.25, 1000, 467.33),
        ("mobilenet_v1", 0.5, 1000, 1314.0),
        ("mobilenet_v1", 1.0, 1000, 4157.09),
        ("mobilenet_v2", 0.35, 1000, 1654.5),
        ("mobilenet_v2", 1.0, 1000, 3458.97),
        ("mobilenet_v2", 1.4, 1000, 6015.34),
    ],
)
def test_weights_of_sts_model_zoo(network: str, alpha: float, classes: int, weights: float) -> None:
    """STMicroelectronics/stm32ai-modelzoo@6f10965, image_classification, MCU memory footprint: weights [KiB].

    Weights of a byte and biases of four.
    """
    flash = planned(network, "greedy", alpha=alpha, options={"classes": classes}).flash
    assert (flash.weight_bytes + flash.bias_bytes) / 1024 == pytest.approx(weights, abs=0.005)

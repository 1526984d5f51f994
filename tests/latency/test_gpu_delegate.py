"""How TensorFlow Lite's GPU delegate divides a convolution, worked out from the rules of its source.

tensorflow/lite/delegates/gpu/common of 2.10: tasks/conv_generic.cc and conv_metal.cc (blocks), task/util.cc (Mali),
selectors/operation_selector.cc (Winograd), tasks/conv_constants.cc (constant memory), gpu_info.cc (waves).
"""

from __future__ import annotations

import numpy as np
import pytest

import mbcost
from mbcost.latency.forms.gpu_delegate import Delegate, Grid
from mbcost.latency.forms.tflite_gpu import terms_of, waiting, winograd, work

ADRENO = Delegate("adreno", "6xx", 2)


@pytest.mark.parametrize(
    ("delegate", "shape", "grid"),
    [
        # 7 x 7 x 16 slices: 784 / 2 units / 128 threads of a wave = 3.06 waves, up to 6: one pixel, one slice
        (ADRENO, (7, 7, 16), Grid(7 * 7 * 16, 1, 1, 1)),
        # 14 x 14 x 12: 9.2 waves, up to 12: two pixels of a slice
        (ADRENO, (14, 14, 12), Grid(7 * 14 * 12, 2, 1, 1)),
        # 14 x 14 x 24: 18.4 waves, up to 24: two pixels of two slices
        (ADRENO, (14, 14, 24), Grid(7 * 14 * 12, 2, 1, 2)),
        # 56 x 56 x 16: 196 waves: 2 x 2 pixels of two slices
        (ADRENO, (56, 56, 16), Grid(28 * 28 * 8, 2, 2, 2)),
        # an Adreno 540's waves have 64 threads, and it has four units: 784 / 4 / 64 = 3.06
        (Delegate("adreno", "5xx", 4), (7, 7, 16), Grid(784, 1, 1, 1)),
        # two pixels, and four slices where they divide; 28 x 14 threads of a map are 12.25 groups of 32
        (Delegate("powervr", "rogue-8", 1), (28, 28, 8), Grid(13 * 32 * 2, 2, 1, 4)),
        # 7 slices are neither even nor more than 8, but at least 4: two of them
        (Delegate("powervr", "rogue-8", 1), (28, 28, 7), Grid(13 * 32 * 4, 2, 1, 2)),
        # 56 x 56 x 16 in 32 are 1,568 waves, above 4 x 64: eight: two rows of four slices; 6,272 threads are 196 groups
        (Delegate("apple", "5", 4), (56, 56, 16), Grid(196 * 32, 1, 2, 4)),
        # 7 x 7 x 16: 25 waves, below 4 x 16: one; 784 threads are 25 groups of 32
        (Delegate("apple", "5", 4), (7, 7, 16), Grid(25 * 32, 1, 1, 1)),
        # an A10 is no Bionic: 25 waves of 14 x 14 x 4, below 6 x 16
        (Delegate("apple", "3", 6), (14, 14, 4), Grid(25 * 32, 1, 1, 1)),
        # 28 x 28 x 16 / 12 cores = 1,045 slices, above 256 and up to 6 x 256: two pixels
        (Delegate("mali", "bifrost-3", 12), (28, 28, 16), Grid(14 * 28 * 16, 2, 1, 1)),
        # 56 x 56 x 16 / 11 = 4,561, above 16 x 256: eight: 2 x 2 pixels of two slices
        (Delegate("mali", "valhall-1", 11), (56, 56, 16), Grid(28 * 28 * 8, 2, 2, 2)),
        # 8 slices: 4 of them, 2 x 2 pixels
        (Delegate("amd", "rdna-3", 12), (28, 28, 8), Grid(14 * 14 * 2, 2, 2, 4)),
    ],
)
def test_blocks(delegate: Delegate, shape: tuple[int, int, int], grid: Grid) -> None:
    height, width, slices = shape
    assert delegate.grid(height, width, slices, 1, True, 2) == grid


def test_a_window_makes_smaller_blocks_on_bifrost() -> None:
    """conv_generic.cc: of a window, a thread of Midgard and Bifrost computes at most four; one of Valhall eight."""
    bifrost = Delegate("mali", "bifrost-3", 4)
    assert bifrost.grid(56, 56, 16, 1, True, 2)[1:] == (2, 2, 2)
    assert bifrost.grid(56, 56, 16, 1, False, 2)[1:] == (2, 1, 2)
    assert Delegate("mali", "valhall-1", 4).grid(56, 56, 16, 1, False, 2)[1:] == (2, 2, 2)


def test_the_slices_of_a_block_are_of_one_group() -> None:
    """conv_generic.cc: three slices a group divide by neither four nor two."""
    assert Delegate("powervr", "rogue-8", 1).grid(14, 14, 12, 4, False, 2).slices == 1
    assert Delegate("powervr", "rogue-8", 1).grid(14, 14, 24, 4, False, 2).slices == 2


def kernel(row: str, shape: str, target: str) -> mbcost.Analysis:
    from mbcost.architectures.loader import read_architecture
    from mbcost.files import parse_yaml

    table = f"name: x\nsource: hand\ninput: {shape}\nlayers: [{{{row}}}]\n"
    return mbcost.analyze(read_architecture(parse_yaml(table, "table")), target, calibration=False)


@pytest.mark.parametrize(
    ("delegate", "shape", "filters", "tiled"),
    [
        (ADRENO, "56x56x128", 128, 1),  # 32 slices and 196 tiles, of at least 32 and 128
        (ADRENO, "28x28x128", 128, 0),  # 49 tiles
        (ADRENO, "56x56x64", 64, 0),  # 16 slices
        (Delegate("adreno", "7xx", 4), "28x28x128", 128, 0),  # 49 tiles, of at least 64
        (Delegate("apple", "5", 4), "28x28x64", 64, 1),  # 16 slices and 49 tiles, of at least 16 and 32
        (Delegate("apple", "5", 4), "14x14x64", 64, 0),  # 16 tiles
        (Delegate("amd", "rdna-3", 12), "28x28x64", 32, 1),  # eight slices of the output are enough
        (Delegate("mali", "valhall-1", 11), "28x28x64", 32, 0),
    ],
)
def test_winograd(delegate: Delegate, shape: str, filters: int, tiled: int) -> None:
    analysis = kernel(f"op: conv2d 3x3, out: {filters}", shape, "pixel4/gpu@tflite-gpu-2.10")
    assert winograd(delegate, analysis.kernels[0]) == tiled
    for stride in ("stride: 2", "dilation: 2"):
        other = kernel(f"op: conv2d 3x3, out: {filters}, {stride}", shape, "pixel4/gpu@tflite-gpu-2.10")
        assert winograd(delegate, other.kernels[0]) == 0


def test_products_of_tiles_by_hand() -> None:
    """28 x 28 x 64 to 64 on an Apple A12: 36 products of each of 49 tiles; 36 x 49 x 16 slices are 882 waves: 8."""
    delegate = Delegate("apple", "5", 4)
    one = kernel("op: conv2d 3x3, out: 64", "28x28x64", "apple_a12/gpu@tflite-gpu-2.10").kernels[0]
    counts = {term.name: term.count(one) for term in terms_of(delegate) if one.kind in term.kinds}
    threads = 18 * 49 * 4  # two rows of four slices: no multiple of 32, 3,528 in 111 groups
    assert work(delegate, one).threads == 111 * 32 >= threads
    assert counts["conv"] == 111 * 32 * 16 * 2 * 4 * 16  # 16 steps of 2 pixels x 4 slices x 16
    assert counts["tiles"] == 36 * 49 * (64 + 64) * 2
    assert counts["launch"] == counts["dispatch"] == 3


def test_what_threads_hide_by_hand() -> None:
    assert waiting(ADRENO, 0) == 1
    assert waiting(ADRENO, 4000) == pytest.approx(2**0.25 - 1)  # 2,000 for each of two units
    assert waiting(ADRENO, 4e6) < 1e-6


def test_arrays_are_as_their_members() -> None:
    """One formula for one network and for many: a sweep over widths, among them all kinds of blocks."""
    target = mbcost.resolve_target("exynos_990/gpu@tflite-gpu-2.10", "fp16")
    alphas = (0.25, 0.5, 1.0, 1.4)
    sweep = mbcost.sweep("mobilenet_v2", target, alpha=alphas, resolution=(128, 224), calibration=False)
    found = [sweep.at(row).latency_s for row in range(len(sweep))]
    points = [(alpha, resolution) for alpha in alphas for resolution in (128, 224)]
    assert found == [
        mbcost.analyze("mobilenet_v2", target, alpha=alpha, resolution=resolution, calibration=False).latency_s
        for alpha, resolution in points
    ]
    assert sweep.columns["latency_ms"].tolist() == pytest.approx([seconds * 1e3 for seconds in found], rel=1e-12)
    assert len(set(found)) == 8
    assert isinstance(waiting(ADRENO, np.array([1.0, 2.0])), np.ndarray)

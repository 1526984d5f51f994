"""Counts that the forms of a machine's CPU runtimes share, by hand."""

from __future__ import annotations

import pytest

from mbcost.architectures.loader import read_architecture
from mbcost.files import parse_yaml
from mbcost.graph import build_graph
from mbcost.kernels import Kernel, load_runtime, map_to_kernels
from mbcost.latency.forms.blocked import touched
from mbcost.latency.forms.litert_cpu import TILES, Counts, padded
from mbcost.latency.forms.onnxruntime_cpu import blocked
from mbcost.latency.shares import Caches


def kernel_of(row: str, shape: str, runtime: str = "litert", batch: int = 1) -> Kernel:
    table = f"name: x\nsource: hand\ninput: {shape}\nlayers: [{{{row}}}]\n"
    graph = build_graph(read_architecture(parse_yaml(table, "table")))
    return map_to_kernels(graph, load_runtime(runtime), batch=batch)[0]


@pytest.mark.parametrize(
    ("row", "shape", "places"),
    [
        ("op: conv2d 3x3, out: 8", "7x7x4", 19 * 19),  # 7, 7 and 7 places less the two beyond the edges, both ways
        ("op: conv2d 3x3, out: 8, stride: 2", "8x8x4", 11 * 11),  # SAME pads the end alone: 4 + 4 + 3
        ("op: conv2d 3x3, out: 8, padding: valid", "7x7x4", 15 * 15),  # 5 outputs x 3
        ("op: depthwise_conv2d 5x5", "2x2x4", 4 * 4),  # each of 2 outputs touches both elements
        ("op: conv2d 3x3, out: 8, dilation: 2", "7x7x4", 17 * 17),  # 5 + 7 + 5
    ],
)
def test_places_of_a_window_inside_of_the_map(row: str, shape: str, places: int) -> None:
    assert touched(kernel_of(row, shape)) == places
    assert touched(kernel_of(row, shape, batch=3)) == 3 * places


@pytest.mark.parametrize(("kept", "share"), [(4576 * 2, 0.0), (4576, 0.5), (4576 / 1.5, 1.0), (1, 1.0)])
def test_weights_are_cold_where_more_passes_than_is_kept(kept: float, share: float) -> None:
    # 10 x 10 x 4 in, 10 x 10 x 6 out, 4 x 6 weights of 4 B, and 0.2 B for each of 100 x 24 MACs: 4,096 + 480 B
    kernel = kernel_of("op: conv2d 1x1, out: 6", "10x10x4")
    assert Caches(kept=kept).cold_bytes(kernel) == pytest.approx(share * 96)


@pytest.mark.parametrize(
    ("row", "shape", "wide", "narrow"),
    [
        ("op: conv2d 1x1, out: 64", "7x7x8", 49 * 64 * 8, 0),  # 7 rows by 7, two tiles of 32
        ("op: conv2d 1x1, out: 40", "7x7x8", 0, 49 * 48 * 8),  # 24 of 64 columns would be wasted, 8 of 48 are
        ("op: conv2d 1x1, out: 24", "7x7x8", 0, 49 * 32 * 8),  # fewer than 32
        ("op: conv2d 3x3, out: 40", "5x5x8", 28 * 64 * 72, 0),  # 25 rows in four tiles; windows keep the wider tile
        ("op: conv2d 1x1, out: 64", "1x1x8", 0, 0),  # one row waits for the weights
    ],
)
def test_tiles_of_xnnpack_with_512_bit(row: str, shape: str, wide: int, narrow: int) -> None:
    counts, kernel = Counts(TILES["fp32", 512], 16, Caches()), kernel_of(row, shape)
    assert (counts.wide_slots(kernel), counts.narrow_slots(kernel)) == (wide, narrow)


@pytest.mark.parametrize(
    ("row", "shape", "elements"),
    [
        ("op: max_pool2d, kernel: 3, stride: 2, padding: 1", "8x8x4", 256),  # SAME would pad the end alone
        ("op: max_pool2d, kernel: 3, stride: 1, padding: 1", "8x8x4", 0),  # that is SAME
        ("op: max_pool2d, kernel: 2, stride: 2", "8x8x4", 0),
    ],
)
def test_padding_that_is_a_copy(row: str, shape: str, elements: int) -> None:
    assert padded(kernel_of(row, shape)) == elements


@pytest.mark.parametrize(
    ("row", "channels", "there"),
    [
        ("op: conv2d 1x1, out: 16", 3, 1),
        ("op: conv2d 1x1, out: 16", 43, 0),  # neither fewer than 16 nor a multiple of 4
        ("op: conv2d 1x1, out: 10", 44, 1),
        ("op: depthwise_conv2d 3x3", 98, 0),
        ("op: depthwise_conv2d 3x3", 24, 1),
        ("op: conv2d 3x3, out: 64, groups: 4", 64, 1),  # 16 a group
        ("op: conv2d 3x3, out: 64, groups: 8", 64, 0),  # 8
    ],
)
def test_convolutions_of_onnx_runtime_on_blocks(row: str, channels: int, there: int) -> None:
    assert blocked(kernel_of(row, f"8x8x{channels}", "onnxruntime")) == there

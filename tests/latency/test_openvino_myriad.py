"""The Myriad's tiling and form by hand arithmetic, from the facts of OpenVINO's graph transformer (middleend/hw)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mbcost
from mbcost.devices import resolve_target
from mbcost.graph import build_graph
from mbcost.kernels import KERNEL_KINDS, Kernel, load_runtime, map_to_kernels
from mbcost.latency.forms.myriad_tiling import (
    Axis,
    Convolution,
    Layer,
    Mode,
    Work,
    cheapest_mode,
    cut_axis,
    dense_work,
    depthwise_channels,
    pooled_parts,
    tile_bytes,
    work_of,
)
from mbcost.latency.forms.openvino_myriad import OPENVINO_MYRIAD, engine_work
from mbcost.latency.model import latency_model
from mbcost.numeric import for_each

RUNTIME = load_runtime("openvino-2019r2")


def same(size: int, kernel: int, stride: int = 1) -> Axis:
    """An axis with the zeros of SAME."""
    out = -(-size // stride)
    total = max((out - 1) * stride + kernel - size, 0)
    return Axis(size, out, kernel, stride, total // 2, total - total // 2)


def kernels_of(folder: Path, rows: str, size: str) -> tuple[Kernel, ...]:
    path = folder / "net.yaml"
    path.write_text(f"name: net\nsource: a test\ninput: {size}\nlayers:\n{rows}", encoding="utf-8")
    return map_to_kernels(build_graph(mbcost.load(path)), RUNTIME, element_bytes=2)


def counts(kernel: Kernel) -> dict[str, float]:
    return {term.name: count for term, count in OPENVINO_MYRIAD.explain(kernel) if count}


@pytest.mark.parametrize(
    ("channels", "out", "kernel", "expected"),
    [
        # mode 0: 3 * 9 + 0 = 27 clocks, all 32 outputs at once; mode 1: 2 * 9 + 5 = 23; mode 2: 9 + 11 = 20
        (3, 32, 3, Mode(20, 1, 4)),
        # modes 0 and 1: 64 * 9 and 32 * 9 coefficients are more than 256; mode 2: 16 * 9 + 11 = 155, 64 a descriptor;
        # mode 3: 8 * 9 + 19 = 91, two descriptors of 32; mode 4: 4 * 9 + 31 = 67, four of 16
        (64, 64, 3, Mode(155, 1, 64)),
        # mode 0: 96 + 0 = 96 clocks for up to 256 outputs; mode 1: 48 + 5 = 53, 24 outputs; mode 2: 24 + 11 = 35;
        # mode 3: 12 + 19 = 31, 32 outputs; mode 4: 6 + 31 = 37, two descriptors
        (96, 24, 1, Mode(31, 1, 96)),
        # 7x7: at most 256 / 49 = 5 channels a block, so mode 4 alone: 5 * 49 + 31 = 276, 16 outputs of 256
        (80, 256, 7, Mode(276 * 16, 16, 80)),
        # 6 channels a block of mode 4 would be 294 coefficients
        (96, 256, 7, None),
    ],
)
def test_cheapest_valid_mode(channels: int, out: int, kernel: int, expected: Mode | None) -> None:
    assert cheapest_mode(14, 14, channels, out, (kernel, kernel), 1) == expected


def test_line_memory() -> None:
    """224 pixels take 448 bytes; 3 + 1 + 2 = 6 lines of 48 channels are 129,024 of 131,072 bytes, of 49 are 131,712."""
    assert cheapest_mode(224, 224, 48, 64, (3, 3), 1) is not None
    assert 6 * 448 * 48 <= 128 * 1024 < 6 * 448 * 49
    assert cheapest_mode(224, 224, 64, 64, (3, 3), 1) is None
    # a map of one line needs that line alone: 64 * 448 bytes
    assert cheapest_mode(1, 224, 64, 64, (1, 1), 1) is not None


def test_lines_are_whole_16_bytes() -> None:
    """28 pixels of fp16 are 56 bytes and take 64."""
    assert tile_bytes(28, 28, 512) == 64 * 28 * 512
    assert tile_bytes(7, 7, 1) == 16 * 7


def test_inner_edges_are_computed_for_nothing() -> None:
    """3x3 over 56 rows in tiles of 20: zeros spoil a row at each inner edge, so that 19, 18 and 19 rows are kept."""
    cut = cut_axis(same(56, 3), 20)
    assert [(t.read, t.computed, t.kept, t.first_out) for t in cut] == [
        (20, 20, 19, 0),
        (20, 20, 18, 19),
        (20, 20, 19, 37),
    ]
    # 1x1 has no zeros: 20, 20 and 16
    assert [t.kept for t in cut_axis(same(56, 1), 20)] == [20, 20, 16]
    # 7x7 spoils three rows at each inner edge: tiles of 6 keep the first three and then nothing
    assert cut_axis(same(56, 7), 6) == ()
    assert cut_axis(same(32, 13), 0) == cut_axis(same(32, 13), -2) == ()  # a tile smaller than the window


def test_whole_map_in_one_tile() -> None:
    """56 x 56 x 64 of 112 bytes a line are 401,408 of 589,824 bytes: one tile of 155 clocks a pixel."""
    work = dense_work(Convolution(same(56, 3), same(56, 3), 64, 64))
    assert work == Work(clocks=155 * 56 * 56, tiles=1, coefficients=64 * 9 * 64)


def test_rows_are_cut_where_the_output_is_too_large() -> None:
    """112 x 112 x 32: a row of 32 channels is 7,168 bytes, 82 rows fit; two parts of 56 rows, in 55, 54 and 3 kept.

    Mode 3 for 16 channels: 2 * 9 + 19 = 37 clocks, 32 outputs; mode 2 is 4 * 9 + 11 = 47. Rows computed: 56 + 56 + 4.
    """
    work = dense_work(Convolution(same(112, 3), same(112, 3), 16, 32))
    assert work is not None
    assert work.clocks == 37 * 112 * (56 + 56 + 4)
    assert (work.tiles, work.cropped, work.summed) == (3, 112 * 112 * 32, 0)
    assert work.coefficients == work.repeated_coefficients == 3 * 16 * 9 * 32


def test_input_channels_are_cut_where_coefficients_do_not_fit() -> None:
    """7x7 over 14 x 14 x 96: two tiles of 48 channels (mode 3: 6 * 49 = 294 does not fit; mode 4: 3 * 49 + 31 = 178),
    16 descriptors of 16 outputs; one sum of 14 * 14 * 256 elements."""
    work = dense_work(Convolution(same(14, 7), same(14, 7), 96, 256))
    assert work == Work(clocks=2 * 178 * 16 * 14 * 14, tiles=2, coefficients=96 * 49 * 256, summed=14 * 14 * 256)


def test_no_cut_fits() -> None:
    """112 x 112 x 330 in 15 tiles of 8 rows: 8 * 224 * 330 = 591,360 bytes are more than 589,824; 329 channels fit."""
    rows = same(112, 1)
    assert dense_work(Convolution(rows, rows, 16, 330)) is None
    assert dense_work(Convolution(rows, rows, 16, 329)) is not None
    assert work_of(Layer(rows, rows, 16, 330)) == Work(software_macs=112 * 112 * 330 * 16)


def test_fixed_tiles_of_vgg() -> None:
    """28 x 28, 512 to 512 channels: channels in 172, 172 and 168; mode 4: ceil(172 / 16) = 11 and 168 / 16 = 11 blocks,
    11 * 9 + 31 = 130 clocks, 32 descriptors; two sums."""
    work = dense_work(Convolution(same(28, 3), same(28, 3), 512, 512))
    assert work is not None
    assert (work.tiles, work.summed) == (3, 2 * 28 * 28 * 512)


@pytest.mark.parametrize(
    ("size", "channels", "kernel", "expected"),
    [
        # 32 of 96 channels: mode 3, 4 * 9 + 19 = 55 clocks three times = 165; 16: 2 * 9 + 19 = 37 six times = 222
        (56, 96, 3, 32),
        # 5x5: mode 4, one block: 25 + 31 = 56 clocks, 16 channels; 32 channels: 2 * 25 + 31 = 81 and two descriptors
        (56, 96, 5, 16),
        (56, 96, 7, 16),
    ],
)
def test_depthwise_is_dense_over_a_few_channels(size: int, channels: int, kernel: int, expected: int) -> None:
    axis = same(size, kernel)
    assert depthwise_channels(axis, axis, channels) == expected


def test_depthwise_work() -> None:
    """14 x 14 x 80, 3x3: three parts of 27, 27 and 26 channels, in 4 blocks of 8: 4 * 9 + 19 = 55 clocks each.

    Parts of 32, 32 and 16 cost the same by the compiler's count; it takes the fewest channels. 24 would be four parts
    of 3 * 9 + 19 = 46.
    """
    axis = same(14, 3)
    assert depthwise_channels(axis, axis, 80) == 27
    work = work_of(Layer(axis, axis, 80, 80, depthwise=True))
    assert (work.clocks, work.tiles) == (3 * 55 * 14 * 14, 3)


def test_zeros_of_stride_two_are_put_around_beforehand() -> None:
    """3x3 stride 2 over 56: SAME adds a row after and none before, which the engine cannot; 57 x 57 x 32 elements."""
    work = work_of(Layer(same(56, 3, 2), same(56, 3, 2), 32, 64))
    assert (work.padded_channels, work.padded_elements) == (32, 57 * 57 * 32)
    # over 57 rows it is one on either side, which it can
    assert work_of(Layer(same(57, 3, 2), same(57, 3, 2), 32, 64)).padded_channels == 0


def test_pointwise_at_stride_two_covers_the_whole_grid() -> None:
    """28 x 28 outputs of mode 3 (64 / 8 + 19 = 27 clocks, two descriptors; mode 2: 16 + 11 = 27, one), x 4."""
    work = work_of(Layer(same(56, 1, 2), same(56, 1, 2), 64, 64))
    assert work.clocks == 4 * 27 * 28 * 28


def test_large_outputs_are_split_in_front_of_a_pooling() -> None:
    """56 x 56 x 384: 128 channels are 802,816 bytes, too many; 64 are 401,408: six parts. 350 has no such part."""
    assert pooled_parts(56, 56, 384) == 6
    assert pooled_parts(56, 56, 350) == 1
    assert pooled_parts(14, 14, 384) == 1
    rows = same(56, 5)
    whole, parts = Layer(rows, rows, 16, 384), Layer(rows, rows, 16, 384, pooled=True)
    one = work_of(Layer(rows, rows, 16, 64))
    assert work_of(parts) == one.times(6)
    assert work_of(parts).clocks < work_of(whole).clocks


def test_groups_are_convolutions_of_their_own() -> None:
    rows = same(14, 3)
    assert work_of(Layer(rows, rows, 16, 16, groups=4)) == work_of(Layer(rows, rows, 16, 16)).times(4)


@pytest.mark.parametrize(
    ("row", "size", "expected"),
    [
        # 31 clocks a pixel, 24 x 96 coefficients of two bytes
        ("op: conv2d 1x1, out: 24", "14x14x96", {"engine": 31 * 196, "tiles": 1, "weights": 2 * 96 * 24}),
        # three tiles of 27, 27 and 26 channels; the input is cut
        ("op: depthwise_conv2d, kernel: 3", "14x14x80", {"engine": 3 * 55 * 196, "tiles": 3, "streams": 196 * 80}),
        # mode 0: 16 clocks for 256 outputs; mode 1: 8 + 5 = 13 for 10; mode 2: 4 + 11 = 15; 16 outputs read
        ("op: dense, out: 10", "1x1x16", {"engine": 13, "tiles": 1, "weights": 2 * 16 * 16}),
        ("op: conv2d 1x1, out: 10", "1x1x16", {"engine": 13, "tiles": 1, "squeeze_weights": 2 * 16 * 16}),
        ("op: relu6", "8x8x6", {"streams": 384}),
        ("op: batch_norm", "8x8x6", {"streams": 1.5 * 384, "stages": 1}),
        ("op: hard_swish", "8x8x6", {"streams": 6 * 384, "stages": 1}),
        ("op: channel_shuffle, groups: 2", "8x8x6", {"strided": 3 * 384, "stages": 1}),
        ("op: max_pool2d, kernel: 3, stride: 2", "8x8x6", {"tiles": 1}),
        ("op: global_avg_pool", "8x8x6", {"streams": 0.6 * 384}),
        # a window of 17 x 17 is more than the engine has
        ("op: conv2d 17x17, out: 8", "32x32x4", {"software": 32 * 32 * 8 * 17 * 17 * 4}),
    ],
)
def test_terms_by_hand(tmp_path: Path, row: str, size: str, expected: dict[str, float]) -> None:
    (kernel,) = kernels_of(tmp_path, f"  - {{{row}}}\n", size)
    assert counts(kernel) == pytest.approx({**expected, "call": 1})


def test_squeeze_and_excite_and_concat(tmp_path: Path) -> None:
    rows = """\
  - {name: map, op: conv2d 1x1, out: 64}
  - {op: global_avg_pool}
  - {name: gate, op: conv2d 1x1, out: 64}
  - {name: scaled, op: multiply, inputs: [map, gate]}
  - {op: concat, inputs: [scaled, map]}
"""
    *_, product, concat = kernels_of(tmp_path, rows, "16x16x64")
    assert counts(product) == {"strided": 4 * 16 * 16 * 64, "stages": 1, "squeeze": 1}
    assert counts(concat) == {"streams": 1.5 * 16 * 16 * 128, "stages": 2}


def test_merged_activations_are_free(tmp_path: Path) -> None:
    rows = """\
  - {name: a, op: conv2d 1x1, out: 64}
  - {name: na, op: batch_norm}
  - {op: relu}
  - {name: d, op: depthwise_conv2d, kernel: 3}
  - {op: relu6}
"""
    first, second, clamp = kernels_of(tmp_path, rows, "16x16x64")
    assert (first.layers, second.layers, clamp.layers) == ((0, 1, 2), (3,), (4,))
    assert "streams" not in counts(first)


def test_a_pooling_that_reads_it_splits_a_convolution(tmp_path: Path) -> None:
    conv = "  - {name: c, op: conv2d 5x5, out: 384}\n"
    (alone,) = kernels_of(tmp_path, conv, "56x56x16")
    pooled, _ = kernels_of(tmp_path, conv + "  - {op: max_pool2d, kernel: 2, stride: 2}\n", "56x56x16")
    assert (alone.read_by, pooled.read_by) == ((), ("max_pool2d",))
    assert counts(pooled)["engine"] < counts(alone)["engine"]


def test_arrays_of_configurations_equal_single_ones() -> None:
    """Width and resolution as arrays: the same counts as each configuration alone."""
    alphas, sizes = [0.5, 0.75, 1.0, 1.4, 1.0], [128, 160, 224, 224, 192]
    target = resolve_target("intel_ncs2")
    _, form, rates = latency_model(target)
    seconds = {name: rate.seconds for name, rate in rates.items()}
    spec = mbcost.load("mobilenet_v2")
    graph = build_graph(spec, alpha=np.array(alphas), resolution=np.array(sizes))
    kernels = map_to_kernels(graph, RUNTIME, element_bytes=2)
    together = sum(item.latency_s for item in form.estimate(kernels, seconds))
    alone = [
        mbcost.analyze(spec, target, alpha=alpha, resolution=size, calibration=False).latency_s
        for alpha, size in zip(alphas, sizes, strict=True)
    ]
    assert np.asarray(together) == pytest.approx(alone)


def test_for_each_computes_equal_configurations_once() -> None:
    seen = []

    def twice(a: int, b: int) -> tuple[int, int]:
        seen.append((a, b))
        return 2 * a, a + b

    double, total = for_each(twice, np.array([[3, 1], [3, 2]]), 10)
    assert np.asarray(double).tolist() == [[6, 2], [6, 4]]
    assert np.asarray(total).tolist() == [[13, 11], [13, 12]]
    assert sorted(seen) == [(1, 10), (2, 10), (3, 10)]
    assert for_each(twice, 1, 2) == (2, 3)


def test_work_is_remembered_for_one_kernel_only(tmp_path: Path) -> None:
    (small,) = kernels_of(tmp_path, "  - {op: conv2d 1x1, out: 24}\n", "14x14x96")
    (large,) = kernels_of(tmp_path, "  - {op: conv2d 1x1, out: 24}\n", "28x28x96")
    first = engine_work(small)
    assert engine_work(large).clocks == 4 * first.clocks
    assert engine_work(small) == first


def test_every_kind_that_the_rules_make_has_a_term() -> None:
    made = {rule.kind for rules in RUNTIME.rules.values() for rule in rules}
    priced = {kind for term in OPENVINO_MYRIAD.terms if term.name != "call" for kind in term.kinds} | {"view"}
    assert made <= priced
    assert made <= set(KERNEL_KINDS)


def test_rates_come_from_clock_and_bandwidth() -> None:
    """1.08 cycles of 700 MHz; 10 GB/s."""
    _, _, rates = latency_model(resolve_target("intel_ncs2"))
    assert rates["engine"].seconds == pytest.approx(1.08 / 700e6)
    assert rates["weights"].seconds == pytest.approx(1 / 10e9)
    assert rates["engine"].source == "assumed"  # the clock is


def test_tiles_that_are_written_down_come_before_the_split_for_a_pooling() -> None:
    """A canonical VGG's 3x3 over 56 x 56 x 256 is too large in front of a pooling, but its tiles are fixed."""
    axis = same(56, 3)
    assert pooled_parts(56, 56, 256) == 4  # 56 lines of 112 B: 1.6 MB of 256 channels, 0.4 MB of 64
    pooled = Layer(axis, axis, 256, 256, pooled=True)
    assert work_of(pooled) == work_of(pooled._replace(pooled=False))


def test_a_pooling_behind_a_concat_is_seen(tmp_path: Path) -> None:
    """SqueezeNet: both halves of a fire module are read by the pooling behind their concat alone."""
    rows = (
        "  - {op: conv2d, out: 96, kernel: 1, name: left}\n"
        "  - {op: conv2d, out: 96, kernel: 3, from: input, name: right}\n"
        "  - {op: concat, from: [left, right], name: both}\n"
        "  - {op: max_pool2d, kernel: 3, stride: 2}\n"
    )
    left, right, *_ = kernels_of(tmp_path, rows, "113x113x16")
    assert (left.read_by, right.read_by) == (("max_pool2d",), ("max_pool2d",))

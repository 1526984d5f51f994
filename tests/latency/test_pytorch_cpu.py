"""The form of PyTorch on a CPU: which convolution takes which way, by hand arithmetic.

The ways are those of aten/src/ATen/native/Convolution.cpp (ConvParams::use_mkldnn) of PyTorch 2.13, on one thread.
"""

from __future__ import annotations

import numpy as np
import pytest

from mbcost.architectures.loader import read_architecture
from mbcost.files import parse_yaml
from mbcost.graph import build_graph
from mbcost.kernels import load_runtime, map_to_kernels
from mbcost.latency.form import count_vector
from mbcost.latency.forms import find_form


def counts(shape: str, row: str, runtime: str = "pytorch-eager", batch: int = 1) -> dict[str, float]:
    """The terms of a network of one row that are not 0."""
    spec = read_architecture(parse_yaml(f"name: x\nsource: hand\ninput: {shape}\nlayers: [{{{row}}}]\n", "table"))
    rules = load_runtime(runtime)
    kernels = map_to_kernels(build_graph(spec), rules, batch=batch)
    return {name: float(value) for name, value in count_vector(kernels, find_form(rules.form)).items() if value}


def test_a_pointwise_convolution_is_a_matrix_product_with_rows_in_tiles_of_24() -> None:
    assert counts("7x7x160", "op: conv2d, out: 960") == {
        "gemm": 72 * 160 * 960,  # 49 pixels in three tiles of 24
        "gemm_traffic": 4 * 49 * (160 + 960),
        "gemm_weights": 4 * 160 * 960,
        "gemm_call": 1,
    }


def test_of_one_pixel_it_is_a_matrix_times_a_vector() -> None:
    assert counts("1x1x96", "op: conv2d, out: 24") == {"vector": 4 * 96 * 24, "vector_call": 1}
    assert counts("1x1x1024", "op: dense, out: 1000, bias: false") == {"vector": 4 * 1024 * 1000, "vector_call": 1}


def test_of_groups_it_is_a_product_each() -> None:
    assert counts("7x7x160", "op: conv2d, out: 320, groups: 4") == {
        "gemm": 72 * 40 * 80 * 4,
        "gemm_traffic": 4 * 49 * (160 + 320),
        "gemm_weights": 4 * 40 * 80 * 4,
        "gemm_call": 4,
    }


def test_a_window_whose_output_is_one_pixel_is_a_matrix_times_a_vector_too() -> None:
    found = counts("3x3x64", "op: conv2d, out: 32, kernel: 3, padding: 0")
    assert found == {"vector": 4 * 9 * 64 * 32, "vector_call": 1, "lowering": 4 * 9 * 64, "lowering_planes": 9 * 64}


@pytest.mark.parametrize(("shape", "passes"), [("1x2", 1), ("2x4", 1), ("3x3", 2), ("1x11", 2), ("3x4", 0)])
def test_weights_of_few_rows_are_read_in_passes_of_eight(shape: str, passes: int) -> None:
    """Measured with 512 x 512 weights: 1.4 ns a weight with 2 to 8 rows, 1.7 to 2.0 with 9 to 11, 0.8 with 12."""
    found = counts(f"{shape}x32", "op: conv2d, out: 64")
    assert found.get("few_rows", 0) == passes * 4 * 32 * 64
    assert found["gemm_weights"] == 4 * 32 * 64


def test_weights_of_16_and_32_rows_are_read_as_they_lie() -> None:
    """Measured with 512 x 512 weights: 0.5 and 0.9 ns a weight, against 0.8 with 17 rows and 1.2 with 25."""
    for shape in ("4x4", "4x8"):
        found = counts(f"{shape}x32", "op: conv2d, out: 64")
        assert found["vector"] == 4 * 32 * 64
        assert "gemm_weights" not in found


@pytest.mark.parametrize(("size", "native"), [(16, True), (18, False)])
def test_small_inputs_are_lowered_larger_ones_are_reordered(size: int, native: bool) -> None:
    """64 channels of 16x16 are 16,384 elements and of 18x18 20,736; the limit is 20,480."""
    found = counts(f"{size}x{size}x64", "op: conv2d, out: 64, kernel: 3, padding: 1")
    pixels, weights, moved = size**2, 4 * 9 * 64 * 64, 4 * 2 * size**2 * 64
    if native:
        rows = 264  # 256 pixels in eleven tiles
        expected = {"gemm": rows * 9 * 64 * 64, "gemm_traffic": moved, "gemm_weights": weights, "gemm_call": 1}
        assert found == {**expected, "lowering": 4 * 9 * 64 * pixels, "lowering_planes": 9 * 64}
    else:
        assert found == {
            "conv": pixels * 9 * 64 * 64,
            "conv_loads": pixels * 9 * 64 * 64 / 4,  # of eight blocks of output channels four share a load
            "conv_traffic": moved,
            "conv_weights": weights,
            "conv_call": 1,
        }


def test_a_batch_of_two_is_always_reordered() -> None:
    assert "lowering" not in counts("8x8x16", "op: conv2d, out: 16, kernel: 3", batch=2)


def test_channels_are_padded_to_blocks_but_not_those_of_an_image() -> None:
    assert counts("100x100x20", "op: conv2d, out: 30, kernel: 3")["conv"] == 100 * 100 * 9 * 24 * 32
    assert counts("224x224x3", "op: conv2d, out: 32, kernel: 3, stride: 2")["conv"] == 112 * 112 * 9 * 3 * 32


def test_few_blocks_of_output_channels_share_a_load() -> None:
    assert counts("100x100x16", "op: conv2d, out: 16, kernel: 3")["conv_loads"] == 100 * 100 * 9 * 16 * 16 / 2


def test_a_strided_convolution_is_lowered_element_by_element() -> None:
    found = counts("8x8x16", "op: conv2d, out: 16, kernel: 3, stride: 2")
    assert found["strided"] == found["lowering"] == 4 * 9 * 16 * 4 * 4


def test_a_depthwise_convolution() -> None:
    assert counts("30x30x20", "op: depthwise_conv2d, kernel: 5") == {
        "depthwise": 30 * 30 * 25 * 24,
        "conv_traffic": 4 * 2 * 30 * 30 * 20,
        "depthwise_weights": 24,
        "depthwise_call": 1,
    }


def test_planes_of_whole_pages_and_what_spills() -> None:
    found = counts("64x64x100", "op: conv2d, out: 200")
    moved = 4 * 64 * 64 * 300
    assert found["aliased"] == moved  # 64 x 64 x 4 bytes are four pages
    assert found["spill"] == moved - 2 * 2**20
    assert "aliased" not in counts("60x60x100", "op: conv2d, out: 200")


def test_passes_over_tensors() -> None:
    moved = 4 * 2 * 14 * 14 * 32
    assert counts("14x14x32", "op: relu") == {"stream": moved, "pass_call": 1}
    assert counts("14x14x32", "op: batch_norm") == {"norm": moved, "norm_channels": 32, "norm_call": 1}
    assert counts("14x14x32", "op: add, inputs: [input, input]") == {"join": moved * 3 / 2, "pass_call": 1}
    assert counts("14x14x32", "op: channel_shuffle, groups: 2") == {"copy": moved, "copy_call": 3}
    swish = counts("14x14x32", "op: swish")
    assert swish == {"stream": moved, "transcendental": 14 * 14 * 32, "pass_call": 1}


def test_poolings() -> None:
    assert counts("14x14x32", "op: max_pool2d, kernel: 2, stride: 2") == {
        "max_pool": 7 * 7 * 32 * (4 + 7),
        "pool_call": 1,
    }
    overlapping = counts("14x14x32", "op: max_pool2d, kernel: 3, stride: 1")
    assert overlapping["max_pool"] == pytest.approx(14 * 14 * 32 * (9 + 7) * 0.8)
    assert counts("14x14x32", "op: avg_pool2d, kernel: 2, stride: 2")["avg_pool"] == 7 * 7 * 32 * (4 + 12)
    assert counts("7x7x64", "op: global_avg_pool") == {"reduce": 4 * 49 * 64, "reduced": 64, "reduce_call": 1}


@pytest.mark.parametrize(
    ("before", "factor"),
    [("op: relu", 0.82), ("op: swish", 1), ("op: relu}, {op: max_pool2d, kernel: 1, stride: 1", 0.82),
     ("op: relu, name: a}, {op: swish, inputs: [input], name: b}, {op: concat, inputs: [a, b]", 1)],
)  # fmt: skip
def test_a_maximum_of_what_a_relu_made_is_found_sooner(before: str, factor: float) -> None:
    """Measured on random networks: 28.9 against 35.1 ns an output of 3x3, 19.8 against 23.9 of 2x2."""
    pooled = counts("14x14x32", f"{before}}}, {{op: max_pool2d, kernel: 2, stride: 2")["max_pool"]
    alone = counts("14x14x32", before).get("max_pool", 0)
    channels = 64 if "concat" in before else 32
    assert pooled - alone == pytest.approx(7 * 7 * channels * (4 + 7) * factor)


def test_a_part_of_the_channels_is_a_view_unless_channels_lie_last() -> None:
    assert counts("14x14x32", "op: split, parts: 2, part: 0") == {}
    assert counts("14x14x32", "op: split, parts: 2, part: 0", "pytorch-channels-last")["copy_call"] == 1


def test_channels_last_pixels_are_columns_in_tiles_of_4() -> None:
    assert counts("7x7x160", "op: conv2d, out: 100", "pytorch-channels-last") == {
        "gemm": 52 * 160 * 112,  # 49 pixels in tiles of 4, 100 channels in tiles of 16
        "gemm_traffic": 4 * 49 * (160 + 100),
        "gemm_weights": 4 * 160 * 100,
        "gemm_call": 1,
    }
    one = counts("1x1x96", "op: conv2d, out: 24", "pytorch-channels-last")
    assert one == {"vector": 4 * 96 * 24, "vector_call": 1}
    assert "few_rows" not in counts("3x3x32", "op: conv2d, out: 64", "pytorch-channels-last")


def test_compiled_passes_are_one_loop() -> None:
    row = "op: conv2d, out: 8, kernel: 3, norm: batch_norm, activation: swish"
    assert counts("56x56x64", row)["pass_call"] == 1
    pixels = 56 * 56
    assert counts("56x56x64", row, "pytorch-compile") == {
        "conv": pixels * 9 * 64 * 8,
        "conv_weights": 4 * 9 * 64 * 8,
        "conv_traffic": 4 * pixels * (64 + 8),
        "conv_call": 1,
        "layout": 9 * 64 * 8,  # its weights are laid out anew at each call
        "loop": 4 * 2 * pixels * 8,
        "transcendental": pixels * 8,
        "loop_call": 1,
    }


def test_compiled_poolings_are_loops() -> None:
    assert counts("14x14x32", "op: max_pool2d, kernel: 2, stride: 2", "pytorch-compile") == {
        "pool": 7 * 7 * 32 * 4,
        "loop": 4 * 32 * (14 * 14 + 7 * 7),
        "loop_call": 1,
    }
    assert counts("7x7x64", "op: global_avg_pool", "pytorch-compile") == {
        "reduced": 64,
        "loop": 4 * 64 * (49 + 1),
        "loop_call": 1,
    }


def test_arrays_of_resolutions_count_as_their_entries_do() -> None:
    text = """name: x
source: hand
input: 32x32x3
layers:
  - {op: conv2d, out: 20, kernel: 3, stride: 2, norm: batch_norm, activation: swish}
  - {op: depthwise_conv2d, kernel: 3}
  - {op: conv2d, out: 60, kernel: 3}
  - {op: max_pool2d, kernel: 3, stride: 2}
  - {op: conv2d, out: 64}
  - {op: global_avg_pool}
  - {op: dense, out: 10}
"""
    spec = read_architecture(parse_yaml(text, "table"))
    runtime = load_runtime("pytorch-eager")
    sizes = [24, 32, 64, 65, 96, 128]
    many = count_vector(
        map_to_kernels(build_graph(spec, resolution=np.array(sizes)), runtime), find_form("pytorch_cpu")
    )
    for place, size in enumerate(sizes):
        single = count_vector(map_to_kernels(build_graph(spec, resolution=size), runtime), find_form("pytorch_cpu"))
        for name, value in single.items():
            assert np.broadcast_to(many[name], (len(sizes),))[place] == pytest.approx(value), (name, size)

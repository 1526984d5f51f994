"""Input sizes that the file leaves open, batches, networks that end at a tensor, and what counts once."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mbcost.errors import InputError
from mbcost.graph import LayerGraph, build_graph, count_macs, count_params
from mbcost.importers.tflite import read_tflite
from mbcost.networks import load
from tests.importers.tflite.build import Model
from tests.importers.tflite.cases import concat, detected, image, lstm, sparse, streamed, volume
from tests.importers.tflite.from_table import as_tflite


def written(folder: Path, build: Callable[[Model], Any], *, filled: bool = False) -> Path:
    model = Model(filled=filled)
    made = build(model)
    path = folder / "net.tflite"
    path.write_bytes(model.finish(*(made if isinstance(made, list) else [made])))
    return path


def shapes(graph: LayerGraph) -> list[tuple[Any, ...]]:
    return [(layer.op, layer.input_shapes, layer.output_shape, layer.cost) for layer in graph.layers]


# shufflenet_v2 has its sizes in constants; densenet121 at 225 pads its poolings otherwise
@pytest.mark.parametrize(
    ("name", "side"),
    [("mobilenet_v2", 160), ("mobilenet_v2", 225), ("mobilenet_v3_large", 96), ("resnet18", 225), ("densenet121", 160)],
)
def test_another_size_is_that_of_a_file_of_this_size(tmp_path: Path, name: str, side: int) -> None:
    """The file of the network at 224, read at another size, against the file of the network at that size."""
    (tmp_path / "224.tflite").write_bytes(as_tflite(build_graph(load(name))))
    (tmp_path / "there.tflite").write_bytes(as_tflite(build_graph(load(name), resolution=side)))
    found = read_tflite(tmp_path / "224.tflite", input_shapes=(1, side, side, 3))
    assert shapes(build_graph(found)) == shapes(build_graph(read_tflite(tmp_path / "there.tflite")))


def open_net(m: Model) -> int:
    x = m.input(1, 1, 1, 3, signature=[-1, -1, -1, 3])
    x = m.conv(x, 8, 3, 2)
    x = m.mean(m.pool("MAX_POOL_2D", x, 2, 2, "SAME"), 1, 2)
    return m.dense(x, 10)


def test_open_sizes_are_filled(tmp_path: Path) -> None:
    path = written(tmp_path, open_net)
    # 3x3x3x8 at half the size, then 8x10
    assert count_macs(build_graph(read_tflite(path, resolution=32))) == 16 * 16 * 27 * 8 + 80
    found = read_tflite(path, input_shapes={"image": (1, 20, 30, 3)})
    assert count_macs(build_graph(found)) == 10 * 15 * 27 * 8 + 80
    assert found.input_shape == (20, 30, 3)
    assert count_macs(build_graph(load(str(path), resolution=32))) == 16 * 16 * 27 * 8 + 80
    assert count_macs(build_graph(load(str(path), input_shape=(1, 20, 30, 3)))) == 10 * 15 * 27 * 8 + 80
    with pytest.raises(InputError, match=r"--input-shape image=1x224x224x3"):
        read_tflite(path)


def test_sizes_that_do_not_fit(tmp_path: Path) -> None:
    path = written(tmp_path, open_net)
    for given, part in (({"imag": (1, 2, 2, 3)}, "did you mean `image`"), ((1, 32, 32), "4 dimensions")):
        with pytest.raises(InputError, match=part) as caught:
            read_tflite(path, input_shapes=given)
        assert caught.value.codes == ("MB010",)
    fixed = written(tmp_path, lambda m: m.dense(m.reshape(image(m), 1, 576), 3))
    with pytest.raises(InputError, match="an input of this size") as caught:
        read_tflite(fixed, input_shapes=(1, 9, 6, 12))
    assert caught.value.codes == ("MB504",)


def test_a_batch_is_stated(tmp_path: Path) -> None:
    four = written(tmp_path, lambda m: m.conv(image(m, 4, 8, 6, 12), 5))
    spec = read_tflite(four)
    assert (spec.stated_batch, count_macs(build_graph(spec))) == (4, 48 * 12 * 5)
    assert "batch is 4" in " ".join(spec.notes)
    one = written(tmp_path, lambda m: m.conv(image(m), 5))
    given = read_tflite(one, input_shapes=(8, 8, 6, 12))
    assert (given.stated_batch, count_macs(build_graph(given))) == (8, 48 * 12 * 5)
    assert "batch is 8" in " ".join(given.notes)
    assert (read_tflite(one).stated_batch, read_tflite(one).notes) == (1, ())


def test_a_network_ends_at_a_tensor(tmp_path: Path) -> None:
    def build(m: Model) -> int:
        x = m.conv(image(m), 5)
        return m.op("HASHTABLE_LOOKUP", [m.conv(x, 7)], (1, 8, 6, 7))

    path = written(tmp_path, build)
    made = "conv_2d_1"
    spec = read_tflite(path, until=made)
    assert count_macs(build_graph(spec)) == 48 * (12 * 5 + 5 * 7)
    assert len(build_graph(load(str(path), until="conv_2d_0")).layers) == 1
    with pytest.raises(InputError, match="did you mean `conv_2d_1`") as caught:
        read_tflite(path, until="conv_2d_7")
    assert caught.value.codes == ("MB010",)


def test_dense_weights_of_a_sparse_tensor_count_once(tmp_path: Path) -> None:
    graph = build_graph(read_tflite(written(tmp_path, sparse)))
    assert (count_params(graph), count_macs(graph)) == (144, 2 * 48 * 144)


def test_zeros_that_pad_channels_are_no_parameters(tmp_path: Path) -> None:
    def build(m: Model) -> int:
        x = image(m)
        zeros = m.tensor((1, 8, 6, 4), data=bytes(4 * 192))
        ones = m.tensor((1, 8, 6, 2), data=struct.pack("<96f", *[1.0] * 96))
        joined = m.op("CONCATENATION", [x, zeros, ones], (1, 8, 6, 18), kind="ConcatenationOptions", Axis=3)
        return m.conv(joined, 5, bias=False)

    assert count_params(build_graph(read_tflite(written(tmp_path, build)))) == 96 + 18 * 5


def test_the_anchors_of_a_detector_are_no_parameters(tmp_path: Path) -> None:
    spec = read_tflite(written(tmp_path, detected))
    graph = build_graph(spec)
    assert [layer.op for layer in graph.layers] == ["constant", *["opaque"] * 4]
    assert count_params(graph) == 0
    assert "TFLite_Detection_PostProcess is charged by its traffic" in " ".join(spec.notes)


def segmented(m: Model) -> int:
    """The last operator of MediaPipe's selfie segmentation: SAME (1), strides 2 and 2."""
    inputs = [m.input(1, 128, 128, 16), m.weights(1, 2, 2, 16), m.weights(1)]
    options = struct.pack("<3i", 1, 2, 2)
    return int(m.op("Convolution2DTransposeBias", inputs, (1, 256, 256, 1), CustomOptions=options))


def test_the_transposed_convolution_of_mediapipe(tmp_path: Path) -> None:
    graph = build_graph(read_tflite(written(tmp_path, segmented)))
    assert [(layer.op, str(layer.output_shape)) for layer in graph.layers] == [("transposed_conv2d", "256x256x1")]
    assert graph.layers[0].operator.stride == (2, 2)
    # every element of the map is multiplied by 2x2 weights
    assert (count_macs(graph), count_params(graph)) == (128 * 128 * 16 * 4, 2 * 2 * 16 + 1)


def test_a_state_between_inferences_is_read_and_written(tmp_path: Path) -> None:
    spec = read_tflite(written(tmp_path, streamed))
    graph = build_graph(spec)
    assert count_macs(graph) == 5 * 40 * 32
    assert [layer.cost.input_elements for layer in graph.layers if layer.op == "opaque"] == [80, 80]
    assert "keeps a state between inferences" in " ".join(spec.notes)


def test_other_operators_without_output_are_damaged(tmp_path: Path) -> None:
    def build(m: Model) -> int:
        x = image(m)
        m.raw("RELU", [x], [])
        return m.conv(x, 4)

    with pytest.raises(InputError, match="has no output") as caught:
        read_tflite(written(tmp_path, build))
    assert caught.value.codes == ("MB503",)


@pytest.mark.parametrize("options", [b"", struct.pack("<2i", 1, 2), struct.pack("<3i", 1, 0, 2)])
def test_options_of_a_custom_operator_that_are_not_its_own(tmp_path: Path, options: bytes) -> None:
    def build(m: Model) -> int:
        inputs = [m.input(1, 4, 4, 16), m.weights(1, 2, 2, 16), m.weights(1)]
        return int(m.op("Convolution2DTransposeBias", inputs, (1, 8, 8, 1), CustomOptions=options))

    with pytest.raises(InputError, match=r"its options have|its strides are") as caught:
        read_tflite(written(tmp_path, build))
    assert caught.value.codes == ("MB503",)


@pytest.mark.parametrize(("coupled", "gates"), [(False, 4), (True, 3)])
def test_lstm(tmp_path: Path, coupled: bool, gates: int) -> None:
    graph = build_graph(read_tflite(written(tmp_path, lambda m: lstm(m, coupled=coupled))))
    # at each of 10 steps 6 cells a gate read 4 inputs and 6 states
    assert count_macs(graph) == 10 * gates * 6 * (4 + 6)
    assert count_params(graph) == gates * 6 * (4 + 6 + 1)


def test_a_convolution_over_a_volume(tmp_path: Path) -> None:
    # 2 x 3 x 2 outputs of 5 channels, each of which reads 27 x 3
    assert count_macs(build_graph(read_tflite(written(tmp_path, lambda m: volume(m, 1, 2, 3, 2))))) == 12 * 5 * 81


def test_windows_have_the_limits_of_a_table(tmp_path: Path) -> None:
    def build(m: Model) -> int:
        options = {"Padding": 0, "StrideW": 1, "StrideH": 1, "FilterHeight": 5000, "FilterWidth": 1}
        return m.op("MAX_POOL_2D", [image(m)], (1, 8, 6, 12), kind="Pool2DOptions", **options)

    with pytest.raises(InputError, match="at most 4096") as caught:
        read_tflite(written(tmp_path, build))
    assert caught.value.codes == ("MB504",)


def test_joins_keep_their_layers(tmp_path: Path) -> None:
    path = written(tmp_path, lambda m: concat(m, -1, (1, 8, 6, 2), (1, 8, 6, 3), out=(1, 8, 6, 5)))
    assert [layer.op for layer in build_graph(read_tflite(path)).layers] == ["concat"]


def computed(m: Model, *shape: int) -> int:
    """A tensor that the network computes, marked by a TANH that is nowhere else."""
    return m.op("TANH", [m.input(*shape, name="gate")], shape)


COMPUTED: list[tuple[str, Callable[[Model], Any], int]] = [
    (
        "a convolution's bias",
        lambda m: m.op("CONV_2D", [image(m), m.weights(5, 1, 1, 12), computed(m, 5)], (1, 8, 6, 5),
                       kind="Conv2DOptions", Padding=0, StrideW=1, StrideH=1),
        48 * 12 * 5,
    ),
    (
        "a dense layer's bias",
        lambda m: m.op("FULLY_CONNECTED", [m.input(1, 20), m.weights(7, 20), computed(m, 7)], (1, 7)),
        140,
    ),
    (
        "a dense layer's weights",
        lambda m: m.op("FULLY_CONNECTED", [m.input(3, 20), computed(m, 7, 20), m.weights(7)], (3, 7)),
        420,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("build", "count"), [case[1:] for case in COMPUTED], ids=[case[0] for case in COMPUTED])
def test_what_the_network_computes_is_a_layer(tmp_path: Path, build: Callable[[Model], Any], count: int) -> None:
    graph = build_graph(read_tflite(written(tmp_path, build)))
    assert "tanh" in [layer.op for layer in graph.layers]
    assert count_macs(graph) == count


def test_what_would_vanish_is_refused(tmp_path: Path) -> None:
    def slopes(m: Model) -> int:
        return m.op("PRELU", [image(m), computed(m, 1, 1, 12)], (1, 8, 6, 12))

    with pytest.raises(InputError, match="input 1 computed by the network") as caught:
        read_tflite(written(tmp_path, slopes))
    assert caught.value.codes == ("MB504",)

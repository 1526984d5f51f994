"""The Hexagon NPU's form: hand arithmetic of its counts, and what the compiled networks look like."""

from __future__ import annotations

from functools import cache

import pytest

import mbcost
from mbcost.architectures.loader import read_architecture
from mbcost.devices import resolve_target
from mbcost.files import parse_yaml
from mbcost.graph import build_graph
from mbcost.kernels import Kernel, load_runtime, map_to_kernels
from mbcost.latency.forms import hexagon_htp as htp


@cache
def kernels(name: str, element_bytes: int = 1, alpha: float = 1.0) -> dict[str, Kernel]:
    graph = build_graph(mbcost.load(name), alpha=alpha)
    found = map_to_kernels(graph, load_runtime("tflite-htp"), element_bytes=element_bytes)
    return {kernel.name: kernel for kernel in found}


def test_products_are_those_of_whole_tiles_and_blocks() -> None:
    """MobileNet V2: 3 channels padded to 4; 24 channels take the place of 32; 7 x 7 pixels that of 8 x 8."""
    found = kernels("mobilenet_v2")
    assert htp.padded_macs(found["conv2d_1"]) == 112 * 112 * 9 * 4 * 32
    assert htp.padded_macs(found["bottleneck_2/project"]) == 56 * 56 * 96 * 32
    assert htp.padded_macs(found["conv2d_2"]) == 8 * 8 * 320 * 1280
    assert htp.weight_bytes(found["conv2d_2"]) == 320 * 1280 + 1280
    assert (htp.image_pixels(found["conv2d_1"]), htp.image_pixels(found["conv2d_2"])) == (112 * 112, 0)


def layer(row: str, shape: str, element_bytes: int = 2) -> Kernel:
    table = f"name: one\nsource: a test\ninput: {shape}\nlayers: [{{{row}}}]\n"
    spec = read_architecture(parse_yaml(table, "table"))
    return map_to_kernels(build_graph(spec), load_runtime("tflite-htp"), element_bytes=element_bytes)[0]


def test_a_dilated_convolution_is_as_many_maps_as_its_dilation_leaves_apart() -> None:
    """65 x 65 at dilation 4: 17 x 17 for each of 4 x 4 maps, in tiles of 8 x 4 24 x 20."""
    plain = layer("op: conv2d 3x3, out: 32", "65x65x32")
    apart = layer("op: conv2d 3x3, out: 32, dilation: 4", "65x65x32")
    assert htp.padded_pixels(plain) == 72 * 68
    assert htp.padded_pixels(apart) == 24 * 4 * 20 * 4


def test_maps_beyond_the_vector_memory_are_moved_while_the_engine_works() -> None:
    """512 x 512 x 64 in fp16: 33.6 MB in and out each, 8 KB of weights; what is beyond 4 MB outlasts the products."""
    kernel = layer("op: conv2d 1x1, out: 64", "512x512x64")
    beyond = 2 * 512 * 512 * 64 * 2 + 64 * 64 * 2 - 4_000_000
    assert htp.spilled_bytes(kernel) == beyond
    assert htp.engine(kernel) == max(512 * 512 * 64 * 64, 120 * beyond) == 120 * beyond
    small = layer("op: conv2d 1x1, out: 64", "64x64x64")
    assert (htp.spilled_bytes(small), htp.engine(small)) == (0, 64 * 64 * 64 * 64)


def test_a_colour_image_is_normalised_pixel_by_pixel() -> None:
    kernel = layer("op: scale", "224x224x3")
    assert (htp.colours(kernel), htp.vector_bytes(kernel)) == (224 * 224, 0)
    wide = layer("op: scale", "224x224x32")
    assert (htp.colours(wide), htp.vector_bytes(wide)) == (0, 2 * 224 * 224 * 32 * 2)


def test_functions_norms_and_moves_are_terms_of_their_own() -> None:
    """56 x 56 x 64 in fp16, in and out: swish is 5/2 of that; resizing to 112 x 112 writes four times as much."""
    size = 56 * 56 * 64 * 2
    swish, norm = layer("op: swish", "56x56x64"), layer("op: layer_norm", "56x56x64")
    assert (htp.function_bytes(swish), htp.vector_bytes(swish)) == (2.5 * 2 * size, 0)
    assert (htp.normalised_bytes(norm), htp.vector_bytes(norm)) == (2 * size, 0)
    resize = layer("op: resize, scale: 2", "56x56x64")
    assert (htp.resized_bytes(resize), htp.layout_bytes(resize)) == (5 * size, 0)


def test_a_grouped_convolution_is_charged_by_its_traffic() -> None:
    """ResNeXt-50, conv2: 128 channels in 32 groups at 56 x 56; two bytes an element in fp16."""
    conv = kernels("resnext50_32x4d", 2)["conv2_1/conv"]
    assert (htp.padded_macs(conv), htp.engine(conv)) == (0, 0)
    assert htp.grouped_bytes(conv) == 2 * 56 * 56 * 128 * 2
    assert htp.weight_bytes(conv) == (128 * 4 * 9 + 128) * 2


@pytest.mark.parametrize(
    ("name", "joined"),
    [
        ("googlenet", 0),  # convolutions and poolings write their parts in place
        ("squeezenet1_1", 0),
        (
            "densenet121",
            27 + 90 + 324 + 152,
        ),  # n (n + 3) / 2 for blocks of 6, 12, 24 and 16 layers: all before, and one
        ("dla102x", 41),  # roots of 2, then 2, 3, 2, 5, then 2, 3, 2, 4, 2, 3, 2, 6, then 3
    ],
)
def test_what_a_concat_copies(name: str, joined: int) -> None:
    assert sum(kernel.joined for kernel in kernels(name).values()) == joined


@pytest.mark.parametrize(
    ("name", "layers"),
    [  # layers that AI Hub counts for TFLite, float (perf.yaml of each model); padding is layers of its own there
        ("densenet121", 312),
        ("dla102x", 175),
        ("efficientnet_b4", 482),
        ("googlenet", 84),
        ("mobilenet_v3_large", 128),
        ("resnext50_32x4d", 79),
        ("squeezenet1_1", 41),
    ],
)
def test_networks_have_about_as_many_layers_as_ai_hub_counts(name: str, layers: int) -> None:
    found = [kernel for kernel in kernels(name, 2).values() if kernel.kind != "view"]
    assert sum(2 if kernel.op == "swish" else 1 for kernel in found) == pytest.approx(layers, rel=0.1)


def test_an_operator_that_the_npu_lacks_runs_on_the_cpu() -> None:
    """Local response normalisation goes to the CPU and comes back."""
    runtime = load_runtime("tflite-htp")
    assert {rule.kind for rule in runtime.rules["lrn"]} == {"outside"}
    assert "CPU" in runtime.rules["lrn"][0].source


@pytest.mark.parametrize(
    ("device", "seconds"),
    [  # AI Hub, release 2026-10, TFLite, w8a8: GoogLeNet, which has no normalisation of its colours in front
        ("galaxy_s24/npu", 0.187e-3),
    ],
)
def test_a_network_takes_about_what_ai_hub_measured(device: str, seconds: float) -> None:
    analysis = mbcost.analyze("googlenet", device, precision="int8")
    assert analysis.latency_s == pytest.approx(seconds, rel=0.25)
    assert analysis.basis == "from the same core in other devices"


@pytest.mark.parametrize("runtime", ["tflite-htp", "qnn-htp", "onnxruntime-htp"])
@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_resolution_shows(runtime: str, precision: str) -> None:
    """AI Hub's EfficientNet-B4 went from 224 to 380 pixels: 2.4 times the latency at 2.9 times the pixels (fp16)."""
    small, large = (
        mbcost.analyze("efficientnet_b4", f"galaxy_s24/npu@{runtime}", precision=precision, resolution=side).latency_s
        for side in (224, 380)
    )
    assert 1.8 < large / small < 2.9


@pytest.mark.parametrize(
    "target",
    [
        "galaxy_s24/npu", "qcs8550/npu", "snapdragon_8_gen_1/npu", "snapdragon_8_gen_2/npu", "snapdragon_8_elite/npu",
        "qcm6490/npu", "iq_9075", "sa8775p", "ventuno_q", "sa7255p", "sa8295p", "q_6690", "xr2_gen_2",
    ],
)  # fmt: skip
def test_devices_of_ai_hub_are_targets(target: str) -> None:
    resolved = resolve_target(target, precision="int8")
    assert mbcost.analyze("mobilenet_v2", resolved).basis == "from the same core in other devices"

"""The Hexagon NPU's form: hand arithmetic of its counts, and what the compiled networks look like."""

from __future__ import annotations

from functools import cache

import pytest

import mbcost
from mbcost.calibration.file import find_calibration
from mbcost.devices import resolve_target
from mbcost.graph import build_graph
from mbcost.kernels import Kernel, load_runtime, map_to_kernels
from mbcost.latency.forms import hexagon_htp as htp


@cache
def kernels(name: str, element_bytes: int = 1, alpha: float = 1.0) -> dict[str, Kernel]:
    graph = build_graph(mbcost.load(name), alpha=alpha)
    found = map_to_kernels(graph, load_runtime("tflite-htp"), element_bytes=element_bytes)
    return {kernel.name: kernel for kernel in found}


def test_a_layer_takes_as_long_as_its_weights_or_its_products() -> None:
    """MobileNet V2: the first convolution computes longer than its weights arrive, the last one does not."""
    first, last = kernels("mobilenet_v2")["conv2d_1"], kernels("mobilenet_v2")["conv2d_2"]
    assert htp.padded_macs(first) == 112 * 112 * 9 * 4 * 32  # 3 channels padded to 4
    assert htp.engine_bytes(first) == 112 * 112 * 9 * 4 * 32 / htp.MACS_A_BYTE
    assert htp.padded_macs(last) == 7 * 7 * 320 * 1280
    assert htp.engine_bytes(last) == 320 * 1280 + 1280


def test_channels_are_padded_to_blocks() -> None:
    """MobileNet V2's 24 and 144 channels take the place of 32 and 160."""
    project = next(kernel for name, kernel in kernels("mobilenet_v2").items() if name == "bottleneck_2/project")
    assert htp.padded_macs(project) == 56 * 56 * 96 * 32


def test_a_grouped_convolution_is_charged_by_its_traffic() -> None:
    """ResNeXt-50, conv2: 128 channels in 32 groups at 56 x 56; two bytes an element in fp16."""
    conv = kernels("resnext50_32x4d", 2)["conv2_1/conv"]
    assert htp.padded_macs(conv) == 0
    assert htp.grouped_bytes(conv) == 2 * 56 * 56 * 128 * 2
    assert htp.engine_bytes(conv) == (128 * 4 * 9 + 128) * 2
    assert htp.passes(conv) == 1


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


def test_a_concat_is_requantised_in_int8_only() -> None:
    name = "densenet121"
    first = next(kernel for kernel in kernels(name).values() if kernel.joined)
    same = next(kernel for kernel in kernels(name, 2).values() if kernel.joined)
    assert (first.joined, htp.passes(first), htp.passes(same)) == (2, 3, 1)
    assert htp.vector_bytes(first) == 56 * 56 * (64 + 32 + 96)


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


@pytest.mark.parametrize("device", ["galaxy_s24/npu", "qcs8550"])
@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_calibrations_ship(device: str, precision: str) -> None:
    target = resolve_target(device, precision=precision)
    found = find_calibration(target)
    assert found is not None
    assert found.form == "hexagon_htp"
    assert found.networks >= 8
    assert mbcost.analyze("resnet18", target).calibrated

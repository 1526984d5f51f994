"""Published MACs and params of the mobile networks after MobileNet, against what their tables give.

Sources: [SN1] Zhang et al. 2018, arXiv:1707.01083; [SN1-README] megvii-model/ShuffleNet-Series, ShuffleNetV1/README.md;
[SN2] Ma et al. 2018, arXiv:1807.11164; [SN2-README] megvii-model/ShuffleNet-Series, ShuffleNetV2/README.md;
[MNAS] Tan et al. 2019, arXiv:1807.11626; [MNAS-README] tensorflow/tpu, models/official/mnasnet/README.md;
[SLIM] tensorflow/models, research/slim/nets/mobilenet/README.md; [EFF] Tan and Le 2019, arXiv:1905.11946;
[LITE] tensorflow/tpu, models/official/efficientnet/lite/README.md; [PROXYLESS] mit-han-lab/proxylessnas,
logs/imagenet_mobile_log.txt; [TV] torchvision/models, `num_params` and `_ops` of the weights; [OSMR] osmr/imgclsmob,
README of the PyTorch models.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

import mbcost
from mbcost.errors import InputError
from mbcost.graph import LayerGraph, ParamsConvention, build_graph, count_macs, count_params


def network(name: str, alpha: float = 1.0, **configuration: Any) -> LayerGraph:
    return build_graph(mbcost.load(name), alpha=alpha, **configuration)


# -- exact figures ----------------------------------------------------------------------------------------------------

# Params: [TV] num_params. MACs: torch's FlopCounterMode halved, on torchvision 0.28 with torch 2.13; [TV] _ops prints
# the same in G with three digits (0.04, 0.145, 0.296, 0.583; 0.104, 0.215, 0.314, 0.526; 0.386).
TORCHVISION = [
    ("shufflenet_v2", 0.5, 40_476_448, 1_366_792),
    ("shufflenet_v2", 1.0, 144_907_992, 2_278_604),
    ("shufflenet_v2", 1.5, 295_759_392, 3_503_624),
    ("shufflenet_v2", 2.0, 583_253_464, 7_393_996),
    ("mnasnet_b1", 0.5, 104_455_968, 2_218_512),
    ("mnasnet_b1", 0.75, 215_493_104, 3_170_208),
    ("mnasnet_b1", 1.0, 314_415_872, 4_383_312),
    ("mnasnet_b1", 1.3, 526_362_432, 6_282_256),
    ("efficientnet_b0", 1.0, 385_814_752, 5_288_548),
]


@pytest.mark.parametrize(("name", "alpha", "macs", "params"), TORCHVISION)
def test_equal_to_torchvision(name: str, alpha: float, macs: int, params: int) -> None:
    graph = network(name, alpha)
    assert count_macs(graph) == macs
    assert count_params(graph) == params


def test_params_of_proxylessnas() -> None:
    assert count_params(network("proxylessnas_mobile")) == 4_080_512  # [OSMR]


# -- rounded figures --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Published:
    """Millions as they are printed, to half a unit of their last digit; `cut` where the source cuts digits off."""

    name: str
    source: str
    macs: float | None = None
    params: float | None = None
    alpha: float = 1.0
    options: dict[str, Any] = field(default_factory=dict)
    digits: tuple[int, int] = (0, 1)
    cut: bool = False

    def __str__(self) -> str:
        return f"{self.name}-{self.alpha:g}"

    def printed(self, count: int, digits: int) -> float:
        """A count in the form of the source."""
        scaled = count / 1e6 * 10**digits
        return float(int(scaled) if self.cut else round(scaled)) / float(10**digits)


PUBLISHED = [
    Published("shufflenet_v1", "[SN1-README]", 38, 0.7, alpha=0.5),
    Published("shufflenet_v1", "[SN1] Table 1", 137, None, cut=True),
    Published("shufflenet_v1", "[SN1-README]", None, 1.9),
    Published("shufflenet_v1", "[SN1-README]", 292, 3.4, alpha=1.5),
    # 5.451 M with the bias of the classifier, which the authors' code leaves out
    Published("shufflenet_v1", "[SN1-README]", 524, 5.4, alpha=2.0, cut=True),
    Published("shufflenet_v2", "[SN2] Table 8, [SN2-README]", 146, 2.3, options={"keep_input": True}),
    Published("shufflenet_v2", "[SN2] Table 8, [SN2-README]", 299, 3.5, alpha=1.5, options={"keep_input": True}),
    Published("shufflenet_v2", "[SN2] Table 8, [SN2-README]", 591, 7.4, alpha=2.0, options={"keep_input": True}),
    Published("shufflenet_v2", "[SN2-README]", None, 1.4, alpha=0.5),
    Published("mnasnet_a1", "[MNAS] Table 1, [MNAS-README]", 312, 3.9),
    Published("mnasnet_a1", "[MNAS-README]", None, 6.1, alpha=1.4),
    Published("mnasnet_a1", "[MNAS-README]", None, 2.9, alpha=0.75),
    Published("mnasnet_a1", "[MNAS-README]", None, 2.1, alpha=0.5),
    Published("mnasnet_a1", "[MNAS-README]", None, 1.7, alpha=0.35),
    Published("mnasnet_small", "[MNAS-README]", 68, 2.0),
    Published("mobilenet_edgetpu", "[SLIM]", 990, 4.0, cut=True),
    Published("mobilenet_edgetpu", "[SLIM]", 624, 2.9, alpha=0.75, cut=True),
    Published("efficientnet_b0", "[EFF] Table 2: 0.39 B, 5.3 M", 390, 5.3, digits=(-1, 1)),
    Published("efficientnet_lite0", "[LITE]", None, 4.7),
    Published("proxylessnas_mobile", "[PROXYLESS]", 320.4, 4.08, digits=(1, 2)),
]


@pytest.mark.parametrize("figure", PUBLISHED, ids=str)
def test_published(figure: Published) -> None:
    graph = network(figure.name, figure.alpha, options=figure.options)
    if figure.macs is not None:
        assert figure.printed(count_macs(graph), figure.digits[0]) == pytest.approx(figure.macs)
    if figure.params is not None:
        assert figure.printed(count_params(graph), figure.digits[1]) == pytest.approx(figure.params)


# -- figures that the network's own table does not give ---------------------------------------------------------------

# name, alpha, million MACs that are printed and that the table gives, where, why
NOT_REPRODUCED = [
    (
        "shufflenet_v1",
        1.0,
        (140, 137.5),
        "[SN1] Table 8",
        "the paper's own Table 1 prints 137 M for the same network, its authors' README 138 M",
    ),
    (
        "shufflenet_v2",
        1.0,
        (146, 144.9),
        "[SN2] Table 8",
        "the authors' code keeps the input's 24 channels in the left branch of Stage2's first unit (option keep_input)",
    ),
    ("shufflenet_v2", 1.5, (299, 295.8), "[SN2] Table 8", "the same"),
    ("shufflenet_v2", 2.0, (591, 583.3), "[SN2] Table 8", "the same"),
    (
        "shufflenet_v2",
        0.5,
        (41, 40.5),
        "[SN2] Table 8",
        "40.48 M with either left branch, since half of 48 is 24: the paper rounds up",
    ),
    (
        "mnasnet_a1",
        1.0,
        (315.2, 311.6),
        "[MNAS-README]",
        "one more for each output of an expanding or projecting layer; see test_mnasnet_readme",
    ),
    (
        "efficientnet_lite0",
        1.0,
        (407, 385.2),
        "[LITE]",
        "more than the 0.39 G of EfficientNet-B0, of which it is a part: the README counts more than products",
    ),
]


@pytest.mark.parametrize(("name", "alpha", "millions", "source", "reason"), NOT_REPRODUCED)
def test_figures_that_the_table_does_not_give(
    name: str, alpha: float, millions: tuple[float, float], source: str, reason: str
) -> None:
    printed, computed = millions
    macs = count_macs(network(name, alpha)) / 1e6
    assert source
    assert reason
    assert macs == pytest.approx(computed, abs=0.05)
    assert abs(macs - printed) > 0.5


def test_lite0_is_a_part_of_b0() -> None:
    """Why [LITE]'s 407 M cannot be products: EfficientNet-B0 has the same ones, and those of squeeze-and-excite."""
    lite, whole = network("efficientnet_lite0"), network("efficientnet_b0")
    squeeze_excite = sum(layer.cost.macs for layer in whole.layers if "/se/" in layer.name)
    assert squeeze_excite > 0
    assert count_macs(lite) + squeeze_excite == count_macs(whole)


# [MNAS-README], the table of MnasNet-A1: million multiply-adds by depth multiplier and resolution
MNASNET_README = {
    1.4: {224: 591.5, 192: 435.1, 160: 302.8, 128: 194.5, 96: 110.3},
    1.0: {224: 315.2, 192: 232.0, 160: 161.6, 128: 104.1, 96: 59.3},
    0.75: {224: 226.7, 192: 166.9, 160: 116.4, 128: 75.0, 96: 42.9},
    0.5: {224: 105.2, 192: 77.6, 160: 54.4, 128: 35.3, 96: 20.5},
    0.35: {224: 63.2, 192: 46.8, 160: 32.9, 128: 21.6, 96: 12.7},
}


@pytest.mark.parametrize(
    ("alpha", "resolution"), [(alpha, resolution) for alpha, row in MNASNET_README.items() for resolution in row]
)
def test_mnasnet_readme(alpha: float, resolution: int) -> None:
    """All 25 figures are the products and one more for each output of an expanding or projecting layer, to 0.2 M."""
    graph = network("mnasnet_a1", alpha, resolution=resolution)
    blocks = [layer for layer in graph.layers if layer.op == "conv2d" and "/se/" not in layer.name]
    pointwise = [layer for layer in blocks if layer.name.endswith(("/expand", "/project"))]
    extra = sum(layer.output_shape.elements for layer in pointwise)
    assert (count_macs(graph) + extra) / 1e6 == pytest.approx(MNASNET_README[alpha][resolution], abs=0.21)


# -- structure --------------------------------------------------------------------------------------------------------


def test_widths_of_shufflenet() -> None:
    """The stages' channels at each published width: [SN1-README]'s network.py, [SN2] Table 5."""
    widths: dict[str, dict[float, tuple[int, ...]]] = {
        "shufflenet_v1": {
            0.5: (12, 120, 240, 480),
            1.0: (24, 240, 480, 960),
            1.5: (24, 360, 720, 1440),
            2.0: (48, 480, 960, 1920),
        },
        "shufflenet_v2": {
            0.5: (24, 48, 96, 192, 1024),
            1.0: (24, 116, 232, 464, 1024),
            1.5: (24, 176, 352, 704, 1024),
            2.0: (24, 244, 488, 976, 2048),
        },
    }
    for name, by_alpha in widths.items():
        for alpha, expected in by_alpha.items():
            graph = network(name, alpha)
            channels: dict[str, int] = {}
            for layer in graph.layers:
                row = layer.name.split("/")[0].split("_")[0]
                channels[row] = layer.output_shape.channels
            rows = [row for row in channels if row not in {"MaxPool", "GlobalPool", "FC"}]
            assert tuple(channels[row] for row in rows) == expected


@pytest.mark.parametrize("alpha", [0.25, 0.75, 3.0])
def test_shufflenet_v2_has_four_widths(alpha: float) -> None:
    with pytest.raises(InputError, match="channels is 0"):
        network("shufflenet_v2", alpha)


def test_shufflenet_units() -> None:
    """[SN1] Figure 2 (b) and (c), [SN2] Figure 3 (c) and (d), in the order in which they run."""
    expected = {
        ("shufflenet_v1", "Stage2_1"): "conv2d channel_shuffle depthwise_conv2d conv2d add",
        ("shufflenet_v1", "Stage3"): "avg_pool2d conv2d channel_shuffle depthwise_conv2d conv2d concat",
        ("shufflenet_v2", "Stage2_1"): "split split conv2d depthwise_conv2d conv2d concat channel_shuffle",
        ("shufflenet_v2", "Stage3"): ("depthwise_conv2d conv2d conv2d depthwise_conv2d conv2d concat channel_shuffle"),
    }
    for (name, row), ops in expected.items():
        layers = [layer for layer in network(name).layers if layer.name.startswith(f"{row}/")]
        assert " ".join(layer.op for layer in layers if layer.op not in {"batch_norm", "relu"}) == ops


def test_shufflenet_v1_groups() -> None:
    """[SN1] section 3.2: no grouped convolution in the first pointwise layer of Stage2, since its input is narrow."""
    graph = network("shufflenet_v1")
    groups = {layer.name: layer.operator.groups for layer in graph.layers if layer.op == "conv2d"}  # type: ignore[attr-defined]
    ungrouped = [name for name, count in groups.items() if count == 1]
    assert ungrouped == ["Conv1", "Stage2/reduce"]
    assert set(groups.values()) == {1, 3}


def test_proxylessnas_operators() -> None:
    """The authors' TFLite log on a Pixel 1: 42 CONV_2D (the classifier too), 20 DEPTHWISE_CONV_2D, 13 ADD."""
    layers = network("proxylessnas_mobile").layers
    ops = [layer.op for layer in layers]
    assert ops.count("conv2d") + ops.count("dense") == 42
    assert ops.count("add") == 13
    kernels = [layer.operator.kernel[0] for layer in layers if layer.op == "depthwise_conv2d"]  # type: ignore[attr-defined]
    assert kernels == [3, 5, 3, 7, 3, 5, 5, 7, 5, 5, 5, 5, 5, 5, 5, 7, 7, 7, 7, 7]  # ks_ in the operators' names


def test_mobilenet_edgetpu_residuals() -> None:
    """[SLIM] mobilenet_v3.py, V3_EDGETPU: one block of stride 1 and equal widths has residual=False."""
    graph = network("mobilenet_edgetpu")
    with_add = {layer.block for layer in graph.layers if layer.op == "add"}
    without = {layer.block for layer in graph.layers} - with_add
    assert "mbv3_5" in without  # the second 14x14x96 to 14x14x96 with expansion 8
    assert len(with_add) == 5 * 3


def test_mobilenet_edgetpu_params_without_batch_norm() -> None:
    """[SLIM] prints 4.0 and 2.9 M: 4.05 and 2.96 M without batch norm, cut off (4.09 and 2.99 M with it)."""
    none = ParamsConvention("none")
    assert count_params(network("mobilenet_edgetpu"), none) / 1e6 == pytest.approx(4.05, abs=0.005)
    assert count_params(network("mobilenet_edgetpu", 0.75), none) / 1e6 == pytest.approx(2.96, abs=0.005)

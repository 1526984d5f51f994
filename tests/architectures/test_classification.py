"""Classification networks: what their papers and frameworks publish against what the tables give.

Sources, beside the papers that each table cites:

- [torchvision] metadata of the weights of torchvision.models (0.14 and later), which its documentation prints:
  `num_params`; `_ops`, the multiply-accumulates in units of 10^9; `min_size`, the smallest input
- [timm] rwightman/pytorch-image-models, docs/models/dla.md: FLOPs and parameters of dla102x; batch norm counts twice an
  element there, pooling once an input and a result, a bias once
- [Keras] `keras.applications.Xception().summary()`
- [Caffe] BVLC/caffe, models/bvlc_googlenet: 6,998,552 parameters without the auxiliary classifiers
- [pytorchcv] osmr/imgclsmob, table of models: Xception; 1.0-SqNxt-23 with a bias for each channel and class
"""

from __future__ import annotations

import pytest

import mbcost
from mbcost.errors import InputError
from mbcost.graph import LayerGraph, ParamsConvention, build_graph, count_macs, count_params

G, M = 1e9, 1e6
AFFINE, ALL, FOLDED = ParamsConvention("affine"), ParamsConvention("all"), ParamsConvention("folded")


def network(name: str, **configuration: object) -> LayerGraph:
    return build_graph(mbcost.load(name), **configuration)  # type: ignore[arg-type]


def rounded(value: float, printed: str, unit: float) -> str:
    """`value` in `unit`, with as many digits as `printed`."""
    digits = len(printed.partition(".")[2])
    return f"{value / unit:.{digits}f}"


@pytest.mark.parametrize(
    ("name", "options", "convention", "params"),
    [
        # [torchvision] num_params
        ("alexnet", {}, AFFINE, 61_100_840),
        ("vgg16", {}, AFFINE, 138_357_544),
        ("googlenet", {}, AFFINE, 6_624_904),
        ("resnet18", {}, AFFINE, 11_689_512),
        ("resnet50", {}, AFFINE, 25_557_032),
        ("resnet50", {"stride_in_3x3": False}, AFFINE, 25_557_032),  # the stride moves no weight
        ("densenet121", {}, AFFINE, 7_978_856),
        ("squeezenet1_0", {}, AFFINE, 1_248_424),  # Table 1 of the paper prints the same total
        ("squeezenet1_1", {}, AFFINE, 1_235_496),
        ("resnext50_32x4d", {}, AFFINE, 25_028_904),
        ("wide_resnet50_2", {}, AFFINE, 68_883_240),
        ("regnet_x_3_2gf", {}, AFFINE, 15_296_552),
        ("regnet_y_800mf", {}, AFFINE, 6_432_512),
        ("efficientnet_b4", {}, AFFINE, 19_341_616),
        # [Keras]: total and trainable; the paper's Table 3 prints the second
        ("xception", {}, ALL, 22_910_480),
        ("xception", {}, AFFINE, 22_855_952),
        # [Caffe]: 5x5 kernels as in the paper, a bias instead of batch norm
        ("googlenet", {"kernel_5x5": 5}, FOLDED, 6_998_552),
    ],
)
def test_published_params(name: str, options: dict[str, int | bool], convention: ParamsConvention, params: int) -> None:
    assert count_params(network(name, options=options), convention) == params


@pytest.mark.parametrize(
    ("name", "configuration", "printed", "unit"),
    [
        # [torchvision] _ops
        ("alexnet", {}, "0.714", G),
        ("vgg16", {}, "15.47", G),
        ("googlenet", {}, "1.498", G),
        ("resnet18", {}, "1.814", G),
        ("resnet50", {}, "4.089", G),
        ("densenet121", {}, "2.834", G),
        ("squeezenet1_0", {}, "0.819", G),
        ("squeezenet1_1", {}, "0.349", G),
        ("resnext50_32x4d", {}, "4.23", G),
        ("wide_resnet50_2", {}, "11.398", G),
        ("regnet_x_3_2gf", {}, "3.177", G),
        ("regnet_y_800mf", {}, "0.834", G),
        ("efficientnet_b4", {}, "4.394", G),
        ("resnet18", {}, "1.8", G),  # He et al. 2015, Table 1
        ("squeezenet1_0", {"resolution": 227}, "833", M),  # Zhang et al. 2017, arXiv:1707.01083, Table 6
        ("xception", {}, "8.4", G),  # [pytorchcv] 8,403.63 M
    ],
)
def test_published_macs(name: str, configuration: dict[str, int], printed: str, unit: float) -> None:
    assert rounded(count_macs(network(name, **configuration)), printed, unit) == printed


def test_dla102x() -> None:
    """[timm]: 26.31 M parameters, 5,886,821,352 "FLOPs"; Yu et al. 2017, Table 2: 26.3 M and 5.9 x 10^9."""
    graph = network("dla102x")
    normalised = sum(layer.output_shape.elements for layer in graph.layers if layer.op == "batch_norm")
    pooled = 1024 * (7 * 7 + 1)
    assert rounded(count_params(graph, AFFINE), "26.31", M) == "26.31"
    assert count_macs(graph) + 2 * normalised + pooled + 1000 == 5_886_821_352


def test_resnet50_with_the_stride_in_the_1x1() -> None:
    """He et al. 2015, Table 1: 3.8 x 10^9, cut off; torchvision's place for the stride takes 4.089 x 10^9."""
    macs = count_macs(network("resnet50", options={"stride_in_3x3": False}))
    assert macs == 3_857_973_248
    assert int(macs / G * 10) / 10 == 3.8


def rows(graph: LayerGraph) -> dict[str, tuple[int, int]]:
    """MACs and params of each row of a table."""
    result: dict[str, tuple[int, int]] = {}
    for layer in graph.layers:
        macs, params = result.get(row := layer.name.partition("/")[0], (0, 0))
        result[row] = (macs + layer.cost.macs, params + layer.cost.weight_elements + layer.cost.bias_elements)
    return result


# Szegedy et al. 2014, Table 1, column "ops" [M]
GOOGLENET_OPS = {
    "conv1": 34,
    "conv2": 360,  # the 1x1 reduction (conv2 here) and the 3x3 (conv3)
    "inception3a": 128,
    "inception3b": 304,
    "inception4a": 73,
    "inception4b": 88,
    "inception4c": 100,
    "inception4d": 119,
    "inception4e": 170,
    "inception5a": 54,
    "inception5b": 71,
    "classifier": 1,
}
# What these rows take instead: 7x7 filters over 3 channels, 112 * 112 * 64 * 147; and 1,042,432 weights on 7x7
GOOGLENET_WRONG = {"conv1": 118, "inception5a": 51}


def test_googlenet_operations_row_by_row() -> None:
    """The column adds up to the 1.5 billion of the paper's text; with the two rows put right to 1.58 billion."""
    graph = network("googlenet", options={"kernel_5x5": 5})
    macs = {row: count for row, (count, _) in rows(graph).items() if count}
    macs["conv2"] += macs.pop("conv3")
    assert macs.keys() == GOOGLENET_OPS.keys()
    for row, printed in GOOGLENET_OPS.items():
        assert macs[row] / M == pytest.approx(GOOGLENET_WRONG.get(row, printed), abs=1), row
    assert rounded(sum(GOOGLENET_OPS.values()), "1.5", 1e3) == "1.5"
    assert all(abs(macs[row] / M - GOOGLENET_OPS[row]) > 2 for row in GOOGLENET_WRONG)
    assert count_macs(graph) == sum(macs.values()) == 1_582_671_872


def test_squeezenet_params_row_by_row() -> None:
    """Iandola et al. 2016, Table 1, column "#parameters before pruning"."""
    params = {row: count for row, (_, count) in rows(network("squeezenet1_0")).items() if count}
    assert params == {
        "conv1": 14_208,
        "fire2": 11_920,
        "fire3": 12_432,
        "fire4": 45_344,
        "fire5": 49_440,
        "fire6": 104_880,
        "fire7": 111_024,
        "fire8": 188_992,
        "fire9": 197_184,
        "conv10": 513_000,
    }


@pytest.mark.parametrize(
    ("alpha", "macs", "with_biases", "params"),
    [
        (1.0, "278", "282", "0.72"),
        (2.0, "742", "749", "2.4"),
    ],
)
def test_squeezenext(alpha: float, macs: str, with_biases: str, params: str) -> None:
    """Gholami et al. 2018 print 282 M and 0.72 M for 1.0-SqNxt-23, 749 M and 2.4 M for 2.0-SqNxt-23.

    Their MACs hold one operation a convolution output for the bias, which no other count here does.
    """
    graph = network("squeezenext23", alpha=alpha)
    biases = sum(layer.cost.output_elements for layer in graph.layers if layer.op == "conv2d")
    assert rounded(count_macs(graph), macs, M) == macs
    assert rounded(count_macs(graph) + biases, with_biases, M) == with_biases
    assert rounded(count_params(graph), params, M) == params


def test_squeezenext_params_with_biases() -> None:
    """[pytorchcv]: 724,056, with a bias for each channel that has batch norm and one for each class."""
    graph = network("squeezenext23")
    assert count_params(graph) + sum(layer.cost.norm_channels for layer in graph.layers) + 1000 == 724_056


@pytest.mark.parametrize(("alpha", "widths"), [(1.0, [32, 64, 128, 256]), (2.0, [64, 128, 256, 512])])
def test_squeezenext_layers(alpha: float, widths: list[int]) -> None:
    """The authors' train_val.prototxt of both widths: Convolution1 of 64 channels to Convolution111 of 128."""
    layers = network("squeezenext23", alpha=alpha).layers
    blocks = [layer.output_shape.channels for layer in layers if layer.op == "add"]
    assert blocks == [width for width, repeats in zip(widths, (6, 6, 8, 1), strict=True) for _ in range(repeats)]
    convolutions = [layer.output_shape.channels for layer in layers if layer.op == "conv2d"]
    assert (len(convolutions), convolutions[0], convolutions[-1]) == (111, 64, 128)


def test_darknet19() -> None:
    """Redmon and Farhadi 2016, section 3: 5.58 billion operations, two a multiply-add; 19 convolutions, 5 poolings."""
    graph = network("darknet19")
    assert rounded(2 * count_macs(graph), "5.58", G) == "5.58"
    assert [sum(layer.op == op for layer in graph.layers) for op in ("conv2d", "max_pool2d")] == [19, 5]


def test_mobilenet_v1_full_conv() -> None:
    """Howard et al. 2017, Table 4: 4866 M mult-adds and 29.3 M parameters.

    The 4866 M are the convolutions alone, cut off; the classifier's 1.02 M make it 4867.3 M.
    """
    graph = network("mobilenet_v1_full_conv")
    classifier = sum(layer.cost.macs for layer in graph.layers if layer.op == "dense")
    assert count_macs(graph) == 4_867_293_184
    assert int((count_macs(graph) - classifier) / M) == 4866
    assert rounded(count_params(graph), "29.3", M) == "29.3"


@pytest.mark.parametrize(
    ("name", "smallest"),
    [
        ("alexnet", 63),
        ("vgg16", 32),
        ("googlenet", 15),
        ("resnet18", 1),
        ("resnet50", 1),
        ("densenet121", 29),
        ("squeezenet1_0", 21),
        ("squeezenet1_1", 17),
    ],
)
def test_smallest_input(name: str, smallest: int) -> None:
    """[torchvision] min_size: paddings, strides and rounding let through what they let through there, and no less."""
    assert network(name, resolution=smallest).layers[-1].output_shape == (1, 1, 1000)
    with pytest.raises(InputError):
        network(name, resolution=smallest - 1)


@pytest.mark.parametrize("name", ["alexnet", "vgg16"])
def test_classifier_keeps_its_size(name: str) -> None:
    """The adaptive pooling feeds the classifier as many inputs at every resolution."""
    usual = count_params(network(name))
    assert [count_params(network(name, resolution=resolution)) for resolution in (96, 197, 448)] == [usual] * 3

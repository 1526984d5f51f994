"""Names of a report, and the blocks that it groups kernels into; expected by hand from the names and the graphs."""

from __future__ import annotations

import dataclasses

import pytest

import mbcost
from mbcost.insight.regions import MOST, regions, short_names


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        # as torch.onnx.export writes them: every scope repeats the path before it
        (
            ["features_features.0_features.0.0_Conv", "features_features.1_conv_conv.0_conv.0.0_Conv", "ReduceMean"],
            ["features.0.0_Conv", "features.1_conv.0.0_Conv", "ReduceMean"],
        ),
        (["model/block_1/conv", "model/block_1/relu", "model/head"], ["block_1/conv", "block_1/relu", "head"]),
        (["conv2d_1", "conv2d_2"], ["conv2d_1", "conv2d_2"]),  # a number alone says nothing
        (["bottleneck_1/expand", "conv2d_1"], ["bottleneck_1/expand", "conv2d_1"]),
        (["only"], ["only"]),
        (["a_a.b", "a.b"], ["a_a.b", "a.b"]),  # would no longer be distinct
        ([], []),
    ],
)
def test_short_names(names: list[str], expected: list[str]) -> None:
    assert short_names(names) == expected


def renamed(analysis: mbcost.Analysis, names: list[str]) -> mbcost.Analysis:
    """The analysis with other names, which are the names of the blocks too, as in an imported model."""
    graph = analysis.layer_graph
    layers = tuple(layer._replace(name=name, block=name) for layer, name in zip(graph.layers, names, strict=True))
    kernels = tuple(kernel._replace(main=layers[kernel.main.position]) for kernel in analysis.kernels)
    return dataclasses.replace(analysis, layer_graph=dataclasses.replace(graph, layers=layers), kernels=kernels)


def test_the_blocks_of_a_table() -> None:
    analysis = mbcost.analyze("mobilenet_v2", "pixel1")
    blocks = list(dict.fromkeys(regions(analysis)))
    assert blocks == [
        "conv2d_1",
        *(f"bottleneck_{n}" for n in range(1, 18)),
        "conv2d_2",
        "global_avg_pool_1",
        "dense_1",
    ]


def test_modules_that_names_spell() -> None:
    analysis = mbcost.analyze("mobilenet_v2", "pixel1")
    names = [f"net.stages.{layer.block}.{layer.position}" for layer in analysis.layer_graph.layers]
    blocks = list(dict.fromkeys(regions(renamed(analysis, names))))
    assert len(blocks) == 21  # as in the table
    assert blocks[1] == "bottleneck_1"  # without what all names begin with


def test_residual_regions_of_a_graph_whose_names_say_nothing() -> None:
    analysis = mbcost.analyze("resnet50", "pixel1")
    names = [chr(0x4E00 + layer.position) for layer in analysis.layer_graph.layers]
    found = regions(renamed(analysis, names))
    table = [kernel.main.block for kernel in analysis.kernels]
    # conv1, pool1, 3 + 4 + 6 + 3 residual blocks, and pool and classifier (He et al. 2016, table 1)
    assert len(set(found)) == 2 + 16 + 1
    pairs = set(zip(found, table, strict=True))
    assert len(pairs) == 20  # each region is one block of the table; the last are pool5 and fc


@pytest.mark.parametrize("name", ["mobilenet_v1", "densenet121", "efficientnet_b0"])
def test_there_are_few_enough_of_them(name: str) -> None:
    analysis = mbcost.analyze(name, "pixel1")
    names = [
        f"{number:x}".translate(str.maketrans("0123456789", "ghijklmnop")) for number in range(len(analysis.layers))
    ]
    for one in (analysis, renamed(analysis, names)):
        found = regions(one)
        assert len(found) == len(analysis.kernels)
        assert 1 < len(set(found)) <= MOST

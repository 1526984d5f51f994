"""Tables that begin with another table's network: what they keep of it, what they call it, and what they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mbcost
from mbcost.errors import InputError
from mbcost.graph import LayerGraph, build_graph, check_architecture

# 32x32x3 -> stem 16x16x8 -> middle/wide 16x16x16, middle/narrow 8x8x8 -> last 4x4x24
BODY = """
name: body
source: a test
input: 32x32x3
options: {last: 24, wide: 2, long: true}
width: {rule: make_divisible, divisor: 8, minimum: 8}
blocks:
  pair:
    parameters: {out: required, stride: 1}
    layers:
      - {name: wide, op: conv2d 1x1, out: wide * in_channels, norm: batch_norm, activation: relu6}
      - {name: narrow, op: conv2d 3x3, out: out, stride: stride}
columns: [name, input, op, out, stride]
layers:
  - [stem,   32x32x3, conv2d 3x3, 8,  2]
  - [middle, 16x16x8, pair,       8,  2]
  - {name: last, input: 8x8x8, op: conv2d 3x3, out: last, stride: 2, when: long}
  - {op: global_avg_pool}
"""
HEAD = """
name: head
source: a test
input: 32x32x3
"""


def load(folder: Path, head: str, body: str = BODY) -> mbcost.ArchitectureSpec:
    (folder / "body.yaml").write_text(body, encoding="utf-8")
    path = folder / "head.yaml"
    path.write_text(HEAD + head, encoding="utf-8")
    return mbcost.load(path)


def shapes(graph: LayerGraph) -> dict[str, tuple[Any, ...]]:
    return {layer.name: tuple(layer.output_shape) for layer in graph.layers}


def refused(folder: Path, head: str) -> list[tuple[str, str]]:
    """(code, what its place marks) of every problem of a head."""
    with pytest.raises(InputError) as caught:
        load(folder, head)
    lines = (HEAD + head).splitlines()
    marked = []
    for problem in caught.value.problems:
        place = problem.location
        assert place is not None
        marked.append((problem.code, lines[place.line - 1][place.column - 1 : place.end_column - 1]))
    return marked


# -- composition ------------------------------------------------------------------------------------------------------


def test_a_table_after_a_table(tmp_path: Path) -> None:
    """The file beside the table is found by its name; its layers come first, under `backbone/`."""
    head = "backbone: {architecture: body.yaml}\nlayers:\n  - {name: classes, op: dense, out: 10, scale: none}\n"
    graph = build_graph(load(tmp_path, head))
    assert shapes(graph) == {
        "backbone/stem": (16, 16, 8),
        "backbone/middle/wide": (16, 16, 16),
        "backbone/middle/wide/batch_norm": (16, 16, 16),
        "backbone/middle/wide/relu6": (16, 16, 16),
        "backbone/middle/narrow": (8, 8, 8),
        "backbone/last": (4, 4, 24),
        "backbone/global_avg_pool_1": (1, 1, 24),
        "classes": (1, 1, 10),
    }
    assert graph.input_shape == (32, 32, 3)


def test_until(tmp_path: Path) -> None:
    head = "backbone: {architecture: body.yaml, until: middle}\nlayers:\n  - {name: next, op: conv2d 1x1, out: 4}\n"
    graph = build_graph(load(tmp_path, head))
    assert list(shapes(graph))[-2:] == ["backbone/middle/narrow", "next"]
    assert graph.layers[-1].input_shapes == ((8, 8, 8),)


def test_taps(tmp_path: Path) -> None:
    """A tap names a row's output, or that of any layer inside of a block."""
    head = """
backbone:
  architecture: body.yaml
  until: last
  taps: {expanded: middle/wide/relu6, plain: middle/wide, first: stem}
layers:
  - {name: a, op: conv2d 1x1, out: 4, inputs: expanded}
  - {name: b, op: conv2d 1x1, out: 4, inputs: plain}
  - {name: c, op: conv2d 1x1, out: 4, inputs: first}
outputs: [a, b, c]
"""
    graph = build_graph(load(tmp_path, head))
    layers = {layer.name: layer for layer in graph.layers}
    producers = [graph.layers[layers[name].inputs[0]].name for name in "abc"]
    assert producers == ["backbone/middle/wide/relu6", "backbone/middle/wide", "backbone/stem"]
    assert [graph.layers[position].name for position in graph.outputs] == ["a", "b", "c"]


def test_names_do_not_meet(tmp_path: Path) -> None:
    """A row may be called as one of the backbone is."""
    head = "backbone: {architecture: body.yaml, until: stem}\nlayers:\n  - {name: stem, op: conv2d 1x1, out: 4}\n"
    assert list(shapes(build_graph(load(tmp_path, head)))) == ["backbone/stem", "stem"]


def test_built_in_backbone_equals_its_own_network(tmp_path: Path) -> None:
    head = "backbone: {architecture: mobilenet_v2, until: bottleneck_17}\nlayers:\n  - {op: global_avg_pool}\n"
    graph = build_graph(load(tmp_path, head), resolution=224)
    whole = build_graph(mbcost.load("mobilenet_v2"))
    kept = [layer for layer in graph.layers if layer.name.startswith("backbone/")]
    assert [layer.name for layer in kept] == [f"backbone/{layer.name}" for layer in whole.layers[: len(kept)]]
    assert [layer.cost for layer in kept] == [layer.cost for layer in whole.layers[: len(kept)]]
    assert kept[-1].block == "backbone/bottleneck_17"


def test_printed_columns_of_a_backbone_are_for_its_own_input(tmp_path: Path) -> None:
    head = "backbone: {architecture: body.yaml}\nlayers:\n  - {op: dense, out: 10, input: 1x1x24}\n"
    spec = load(tmp_path, head.replace("32x32x3", "64x64x3"))
    assert check_architecture(spec) == ()
    assert build_graph(spec, resolution=64).layers[0].output_shape == (32, 32, 8)


# -- options and width ------------------------------------------------------------------------------------------------


def test_options(tmp_path: Path) -> None:
    """The backbone's defaults, a value, and an expression of the table's own options."""
    rows = "layers:\n  - {op: conv2d 1x1, out: 4}\n"
    usual = shapes(build_graph(load(tmp_path, f"backbone: {{architecture: body.yaml, until: last}}\n{rows}")))
    assert (usual["backbone/last"][2], usual["backbone/middle/wide"][2]) == (24, 16)
    head = "options: {size: 5}\nbackbone: {architecture: body.yaml, until: last, options: {last: 8 * size, wide: 3}}\n"
    spec = load(tmp_path, head + rows)
    given = shapes(build_graph(spec))
    assert (given["backbone/last"][2], given["backbone/middle/wide"][2]) == (8 * 5, 3 * 8)
    assert shapes(build_graph(spec, options={"size": 2}))["backbone/last"][2] == 16


def test_flags(tmp_path: Path) -> None:
    head = """
options: {short: true}
backbone: {architecture: body.yaml, options: {long: not short}}
layers:
  - {op: dense, out: 10}
"""
    spec = load(tmp_path, head)
    assert "backbone/last" not in shapes(build_graph(spec))
    assert "backbone/last" in shapes(build_graph(spec, options={"short": False}))


def test_options_of_the_backbone_are_not_the_tables(tmp_path: Path) -> None:
    head = "backbone: {architecture: body.yaml}\nlayers:\n  - {op: dense, out: 10}\n"
    with pytest.raises(InputError, match="no option `last`"):
        build_graph(load(tmp_path, head), options={"last": 8})


def test_width_rule_of_each_table(tmp_path: Path) -> None:
    """At alpha 0.7 the backbone rounds 24 * 0.7 = 16.8 to a multiple of 8, the table cuts it off."""
    rows = "layers:\n  - {name: mine, op: conv2d 1x1, out: 24}\n"
    backbone = "backbone: {architecture: body.yaml, until: last}\n"
    both = shapes(build_graph(load(tmp_path, f"width: {{rule: truncate, minimum: 1}}\n{backbone}{rows}"), alpha=0.7))
    assert (both["backbone/last"][2], both["mine"][2]) == (16, 16)
    wider = shapes(build_graph(load(tmp_path, f"width: {{rule: truncate, minimum: 1}}\n{backbone}{rows}"), alpha=0.8))
    assert (wider["backbone/last"][2], wider["mine"][2]) == (24, 19)  # 24 * 0.8 = 19.2; 16 would be below 90 % of it
    inherited = shapes(build_graph(load(tmp_path, backbone + rows), alpha=0.8))
    assert inherited["mine"][2] == 24


def test_widths_that_refer_to_the_printed_table(tmp_path: Path) -> None:
    """MobileNet V3 expands by the ratio of its printed channels, in a backbone as on its own."""
    head = "backbone: {architecture: mobilenet_v3_large, until: bneck_15}\nlayers:\n  - {op: global_avg_pool}\n"
    graph = build_graph(load(tmp_path, head), alpha=0.75, resolution=224)
    whole = build_graph(mbcost.load("mobilenet_v3_large"), alpha=0.75)
    kept = [layer for layer in graph.layers if layer.name.startswith("backbone/")]
    assert [layer.cost for layer in kept] == [layer.cost for layer in whole.layers[: len(kept)]]


def test_arrays_equal_single_configurations(tmp_path: Path) -> None:
    head = """
options: {size: 3}
backbone:
  architecture: body.yaml
  until: last
  taps: {expanded: middle/wide/relu6}
  options: {last: 8 * size}
  output_stride: 4
layers:
  - {name: side, op: conv2d 1x1, out: 12, inputs: expanded}
  - {name: up, op: resize, size: image_height}
"""
    spec = load(tmp_path, head)
    alphas, resolutions = np.array([0.5, 1.0, 1.7]), np.array([32, 57, 96], dtype=np.int64)
    together = build_graph(spec, alpha=alphas, resolution=resolutions)
    for i, (alpha, resolution) in enumerate(zip(alphas, resolutions, strict=True)):
        single = build_graph(spec, alpha=float(alpha), resolution=int(resolution))
        assert [layer.name for layer in together.layers] == [layer.name for layer in single.layers]
        for many, one in zip(together.layers, single.layers, strict=True):
            assert np.broadcast_to(many.cost.macs, 3)[i] == one.cost.macs
            assert [np.broadcast_to(dim, 3)[i] for dim in many.output_shape] == [*one.output_shape]
        assert single.layers[-1].output_shape.height == resolution


# -- output stride ----------------------------------------------------------------------------------------------------

CHAIN = """
name: body
source: a test
input: 64x64x3
layers:
  - {name: a, op: conv2d 3x3, out: 4, stride: 2}
  - {name: b, op: depthwise_conv2d 3x3, stride: 2}
  - {name: c, op: conv2d 1x1, out: 4}
  - {name: d, op: depthwise_conv2d 5x5, stride: 2}
  - {name: e, op: max_pool2d 3x3, stride: 2}
  - {name: f, op: conv2d 3x3, out: 4, repeat: 2}
"""


@pytest.mark.parametrize(
    ("stride", "heights", "rates"),
    [
        # the layer that loses its stride still has the rate of those before it; later ones are dilated by it too
        (32, [32, 16, 16, 8, 4, 4, 4], [1, 1, 1, 1, 1, 1]),
        (16, [32, 16, 16, 8, 4, 4, 4], [1, 1, 1, 1, 1, 1]),
        (8, [32, 16, 16, 8, 8, 8, 8], [1, 1, 1, 1, 2, 2]),
        (4, [32, 16, 16, 16, 16, 16, 16], [1, 1, 1, 1, 4, 4]),
        (2, [32, 32, 32, 32, 32, 32, 32], [1, 1, 1, 2, 8, 8]),  # the 1x1 has nothing to spread, the pooling no dilation
        (1, [64, 64, 64, 64, 64, 64, 64], [1, 2, 1, 4, 16, 16]),
    ],
)
def test_strides_become_dilation(tmp_path: Path, stride: int, heights: list[int], rates: list[int]) -> None:
    head = f"backbone: {{architecture: body.yaml, output_stride: {stride}}}\nlayers:\n  - {{op: relu}}\n"
    graph = build_graph(load(tmp_path, head, CHAIN), resolution=64)
    layers = [layer for layer in graph.layers if layer.name.startswith("backbone/")]
    assert [layer.output_shape.height for layer in layers] == heights
    dilated = [layer.operator.describe()["dilation"] for layer in layers if layer.op != "max_pool2d"]
    assert dilated == [(rate, rate) for rate in rates]


def test_output_stride_changes_no_weight(tmp_path: Path) -> None:
    rows = "layers:\n  - {op: relu}\n"
    strided = build_graph(load(tmp_path, f"backbone: {{architecture: body.yaml}}\n{rows}", CHAIN))
    dilated = build_graph(load(tmp_path, f"backbone: {{architecture: body.yaml, output_stride: 4}}\n{rows}", CHAIN))
    assert strided.cost.weight_elements == dilated.cost.weight_elements


def test_output_stride_by_an_option(tmp_path: Path) -> None:
    head = """
options: {fine: false}
backbone: {architecture: body.yaml, output_stride: 4 if fine else 8}
layers:
  - {op: relu}
"""
    spec = load(tmp_path, head, CHAIN)
    assert build_graph(spec, resolution=64).layers[-1].output_shape.height == 8
    assert build_graph(spec, resolution=64, options={"fine": True}).layers[-1].output_shape.height == 16


def test_output_stride_ends_with_the_backbone(tmp_path: Path) -> None:
    rows = "layers:\n  - {name: mine, op: conv2d 3x3, out: 4, stride: 2}\n"
    head = f"backbone: {{architecture: body.yaml, output_stride: 8}}\n{rows}"
    layer = build_graph(load(tmp_path, head, CHAIN), resolution=64).layers[-1]
    assert layer.output_shape.height == 4
    assert layer.operator.describe()["dilation"] == (1, 1)


# -- refusals ---------------------------------------------------------------------------------------------------------

ROWS = "layers:\n  - {op: dense, out: 10}\n"


@pytest.mark.parametrize(
    ("backbone", "code", "marked"),
    [
        ("[body.yaml]", "MB103", "backbone"),
        ("{until: last}", "MB102", "backbone"),
        ("{architecture: boby.yaml}", "MB200", "boby.yaml"),
        ("{architecture: body.yaml, untill: last}", "MB101", "untill"),
        ("{architecture: body.yaml, until: lost}", "MB202", "lost"),
        ("{architecture: body.yaml, until: 3}", "MB103", "3"),
        ("{architecture: body.yaml, taps: {x: middle/wider}}", "MB202", "middle/wider"),
        ("{architecture: body.yaml, until: stem, taps: {x: last}}", "MB202", "last"),
        ("{architecture: body.yaml, taps: stem}", "MB103", "stem"),
        ("{architecture: body.yaml, options: {lost: 8}}", "MB010", "lost"),
        ("{architecture: body.yaml, options: {last: [8]}}", "MB103", "last"),
        ("{architecture: body.yaml, options: {last: 8 * classes}}", "MB205", "classes"),
        ("{architecture: body.yaml, options: {last: 8 *}}", "MB205", "8 *"),
        ("{architecture: body.yaml, options: 8}", "MB103", "8"),
        ("{architecture: body.yaml, output_stride: 0}", "MB103", "0"),
        ("{architecture: body.yaml, output_stride: true}", "MB103", "true"),
        ("{architecture: body.yaml, output_stride: 8 * lost}", "MB205", "lost"),
        ("{architecture: body.yaml, output_stride: 1 / 2}", "MB205", "1 / 2"),
    ],
)
def test_refused_with_its_place(tmp_path: Path, backbone: str, code: str, marked: str) -> None:
    assert refused(tmp_path, f"backbone: {backbone}\n{ROWS}") == [(code, marked)]


def test_the_nearest_name_is_proposed(tmp_path: Path) -> None:
    head = f"backbone: {{architecture: body.yaml, until: midle}}\n{ROWS}"
    with pytest.raises(InputError) as caught:
        load(tmp_path, head)
    assert "middle" in (caught.value.problems[0].hint or "")
    with pytest.raises(InputError) as caught:
        load(tmp_path, f"backbone: {{architecture: mobilenet_v22}}\n{ROWS}")
    assert "mobilenet_v2" in (caught.value.problems[0].hint or "")


def test_a_row_that_takes_what_is_no_tap(tmp_path: Path) -> None:
    head = "backbone: {architecture: body.yaml}\nlayers:\n  - {op: conv2d 1x1, out: 4, inputs: stem}\n"
    assert refused(tmp_path, head) == [("MB202", "stem")]


def test_tables_that_begin_with_themselves(tmp_path: Path) -> None:
    assert [code for code, _ in refused(tmp_path, f"backbone: {{architecture: head.yaml}}\n{ROWS}")] == ["MB200"]
    circle = HEAD + f"backbone: {{architecture: head.yaml}}\n{ROWS}"
    (tmp_path / "head.yaml").write_text(HEAD + f"backbone: {{architecture: body.yaml}}\n{ROWS}", encoding="utf-8")
    (tmp_path / "body.yaml").write_text(circle, encoding="utf-8")
    with pytest.raises(InputError, match="begin with each other"):
        mbcost.load(tmp_path / "body.yaml")


def test_mistakes_of_the_backbone_are_named(tmp_path: Path) -> None:
    broken = BODY.replace("op: global_avg_pool", "op: global_avg_pol")
    with pytest.raises(InputError, match="global_avg_pol") as caught:
        load(tmp_path, f"backbone: {{architecture: body.yaml}}\n{ROWS}", broken)
    assert caught.value.codes == ("MB201",)

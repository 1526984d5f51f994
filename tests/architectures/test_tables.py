"""The tables that ship: they load, their columns agree with the propagated shapes, and they cite their source."""

from __future__ import annotations

from pathlib import Path

import pytest

import mbcost
from mbcost.architectures import architecture_names, load_architecture
from mbcost.errors import InputError
from mbcost.graph import build_graph, check_architecture, count_macs

TABLES = Path(mbcost.__file__).parent / "architectures" / "tables"


@pytest.mark.parametrize("name", architecture_names())
def test_table_is_consistent_and_cited(name: str) -> None:
    spec = load_architecture(TABLES / f"{name}.yaml")
    assert spec.name == name
    assert "arXiv:" in spec.source
    assert check_architecture(spec) == ()


@pytest.mark.parametrize("name", architecture_names())
def test_every_layer_is_read(name: str) -> None:
    """A row that is left out passes on its first input: what only its second one reads would be lost."""
    graph = build_graph(mbcost.load(name))
    read = {position for layer in graph.layers for position in layer.inputs} | set(graph.outputs)
    assert [layer.name for layer in graph.layers if layer.position not in read] == []


def write(folder: Path, text: str) -> Path:
    path = folder / "table.yaml"
    path.write_text(text, encoding="utf-8")
    return path


HEAD = "name: net\nsource: a test\n"


def test_rows_read_like_the_papers(tmp_path: Path) -> None:
    """List rows under `columns`, papers' short names, and plain mappings give the same network."""
    listed = """
input: 32x32x3
columns: [type, filter, input]
layers:
  - [Conv / s2, 3x3x3x8, 32x32x3]
  - [Conv dw / s1, 3x3x8 dw, 16x16x8]
  - [Conv / s1, 1x1x8x16, 16x16x8]
"""
    mapped = """
input: 32x32x3
layers:
  - {op: conv2d, out: 8, kernel: 3, stride: 2}
  - {op: depthwise_conv2d, kernel: 3}
  - {op: conv, c: 16, k: 1, s: 1}
"""
    first = build_graph(mbcost.load(write(tmp_path, HEAD + listed)))
    second = build_graph(load_architecture(write(tmp_path, HEAD + mapped)))
    assert [layer.cost for layer in first.layers] == [layer.cost for layer in second.layers]
    assert first.cost.macs == 16 * 16 * (8 * 9 * 3 + 9 * 8 + 16 * 8)  # conv 3x3 s2, depthwise, pointwise


def test_branches_by_name(tmp_path: Path) -> None:
    text = """
input: 8x8x4
layers:
  - {name: stem, op: conv2d 1x1, out: 8}
  - {name: left, op: conv2d 3x3, out: 6, inputs: stem}
  - {name: right, op: max_pool2d 3x3, stride: 1, inputs: stem}
  - {op: concat, inputs: [left, right]}
"""
    graph = build_graph(mbcost.load(write(tmp_path, HEAD + text)))
    assert graph.layers[-1].output_shape == (8, 8, 6 + 8)
    assert [graph.layers[i].name for i in graph.layers[-1].inputs] == ["left", "right"]


def test_own_keys_come_before_short_names(tmp_path: Path) -> None:
    """`channels` is short for the output channels, but a key of its own where an operator has one."""
    text = "input: 8x6x4\nlayers:\n  - {op: conv2d, channels: 5}\n  - {op: reduce, channels: true}\n"
    graph = build_graph(mbcost.load(write(tmp_path, HEAD + text)))
    assert [layer.output_shape for layer in graph.layers] == [(8, 6, 5), (8, 6, 1)]


def test_size_of_the_image(tmp_path: Path) -> None:
    text = "input: 32x32x3\nlayers:\n  - {op: conv2d, out: 4, stride: 2}\n  - {op: resize, size: image_height}\n"
    spec = mbcost.load(write(tmp_path, HEAD + text))
    assert build_graph(spec).layers[-1].output_shape == (32, 32, 4)
    assert build_graph(spec, resolution=47).layers[-1].output_shape == (47, 47, 4)


def test_repeats_stride_once(tmp_path: Path) -> None:
    text = "input: 32x32x3\nlayers:\n  - {op: conv2d 3x3, out: 4, stride: 2, repeat: 3}\n"
    graph = build_graph(mbcost.load(write(tmp_path, HEAD + text)))
    assert [layer.output_shape for layer in graph.layers] == [(16, 16, 4)] * 3
    assert [layer.name for layer in graph.layers] == ["conv2d_1", "conv2d_2", "conv2d_3"]


def test_printed_input_that_disagrees(tmp_path: Path) -> None:
    """Early copies of MobileNet V2's Table 2 print 28x28x64 as the input of the 96-channel row; it is 14x14x64."""
    text = (TABLES / "mobilenet_v2.yaml").read_text(encoding="utf-8")
    path = write(tmp_path, text.replace("[14x14x64,   bottleneck", "[28x28x64,   bottleneck"))
    with pytest.raises(InputError) as caught:
        mbcost.load(path)
    (problem,) = caught.value.problems
    assert problem.code == "MB203"
    assert "28x28x64" in problem.message
    assert "14x14x64" in problem.message
    assert problem.location is not None
    shown = path.read_text().splitlines()[problem.location.line - 1]
    assert shown[problem.location.column - 1 :].startswith("28x28x64")


def test_mobilenet_v1_misprint(tmp_path: Path) -> None:
    """Table 1 of MobileNet V1 prints stride 2 for the last depthwise layer, whose next row is 7x7 again."""
    text = (TABLES / "mobilenet_v1.yaml").read_text(encoding="utf-8")
    path = write(tmp_path, text.replace("[Conv dw / s1, 3x3x1024 dw,", "[Conv dw / s2, 3x3x1024 dw,"))
    with pytest.raises(InputError) as caught:
        mbcost.load(path)
    messages = [problem.message for problem in caught.value.problems]
    assert messages == ["the table says 7x7x1024, the rows before it give 4x4x1024"]


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"alpha": 0}, "above 0"),
        ({"alpha": float("nan")}, "above 0"),
        ({"resolution": 0}, "out of range"),
        ({"resolution": 224, "rho": 1.0}, "both"),
        ({"options": {"clases": 10}}, "no option"),
        ({"options": {"shallow": 3}}, "true or false"),
        ({"options": {"classes": True}}, "a number"),
    ],
)
def test_bad_configuration(configuration: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_graph(mbcost.load("mobilenet_v1"), **configuration)  # type: ignore[arg-type]


def test_alpha_needs_a_width_rule(tmp_path: Path) -> None:
    spec = mbcost.load(write(tmp_path, HEAD + "input: 8x8x3\nlayers:\n  - {op: conv2d, out: 4}\n"))
    with pytest.raises(InputError, match="no width rule"):
        build_graph(spec, alpha=0.5)


def test_unknown_architecture_names_the_nearest() -> None:
    with pytest.raises(InputError, match="mobilenet_v2"):
        mbcost.load("mobilnet_v2")
    with pytest.raises(InputError, match="mobilenet_v3_small"):
        mbcost.load("v3_small")


def test_changed_file_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + "input: 8x8x3\nlayers:\n  - {op: conv2d, out: 4}\n")
    assert build_graph(mbcost.load(path)).layers[0].output_shape.channels == 4
    write(tmp_path, HEAD + "input: 8x8x3\nlayers:\n  - {op: conv2d, out: 16}\n")
    assert build_graph(mbcost.load(path)).layers[0].output_shape.channels == 16


def test_a_signal_may_be_longer_than_an_image_is_wide(tmp_path: Path) -> None:
    """Two seconds of basic-pitch's sound at 22,050 Hz, 256 samples short; a product a sample, tap and channel."""
    layers = "layers:\n  - {op: conv2d, out: 8, kernel: [1, 5], padding: same}\n"
    graph = build_graph(mbcost.load(write(tmp_path, HEAD + "input: 1x43844x1\n" + layers)))
    assert count_macs(graph) == 43_844 * 5 * 8


@pytest.mark.parametrize("size", ["16385x16384x1", "1x268435457x1"])
def test_an_input_has_at_most_the_pixels_of_the_largest_square(tmp_path: Path, size: str) -> None:
    with pytest.raises(InputError, match="is not an input size"):
        build_graph(mbcost.load(write(tmp_path, HEAD + f"input: {size}\nlayers:\n  - {{op: relu}}\n")))

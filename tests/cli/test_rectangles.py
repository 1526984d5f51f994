"""Inputs that are not square: each command takes height x width for a table, and counts what hand arithmetic gives."""

from __future__ import annotations

import json

import pytest

import mbcost
from mbcost.errors import InputError

#: Howard et al. 2017, table 1: input and output channels of each block, by what its input is divided, and its stride.
BLOCKS = [
    *((32, 64, 2, 1), (64, 128, 2, 2), (128, 128, 4, 1), (128, 256, 4, 2), (256, 256, 8, 1), (256, 512, 8, 2)),
    *((512, 512, 16, 1),) * 5,
    *((512, 1024, 16, 2), (1024, 1024, 32, 1)),
]
#: 224x320 is divided without a rest by 32, so every layer has 10/7 of the outputs of 224x224.
PIXELS = 224 * 320
STEM = 9 * 3 * 32 * PIXELS // 4
DEPTHWISE = [9 * i * PIXELS // (by * stride) ** 2 for i, _, by, stride in BLOCKS]
POINTWISE = [i * o * PIXELS // (by * stride) ** 2 for i, o, by, stride in BLOCKS]
MACS = STEM + sum(DEPTHWISE) + sum(POINTWISE) + 1024 * 1000
ANALYZE = ("analyze", "mobilenet_v1", "-d", "pixel1")


def test_every_layer_of_mobilenet_v1_at_224x320():
    layers = mbcost.analyze("mobilenet_v1", "pixel1", resolution=(224, 320)).layer_graph.layers
    macs = [layer.cost.macs for layer in layers if layer.op in {"conv2d", "depthwise_conv2d", "dense"}]
    blocks = [count for pair in zip(DEPTHWISE, POINTWISE, strict=True) for count in pair]
    assert macs == [STEM, *blocks, 1024 * 1000]
    assert STEM == 15_482_880  # 27 weights x 32 channels x 112 x 160
    assert MACS == (568_740_352 - 1_024_000) * 10 // 7 + 1_024_000  # 569 M at 224x224, of which 1 M do not scale


@pytest.mark.parametrize(
    "arguments",
    [
        ("--resolution", "224x320"),
        ("--input-shape", "1x3x224x320"),
        ("--input-shape", "1x224x320x3"),
        ("--input-shape", "input=224x320x3"),
    ],
    ids=" ".join,
)
def test_analyze(cli, arguments):
    found = json.loads(cli(*ANALYZE, *arguments, "--format", "json").out)
    assert (found["totals"]["macs"], found["resolution"], found["input_width"]) == (MACS, 224, 320)
    assert "input 224x320x3" in cli(*ANALYZE, *arguments).out


@pytest.mark.parametrize("name", mbcost.architecture_names())
def test_every_table_takes_a_rectangle(name):
    table = mbcost.load(name)
    height, width, _ = table.input_shape
    more = 224 if name == "tiny_vit_5m" else 64  # whose windows divide multiples of 224
    wide = mbcost.build_graph(table, resolution=(height, width + more))
    assert wide.input_shape[:2] == (height, width + more)
    assert wide.cost.macs > mbcost.build_graph(table).cost.macs


def test_an_input_that_no_stride_divides():
    # SAME padding, stride 2: 225x319 becomes 113x160
    stem = mbcost.build_graph(mbcost.load("mobilenet_v1"), resolution=(225, 319)).layers[0]
    assert stem.output_shape == (113, 160, 32)


def test_squares_are_as_before(cli):
    for square in (("--resolution", "192x192"), ("--input-shape", "1x3x192x192")):
        assert cli(*ANALYZE, *square).out.splitlines()[:9] == cli(*ANALYZE, "--resolution", "192").out.splitlines()[:9]
    own = mbcost.load("mobilenet_v1")
    assert mbcost.load("mobilenet_v1", input_shape=(1, 3, 224, 224)) is own


def test_a_batch_that_the_shape_states(cli):
    found = json.loads(cli(*ANALYZE, "--input-shape", "4x3x224x320", "--format", "json").out)
    assert (found["batch"], found["totals"]["macs"]) == (4, 4 * MACS)
    assert found["warnings"][-1] == "The stated batch is 4."


def test_sweep_with_squares_and_rectangles(cli):
    line = ("sweep", "mobilenet_v1", "-d", "pixel1", "--resolution", "224,224x320,320x224")
    rows = json.loads(cli(*line, "--format", "json").out)["rows"]
    assert [(row["resolution"], row["input_width"]) for row in rows] == [(224, 224), (224, 320), (320, 224)]
    assert [row["macs"] for row in rows] == [568_740_352, MACS, MACS]
    # published accuracy and measurements are of squares: 70.9 % and 117.1 ms of 224 are of no other input
    assert [row["top1"] for row in rows] == [70.9, None, None]
    assert [row["measured_ms"] for row in rows] == [117.1, None, None]
    assert [row["rho"] for row in rows] == [1.0, None, None]
    one = json.loads(cli(*ANALYZE, "--resolution", "224x320", "--format", "json").out)
    assert rows[1]["latency_ms"] == one["latency_ms"]
    assert "224x320" in cli(*line, "--all").out


def test_sweep_in_python():
    some = mbcost.sweep("mobilenet_v1", "pixel1", resolution=[(224, 320), 224])
    assert some.columns["input_width"].tolist() == [320, 224]
    assert some.at(0).totals.macs == MACS
    two = mbcost.sweep("mobilenet_v1", "pixel1", resolution=(224, 320))
    assert two.columns["input_width"].tolist() == [224, 320]
    by_pairs = mbcost.sweep("mobilenet_v1", "pixel1", points=[(1.0, (224, 320)), (1.0, 224)])
    assert by_pairs.columns["macs"].tolist() == [MACS, 568_740_352]


def test_a_heat_map_has_a_row_for_each_height_and_width():
    from mbcost.report.charts.sweep import heat_map

    result = mbcost.sweep("mobilenet_v1", "pixel1", alpha=[0.5, 1], resolution=[(224, 320), 224, 192])
    chart = heat_map(result, "mobilenet_v1", result.columns["target"][0])
    assert chart.layout["yaxis"]["ticktext"] == ["192", "224", "224x320"]
    assert all(time is not None for row in chart.data[0]["z"] for time in row)


def test_pick(cli):
    line = ("pick", "mobilenet_v1", "-d", "pixel1", "--budget", "1000ms", "--resolution", "192x256,224x320")
    found = json.loads(cli(*line, "--format", "json").out)
    assert (found["pick"]["resolution"], found["pick"]["input_width"]) == (224, 320)
    assert (found["pick"]["macs"], found["pick"]["top1"]) == (MACS, None)
    assert "224x320" in cli(*line).out


def test_compare(cli):
    line = ("compare", "mobilenet_v1@1/224x320", "mobilenet_v1,resolution=224", "-d", "pixel1", "--format", "json")
    subjects = json.loads(cli(*line).out)["subjects"]
    assert [one["label"] for one in subjects] == ["mobilenet_v1@1/224x320", "mobilenet_v1@1/224"]
    assert [one["totals"]["macs"] for one in subjects] == [MACS, 568_740_352]
    shaped = ("compare", "mobilenet_v1", "mobilenet_v2", "-d", "pixel1", "--input-shape", "1x3x224x320")
    assert [one["input_width"] for one in json.loads(cli(*shaped, "--format", "json").out)["subjects"]] == [320, 320]


def test_stream_and_design(cli):
    stream = ("stream", "mobilenet_v1", "-d", "pixel1", "--rate", "1", "--format", "json")
    (wide,) = json.loads(cli(*stream, "--resolution", "224x320").out)["stages"][:1]
    (square,) = json.loads(cli(*stream).out)["stages"][:1]
    assert wide != square
    design = ("design", "mobilenet_v1", "--alpha", "0.25", "--resolution", "96x160")
    for style in (("-d", "pynq_z2"), ("-d", "zc706", "--style", "streaming")):
        document = json.loads(cli(*design, *style, "--format", "json").out)
        assert (document["resolution"], document["input_width"]) == (96, 160)


def test_tables_of_layers_and_files(cli):
    shown = json.loads(cli("architectures", "show", "mobilenet_v1", "--resolution", "224x320", "--format", "json").out)
    assert shown["input_shape"] == [224, 320, 3]
    assert cli("convert", "mobilenet_v1", "wide.yaml", "--resolution", "224x320").code == 0
    again = json.loads(cli("analyze", "wide.yaml", "-d", "pixel1", "--format", "json").out)
    assert (again["totals"]["macs"], again["input_width"]) == (MACS, 320)


def test_a_hint_keeps_the_shape(cli):
    out = cli(*ANALYZE, "--resolution", "224x320").out
    assert "--resolution 192x288" in out
    hinted = json.loads(cli(*ANALYZE, "--resolution", "192x288", "--format", "json").out)
    (line,) = (line for line in out.splitlines() if "--resolution 192x288" in line)
    assert f"{hinted['latency_ms']:.3g} ms" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--resolution", "224x"), "--resolution `224x` is neither a whole number of pixels nor HEIGHTxWIDTH"),
        (("--resolution", "224x320x3"), "neither a whole number of pixels nor HEIGHTxWIDTH"),
        (("--resolution", "0x320"), "--resolution is 0, it has to be a whole number of pixels from 1 to 16,384"),
        (("--resolution", "224x20000"), "--resolution is 20000, it has to be a whole number of pixels"),
        (("--input-shape", "1x4x224x320"), "an input of 1x4x224x320 is no image of 3 channels"),
        (("--input-shape", "1x1000"), "is no image of 3 channels"),
        (("--input-shape", "y=1x3x224x320"), "the shape of its image alone can be given"),
        (
            ("--input-shape", "1x3x224x320", "--resolution", "224"),
            "--input-shape has 224x320 pixels, --resolution says otherwise",
        ),
        (("--input-shape", "99999x3x8x8"), "a batch of 99,999 is out of range"),
        (("--input-shape", "1x3x99999x99999"), "an input of 99999x99999 pixels is out of range"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_mistakes(cli, arguments, message):
    found = cli(*ANALYZE, *arguments)
    assert found.code == 2
    assert found.err.count("error[") == 1
    assert message in " ".join(found.err.replace("=...", "").split())


@pytest.mark.parametrize("resolution", [(224,), (224, 320, 3), (0, 320), (224, 1.5), (True, 224), "224x320"])
def test_mistakes_in_python(resolution):
    with pytest.raises(InputError, match=r"resolution is"):
        mbcost.analyze("mobilenet_v1", "pixel1", resolution=resolution)


def test_one_number_for_a_table_that_is_not_square():
    table = mbcost.load("mobilenet_v1", input_shape=(1, 3, 224, 320))
    with pytest.raises(InputError, match=r"give both, such as `resolution=\(224, 320\)`, or use rho"):
        mbcost.analyze(table, "pixel1", resolution=224)
    assert mbcost.analyze(table, "pixel1", resolution=(112, 160)).layer_graph.input_shape == (112, 160, 3)

"""Files that contradict themselves or do what is not modelled: one error each, with its code and the place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mbcost.errors import InputError
from mbcost.graph import build_graph
from mbcost.importers.tflite import read_tflite
from tests.importers.tflite.build import Model
from tests.importers.tflite.cases import image

Build = Callable[[Model], Any]


def refused(tmp_path: Path, content: bytes, **more: Any) -> InputError:
    path = tmp_path / "bad.tflite"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_tflite(path, **more)
    return caught.value


def built(build: Build) -> bytes:
    model = Model()
    output = build(model)
    return model.finish(output)


def reshaped(m: Model, tensor: int, *shape: int) -> int:
    """The same tensor with another shape written down."""
    m.tensors[tensor] = (m.tensors[tensor][0], shape, *m.tensors[tensor][2:])
    return tensor


def renumbered(m: Model, output: int, *inputs: int) -> int:
    """The output of the first operator, which gets other inputs."""
    code, _, outputs, kind, options = m.operators[0]
    m.operators[0] = (code, inputs, outputs, kind, options)
    return output


def cycle(m: Model) -> int:
    x = image(m)
    y = m.op("RELU", [m.op("RELU", [x], m.shape(x))], m.shape(x))
    return renumbered(m, y, y)


def two_outputs_of_one(m: Model) -> int:
    x = image(m)
    y = m.op("RELU", [x], m.shape(x))
    m.raw("TANH", [x], [y])
    return y


def wrong_output_count(m: Model) -> int:
    x = image(m)
    outputs: list[int] = m.op("RELU", [x], m.shape(x), m.shape(x))
    return outputs[0]


def conv_with(m: Model, *weights: int, **options: Any) -> int:
    window = {"Padding": 0, "StrideW": 1, "StrideH": 1, **options}
    return m.op("CONV_2D", [image(m), m.weights(*weights)], (1, 8, 6, 4), kind="Conv2DOptions", **window)


def reshape_to(m: Model, *shape: int) -> int:
    return m.op("RESHAPE", [image(m), m.constant(*shape)], (1, 576))


def fully(m: Model, *weights: int) -> int:
    return m.op("FULLY_CONNECTED", [image(m), m.weights(*weights)], (1, 4), kind="FullyConnectedOptions")


def sliced(m: Model, *places: int, **options: int) -> int:
    numbers = [m.constant(place) for place in places]
    return m.op("STRIDED_SLICE", [image(m), *numbers], (1, 8, 6, 12), kind="StridedSliceOptions", **options)


DAMAGED: list[tuple[str, Build, str]] = [
    ("wrong shape", lambda m: reshaped(m, m.conv(image(m), 4), 1, 8, 6, 5), "the file says its output is 8x6x5, its"),
    ("zero dimension", lambda m: m.conv(image(m, 1, 8, 0, 3), 4), "has the shape [1, 8, 0, 3]"),
    ("negative dimension", lambda m: m.conv(image(m, 1, 8, -2, 3), 4), "has the shape [1, 8, -2, 3]"),
    ("rank", lambda m: m.op("RELU", [image(m, *[1] * 9)], [1] * 9), "has 9 dimensions"),
    ("no such tensor", lambda m: renumbered(m, m.conv(image(m), 4), 99), "there is no tensor 99 among 4"),
    ("negative tensor", lambda m: renumbered(m, m.conv(image(m), 4), -2), "there is no tensor -2 among 4"),
    ("cycle", cycle, "the tensor 2 (`relu_1`) is read before anything computes it"),
    ("reads itself", lambda m: renumbered(m, m.op("RELU", [image(m)], (1, 8, 6, 12)), 1), "before anything"),
    ("twice", two_outputs_of_one, "the tensor 1 is computed twice"),
    ("outputs", wrong_output_count, "it has 2 outputs instead of 1"),
    (
        "nobody computes the output",
        lambda m: m.op("RELU", [image(m)], (1, 8, 6, 12)) and m.tensor((1, 2)),
        "before anything",
    ),
    ("left out", lambda m: m.op("ADD", [image(m), -1], (1, 8, 6, 12)), "input 1 is missing"),
    ("weights' rank", lambda m: conv_with(m, 4, 12), "weights have the shape [4, 12], not 4 dimensions of 1 or more"),
    ("weights' depth", lambda m: conv_with(m, 4, 1, 1, 5), "its weights read 5 channels"),
    ("stride", lambda m: conv_with(m, 4, 1, 1, 12, StrideH=0), "the stride is 0"),
    ("padding", lambda m: conv_with(m, 4, 1, 1, 12, Padding=2), "its padding 2 does not exist"),
    ("activation", lambda m: conv_with(m, 4, 1, 1, 12, FusedActivationFunction=9), "activation 9 does not exist"),
    ("dense", lambda m: fully(m, 4, 7), "its weights read 7 elements, its input is 8x6x12"),
    ("two open dimensions", lambda m: reshape_to(m, 1, -1, -1), "has 2 open dimensions"),
    ("no room", lambda m: reshape_to(m, -1, 7), "576 elements do not fill the shape [-1, 7]"),
    ("other elements", lambda m: reshape_to(m, 1, 575), "8x6x12 has 576 elements, the new shape 575"),
    ("order", lambda m: m.op("TRANSPOSE", [image(m), m.constant(0, 0, 1, 2)], (1, 8, 6, 12)), "its order [0, 0, 1, 2]"),
    ("step", lambda m: sliced(m, 0, 1, 0), "do not fit"),
    ("axis", lambda m: m.op("SUM", [image(m), m.constant(4)], (1, 8, 6, 1)), "there is no dimension 4"),
    ("margins", lambda m: m.op("PAD", [image(m), m.constant(1, 1)], (1, 8, 6, 12)), "2 margins for 4 dimensions"),
    (
        "negative margins",
        lambda m: m.op("PAD", [image(m), m.constant(0, 0, 0, -1, 0, 0, 0, 0, shape=(4, 2))], (1, 7, 6, 12)),
        "padding is -1",
    ),
    (
        "block",
        lambda m: m.op("DEPTH_TO_SPACE", [image(m)], (1, 8, 6, 12), kind="DepthToSpaceOptions"),
        "its block is 0",
    ),
    ("nothing to join", lambda m: (image(m), m.op("CONCATENATION", [], (1, 2)))[1], "it has no input"),
    (
        "constant",
        lambda m: m.op("RESHAPE", [image(m), m.tensor((2,), dtype="INT32", data=b"1")], (1, 576)),
        "has 1 bytes",
    ),
    (
        "size",
        lambda m: m.op("RESIZE_BILINEAR", [image(m), m.constant(1, 2, 3)], (1, 1, 2, 12)),
        "its size is (1, 2, 3)",
    ),
]


@pytest.mark.parametrize(("build", "message"), [case[1:] for case in DAMAGED], ids=[case[0] for case in DAMAGED])
def test_damaged(tmp_path: Path, build: Build, message: str) -> None:
    error = refused(tmp_path, built(build))
    assert error.codes == ("MB503",)
    assert message in error.problems[0].message
    assert "bad.tflite" in error.problems[0].message


def test_the_message_names_operator_number_and_file(tmp_path: Path) -> None:
    error = refused(tmp_path, built(lambda m: reshaped(m, m.conv(image(m), 4), 1, 8, 6, 5)))
    path = tmp_path / "bad.tflite"
    assert error.problems[0].message == (
        f"operator 0 (CONV_2D) of {path}: the file says its output is 8x6x5, its inputs give 8x6x4"
    )


def detection(m: Model) -> list[int]:
    boxes = m.conv(image(m), 4)
    text = m.op("HASHTABLE_LOOKUP", [boxes], (1, 8, 6, 4))
    text = m.op("HASHTABLE_LOOKUP", [text], (1, 8, 6, 4))
    outputs: list[int] = m.op("MyDetections", [boxes, text], (1, 10, 4), (1, 10))
    return outputs


def test_all_unknown_operators_at_once(tmp_path: Path) -> None:
    model = Model()
    error = refused(tmp_path, model.finish(*detection(model)))
    path = tmp_path / "bad.tflite"
    assert error.codes == ("MB501", "MB501")
    assert [problem.message for problem in error.problems] == [
        f"operator 1 (HASHTABLE_LOOKUP) of {path}, with 1 more of its kind, is not known to mbcost",
        f"operator 3 (MyDetections) of {path} is not known to mbcost",
    ]


def test_unknown_operators_are_estimated_on_request(tmp_path: Path) -> None:
    model = Model()
    path = tmp_path / "detect.tflite"
    path.write_bytes(model.finish(*detection(model)))
    spec = read_tflite(path, unsupported="estimate")
    assert "MyDetections is not known: charged by its traffic" in " ".join(spec.notes)
    layers = build_graph(spec).layers
    assert [(layer.op, layer.output_shape) for layer in layers] == [
        ("conv2d", (8, 6, 4)),
        ("opaque", (8, 6, 4)),
        ("opaque", (8, 6, 4)),
        ("opaque", (1, 10, 4)),
        ("opaque", (1, 1, 10)),
    ]
    # both inputs of 8 x 6 x 4 are charged with the first output, which is all that the second one reads
    assert [layer.cost.input_elements for layer in layers[3:]] == [2 * 192, 40]


@pytest.mark.parametrize("unsupported", ["refuse", "estimate"])
def test_control_flow_that_calls_itself_is_damage(tmp_path: Path, unsupported: str) -> None:
    content = built(lambda m: m.op("WHILE", [image(m)], (1, 8, 6, 12)))
    error = refused(tmp_path, content, unsupported=unsupported)
    assert error.codes == ("MB503",)
    assert "nested too deeply" in error.problems[0].message


UNMODELLED: list[tuple[str, Build, str]] = [
    ("batch", lambda m: m.op("SUM", [image(m, 4, 8, 6, 3), m.constant(0)], (8, 6, 3)), "reduces the batch"),
    (
        "batch cut",
        lambda m: m.op("SLICE", [image(m, 4, 8, 6, 3), m.constant(0, 0, 0, 0), m.constant(2, 8, 6, 3)], (2, 8, 6, 3)),
        "part of the batch",
    ),
    (
        "computed size",
        lambda m: m.op("RESIZE_BILINEAR", [image(m), m.input(2, name="size")], (1, 9, 9, 12)),
        "while the",
    ),
    (
        "space to batch",
        lambda m: m.op("SPACE_TO_BATCH_ND", [image(m), m.constant(2, 2), m.constant(0, 0, 0, 0)], (4, 4, 3, 12)),
        "moves pixels to the batch",
    ),
    ("ellipsis", lambda m: sliced(m, 0, 1, 1, EllipsisMask=1), "an ellipsis"),
    (
        "middle of five",
        lambda m: m.op(
            "CONCATENATION", [image(m, 1, 2, 3, 4, 5)] * 2, (1, 2, 6, 4, 5), kind="ConcatenationOptions", Axis=2
        ),
        "works along dimension 2",
    ),
    ("no input", lambda m: m.op("RELU", [m.weights(1, 4)], (1, 4)), "has no input"),
    ("nothing to charge", lambda m: (image(m), m.op("Random", [], (1, 4)))[1], "reads nothing"),
]

#: What stays refused where everything else is estimated.
NOTHING_TO_CHARGE = ("has no input", "reads nothing")


@pytest.mark.parametrize(("build", "message"), [case[1:] for case in UNMODELLED], ids=[case[0] for case in UNMODELLED])
def test_what_is_not_modelled(tmp_path: Path, build: Build, message: str) -> None:
    estimate = {"unsupported": "estimate"} if message in NOTHING_TO_CHARGE else {}
    error = refused(tmp_path, built(build), **estimate)
    assert error.codes == ("MB504",)
    assert message in error.problems[0].message
    if not estimate:
        spec = read_tflite(tmp_path / "bad.tflite", unsupported="estimate")
        assert "not modelled in this form" in " ".join(spec.notes)
        assert "opaque" in [layer.op for layer in build_graph(spec).layers]


def test_an_open_dimension_of_the_input(tmp_path: Path) -> None:
    error = refused(tmp_path, built(lambda m: m.conv(m.input(1, 1, 1, 3, signature=[-1, -1, -1, 3]), 4)))
    assert error.codes == ("MB502",)
    assert "`image`" in error.problems[0].message
    assert "[-1, -1, -1, 3]" in error.problems[0].message


def test_an_open_batch_is_one_image(tmp_path: Path) -> None:
    path = tmp_path / "open.tflite"
    path.write_bytes(built(lambda m: m.conv(m.input(1, 8, 8, 3, signature=[-1, 8, 8, 3]), 4)))
    assert build_graph(read_tflite(path)).cost.macs == 64 * 12


def test_a_network_without_operators(tmp_path: Path) -> None:
    assert refused(tmp_path, built(image)).codes == ("MB204",)


def test_too_many_operators(tmp_path: Path) -> None:
    def build(m: Model) -> int:
        y = m.op("RELU", [image(m)], (1, 8, 6, 12))
        m.operators *= 20_001
        return y

    assert refused(tmp_path, built(build)).codes == ("MB208",)


def test_too_many_elements(tmp_path: Path) -> None:
    side = 2**20
    error = refused(tmp_path, built(lambda m: m.conv(image(m, 1, side, side, 1), 4)))
    assert error.codes == ("MB208",)

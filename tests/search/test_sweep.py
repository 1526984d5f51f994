"""The keystone: a sweep's row is the analysis of its configuration, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mbcost
from mbcost.errors import InputError
from mbcost.graph import ParamsConvention
from mbcost.search.sweep import sweep as run_sweep
from tests.breadth import some
from tests.hosts import hosted
from tests.search.configurations import RESOLUTIONS, TARGETS, resolution_of, resolutions, widths

NAMES = mbcost.architecture_names()
#: Column of a sweep -> the same number of an analysis.
SAME = {
    "macs": lambda analysis: analysis.totals.macs,
    "params": lambda analysis: analysis.totals.params,
    "peak_activation_bytes": lambda analysis: analysis.totals.peak_activation_bytes,
    "resolution": lambda analysis: analysis.layer_graph.resolution,
    "latency_ms": lambda analysis: analysis.latency_s * 1e3,
    "latency_low_ms": lambda analysis: analysis.latency_low_s * 1e3,
    "latency_high_ms": lambda analysis: analysis.latency_high_s * 1e3,
    "frames_per_s": lambda analysis: analysis.frames_per_s,
}


def assert_row_is_analysis(result: mbcost.SweepResult, row: int, **arguments: object) -> None:
    """A row's numbers are those of `analyze` with these arguments, and those of `at`, to the last bit."""
    single = mbcost.analyze(**{"device": "pixel1", **arguments})  # type: ignore[call-overload]
    for analysis in (single, result.at(row)):
        for column, number in SAME.items():
            assert result.columns[column][row] == number(analysis), (column, arguments)
        assert analysis.target.name == result.columns["target"][row]


@pytest.mark.parametrize("name", some(NAMES))
def test_every_architecture_on_every_target(name: str) -> None:
    """On networks whose widths are free, 0.05 makes layers equal that are not at 1: residual additions appear.

    Every fourth architecture is compared on every third target beside one of each runtime, and at every point on the
    latter; the others at one point on one target of each runtime.
    """
    whole = NAMES.index(name) % 4 == 0
    free = mbcost.load(name).width is not None and not name.startswith("shufflenet")
    multiple = RESOLUTIONS.get(name, (97, 1))[1]
    size = -(-256 // multiple) * multiple if multiple > 1 else 300
    larger = size + multiple
    size, larger = resolution_of(name, size), resolution_of(name, larger)
    points = [(1.0, size), (0.05 if free else 1.0, size), (1.37 if free else 1.0, larger)]
    each_runtime = {target.partition("@")[2]: target for target in reversed(TARGETS)}
    more = TARGETS[NAMES.index(name) // 4 % 3 :: 3] if whole else ()
    targets = [hosted(name, target) for target in dict.fromkeys((*each_runtime.values(), *more))]
    result = run_sweep(name, targets, points=points, unsupported="estimate")
    assert len(result) == len(targets) * len(points)
    for row in range(len(result)):
        number, place = divmod(row, len(points))
        target, (alpha, resolution) = targets[number], points[place]
        if not (whole and number < len(each_runtime)) and place != number % len(points):
            continue
        single = {"device": target, "alpha": alpha, "resolution": resolution}
        assert_row_is_analysis(result, row, network=name, unsupported="estimate", **single)


@pytest.mark.parametrize("name", some(NAMES))
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_random_grids(name: str, data: st.DataObject) -> None:
    target = hosted(name, data.draw(st.sampled_from(TARGETS)))
    points = data.draw(st.lists(st.tuples(widths(name), resolutions(name)), min_size=1, max_size=5))
    batch = data.draw(st.integers(1, 5))
    convention = ParamsConvention(data.draw(st.sampled_from(["folded", "affine", "all", "none"])))
    same = {"batch": batch, "unsupported": "estimate", "params": convention}
    result = run_sweep(name, target, points=points, **same)  # type: ignore[arg-type]
    for row, (alpha, resolution) in enumerate(points):
        assert_row_is_analysis(result, row, network=name, device=target, alpha=alpha, resolution=resolution, **same)


def test_axes_are_in_order() -> None:
    """Network, target, batch, width, resolution: the last one changes fastest."""
    result = run_sweep(
        ["mobilenet_v1", "mobilenet_v2"],
        ["pixel1", "pixel4"],
        alpha="0.5,1",
        resolution=[128, 160],
        batch=[1, 2],
    )
    frame = result.to_frame()
    assert len(frame) == 2 * 2 * 2 * 2 * 2
    order = ["architecture", "target", "batch", "alpha", "resolution"]
    assert frame[order].astype(str).apply(tuple, axis=1).tolist() == [
        (network, target, batch, alpha, resolution)
        for network in ("mobilenet_v1", "mobilenet_v2")
        for target in ("pixel1/cpu@tflite-2018", "pixel4/cpu@tflite-2.10")
        for batch in ("1", "2")
        for alpha in ("0.5", "1.0")
        for resolution in ("128", "160")
    ]
    for row in (0, 7, 8, 21, 31):
        analysis = result.at(row)
        assert (analysis.architecture, analysis.target.name) == tuple(frame.iloc[row][["architecture", "target"]])
        assert analysis.latency_s * 1e3 == frame.iloc[row]["latency_ms"]
    assert result.at(-1).latency_s == result.at(31).latency_s
    with pytest.raises(IndexError):
        result.at(32)


def test_rho_of_an_input_that_is_not_square(tmp_path: pytest.TempPathFactory) -> None:
    path = tmp_path / "wide.yaml"  # type: ignore[operator]
    path.write_text("name: wide\nsource: a test\ninput: 64x128x3\nlayers:\n  - {op: conv2d 3x3, out: 8}\n")
    result = run_sweep(path, "pixel1", rho=[0.5, 0.714, 1.0])
    assert result.columns["rho"].tolist() == [0.5, 0.714, 1.0]
    assert result.columns["resolution"].tolist() == [32, 46, 64]  # heights: round(45.696) = 46
    for row, rho in enumerate((0.5, 0.714, 1.0)):
        assert_row_is_analysis(result, row, network=path, rho=rho)


def test_precision_and_threads() -> None:
    result = run_sweep("mobilenet_v2", "pixel4", precision=["fp32", "int8"], threads=[1, 2])
    assert list(zip(result.columns["precision"], result.columns["threads"].tolist(), strict=True)) == [
        ("fp32", 1), ("fp32", 2), ("int8", 1), ("int8", 2),
    ]  # fmt: skip
    for row, (precision, threads) in enumerate([("fp32", 1), ("fp32", 2), ("int8", 1), ("int8", 2)]):
        assert_row_is_analysis(
            result, row, network="mobilenet_v2", device="pixel4", precision=precision, threads=threads
        )


def test_many_chunks_are_one_result() -> None:
    """More configurations than a chunk holds, of two networks, in the order of the grid."""
    sizes = range(96, 96 + 1100)
    result = run_sweep(["mobilenet_v1", "mobilenet_v2"], "pixel1", alpha="0.5:1:0.1", resolution=sizes)
    assert len(result) == 2 * 6 * 1100
    for row in (0, 4095, 4096, 6599, 6600, 13199):
        network, place = divmod(row, 6600)
        alpha, size = divmod(place, 1100)
        assert_row_is_analysis(
            result,
            row,
            network=["mobilenet_v1", "mobilenet_v2"][network],
            alpha=[0.5, 0.6, 0.7, 0.8, 0.9, 1.0][alpha],
            resolution=sizes[size],
        )


def test_published_accuracy_and_measurements() -> None:
    """Figures of tensorflow/models, research/slim/nets/mobilenet/README.md."""
    result = run_sweep("mobilenet_v2", "pixel1", points="published")
    frame = result.to_frame().set_index(["alpha", "resolution"])
    assert len(frame) == 22
    assert frame.loc[(0.5, 224), ["top1", "measured_ms"]].tolist() == [65.4, 28.7]
    assert frame.loc[(1.0, 128), ["top1", "measured_ms"]].tolist() == [65.3, 27.6]
    between = run_sweep("mobilenet_v2", "pixel1", alpha=0.6).to_frame()
    assert between[["top1", "measured_ms"]].isna().all(axis=None)
    other = run_sweep("mobilenet_v2", "pixel1", options={"classes": 10}).to_frame()
    assert other[["top1", "measured_ms"]].isna().all(axis=None)


def test_a_network_of_the_same_name_has_no_published_accuracy(tmp_path: pytest.TempPathFactory) -> None:
    path = tmp_path / "mobilenet_v2.yaml"  # type: ignore[operator]
    path.write_text("name: mobilenet_v2\nsource: a test\ninput: 224x224x3\nlayers:\n  - {op: conv2d 3x3, out: 8}\n")
    frame = run_sweep(path, "pixel1").to_frame()
    assert frame[["top1", "measured_ms"]].isna().all(axis=None)


def test_front_is_per_target() -> None:
    result = run_sweep("mobilenet_v2", ["pixel1", "pixel4"], points="published")
    columns = result.columns
    rows = result.front("top1")
    assert set(columns["target"][rows]) == {"pixel1/cpu@tflite-2018", "pixel4/cpu@tflite-2.10"}
    for row in range(len(result)):
        others = [i for i in range(len(result)) if columns["target"][i] == columns["target"][row]]
        beaten = any(
            columns["latency_ms"][i] <= columns["latency_ms"][row]
            and columns["top1"][i] >= columns["top1"][row]
            and (columns["latency_ms"][i], columns["top1"][i]) != (columns["latency_ms"][row], columns["top1"][row])
            for i in others
        )
        assert (row in rows) == (not beaten)
    assert (np.diff(columns["latency_ms"][rows]) >= 0).all()
    with pytest.raises(InputError, match="latency and top1, macs or params"):
        result.front("speed")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ({"alpha": []}, "MB010", "alpha has no value"),
        ({"alpha": 0}, "MB010", "alpha is 0"),
        ({"alpha": [float("nan")]}, "MB010", "alpha is nan"),
        ({"alpha": "0.5:0.2:0.1"}, "MB010", "inverted"),
        ({"alpha": "0.5:1:0"}, "MB010", "step"),
        ({"alpha": "0.5:1"}, "MB010", "start:stop:step"),
        ({"alpha": ""}, "MB010", "is empty"),
        ({"alpha": "half"}, "MB010", "not a number"),
        ({"alpha": "0.5:1:1e-9"}, "MB010", "more than 1,000,000 values"),
        ({"resolution": 0}, "MB010", "resolution is 0"),
        ({"resolution": 160.5}, "MB010", "whole number of pixels"),
        ({"resolution": 160, "rho": 1}, "MB010", "both"),
        ({"batch": 0}, "MB010", "batch is 0"),
        ({"batch": []}, "MB010", "batch has no value"),
        ({"device": []}, "MB010", "no target"),
        ({"device": "pixel99"}, "MB300", "pixel99"),
        ({"points": []}, "MB010", "no configuration"),
        ({"points": [(1.0, 224), (0.5, -3)]}, "MB010", "resolution is -3"),
        ({"network": "darknet19", "points": "published"}, "MB010", "no published checkpoint of darknet19"),
        ({"network": "resnet18", "alpha": [1, 0.5]}, "MB010", "no width rule"),
        ({"alpha": "0.1:10:0.001", "resolution": "96:9999:1"}, "MB010", "more than the 20,000,000"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], code: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        run_sweep(**{"network": "mobilenet_v2", "device": "pixel1", **arguments})  # type: ignore[arg-type]
    assert caught.value.codes == (code,)
    assert message in str(caught.value)


def test_all_problems_at_once() -> None:
    with pytest.raises(InputError) as caught:
        run_sweep("mobilenet_v2", "pixel1", alpha="0,x,1:0:1", resolution=[0, 1.5])
    assert len(caught.value.problems) == 4
    with pytest.raises(InputError) as caught:
        run_sweep("mobilenet_v2", ["pixel99", "pixel1/npu"])
    assert caught.value.codes == ("MB300", "MB304")


def test_the_first_configuration_that_cannot_be_built_is_named() -> None:
    """A window of 257 pixels and less: three max poolings and a VALID 3x3 leave nothing of it."""
    with pytest.raises(InputError) as caught:
        run_sweep("ssd300_vgg16", "pixel1", resolution=[400, 300, 200, 100])
    (problem,) = caught.value.problems
    assert problem.code == "MB204"
    assert problem.message.startswith("ssd300_vgg16 at alpha 1, resolution 200: ")


def test_counts_that_arrays_cannot_hold() -> None:
    with pytest.raises(InputError) as caught:
        run_sweep("vgg16", "pixel1", resolution=[224, 16384], batch=65536)
    assert caught.value.codes == ("MB208",)

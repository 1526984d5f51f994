"""Building graphs: arrays of configurations equal single ones, and the schedule is sound."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mbcost
from mbcost.errors import InputError
from mbcost.graph import LayerGraph, MixedConfigurationsError, build_graph, count_params

NAMES = mbcost.architecture_names()
#: Networks that have a printed table for each width, and none between them.
PRINTED_WIDTHS = {"shufflenet_v2": (0.5, 1.0, 1.5, 2.0)}
#: Networks that take some resolutions only: the smallest, and the multiple of which they are.
RESOLUTIONS = {
    **dict.fromkeys(("yolov2", "yolov5n", "yolov5s", "yolov8n", "yolov8s", "yolox_nano", "yolox_tiny"), (32, 32)),
    "bisenet_v2": (64, 64),
    "dla102x": (32, 32),
    "ssd300_vgg16": (257, 1),
    "ssd512_vgg16": (257, 1),
    "tiny_vit_5m": (224, 224),
    "unet": (16, 16),
}


def scalar_counts(graph: LayerGraph) -> list[tuple[int, ...]]:
    return [
        (*layer.output_shape, layer.cost.macs, layer.cost.weight_elements, layer.cost.im2col_elements)
        for layer in graph.layers
    ]


def entry(value: object, i: int) -> int:
    return int(np.asarray(value).reshape(-1)[i] if np.ndim(value) else value)  # type: ignore[call-overload]


def built_in_groups(name: str, alphas: np.ndarray, resolutions: np.ndarray) -> dict[int, list[tuple[int, ...]]]:
    """Counts per configuration from array builds, split wherever the configurations differ in which layers exist."""
    spec = mbcost.load(name)
    todo, done = [np.arange(len(alphas))], {}
    while todo:
        chosen = todo.pop()
        try:
            graph = build_graph(spec, alpha=alphas[chosen], resolution=resolution_of(name, resolutions[chosen]))
        except MixedConfigurationsError as mixed:
            todo += [chosen[mixed.condition], chosen[~mixed.condition]]
            continue
        for i, configuration in enumerate(chosen):
            done[int(configuration)] = [tuple(entry(value, i) for value in counts) for counts in scalar_counts(graph)]
    return done


def resolution_of(name: str, size: Any) -> Any:
    """A resolution of a table: a rectangle where its own input is one."""
    shape = mbcost.load(name).input_shape
    return size if shape.height == shape.width else (size, size // 2)


def buildable(name: str, alpha: float, resolution: int) -> bool:
    """Whether the table itself takes a configuration."""
    try:
        build_graph(mbcost.load(name), alpha=alpha, resolution=resolution_of(name, resolution))
    except InputError:
        return False
    return True


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_arrays_equal_single_configurations(name: str, data: st.DataObject) -> None:
    spec = mbcost.load(name)
    usual = spec.input_shape.height
    alpha = st.floats(0.25, 2.0) if spec.width else st.just(1.0)
    if name in PRINTED_WIDTHS:
        alpha = st.sampled_from(PRINTED_WIDTHS[name])
    alphas = data.draw(st.lists(alpha, min_size=2, max_size=5))
    smallest, step = RESOLUTIONS.get(name, (1, 1))
    multiple = st.integers(max(smallest, usual * 3 // 5) // step, usual * 3 // 2 // step)
    resolution = multiple.map(lambda count: count * step)
    resolutions = data.draw(st.lists(resolution, min_size=len(alphas), max_size=len(alphas)))
    drawn = [one for one in zip(alphas, resolutions, strict=True) if buildable(name, *one)]
    alphas, resolutions = zip(*drawn, (1.0, usual), strict=True)
    groups = built_in_groups(name, np.array(alphas), np.array(resolutions, dtype=np.int64))
    for i, (alpha, resolution) in enumerate(zip(alphas, resolutions, strict=True)):
        single = build_graph(mbcost.load(name), alpha=alpha, resolution=resolution_of(name, resolution))
        assert groups[i] == scalar_counts(single)


@pytest.mark.parametrize("name", NAMES)
def test_schedule_is_sound(name: str) -> None:
    graph = build_graph(mbcost.load(name))
    names = [layer.name for layer in graph.layers]
    assert len(set(names)) == len(names)
    for i, layer in enumerate(graph.layers):
        assert layer.position == i
        assert all(producer < i for producer in layer.inputs)
        for producer, shape in zip(layer.inputs, layer.input_shapes, strict=True):
            assert shape == (graph.layers[producer].output_shape if producer >= 0 else graph.input_shape)
    assert sum(layer.cost.macs for layer in graph.layers) == graph.cost.macs
    assert count_params(graph) > 0


def test_residuals_vanish_where_widths_differ() -> None:
    """At alpha 0.25 the first bottleneck of MobileNet V2 keeps 8 channels, so that it gets a residual connection."""
    adds = {
        a: sum(layer.op == "add" for layer in build_graph(mbcost.load("mobilenet_v2"), alpha=a).layers)
        for a in (1.0, 0.25)
    }
    # 17 bottlenecks, 4 of stride 2 and 3 that widen at stride 1 (16, 96 and 320 channels) have none
    assert adds == {1.0: 10, 0.25: 11}

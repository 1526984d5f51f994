"""Nothing is free and nothing larger is faster: every operator on every target.

The operators and shapes are those of the hand arithmetic in ``tests/operators/cases.py``, each as a network of one
layer whose inputs nothing else makes, so that no kernel before it can take it over.
"""

from __future__ import annotations

from functools import cache

import pytest

import mbcost
from mbcost.devices import resolve_target
from mbcost.devices.runtimes import runtimes_for
from mbcost.errors import InputError
from mbcost.graph import LayerGraph, build_graph
from mbcost.hosting import is_hosted
from mbcost.importers.imported import INPUT, ImportedLayer, imported_spec
from mbcost.operators import OPERATORS, TensorShape
from mbcost.operators.base import OperatorError
from mbcost.prediction import TargetModel, predict, prepare
from tests.operators.cases import CASES

TARGETS = [
    f"{name}/{processor.name}@{runtime}"
    for name in mbcost.device_names()
    for device in [mbcost.load_device(name)]
    for processor in device.processors.values()
    for runtime in runtimes_for(device, processor)
]
#: (form, kind of kernel) -> by how much a map of four times the pixels may be faster, and why. Both are steps of real
#: kernels at a size of the library, measured where the rates were fitted.
STEPS = {
    # up to 11 rows read unpacked weights, once for every 8 rows; from 12 on they are packed once
    ("pytorch_cpu", "dense"): 1.35,
    # one row has a micro-kernel of its own that waits for the weights
    ("litert_cpu", "dense"): 1.01,
    # one output pixel is read by one thread a slice, read after read; several pixels by as many threads at once
    ("tflite_adreno", "pool"): 2.7,
    # a thread of a larger map computes a larger block, which reads fewer texels for a product
    ("tflite_gpu", "direct_conv"): 1.02,
    ("tflite_gpu", "pointwise"): 1.02,
    ("tflite_gpu", "matmul"): 1.02,
    # a pooling to one pixel reads its map once, one to several by their windows, which may hang over
    ("tflite_gpu", "pool"): 1.3,
}


def model_of(target: str) -> TargetModel:
    try:
        return prepare(resolve_target(target), False)
    except InputError as error:
        if error.codes != ("MB401",):
            raise
        pytest.skip(str(error).splitlines()[0])  # the profile lacks a number that the form needs


@cache
def graph_of(number: int, factor: int = 1) -> LayerGraph | None:
    """One case as a network of one layer; with a factor, of a map so many times as high and wide, if it takes that."""
    case = CASES[number]
    shapes = [TensorShape(height * factor, width * factor, channels) for height, width, channels in case.inputs]
    names = [INPUT, *(f"input_{i}" for i in range(1, len(shapes)))]
    spec = imported_spec(
        [ImportedLayer("layer", case.operator, tuple(names))],
        name="one",
        source="",
        origin="a test",
        input_shape=shapes[0],
        extra_inputs=dict(zip(names[1:], shapes[1:], strict=True)),
    )
    try:
        return build_graph(spec)
    except (InputError, OperatorError):
        assert factor > 1
        return None


def check(number: int, model: TargetModel) -> None:
    graph, larger = graph_of(number), graph_of(number, 2)
    assert graph is not None
    try:
        found = predict(graph, model, batch=1)
    except InputError as error:  # products for a host that the profile does not have
        if error.codes != ("MB403",) or model.host is not None:
            raise
        return
    (kernel,) = found.kernels
    rule = model.runtime.rule(graph.layers[0])
    assert rule is not None
    assert rule.source
    time = found.estimates[0].latency_s
    assert time > 0 or kernel.kind == "view", f"{kernel.op} ({CASES[number].name}) takes {time} s as {kernel.kind}"
    assert found.latency_low_s <= found.latency_s <= found.latency_high_s
    least = found.latency_s * (1 - 1e-12) / STEPS.get((model.form.name, kernel.kind), 1.0)
    if larger is not None:
        more = predict(larger, model, batch=1)
        elsewhere = is_hosted(more.kernels[0]) and not is_hosted(kernel)  # the CPU alone, without the GPU's call
        assert elsewhere or more.latency_s >= least, f"{kernel.op} ({CASES[number].name})"
    assert predict(graph, model, batch=2).latency_s >= least, f"{kernel.op}: two images"


def test_every_operator_has_a_case() -> None:
    assert {case.operator.op for case in CASES} == {operator.op for operator in OPERATORS}


@pytest.mark.broad
@pytest.mark.parametrize("target", TARGETS)
def test_every_operator(target: str) -> None:
    model = model_of(target)
    for number in range(len(CASES)):
        check(number, model)

"""Latency forms: hand arithmetic, properties, and the published latencies of the Pixel 1."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

import mbcost
from mbcost.devices import Target, device_names, load_device, resolve_target
from mbcost.errors import InputError
from mbcost.graph import MixedConfigurationsError, build_graph
from mbcost.kernels import load_runtime, runtime_names
from mbcost.latency import FORMS, find_form
from mbcost.latency.model import latency_model
from mbcost.prediction import predict, prepare
from tests.hosts import hosted

ALL_TARGETS = [f"{d}/{p}" for d in device_names() for p in load_device(d).processors]
TARGET_OF_FORM = {latency_model(resolve_target(target))[1].name: target for target in ALL_TARGETS}
#: Every architecture on a target of every form; every target with an architecture that has most kinds of kernel.
PAIRS = sorted(
    {(name, target) for target in TARGET_OF_FORM.values() for name in mbcost.architecture_names()}
    | {("mobilenet_v3_small", target) for target in ALL_TARGETS}
)


@pytest.mark.parametrize(
    ("name", "published_ms"),
    [
        # tensorflow/models, research/slim/nets/mobilenet/README.md: TF-Lite, fp32, large core of a Pixel 1, alpha 1,
        # 224 pixels; V1 read off its chart (mnet_v1_vs_v2_pixel1_latency.png)
        ("mobilenet_v1", 117.1),
        ("mobilenet_v2", 73.8),
        ("mobilenet_v3_large", 51.2),
        ("mobilenet_v3_small", 15.8),
    ],
)
def test_pixel1_lands_within_a_quarter(name: str, published_ms: float) -> None:
    """Uncalibrated: scaled from another phone's core by clock, vector width and bandwidth alone."""
    analysis = mbcost.analyze(name, device="pixel1", calibration=False)
    assert analysis.latency_s * 1e3 == pytest.approx(published_ms, rel=0.25)
    assert analysis.latency_low_s * 1e3 < published_ms < analysis.latency_high_s * 1e3


def test_cpu_form_by_hand() -> None:
    """The first pointwise layer of MobileNet V1 on a Pixel 4: rates of the core that was fitted."""
    analysis = mbcost.analyze("mobilenet_v1", device="pixel4@tflite-2.1", calibration=False)
    layer = next(layer for layer in analysis.layers if layer.name == "conv2d_2")
    macs = 112 * 112 * 64 * 32
    activations = 4 * 112 * 112 * (32 + 64)
    weights = 4 * (32 * 64 + 64)
    assert layer.compute_s == pytest.approx(macs * 0.099e-9, rel=1e-3)  # modelling: 0.099 ns a MAC
    assert layer.activation_s == pytest.approx(activations * 0.097e-9, rel=1e-3)  # 0.097 ms a MB
    assert layer.weight_s == pytest.approx(weights * 0.093e-9, rel=1e-3)  # 0.093 ms a MB
    assert layer.latency_s == pytest.approx(layer.compute_s + layer.activation_s + layer.weight_s)
    assert layer.bound == "compute"


def test_roofline_by_hand() -> None:
    analysis = mbcost.analyze("mobilenet_v2", device="iphone_x/gpu", precision="fp16")
    layer = next(layer for layer in analysis.layers if layer.name == "bottleneck_2/expand")
    peak = 2 * 192 * 1066e6  # 192 lanes at 1066 MHz, two fp16 MAC each
    bandwidth = 34.1e9
    operations = 112 * 112 * 96 * 16
    traffic = 2 * (112 * 112 * (16 + 96) + 16 * 96 + 96)  # fp16: two bytes an element
    assert layer.compute_s == pytest.approx(operations / peak)
    assert layer.memory_s == pytest.approx(traffic / bandwidth)
    assert layer.latency_s == pytest.approx(max(layer.compute_s, layer.memory_s))
    assert layer.bound == "activations"


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_where_it_is_listed(name: str) -> None:
    assert find_form(name).name == name
    assert any(load_runtime(runtime).form == name for runtime in runtime_names())


@pytest.mark.parametrize("name", runtime_names())
def test_every_runtime_names_a_form_and_sources(name: str) -> None:
    runtime = load_runtime(name)
    assert runtime.form in FORMS
    assert all(step.source for step in runtime.fusion)
    assert all(rule.source for rules in runtime.rules.values() for rule in rules)
    assert all(parameter.reference for parameter in runtime.parameters.values())


@pytest.mark.broad
@pytest.mark.parametrize(("name", "target"), PAIRS)
def test_latency_is_the_sum_and_never_below_the_peak(name: str, target: str) -> None:
    analysis = mbcost.analyze(name, device=hosted(name, target))
    assert sum(layer.latency_s for layer in analysis.layers) == pytest.approx(analysis.latency_s, abs=1e-12)
    assert 0 < analysis.latency_low_s <= analysis.latency_s <= analysis.latency_high_s
    peak = analysis.target.processor.peak.get(analysis.target.precision)
    if peak is not None:  # a profile states none where its sources do not
        assert analysis.latency_s >= analysis.totals.macs / peak.value
    for layer in analysis.layers:
        assert min(layer.latency_s, layer.compute_s, layer.memory_s, layer.overhead_s) >= 0


def faster(target: Target, clock: float, bandwidth: float) -> Target:
    processor, memory = target.processor, target.device.memory
    assert processor.clock is not None
    assert memory.bandwidth is not None
    changed = replace(
        processor,
        clock=replace(processor.clock, value=processor.clock.value * clock),
        peak={p: replace(q, value=q.value * clock) for p, q in processor.peak.items()},
    )
    memory = replace(memory, bandwidth=replace(memory.bandwidth, value=memory.bandwidth.value * bandwidth))
    device = replace(target.device, memory=memory, processors={**target.device.processors, processor.name: changed})
    return replace(target, device=device, processor=changed)


@settings(max_examples=25, deadline=None)
@given(
    target=st.sampled_from(["pixel1", "pixel1/gpu", "pixel4", "pixel4/gpu", "zcu102"]),
    clock=st.floats(1.0, 4.0),
    bandwidth=st.floats(1.0, 4.0),
    name=st.sampled_from(mbcost.architecture_names()),
)
def test_more_clock_or_bandwidth_is_never_slower(target: str, clock: float, bandwidth: float, name: str) -> None:
    before = resolve_target(hosted(name, target))
    slow = mbcost.analyze(name, device=before, calibration=False).latency_s
    fast = mbcost.analyze(name, device=faster(before, clock, bandwidth), calibration=False).latency_s
    assert fast <= slow * (1 + 1e-12)
    assert slow <= fast * max(clock, bandwidth) * (1 + 1e-9)


@settings(max_examples=15, deadline=None)
@given(
    name=st.sampled_from(mbcost.architecture_names()),
    target=st.sampled_from(ALL_TARGETS),
    data=st.data(),
)
def test_arrays_of_configurations_equal_single_ones(name: str, target: str, data: st.DataObject) -> None:
    """The same functions on arrays give the same latencies, bit for bit."""
    spec = mbcost.load(name)
    usual = spec.input_shape.height
    choices = st.sampled_from([0.35, 0.5, 0.75, 1.0, 1.4]) if spec.width else st.just(1.0)
    alphas = np.array(data.draw(st.lists(choices, min_size=2, max_size=4)))
    pixels = st.integers(usual * 3 // 5, usual * 3 // 2)
    resolutions = np.array(data.draw(st.lists(pixels, min_size=len(alphas), max_size=len(alphas))), dtype=np.int64)
    chosen = resolve_target(hosted(name, target))
    try:
        for alpha, resolution in zip(alphas, resolutions, strict=True):
            build_graph(spec, alpha=float(alpha), resolution=int(resolution))
        graph = build_graph(spec, alpha=alphas, resolution=resolutions)  # type: ignore[arg-type]
    except (InputError, MixedConfigurationsError):  # a table may refuse a width; arrays are split where layers differ
        reject()
    try:
        total = np.broadcast_to(predict(graph, prepare(chosen), batch=1).latency_s, alphas.shape)
    except MixedConfigurationsError:  # or kernels
        reject()
    for i, (alpha, resolution) in enumerate(zip(alphas, resolutions, strict=True)):
        single = mbcost.analyze(spec, device=chosen, alpha=float(alpha), resolution=int(resolution))
        assert float(total[i]) == single.latency_s


def test_threads_help_arithmetic_only() -> None:
    one, two = (mbcost.analyze("mobilenet_v2", device="pixel4@tflite-2.1", threads=n) for n in (1, 2))
    assert two.latency_s < one.latency_s
    assert sum(x.memory_s for x in two.layers) == pytest.approx(sum(x.memory_s for x in one.layers))


def test_rates_name_their_sources() -> None:
    analysis = mbcost.analyze("mobilenet_v2", device="pixel1", calibration=False)
    assert {rate.source for rate in analysis.rates.values()} == {"assumed"}
    assert all(rate.formula for rate in analysis.rates.values())
    fitted = mbcost.analyze("mobilenet_v2", device="pixel4", calibration=False).rates
    assert fitted["gemm"].source == "fitted"
    carried = mbcost.analyze("mobilenet_v2", device="raspberry_pi_4", calibration=False).rates  # another core's rates
    assert {rate.source for rate in carried.values()} == {"assumed"}
    assert {rate.source for rate in mbcost.analyze("mobilenet_v2", device="pixel1/gpu").rates.values()} == {"assumed"}
    assert find_form("cpu_gemm").overlap == "none"

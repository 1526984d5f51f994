"""What an accelerator hands back runs on the device's CPU: its time, what crosses, and where it shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

import mbcost
from mbcost.hosting import COPY_STREAMS, RESTART_S, crossings, is_hosted
from mbcost.insight.breakdown import time_by
from mbcost.insight.what_if import variant, what_if
from mbcost.prediction import prepare

#: Mish is on no list of the Hexagon NPU's delegate (`tflite-htp`); everything else here is.
TABLE = """\
name: handed_back
source: made for this test
input: 96x96x3
layers:
  - {op: conv2d, out: 32, kernel: 3, stride: 2, name: first}
  - {op: mish, name: middle}
  - {op: conv2d, out: 64, kernel: 3, stride: 2, name: second}
  - {op: global_avg_pool, name: pool}
  - {op: mish, name: last}
"""
PRODUCTS = """\
name: products
source: made for this test
input: 8x8x16
layers:
  - {op: conv2d, out: 16, kernel: 3, name: before}
  - {op: matmul, transpose_b: true, from: [before, before], name: product}
"""
TARGET = "galaxy_s24/npu"


@pytest.fixture(name="network")
def _network(tmp_path):
    path = tmp_path / "handed_back.yaml"
    path.write_text(TABLE)
    return path


def _rows(analysis):
    return {layer.name: layer for layer in analysis.layers}


def test_each_layer_names_the_processor_that_runs_it(network) -> None:
    rows = _rows(mbcost.analyze(network, TARGET))
    assert {name: row.runs_on for name, row in rows.items()} == {
        "first": "npu", "middle": "cpu", "second": "npu", "pool": "npu", "last": "cpu",
    }  # fmt: skip


def test_what_crosses_by_hand(network) -> None:
    model = prepare(mbcost.resolve_target(TARGET))
    analysis = mbcost.analyze(network, TARGET)
    found = crossings(analysis.layer_graph, analysis.kernels)
    name = {position: analysis.kernels[position].name for position in found}
    # int8, one byte an element: 48 x 48 x 32 in and out in the middle; 1 x 1 x 64 in at the end, whose output stays
    assert {name[at]: one.bytes for at, one in found.items()} == {"middle": 2 * 48 * 48 * 32, "last": 64}
    assert {name[at]: one.restarts for at, one in found.items()} == {"middle": 1, "last": 0}
    assert model.host is not None
    assert model.host.target.name.startswith("galaxy_s24/cpu@")


def test_the_time_is_that_of_the_cpu_with_copies_and_a_restart(network) -> None:
    analysis = mbcost.analyze(network, TARGET)
    on_cpu = _rows(mbcost.analyze(network, "galaxy_s24/cpu", precision="int8"))
    bandwidth = analysis.target.device.memory.bandwidth.value
    copies = COPY_STREAMS * 2 * 48 * 48 * 32 / bandwidth
    assert _rows(analysis)["middle"].latency_s == pytest.approx(on_cpu["middle"].latency_s + copies + RESTART_S)
    assert analysis.latency_s == pytest.approx(sum(layer.latency_s for layer in analysis.layers))
    assert analysis.latency_low_s < analysis.latency_s < analysis.latency_high_s
    assert [share.label for share in time_by(analysis, "op")].count("activation, on the host") == 1


def test_the_answer_says_what_ran_where(network) -> None:
    (caveat,) = [text for text in mbcost.analyze(network, TARGET).warnings if " run on galaxy_s24/cpu" in text]
    assert "2 layers run on galaxy_s24/cpu@" in caveat
    assert "1 restart of 0.1 ms (assumed): middle, last" in caveat


def test_sweeps_and_what_if_have_it(network) -> None:
    analysis = mbcost.analyze(network, TARGET, resolution=64)
    swept = mbcost.sweep(network, TARGET, resolution=[64, 96]).to_frame()
    row = swept[swept["resolution"] == 64].iloc[0]
    assert row["latency_ms"] == pytest.approx(analysis.latency_s * 1e3, rel=1e-12)
    assert row["latency_high_ms"] == pytest.approx(analysis.latency_high_s * 1e3, rel=1e-12)
    assert what_if(analysis) == pytest.approx(analysis.latency_s, rel=1e-12)


def test_a_latency_without_these_layers_says_so(network) -> None:
    target = replace(mbcost.resolve_target(TARGET), outside="free")
    whole, part = mbcost.analyze(network, TARGET), mbcost.analyze(network, target)
    rows = _rows(whole)
    assert part.latency_s == pytest.approx(whole.latency_s - rows["middle"].latency_s - rows["last"].latency_s)
    assert any("without 2 layers that the NPU does not take: middle, last" in text for text in part.warnings)


def test_a_named_host_replaces_the_device_s_own(network) -> None:
    host = mbcost.resolve_target("raspberry_pi_5", "int8")
    analysis = mbcost.analyze(network, replace(mbcost.resolve_target(TARGET), host=host))
    assert _rows(analysis)["middle"].runs_on == "raspberry_pi_5/cpu"


def test_the_weakest_basis_counts(network) -> None:
    assert mbcost.analyze("mobilenet_v1", TARGET).basis == "from the same core in other devices"
    assert mbcost.analyze(network, TARGET).basis == mbcost.analyze(network, "galaxy_s24/cpu", precision="int8").basis


def test_products_for_a_host_that_is_not_known_are_refused(tmp_path) -> None:
    path = tmp_path / "products.yaml"  # no product of two activations is on the list of coral.ai
    path.write_text(PRODUCTS)
    with pytest.raises(mbcost.InputError) as caught:
        mbcost.analyze(path, "edge_tpu")
    assert caught.value.codes == ("MB403",)
    assert "1 layer with products to a host that its profile does not have: product" in str(caught.value)
    free = mbcost.analyze(path, replace(mbcost.resolve_target("edge_tpu"), outside="free"))
    assert _rows(free)["product"].latency_s == 0


@pytest.mark.parametrize(
    ("text", "code", "expected"),
    [
        ("galaxy_s24/npu,host=galaxy_s24/npu", "MB304", "which is no CPU"),
        ("galaxy_s24/npu,host=raspbery_pi_5", "MB300", "raspberry_pi_5"),
        ("galaxy_s24/npu,outside=nothing", "MB010", "it has to be host or free"),
    ],
)
def test_a_host_that_cannot_be(text: str, code: str, expected: str) -> None:
    with pytest.raises(mbcost.InputError) as caught:
        mbcost.resolve_target(text)
    assert caught.value.codes == (code,)
    assert expected in str(caught.value)


def test_the_text_of_a_target_names_its_host(network) -> None:
    target = mbcost.resolve_target("galaxy_s24/npu, host=raspberry_pi_5, outside=host")
    assert target.name == "galaxy_s24/npu@tflite-htp,host=raspberry_pi_5/cpu@tflite-2.10"
    assert mbcost.resolve_target(target.name) == target
    found = mbcost.compare([f"{network},device=galaxy_s24/npu,outside=free", f"{network},device=galaxy_s24/npu"], [])
    assert [analysis.target.outside for analysis in found.analyses] == ["free", "host"]


def test_the_edge_tpu_s_compiler_leaves_all_after_the_first_to_the_host() -> None:
    """coral.ai, "Compiling": as soon as an unsupported operation occurs, everything after it runs on the CPU."""
    analysis = mbcost.analyze("mobilenet_v3_large", "edge_tpu,host=raspberry_pi_5")
    places = [layer.runs_on for layer in analysis.layers if layer.latency_s > 0]
    assert places[0] == "npu"  # the first convolution; its hard-swish is not on the list
    assert set(places[1:]) == {"raspberry_pi_5/cpu"}
    host = {
        layer.name: layer for layer in mbcost.analyze("mobilenet_v3_large", "raspberry_pi_5", precision="int8").layers
    }
    for layer in analysis.layers[3:]:
        assert layer.latency_s == pytest.approx(host[layer.name].latency_s)


def test_products_over_tokens_are_never_free() -> None:
    """Twelve matrix products of 196 rows: TFLite's GPU delegate takes fully connected layers of one row only."""
    torch = pytest.importorskip("torch")
    network = torch.nn.Sequential(*[torch.nn.Linear(384, 384) for _ in range(12)])
    gpu = mbcost.analyze(network, "pixel4/gpu", input_shape=(1, 14, 14, 384))
    cpu = mbcost.analyze(network, "pixel4/cpu", input_shape=(1, 14, 14, 384))
    assert {layer.runs_on for layer in gpu.layers} == {"cpu"}
    assert sum(layer.latency_s for layer in gpu.layers) == pytest.approx(gpu.latency_s)
    assert gpu.latency_s == pytest.approx(cpu.latency_s)  # the GPU is not started
    assert 346.8e6 / cpu.latency_s < 2.84e9 * 8  # 12 x 196 x 384 x 384 MACs, below the core's 8 MACs a cycle


def test_the_first_layer_on_the_host_leaves_the_accelerator_its_call(tmp_path) -> None:
    path = tmp_path / "begins.yaml"
    path.write_text(
        TABLE.replace("  - {op: conv2d, out: 32, kernel: 3, stride: 2, name: first}", "  - {op: mish, name: first}")
    )
    for target in (TARGET, "pixel4/gpu"):
        analysis = mbcost.analyze(path, target)
        assert sum(layer.latency_s for layer in analysis.layers) == pytest.approx(analysis.latency_s)
        assert what_if(analysis) == pytest.approx(analysis.latency_s)


#: The first layer is handed back: what an inference costs once is the accelerator's all the same.
HOST_FIRST = """\
name: host_first
source: made for this test
input: 96x96x3
layers:
  - {op: mish, name: first}
  - {op: conv2d, out: 32, kernel: 3, stride: 2, name: second}
  - {op: global_avg_pool, name: pool}
"""


@pytest.mark.parametrize("target", [TARGET, f"{TARGET},outside=free", "galaxy_s24/gpu,outside=free"])
def test_the_layers_add_up_where_the_first_one_is_not_the_accelerators(tmp_path, target: str) -> None:
    path = tmp_path / "host_first.yaml"
    path.write_text(HOST_FIRST)
    analysis = mbcost.analyze(path, target)
    assert sum(one.latency_s for one in analysis.estimates) == pytest.approx(analysis.latency_s, rel=1e-12)
    assert sum(share.latency_s for share in time_by(analysis, "layer")) == pytest.approx(analysis.latency_s, rel=1e-12)
    assert what_if(analysis) == pytest.approx(analysis.latency_s, rel=1e-12)
    found = variant(analysis, analysis.target.precision)
    own = sum(
        count * found.rates_s[term.name]
        for kernel in found.kernels
        if not is_hosted(kernel)
        for term, count in analysis.form.explain(kernel)
    )
    elsewhere = sum(sum(parts) for parts in found.hosted_s.values())
    assert own + elsewhere == pytest.approx(analysis.latency_s, rel=1e-12)  # what the page computes from
    call = next(term for term in analysis.form.terms if term.name == "call")
    start = next(kernel for kernel in found.kernels if kernel.kind != "view")
    assert [count for term, count in analysis.form.explain(start) if term == call] == [1]

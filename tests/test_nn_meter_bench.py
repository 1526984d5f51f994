"""The bench's reader and protocols, on rows typed by hand and, where it is there, on the bench."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mbcost
from mbcost.calibration.fit import fit
from mbcost.graph import build_graph
from mbcost.kernels import load_runtime, map_to_kernels
from mbcost.latency.form import count_vector

pytest.importorskip("scipy")
ROOT = Path(__file__).parent.parent
BENCH = ROOT.parent / "shared" / "measurements" / "nn_meter_bench"
pytestmark = pytest.mark.skipif(not (ROOT / "benchmarks").exists(), reason="only in a checkout")


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


def rows(*texts: str) -> list[Any]:
    """``op in_h cin out_h cout k stride inputs outputs``, with tensor ids joined by commas."""
    from nn_meter_networks import Row  # type: ignore[import-not-found]

    found = []
    for text in texts:
        op, *cells = text.split()
        in_h, cin, out_h, cout, k, stride = map(int, cells[:6])
        ids = [tuple(cell.split(",")) for cell in cells[6:]]
        found.append(Row(op, in_h, in_h, cin, out_h, out_h, cout, k, stride, *ids))
    return found


def test_rows_become_operators() -> None:
    """h-swish, the squeeze-and-excite gate and the channel shuffle are one operator each for several rows."""
    from nn_meter_networks import network

    spec = network(
        "net",
        rows(
            "conv 224 3 55 8 5 4 0 1",  # VALID: SAME would make 56
            "bn 55 8 55 8 0 0 1 2",
            "add_scalar 55 8 55 8 0 0 2 3",
            "relu6 55 8 55 8 0 0 3 4",
            "mul 55 8 55 8 0 0 2,4 5",
            "mul_scalar 55 8 55 8 0 0 5 6",
            "avgpool 55 8 1 8 55 1 6 7",
            "add_scalar 1 8 1 8 0 0 7 8",
            "relu6 1 8 1 8 0 0 8 9",
            "mul_scalar 1 8 1 8 0 0 9 10",
            "mul 1 8 55 8 0 0 10,6 11",
            "reshape 55 8 1 4 0 0 11 12",
            "transpose 1 4 1 2 0 0 12 13",
            "reshape 1 2 55 8 0 0 13 14",
            "split 55 8 55 4 0 0 14 15,16",
            "dwconv 55 4 28 4 3 2 15 17",
            "maxpool 55 4 28 4 3 2 16 18",
            "concat 28 4 28 8 0 0 17,18 19",
            "gap 28 8 1 8 0 0 19 20",
            "fc 1 8 1 10 0 0 20 21",
        ),
    )
    layers = build_graph(spec).layers
    assert [layer.op for layer in layers] == [
        "conv2d", "batch_norm", "hard_swish", "avg_pool2d", "hard_sigmoid", "multiply", "channel_shuffle", "split",
        "split", "depthwise_conv2d", "max_pool2d", "concat", "global_avg_pool", "dense",
    ]  # fmt: skip
    assert layers[0].output_shape == (55, 55, 8)
    assert layers[5].output_shape == (55, 55, 8)
    assert [layers[i].operator.part for i in (7, 8)] == [0, 1]  # type: ignore[attr-defined]


def test_an_unknown_operator_is_refused() -> None:
    from nn_meter_networks import network

    with pytest.raises(ValueError, match="lstm"):
        network("net", rows("lstm 1 8 1 8 0 0 0 1"))


def synthetic() -> Any:
    from nn_meter_counts import Bench  # type: ignore[import-not-found]

    from mbcost.devices import resolve_target
    from mbcost.latency.model import latency_model

    target = resolve_target("pixel4")
    runtime, form, rates = latency_model(target)
    terms = [term.name for term in form.terms]
    priors = np.array([float(rates[name].seconds) for name in terms])
    random = np.random.default_rng(0)
    counts = np.exp(random.normal(0, 1, (120, len(terms)))) / priors / 1000
    families = np.array(["mobilenetv2", "vgg", "resnet"] * 40)
    configs = np.array([f"config{i // 2}" for i in range(120)])
    names = [str(i) for i in range(120)]
    measured = counts @ priors
    return Bench(
        "device", target, runtime, form, terms, priors, names, counts[:, 0], counts, measured, families, configs,
        np.empty((120, 0)),
    )  # fmt: skip


@pytest.mark.parametrize("protocol", ["S", "L", "H"])
def test_protocols_keep_calibration_and_test_apart(protocol: str) -> None:
    from nn_meter_bench import result, splits

    bench = synthetic()
    found = list(splits(bench, protocol, 20, 0))
    assert len(found) == {"S": 1, "L": 3, "H": 1}[protocol]
    for train, test in found:
        assert len(train) == 20
        assert not set(bench.configs[train]) & set(bench.configs[test])
        if protocol != "S":
            assert not set(bench.families[train]) & set(bench.families[test])
    scored = result(bench, protocol, 20, 2)
    assert scored["hit5"] == scored["hit10"] == 1.0  # the rates are known exactly
    assert scored["kendall_tau"] == pytest.approx(1)
    assert set(scored["families"]) == ({"mobilenetv2"} if protocol == "H" else {"mobilenetv2", "vgg", "resnet"})


@pytest.mark.parametrize("device", ["adreno630gpu_tflite21", "adreno640gpu_tflite21"])
def test_an_adreno_is_calibrated_on_its_own_latencies(device: str) -> None:
    """Latencies made of other rates than the profile's: the rates that carry the time are found again."""
    from nn_meter_bench import models_of

    ((_, _, form, rates),) = models_of([device]).values()
    names = ("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "resnet18", "resnet50", "densenet121", "vgg16")
    graphs = [build_graph(mbcost.load(name), resolution=size) for name in names for size in (128, 160, 192, 224)]
    runtime = load_runtime("tflite-gpu-2020")
    counts = np.array([[*count_vector(map_to_kernels(graph, runtime), form).values()] for graph in graphs], dtype=float)
    priors = np.array([float(rate.seconds) for rate in rates.values()])
    true = priors * np.linspace(0.7, 1.5, len(priors))
    fitted = fit(counts, counts @ true, priors, prior_sd=10).rates
    assert np.count_nonzero(priors) == len(priors) - 1 <= 15  # fully connected layers take no time of the GPU
    assert counts @ fitted == pytest.approx(counts @ true, rel=0.02)
    decided = [list(rates).index(name) for name in ("texture_conv", "pointwise_conv", "latency")]
    assert fitted[decided] == pytest.approx(true[decided], rel=0.05)


@pytest.mark.skipif(not BENCH.exists(), reason="the bench is not here")
def test_macs_are_those_of_the_bench() -> None:
    import csv
    from itertools import islice

    pytest.importorskip("pyarrow")
    from nn_meter_networks import network, read_rows

    with (BENCH / "networks.csv").open(newline="") as stream:
        macs = {row["model"]: int(row["macs"]) for row in csv.DictReader(stream)}
    for model, found in islice(read_rows(BENCH), 0, 2200, 220):
        layers = build_graph(network(model, found)).layers
        counted = sum(x.cost.macs for x in layers if x.op in {"conv2d", "depthwise_conv2d", "dense"})
        assert counted == macs[model]

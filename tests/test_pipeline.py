"""The Python API, end to end."""

from __future__ import annotations

import json
import subprocess
import sys

import networkx as nx
import pytest

import mbcost
from mbcost.errors import InputError

LAYER_KEYS = [
    "name", "op", "block", "inputs", "input_shape", "output_shape", "macs", "params", "input_bytes", "weight_bytes",
    "output_bytes", "im2col_bytes", "arithmetic_intensity", "kernel", "bound", "runs_on", "latency_ms", "compute_ms",
    "memory_ms",
    "overhead_ms",
]  # fmt: skip


@pytest.fixture(scope="module")
def analysis() -> mbcost.Analysis:
    return mbcost.analyze("mobilenet_v2", device="pixel1")


def test_totals(analysis: mbcost.Analysis) -> None:
    totals = analysis.totals
    assert (totals.macs, totals.params) == (300_774_272, 3_504_872)
    assert totals.peak_activation_bytes == 4 * (112 * 112 * 96 + 56 * 56 * 96)
    assert totals.im2col_bytes == 4 * 3 * 3 * 3 * 112 * 112  # only the first convolution is lowered
    assert totals.weight_bytes == 4 * (3_469_760 + 17_056 + 1000)  # weights, folded batch norm, the classifier's bias


def test_rows_add_up_to_the_totals(analysis: mbcost.Analysis) -> None:
    rows = analysis.to_dict()["layers"]
    totals = analysis.to_dict()["totals"]
    assert sum(row["macs"] for row in rows) == totals["macs"]
    assert sum(row["params"] for row in rows) == totals["params"]
    assert sum(row["weight_bytes"] for row in rows) == totals["weight_bytes"]
    assert sum(row["im2col_bytes"] for row in rows) == totals["im2col_bytes"]
    assert sum(row["input_bytes"] + row["output_bytes"] for row in rows) == totals["activation_bytes"]
    assert sum(row["latency_ms"] for row in rows) == pytest.approx(analysis.to_dict()["latency_ms"], abs=1e-9)


def test_json_schema(analysis: mbcost.Analysis) -> None:
    data = json.loads(json.dumps(analysis.to_dict(), allow_nan=False))
    assert list(data) == [
        "schema", "mbcost_version", "architecture", "alpha", "resolution", "input_width", "batch", "target", "totals",
        "latency_ms", "latency_low_ms", "latency_high_ms", "interval", "load_ms", "first_ms", "basis", "frames_per_s",
        "layers", "warnings", "energy", "resources", "memory",
    ]  # fmt: skip
    assert data["schema"] == "mbcost/analysis/1"
    assert all(list(row) == LAYER_KEYS for row in data["layers"])
    assert data["target"]["runtime"] == "tflite-2018"


def test_frame_has_the_same_columns(analysis: mbcost.Analysis) -> None:
    frame = analysis.to_frame()
    assert list(frame.columns) == [*LAYER_KEYS, "basis"]
    assert frame["macs"].sum() == 300_774_272


def test_graph(analysis: mbcost.Analysis) -> None:
    graph = analysis.graph
    assert nx.is_directed_acyclic_graph(graph)
    assert graph.number_of_nodes() == len(analysis.layers)
    assert list(graph.predecessors("bottleneck_3/add")) == [
        "bottleneck_3/project/batch_norm",
        "bottleneck_2/project/batch_norm",
    ]
    assert set(LAYER_KEYS) <= set(graph.nodes["bottleneck_3/add"])
    assert sum(macs for _, macs in graph.nodes(data="macs")) == graph.graph["macs"]


def test_prints_well(analysis: mbcost.Analysis) -> None:
    assert "mobilenet_v2" in repr(analysis)
    assert "pixel1/cpu@tflite-2018" in repr(analysis)
    assert "<table" in analysis._repr_html_()


def test_repr_html_escapes_names(tmp_path: pytest.TempPathFactory) -> None:
    path = tmp_path / "net.yaml"  # type: ignore[operator]
    path.write_text("name: <img src=x>\nsource: a test\ninput: 8x8x3\nlayers:\n  - {op: conv2d 1x1, out: 4}\n")
    assert "<img" not in mbcost.analyze(path, device="pixel1")._repr_html_()


def test_batch_scales_activations_and_macs() -> None:
    one, four = (mbcost.analyze("mobilenet_v2", device="pixel1", batch=n) for n in (1, 4))
    assert four.totals.macs == 4 * one.totals.macs
    assert four.totals.params == one.totals.params
    assert one.latency_s < four.latency_s <= 4 * one.latency_s
    assert four.frames_per_s >= one.frames_per_s


def test_macs_convention() -> None:
    analysis = mbcost.analyze("mobilenet_v1", device="pixel1", macs="all")
    assert analysis.totals.macs > 568_740_352


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"device": "pixel99"}, "MB300"),
        ({"device": "pixel1/npu"}, "MB304"),
        ({"device": "pixel1@xnnpack9"}, "MB304"),
        ({"precision": "fp8"}, "MB305"),
        ({"threads": 99}, "MB305"),
        ({"batch": 0}, "MB010"),
        ({"alpha": -1}, "MB010"),
        ({"network": "mobilenet_v9"}, "MB200"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], code: str) -> None:
    call = {"network": "mobilenet_v2", "device": "pixel1", **arguments}
    with pytest.raises(InputError) as caught:
        mbcost.analyze(**call)  # type: ignore[arg-type]
    assert caught.value.codes == (code,)


def test_import_is_light() -> None:
    code = (
        "import sys, mbcost; mbcost.__version__; "
        "heavy = {'numpy', 'pandas', 'networkx', 'plotly', 'pydantic', 'yaml', 'rich', 'typer'} & set(sys.modules); "
        "sys.exit(', '.join(heavy) or None)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_analysis_needs_no_array_package() -> None:
    code = (
        "import sys, mbcost; mbcost.analyze('mobilenet_v2', device='pixel1').layers; "
        "sys.exit(', '.join({'numpy', 'pandas', 'networkx', 'plotly'} & set(sys.modules)) or None)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_analyses_are_keys() -> None:
    one, same = (mbcost.analyze("mobilenet_v2", "pixel1") for _ in range(2))
    other = mbcost.analyze("mobilenet_v2", "pixel1", batch=2)
    assert hash(one) == hash(same)
    assert len({one: 1, other: 2}) == 2

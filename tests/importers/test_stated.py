"""What a model states, its batch and its precision, is what it is analysed at, unless told otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

import mbcost
from mbcost.graph import build_graph
from tests.importers.tflite.from_table import as_tflite

torch = pytest.importorskip("torch")


def test_a_batch_is_analysed_and_said() -> None:
    """9 x 3 x 8 weights on 30 x 30 pixels are 194,400 MACs an image."""
    spec = mbcost.from_torch(torch.nn.Conv2d(3, 8, 3), torch.zeros(4, 3, 32, 32))
    stated = mbcost.analyze(spec, "pixel4")
    assert (stated.batch, stated.totals.macs) == (4, 4 * 194_400)
    assert "one image of the example's batch of 4 was traced" in stated.warnings
    one = mbcost.analyze(spec, "pixel4", batch=1)
    assert one.totals.macs == 194_400
    assert "Conv2d states a batch of 4: this is for 1" in one.warnings


def test_a_quantised_file_is_analysed_as_int8_where_the_target_has_it(tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(as_tflite(build_graph(mbcost.load("mobilenet_v1")), dtype="INT8"))
    assert mbcost.analyze(path, "pixel4").target.precision == "int8"
    assert mbcost.analyze(path, "pixel4", precision="fp32").target.precision == "fp32"
    gpu = mbcost.analyze(path, "pixel4/gpu")
    assert gpu.target.precision == "fp32"
    assert any("is quantised to int8: this is for fp32" in warning for warning in gpu.warnings)

"""ONNX's own tests of every operator: shapes as their reference outputs have them, or a refusal, never "damaged".

Cases: onnx.backend.test.case.node of the onnx package, each with inputs and outputs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mbcost.errors import InputError
from mbcost.graph import build_graph
from mbcost.importers.onnx import reader
from mbcost.importers.onnx.values import Constant, Tensor

#: Operators whose output's size depends on the numbers in the input: at most what the importer says.
BOUNDED = ("nonmaxsuppression", "nonzero", "compress", "unique")
#: irfft of opset 19 keeps the half in the test's data, although `onesided` asks for all of it.
EXCEPTIONS = ("dft_irfft_opset19",)


def cases() -> Iterator[Any]:
    node = pytest.importorskip("onnx.backend.test.case.node")
    yield from (case for case in node.collect_testcases(None) if case.model is not None and case.data_sets)


def fits(found: tuple[int, ...], wanted: tuple[int, ...], batch: int, *, bounded: bool) -> bool:
    """Whether dims are the reference's, for one image of a batch."""
    if bounded:
        return len(found) == len(wanted) and all(a >= b for a, b in zip(found, wanted, strict=True))
    one = batch > 1 and (found[1:] == wanted[1:] or math.prod(wanted) == math.prod(found) * batch)
    return found == wanted or one


@pytest.mark.filterwarnings("ignore")
def test_every_operator_of_the_standard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imports: list[Any] = []
    spec_of = reader._Import.spec
    monkeypatch.setattr(reader._Import, "spec", lambda self, outputs: (imports.append(self), spec_of(self, outputs))[1])
    path, wrong, accepted, checked = tmp_path / "case.onnx", [], 0, 0
    for case in cases():
        path.write_bytes(case.model.SerializeToString())
        imports.clear()
        try:
            build_graph(reader.read_onnx(path))
            accepted += 1
        except InputError as error:
            if "MB503" in error.codes:
                wrong.append(f"{case.name}: {error}")
        if not imports:
            continue
        run, (_, outputs) = imports[0], case.data_sets[0]
        for info, wanted in zip(run.model.outputs, outputs, strict=False):
            value = run.values.get(info.name)
            if not isinstance(value, (Tensor, Constant)) or not isinstance(wanted, np.ndarray):
                continue
            checked += 1
            bounded = any(f"test_{name}" in case.name for name in BOUNDED)
            if not fits(value.dims, wanted.shape, run.inputs.batch, bounded=bounded):
                wrong.append(f"{case.name}: {value.dims} instead of {wanted.shape}")
    assert not [line for line in wrong if not any(name in line for name in EXCEPTIONS)]
    assert accepted > 1000
    assert checked > 1250


def test_the_check_can_fail() -> None:
    assert not fits((1, 3, 4), (1, 3, 5), 1, bounded=False)
    assert not fits((2, 3), (3, 3), 1, bounded=True)
    assert fits((1, 3, 4), (8, 3, 4), 8, bounded=False)

"""Model files: ONNX and TFLite: 2,000 mutants of each."""

from __future__ import annotations

import pytest

from tests.fuzz.normal import survives


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["onnx", "tflite"])
def test_mutants(name: str) -> None:
    survives(name)

"""Model files: ONNX and TFLite."""

from __future__ import annotations

from tests.fuzz.normal import mutated, survives


@mutated("onnx", "tflite")
def test_mutants(name: str, mutants: int) -> None:
    survives(name, mutants)

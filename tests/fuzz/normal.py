"""A run of a format: 200 mutants, or with the slow tests 2,000. ``python -m tests.fuzz`` makes more."""

from __future__ import annotations

import sys
from typing import Final

import pytest

from tests.fuzz.campaign import campaign

FEW: Final = 200
MANY: Final = 2_000
SEED: Final = 1
#: Packages that a format needs.
NEEDS: Final = {"onnx": ("onnx",), "tflite": ("tflite", "flatbuffers"), "parts": ("pyarrow",), "benches": ("scipy",)}


def mutated(*formats: str) -> pytest.MarkDecorator:
    """Each of the formats with few mutants, and with many in the slow tests."""
    few = [pytest.param(name, FEW, id=f"{name}-{FEW}") for name in formats]
    marks = (pytest.mark.slow, pytest.mark.timeout(600))
    many = [pytest.param(name, MANY, id=f"{name}-{MANY}", marks=marks) for name in formats]
    return pytest.mark.parametrize(("name", "mutants"), [*few, *many])


def survives(name: str, mutants: int) -> None:
    """No mutant of a format ends in an exception beside InputError, above 5 s or 1 GB, or with a file elsewhere.

    At least half of them pass the first parser.
    """
    if sys.platform != "linux":
        pytest.skip("counts processor time and memory as Linux does")
    for package in NEEDS.get(name, ()):
        pytest.importorskip(package)
    found = campaign(name, mutants, SEED)
    assert found.mutants == mutants
    assert found.is_sound, found
    assert found.parsed >= mutants / 2
    assert found.accepted > 0
    assert found.accepted < mutants or name == "pasted"  # whose problems are in a list
    assert found.peak_bytes < 1e9

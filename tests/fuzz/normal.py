"""The normal run: 2,000 mutants of a format. ``python -m tests.fuzz`` makes more; CONTRIBUTING.md has the command."""

from __future__ import annotations

import sys
from typing import Final

import pytest

from tests.fuzz.campaign import campaign

MUTANTS: Final = 2_000
SEED: Final = 1
#: Packages that a format needs.
NEEDS: Final = {"onnx": ("onnx",), "tflite": ("tflite", "flatbuffers"), "parts": ("pyarrow",), "benches": ("scipy",)}


def survives(name: str) -> None:
    """No mutant of a format ends in an exception beside InputError, above 5 s or 1 GB, or with a file elsewhere.

    At least half of them pass the first parser.
    """
    if sys.platform != "linux":
        pytest.skip("counts processor time and memory as Linux does")
    for package in NEEDS.get(name, ()):
        pytest.importorskip(package)
    found = campaign(name, MUTANTS, SEED)
    assert found.mutants == MUTANTS
    assert found.is_sound, found
    assert found.parsed >= MUTANTS / 2
    assert found.accepted > 0
    assert found.accepted < MUTANTS or name == "pasted"  # whose problems are in a list
    assert found.peak_bytes < 1e9

"""Measurements, logs of tools, parts of sweeps, journals of benches and their environments."""

from __future__ import annotations

from tests.fuzz.normal import mutated, survives


@mutated("measurements", "logs", "parts", "journals", "benches")
def test_mutants(name: str, mutants: int) -> None:
    survives(name, mutants)

"""Measurements, logs of tools, parts of sweeps, journals of benches and their environments, defaults."""

from __future__ import annotations

from tests.fuzz.normal import mutated, survives


@mutated("measurements", "logs", "parts", "journals", "benches", "defaults")
def test_mutants(name: str, mutants: int) -> None:
    survives(name, mutants)

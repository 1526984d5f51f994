"""Profiles of devices, rules of runtimes and calibrations."""

from __future__ import annotations

from tests.fuzz.normal import mutated, survives


@mutated("profiles", "runtimes", "calibrations")
def test_mutants(name: str, mutants: int) -> None:
    survives(name, mutants)

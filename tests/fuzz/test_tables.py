"""Network tables, in YAML and pasted, and search spaces."""

from __future__ import annotations

from tests.fuzz.normal import mutated, survives


@mutated("tables", "pasted", "spaces")
def test_mutants(name: str, mutants: int) -> None:
    survives(name, mutants)

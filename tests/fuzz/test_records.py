"""Measurements, logs of tools, parts of sweeps, journals of benches and their environments: 2,000 mutants of each."""

from __future__ import annotations

import pytest

from tests.fuzz.normal import survives


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["measurements", "logs", "parts", "journals", "benches"])
def test_mutants(name: str) -> None:
    survives(name)

"""Profiles of devices, rules of runtimes and calibrations: 2,000 mutants of each."""

from __future__ import annotations

import pytest

from tests.fuzz.normal import survives


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["profiles", "runtimes", "calibrations"])
def test_mutants(name: str) -> None:
    survives(name)

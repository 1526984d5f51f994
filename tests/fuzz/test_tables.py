"""Network tables, in YAML and pasted, and search spaces: 2,000 mutants of each."""

from __future__ import annotations

import pytest

from tests.fuzz.normal import survives


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["tables", "pasted", "spaces"])
def test_mutants(name: str) -> None:
    survives(name)

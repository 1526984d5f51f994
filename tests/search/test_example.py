"""The example of an evolutionary search finds what keeps the budget."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mbcost.search import compile_space, load_space

pytest.importorskip("pymoo")
EXAMPLE = Path(__file__).parents[2] / "benchmarks" / "evolutionary_search.py"
pytestmark = [
    pytest.mark.skipif(not EXAMPLE.exists(), reason="only in a checkout"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def example() -> ModuleType:
    specification = importlib.util.spec_from_file_location("evolutionary_search", EXAMPLE)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_search_keeps_the_budget_and_beats_chance(example: ModuleType) -> None:
    space = load_space("proxylessnas")
    compiled = compile_space(space, "pixel4")
    chance = space.sample(500, np.random.default_rng(1))
    budget_s = float(np.median(compiled.latency_s(chance)))

    def score(candidates: np.ndarray) -> np.ndarray:
        return compiled.score(candidates).macs.astype(float)

    best = example.search(compiled, budget_s, score, generations=15, population=60, seed=3)
    assert compiled.latency_s(best)[0] <= budget_s
    fitting = chance[compiled.latency_s(chance) <= budget_s]
    assert score(best[None])[0] > score(fitting).max()
    assert compiled.analysis(best).latency_s == compiled.latency_s(best)[0]


def test_command_line(example: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    short = ["--space", "proxylessnas", "--generations", "2", "--population", "10"]
    assert example.main([*short, "--budget", "1s"]) == 0
    assert "stage 6, 320 channels" in capsys.readouterr().out
    assert example.main([*short, "--budget", "1us"]) == 1

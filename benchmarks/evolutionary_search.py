"""Evolutionary search in the Once-for-All space under a latency budget, on a device that nobody measured.

    python -m pip install mbcost pymoo
    python benchmarks/evolutionary_search.py --device pixel4 --budget 15ms --generations 60

The budget is looked up in a compiled search space; what is maximised is a score of your own. The one here, MACs, only
stands in for it: put a trained accuracy predictor in its place, a function of an array of candidates (a row each) that
returns a number a candidate.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from pymoo.algorithms.soo.nonconvex.ga import GA
from pymoo.core.problem import Problem
from pymoo.operators.crossover.ux import UniformCrossover
from pymoo.operators.mutation.pm import PolynomialMutation
from pymoo.operators.repair.rounding import RoundingRepair
from pymoo.operators.sampling.rnd import IntegerRandomSampling
from pymoo.optimize import minimize

from mbcost.search import CompiledSpace, compile_space, load_space, read_budgets

ScoreFunction = Callable[[np.ndarray], np.ndarray]


class UnderBudget(Problem):
    """The highest score among the candidates of a compiled space that keep a latency budget."""

    def __init__(self, compiled: CompiledSpace, budget_s: float, score: ScoreFunction) -> None:
        genes = np.array(compiled.space.genes)
        super().__init__(n_var=len(genes), n_obj=1, n_ieq_constr=1, xl=0, xu=genes - 1, vtype=int)
        self.compiled, self.budget_s, self.score = compiled, budget_s, score

    def _evaluate(self, x: np.ndarray, out: dict, *_args: object, **_kwargs: object) -> None:
        candidates = x.astype(np.uint8)
        out["F"] = -self.score(candidates)
        out["G"] = self.compiled.latency_s(candidates) / self.budget_s - 1


def search(
    compiled: CompiledSpace, budget_s: float, score: ScoreFunction, *, generations: int, population: int, seed: int
) -> np.ndarray | None:
    """The best candidate that was found, None if none keeps the budget."""
    algorithm = GA(
        pop_size=population,
        sampling=IntegerRandomSampling(),
        crossover=UniformCrossover(repair=RoundingRepair()),
        mutation=PolynomialMutation(prob_var=0.1, vtype=float, repair=RoundingRepair()),
        eliminate_duplicates=True,
    )
    result = minimize(UnderBudget(compiled, budget_s, score), algorithm, ("n_gen", generations), seed=seed)
    return None if result.X is None else np.asarray(result.X).astype(np.uint8)


def main(arguments: list[str] | None = None) -> int:
    """Search, and print the best candidate with its whole analysis; 1 if none keeps the budget."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", default="ofa_mobilenet_v3")
    parser.add_argument("--device", default="pixel4")
    parser.add_argument("--budget", default="15ms")
    parser.add_argument("--generations", type=int, default=60)
    parser.add_argument("--population", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    compiled = compile_space(load_space(given.space), given.device)
    (budget,) = read_budgets(given.budget)

    def macs(candidates: np.ndarray) -> np.ndarray:
        return compiled.score(candidates).macs.astype(float)

    best = search(
        compiled,
        budget.limit / 1e3,
        macs,
        generations=given.generations,
        population=given.population,
        seed=given.seed,
    )
    if best is None:
        print(f"no candidate of {given.space} keeps {given.budget} on {given.device}")
        return 1
    described = compiled.space.describe(best)
    print(f"resolution {described['resolution']}")
    for number, stage in enumerate(described["stages"], start=1):
        blocks = ", ".join(f"{block['kernel']}x{block['kernel']} e{block['e']}" for block in stage["blocks"])
        print(f"stage {number}, {stage['out']} channels: {blocks}")
    print(compiled.analysis(best))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

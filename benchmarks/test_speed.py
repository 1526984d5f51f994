"""Time of every stage, for every shipped architecture: ``pytest benchmarks --benchmark-only``.

The inputs of a stage are made outside of its clock, so each benchmark times one stage alone, without what is cached.
"""

from __future__ import annotations

import json

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import mbcost
from mbcost.architectures import ArchitectureSpec, load_architecture
from mbcost.architectures.loader import TABLES
from mbcost.graph import LayerGraph, check_architecture
from mbcost.graph.build import build_one
from mbcost.kernels import map_to_kernels
from mbcost.latency.model import latency_model
from mbcost.latency.rates import ELEMENT_BYTES
from mbcost.prediction import estimate, prepare

TARGET = "pixel1"


@pytest.fixture(scope="module", params=mbcost.architecture_names())
def spec(request: pytest.FixtureRequest) -> ArchitectureSpec:
    """Each shipped architecture."""
    return mbcost.load(request.param)


@pytest.fixture(scope="module")
def target() -> mbcost.Target:
    """What the latencies are predicted for."""
    return mbcost.resolve_target(TARGET)


@pytest.fixture(scope="module")
def graph(spec: ArchitectureSpec) -> LayerGraph:
    """The architecture at alpha = rho = 1."""
    return mbcost.build_graph(spec)


@pytest.mark.benchmark(group="load: YAML to a checked architecture")
def test_load(benchmark: BenchmarkFixture, spec: ArchitectureSpec) -> None:
    path = TABLES / f"{spec.name}.yaml"

    def load() -> ArchitectureSpec:
        loaded = load_architecture(path)
        assert check_architecture(loaded) == ()
        return loaded

    assert benchmark(load).name == spec.name


@pytest.mark.benchmark(group="build_graph")
def test_build_graph(benchmark: BenchmarkFixture, spec: ArchitectureSpec, graph: LayerGraph) -> None:
    built = benchmark(build_one.__wrapped__, spec, 1.0, spec.input_shape, tuple(spec.options.items()))  # nothing kept
    assert len(built.layers) == len(graph.layers)


@pytest.mark.benchmark(group="map_to_kernels")
def test_map_to_kernels(benchmark: BenchmarkFixture, graph: LayerGraph, target: mbcost.Target) -> None:
    runtime, _, _ = latency_model(target)
    kernels = benchmark(map_to_kernels, graph, runtime, element_bytes=ELEMENT_BYTES[target.precision])
    assert sum(len(kernel.layers) for kernel in kernels) == len(graph.layers)


@pytest.mark.benchmark(group="estimate")
def test_estimate(benchmark: BenchmarkFixture, graph: LayerGraph, target: mbcost.Target) -> None:
    _, runtime, form, rates, _, _ = prepare(target)
    kernels = map_to_kernels(graph, runtime, element_bytes=ELEMENT_BYTES[target.precision])
    assert len(benchmark(estimate, kernels, form, rates)) == len(kernels)


@pytest.mark.benchmark(group="analyze: graph, kernels and latencies")
def test_analyze(benchmark: BenchmarkFixture, spec: ArchitectureSpec, target: mbcost.Target) -> None:
    assert benchmark(mbcost.analyze, spec, target).latency_s > 0


@pytest.mark.benchmark(group="analyze, totals, layer results and the networkx graph")
def test_analyze_networkx(benchmark: BenchmarkFixture, spec: ArchitectureSpec, target: mbcost.Target) -> None:
    assert benchmark(lambda: mbcost.analyze(spec, target).graph).number_of_nodes() > 0


@pytest.mark.benchmark(group="totals, layer results, to_dict and JSON")
def test_json(benchmark: BenchmarkFixture, spec: ArchitectureSpec, target: mbcost.Target) -> None:
    def fresh() -> tuple[tuple[mbcost.Analysis], dict[str, object]]:
        return (mbcost.analyze(spec, target),), {}

    text = benchmark.pedantic(lambda analysis: json.dumps(analysis.to_dict()), setup=fresh, rounds=200)
    assert json.loads(text)["architecture"] == spec.name

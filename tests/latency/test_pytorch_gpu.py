"""The form of PyTorch on a GPU: its counts by hand, and what a calibration finds of a GPU that is simulated.

No GPU has been measured with it yet. The simulation (`tests/runner/machine.py`) is not the form: it has whole waves of
tiles, hard maxima of arithmetic and memory, and a queue over all kernels.
"""

from __future__ import annotations

import numpy as np
import pytest

from mbcost.architectures.loader import read_architecture
from mbcost.calibration.calibrate import calibrate_on
from mbcost.calibration.fit import fit, prior_of
from mbcost.calibration.measurements import of_target, read_measurements, work_of
from mbcost.devices import resolve_target
from mbcost.files import parse_yaml
from mbcost.graph import build_graph
from mbcost.kernels import load_runtime, map_to_kernels
from mbcost.latency.form import count_vector
from mbcost.latency.forms.pytorch_gpu import open_share
from mbcost.latency.model import latency_model
from mbcost.pipeline import analyze
from mbcost.runner.profile import named_machine, profile_of, profile_text, write_machine
from mbcost.runner.settings import RUNTIMES, Settings
from tests.runner.machine import GPU_FACTS, L2_BYTES, MULTIPROCESSORS, simulated_s, write_bench

GPU = {
    "date": "2026-11-21",
    "bench": {"device": "cuda", "precision": "fp32"},
    "environment": {
        "cpu": "Xeon", "torch": "2.13.0+cu130", "cores": 16, "memory_bytes": 2**37, "accelerator": "Imaginary GPU",
        "accelerator_facts": {"multiprocessors": MULTIPROCESSORS, "l2_bytes": L2_BYTES},
    },
    "facts": GPU_FACTS,
}  # fmt: skip


@pytest.fixture
def target_of(tmp_path):
    path = tmp_path / "box.yaml"
    path.write_text(profile_text(profile_of("box", GPU)))
    return lambda runtime: resolve_target(f"{path}@{runtime}")


@pytest.fixture(scope="module", params=["eager", "graph"])
def benched(request, tmp_path_factory):
    """The settings and the rows of a bench of the simulated GPU."""
    settings = Settings("cuda", mode=request.param)
    folder = tmp_path_factory.mktemp(request.param)
    return settings, read_measurements(write_bench(folder, 40, settings=settings))[0]


def counts(target, shape: str, row: str, batch: int = 1) -> dict[str, float]:
    """The terms of a network of one row."""
    spec = read_architecture(parse_yaml(f"name: x\nsource: hand\ninput: {shape}\nlayers: [{{{row}}}]\n", "table"))
    runtime, form, _ = latency_model(target)
    return {name: float(value) for name, value in
            count_vector(map_to_kernels(build_graph(spec), runtime, batch=batch), form).items()}  # fmt: skip


def test_open_share_by_hand() -> None:
    """((1 + 1)^(2/3) - 1) / 1 where work is as long as the call."""
    assert open_share(0.0, 5e-6) == pytest.approx(1.0)
    assert open_share(5e-6, 5e-6) == pytest.approx(2 ** (2 / 3) - 1)
    assert open_share(1.0, 5e-6) < 0.01


def test_a_convolution_by_hand(target_of) -> None:
    found = counts(target_of("pytorch-cuda-graph"), "14x14x30", "op: conv2d, out: 60, kernel: 3, padding: 1", batch=2)
    outputs, full = 2 * 14 * 14 * 60, MULTIPROCESSORS * 8192
    assert found["conv"] == 2 * 14 * 14 * 64 * 9 * 32  # channels in eights
    assert found["weights"] == 4 * 9 * 30 * 60
    assert found["traffic"] == 4 * 2 * 14 * 14 * (30 + 60)
    assert found["far"] == 0  # all of it fits the cache
    assert found["call"] == 1
    together = 9 * 30 * (outputs**1.5 + full**1.5) ** (2 / 3)
    assert found["idle"] + 9 * 30 * outputs == pytest.approx(together)


def test_a_large_map_hides_its_call_and_comes_from_memory(target_of) -> None:
    target = target_of("pytorch-cuda")
    small, large = (counts(target, f"{size}x{size}x64", "op: relu") for size in (7, 1024))
    assert small["pass_call"] > 0.95
    assert large["pass_call"] < 0.1
    assert large["stream"] == 2 * 4 * 64 * 2**20
    assert large["far"] == large["stream"] - L2_BYTES


def test_every_gpu_runtime_of_the_runner_has_rules() -> None:
    names = [name for (device, _, _), name in RUNTIMES.items() if device != "cpu"]
    assert {load_runtime(name).form for name in names} == {"pytorch_gpu", "pytorch_gpu_graph"}
    assert len({load_runtime(name).title for name in names}) == len(names)
    assert load_runtime("pytorch-cuda-compile").fusion


def test_a_calibration_finds_the_rates_that_made_the_latencies(target_of, benched) -> None:
    """Rates off by up to a half, latencies with an error of 2 %: what the data decide comes out within 15 %."""
    pytest.importorskip("scipy")
    settings, rows = benched
    target = target_of(settings.runtime)
    _, form, rates = latency_model(target)
    work = work_of(rows, target)
    draw = np.random.default_rng(5)
    priors = np.array([float(rate.seconds) for rate in rates.values()])
    true = priors * draw.uniform(1, 1.5, len(priors))
    measured = work.counts @ true * draw.normal(1, 0.02, len(rows))
    found = fit(work.counts, measured, priors, noise=0.02, **prior_of(form))
    decided = found.uncertainty < 0.2
    assert decided.sum() >= 4
    assert np.abs(found.rates[decided] / true[decided] - 1).max() < 0.15


def test_a_simulated_gpu_is_calibrated_and_predicts_what_it_has_not_seen(tmp_path, monkeypatch, benched) -> None:
    pytest.importorskip("scipy")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    settings, rows = benched
    machine = named_machine(rows, "box", force=True)
    calibration, _ = calibrate_on(of_target(machine.rows, machine.target), machine.target)
    write_machine(machine, calibration, force=False)
    errors = []
    for name in ("mobilenet_v2", "mobilenet_v3_large", "resnet18", "resnet50", "shufflenet_v2"):
        for batch in (1, 32):
            measured = simulated_s(name, settings, batch)
            errors.append(analyze(name, f"box@{settings.runtime}", batch=batch).latency_s / measured - 1)
    assert np.abs(errors).mean() < 0.12

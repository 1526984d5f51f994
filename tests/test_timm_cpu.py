"""The benchmark of timm's networks: its scores by hand, its sample, its target."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("scipy")
ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(not (ROOT / "benchmarks").exists(), reason="only in a checkout")


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


def found(name: str, predicted: float, measured: float, by_macs: float = float("nan"), seed: int = 0) -> Any:
    from timm_cpu import Prediction, Row  # type: ignore[import-not-found]

    row = Row(name, name.partition("_")[0], 224, 1e9, measured, {})
    return Prediction(seed, row, predicted, predicted / 1.2, predicted * 1.2, by_macs)


def test_scores_by_hand() -> None:
    from timm_cpu import score

    # +4 %, -8 %, +50 % (outside of 1.2), and a baseline that is off by 10 %, 30 % and 50 %
    result = score([found("a", 1.04, 1.0, 1.1), found("b", 0.92, 1.0, 1.3), found("c", 3.0, 2.0, 1.0)], "total")
    assert result["mape"] == pytest.approx((0.04 + 0.08 + 0.5) / 3)
    assert result["bias"] == pytest.approx((0.04 - 0.08 + 0.5) / 3)
    assert (result["hit5"], result["hit10"], result["hit20"]) == pytest.approx((1 / 3, 2 / 3, 2 / 3))
    assert result["coverage90"] == pytest.approx(2 / 3)
    assert result["baselines"]["macs"]["mape"] == pytest.approx(0.3)
    assert (result["networks"], result["predictions"]) == (3, 3)


def test_without_a_measured_network_there_is_no_baseline() -> None:
    from timm_cpu import score, table

    result = score([found("a", 1.0, 1.0), found("b", 1.0, 1.0)], "total")
    assert result["baselines"]["macs"] == {"mape": None, "hit10": None, "hit20": None}
    assert table([result]).splitlines()[1].endswith(" -")


def test_families_with_few_networks_are_scored_together() -> None:
    from timm_cpu import results

    rows = [found(name, 1.0, 1.0, seed=seed) for name in ("big_1", "big_2", "big_3", "small_1") for seed in (0, 1)]
    assert [(row["name"], row["networks"]) for row in results(rows)] == [
        ("total", 4),
        ("family: big", 3),
        ("family: others", 1),
    ]


def options(**given: Any) -> argparse.Namespace:
    return argparse.Namespace(**{"core": None, "clock": None, "threads": None, "bandwidth": None, **given})


def test_the_machine_is_in_the_files_name() -> None:
    from timm_cpu import machine_of, target_of

    # Intel's product specifications: 14 cores; 4 channels of DDR4-2933 move 4 x 2.933 x 8 = 93.9 GB/s
    machine = machine_of(Path("benchmark-infer-fp32-nchw-pt240-cpu-i9_10940x-dynamo.csv"), options())
    assert (machine.core, machine.threads, machine.bandwidth) == ("cascade_lake", 14, 93.9)
    target = target_of(machine)
    # two AVX-512 units of 16 lanes: 32 MACs a cycle
    assert target.peak is not None
    assert target.peak.value == pytest.approx(machine.clock * 1e9 * 32)
    assert (target.runtime, target.precision, target.threads) == ("pytorch-compile", "fp32", 14)


def test_an_unknown_machine_has_to_be_described() -> None:
    from timm_cpu import machine_of

    with pytest.raises(SystemExit, match="--core, --clock and --threads"):
        machine_of(Path("benchmark-infer-fp32-cpu-abacus.csv"), options())
    machine = machine_of(Path("cpu-abacus.csv"), options(core="zen_3", clock=3.4, threads=8))
    assert machine[:4] == ("zen_3", 3.4, 8, 51.2)


def test_a_sample_is_the_same_whatever_the_order_of_the_rows() -> None:
    from timm_cpu import sampled

    rows = [{"model": f"net_{number}"} for number in range(50)]
    assert sampled(rows, 7) == sampled(rows[::-1], 7)
    assert len(sampled(rows, 7)) == 7
    assert len(sampled(rows, None)) == 50


def test_a_network_that_was_measured_is_not_predicted_at_another_size() -> None:
    from timm_cpu import Row, machine_of, predictions, target_of

    from mbcost.prediction import prepare

    model = prepare(target_of(machine_of(Path("i9_10940x.csv"), options())), calibration=False)
    whole = sum(float(rate.seconds) for rate in model.rates.values())  # of a network with one count of each term
    counts = [{term.name: 1.0 + number for term in model.form.terms} for number in range(5)]
    rows = [
        Row(f"net_{number}", "net", side, 1e9, whole * (1 + number), counts[number])
        for number in range(5)
        for side in (224, 288)
    ]
    for seed in range(5):
        assert len({one.row.name for one in predictions(rows, model, 3, seed)}) == 2


def test_an_import_is_kept_and_so_is_a_refusal(tmp_path: Path) -> None:
    if importlib.util.find_spec("timm") is None or importlib.util.find_spec("torch") is None:
        pytest.skip("needs torch and timm")
    from timm_networks import UnknownNetworkError, network  # type: ignore[import-not-found]

    spec = network("mobilenetv3_small_050", 224, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mobilenetv3_small_050-224.pickle"]
    assert repr(network("mobilenetv3_small_050", 224, tmp_path)) == repr(spec)
    for _ in range(2):
        with pytest.raises(UnknownNetworkError, match="no network of this name"):
            network("no_such_network", 224, tmp_path)

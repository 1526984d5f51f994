"""The benchmark of phones' GPUs: rows of kernels by hand, rates that are found again, phones that are not known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy")
ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(not (ROOT / "benchmarks").exists(), reason="only in a checkout")


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


def chip() -> Any:
    from phone_gpus_data import chip_of  # type: ignore[import-not-found]

    from mbcost.devices.socs import find_soc

    return chip_of("Adreno 640", find_soc("Snapdragon 855"))


def test_a_chip_by_hand() -> None:
    """Snapdragon 855: 768 lanes at 585 MHz, 33.5 GB/s."""
    found = chip()
    assert (found.peak, found.clock, found.bandwidth) == pytest.approx((768 * 585e6, 585e6, 33.5e9))
    assert found.assumed == ()


def test_a_chip_that_is_not_known() -> None:
    from phone_gpus_data import USUAL_BANDWIDTH, chip_of

    found = chip_of("Mali-G76 MP10", None)
    assert (found.cores, found.bandwidth) == (10, USUAL_BANDWIDTH)
    assert found.assumed == ("clock", "bandwidth")
    assert chip_of("Voodoo 2", None) is None


def row(**values: str) -> dict[str, str]:
    empty = dict.fromkeys(("in_hw", "in_c", "out_hw", "stride", "kernel", "filters", "groups"), "-")
    return {**empty, **values}


def test_kernels_by_hand() -> None:
    from phone_gpus_data import TERMS, _kernel_counts

    line = row(op="FULLY_CONNECTED", in_c="768", filters="1000")
    counts, macs = _kernel_counts(chip(), line, ["fully_connected"])
    found = dict(zip(TERMS, counts, strict=True))
    assert macs == 768 * 1000
    assert found["dense"] == 2 * (768 * 1000 + 1000)
    assert found["latency"] == 768 / 4 / 4  # four threads share the slices of the input
    assert (found["launch"], found["dispatch"], found["call"]) == (1, 0, 0)
    # a padded depthwise convolution: 114 pixels to 112; a linked addition reads another map
    line = row(op="DEPTHWISE_CONV_2D", in_hw="114", in_c="32", out_hw="112", stride="1", kernel="3", filters="1")
    counts, _ = _kernel_counts(chip(), line, ["depthwise_convolution", "add"])
    found = dict(zip(TERMS, counts, strict=True))
    assert found["depthwise_3x3"] == 112 * 112 * 32 * 9
    assert found["output"] == 2 * 2 * 112 * 112 * 32
    twice = row(op="CONV_2D", in_hw="56", in_c="24", out_hw="56", stride="1", kernel="1", filters="24")
    assert isinstance(_kernel_counts(chip(), twice, ["depthwise_conv_plusx_conv"]), str)


def test_rates_are_found_again() -> None:
    """Latencies that rates make, with kernels: these rates; without: the predictions at least."""
    from phone_gpus_data import TERMS, _unit
    from phone_gpus_fit import FIRST, fitted

    generator = np.random.default_rng(0)
    true = np.array([FIRST[term] for term in TERMS]) * generator.uniform(0.7, 1.6, len(TERMS))
    found = chip()
    shares = np.array([FIRST[term] for term in TERMS]) / found.bases
    raw = generator.uniform(0.2, 3.0, (200, len(TERMS))) * 1e-4 / shares
    seconds = (raw / found.bases) @ true
    names = [f"n{i}" for i in range(len(raw))]
    kernels = _unit("phone", found, names, raw, np.ones(len(raw)), seconds)
    whole = kernels.of(np.arange(20))
    with_kernels = fitted(whole, kernels, "tflite-gpu-2.10")
    assert with_kernels.rates == pytest.approx(true, rel=0.05)
    alone = fitted(whole, None, "tflite-gpu-2.10")
    assert whole.counts @ alone.rates == pytest.approx(whole.seconds, rel=0.1)

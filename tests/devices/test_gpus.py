"""The catalogue of graphics processors: shape, names, and facts from data sheets."""

from __future__ import annotations

from pathlib import Path

import pytest

from mbcost.devices import load_device, resolve_target
from mbcost.devices.catalogue_shape import shaped
from mbcost.devices.gpus import cores_in, find_gpu, gpu_files, gpu_names
from mbcost.devices.library import check_device
from mbcost.devices.socs import load_soc, soc_names

NAMES = gpu_names()


def test_how_many_there_are() -> None:
    assert len(NAMES) >= 60
    found = [gpu for name in NAMES if (gpu := find_gpu(name)) is not None]
    assert {gpu.vendor for gpu in found} == {"adreno", "mali", "powervr", "apple", "amd"}
    units = [load_soc(name).gpu for name in soc_names()]
    assert sum(unit is not None and find_gpu(unit.name) is not None for unit in units) > 200


@pytest.mark.parametrize("name", NAMES)
def test_every_file(name: str) -> None:
    path = gpu_files()[name]
    data = shaped(path, "gpu")
    assert data["identity"]["name"] == name
    assert check_device(path) == []
    gpu = find_gpu(name)
    assert gpu is not None
    assert all(find_gpu(other) == gpu for other in (gpu.title, *gpu.names))
    numbers = [gpu.cores, gpu.max_clock, gpu.l2, *gpu.throughput.values()]
    for quantity in filter(None, numbers):
        assert quantity.formula or set(quantity.reference) <= set(gpu.references)


def test_names_with_a_number_of_cores() -> None:
    assert find_gpu("Mali-G77 MP11") == find_gpu("mali_g77") == find_gpu("Mali-G77 MC9")
    assert (cores_in("Mali-G77 MP11"), cores_in("Immortalis-G720 MC12"), cores_in("Adreno 640")) == (11, 12, None)
    assert find_gpu("Mali-G77MP11") == find_gpu("mali_g77")
    assert cores_in("Mali-G76MP12") == 12
    assert find_gpu("Adreno (TM) 640") == find_gpu("adreno_640")
    assert find_gpu("Voodoo 2") is None


@pytest.mark.parametrize(
    ("device", "gmacs"),
    [
        ("exynos_9820/gpu", 12 * 0.702 * 24),  # Mali-G76 MP12 at 702 MHz: 48 operations a clock (Arm's data sheet)
        ("exynos_990/gpu", 11 * 0.8 * 32),  # Mali-G77 MP11 at 800 MHz: 64
        ("snapdragon_855/gpu", 768 * 0.585),  # chipsandcheese: 768 lanes
        ("apple_m1/gpu", 8 * 1.278 * 128),  # metal-benchmarks: 8 cores of 128
    ],
)
def test_peaks_by_hand(device: str, gmacs: float) -> None:
    target = resolve_target(device, "fp32")
    assert target.processor.peak["fp32"].value == pytest.approx(gmacs * 1e9, rel=1e-6)
    assert target.runtime == "tflite-gpu-2.10"


@pytest.mark.parametrize("device", ["galaxy_s24/gpu", "pixel9/gpu", "snapdragon_8_gen_2/gpu", "iphone_xs/gpu"])
def test_targets(device: str) -> None:
    assert resolve_target(device).precision == "fp16"


def test_an_assumed_clock_says_so() -> None:
    clock = load_device("pixel9").processors["gpu"].clock
    assert clock is not None
    assert clock.source == "assumed"
    assert "highest that is known of the Arm Mali-G715" in str(clock.note)


def test_a_gpu_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in the user's folder is checked and found; one with mistakes is refused with all of them."""
    monkeypatch.setenv("MBCOST_DEVICES", str(tmp_path))
    (tmp_path / "gpus").mkdir()
    text = gpu_files()["mali_g76"].read_text(encoding="utf-8")
    path = tmp_path / "gpus" / "my_gpu.yaml"
    path.write_text(text.replace("mali_g76", "my_gpu").replace("[Mali-G76]", "[Mali-G999]"), encoding="utf-8")
    found = find_gpu("Mali-G999 MP2")
    assert found is not None
    assert (found.name, found.origin) == ("my_gpu", "user")
    path.write_text(path.read_text(encoding="utf-8").replace("vendor: mali\n", "vendor: voodoo\n"), encoding="utf-8")
    assert [problem.code for problem in check_device(path)] == ["MB103"]

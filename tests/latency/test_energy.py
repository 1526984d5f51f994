"""Energy by hand arithmetic from Horowitz 2014, and the resources of AMD's tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

import mbcost
from mbcost.devices import device_names, load_device, resolve_target
from mbcost.devices.fabric import available, exceeded, used


def test_energy_by_hand() -> None:
    """MobileNet V1 at fp32: 4.6 pJ a MAC, 100 pJ for 8 bytes on chip, 1.3 nJ for 8 bytes of DRAM."""
    analysis = mbcost.analyze("mobilenet_v1", "pixel1")
    energy, totals = analysis.energy, analysis.totals
    assert energy is not None
    moved = totals.activation_bytes + totals.weight_bytes + 2 * totals.im2col_bytes
    assert energy.compute_j == pytest.approx(totals.macs * 4.6e-12)
    assert energy.on_chip_j == pytest.approx(moved * 100e-12 / 8)
    assert energy.off_chip_j == pytest.approx(moved * 1.3e-9 / 8)
    assert energy.total_j == energy.compute_j + energy.on_chip_j + energy.off_chip_j


def test_int8_takes_less_than_fp32() -> None:
    int8, fp32 = (mbcost.analyze("mobilenet_v2", "pixel1", precision=p).energy for p in ("int8", "fp32"))
    assert int8 is not None
    assert fp32 is not None
    assert int8.compute_j / fp32.compute_j == pytest.approx(0.3 / 4.6)
    assert int8.off_chip_bytes * 4 == fp32.off_chip_bytes


def test_a_dpu_keeps_what_fits_its_memory() -> None:
    """VGG-16's weights cross the memory once; of its maps those that 512 KiB do not hold."""
    analysis = mbcost.analyze("vgg16", "zcu102")
    energy, totals = analysis.energy, analysis.totals
    assert energy is not None
    assert totals.weight_bytes < energy.off_chip_bytes < totals.weight_bytes + totals.activation_bytes


def test_tiles_cross_the_memory_again() -> None:
    """Tm 32 of 1280 output channels at a time: the inputs of the last convolution are read 40 times."""
    analysis = mbcost.analyze("mobilenet_v2", "zc706")
    assert analysis.energy is not None
    assert analysis.energy.off_chip_bytes > analysis.totals.activation_bytes + analysis.totals.weight_bytes


def test_a_precision_without_a_figure_stays_unknown() -> None:
    analysis = mbcost.analyze("mobilenet_v1", "pixel1")
    other = replace(analysis, target=replace(analysis.target, precision="int4"))
    assert other.energy is None
    assert other.to_dict()["energy"] is None


def test_json_labels_the_estimate() -> None:
    data = mbcost.analyze("mobilenet_v2", "pynq_z2").to_dict()
    assert data["energy"]["label"] == "estimate"
    parts = [data["energy"][f"{part}_mj"] for part in ("compute", "on_chip", "off_chip")]
    assert data["energy"]["total_mj"] == pytest.approx(sum(parts))
    assert data["resources"]["dsp"] == {"used": 16 * 11, "available": 220}
    assert mbcost.analyze("mobilenet_v2", "pixel1").to_dict()["resources"] is None


@pytest.mark.parametrize(
    ("device", "dsp", "bram36"),
    [  # PG338 4.1: 710 DSP slices, 255 block RAMs for a B4096; 1.2 and 3.4: 282 + 30 and 123 + 4.5 for a B1600
        ("zcu102", 3 * 710, 3 * 255),
        ("ultra96", 282 + 30, 123 + 4.5),
        ("zcu104", 2 * 710, None),
    ],
)
def test_resources_of_processing_units(device: str, dsp: int, bram36: float | None) -> None:
    needed = used(resolve_target(device).processor, "int8")
    assert needed is not None
    assert needed.dsp == dsp
    assert needed.bram == (None if bram36 is None else 2 * bram36)


@pytest.mark.parametrize("device", [name for name in device_names() if "fpga" in load_device(name).processors])
def test_shipped_accelerators_fit_their_device(device: str) -> None:
    processor = load_device(device).processors["fpga"]
    for precision in processor.precisions:
        needed = used(processor, precision)
        assert needed is not None
        assert not list(exceeded(needed, available(processor)))

"""The form of Eigen's matrix products: hand arithmetic, and published latencies that nothing was fitted to."""

from __future__ import annotations

import numpy as np
import pytest

import mbcost
from mbcost.calibration.measurements import read_measurements, work_of
from mbcost.devices import resolve_target
from mbcost.graph import build_graph
from mbcost.kernels import Kernel, load_runtime, map_to_kernels
from mbcost.latency.forms.cpu_eigen import gemm_macs, weight_bytes
from mbcost.latency.model import latency_model
from mbcost.prediction import prepare
from mbcost.resources import hardware_profiles


def kernels_of(name: str, resolution: int = 224) -> dict[str, Kernel]:
    graph = build_graph(mbcost.load(name), resolution=resolution)
    return {kernel.name: kernel for kernel in map_to_kernels(graph, load_runtime("tflite-2018"))}


def test_a_product_takes_four_pixels_at_a_time_and_starts_with_eight_steps() -> None:
    # MobileNet V1 at 224: the last pointwise layer has 7 x 7 = 49 pixels, 1024 channels in and out
    last = kernels_of("mobilenet_v1")["conv2d_14"]
    assert gemm_macs(last) == 52 * 1024 * (1024 + 8)


def test_a_filter_that_is_packed_crosses_the_memory_three_times() -> None:
    kernels = kernels_of("mobilenet_v1")
    assert weight_bytes(kernels["conv2d_14"]) == 3 * 4 * (1024 * 1024 + 1024)
    depthwise = next(kernel for kernel in kernels.values() if kernel.kind == "depthwise")
    assert weight_bytes(depthwise) == 4 * (3 * 3 * 32 + 32)


def test_a_single_pixel_is_a_matrix_vector_product() -> None:
    dense = next(kernel for kernel in kernels_of("mobilenet_v1").values() if kernel.kind == "dense")
    assert gemm_macs(dense) == 1024 * 1000
    assert weight_bytes(dense) == 4 * (1024 * 1000 + 1000)


def test_int8_has_parameters_of_its_own() -> None:
    """gemmlowp: 4/3 of the MACs a cycle of fp32; depthwise and traffic: the time of an element as in fp32."""
    rates = {p: latency_model(resolve_target("pixel2", precision=p))[2] for p in ("fp32", "int8")}
    assert rates["fp32"]["gemm"].seconds / rates["int8"]["gemm"].seconds == pytest.approx(4 / 3, rel=1e-3)
    assert rates["int8"]["depthwise"].seconds == pytest.approx(rates["fp32"]["depthwise"].seconds, rel=1e-3)
    assert rates["int8"]["weights"].seconds == pytest.approx(4 * rates["fp32"]["weights"].seconds, rel=1e-3)
    assert rates["int8"]["pool"].seconds == rates["fp32"]["pool"].seconds


@pytest.mark.parametrize(
    ("target", "precision", "file", "networks", "calibration", "mape"),
    [
        # MnasNet-A1 of five widths and resolutions: the calibration has seen MobileNet V1 and V2 only
        ("pixel1", "fp32", "pixel1_tflite_2018_mnasnet", 25, None, 0.06),
        # MobileNet V3 on what the facts of the phone say
        ("pixel1/cpu@tflite-2019", "fp32", "pixel1_tflite_2019", 6, False, 0.05),
        ("pixel3/cpu@tflite-2019", "fp32", "pixel3_tflite_2019", 6, False, 0.1),
        ("pixel1/cpu@tflite-2019", "int8", "pixel1_tflite_2019_int8", 3, False, 0.1),
        ("pixel2/cpu@tflite-2019", "int8", "pixel2_tflite_2019_int8", 3, False, 0.15),
        ("pixel3/cpu@tflite-2019", "int8", "pixel3_tflite_2019_int8", 3, False, 0.15),
    ],
)  # fmt: skip
def test_published_latencies_that_nothing_was_fitted_to(
    target: str, precision: str, file: str, networks: int, calibration: bool | None, mape: float
) -> None:
    chosen = resolve_target(target, precision=precision)
    work = work_of(read_measurements(hardware_profiles() / "measurements" / f"{file}.csv")[0], chosen)
    counts, measured = work.counts, work.measured_s
    rates = prepare(chosen, calibration).rates.values()
    errors = counts @ np.array([float(rate.seconds) for rate in rates]) / measured - 1
    assert len(errors) == networks
    assert np.abs(errors).mean() < mape

"""PyTorch on a GPU: kernels that are launched one by one, or replayed by a CUDA graph.

    t = conv + idle + depthwise + pool + weights + traffic + stream + copy + far + calls

without overlap between the terms of one kernel. Three hardware effects determine the counts:

- **Launch overhead.** The program that calls operators runs ahead of the GPU. A kernel whose work takes longer than the
  next call hides that call; after a shorter one the GPU waits for it. `calls` therefore counts each call by the share
  of its time that the kernel's own work does not hide, ``((w^q + c^q)^(1/q) - w) / c`` with the work `w` by the
  profile's peak and bandwidth and the time of the call `c`: 1 for a tiny kernel, 0 for a large one. A graph replays
  kernels back to back, so that each costs one `call`, whatever its work.
- **Occupancy.** A convolution is a matrix product in tiles, which are distributed over the multiprocessors. With fewer
  output elements than fill all of them, some are idle, and a step of the loop over the inputs takes as long as on a
  full GPU: `idle` counts the MACs of the idle ones, so that `conv` and `idle` together are
  ``steps * (outputs^q + full^q)^(1/q)``, the same latency floor as in the Adreno's form.
- **Two bandwidths.** Traffic beyond the size of the level 2 cache comes from memory (`far`); all traffic passes the
  cache.

The terms follow from these effects; **they have not been fitted to a measured GPU yet**. A calibration fits the rates;
the constants below are assumptions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from mbcost.devices import Target
from mbcost.kernels import Kernel, Runtime
from mbcost.latency.form import LatencyForm, Rate, Term, kinds
from mbcost.latency.forms.occupancy import OCCUPANCY_EXPONENT
from mbcost.latency.rates import bandwidth, kernel_overhead, parameter, peak, per_second, seconds_each
from mbcost.numeric import Dim, Real, by_value, maximum, round_up
from mbcost.operators import Conv2d

#: Channels to which both sides of a matrix product are padded: a fragment of the matrix units (8 elements, 16 bytes).
FRAGMENT: Final = 8
#: Output elements that keep one multiprocessor busy: a tile of 128 x 64 or two of 64 x 64. Assumed: usual tiles of
#: CUTLASS; no GPU was measured, as for all constants below.
OUTPUTS_A_MULTIPROCESSOR: Final = 8_192
#: Multiprocessors where the profile does not say. Chosen: 40, as an NVIDIA T4 has.
MULTIPROCESSORS: Final = 40
#: Level 2 cache where the profile does not say [B]. Chosen: 4 MiB, as an NVIDIA T4 has.
L2_BYTES: Final = 4 * 2**20
#: Launch overhead where the profile has none, for the share that work does not hide [s]: what `pytorch-cuda` assumes.
LAUNCH_S: Final = 5e-6
#: Time of an operator's call in launches: a convolution looks up its plan, a norm has five tensors. Chosen, nothing was
#: measured; launch-bound networks scale with them.
CONV_CALL: Final = 4.0
NORM_CALL: Final = 3.0
OTHER_CALL: Final = 1.5
#: A kernel's own work, which hides the next call: products at this share of the peak, all traffic at this multiple of
#: the memory's bandwidth, what is beyond the cache at this one too. Chosen: what `pytorch-cuda` assumes of the terms,
#: so that a larger kernel never takes less time than a smaller one.
_WORK_OF_PEAK: Final = 0.5
_WORK_OF_CACHE: Final = 2.5
_WORK_OF_MEMORY: Final = 1.0

_PRODUCTS: Final = kinds("pointwise", "direct_conv", "matmul", "dense")
_PASSES: Final = kinds("elementwise", "softmax")
_ALL: Final = _PRODUCTS | _PASSES | kinds("depthwise", "pool", "copy")


def open_share(work: Real, whole: float) -> Real:
    """Share of `whole` that `work` does not hide: 1 without work, towards 0 for much work."""

    def share(value: float) -> float:
        q = OCCUPANCY_EXPONENT
        return float(((value**q + whole**q) ** (1 / q) - value) / whole)

    result: Real = by_value(share, work)
    return result


def moved(kernel: Kernel) -> Dim:
    """Input, output and weights [B]."""
    return (kernel.input_elements + kernel.output_elements + kernel.weight_elements) * kernel.element_bytes


def product_macs(kernel: Kernel) -> Real:
    """MACs of matrix products, both channels of a group in whole fragments."""
    if not isinstance(kernel.main.operator, Conv2d):
        return kernel.macs
    rows, columns, _, groups = kernel.gemm()
    depth = kernel.window * round_up(kernel.main.input_shapes[0].channels // groups, FRAGMENT)
    return rows * round_up(columns, FRAGMENT) * depth * groups


def product_steps(kernel: Kernel) -> Real:
    """Steps of the loop over the inputs of an output."""
    return kernel.macs // kernel.output_elements


def idle_macs(kernel: Kernel, fill: float) -> Real:
    """MACs that idle multiprocessors could have done, of a GPU that `fill` output elements keep busy."""
    return product_steps(kernel) * fill * open_share(kernel.output_elements, fill)


def weight_bytes(kernel: Kernel) -> Real:
    """Weights and bias."""
    return kernel.weight_elements * kernel.element_bytes


def activation_bytes(kernel: Kernel) -> Real:
    """Inputs and outputs."""
    return kernel.activation_bytes


def window_bytes(kernel: Kernel) -> Real:
    """Reads of the windows of a depthwise convolution or a pooling, most of them from the nearest cache."""
    reads = kernel.macs if kernel.kind == "depthwise" else kernel.elementwise_ops
    return reads * kernel.element_bytes


def is_norm(kernel: Kernel) -> bool:
    return kernel.op.endswith("_norm")


def _replayed(_: Kernel) -> Real:
    return 1


def _terms(target: Target | None, *, replayed: bool) -> tuple[Term, ...]:
    """The terms with the counts of a target; without a target, those of an unknown GPU."""
    fill, cache = _capacity(target)

    def far_bytes(kernel: Kernel) -> Real:
        return maximum(0, moved(kernel) - cache)

    calls: tuple[Term, ...]
    if replayed:
        calls = (Term("call", "kernel", "overhead", _ALL, _replayed),)
    else:
        work, launch = _work(target), _launch_s(target)

        def of(factor: float, belongs: Callable[[Kernel], bool]) -> Callable[[Kernel], Real]:
            return lambda kernel: open_share(work(kernel), factor * launch) if belongs(kernel) else 0

        calls = (
            Term("conv_call", "call", "overhead", _PRODUCTS | kinds("depthwise"), of(CONV_CALL, lambda _: True)),
            Term("norm_call", "call", "overhead", _PASSES, of(NORM_CALL, is_norm)),
            Term("pass_call", "call", "overhead", _PASSES, of(1.0, lambda kernel: not is_norm(kernel))),
            Term("other_call", "call", "overhead", kinds("pool", "copy"), of(OTHER_CALL, lambda _: True)),
        )
    return (
        Term("conv", "MAC", "compute", _PRODUCTS, product_macs),
        Term("idle", "slot", "compute", _PRODUCTS, partial(idle_macs, fill=fill)),
        Term("depthwise", "window B", "activations", kinds("depthwise"), window_bytes),
        Term("pool", "window B", "activations", kinds("pool"), window_bytes),
        Term("weights", "B", "weights", _PRODUCTS | kinds("depthwise"), weight_bytes),
        Term("traffic", "cached B", "activations", _PRODUCTS | kinds("depthwise"), activation_bytes),
        Term("stream", "cached B", "activations", _PASSES | kinds("pool"), activation_bytes),
        Term("copy", "cached B", "activations", kinds("copy"), activation_bytes),
        Term("far", "B", "activations", _ALL, far_bytes),
        *calls,
    )


def _capacity(target: Target | None) -> tuple[float, float]:
    """Output elements that fill the GPU, and the size of its level 2 cache [B]."""
    processor = None if target is None else target.processor
    units = processor.shader_processors if processor else None
    cache = processor.l2 if processor else None
    number = MULTIPROCESSORS if units is None else units.value
    return number * OUTPUTS_A_MULTIPROCESSOR, L2_BYTES if cache is None else cache.value


def _launch_s(target: Target | None) -> float:
    quantity = target.overheads.kernel if target is not None else None
    return LAUNCH_S if quantity is None else quantity.value


def _work(target: Target | None) -> Callable[[Kernel], Real]:
    """Time of a kernel's own work by the profile [s]."""
    if target is None:
        return lambda _: 0.0
    macs_a_second, bytes_a_second = _WORK_OF_PEAK * peak(target)[1].value, bandwidth(target)[1].value
    fill, cache = _capacity(target)

    def work(kernel: Kernel) -> Real:
        near = moved(kernel)
        traffic = near / _WORK_OF_CACHE + maximum(0, near - cache) / _WORK_OF_MEMORY
        macs = product_macs(kernel) + idle_macs(kernel, fill) if kernel.kind in _PRODUCTS else kernel.macs
        return macs / macs_a_second + traffic / bytes_a_second

    return work


_OF_BANDWIDTH: Final = {
    "depthwise": "window_bandwidth_ratio",
    "pool": "window_bandwidth_ratio",
    "weights": "cache_bandwidth_ratio",
    "traffic": "cache_bandwidth_ratio",
    "stream": "cache_bandwidth_ratio",
    "copy": "cache_bandwidth_ratio",
    "far": "memory_bandwidth_ratio",
}
_CALLS: Final = {"conv_call": CONV_CALL, "norm_call": NORM_CALL, "pass_call": 1.0, "other_call": OTHER_CALL}


def _work_rates(target: Target, runtime: Runtime) -> dict[str, Rate]:
    """Rates from the GPU's peak and bandwidth and the runtime's shares of them."""
    arithmetic, memory = peak(target), bandwidth(target)
    product = per_second(arithmetic, parameter(runtime, "product_efficiency"), "MAC")
    found = {"conv": product, "idle": product}
    for name, ratio in _OF_BANDWIDTH.items():
        found[name] = per_second(memory, parameter(runtime, ratio), "byte")
    return found


def launched_rates(target: Target, runtime: Runtime) -> Mapping[str, Rate]:
    """A call takes several launch overheads of the profile, else of the runtime."""
    launch = kernel_overhead(target, parameter(runtime, "launch_time"))
    calls = {
        name: Rate(launch.seconds * number, f"{number:g} x {launch.formula}", launch.quantities, launch.parameters)
        for name, number in _CALLS.items()
    }
    return {**_work_rates(target, runtime), **calls}


def replayed_rates(target: Target, runtime: Runtime) -> Mapping[str, Rate]:
    """A kernel of a replayed graph has a constant overhead."""
    return {**_work_rates(target, runtime), "call": seconds_each(parameter(runtime, "replay_time"))}


PYTORCH_GPU: Final = LatencyForm(
    name="pytorch_gpu",
    title="PyTorch on a GPU",
    terms=_terms(None, replayed=False),
    overlap="none",
    rates=launched_rates,
    source="launches, occupancy and two bandwidths; not fitted to a measured GPU yet",
    terms_for=lambda target: _terms(target, replayed=False),
)
PYTORCH_GPU_GRAPH: Final = LatencyForm(
    name="pytorch_gpu_graph",
    title="PyTorch on a GPU, a graph replayed",
    terms=_terms(None, replayed=True),
    overlap="none",
    rates=replayed_rates,
    source="occupancy and two bandwidths; not fitted to a measured GPU yet",
    terms_for=lambda target: _terms(target, replayed=True),
)

"""PyTorch on a CPU: MKL's matrix products, oneDNN's convolutions with blocked channels, and plain loops for the rest.

    t = gemm + vector + conv + depthwise + lowering + traffic + weights + spill + pool + transcendental + calls

without overlap. aten/src/ATen/native/Convolution.cpp (use_mkldnn) selects the algorithm: on one thread a 1x1
convolution with stride 1 is a matrix product without lowering, one per group; a convolution without groups, with a
window of at most 3x3 and an input of at most 20,480 elements is lowered; every other one is oneDNN's, which reorders
input, weights and output to and from blocks of channels at each call. Batch norm and activations are passes of their
own. Selected on whole random networks and their layers (PyTorch 2.13, AVX2, one thread).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from mbcost.devices import Target
from mbcost.kernels import Kernel, Parameter, Runtime
from mbcost.latency.form import LatencyForm, Rate, Term, kinds, one
from mbcost.latency.rates import bandwidth, on_threads, parameter, peak, per_second, seconds_each
from mbcost.numeric import Dim, Real, ceil_div, maximum, minimum, round_up, where
from mbcost.operators import Conv2d, Dense

#: Input elements up to which a convolution is lowered to a matrix product instead (Convolution.cpp, use_mkldnn).
NATIVE_ELEMENTS: Final = 20_480
#: Channels of a block: a vector of AVX2.
BLOCK: Final = 8
#: Rows (pixels) of the tile of MKL's matrix product: three vectors of AVX2.
GEMM_ROWS: Final = 24
#: Rows below which MKL reads the weights of a product unpacked, in slow passes of this many rows: what maps of 2x2
#: and 3x3 pixels took on an AMD EPYC (reports/runner.md); MKL documents none of it.
FEWEST_PACKED_ROWS: Final = 12
UNPACKED_PASS: Final = 8
#: Rows of products for which MKL has fast kernels with unpacked weights; seen there too.
UNPACKED_ROWS: Final = (16, 32)
#: Channels of an image, which oneDNN does not pad to a block.
IMAGE_CHANNELS: Final = 4
#: oneDNN's register blocking: most blocks of output channels per load of an input element.
BLOCKS_A_LOAD: Final = 4
#: Start cost of a pooling window, in reads. Chosen on layers of random networks (AMD EPYC, reports/runner.md), as are
#: the next two; no ablation of them is kept.
MAX_POOL_START: Final = 7
AVG_POOL_START: Final = 12
#: Cost of a max pooling with stride 1 relative to a strided one: overlapping windows have fewer branch mispredictions.
OVERLAPPING: Final = 0.8
#: Cost of a max pooling after a ReLU relative to others: a zero never replaces another zero as the maximum, so that
#: branches are mispredicted less often.
RECTIFIED: Final = 0.82
#: Elements of a 4 KiB page at fp32: consecutive planes of whole pages map to the same cache sets.
PAGE_ELEMENTS: Final = 1024
#: Calls of a channel shuffle: two reshapes, and one that moves the elements.
SHUFFLE_CALLS: Final = 3
#: Traffic of a kernel that fits the caches near the core [B]. Chosen there: the order of a core's level 2 cache and its
#: share of the level 3; a profile with other caches gets the same.
NEAR_BYTES: Final = 2 * 2**20

#: Functions with an exponential.
TRANSCENDENTAL: Final = frozenset(
    {"swish", "sigmoid", "tanh", "gelu", "mish", "softplus", "elu", "softmax", "log_softmax"}
)
_RECTIFIERS: Final = frozenset({"relu", "relu6"})
#: Passes over several maps, which write a new one; most others overwrite what they read.
_JOINS: Final = frozenset({"add", "subtract", "multiply", "divide", "maximum", "minimum"})
_GLOBAL: Final = frozenset({"global_avg_pool", "global_max_pool", "reduce"})


def _bytes(elements: Dim, kernel: Kernel) -> Dim:
    return elements * kernel.element_bytes


def moved_bytes(kernel: Kernel) -> Dim:
    """Input and output."""
    return kernel.activation_bytes


def is_native(kernel: Kernel) -> Real:
    """Whether a convolution is a matrix product rather than oneDNN's; a mask for arrays."""
    if kernel.kind in {"pointwise", "dense", "matmul"}:
        return True
    operator = kernel.main.operator
    if not isinstance(operator, Conv2d) or max(operator.kernel) > 3 or operator.dilation != (1, 1):
        return False
    if _is_pointwise(kernel):
        return True
    elements = kernel.main.input_shapes[0].elements
    small = (elements * kernel.batch <= NATIVE_ELEMENTS) & (kernel.batch == 1)
    return small & (operator.groups == 1)


def _is_pointwise(kernel: Kernel) -> bool:
    """Whether a convolution reads each pixel once, with or without groups, so that it needs no lowering."""
    operator = kernel.main.operator
    return kernel.window == 1 and max(getattr(operator, "stride", (1, 1))) == 1


def is_vector(kernel: Kernel) -> Real:
    """Whether a product has a single row: a matrix times a vector. A mask for arrays."""
    return is_native(kernel) & (_rows(kernel) == 1)  # type: ignore[no-any-return, operator]


def gemm_macs(kernel: Kernel) -> Real:
    """MACs of matrix products with more than one row, rows rounded up to whole tiles."""
    if not isinstance(kernel.main.operator, (Conv2d, Dense)):
        return 0 if kernel.kind == "direct_conv" else kernel.macs
    rows, columns, depth, groups = kernel.gemm()
    macs = round_up(rows, GEMM_ROWS) * columns * depth * groups
    return where(is_native(kernel), where(is_vector(kernel), 0, macs), 0)


def gemm_bytes(kernel: Kernel) -> Real:
    """Input and output of matrix products."""
    return where(is_native(kernel), where(is_vector(kernel), 0, kernel.activation_bytes), 0)


def gemm_weight_bytes(kernel: Kernel) -> Real:
    """Weights of matrix products that are packed into tiles."""
    weights = _bytes(kernel.weight_elements, kernel)
    return where(is_native(kernel), where(_is_read_once(kernel), 0, weights), 0)


def few_rows_bytes(kernel: Kernel) -> Real:
    """Weights of matrix products with few rows, which are read in several passes."""
    rows = _rows(kernel)
    passes = ceil_div(rows, UNPACKED_PASS) * _bytes(kernel.weight_elements, kernel)
    few = (rows > 1) & (rows < FEWEST_PACKED_ROWS)
    return where(is_native(kernel), where(few, passes, 0), 0)


def _rows(kernel: Kernel) -> Dim:
    """Rows of a matrix product [pixels]."""
    return kernel.gemm().rows


def vector_bytes(kernel: Kernel) -> Real:
    """Weights of matrix products that are read unpacked."""
    weights = _bytes(kernel.weight_elements, kernel)
    return where(is_native(kernel), where(_is_read_once(kernel), weights, 0), 0)


def _is_read_once(kernel: Kernel) -> Real:
    rows = _rows(kernel)
    return (rows == 1) | (rows == UNPACKED_ROWS[0]) | (rows == UNPACKED_ROWS[1])


def lowered_bytes(kernel: Kernel) -> Real:
    """The lowering buffer of small convolutions."""
    buffer = _bytes(kernel.main.cost.im2col_elements * kernel.batch, kernel)
    return where(is_native(kernel), buffer, 0)


def lowering_planes(kernel: Kernel) -> Real:
    """Planes of the lowering buffer, one loop per channel and element of the window."""
    if kernel.kind != "direct_conv" or _is_pointwise(kernel):
        return 0
    return where(is_native(kernel), kernel.gemm().depth, 0)


def strided_bytes(kernel: Kernel) -> Real:
    """The lowering buffer of strided convolutions, which is copied by element instead of by row."""
    return lowered_bytes(kernel) if max(getattr(kernel.main.operator, "stride", (1, 1))) > 1 else 0


def conv_loads(kernel: Kernel) -> Real:
    """MACs of oneDNN's convolutions over the blocks of output channels per load of an input element."""
    columns = kernel.gemm().columns if isinstance(kernel.main.operator, Conv2d) else kernel.main.output_shape.channels
    return conv_macs(kernel) // minimum(BLOCKS_A_LOAD, ceil_div(columns, BLOCK))


def conv_macs(kernel: Kernel) -> Real:
    """MACs of oneDNN's convolutions, output and input channels of a group in whole blocks."""
    if not isinstance(kernel.main.operator, Conv2d):
        return kernel.macs
    gemm, groups = kernel.gemm(), kernel.main.operator.groups
    channels = kernel.main.input_shapes[0].channels // groups
    padded = where(channels <= IMAGE_CHANNELS, channels, round_up(channels, BLOCK))
    blocked = gemm.rows * round_up(gemm.columns, BLOCK) * kernel.window * padded
    macs = where(groups == 1, blocked, kernel.macs)
    return where(is_native(kernel), 0, macs)


def conv_bytes(kernel: Kernel) -> Real:
    """Input and output of oneDNN's convolutions, which are reordered."""
    return where(is_native(kernel), 0, kernel.activation_bytes)


def conv_weight_bytes(kernel: Kernel) -> Real:
    """Weights of oneDNN's convolutions, which are reordered at each call."""
    return where(is_native(kernel), 0, _bytes(kernel.weight_elements, kernel))


def depthwise_macs(kernel: Kernel) -> Real:
    """Pixels x window x channels in whole blocks."""
    return kernel.output_pixels * kernel.window * round_up(kernel.main.output_shape.channels, BLOCK)


def depthwise_channels(kernel: Kernel) -> Real:
    """Channels in whole blocks, whose weights are reordered at each call."""
    return round_up(kernel.main.output_shape.channels, BLOCK)


def aliased_bytes(kernel: Kernel) -> Real:
    """Input and output in planes of whole pages, whose channels have cache set conflicts."""
    total: Real = 0
    for shape in (kernel.main.input_shapes[0], kernel.main.output_shape):
        total = total + where(shape.pixels % PAGE_ELEMENTS == 0, shape.elements, 0)
    return total * kernel.batch * kernel.element_bytes


def spilled_bytes(kernel: Kernel) -> Real:
    """Input and output beyond the caches near the core."""
    return maximum(0, kernel.activation_bytes - NEAR_BYTES)


def norm_bytes(kernel: Kernel) -> Real:
    """Input and output of normalisations."""
    return kernel.activation_bytes if _is_norm(kernel) else 0


def norm_channels(kernel: Kernel) -> Real:
    """Channels of normalisations, whose scale and shift are computed at each call."""
    return kernel.main.output_shape.channels if _is_norm(kernel) else 0


def join_bytes(kernel: Kernel) -> Real:
    """Input and output of sums and products of maps."""
    return kernel.activation_bytes if kernel.op in _JOINS else 0


def stream_bytes(kernel: Kernel) -> Real:
    """Input and output of every other pass."""
    return 0 if _is_norm(kernel) or kernel.op in _JOINS else kernel.activation_bytes


def transcendental_elements(kernel: Kernel) -> Real:
    """Elements of functions with an exponential."""
    return kernel.output_elements if kernel.op in TRANSCENDENTAL else 0


def max_pool_reads(kernel: Kernel) -> Real:
    """Elements read by the windows of a max pooling, and the start of each window: a scalar loop."""
    if not kernel.op.startswith("max_pool"):
        return 0
    reads = kernel.elementwise_ops + MAX_POOL_START * kernel.output_elements
    overlapping = OVERLAPPING if max(getattr(kernel.main.operator, "stride", (2, 2))) == 1 else 1.0
    return reads * overlapping * (RECTIFIED if _RECTIFIERS.issuperset(kernel.made_by) else 1.0)


def avg_pool_reads(kernel: Kernel) -> Real:
    """Elements read by the windows of an average pooling, and the start of each window."""
    if is_global(kernel) or kernel.op.startswith("max_pool"):
        return 0
    return kernel.elementwise_ops + AVG_POOL_START * kernel.output_elements


def reduced_bytes(kernel: Kernel) -> Real:
    """Input of means and sums."""
    return _bytes(kernel.input_elements, kernel) if is_global(kernel) else 0


def reduced_elements(kernel: Kernel) -> Real:
    """Outputs of means and sums, one loop each."""
    return kernel.output_elements if is_global(kernel) else 0


def _is_norm(kernel: Kernel) -> bool:
    return kernel.op.endswith("_norm")


def is_global(kernel: Kernel) -> bool:
    """Whether a pooling reduces a whole map."""
    return kernel.op in _GLOBAL


def gemm_call(kernel: Kernel) -> Real:
    """Calls of matrix products with more than one row, one per group."""
    groups = kernel.gemm().groups if kernel.kind == "direct_conv" else 1
    return where(is_native(kernel), where(is_vector(kernel), 0, groups), 0)


def vector_call(kernel: Kernel) -> Real:
    """Calls of products with a single row."""
    return where(is_vector(kernel), 1, 0)


def pool_call(kernel: Kernel) -> Real:
    """Calls of poolings with a window."""
    return 0 if is_global(kernel) else 1


def reduce_call(kernel: Kernel) -> Real:
    """Calls of means and sums."""
    return 1 if is_global(kernel) else 0


def conv_call(kernel: Kernel) -> Real:
    """Calls of oneDNN's convolutions."""
    return where(is_native(kernel), 0, 1)


def copy_call(kernel: Kernel) -> Real:
    """Calls of operators that move elements."""
    return SHUFFLE_CALLS if kernel.op == "channel_shuffle" else 1


def norm_call(kernel: Kernel) -> Real:
    """Calls of normalisations."""
    return 1 if _is_norm(kernel) else 0


def pass_call(kernel: Kernel) -> Real:
    """Calls of every other pass."""
    return 0 if _is_norm(kernel) else 1


#: Term -> the runtime's parameter for its uncalibrated rate.
OF_PEAK: Final = {
    "gemm": "gemm_efficiency",
    "conv": "conv_efficiency",
    "conv_loads": "conv_load_efficiency",
    "depthwise": "depthwise_efficiency",
}
OF_BANDWIDTH: Final = {
    "vector": "vector_bandwidth_ratio",
    "gemm_weights": "gemm_weight_bandwidth_ratio",
    "few_rows": "few_rows_bandwidth_ratio",
    "conv_weights": "conv_weight_bandwidth_ratio",
    "gemm_traffic": "gemm_bandwidth_ratio",
    "conv_traffic": "conv_bandwidth_ratio",
    "lowering": "lowering_bandwidth_ratio",
    "strided": "strided_bandwidth_ratio",
    "norm": "norm_bandwidth_ratio",
    "join": "join_bandwidth_ratio",
    "stream": "stream_bandwidth_ratio",
    "copy": "copy_bandwidth_ratio",
    "reduce": "reduce_bandwidth_ratio",
    "aliased": "aliased_bandwidth_ratio",
    "spill": "spill_bandwidth_ratio",
}
TIMES: Final = {
    "depthwise_weights": "depthwise_channel_time",
    "lowering_planes": "lowering_plane_time",
    "transcendental": "transcendental_time",
    "max_pool": "max_pool_read_time",
    "avg_pool": "avg_pool_read_time",
    "reduced": "reduced_element_time",
    "norm_channels": "norm_channel_time",
    "gemm_call": "gemm_call_time",
    "vector_call": "vector_call_time",
    "conv_call": "conv_call_time",
    "depthwise_call": "depthwise_call_time",
    "norm_call": "norm_call_time",
    "pass_call": "pass_call_time",
    "copy_call": "copy_call_time",
    "pool_call": "pool_call_time",
    "reduce_call": "reduce_call_time",
}


def rates_of(
    terms: tuple[Term, ...], ratios: Mapping[str, str] = OF_BANDWIDTH, times: Mapping[str, str] = TIMES
) -> Callable[[Target, Runtime], Mapping[str, Rate]]:
    """Rates of these terms from a core's peak, the memory's bandwidth, and constant times.

    Arithmetic scales with the threads in use; traffic and calls do not.

    Parameters
    ----------
    ratios, times
        Term -> the runtime's parameter for its ratio to the bandwidth, or for its time.
    """

    def rates(target: Target, runtime: Runtime) -> Mapping[str, Rate]:
        memory = bandwidth(target)
        found: dict[str, Rate] = {}
        for name in [term.name for term in terms]:
            if name in OF_PEAK:
                found[name] = _of_peak(target, runtime, parameter(runtime, OF_PEAK[name]))
            elif name in ratios:
                found[name] = per_second(memory, parameter(runtime, ratios[name]), "byte")
            else:
                found[name] = seconds_each(parameter(runtime, times[name]))
        return found

    return rates


def _of_peak(target: Target, runtime: Runtime, share: Parameter) -> Rate:
    """The rate at a share of the peak of the threads in use."""
    return on_threads(lambda one: per_second(peak(one), share, "MAC"), target, parameter(runtime, "serial_share"))


_PASSES: Final = kinds("elementwise", "softmax")
TERMS: Final = (
    Term("gemm", "slot", "compute", kinds("pointwise", "direct_conv", "matmul", "dense"), gemm_macs),
    Term("conv", "slot", "compute", kinds("direct_conv"), conv_macs),
    Term("conv_loads", "load", "compute", kinds("direct_conv"), conv_loads),
    Term("depthwise", "slot", "compute", kinds("depthwise"), depthwise_macs),
    Term("transcendental", "element", "compute", _PASSES, transcendental_elements),
    Term("max_pool", "read", "compute", kinds("pool"), max_pool_reads),
    Term("avg_pool", "read", "compute", kinds("pool"), avg_pool_reads),
    Term("reduced", "element", "compute", kinds("pool"), reduced_elements),
    Term("norm_channels", "channel", "compute", _PASSES, norm_channels),
    Term("vector", "B", "weights", kinds("pointwise", "direct_conv", "dense", "matmul"), vector_bytes),
    Term("gemm_weights", "B", "weights", kinds("pointwise", "direct_conv", "matmul", "dense"), gemm_weight_bytes),
    Term("few_rows", "B", "weights", kinds("pointwise", "direct_conv", "matmul", "dense"), few_rows_bytes),
    Term("conv_weights", "B", "weights", kinds("direct_conv"), conv_weight_bytes),
    Term("depthwise_weights", "channel", "weights", kinds("depthwise"), depthwise_channels),
    Term("lowering", "B", "lowering", kinds("direct_conv"), lowered_bytes),
    Term("strided", "B", "lowering", kinds("direct_conv"), strided_bytes),
    Term("lowering_planes", "plane", "lowering", kinds("direct_conv"), lowering_planes),
    Term("gemm_traffic", "B", "activations", kinds("pointwise", "direct_conv", "matmul", "dense"), gemm_bytes),
    Term("conv_traffic", "B", "activations", kinds("direct_conv", "depthwise"), conv_bytes),
    Term("norm", "B", "activations", _PASSES, norm_bytes),
    Term("join", "B", "activations", _PASSES, join_bytes),
    Term("stream", "B", "activations", _PASSES, stream_bytes),
    Term("copy", "B", "activations", kinds("copy"), moved_bytes),
    Term("reduce", "B", "activations", kinds("pool"), reduced_bytes),
    Term("aliased", "B", "activations", kinds("pointwise", "direct_conv", "depthwise"), aliased_bytes),
    Term("spill", "B", "activations", kinds("pointwise"), spilled_bytes),
    Term("gemm_call", "call", "overhead", kinds("pointwise", "direct_conv", "matmul", "dense"), gemm_call),
    Term("vector_call", "call", "overhead", kinds("pointwise", "direct_conv", "dense", "matmul"), vector_call),
    Term("conv_call", "call", "overhead", kinds("direct_conv"), conv_call),
    Term("depthwise_call", "call", "overhead", kinds("depthwise"), one),
    Term("norm_call", "call", "overhead", _PASSES, norm_call),
    Term("pass_call", "call", "overhead", _PASSES, pass_call),
    Term("copy_call", "call", "overhead", kinds("copy"), copy_call),
    Term("pool_call", "call", "overhead", kinds("pool"), pool_call),
    Term("reduce_call", "call", "overhead", kinds("pool"), reduce_call),
)

PYTORCH_CPU: Final = LatencyForm(
    name="pytorch_cpu",
    title="PyTorch on a CPU",
    terms=TERMS,
    overlap="none",
    rates=rates_of(TERMS),
    source="found on random networks timed whole and layer by layer, PyTorch 2.13, one thread, AVX2",
)

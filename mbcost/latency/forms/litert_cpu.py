"""LiteRT with XNNPACK on a CPU core whose vectors are in its profile.

    t = gemm + igemm + steps + lines + depthwise + outputs + weights + vector + cold + passes + pool + call

Micro-kernels of matrix products make tiles of so many rows and columns as belong to the vectors and the precision
(google/XNNPACK, src/configs/gemm-config.c); where the last tile would waste columns, a second configuration of fewer
columns is taken (src/operators/fully-connected-nc.c, convolution-nhwc.c). Convolutions gather their windows through
pointers (Dukhan 2019, arXiv:1907.02129), a step for each tile and element of the window: next to nothing for many
channels, and nearly all for one, as in depthwise convolutions of more than 25 elements, for which XNNPACK has no other
kernel. Other depthwise convolutions go through all channels pixel by pixel, so that a window and its weights have to
fit in the level 1 cache. Chosen on random networks timed whole and operator by operator (LiteRT 2.3, AVX-512, one
thread), leaving networks out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from mbcost.devices import Target
from mbcost.kernels import Kernel
from mbcost.latency.form import LatencyForm, Term, kinds, one
from mbcost.latency.shares import Caches, caches_of, rates_by_unit
from mbcost.numeric import Real, ceil_div, maximum, round_up, where
from mbcost.operators import AvgPool2d, MaxPool2d
from mbcost.operators.window import Explicit


class Tile(NamedTuple):
    """Rows and columns of a micro-kernel's tile, the multiple of its channels, and columns of the narrower one."""

    rows: int
    columns: int
    depth: int
    narrow: int


#: (precision, bits of a vector) -> tile of the matrix products (src/configs/gemm-config.c: f32_gemm and f32_gemm_nr2
#: for AVX-512, for FMA and for NEON; qs8_qc8w_gemm for AVX-512 with VNNI, for AVX2 and for NEON with dot products).
TILES: Final = {
    ("fp32", 512): Tile(7, 32, 1, 16),
    ("fp32", 256): Tile(6, 16, 1, 16),
    ("fp32", 128): Tile(6, 8, 1, 2),
    ("int8", 512): Tile(7, 16, 8, 16),
    ("int8", 256): Tile(4, 8, 8, 8),
    ("int8", 128): Tile(4, 16, 4, 16),
}
#: Bits of a vector where the profile does not say.
USUAL_BITS: Final = 128
#: Share of the columns that the wider tile may waste before the narrower one is taken (fully-connected-nc.c: 1 %).
WASTE_PERCENT: Final = 1
#: Operators with an exponential an element.
TRANSCENDENTAL: Final = frozenset(
    {"swish", "sigmoid", "tanh", "gelu", "elu", "mish", "softplus", "softmax", "log_softmax"}
)
#: Operators that are converted to two: a sigmoid and a product, a product and a sum.
TWO_PASSES: Final = frozenset({"swish", "mish", "hard_sigmoid", "batch_norm"})
#: Operators that are sums and products -> how many.
ARITHMETIC: Final = {"add": 1, "subtract": 1, "multiply": 1, "divide": 1, "scale": 1, "shift": 1, "batch_norm": 2}
#: A channel shuffle is converted to RESHAPE, TRANSPOSE and RESHAPE, each a copy.
SHUFFLE_PASSES: Final = 3
_WINDOWS: Final = frozenset({"max_pool2d", "avg_pool2d"})


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts that depend on the core.

    Attributes
    ----------
    tile
        The matrix products' micro-kernel.
    lanes
        Channels of the depthwise convolutions' micro-kernel, one vector of fp32.
    caches
        The core's caches.
    """

    tile: Tile
    lanes: int
    caches: Caches

    def narrow(self, kernel: Kernel) -> Real:
        """1 for a product of the narrower configuration, else 0."""
        if self.tile.narrow == self.tile.columns:
            return 0
        columns = kernel.gemm().columns
        few = where(columns < self.tile.columns, 1, 0)
        if kernel.kind == "direct_conv":
            return few
        waste = round_up(columns, self.tile.columns) - columns
        less = where(round_up(columns, self.tile.narrow) - columns < waste, 1, 0)
        return maximum(few, less * where(waste * 100 > columns * WASTE_PERCENT, 1, 0))

    def _slots(self, kernel: Kernel, tile_columns: int) -> Real:
        """MACs of products of several rows, with rows, columns and channels in whole tiles."""
        channels = kernel.gemm().depth // kernel.window
        depth = round_up(channels, self.tile.depth) * kernel.window
        return self._tiled(kernel, tile_columns) * depth * (1 - is_vector(kernel))

    def _tiled(self, kernel: Kernel, tile_columns: int) -> Real:
        """Elements of a product's output in whole tiles."""
        rows, columns, _, groups = kernel.gemm()
        result: Real = round_up(rows, self.tile.rows) * round_up(columns, tile_columns) * groups
        return result

    def outputs(self, kernel: Kernel) -> Real:
        """Elements of the output in whole tiles, clamped and, as integers, scaled; of a single row as they are."""
        narrow = self.narrow(kernel)
        tiled = self._tiled(kernel, self.tile.columns) * (1 - narrow) + self._tiled(kernel, self.tile.narrow) * narrow
        single = is_vector(kernel)
        return tiled * (1 - single) + kernel.output_elements * single

    def wide_slots(self, kernel: Kernel) -> Real:
        """MACs in whole tiles of the wider configuration."""
        return self._slots(kernel, self.tile.columns) * (1 - self.narrow(kernel))

    def narrow_slots(self, kernel: Kernel) -> Real:
        """MACs in whole tiles of the narrower configuration."""
        return self._slots(kernel, self.tile.narrow) * self.narrow(kernel)

    def steps(self, kernel: Kernel) -> Real:
        """Elements of the window, for each tile of a convolution."""
        rows, columns, _, groups = kernel.gemm()
        tiles = ceil_div(rows, self.tile.rows) * ceil_div(columns, self.tile.columns)
        result: Real = tiles * groups * kernel.window
        return result

    def lines(self, kernel: Kernel) -> Real:
        """Elements of a map beyond the level 2 cache, from which a cache line each is read for a single channel."""
        _, _, depth, groups = kernel.gemm()
        single = where(depth == kernel.window, 1, 0) * where(groups > 1, 1, 0)
        return kernel.input_elements * single * where(kernel.activation_bytes > 2 * self.caches.l2, 1, 0)

    def depthwise_slots(self, kernel: Kernel) -> Real:
        """Pixels x window x channels, the channels in whole vectors."""
        return kernel.output_pixels * kernel.window * round_up(kernel.main.output_shape.channels, self.lanes)

    def far_slots(self, kernel: Kernel) -> Real:
        """The same where a window of all channels and its weights exceed the level 1 cache."""
        window_bytes = 2 * kernel.window * kernel.main.output_shape.channels * kernel.element_bytes
        return self.depthwise_slots(kernel) * where(window_bytes > self.caches.l1, 1, 0)

    def depthwise_steps(self, kernel: Kernel) -> Real:
        """Elements of the windows of all pixels, counted twice where the last vector of channels is not full."""
        ragged = where(kernel.main.output_shape.channels % self.lanes > 0, 2, 1)
        return kernel.output_pixels * kernel.window * ragged

    def cold(self, kernel: Kernel) -> Real:
        """Weights that have left the caches since the last inference, of products of several rows."""
        return self.caches.cold_bytes(kernel) * (1 - is_vector(kernel))

    def cold_vector(self, kernel: Kernel) -> Real:
        """The same of products of one row."""
        return self.caches.cold_bytes(kernel) * is_vector(kernel)


def is_vector(kernel: Kernel) -> Real:
    """1 for a product of one row, for which there are micro-kernels of one, else 0."""
    return 0 if kernel.kind == "depthwise" else where(kernel.gemm().rows == 1, 1, 0)


def weights(kernel: Kernel) -> Real:
    """Weights of depthwise convolutions and of products of several rows."""
    return kernel.weight_elements * (1 - is_vector(kernel))


def vector_weights(kernel: Kernel) -> Real:
    """Weights of products of one row."""
    return kernel.weight_elements * is_vector(kernel)


def inputs(kernel: Kernel) -> Real:
    """Elements of the input."""
    return kernel.input_elements


def passes(kernel: Kernel) -> Real:
    """Elements read and written; a clamp that the schema fuses into a sum is a pass of its own (binary.cc)."""
    number = len(kernel.fused) + (2 if kernel.op in TWO_PASSES else 1)
    return kernel.input_elements + kernel.output_elements * (2 * number - 1)


def transcendental(kernel: Kernel) -> Real:
    """Elements of functions with an exponential."""
    return kernel.output_elements if kernel.op in TRANSCENDENTAL else 0


def arithmetic(kernel: Kernel) -> Real:
    """Elements of sums and products, each of which scales its operands where they are integers."""
    return kernel.output_elements * ARITHMETIC.get(kernel.op, 0)


def fallback(kernel: Kernel) -> Real:
    """Elements of the output of built-in kernels that compute."""
    return 0 if kernel.op == "concat" else kernel.output_elements


def copied(kernel: Kernel) -> Real:
    """Elements that are moved."""
    if kernel.kind == "fallback" and kernel.op != "concat":
        return 0
    return kernel.output_elements * (SHUFFLE_PASSES if kernel.op == "channel_shuffle" else 1)


def window_reads(kernel: Kernel) -> Real:
    """Reads of all pooling windows."""
    return kernel.elementwise_ops if kernel.op in _WINDOWS else 0


def averaged(kernel: Kernel) -> Real:
    """Those of average poolings, in addition."""
    return kernel.elementwise_ops if kernel.op == "avg_pool2d" else 0


def reduced(kernel: Kernel) -> Real:
    """Elements of a map whose mean is taken."""
    return 0 if kernel.op in _WINDOWS else kernel.input_elements


def padded(kernel: Kernel) -> Real:
    """Elements of the input of a pooling whose padding is none of the schema's, which is a copy of its own."""
    operator, source, output = kernel.main.operator, kernel.main.input_shapes[0], kernel.main.output_shape
    padding = getattr(operator, "padding", None)
    if not isinstance(operator, (MaxPool2d, AvgPool2d)) or not isinstance(padding, Explicit):
        return 0
    ends = ((padding.top, padding.bottom), (padding.left, padding.right))
    sizes = ((source.height, output.height), (source.width, output.width))
    fits: Real = 1
    for (first, last), (size, out), extent, stride in zip(ends, sizes, operator.kernel, operator.stride, strict=True):
        same = maximum(0, (out - 1) * stride + extent - size)
        fits = fits * where(same // 2 == first, 1, 0) * where(same - same // 2 == last, 1, 0)
    some = 0 if padding == Explicit(0, 0, 0, 0) else 1
    return kernel.input_elements * (1 - fits) * some


_PRODUCTS: Final = kinds("pointwise", "dense", "matmul")
_GATHERED: Final = kinds("direct_conv")
_DEPTHWISE: Final = kinds("depthwise")
_WEIGHTED: Final = kinds("pointwise", "dense", "direct_conv", "depthwise")
_PASSES: Final = kinds("elementwise", "softmax")
_ALL: Final = _PRODUCTS | _WEIGHTED | _PASSES | kinds("copy", "pool", "fallback")


def _terms(counts: Counts) -> tuple[Term, ...]:
    return (
        Term("gemm", "slot", "compute", _PRODUCTS, counts.wide_slots),
        Term("gemm_narrow", "slot", "compute", _PRODUCTS, counts.narrow_slots),
        Term("igemm", "slot", "compute", _GATHERED, counts.wide_slots),
        Term("igemm_narrow", "slot", "compute", _GATHERED, counts.narrow_slots),
        Term("steps", "step", "compute", _GATHERED, counts.steps),
        Term("depthwise", "slot", "compute", _DEPTHWISE, counts.depthwise_slots),
        Term("depthwise_far", "slot", "compute", _DEPTHWISE, counts.far_slots),
        Term("depthwise_steps", "step", "compute", _DEPTHWISE, counts.depthwise_steps),
        Term("transcendental", "element", "compute", _PASSES, transcendental),
        Term("pool", "read", "compute", kinds("pool", "fallback"), window_reads),
        Term("average", "read", "compute", kinds("pool", "fallback"), averaged),
        Term("fallback", "element", "compute", kinds("fallback"), fallback),
        Term("lines", "element", "activations", _GATHERED, counts.lines),
        Term("outputs", "element", "activations", _PRODUCTS | _GATHERED, counts.outputs),
        Term("depthwise_inputs", "element", "activations", _DEPTHWISE, inputs),
        Term("arithmetic", "element", "compute", _PASSES, arithmetic),
        Term("elementwise", "element", "activations", _PASSES, passes),
        Term("reduce", "element", "activations", kinds("pool"), reduced),
        Term("pad", "element", "activations", kinds("pool", "fallback"), padded),
        Term("copy", "element", "activations", kinds("copy", "fallback"), copied),
        Term("spill", "B", "activations", _ALL, counts.caches.spilled_bytes),
        Term("weights", "element", "weights", _WEIGHTED, weights),
        Term("vector", "element", "weights", _WEIGHTED, vector_weights),
        Term("cold", "B", "weights", _WEIGHTED, counts.cold),
        Term("cold_vector", "B", "weights", _WEIGHTED, counts.cold_vector),
        Term("call", "call", "overhead", _ALL, one),
        Term("handover", "call", "overhead", kinds("fallback"), one),
    )


def _terms_for(target: Target) -> tuple[Term, ...]:
    width = target.processor.simd_width
    bits = USUAL_BITS if width is None else int(width.value)
    usual = TILES["fp32", USUAL_BITS]
    return _terms(Counts(TILES.get((target.precision, bits), usual), bits // 32, caches_of(target)))


_TERMS: Final = _terms(Counts(TILES["fp32", 512], 16, Caches()))

LITERT_CPU: Final = LatencyForm(
    name="litert_cpu",
    title="XNNPACK's kernels on a CPU core",
    terms=_TERMS,
    overlap="none",
    rates=rates_by_unit(_TERMS),
    source="found on random networks timed whole and operator by operator, LiteRT 2.3, AVX-512, one thread",
    prior_sd=0.5,
    shared_sd=0.3,
    terms_for=_terms_for,
)

"""The kernels that a runtime launches, each for one or more layers."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from mbcost.graph import Layer
from mbcost.numeric import Dim
from mbcost.operators import Conv2d, Conv3d, Dense, DepthwiseConv2d, Matmul, TransposedConv2d

KernelKind: TypeAlias = Literal[
    "pointwise",  # 1x1 stride 1 convolution: a matrix product of the input as it is
    "im2col_gemm",  # any other convolution, lowered to a matrix product
    "direct_conv",  # a convolution without lowering (line buffers, texture reads, DMA)
    "depthwise",
    "dense",
    "matmul",
    "elementwise",
    "pool",
    "softmax",
    "copy",  # moves elements: concat, split, shuffle, pad, resize
    "fallback",  # left by a delegate to the runtime's own, usually slower kernel on the same processor
    "outside",  # handed back to another processor: the runtime's part of the network ends before it
    "view",  # the same memory under another shape: launches nothing
]
KERNEL_KINDS: Final[tuple[KernelKind, ...]] = get_args(KernelKind)
#: Kinds whose work is the matrix product of :meth:`Kernel.gemm`, and the operators that have one.
PRODUCT_KINDS: Final = frozenset({"pointwise", "im2col_gemm", "direct_conv", "depthwise", "dense", "matmul"})
PRODUCT_OPERATORS: Final = frozenset(
    operator.op for operator in (Conv2d, Conv3d, DepthwiseConv2d, TransposedConv2d, Dense, Matmul)
)


class GemmShape(NamedTuple):
    """A matrix product (rows x depth) * (depth x columns), `groups` times."""

    rows: Dim
    columns: Dim
    depth: Dim
    groups: Dim


class Kernel(NamedTuple):
    """A kernel with the shapes and counts that latency forms read. All counts are for the whole batch.

    Attributes
    ----------
    kind
        The algorithm that the runtime chose.
    main
        The layer that does the work.
    layers
        Positions of all layers that it computes: the main one, then those fused into it.
    fused
        Operators of the fused layers.
    macs, elementwise_ops
        Arithmetic of the main layer (what is fused into it is free).
    input_elements, output_elements
        Activations read and written, without intermediate results of fused layers.
    weight_elements
        Weights and bias as they are at inference, batch norm folded.
    im2col_elements
        Size of the lowering buffer; 0 for kinds that build none.
    element_bytes
        Bytes of an activation or weight [B].
    read_by
        Operators that read the output; some compilers depend on them.
    made_by
        For a pooling: the operators that computed the values of its input, skipping those that only move or select.
    joined
        Number of tensors that a concat has to copy, including those of concats before it; 0 where convolutions and
        poolings that nothing else reads write in place, and for all other kernels.
    host_kind
        For a kernel that is handed back (``outside``): the kind of kernel that the host's runtime computes it with,
        where the host is known.
    network_macs, network_activations, network_weights
        MACs, inputs and outputs, and weights of all kernels of the network in one inference: what happens between two
        uses of a weight.
    """

    position: int
    kind: KernelKind
    main: Layer
    layers: tuple[int, ...]
    fused: tuple[str, ...]
    batch: Dim
    macs: Dim
    elementwise_ops: Dim
    input_elements: Dim
    output_elements: Dim
    weight_elements: Dim
    im2col_elements: Dim
    element_bytes: int
    read_by: tuple[str, ...] = ()
    made_by: frozenset[str] = frozenset()
    joined: int = 0
    host_kind: KernelKind | None = None
    network_macs: Dim = 0
    network_activations: Dim = 0
    network_weights: Dim = 0

    @property
    def name(self) -> str:
        return self.main.name

    @property
    def op(self) -> str:
        return self.main.operator.op

    @property
    def activation_bytes(self) -> Dim:
        """Inputs and output, each once [B]."""
        return (self.input_elements + self.output_elements) * self.element_bytes

    @property
    def output_pixels(self) -> Dim:
        """Height x width x batch of the output."""
        return self.main.output_shape.pixels * self.batch

    @property
    def window(self) -> int:
        """Elements of the kernel's window: 9 for 3x3."""
        return prod(getattr(self.main.operator, "kernel", (1, 1)))

    def gemm(self) -> GemmShape:
        """The matrix product of a convolution, fully connected layer or matmul.

        Raises
        ------
        TypeError
            If the main layer is none of them.
        """
        layer, operator = self.main, self.main.operator
        source = layer.input_shapes[0]
        if isinstance(operator, (Conv2d, Conv3d)):
            depth = self.window * (source.channels // operator.groups)
            return GemmShape(self.output_pixels, operator.out // operator.groups, depth, operator.groups)
        if isinstance(operator, DepthwiseConv2d):
            return GemmShape(self.output_pixels, operator.multiplier, self.window, source.channels)
        if isinstance(operator, TransposedConv2d):
            columns = self.window * (operator.out // operator.groups)
            return GemmShape(source.pixels * self.batch, columns, source.channels // operator.groups, operator.groups)
        if isinstance(operator, Dense):
            return GemmShape(source.pixels * self.batch, operator.out, source.channels, 1)
        if isinstance(operator, Matmul):
            return GemmShape(source.width, layer.output_shape.channels, source.channels, source.height * self.batch)
        raise TypeError(f"{layer.op} is not a matrix product")


def launches(kernels: Iterable[Kernel]) -> int:
    """Number of kernels that a runtime launches: all but views."""
    return sum([kernel.kind != "view" for kernel in kernels])


def weight_bytes(kernels: Iterable[Kernel]) -> int:
    """Bytes of the weights as the kernels read them [B]."""
    return sum([kernel.weight_elements * kernel.element_bytes for kernel in kernels])

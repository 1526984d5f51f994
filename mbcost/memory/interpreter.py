"""What TensorFlow Lite Micro's interpreter keeps in the arena beside the tensors (its tail), on a 32-bit processor.

Sizes of structures by their fields in tflite-micro@90b983c with ``TF_LITE_STATIC_MEMORY``: core/c/common.h,
core/c/builtin_op_data.h, micro/micro_allocator.h and the headers of micro/kernels. Memory that kernels ask for is
rounded up to 16 bytes (``MicroAllocator::AllocatePersistentBuffer``). It is an estimate: kernels of other processors
keep other data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mbcost.kernels import Kernel
from mbcost.memory.arena import align
from mbcost.operators import (
    AvgPool2d,
    Conv2d,
    Dense,
    DepthwiseConv2d,
    Flatten,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool2d,
    Operator,
    Reduce,
    Reshape,
    TransposedConv2d,
)

_WORD: Final = 4
_ALIGNMENT: Final = 16
#: ``TfLiteEvalTensor``: two pointers and a type.
_TENSOR: Final = 3 * _WORD
#: ``NodeAndRegistration``: seven words of ``TfLiteNode`` and a pointer.
_NODE: Final = 8 * _WORD
#: The allocator and planner objects, about 120 bytes, and persistent tensors of input and output with their scales.
_OBJECTS: Final = 120 + 2 * (40 + 12 + 8)
#: Data of a kernel and options of its operator [B]; the default is that of an element-wise one.
_KERNEL_DATA: Final[Mapping[type[Operator], tuple[int, int]]] = {
    Conv2d: (60, 28),
    DepthwiseConv2d: (60, 32),
    TransposedConv2d: (72, 16),
    Dense: (60, 16),
    MaxPool2d: (40, 40),
    AvgPool2d: (40, 40),
    GlobalAvgPool: (68, 1),
    GlobalMaxPool: (68, 1),
    Reduce: (68, 1),
    Reshape: (0, 0),
    Flatten: (0, 0),
}
_ELEMENTWISE_DATA: Final = (72, 8)
#: Operators with weights and a bias, and those with an integer tensor that says a shape or axes.
_WEIGHTED: Final = (Conv2d, DepthwiseConv2d, TransposedConv2d, Dense)
_SHAPED: Final = (Reshape, Flatten, GlobalAvgPool, GlobalMaxPool, Reduce)
#: Operators with a multiplier and a shift for every output channel.
_PER_CHANNEL: Final = (Conv2d, DepthwiseConv2d, TransposedConv2d)


def interpreter_bytes(kernels: tuple[Kernel, ...], *, scratch_buffers: int, quantized: bool) -> int:
    """The bytes that the interpreter keeps for good [B].

    Parameters
    ----------
    scratch_buffers
        Number of scratch buffers, each of which has a handle.
    quantized
        Whether convolutions have a multiplier and a shift for every channel.
    """
    run = [kernel for kernel in kernels if kernel.op != "constant"]
    tensors = 1 + sum(1 + _constants(kernel) for kernel in run)
    total = _OBJECTS + _TENSOR * tensors + _NODE * len(run) + _WORD * scratch_buffers
    for kernel in run:
        data, options = _KERNEL_DATA.get(type(kernel.main.operator), _ELEMENTWISE_DATA)
        total += align(data, _ALIGNMENT) + align(options, _WORD)
        if quantized and isinstance(kernel.main.operator, _PER_CHANNEL):
            total += 2 * align(int(_WORD * kernel.main.output_shape.channels), _ALIGNMENT)
    return total


def _constants(kernel: Kernel) -> int:
    """Tensors of an operator that are constants."""
    if isinstance(kernel.main.operator, _WEIGHTED):
        return 2
    return 1 if isinstance(kernel.main.operator, _SHAPED) else 0

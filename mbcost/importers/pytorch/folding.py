"""What is computed from constants alone: done once before the network runs, and in no layer of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, Final

from mbcost.importers.pytorch.layout import Sizes
from mbcost.importers.pytorch.trace import Call, Ref, Trace


def constant_macs(trace: Trace, call: Call) -> int:
    """MACs of a convolution or a matrix product, by the sizes of what it reads and makes; 0 for anything else.

    FlopCounterMode, which runs the module, has them among its FLOPs.
    """
    count = _COUNTS.get(call.op)
    return count(trace, call) if count is not None else 0


def _sizes(trace: Trace, value: Any) -> Sizes:
    return trace.sizes[value] if isinstance(value, Ref) else ()


def _made(trace: Trace, call: Call) -> int:
    return prod(_sizes(trace, call.outputs[0]))


def _argument(trace: Trace, call: Call, number: int) -> Sizes:
    return _sizes(trace, list(call.args.values())[number])


def _convolution(trace: Trace, call: Call) -> int:
    taps = prod(_argument(trace, call, 1)[1:])
    transposed = call.op.startswith("conv_transpose") or call.get("transposed")
    return taps * (prod(_argument(trace, call, 0)) if transposed else _made(trace, call))


def _product(first: int) -> Callable[[Trace, Call], int]:
    return lambda trace, call: _made(trace, call) * (_argument(trace, call, first) or (1,))[-1]


def _attention(trace: Trace, call: Call) -> int:
    query, key, value = (_argument(trace, call, number) for number in range(3))
    return prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


def _einsum(trace: Trace, call: Call) -> int:
    inputs = call["equation"].replace(" ", "").partition("->")[0].split(",")
    operands = [_sizes(trace, ref) for ref in call["tensors"]]
    if len(operands) != 2 or any(len(labels) != len(sizes) for labels, sizes in zip(inputs, operands, strict=False)):
        return 0
    left, right = (dict(zip(labels, sizes, strict=True)) for labels, sizes in zip(inputs, operands, strict=True))
    summed = (left.keys() & right.keys()) - set(call["equation"].partition("->")[2])
    return prod((left | right).values()) if summed else 0


_COUNTS: Final[Mapping[str, Callable[[Trace, Call], int]]] = {
    **dict.fromkeys(["conv1d", "conv2d", "conv3d", "convolution", "_convolution"], _convolution),
    **dict.fromkeys(["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"], _convolution),
    **dict.fromkeys(["linear", "mm", "bmm", "matmul", "mv", "dot"], _product(0)),
    **dict.fromkeys(["addmm", "baddbmm", "addmv"], _product(1)),
    "scaled_dot_product_attention": _attention,
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
    "einsum": _einsum,
}

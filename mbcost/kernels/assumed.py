"""Caveats about kernels that are assumed because no source documents them."""

from __future__ import annotations

from collections.abc import Iterable

from mbcost.kernels.kernel import Kernel, KernelKind
from mbcost.kernels.runtime import Runtime
from mbcost.operators import Opaque

_WORDS: dict[KernelKind, str] = {
    "pointwise": "a matrix product of the input as it is",
    "im2col_gemm": "a lowered matrix product",
    "direct_conv": "a convolution without lowering",
    "depthwise": "a depthwise convolution",
    "dense": "a fully connected layer",
    "matmul": "a matrix product",
    "elementwise": "one pass over the tensors",
    "pool": "a pooling",
    "softmax": "a softmax",
    "copy": "a copy",
}


def assumed_kernels(runtime: Runtime, kernels: Iterable[Kernel]) -> list[str]:
    """A warning about the operators of a network whose kernel is assumed, if there are any that take time.

    Layers that run on another processor and unknown operators have warnings of their own.
    """
    found: dict[str, dict[str, None]] = {}
    of_each = {(kernel.kind, kernel.main.operator.op): kernel.main for kernel in kernels}
    for (kind, op), main in of_each.items():
        if kind in _WORDS and op != Opaque.op:
            rule = runtime.rule(main)
            if rule is not None and rule.assumed:
                found.setdefault(_WORDS[kind], {})[op] = None
    if not found:
        return []
    if runtime.assumed is not None:
        return [f"nothing documents the kernels of {runtime.name}: {runtime.assumed}"]
    parts = [f"{', '.join(f'`{op}`' for op in operators)} (assumed: {words})" for words, operators in found.items()]
    return [f"{runtime.name} documents no kernel for {', '.join(parts)}"]

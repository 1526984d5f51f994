"""Scales and zero points of int8: of activations from what they are for an input, of weights a channel.

The rules are those of TensorFlow Lite's 8-bit specification (tensorflow/lite/g3doc/performance/quantization_spec.md):
weights and biases have zero point 0, the scale of a bias is that of the input times that of the weights, some operators
keep the scale of their input, and some have a fixed one.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mbcost.exporters.evaluation import evaluate, sample_input
from mbcost.exporters.program import Array, Node, Program

#: Steps between the smallest and the largest int8.
_STEPS: Final = 255
_LOWEST: Final = -128
_LARGEST: Final = 127
_SMALLEST_SCALE: Final = 1e-9


class Quantization(NamedTuple):
    """``real = scale * (int8 - zero_point)``."""

    scale: float
    zero_point: int


#: Of results between 0 and 1, and between -1 and 1.
UNIT: Final = Quantization(1 / 256, -128)
SIGNED_UNIT: Final = Quantization(1 / 128, 0)
#: Of results between 0 and 6.
SIX: Final = Quantization(6 / _STEPS, -128)

_FIXED: Final = {
    "sigmoid": UNIT,
    "hard_sigmoid": UNIT,
    "softmax": UNIT,
    "tanh": SIGNED_UNIT,
    "l2_norm": SIGNED_UNIT,
    "log_softmax": Quantization(16 / 256, 127),
    "relu6": SIX,
}
#: Operators whose output has the scale of their inputs.
_KEEPS: Final = frozenset(
    (
        *("max_pool", "avg_pool", "global_max_pool", "reduce_max", "reshape", "pad", "resize", "concat", "slice"),
        *("channel_shuffle", "space_to_depth", "depth_to_space", "maximum", "minimum"),
    )
)


def quantize(program: Program, seed: int) -> dict[int, Quantization]:
    """Every activation of a program -> its quantization, from what it is for a random input."""
    ranges = {tensor: _range(data) for tensor, data in evaluate(program, sample_input(program, seed))}
    groups = _Groups()
    for node in program.nodes:
        if node.op in _KEEPS:
            for tensor in node.inputs:
                groups.join(tensor, node.output)
    low: dict[int, float] = {}
    high: dict[int, float] = {}
    fixed: dict[int, Quantization] = {}
    for tensor, (least, most) in ranges.items():
        group = groups.of(tensor)
        low[group], high[group] = min(low.get(group, 0.0), least), max(high.get(group, 0.0), most)
    for node in program.nodes:
        known = _fixed(node)
        if known is not None:
            fixed.setdefault(groups.of(node.output), known)
    found = {group: fixed.get(group) or _between(low[group], high[group]) for group in low}
    return {tensor: found[groups.of(tensor)] for tensor in ranges}


def _fixed(node: Node) -> Quantization | None:
    return SIX if node.clamp == "relu6" else _FIXED.get(node.op)


def _range(data: Array) -> tuple[float, float]:
    return float(data.min()), float(data.max())


def _between(low: float, high: float) -> Quantization:
    scale = float(np.float32(max((high - low) / _STEPS, _SMALLEST_SCALE)))
    return Quantization(scale, int(np.clip(round(_LOWEST - low / scale), _LOWEST, _LARGEST)))


def weight_scales(weights: Array, axis: int | None) -> NDArray[np.float32]:
    """Scales of symmetric weights: one for each index of `axis`, or one."""
    others = None if axis is None else tuple(i for i in range(weights.ndim) if i != axis)
    most = np.abs(weights).max(axis=others)
    return np.atleast_1d(np.maximum(most / _LARGEST, _SMALLEST_SCALE)).astype(np.float32)


def quantized_weights(weights: Array, scales: NDArray[np.float32], axis: int | None) -> NDArray[np.int8]:
    """Weights as int8."""
    shape = [1] * weights.ndim
    if axis is not None:
        shape[axis] = -1
    steps = np.rint(weights / scales.reshape(shape))
    result: NDArray[np.int8] = np.clip(steps, -_LARGEST, _LARGEST).astype(np.int8)
    return result


def bias_scales(x: Quantization, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    return (np.float32(x.scale) * weights).astype(np.float32)


def quantized_bias(bias: Array, scales: NDArray[np.float32]) -> NDArray[np.int32]:
    """A bias as int32."""
    limit = 2**31 - 1
    return np.clip(np.rint(bias.astype(np.float64) / scales), -limit, limit).astype(np.int32)


class _Groups:
    """Tensors that share a scale."""

    def __init__(self) -> None:
        self._parents: dict[int, int] = {}

    def of(self, tensor: int) -> int:
        root = tensor
        while root in self._parents:
            root = self._parents[root]
        while tensor in self._parents:
            self._parents[tensor], tensor = root, self._parents[tensor]
            if tensor == root:
                break
        return root

    def join(self, one: int, other: int) -> None:
        a, b = self.of(one), self.of(other)
        if a != b:
            self._parents[b] = a

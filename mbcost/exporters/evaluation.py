"""What a program computes, by NumPy: where the ranges of int8 come from, and a reference for the written files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import erf, prod
from typing import Any, Final, TypeAlias

import numpy as np

from mbcost.exporters.program import Array, Node, Pads, Program

#: Constants of a local response norm, with those of ONNX and PyTorch as values.
LRN_ALPHA: Final = 1e-4
LRN_BETA: Final = 0.75

Evaluation: TypeAlias = Callable[[Node, list[Array]], Any]


def sample_input(program: Program, seed: int) -> Array:
    """An input as preprocessing leaves it: uniform from -1 to 1."""
    random = np.random.default_rng(seed)
    return random.random(program.shape(program.input), dtype=np.float32) * np.float32(2) - np.float32(1)


def evaluate(program: Program, x: Array) -> Iterator[tuple[int, Array]]:
    """Every tensor that a program makes of an input, with its number, in execution order; the input first.

    What nobody reads later is given up, so that no more memory is used than by a runtime.
    """
    last = {tensor: i for i, node in enumerate(program.nodes) for tensor in node.inputs}
    alive: dict[int, Array] = {program.input: x}
    yield program.input, x
    for i, node in enumerate(program.nodes):
        inputs = [alive[t] if t in alive else program.data(t) for t in node.inputs]
        result = _clamped(np.asarray(EVALUATIONS[node.op](node, inputs), np.float32), node.clamp)
        assert result.shape == program.shape(node.output), (node.name, result.shape)
        alive[node.output] = result
        yield node.output, result
        for tensor in {t for t in node.inputs if last[t] == i}:
            alive.pop(tensor, None)


def outputs(program: Program, x: Array) -> list[Array]:
    """The outputs of a program for an input."""
    found = {tensor: data for tensor, data in evaluate(program, x) if tensor in program.outputs}
    return [found[tensor] for tensor in program.outputs]


def padded(x: Array, pads: Pads, value: float = 0.0) -> Array:
    """A map with a border."""
    top, bottom, left, right = pads
    return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=value) if any(pads) else x


def _clamped(x: Array, clamp: str) -> Array:
    if clamp == "none":
        return x
    return np.maximum(x, 0) if clamp == "relu" else np.clip(x, 0, 6)


def _taps(
    x: Array, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int], out: tuple[int, int]
) -> Iterator[tuple[int, int, Array]]:
    """For each place of a window, the input that it sees at every output: ``(height, width, channels)``."""
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            top, left = i * dilation[0], j * dilation[1]
            rows = slice(top, top + (out[0] - 1) * stride[0] + 1, stride[0])
            columns = slice(left, left + (out[1] - 1) * stride[1] + 1, stride[1])
            yield i, j, x[0, rows, columns]


def _out(x: Array, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]) -> tuple[int, int]:
    height, width = (
        (x.shape[1 + axis] - dilation[axis] * (kernel[axis] - 1) - 1) // stride[axis] + 1 for axis in (0, 1)
    )
    return height, width


def _conv(node: Node, inputs: list[Array]) -> Array:
    x, weights = padded(inputs[0], node.settings["pads"]), inputs[1]
    stride, dilation, groups = (node.settings[key] for key in ("stride", "dilation", "groups"))
    kernel, count = weights.shape[1:3], weights.shape[0]
    out = _out(x, kernel, stride, dilation)
    pixels, per_group = prod(out), weights.shape[3]
    result = np.zeros((groups, pixels, count // groups), np.float32)
    parts = weights.reshape(groups, count // groups, *kernel, per_group)
    for i, j, seen in _taps(x, kernel, stride, dilation, out):
        columns = seen.reshape(pixels, groups, per_group).transpose(1, 0, 2)
        result += columns @ parts[:, :, i, j].transpose(0, 2, 1)
    return _biased(result.transpose(1, 0, 2).reshape(1, *out, count), inputs)


def _depthwise(node: Node, inputs: list[Array]) -> Array:
    x, weights = padded(inputs[0], node.settings["pads"]), inputs[1]
    stride, dilation, kernel = node.settings["stride"], node.settings["dilation"], weights.shape[1:3]
    out, multiplier = _out(x, kernel, stride, dilation), weights.shape[3] // x.shape[3]
    result = np.zeros((*out, weights.shape[3]), np.float32)
    for i, j, seen in _taps(x, kernel, stride, dilation, out):
        result += np.repeat(seen, multiplier, axis=2) * weights[0, i, j]
    return _biased(result[None], inputs)


def _transposed(node: Node, inputs: list[Array]) -> Array:
    x, weights, stride = inputs[0], inputs[1], node.settings["stride"]
    out, kernel = weights.shape[0], weights.shape[1:3]
    height, width = ((x.shape[1 + axis] - 1) * stride[axis] + kernel[axis] for axis in (0, 1))
    result = np.zeros((height, width, out), np.float32)
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            rows = slice(i, i + (x.shape[1] - 1) * stride[0] + 1, stride[0])
            columns = slice(j, j + (x.shape[2] - 1) * stride[1] + 1, stride[1])
            result[rows, columns] += x[0] @ weights[:, i, j].T
    top, bottom, left, right = node.settings["crops"]
    return _biased(result[None, top : height - bottom, left : width - right], inputs)


def _dense(_: Node, inputs: list[Array]) -> Array:
    return _biased(inputs[0] @ inputs[1].T, inputs)


def _biased(result: Array, inputs: list[Array]) -> Array:
    return result + inputs[2] if len(inputs) > 2 else result


def _max_pool(node: Node, inputs: list[Array]) -> Array:
    x = padded(inputs[0], node.settings["pads"], -np.inf)
    kernel, stride = node.settings["kernel"], node.settings["stride"]
    out = _out(x, kernel, stride, (1, 1))
    result = np.full((*out, x.shape[3]), -np.inf, np.float32)
    for _, _, seen in _taps(x, kernel, stride, (1, 1), out):
        result = np.maximum(result, seen)
    return result[None]


def _avg_pool(node: Node, inputs: list[Array]) -> Array:
    kernel, stride, pads = (node.settings[key] for key in ("kernel", "stride", "pads"))
    x = padded(inputs[0], pads)
    ones = padded(
        np.ones((1, *inputs[0].shape[1:3], 1), np.float32), pads, 1.0 if node.settings["counts_padding"] else 0.0
    )
    out = _out(x, kernel, stride, (1, 1))
    total, count = np.zeros((*out, x.shape[3]), np.float32), np.zeros((*out, 1), np.float32)
    for (_, _, seen), (_, _, one) in zip(
        _taps(x, kernel, stride, (1, 1), out), _taps(ones, kernel, stride, (1, 1), out), strict=True
    ):
        total += seen
        count += one
    return (total / count)[None]


def _resize(node: Node, inputs: list[Array], out: tuple[int, int]) -> Array:
    (x,) = inputs
    if node.settings["method"] == "nearest":
        rows, columns = ((np.arange(n) * size) // n for n, size in zip(out, x.shape[1:3], strict=True))
        return x[:, rows][:, :, columns]
    for axis, n in enumerate(out, start=1):
        size = x.shape[axis]
        place = np.clip((np.arange(n) + 0.5) * size / n - 0.5, 0, size - 1)
        low = np.floor(place).astype(int)
        share = (place - low).astype(np.float32).reshape([-1 if i == axis else 1 for i in range(4)])
        high = np.minimum(low + 1, size - 1)
        x = x.take(low, axis) * (1 - share) + x.take(high, axis) * share
    return x


def _concat(node: Node, inputs: list[Array]) -> Array:
    return np.concatenate(inputs, node.settings["axis"])


def _slice(node: Node, inputs: list[Array]) -> Array:
    start, size = node.settings["start"], node.settings["size"]
    return inputs[0].take(range(start, start + size), node.settings["axis"])


def _pad(node: Node, inputs: list[Array]) -> Array:
    top, bottom, left, right = node.settings["pads"]
    return np.pad(inputs[0], ((0, 0), (top, bottom), (left, right), node.settings["channels"]))


def _shuffle(node: Node, inputs: list[Array]) -> Array:
    (x,), groups = inputs, node.settings["groups"]
    return x.reshape(*x.shape[:3], groups, -1).swapaxes(3, 4).reshape(x.shape)


def _space_to_depth(node: Node, inputs: list[Array]) -> Array:
    (x,), block = inputs, node.settings["block"]
    _, height, width, channels = x.shape
    cells = x.reshape(height // block, block, width // block, block, channels).transpose(0, 2, 1, 3, 4)
    return cells.reshape(1, height // block, width // block, -1)


def _depth_to_space(node: Node, inputs: list[Array]) -> Array:
    (x,), block = inputs, node.settings["block"]
    _, height, width, channels = x.shape
    cells = x.reshape(height, width, block, block, channels // block**2).transpose(0, 2, 1, 3, 4)
    return cells.reshape(1, height * block, width * block, -1)


def _matmul(node: Node, inputs: list[Array]) -> Array:
    a, b = inputs
    return a @ (b.swapaxes(2, 3) if node.settings["transpose_b"] else b)


def _local_response_norm(node: Node, inputs: list[Array]) -> Any:
    """``x / (1 + alpha * mean)^beta`` with the mean of squares over neighbours (onnx.ai/onnx/operators, LRN)."""
    (x,), radius = inputs, node.settings["size"] // 2
    squares = np.pad(x * x, ((0, 0), (0, 0), (0, 0), (radius, radius)))
    total = sum(squares[..., i : i + x.shape[3]] for i in range(2 * radius + 1))
    return x / (1 + LRN_ALPHA / node.settings["size"] * total) ** LRN_BETA


def _softmax(x: Array) -> Any:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _sigmoid(x: Array) -> Any:
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def _of_each(function: Callable[[Array], Any]) -> Evaluation:
    return lambda _, inputs: function(inputs[0])


def _of_two(function: Callable[[Array, Array], Any]) -> Evaluation:
    return lambda _, inputs: function(inputs[0], inputs[1])


_ERF: Final = np.vectorize(erf, otypes=[np.float32])

#: primitive operator -> what it computes
EVALUATIONS: Final[dict[str, Evaluation]] = {
    "conv": _conv,
    "depthwise": _depthwise,
    "transposed_conv": _transposed,
    "dense": _dense,
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "global_avg_pool": lambda _, inputs: inputs[0].mean(axis=(1, 2), keepdims=True),
    "global_max_pool": lambda _, inputs: inputs[0].max(axis=(1, 2), keepdims=True),
    "reduce_max": lambda node, inputs: inputs[0].max(axis=node.settings["axes"], keepdims=True),
    "relu": _of_each(lambda x: np.maximum(x, 0)),
    "relu6": _of_each(lambda x: np.clip(x, 0, 6)),
    "leaky_relu": lambda node, inputs: np.where(inputs[0] > 0, inputs[0], inputs[0] * node.settings["slope"]),
    "prelu": _of_two(lambda x, slopes: np.where(x > 0, x, x * slopes)),
    "elu": _of_each(lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
    "sigmoid": _of_each(_sigmoid),
    "hard_sigmoid": _of_each(lambda x: np.clip(x + 3, 0, 6) / 6),
    "swish": _of_each(lambda x: x * _sigmoid(x)),
    "hard_swish": _of_each(lambda x: x * np.clip(x + 3, 0, 6) / 6),
    "tanh": _of_each(np.tanh),
    "gelu": _of_each(lambda x: 0.5 * x * (1 + _ERF(x / np.sqrt(2)))),
    "softmax": _of_each(_softmax),
    "log_softmax": _of_each(lambda x: np.log(_softmax(x))),
    "l2_norm": _of_each(lambda x: x / np.sqrt(np.maximum((x * x).sum(axis=-1, keepdims=True), 1e-12))),
    "mish": _of_each(lambda x: x * np.tanh(np.logaddexp(x, 0))),
    "softplus": _of_each(lambda x: np.logaddexp(x, 0)),
    "rsqrt": _of_each(lambda x: 1 / np.sqrt(x)),
    "channel_mean": _of_each(lambda x: x.mean(axis=-1, keepdims=True)),
    "lrn": _local_response_norm,
    "matmul": _matmul,
    "transpose": lambda node, inputs: inputs[0].transpose(node.settings["order"]),
    "add": _of_two(np.add),
    "subtract": _of_two(np.subtract),
    "multiply": _of_two(np.multiply),
    "divide": _of_two(np.divide),
    "maximum": _of_two(np.maximum),
    "minimum": _of_two(np.minimum),
    "concat": _concat,
    "slice": _slice,
    "pad": _pad,
    "resize": lambda node, inputs: _resize(node, inputs, node.settings["size"]),
    "channel_shuffle": _shuffle,
    "space_to_depth": _space_to_depth,
    "depth_to_space": _depth_to_space,
    "reshape": lambda node, inputs: inputs[0].reshape(node.settings["target"]),
}

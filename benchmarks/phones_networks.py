"""The networks of folders in the layout of `phones_iitm`, `phones_qed` and `ncnn`, as architectures.

Nothing is counted here: the operators propagate the shapes again. The networks of phones_qed are imgclsmob's (PyPI
`pytorchcv`, without its own dependencies: `pip install --no-deps pytorchcv`).
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import mbcost
from mbcost.architectures import ArchitectureSpec
from mbcost.importers.imported import INPUT, ImportedLayer, imported_spec
from mbcost.operators import (
    Add,
    AvgPool2d,
    BatchNorm,
    ChannelShuffle,
    Concat,
    Constant,
    Conv2d,
    Crop,
    Dense,
    DepthwiseConv2d,
    Divide,
    Elementwise,
    Explicit,
    Gelu,
    GlobalAvgPool,
    GlobalMaxPool,
    HardSigmoid,
    HardSwish,
    LayerNorm,
    LeakyRelu,
    LocalResponseNorm,
    Matmul,
    MaxPool2d,
    Multiply,
    Operator,
    Pad,
    Relu,
    Relu6,
    Reshape,
    Resize,
    Scale,
    Shift,
    Sigmoid,
    Softmax,
    Split,
    Subtract,
    Swish,
    TensorShape,
    Transpose,
    TransposedConv2d,
)


class UnknownNetworkError(Exception):
    """A network that cannot be built, and why."""


# --- phones_iitm --------------------------------------------------------------------------------------------------


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file whose first lines may be comments."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(line for line in stream if not line.startswith("#")))


def iitm_networks(folder: Path) -> dict[str, ArchitectureSpec]:
    """Every network of `operators.csv` by its number."""
    rows = read_csv(folder / "operators.csv")
    return {name: _iitm(name, list(group)) for name, group in groupby(rows, key=lambda row: row["network"])}


def _iitm(name: str, rows: list[dict[str, str]]) -> ArchitectureSpec:
    """One network: a chain, in which an addition takes the nearest earlier tensor of its shape.

    Where a convolution has other input channels than the tensor before it, it is a second branch from an earlier one,
    or reads both branches joined.
    """
    first = rows[0]
    side = int(float(first["in_hw"]))
    layers: list[ImportedLayer] = []
    made = [(INPUT, side, int(first["in_c"]))]  # what later operators may read, with its side and channels
    for index, row in enumerate(rows):
        wanted, key = (int(float(row["in_hw"])), int(row["in_c"])), f"{row['op']}_{index}"
        last = made[-1]
        inputs: tuple[str, ...] = (last[0],)
        if row["op"] == "add":
            inputs = (last[0], next((item[0] for item in reversed(made[:-1]) if item[1:] == last[1:]), last[0]))
        elif last[1:] != wanted:
            earlier = next((item for item in reversed(made) if item[1:] == wanted), None)
            if earlier is not None:
                inputs = (earlier[0],)
            else:
                pooled = layers.pop() if isinstance(layers[-1].operator, MaxPool2d) else None
                branches = made[:-1] if pooled else made  # of a pooling, the file has the channels of one branch
                end = branches[-1]
                other = next((item for item in branches[-2::-1] if item[1:] == (end[1], wanted[1] - end[2])), None)
                if other is None:
                    raise UnknownNetworkError(f"operator {index} of network {name} reads a shape that nothing has")
                layers.append(ImportedLayer(f"concat_{index}", Concat(), (other[0], end[0])))
                inputs = (f"concat_{index}",)
                if pooled:
                    layers.append(replace(pooled, inputs=inputs))
                    inputs = (pooled.name,)
        weights = row["op"] in ("conv", "depthwise")
        layers.append(ImportedLayer(key, _iitm_operator(row), inputs, wanted[1] if weights else None))
        if row["op"] == "relu":
            made = [item for item in made if item[0] != inputs[0]]
        made.append((key, int(float(row["out_hw"])), int(row["out_c"])))
    shape = TensorShape(side, side, int(first["in_c"]))
    return imported_spec(layers, name=f"iitm_{name}", source="phones_iitm", origin=name, input_shape=shape)


def _iitm_operator(row: dict[str, str]) -> Operator:
    if row["op"] == "add":
        return Add()
    if row["op"] == "relu":
        return Relu()
    out = int(row["out_c"])
    kernel, stride, padding = (int(float(row[key])) for key in ("kernel", "stride", "padding"))
    window, steps = (kernel, kernel), (stride, stride)
    padded = Explicit(padding, padding, padding, padding)
    if row["op"] == "conv":
        return Conv2d(out, window, steps, padding=padded, bias=True)
    if row["op"] == "depthwise":
        return DepthwiseConv2d(window, steps, padding=padded, bias=True)
    if row["op"] == "pool":
        if row["out_hw"] == "1.0":
            return GlobalAvgPool()
        over = max(0, (int(float(row["out_hw"])) - 1) * stride + kernel - int(float(row["in_hw"])) - 2 * padding)
        return MaxPool2d(window, steps, Explicit(padding, padding + over, padding, padding + over))
    raise UnknownNetworkError(f"operator {row['op']} of network {row['network']}")


# --- phones_qed ---------------------------------------------------------------------------------------------------


def qed_networks(names: list[str]) -> Iterator[tuple[str, ArchitectureSpec]]:
    """Networks of imgclsmob by name, at 224 x 224.

    Raises
    ------
    UnknownNetworkError
        Without `pytorchcv`.
    """
    with _torchvision_stand_in():
        try:
            from pytorchcv.model_provider import get_model
        except ImportError:
            raise UnknownNetworkError("pip install torch and pip install --no-deps pytorchcv") from None
    for name in names:
        try:
            module = get_model(name)
        except (ValueError, KeyError):
            continue
        yield name, replace(mbcost.from_torch(module, (1, 3, 224, 224)), name=name)


@contextmanager
def _torchvision_stand_in() -> Iterator[None]:
    """A `torchvision` for the import of pytorchcv, which needs it for networks that are not used here."""
    if "torchvision" in sys.modules:
        yield
        return
    fake, ops = ModuleType("torchvision"), ModuleType("torchvision.ops")
    ops.DeformConv2d = object  # type: ignore[attr-defined]
    fake.ops = ops  # type: ignore[attr-defined]
    sys.modules |= {"torchvision": fake, "torchvision.ops": ops}
    try:
        yield
    finally:
        del sys.modules["torchvision"], sys.modules["torchvision.ops"]


# --- ncnn ---------------------------------------------------------------------------------------------------------


def ncnn_network(path: Path) -> ArchitectureSpec:
    """The network of a `.param` file of ncnn, up to its detection heads' post-processing.

    Raises
    ------
    UnknownNetworkError
        With the layer that is not known.
    """
    return _Ncnn(path).spec()


#: Layers that compute no more than coordinates or a list of boxes: they end the network.
_TAILS: Final = ("PriorBox", "DetectionOutput", "Noop")
#: Layers that end a detector and compute something for each number that they get.
_DETECTIONS: Final = ("Yolov3DetectionOutput", "YoloDetectionOutput")
_ACTIVATIONS: Final[dict[int, Callable[[], Operator]]] = {1: Relu, 2: LeakyRelu, 3: Relu6, 4: Sigmoid, 6: HardSwish}
_PLAIN: Final[dict[str, Callable[[], Operator]]] = {
    "ReLU": Elementwise,  # a layer of its own: ncnn fuses activations when a file is made, not when it is loaded
    "Swish": Swish,
    "HardSwish": HardSwish,
    "HardSigmoid": HardSigmoid,
    "Sigmoid": Sigmoid,
    "GELU": Gelu,
    "Softmax": Softmax,
    "LayerNorm": LayerNorm,
    "LRN": LocalResponseNorm,
    "BatchNorm": BatchNorm,
}
_BINARY: Final[dict[int, Callable[[], Operator]]] = {0: Add, 1: Subtract, 2: Multiply, 3: Divide}
#: Inputs of files that do not state theirs: ncnn's benchmark/benchncnn.cpp (width, height, channels).
_BENCHMARK_INPUTS: Final = {"vision_transformer": (384, 384, 3), "FastestDet": (352, 352, 3)}
_ELTWISE: Final[dict[int, Callable[[], Operator]]] = {0: Multiply, 1: Add}


class _Ncnn:
    """Reads one file; names are those of its blobs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.layers: list[ImportedLayer] = []
        self.shapes: dict[str, TensorShape] = {}
        self.known: dict[str, str] = {}  # blob -> layer or input
        self.input: TensorShape | None = None
        self.dropped: set[str] = set()

    def spec(self) -> ArchitectureSpec:
        lines = self.path.read_text(encoding="utf-8").splitlines()[2:]
        for line in lines:
            if line.strip():
                self._line(line.split())
        if self.input is None:
            raise UnknownNetworkError(f"{self.path.name} has no input")
        return imported_spec(
            self.layers, name=self.path.stem, source="ncnn", origin=self.path.name, input_shape=self.input
        )

    def _line(self, words: list[str]) -> None:  # noqa: C901  # a kind of layer each
        kind, name, inputs, outputs = words[0], words[1], int(words[2]), int(words[3])
        sources = words[4 : 4 + inputs]
        made = words[4 + inputs : 4 + inputs + outputs]
        values = self._values(words[4 + inputs + outputs :])
        if kind == "Input":
            if self.input is None:
                self.input = self._input(values)
                self.known[made[0]], self.shapes[made[0]] = INPUT, self.input
            else:
                self.dropped.update(made)
            return
        if kind in _DETECTIONS and not any(source in self.dropped for source in sources):
            for source in sources:  # a sigmoid or a comparison for each of its numbers
                self._add(f"{made[0]}/{source}", Sigmoid(), (source,))
            self.dropped.update(made)
            return
        if kind in _TAILS or any(source in self.dropped for source in sources):
            self.dropped.update(made)
            return
        if kind == "Split":
            for one in made:
                self.known[one], self.shapes[one] = self.known[sources[0]], self.shapes[sources[0]]
            return
        if kind == "Slice":
            self._slice(name, sources[0], made, values)
            return
        if kind == "MultiHeadAttention":
            self._attention(name, sources, made[0], values)
            return
        if kind == "MemoryData":
            sides = [int(values[key]) for key in (2, 1, 0) if key in values]
            shape = TensorShape(*([1] * (3 - len(sides)) + sides))
            self._add(made[0], Constant((shape.height, shape.width, shape.channels)), ())
            return
        if (
            kind == "Concat"
            and values.get(0, 0) == 0
            and any(
                self.shapes[s].height == 1 and self.shapes[s].width != self.shapes[sources[0]].width for s in sources
            )
        ):
            self._add(made[0], Concat("width"), tuple(sources))
            return
        if kind == "InnerProduct":
            sources = [self._flat(sources[0], int(values[2]) // int(values[0]))]
        operator = self._operator(kind, name, sources, values)
        in_channels = None
        if isinstance(operator, Conv2d | DepthwiseConv2d | Dense | TransposedConv2d):
            in_channels = int(self.shapes[sources[0]].channels)
        blob, activation = made[0], None
        if kind in ("Convolution", "ConvolutionDepthWise", "DeconvolutionDepthWise", "InnerProduct"):
            activation = _ACTIVATIONS.get(int(values.get(9, 0)))
        inner = f"{blob}/linear" if activation else blob
        self._add(inner, operator, tuple(sources), in_channels)
        if activation:
            self._add(blob, activation(), (inner,))

    def _input(self, values: Mapping[int, Any]) -> TensorShape:
        width, height, channels = (int(values.get(key, default)) for key, default in ((0, 224), (1, 224), (2, 3)))
        if 0 not in values:
            width, height, channels = _BENCHMARK_INPUTS.get(self.path.stem, (224, 224, 3))
        return TensorShape(height, width, channels)

    @staticmethod
    def _values(words: list[str]) -> dict[int, Any]:
        found: dict[int, Any] = {}
        for word in words:
            key, _, text = word.partition("=")
            number = int(key)
            if number <= -23300:
                found[number] = [float(item) for item in text.split(",")[1:]]
            else:
                try:
                    found[number] = float(text)
                except ValueError:
                    continue
        return found

    def _add(self, blob: str, operator: Operator, sources: tuple[str, ...], in_channels: int | None = None) -> None:
        inputs = tuple(self.known[source] for source in sources)
        self.layers.append(ImportedLayer(blob, operator, inputs, in_channels))
        self.known[blob] = blob
        try:
            self.shapes[blob] = operator.output_shape(tuple(self.shapes[source] for source in sources))
        except Exception as error:
            shapes = [self.shapes[source] for source in sources]
            raise UnknownNetworkError(f"{self.path.name}: {blob}: {operator} of {shapes}: {error}") from error

    def _flat(self, blob: str, features: int) -> str:
        """A blob as one row of so many features, unless it has rows of them."""
        shape = self.shapes[blob]
        if shape.channels == features:
            return blob
        self._add(f"{blob}/flat", Reshape((1, 1, features)), (blob,))
        return f"{blob}/flat"

    def _operator(self, kind: str, name: str, sources: list[str], values: Mapping[int, Any]) -> Operator:  # noqa: C901
        shape = self.shapes[sources[0]]
        if kind in _PLAIN:
            return _PLAIN[kind]()
        if kind in ("Convolution", "ConvolutionDepthWise", "DeconvolutionDepthWise"):
            return self._convolution(kind, shape, values)
        if kind == "InnerProduct":
            return Dense(int(values[0]), bias=bool(values.get(1, 0)))
        if kind == "Gemm":  # constant weights of a transformer: rows are the sequence
            return Dense(int(values.get(8, 0)) or int(values.get(1, 0)), bias=True)
        if kind == "Pooling":
            return self._pooling(shape, values)
        if kind == "Eltwise":
            return _ELTWISE[int(values.get(0, 0))]()
        if kind == "BinaryOp":
            if len(sources) == 1:
                return Scale() if int(values.get(0, 0)) in (2, 3) else Shift()
            return _BINARY[int(values.get(0, 0))]()
        if kind == "Concat":
            return Concat()
        if kind == "ShuffleChannel":
            return ChannelShuffle(int(values.get(0, 1)))
        if kind == "Flatten":
            return Reshape((1, 1, int(shape.height * shape.width * shape.channels)))
        if kind == "Permute":
            return Transpose((int(shape.height), int(shape.width), int(shape.channels)))
        if kind == "Reshape":
            return Reshape(self._reshaped(shape, values))
        if kind == "Interp":
            return self._interp(shape, values)
        if kind == "Padding":
            top, bottom, left, right = (int(values.get(key, 0)) for key in range(4))
            front, behind = int(values.get(7, 0)), int(values.get(8, 0))
            return Pad(Explicit(top, bottom, left, right), (front, behind))
        if kind == "Reduction":
            return GlobalAvgPool()
        if kind == "Crop":
            return self._crop(shape, sources, values)
        raise UnknownNetworkError(f"{self.path.name}: layer {kind} ({name}) is not known")

    def _convolution(self, kind: str, shape: TensorShape, values: Mapping[int, Any]) -> Operator:
        out, wide = int(values[0]), int(values.get(1, 1))
        window = (int(values.get(11, wide)), wide)
        dilation = (int(values.get(12, values.get(2, 1))), int(values.get(2, 1)))
        stride = (int(values.get(13, values.get(3, 1))), int(values.get(3, 1)))
        left = int(values.get(4, 0))
        padding: Any
        if left < 0:  # -233: as SAME_UPPER
            padding = "same"
        else:
            top = int(values.get(14, left))
            padding = Explicit(top, int(values.get(16, top)), left, int(values.get(15, left)))
        groups, bias = int(values.get(7, 1)), bool(values.get(5, 0))
        if kind == "DeconvolutionDepthWise":
            return TransposedConv2d(out, window, stride, padding=padding, groups=groups, bias=bias)
        if kind == "ConvolutionDepthWise" and groups == shape.channels:
            return DepthwiseConv2d(window, stride, dilation, out // groups, padding, bias)
        return Conv2d(out, window, stride, dilation, groups if kind == "ConvolutionDepthWise" else 1, padding, bias)

    def _pooling(self, shape: TensorShape, values: Mapping[int, Any]) -> Operator:
        largest = int(values.get(0, 0)) == 0
        if values.get(4):
            return GlobalMaxPool() if largest else GlobalAvgPool()
        wide, step, left = int(values.get(1, 0)), int(values.get(2, 1)), int(values.get(3, 0))
        window = (int(values.get(11, wide)), wide)
        stride = (int(values.get(12, step)), step)
        top = int(values.get(13, left))
        bottom, right = int(values.get(15, top)), int(values.get(14, left))
        if int(values.get(5, 0)) == 0:  # full: the last window may hang over
            bottom += -(shape.height + top + bottom - window[0]) % stride[0]
            right += -(shape.width + left + right - window[1]) % stride[1]
        padded = Explicit(top, bottom, left, right)
        return MaxPool2d(window, stride, padded) if largest else AvgPool2d(window, stride, padded)

    def _reshaped(self, shape: TensorShape, values: Mapping[int, Any]) -> tuple[int, int, int]:
        elements = int(shape.height * shape.width * shape.channels)
        sides = [int(values[key]) for key in (0, 1, 2) if key in values and values[key] != -233]
        given = 1
        for side in sides:
            given *= side if side > 0 else 1
        whole = [side if side > 0 else elements // given for side in sides]
        if len(whole) == 3:
            return whole[1], whole[0], whole[2]
        if len(whole) == 2:
            if self.path.stem == "vision_transformer":  # w = -1 tokens, h = 768 channels, turned by the next Permute
                return 1, whole[0], whole[1]
            return 1, whole[1], whole[0]
        return 1, 1, elements

    def _interp(self, shape: TensorShape, values: Mapping[int, Any]) -> Operator:
        method = "nearest" if int(values.get(0, 0)) == 1 else "bilinear"
        if values.get(3):
            return Resize((int(values[3]), int(values[4])), method=method)  # type: ignore[arg-type]
        return Resize((int(shape.height * values[1]), int(shape.width * values[2])), method=method)  # type: ignore[arg-type]

    def _crop(self, shape: TensorShape, sources: list[str], values: Mapping[int, Any]) -> Operator:
        sides = {"channels": int(shape.channels), "height": int(shape.height), "width": int(shape.width)}
        starts, ends, axes = values.get(-23309), values.get(-23310), values.get(-23311)
        if ends is None:
            width, height, channels = (int(values.get(key, -233)) for key in (3, 4, 5))
            return Crop(
                (
                    sides["height"] if height in (-233, 0) else height,
                    sides["width"] if width in (-233, 0) else width,
                    sides["channels"] if channels in (-233, 0) else channels,
                )
            )
        flat = shape.height == 1
        names = ("width", "channels") if flat else ("channels", "height", "width")
        for position, axis in enumerate(axes or range(len(ends))):
            name = names[int(axis)]
            end = sides[name] if ends[position] in (-233, -234) or ends[position] > 1e6 else int(ends[position])
            sides[name] = end - int((starts or [0] * len(ends))[position])
        return Crop((sides["height"], sides["width"], sides["channels"]))

    def _slice(self, name: str, source: str, made: list[str], values: Mapping[int, Any]) -> None:
        shape = self.shapes[source]
        sizes = [int(size) for size in values[-23300]]
        channels, rest = int(shape.channels), []
        left = channels
        for index, size in enumerate(sizes):
            one = left // (len(sizes) - index) if size == -233 else size
            rest.append(one)
            left -= one
        for part, blob in enumerate(made):
            self._add(blob, Split(len(rest), part, tuple(rest)), (source,))

    def _attention(self, name: str, sources: list[str], blob: str, values: Mapping[int, Any]) -> None:
        """Four projections, and two products by head."""
        width, heads = int(values[0]), int(values[1])
        tokens = int(self.shapes[sources[0]].width)
        parts = []
        for letter, source in zip("qkv", (*sources, *sources, *sources)[:3], strict=True):
            self._add(f"{blob}/{letter}", Dense(width, bias=True), (source,), width)
            self._add(f"{blob}/{letter}h", Reshape((heads, tokens, width // heads)), (f"{blob}/{letter}",))
            parts.append(f"{blob}/{letter}h")
        self._add(f"{blob}/scores", Matmul(transpose_b=True), (parts[0], parts[1]))
        self._add(f"{blob}/softmax", Softmax(), (f"{blob}/scores",))
        self._add(f"{blob}/context", Matmul(), (f"{blob}/softmax", parts[2]))
        self._add(f"{blob}/joined", Reshape((1, tokens, width)), (f"{blob}/context",))
        self._add(blob, Dense(width, bias=True), (f"{blob}/joined",), width)

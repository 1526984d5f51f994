"""Random small networks for calibration: tables of known blocks with random widths, depths and resolutions.

Whole networks calibrate better than loops over kernels, whose code and data are warmer in the caches than in a network.
The number of a network is its only seed, so that the same number is the same network everywhere.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

#: Multiply-accumulates of a network: small enough to time many, large enough for kernels of realistic sizes.
LEAST_MACS: Final = 8e6
MOST_MACS: Final = 1.2e9
#: Weights of a network [elements].
MOST_WEIGHTS: Final = 25e6

#: Resolutions: mostly multiples of 32, as in practice; the others give maps of odd sizes.
_RESOLUTIONS: Final = (96, 128, 128, 160, 160, 160, 192, 192, 192, 224, 224, 224, 224, 224, 256, 64, 112, 144, 176, 227)
#: Largest widths of the last stage's map: 7 pixels as in most networks, or fewer, as at low resolutions.
_LAST_SIZES: Final = (7, 7, 7, 3)
_ACTIVATIONS: Final = ("relu", "relu", "relu", "relu6", "relu6", "hard_swish", "swish", "swish", "leaky_relu")


@dataclass(slots=True)
class _Drawing:
    """A table while it is being drawn: its rows, and the map that the next row reads."""

    draw: random.Random
    size: int
    channels: int = 3
    last: str = "input"
    activation: str = "relu"
    rows: list[str] = field(default_factory=list)
    macs: float = 0.0
    weights: float = 0.0

    def add(self, op: str, inputs: str | None = None, **cells: Any) -> str:
        """One row; its name."""
        name = f"l{len(self.rows) + 1}"
        values = {"name": name, "op": op, "inputs": f"[{inputs or self.last}]", **cells}
        self.rows.append(f"  - {{{', '.join(f'{key}: {value}' for key, value in values.items())}}}")
        self.last = name
        return name

    def conv(
        self, out: int, kernel: int = 1, stride: int = 1, groups: int = 1, *, norm: bool = True, act: str | None = "own"
    ) -> str:
        """Convolution, batch norm (else a bias) and activation."""
        cells: dict[str, Any] = {"norm": "batch_norm"} if norm else {"bias": "true"}
        chosen = self.activation if act == "own" else act
        if chosen:
            cells["activation"] = chosen
        self.size = -(-self.size // stride)
        weights = kernel * kernel * self.channels // groups * out
        self.macs += self.size**2 * weights
        self.weights += weights
        window: dict[str, Any] = {"kernel": kernel, "stride": stride, "padding": kernel // 2}
        if groups == self.channels == out:
            name = self.add("depthwise_conv2d", **window, **cells)
        else:
            name = self.add("conv2d", out=out, groups=groups, **window, **cells)
        self.channels = out
        return name

    def dense(self, out: int, act: str | None = None) -> None:
        self.macs += self.channels * out
        self.weights += self.channels * out
        self.add("dense", out=out, **({"activation": act} if act else {}))
        self.channels = out

    def pool(self, op: str, kernel: int, stride: int, inputs: str | None = None) -> str:
        padding = kernel // 2 if kernel % 2 else 0
        self.size = (self.size + 2 * padding - kernel) // stride + 1
        return self.add(op, inputs, kernel=kernel, stride=stride, padding=padding)

    def squeeze_excite(self, squeezed: int, gate: str) -> None:
        """Squeeze-and-excitation: global pooling, two small layers, and the map times their output (Hu et al. 2018)."""
        x, channels, size = self.last, self.channels, self.size
        self.add("global_avg_pool")
        self.size = 1
        self.conv(squeezed, norm=False, act="relu")
        self.conv(channels, norm=False, act=gate)
        self.add("multiply", f"{x}, {self.last}")
        self.size = size

    def sum_with(self, other: str, act: str | None = None) -> None:
        self.add("add", f"{self.last}, {other}", **({"activation": act} if act else {}))

    def width(self, about: float) -> int:
        """A number of channels near `about`: mostly multiples of 8, as in most networks."""
        divisor = self.draw.choice((8, 8, 8, 8, 8, 16, 16, 16, 32, 4, 2, 1))
        return max(divisor, 4, round(about / divisor) * divisor)


def _separable(d: _Drawing, out: int, stride: int) -> None:
    """MobileNet V1: depthwise, then pointwise."""
    d.conv(d.channels, d.draw.choice((3, 3, 3, 5)), stride, d.channels)
    d.conv(out)


def _inverted_residual(d: _Drawing, out: int, stride: int) -> None:
    """MobileNet V2, with squeeze-and-excite V3 and EfficientNet."""
    x, before = d.last, d.channels
    wide = d.width(before * d.draw.choice((2, 3, 4, 6, 6)))
    d.conv(wide)
    d.conv(wide, d.draw.choice((3, 3, 5, 7)), stride, wide)
    if d.draw.random() < 0.4:
        d.squeeze_excite(max(4, wide // d.draw.choice((4, 8, 24))), d.draw.choice(("hard_sigmoid", "sigmoid")))
    d.conv(out, act=None)
    if stride == 1 and out == before:
        d.sum_with(x)


def _basic(d: _Drawing, out: int, stride: int) -> None:
    """ResNet-18."""
    x, before, size = d.last, d.channels, d.size
    d.conv(out, 3, stride)
    d.conv(out, 3, act=None)
    _shortcut(d, x, before, size, stride)


def _bottleneck(d: _Drawing, out: int, stride: int) -> None:
    """ResNet-50; with groups ResNeXt and RegNet."""
    x, before, size = d.last, d.channels, d.size
    narrow = max(16, out // d.draw.choice((1, 2, 4)) // 16 * 16)
    d.conv(narrow)
    d.conv(narrow, 3, stride, d.draw.choice((1, 1, 1, narrow // 16, narrow // 8)))
    d.conv(out, groups=2 if d.draw.random() < 0.15 and out % 2 == 0 else 1, act=None)
    _shortcut(d, x, before, size, stride)


def _shortcut(d: _Drawing, x: str, before: int, size: int, stride: int) -> None:
    """The residual sum, through a 1x1 convolution where the shape changed."""
    left, out, smaller = d.last, d.channels, d.size
    if stride > 1 or before != out:
        d.last, d.channels, d.size = x, before, size
        x = d.conv(out, 1, stride, act=None)
        d.last, d.channels, d.size = left, out, smaller
    d.sum_with(x, d.activation)


def _fire(d: _Drawing, out: int, stride: int) -> None:
    """SqueezeNet: two branches, joined."""
    if stride > 1:
        d.pool("max_pool2d", d.draw.choice((2, 3)), stride)
    half = max(8, out // 2)
    norm = d.draw.random() < 0.3
    narrow, channels = d.conv(max(8, out // 8), norm=norm), max(8, out // 8)
    left = d.conv(half, norm=norm)
    d.last, d.channels = narrow, channels
    right = d.conv(half, 3, norm=norm)
    d.add("concat", f"{left}, {right}")
    d.channels = 2 * half


def _inception(d: _Drawing, out: int, stride: int) -> None:
    """GoogLeNet: branches of several windows and a pooling, joined."""
    if stride > 1:
        d.pool(d.draw.choice(("max_pool2d", "max_pool2d", "avg_pool2d")), 3, stride)
    x, before, quarter = d.last, d.channels, max(8, out // 32 * 8)
    branches = []
    for window in (1, 3, 5):
        d.last, d.channels = x, before
        if window > 1:
            d.conv(max(8, quarter // 2))
        branches.append(d.conv(quarter, window))
    d.channels = before
    d.pool("max_pool2d", 3, 1, x)
    branches.append(d.conv(quarter))
    d.add("concat", ", ".join(branches))
    d.channels = 4 * quarter


def _dense_block(d: _Drawing, out: int, stride: int) -> None:
    """DenseNet: batch norm and ReLU first, outputs joined to their inputs."""
    if stride > 1:
        d.add("batch_norm", activation=d.activation)
        d.conv(max(16, d.channels // 2), norm=False, act=None)
        d.pool("avg_pool2d", 2, 2)
    growth = d.width(max(12, out // 6))
    for _ in range(d.draw.randint(2, 4)):
        x, before = d.last, d.channels
        d.add("batch_norm", activation=d.activation)
        d.conv(4 * growth)
        d.conv(growth, 3, norm=False, act=None)
        d.add("concat", f"{x}, {d.last}")
        d.channels = before + growth


def _shuffle_unit(d: _Drawing, out: int, stride: int) -> None:
    """ShuffleNet V2: half of the channels pass, or two branches with stride 2."""
    if stride == 1 and d.channels % 2:
        d.conv(d.channels + 1)
    x = d.last
    if stride == 1:
        out = d.channels
        left = d.add("split", x, parts=2, part=0)
        d.add("split", x, parts=2, part=1)
        d.channels = out // 2
    else:
        before, size, out = d.channels, d.size, max(8, out // 2 * 2)
        d.conv(before, 3, 2, before, act=None)
        left = d.conv(out // 2)
        d.last, d.channels, d.size = x, before, size
    half = out // 2
    d.conv(half)
    d.conv(half, 3, stride, half, act=None)
    right = d.conv(half)
    d.add("concat", f"{left}, {right}")
    d.channels = out
    d.add("channel_shuffle", groups=2)


def _plain(d: _Drawing, out: int, stride: int) -> None:
    """VGG: 3x3 convolutions with bias, then max pooling."""
    norm = d.draw.random() < 0.4
    for _ in range(d.draw.randint(1, 2)):
        d.conv(out, 3, norm=norm)
    if stride > 1:
        d.pool("max_pool2d", 2, 2)


_Block = Callable[[_Drawing, int, int], None]
_BLOCKS: Final[tuple[_Block, ...]] = (
    _separable,
    _separable,
    _inverted_residual,
    _inverted_residual,
    _inverted_residual,
    _basic,
    _bottleneck,
    _bottleneck,
    _fire,
    _inception,
    _dense_block,
    _shuffle_unit,
    _plain,
)
#: Blocks of mobile networks, whose depthwise convolutions take little of the time beside other blocks.
_MOBILE: Final[tuple[_Block, ...]] = (_separable, _inverted_residual, _inverted_residual, _shuffle_unit)


def random_table(number: int) -> str:
    """The table of a random network, as YAML."""
    for attempt in range(1000):
        draw = random.Random(f"mbcost {number} {attempt}")  # noqa: S311  # the same everywhere
        drawing = _drawn(draw, number)
        if LEAST_MACS <= drawing.macs <= MOST_MACS and drawing.weights <= MOST_WEIGHTS:
            break
    head = (
        f"name: random_{number:04}",
        "source: drawn at random by mbcost bench",
        f"input: {drawing.rows.pop(0)}",
        "layers:",
    )
    return "\n".join([*head, *drawing.rows]) + "\n"


def _drawn(draw: random.Random, number: int) -> _Drawing:
    """A third of networks has blocks of one kind, one mixes mobile blocks, one mixes all; this separates rates."""
    d = _Drawing(draw, draw.choice(_RESOLUTIONS))
    d.rows.append(f"{d.size}x{d.size}x3")
    d.activation = draw.choice(_ACTIVATIONS)
    if number % 3 == 0:
        blocks = [_BLOCKS[number // 3 % len(_BLOCKS)]]
    else:
        blocks = draw.sample(_MOBILE, 2) if number % 3 == 1 else draw.sample(_BLOCKS, 3)
    last_size = draw.choice(_LAST_SIZES)
    width = 2 ** draw.uniform(3.3, 6.3)
    _stem(d, d.width(width))
    while d.size > last_size:
        width = min(1280, max(width, d.channels) * draw.uniform(1.2, 2.2))
        block = draw.choice(blocks)
        block(d, d.width(width), draw.choice((1, 2, 2, 2)) if d.size > 28 else 2)
        for _ in range(draw.choice((0, 1, 1, 2, 3))):
            block(d, d.channels, 1)
    _head(d)
    return d


def _stem(d: _Drawing, width: int) -> None:
    kind = d.draw.random()
    if kind < 0.6:
        d.conv(width, 3, 2)
    elif kind < 0.8:
        d.conv(width, d.draw.choice((3, 7, 7)), 2)
        d.pool(d.draw.choice(("max_pool2d", "max_pool2d", "avg_pool2d")), 3, 2)
    elif kind < 0.9:
        d.conv(width, 3, 1, norm=False)
        d.pool("max_pool2d", 2, 2)
    else:
        d.conv(width, 5, 2)


def _head(d: _Drawing) -> None:
    kind = d.draw.random()
    classes = d.draw.choice((10, 100, 1000, 1000))
    if kind < 0.15:  # fully connected layers on the map, as in VGG
        d.add("flatten")
        d.channels *= d.size**2
        d.dense(d.draw.choice((256, 512, 1024, 2048)), "relu")
        d.dense(classes)
        return
    if kind < 0.5:
        d.conv(d.width(d.channels * d.draw.uniform(1.5, 4)))
    if kind < 0.65 and kind >= 0.5:
        d.conv(classes, norm=False)
        d.add("global_avg_pool")
        return
    d.add("global_avg_pool")
    d.add("flatten")
    if d.draw.random() < 0.2:
        d.dense(1280, "relu")
    d.dense(classes)

"""The suites of ``mbcost bench``: what they measure, and their time."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mbcost.runner.random_networks import random_table
from mbcost.words import SuiteName


@dataclass(frozen=True, slots=True)
class Plan:
    """A suite.

    Attributes
    ----------
    items
        Most networks or kernels; fewer on a slow machine.
    seconds
        Total time from the first visit [s].
    visit_seconds
        Time of the timed runs of one visit [s].
    together
        Networks per process: in a process that has built a hundred, each takes some percent longer than alone.
    """

    items: int
    seconds: float
    visit_seconds: float
    together: int = 15


PLANS: Final[dict[SuiteName, Plan]] = {
    "quick": Plan(120, 160.0, 0.08),
    "full": Plan(600, 780.0, 0.08),
    "kernels": Plan(420, 150.0, 0.02, 105),
}


#: Images per inference of successive items on a GPU: one image leaves it mostly idle and shows the launch overhead,
#: many images show arithmetic and traffic.
ACCELERATOR_BATCHES: Final = (1, 16, 1, 64, 4)


@dataclass(frozen=True, slots=True)
class Kernel:
    """One kernel as a row of a kernels file describes it.

    Attributes
    ----------
    op
        An operator, or a short table in brackets: a chain.
    fields
        Further keys of the operator's row.
    """

    op: str
    height: int
    channels: int
    out: int | None = None
    kernel: int | None = None
    stride: int | None = None
    groups: int | None = None
    fields: str = ""

    @property
    def name(self) -> str:
        """Such as ``conv2d 56x56x32 3 / 2 -> 64``."""
        window = "" if self.kernel is None else f" {self.kernel} / {self.stride or 1}"
        groups = f" groups {self.groups}" if self.groups else ""
        out = f" -> {self.out}" if self.out else ""
        return f"{self.op} {self.height}x{self.height}x{self.channels}{window}{groups}{out} {self.fields}".strip()

    @property
    def table(self) -> str:
        """Its table, as YAML."""
        if self.op.startswith("["):
            rows = self.op
        else:
            keys = {"op": self.op, "kernel": self.kernel, "stride": self.stride, "groups": self.groups, "out": self.out}
            cells = [f"{key}: {value}" for key, value in keys.items() if value is not None]
            if self.op in {"add", "multiply", "concat"}:
                cells.append("inputs: [input, input]")
            if self.fields:
                cells.append(self.fields)
            rows = f"[{{{', '.join(cells)}}}]"
        return f"name: kernel\nsource: measured\ninput: {self.height}x{self.height}x{self.channels}\nlayers: {rows}\n"


def network_tables(number: int) -> Iterator[tuple[str, str]]:
    """Names and tables of the random networks 0 to `number` - 1."""
    for i in range(number):
        yield f"random_{i:04}", random_table(i)


def kernels(number: int) -> list[Kernel]:
    """Single kernels over the shapes that networks have, and chains of small ones, whose time is their calls."""
    draw = random.Random("mbcost kernels")  # noqa: S311  # the same everywhere
    found: dict[str, Kernel] = {}
    makers = (
        _pointwise, _pointwise, _pointwise, _pointwise, _convolution, _convolution, _convolution, _small_convolution,
        _depthwise, _depthwise, _depthwise, _norm, _norm, _pass, _pass, _pool, _dense, _joined, _chain,
    )  # fmt: skip
    for make in itertools.cycle(makers):  # there are fewer chains than turns, so that one may be drawn again
        if len(found) == number:
            break
        kernel = make(draw)
        found.setdefault(kernel.name, kernel)
    return list(found.values())


def _size(draw: random.Random, smallest: int = 7, largest: int = 112) -> int:
    sizes = [s for s in (4, 5, 6, 7, 10, 12, 14, 20, 24, 28, 40, 48, 56, 80, 96, 112) if smallest <= s <= largest]
    return draw.choice(sizes)


def _channels(draw: random.Random, height: int, most: int = 1280) -> int:
    """Channels that are usual for maps of this height: about 1,800 / height, from a quarter of that to twice it."""
    about = min(most, 1800 / height * 2 ** draw.uniform(-2, 1))
    return max(8, round(about / 8) * 8)


def _pointwise(draw: random.Random) -> Kernel:
    height = _size(draw, 4)
    return Kernel("conv2d", height, _channels(draw, height), _channels(draw, height), 1, 1)


def _convolution(draw: random.Random) -> Kernel:
    if draw.random() < 0.2:
        return Kernel("conv2d", draw.choice((128, 160, 192, 224)), 3, draw.choice((16, 24, 32, 64)),
                      draw.choice((3, 3, 7)), 2)  # fmt: skip
    height = _size(draw, 12, 56)
    channels, out = _channels(draw, height, 256), _channels(draw, height, 256)
    if draw.random() < 0.2:
        return Kernel("conv2d", height, channels, out, 1, 2)
    groups = channels // 8 if draw.random() < 0.15 else None
    return Kernel("conv2d", height, channels, channels if groups else out, 3, draw.choice((1, 1, 2)), groups)


def _small_convolution(draw: random.Random) -> Kernel:
    height = _size(draw, 4, 14)
    return Kernel("conv2d", height, _channels(draw, height, 20480 // height**2), _channels(draw, height, 320), 3, 1)


def _depthwise(draw: random.Random) -> Kernel:
    height = _size(draw)
    return Kernel("depthwise_conv2d", height, _channels(draw, height), None, draw.choice((3, 3, 5, 7)),
                  draw.choice((1, 1, 2)))  # fmt: skip


def _norm(draw: random.Random) -> Kernel:
    height = _size(draw)
    return Kernel("batch_norm", height, _channels(draw, height))


def _pass(draw: random.Random) -> Kernel:
    height = _size(draw)
    op = draw.choice(("relu", "relu6", "hard_swish", "swish", "swish", "sigmoid", "leaky_relu", "add"))
    return Kernel(op, height, _channels(draw, height))


def _pool(draw: random.Random) -> Kernel:
    height = _size(draw)
    channels = _channels(draw, height)
    op = draw.choice(("max_pool2d", "max_pool2d", "avg_pool2d", "global_avg_pool"))
    if op == "global_avg_pool":
        return Kernel(op, height, channels)
    return Kernel(op, height, channels, None, draw.choice((2, 3)), 2)


def _dense(draw: random.Random) -> Kernel:
    if draw.random() < 0.5:
        return Kernel("conv2d", 1, draw.choice((96, 240, 480, 960)), draw.choice((24, 64, 240, 960)), 1, 1)
    return Kernel("dense", 1, draw.choice((512, 1024, 1280, 4096)), draw.choice((100, 1000, 1000, 2048)))


def _joined(draw: random.Random) -> Kernel:
    height = _size(draw)
    channels = _channels(draw, height)
    if draw.random() < 0.5:
        return Kernel("concat", height, channels)
    return Kernel("channel_shuffle", height, channels, None, None, None, 2)


def _chain(draw: random.Random) -> Kernel:
    """Twenty calls on a map of 7x7 pixels."""
    row = draw.choice((
        "op: relu", "op: batch_norm", "op: batch_norm", "op: conv2d, out: 16", "op: depthwise_conv2d, kernel: 3",
        "op: add, inputs: [input, input]", "op: channel_shuffle, groups: 2",
    ))  # fmt: skip
    return Kernel(f"[{{{row}, repeat: 20}}]", 7, draw.choice((16, 32, 64)) if "out" not in row else 16)

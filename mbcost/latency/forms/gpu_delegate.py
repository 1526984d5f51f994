"""Rules of TensorFlow Lite's GPU delegate 2.10 that depend on the graphics processor: how a convolution is divided.

Four channels make a slice. A thread of a convolution computes a block of pixels and slices; how large it is depends on
how much work there is for each compute unit. Facts from tensorflow/lite/delegates/gpu/common of 2.10: conv_generic.cc
and conv_metal.cc (blocks, work groups), conv_constants.cc (weights in constant memory), operation_selector.cc
(Winograd), gpu_info.cc (waves, compute units), task/util.cc (blocks on Mali), dw_convolution_selector.cc.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from mbcost.devices.gpus import Gpu
from mbcost.devices.types import GpuVendor
from mbcost.numeric import ceil_div, round_up

#: Channels of a slice.
SLICE: Final = 4
#: Threads of a linear work group (PowerVR, Apple).
LINEAR: Final = 32
#: Waves for a compute unit -> block of an Adreno's thread: columns, rows, slices.
_ADRENO_BLOCKS: Final = ((6.0, (1, 1, 1)), (12.0, (2, 1, 1)), (24.0, (2, 1, 2)))
#: Slices of the output for a compute unit, in 256, up to which a Mali's thread computes 1, 2 and 4 of them: at fp16 and
#: at fp32.
_MALI_LIMITS: Final[Mapping[int, Mapping[str, tuple[float, ...]]]] = {
    2: {"midgard": (4, 16), "bifrost-1": (1, 4, 8), "bifrost-2": (2, 8, 16), "": (1, 6, 16)},
    4: {"midgard": (16,), "bifrost-1": (1, 4), "bifrost-2": (0.5, 4), "": (1, 12)},
}


class Grid(NamedTuple):
    """Threads of a kernel, and what one of them computes: columns x rows of pixels, and slices."""

    threads: int
    columns: int
    rows: int
    slices: int


class Delegate(NamedTuple):
    """What the delegate knows of a graphics processor."""

    vendor: GpuVendor
    generation: str
    units: int

    @property
    def wave(self) -> int:
        """Threads of a full wave of an Adreno."""
        return 64 if self.generation in {"4xx", "5xx"} else 128

    @property
    def constant_bytes(self) -> int:
        """Largest weights that a convolution keeps in constant memory; 0 where no such kernel is chosen [B]."""
        if self.vendor == "adreno":
            return 256 * (10 if self.generation in {"3xx", "4xx", "5xx"} else 14)
        return 1024 if self.vendor == "amd" else 0

    @property
    def winograd(self) -> tuple[int, int, int]:
        """Fewest slices of the input and of the output, and fewest tiles, from which Winograd's kernels are chosen."""
        if self.vendor == "adreno":
            return 32, 32, 128 if self.generation == "6xx" else 64
        return 16, 8 if self.vendor == "amd" else 16, 32

    @property
    def has_3x3(self) -> bool:
        """Whether depthwise convolutions of 3x3 have a kernel of their own, at fp16."""
        return self.vendor != "mali" or self.generation.startswith("bifrost") or self.generation == "valhall-1"

    def grid(self, height: int, width: int, slices: int, groups: int, plain: bool, element_bytes: int) -> Grid:
        """The threads of a convolution with an output of so many pixels and slices.

        Parameters
        ----------
        groups
            Of the convolution: the slices of a block are of one group.
        plain
            Whether its window is one pixel.
        """
        columns, rows, deep = self._block(height, width, slices, plain, element_bytes)
        if groups > 1 and (slices // groups) % deep:
            deep = 2 if deep == 4 and slices // groups % 2 == 0 else 1
        across, down, layers = ceil_div(width, columns), ceil_div(height, rows), ceil_div(slices, deep)
        if self.vendor == "powervr":
            return Grid(round_up(across * down, LINEAR) * layers, columns, rows, deep)
        if self.vendor == "apple":
            grouped = ceil_div(across, 8) * ceil_div(down, 4) * layers
            flat = ceil_div(across * down, LINEAR) * layers
            return Grid(LINEAR * min(grouped, flat, ceil_div(across * down * layers, LINEAR)), columns, rows, deep)
        return Grid(across * down * layers, columns, rows, deep)

    def _block(self, height: int, width: int, slices: int, plain: bool, element_bytes: int) -> tuple[int, int, int]:
        each = height * width * slices / self.units
        if self.vendor == "adreno":
            waves = each / self.wave
            return next((block for most, block in _ADRENO_BLOCKS if waves <= most), (2, 2, 2))
        if self.vendor == "powervr":
            return (2 if element_bytes == 2 else 1), 1, self._deepest(slices, 4 if element_bytes == 2 else 8)
        if self.vendor == "mali":
            return self._mali_block(each, slices, plain, element_bytes)
        if self.vendor == "apple":
            return self._apple_block(height, width, slices)
        return {4: (2, 2, 4), 2: (4, 2, 2)}.get(self._deepest(slices, 4), (4, 4, 1))

    @staticmethod
    def _deepest(slices: int, most: int) -> int:
        if most == 8 and (slices % 8 == 0 or slices >= 32):
            return 8
        if slices % 4 == 0 or slices >= 8:
            return 4
        return 2 if slices % 2 == 0 or slices >= 4 else slices

    def _mali_block(self, each: float, slices: int, plain: bool, element_bytes: int) -> tuple[int, int, int]:
        limits = _MALI_LIMITS[2 if element_bytes == 2 else 4]
        chosen = next((limits[name] for name in limits if name and self.generation.startswith(name)), limits[""])
        size = next((2**i for i, most in enumerate(chosen) if each <= most * 256), 2 ** len(chosen))
        if not plain and self.generation.startswith(("midgard", "bifrost")):
            size = min(size, 4)
        if size >= 4 and slices in {1, 3}:
            return 2, 2, 1
        valhall = self.generation.startswith("valhall") and element_bytes == 4
        return {8: (2, 2, 2), 4: (2, 2, 1) if valhall else (2, 1, 2), 2: (2, 1, 1)}.get(size, (1, 1, 1))

    def _apple_block(self, height: int, width: int, slices: int) -> tuple[int, int, int]:
        waves = ceil_div(height * width * slices, LINEAR)
        size = next((size for size in (8, 4, 2) if waves >= self.units * 8 * size), 1)
        columns = rows = deep = 1
        if size >= 2 and self.generation not in {"1", "2", "3"}:
            columns, rows = (2, 1) if height % 2 and width % 2 == 0 else (1, 2)
            size //= 2
        if size >= 4 and (slices % 4 == 0 or slices >= 16):
            deep, size = 4, size // 4
        elif size >= 2 and (slices % 2 == 0 or slices >= 4):
            deep, size = 2, size // 2
        elif size >= 4 and slices == 3:
            deep = 3
        return columns, rows, deep


def delegate_of(gpu: Gpu, cores: int) -> Delegate:
    """What the delegate knows of a graphics processor with so many cores."""
    return Delegate(gpu.vendor, gpu.generation, max(cores, 1))

"""Random weights of a spread like that of trained ones: activations neither vanish nor grow from layer to layer.

He et al. 2015, arXiv:1502.01852: a standard deviation of sqrt(gain / inputs of an output), with a gain of 2 before
functions that halve the variance. A batch norm is a scale and a shift a channel, as after training.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from mbcost.exporters.program import Array, Shape

#: Variance gain of a product whose result is halved by its activation, of one that ends a residual branch, and of one
#: that a softmax reads, whose largest outputs stand out as those of a trained network do.
HALVED: Final = 2.0
LINEAR: Final = 0.5
CONFIDENT: Final = 64.0
#: Smallest and largest scale of a batch norm, and standard deviation of its shift.
_SCALES: Final = (0.7, 1.3)
_SHIFT: Final = 0.1


class Weights:
    """A stream of weights, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def product(self, shape: Shape, inputs: int, gain: float) -> Array:
        """Weights of a product, each of whose outputs sums so many inputs."""
        spread = np.float32(math.sqrt(gain / max(inputs, 1)))
        return self._random.standard_normal(shape, dtype=np.float32) * spread

    def shifts(self, shape: Shape) -> Array:
        """Biases, or shifts of a batch norm."""
        return self._random.standard_normal(shape, dtype=np.float32) * np.float32(_SHIFT)

    def scales(self, shape: Shape) -> Array:
        """Scales of a batch norm, or factors that keep the spread."""
        low, high = _SCALES
        return (self._random.random(shape, dtype=np.float32) * np.float32(high - low) + np.float32(low)).astype(
            np.float32
        )

    def slopes(self, shape: Shape) -> Array:
        """Slopes of a PReLU, about the 0.25 that training starts from."""
        return self.scales(shape) * np.float32(0.25)

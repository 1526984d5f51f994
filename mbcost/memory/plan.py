"""The memory of a network on a target: RAM for its arena, flash for its weights, and the layer that sets the peak."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from mbcost.graph import LayerGraph
from mbcost.kernels import Kernel
from mbcost.memory.arena import Arena, Placed, plan_arena
from mbcost.memory.interpreter import interpreter_bytes
from mbcost.memory.planners import Planner
from mbcost.memory.tensors import buffers_of
from mbcost.operators import Conv2d, Dense, DepthwiseConv2d, TransposedConv2d

#: Bytes of a bias of an int8 network, an int32, and of a scale, a float32 [B].
_INT8_BIAS: Final = 4
_SCALE: Final = 4


class Flash(NamedTuple):
    """What a network needs of flash [B].

    Attributes
    ----------
    weight_bytes, bias_bytes
        Weights, and biases with batch norm folded into them (int32 for int8).
    scale_bytes
        Scales of int8 weights, one for each output channel of a convolution, in float32.
    file_bytes
        The .tflite file, where that is what lies in flash and mbcost can write it; else None.
    code_bytes
        Code of the runtime; None, since no source gives it.
    """

    weight_bytes: int
    bias_bytes: int
    scale_bytes: int
    file_bytes: int | None = None
    code_bytes: int | None = None

    @property
    def total_bytes(self) -> int:
        """The file where there is one, else weights, biases and scales [B]; without code."""
        return self.file_bytes or self.weight_bytes + self.bias_bytes + self.scale_bytes

    @property
    def what(self) -> str:
        """What the total is."""
        return "the .tflite file" if self.file_bytes else "weights, biases and scales"


@dataclass(frozen=True)
class MemoryPlan:
    """RAM and flash of a network as a planner lays them out.

    Attributes
    ----------
    planner
        How the runtime lays out memory.
    arena
        Tensors and scratch buffers at their places: TFLM's head.
    persistent_bytes
        What an interpreter keeps behind it for good, TFLM's tail, estimated [B]; 0 where there is no interpreter.
    steps
        Names of the kernels, in the order they run; a buffer's step 0 is before the first, step i + 1 is kernel i.
    flash
        What lies in flash.
    """

    planner: Planner
    arena: Arena
    persistent_bytes: int
    steps: tuple[str, ...]
    flash: Flash

    @property
    def ram_bytes(self) -> int:
        """Arena and what the interpreter keeps behind it [B]: what a tensor arena has to hold."""
        return self.arena.size + self.persistent_bytes

    @property
    def peak_layer(self) -> str:
        """The layer that runs when the arena is fullest; ``input`` before the first one."""
        return self.steps[self.arena.peak_step - 1] if self.arena.peak_step else "input"

    @property
    def at_peak(self) -> tuple[Placed, ...]:
        """The tensors and scratch buffers that are alive then, by their offset."""
        return self.arena.alive(self.arena.peak_step)

    @property
    def scratch_bytes(self) -> int:
        """The largest scratch buffer [B]."""
        return max((one.buffer.size for one in self.arena.placed if one.buffer.kind == "scratch"), default=0)

    def to_dict(self) -> dict[str, Any]:
        """The JSON's ``memory``."""
        return {
            "planner": self.planner.name,
            "source": self.planner.source,
            "ram_bytes": self.ram_bytes,
            "arena_bytes": self.arena.size,
            "persistent_bytes": self.persistent_bytes,
            "lower_bound_bytes": self.arena.lower_bound,
            "scratch_bytes": self.scratch_bytes,
            "peak_layer": self.peak_layer,
            "at_peak": [one.buffer.name for one in self.at_peak],
            "flash": {**self.flash._asdict(), "total_bytes": self.flash.total_bytes},
            "buffers": [
                {
                    "name": one.buffer.name,
                    "kind": one.buffer.kind,
                    "offset": one.offset,
                    "bytes": one.buffer.size,
                    "first_step": one.buffer.first,
                    "last_step": one.buffer.last,
                }
                for one in self.arena.placed
            ],
        }


def plan_memory(
    graph: LayerGraph,
    kernels: tuple[Kernel, ...],
    planner: Planner,
    *,
    batch: int,
    precision: str,
    element_bytes: int,
    file_bytes: int | None = None,
) -> MemoryPlan:
    """The memory that a planner lays out for a network.

    Parameters
    ----------
    kernels
        The kernels of the target's runtime.
    batch
        Images per inference.
    precision, element_bytes
        Of activations and weights; scratch buffers are known for int8.
    file_bytes
        Size of the network's .tflite file [B]; None where it is not known.
    """
    quantized = precision == "int8"
    buffers = buffers_of(graph, kernels, planner, batch=batch, element_bytes=element_bytes, scratch=quantized)
    arena = plan_arena(buffers, alignment=planner.alignment, ties=planner.ties)
    count = sum(1 for buffer in buffers if buffer.kind == "scratch")
    kept = interpreter_bytes(kernels, scratch_buffers=count, quantized=quantized) if planner.interpreted else 0
    flash = flash_of(graph, kernels, quantized=quantized, element_bytes=element_bytes)
    return MemoryPlan(
        planner,
        arena,
        kept,
        tuple([kernel.name for kernel in kernels]),
        flash._replace(file_bytes=file_bytes if planner.interpreted else None),
    )


def flash_of(graph: LayerGraph, kernels: tuple[Kernel, ...], *, quantized: bool, element_bytes: int) -> Flash:
    """Weights, biases and scales of a network; what several layers share is there once."""
    weights = biases = scales = 0
    for kernel in kernels:
        if not kernel.main.owns_weights:
            continue
        own = int(kernel.main.cost.weight_elements)
        weights += own * element_bytes
        biases += (int(kernel.weight_elements) - own) * (_INT8_BIAS if quantized else element_bytes)
        for position in kernel.layers[1:]:  # such as the slopes of a fused PReLU
            weights += int(graph.layers[position].cost.weight_elements) * element_bytes
        if quantized:
            scales += _SCALE * _scales(kernel)
    return Flash(weights, biases, scales)


def _scales(kernel: Kernel) -> int:
    """Scales of a kernel's weights: TFLite's 8-bit specification has one a channel of a convolution."""
    if isinstance(kernel.main.operator, (Conv2d, DepthwiseConv2d, TransposedConv2d)):
        return int(kernel.main.output_shape.channels)
    return 1 if isinstance(kernel.main.operator, Dense) else 0

"""What PyTorch itself counts."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mbcost.architectures import ArchitectureSpec
from mbcost.graph import LayerGraph, build_graph
from mbcost.importers.pytorch import from_torch


def counted_macs(module: nn.Module, *inputs: torch.Tensor) -> int:
    """MACs by FlopCounterMode, which counts two FLOPs each.

    With gradients on, as PyTorch's fast path of attention at inference is one operator that it does not count, and best
    on meta tensors, as it does not count the CPU's operator for attention either.
    """
    with FlopCounterMode(display=False) as counter:
        module.eval()(*inputs)
    assert counter.get_total_flops() % 2 == 0
    return counter.get_total_flops() // 2


def imported(module: nn.Module, *sizes: tuple[int, ...]) -> LayerGraph:
    """The graph of a module on inputs of these sizes."""
    return build_graph(spec_of(module, *sizes))


def spec_of(module: nn.Module, *sizes: tuple[int, ...]) -> ArchitectureSpec:
    return from_torch(module, tuple(torch.zeros(size, device="meta") for size in sizes))


def ops(graph: LayerGraph) -> list[str]:
    return [layer.op for layer in graph.layers]

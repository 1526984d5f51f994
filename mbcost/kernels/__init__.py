"""Kernels: what a runtime launches for a network."""

from mbcost.kernels.kernel import KERNEL_KINDS, GemmShape, Kernel, KernelKind
from mbcost.kernels.mapping import map_to_kernels, unsupported_layers
from mbcost.kernels.runtime import Parameter, Runtime, load_runtime, runtime_names

__all__ = [
    "KERNEL_KINDS",
    "GemmShape",
    "Kernel",
    "KernelKind",
    "Parameter",
    "Runtime",
    "load_runtime",
    "map_to_kernels",
    "runtime_names",
    "unsupported_layers",
]

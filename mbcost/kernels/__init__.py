"""Kernels that a runtime launches for a network."""

from mbcost.kernels.assumed import assumed_kernels
from mbcost.kernels.kernel import KERNEL_KINDS, GemmShape, Kernel, KernelKind, launches, weight_bytes
from mbcost.kernels.library import check_runtime, load_runtime, runtime_names, runtime_version
from mbcost.kernels.mapping import map_to_kernels, unsupported_layers
from mbcost.kernels.runtime import Parameter, Runtime

__all__ = [
    "KERNEL_KINDS",
    "GemmShape",
    "Kernel",
    "KernelKind",
    "Parameter",
    "Runtime",
    "assumed_kernels",
    "check_runtime",
    "launches",
    "load_runtime",
    "map_to_kernels",
    "runtime_names",
    "runtime_version",
    "unsupported_layers",
    "weight_bytes",
]

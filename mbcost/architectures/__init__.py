"""Architectures: layer tables in YAML, with alpha, rho and options still open."""

from mbcost.architectures.loader import architecture_names, find_architecture, load_architecture, read_architecture
from mbcost.architectures.scaling import Resolution, WidthRule, scaled_resolution
from mbcost.architectures.spec import ArchitectureSpec

__all__ = [
    "ArchitectureSpec",
    "Resolution",
    "WidthRule",
    "architecture_names",
    "find_architecture",
    "load_architecture",
    "read_architecture",
    "scaled_resolution",
]

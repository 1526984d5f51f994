"""Architectures: layer tables in YAML, with alpha, rho and options still open."""

from mbcost.architectures.loader import architecture_names, find_architecture, load_architecture, read_architecture
from mbcost.architectures.scaling import WidthRule, scaled_resolution
from mbcost.architectures.spec import ArchitectureSpec

__all__ = [
    "ArchitectureSpec",
    "WidthRule",
    "architecture_names",
    "find_architecture",
    "load_architecture",
    "read_architecture",
    "scaled_resolution",
]

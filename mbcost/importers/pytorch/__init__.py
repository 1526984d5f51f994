"""PyTorch modules: :func:`from_torch` for a module, :func:`load_torch` for ``module:callable``."""

from mbcost.importers.pytorch.load import load_torch
from mbcost.importers.pytorch.network import from_torch

__all__ = ["from_torch", "load_torch"]

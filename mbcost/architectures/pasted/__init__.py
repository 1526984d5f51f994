"""Tables pasted from papers, Markdown or tab-separated: found, read, and turned into architecture tables."""

from mbcost.architectures.pasted.grid import Grid, find_grids
from mbcost.architectures.pasted.table import PastedTable, is_pasted, read_pasted

__all__ = ["Grid", "PastedTable", "find_grids", "is_pasted", "read_pasted"]

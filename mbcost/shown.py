"""Base classes of results: the same methods for reports, files, figures and notebooks."""

from __future__ import annotations

from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any, Final

#: The module that draws results. It is in a layer above them, so it is looked up when it is used.
_DOOR: Final = "mbcost.report.show"


class Shown:
    """A result with ``save`` (the suffix selects the format) and a table for notebooks."""

    __slots__ = ()

    def save(self, path: str | PathLike[str], *, force: bool = False) -> Path:
        """Write the result in the format of the suffix: ``.html`` for the report; each result has further formats.

        Parameters
        ----------
        force
            Overwrite an existing file.

        Raises
        ------
        InputError
            MB006 for an unknown suffix, MB007 if the file exists, MB008 if it cannot be written.
        """
        return Path(import_module(_DOOR).save(self, path, force=force))

    def _repr_html_(self) -> str:
        return str(import_module(_DOOR).notebook(self))


class Charted(Shown):
    """A result with charts."""

    __slots__ = ()

    def figure(self, name: str, **which: Any) -> Any:
        """A chart as a ``plotly.graph_objects.Figure``; the error for a wrong name lists the known ones.

        Raises
        ------
        InputError
            MB010 for an unknown name or choice.
        """
        return import_module(_DOOR).figure(self, name, **which)

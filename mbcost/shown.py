"""Results that show themselves: every result has the same way to a page, a file, a figure and a notebook."""

from __future__ import annotations

from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any, Final

#: The one door by which results reach what draws them. It is above them, so that it is looked up when it is used.
_DOOR: Final = "mbcost.report.show"


class Shown:
    """A result: it saves itself in a format that a suffix names, and shows itself in a notebook."""

    __slots__ = ()

    def save(self, path: str | PathLike[str], *, force: bool = False) -> Path:
        """Write the result in the format of the suffix: ``.html`` is the page; each result has others beside it.

        Parameters
        ----------
        force
            Overwrite a file that is there.

        Raises
        ------
        InputError
            MB006 with the suffixes there are for any other, MB007 if the file exists, MB008 if it cannot be written.
        """
        return Path(import_module(_DOOR).save(self, path, force=force))

    def _repr_html_(self) -> str:
        return str(import_module(_DOOR).notebook(self))


class Charted(Shown):
    """A result that has charts."""

    __slots__ = ()

    def figure(self, name: str, **which: Any) -> Any:
        """A chart as a ``plotly.graph_objects.Figure``; a wrong name is answered with those that there are.

        Raises
        ------
        InputError
            MB010 for a name or a choice that there is not.
        """
        return import_module(_DOOR).figure(self, name, **which)

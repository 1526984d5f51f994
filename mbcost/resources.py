"""The places of the data files that ship with mbcost."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from mbcost.errors import DefectError

_FOLDER: Final = "hardware_profiles"


@cache
def hardware_profiles() -> Path:
    """The folder of the shipped hardware profiles: inside an installed package, beside it in a checkout.

    Raises
    ------
    DefectError
        If there is neither, which says that the installation is not complete.
    """
    from importlib import resources

    package = Path(str(resources.files("mbcost")))
    return first_folder(package / _FOLDER, package.parent / _FOLDER)


@cache
def runtime_rules() -> Path:
    """The folder of the runtimes that ship; their families are in a folder of it.

    Raises
    ------
    DefectError
        If it is not there, which says that the installation is not complete.
    """
    from importlib import resources

    return first_folder(Path(str(resources.files("mbcost"))) / "kernels" / "runtimes")


def first_folder(*candidates: Path) -> Path:
    """The first of `candidates` that is a folder.

    Raises
    ------
    DefectError
        If none is.
    """
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    raise DefectError(f"mbcost is not completely installed: no folder {' or '.join(map(str, candidates))}")

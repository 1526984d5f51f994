"""Write the lowest versions that pyproject.toml allows as a constraints file: `numpy>=1.26` becomes `numpy==1.26`.

python .ci/floors.py > floors.txt && python -m pip install -c floors.txt '.[onnx,parquet]'
"""

from __future__ import annotations

import re
import sys
import tomllib
from itertools import chain
from pathlib import Path

#: How a requirement of this project is written.
REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(?P<extra>\[[\w,-]+\])?>=(?P<floor>[\w.]+)(,<[\w.]+)?")
#: Tools that check the source or build it: which versions they have changes nothing for a user.
TOOLS = ("ruff", "mypy", "import-linter", "pandas-stubs", "types-", "build", "hatchling", "playwright", "axe-")


def floors(pyproject: Path) -> list[str]:
    """Pins of the lowest versions of all dependencies, those of the extras included, sorted by name.

    Raises
    ------
    ValueError
        For a requirement without a lowest version.
    """
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    pins = set()
    for requirement in chain(project["dependencies"], *project["optional-dependencies"].values()):
        parts = REQUIREMENT.fullmatch(requirement)
        if parts is None:
            raise ValueError(f"{pyproject}: `{requirement}` has no lowest version")
        if not parts["name"].startswith(TOOLS):
            pins.add(f"{parts['name']}=={parts['floor']}")
    return sorted(pins, key=str.lower)


if __name__ == "__main__":
    sys.stdout.write("\n".join(floors(Path(__file__).parent.parent / "pyproject.toml")) + "\n")

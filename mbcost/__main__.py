"""The command line: ``mbcost`` and ``python -m mbcost``."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import Final

#: Objects between two collections: a start makes many that all live to its end.
_GC_THRESHOLD: Final = 50_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; by default that of the process.

    0 done, 1 a check that was asked for failed, 2 a usage or input error, 3 a defect in mbcost, 130 interrupted.
    """
    gc.set_threshold(_GC_THRESHOLD)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking for them reads the metadata of all packages
    try:
        from mbcost.cli.run import run

        return run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())

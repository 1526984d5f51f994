"""The command line: ``mbcost`` and ``python -m mbcost``."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; by default that of the process.

    0 done, 1 a check that was asked for failed, 2 a usage or input error, 3 a defect in mbcost, 130 interrupted.
    """
    try:
        from mbcost.cli.run import run

        return run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())

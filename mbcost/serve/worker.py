"""A process that analyses one upload after the other: requests on its input, answers on its output, as lines of JSON.

It runs ``python -P -m mbcost.serve.worker``. Whatever a hostile file does to it, the server goes on: memory is limited
by the system, time by the server and by an alarm of its own, for the case that the server is gone.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from mbcost.errors import InputError, Problem, printable
from mbcost.serve.request import Asked

#: Seconds after the server's limit at which a worker without a server ends.
_GRACE_S: Final = 5.0
#: The longest text of problems [characters]: an answer is a line that the server keeps in memory.
_LONGEST: Final = 500_000


def main(arguments: list[str]) -> int:
    """Answer requests until the input ends; the only argument is the most address space [B], 0 for no limit."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints does not get among the answers
    gc.set_threshold(50_000)
    _limit_memory(int(arguments[0]))
    _warm_up()
    for line in sys.stdin.buffer:
        answer = json.dumps(_answer(json.loads(line)))
        answers.write(f"{answer}\n".encode())
        answers.flush()
    return 0


def _limit_memory(most: int) -> None:
    if most and sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _warm_up() -> None:
    """Import and compute once what every request needs."""
    from mbcost.serve.work import perform

    with TemporaryDirectory() as folder:
        perform(Asked("analyze", (("name", "mobilenet_v2"),), ("pixel1",)), {}, Path(folder))


def _answer(task: Mapping[str, Any]) -> dict[str, Any]:
    """What came of a task: its state is ``done`` or ``failed``; ``worn`` asks for another process."""
    from mbcost.serve.work import perform

    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, task["seconds"] + _GRACE_S)
    files = {key: Path(path) for key, path in task["files"].items()}
    asked = Asked(**{**task["asked"], "networks": tuple(map(tuple, task["asked"]["networks"]))})
    try:
        return {"state": "done", **perform(asked, files, Path(task["folder"]))}
    except InputError as error:
        return {"state": "failed", "codes": list(error.codes), "problems": str(error)[:_LONGEST]}
    except MemoryError:
        found = Problem("MB900", "this needs more memory than an analysis may have", hint="see `mbcost serve --memory`")
        return {"state": "failed", "codes": ["MB900"], "problems": found.render(), "worn": True}
    except Exception as error:  # noqa: BLE001  # a defect ends in one line, whatever it is
        traceback.print_exc()
        what = printable(f"{type(error).__name__}: {error}".rstrip(": "))
        text = f"internal error: {what}; please report it with the traceback in the terminal of the server"
        return {"state": "failed", "codes": [], "problems": text, "worn": True}
    finally:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

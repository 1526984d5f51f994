"""A campaign: so many mutants of a format, each in bounded time and memory, in a process of their own.

The process has an empty folder, its own home, and a limit on its memory. What it opens for writing, starts or connects
to is recorded by an audit hook. The process that waits for it notices where it stands still or ends, and starts another
one behind that mutant.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

#: Processor time of a mutant above which it is a hang [s].
HANG_S: Final = 5.0
#: Memory of a mutant above which it is too much, beyond what the process had [B].
MEMORY_BYTES: Final = 2**30
#: Time that the waiting process gives a mutant, however busy the machine is [s].
PATIENCE_S: Final = 120.0
#: Mutants of a process: caches and leaks end with it.
TOGETHER: Final = 5_000
#: What makes the mutants of a process.
CHILD: Final = [sys.executable, "-m", "tests.fuzz.campaign"]
_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES: Final = {
    "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.utime",
}  # fmt: skip
_STARTS: Final = {
    "subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "socket.bind",
    "socket.connect", "socket.sendto", "webbrowser.open",
}  # fmt: skip


@dataclass
class Outcome:
    """What became of the mutants of a format.

    Attributes
    ----------
    mutants, parsed, accepted
        Number of mutants, of those that the first parser takes, and of those that end in a result.
    crashes, hangs, memory, written
        Mutants with an exception beside InputError, without an end within 5 s, with more than 1 GB, and with a file
        that was written, or a process that was started, elsewhere.
    slowest_s, seconds
        The longest time of a mutant, and that of all [s].
    peak_bytes
        The most memory that a process had [B].
    """

    format: str
    mutants: int = 0
    parsed: int = 0
    accepted: int = 0
    crashes: list[dict[str, Any]] = field(default_factory=list)
    hangs: list[dict[str, Any]] = field(default_factory=list)
    memory: list[dict[str, Any]] = field(default_factory=list)
    written: list[dict[str, Any]] = field(default_factory=list)
    slowest_s: float = 0.0
    slowest: int = -1
    seconds: float = 0.0
    peak_bytes: int = 0

    @property
    def is_sound(self) -> bool:
        """Whether no mutant did anything that it must not."""
        return not (self.crashes or self.hangs or self.memory or self.written)

    def add(self, other: Outcome) -> None:
        """Add the mutants of another process."""
        for name in ("mutants", "parsed", "accepted", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("crashes", "hangs", "memory", "written"):
            getattr(self, name).extend(getattr(other, name))
        if other.slowest_s > self.slowest_s:
            self.slowest_s, self.slowest = other.slowest_s, other.slowest
        self.peak_bytes = max(self.peak_bytes, other.peak_bytes)


def campaign(name: str, mutants: int, seed: int, keep: Path | None = None) -> Outcome:
    """The mutants 0 to `mutants` - 1 of a format from a seed; those that fail are copied into `keep`."""
    total, start = Outcome(name), 0
    while start < mutants:
        stop = min(start + TOGETHER, mutants)
        found, start = _process(name, start, stop, seed, keep)
        total.add(found)
    return total


def _process(name: str, start: int, stop: int, seed: int, keep: Path | None) -> tuple[Outcome, int]:
    """The outcome of a process, and the mutant that the next one begins with."""
    with tempfile.TemporaryDirectory(prefix="mbcost-fuzz-") as scratch:
        folder = Path(scratch)
        for part in ("work", "home", "tmp", "devices"):
            (folder / part).mkdir()
        place, result = folder / "place", folder / "result.json"
        place.write_bytes(struct.pack("<q", start))
        root = Path(__file__).parents[2]
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("MBCOST", "PYTEST"))},
            "HOME": str(folder / "home"),
            "XDG_CONFIG_HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            "MBCOST_DEVICES": str(folder / "devices"),
            "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        command = [*CHILD, name, str(start), str(stop), str(seed), str(folder)]
        with (folder / "errors").open("wb") as errors:
            process = subprocess.Popen(
                [*command, str(keep.resolve()) if keep else ""], cwd=folder / "work", env=environment, stderr=errors
            )
            try:
                stuck = _watched(process, place)
            finally:
                process.kill()
                process.wait()
        at = struct.unpack("<q", place.read_bytes())[0]
        if result.exists() and process.returncode == 0:
            return Outcome(**json.loads(result.read_text(encoding="utf-8"))), stop
        found = Outcome(**json.loads(result.read_text(encoding="utf-8"))) if result.exists() else Outcome(name)
        said = (folder / "errors").read_text(encoding="utf-8", errors="replace")[-2000:]
        if process.returncode == 1:  # the fuzzer itself failed, or an import
            raise RuntimeError(f"the process of {name} ended with code {process.returncode}: {said}")
        entry = {"mutant": at, "what": f"the process ended with code {process.returncode}", "said": said}
        (found.hangs if stuck else found.crashes).append(entry)
        return found, at + 1


def _watched(process: subprocess.Popen[bytes], place: Path) -> bool:
    """Wait for a process; true if it stands still."""
    last, since = b"", time.monotonic()
    while True:
        try:
            process.wait(0.2)
        except subprocess.TimeoutExpired:
            now = place.read_bytes()
            if now != last:
                last, since = now, time.monotonic()
            elif time.monotonic() - since > PATIENCE_S:
                return True
        else:
            return False


class _Hang(BaseException):
    """A mutant takes too long."""


def _raise_hang(*_: object) -> None:
    raise _Hang


class _WithoutTorch:
    """Finds no PyTorch, which no format needs and which is larger than the limit of memory."""

    @staticmethod
    def find_spec(name: str, *_: Any) -> None:
        """Refuse `torch` and nothing else."""
        if name == "torch":
            raise ModuleNotFoundError(name)


class _Audit:
    """Records what is written, started or connected to outside of a folder."""

    def __init__(self, folder: Path) -> None:
        self.found: list[str] = []
        self.is_on = False
        self._allowed = f"{folder}{os.sep}"
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.is_on:
            return
        if event == "open":
            path, mode, flags = arguments
            writes = (isinstance(mode, str) and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & _WRITES)
            if writes and not self._is_inside(path):
                self.found.append(f"open {path!r} {mode}")
        elif event in _CHANGES:
            paths = [argument for argument in arguments if isinstance(argument, (str, bytes, os.PathLike))]
            if not all(map(self._is_inside, paths)):
                self.found.append(f"{event} {paths}")
        elif event in _STARTS:
            self.found.append(f"{event} {str(arguments)[:200]}")

    def _is_inside(self, path: Any) -> bool:
        if not isinstance(path, (str, bytes, os.PathLike)):
            return True  # a descriptor, whose opening was seen
        return os.path.abspath(os.fsdecode(path)).startswith(self._allowed)  # noqa: PTH100


def _peak_bytes() -> int:
    """The largest memory of this process [B].

    ``ru_maxrss`` is not it on Linux: it begins with the memory of the process that started this one, which is large in
    a long test run.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(each for each in status.read_text().splitlines() if each.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _run(name: str, start: int, stop: int, seed: int, folder: Path, keep: Path | None) -> None:
    """The mutants of this process."""
    import shutil
    import warnings

    from mbcost.errors import InputError
    from tests.fuzz.formats import FORMATS, NotParsedError

    warnings.simplefilter("error")
    sys.meta_path.insert(0, _WithoutTorch())
    os.fsync = lambda _: None  # a mutant need not outlive a power failure
    form, outcome = FORMATS[name], Outcome(name)
    assert form.seeds is not None
    audit = _Audit(folder)
    place = os.open(folder / "place", os.O_WRONLY)
    signal.signal(signal.SIGPROF, _raise_hang)
    begun, saved = time.process_time(), time.monotonic()
    _limit_memory()
    for number in range(start, stop):
        os.pwrite(place, struct.pack("<q", number), 0)
        if time.monotonic() - saved > 2:
            saved = time.monotonic()
            _save(outcome, folder, begun)
        rng = random.Random(f"{seed} {name} {number}")
        work = folder / "work" / "mutant"
        work.mkdir()
        path = form.write(work, rng)
        outcome.mutants += 1
        if keep is not None:
            shutil.rmtree(folder / "copy", ignore_errors=True)
            shutil.copytree(work, folder / "copy")
        before = time.process_time()
        failure: tuple[str, dict[str, Any]] | None = None
        audit.found, audit.is_on = [], True
        signal.setitimer(signal.ITIMER_PROF, HANG_S)
        try:
            try:
                form.parse(path)
                outcome.parsed += 1
            except (NotParsedError, InputError):
                pass
            form.use(path, rng)
            outcome.accepted += 1
        except InputError as error:
            for problem in error.problems:
                problem.render()
        except _Hang as error:
            failure = "hangs", _described(error)
        except MemoryError as error:
            failure = "memory", _described(error)
        except Exception as error:  # noqa: BLE001  # that is what is looked for
            failure = "crashes", _described(error)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            audit.is_on = False
        took = time.process_time() - before
        if took > outcome.slowest_s:
            outcome.slowest_s, outcome.slowest = took, number
        if audit.found:
            outcome.written.append({"mutant": number, "what": audit.found[:5]})
        if failure is not None:
            getattr(outcome, failure[0]).append({"mutant": number, **failure[1]})
        if keep is not None and (failure is not None or audit.found):
            shutil.copytree(folder / "copy", keep / f"{name}-{number}", dirs_exist_ok=True)
        shutil.rmtree(work)
    _save(outcome, folder, begun)


def _limit_memory() -> None:
    """Allow what the process has now, and what a mutant may take."""
    if sys.platform != "linux":
        return
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY_BYTES, resource.RLIM_INFINITY))


def _save(outcome: Outcome, folder: Path, begun: float) -> None:
    outcome.seconds = time.process_time() - begun
    outcome.peak_bytes = _peak_bytes()
    (folder / "result.new").write_text(json.dumps(asdict(outcome)), encoding="utf-8")
    (folder / "result.new").replace(folder / "result.json")


def _described(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)
    mine = [frame for frame in frames if f"{os.sep}mbcost{os.sep}" in frame.filename and "fuzz" not in frame.filename]
    where = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in mine[-4:]]
    return {"what": f"{type(error).__name__}: {str(error)[:300]}", "where": " < ".join(reversed(where))}


if __name__ == "__main__":
    _name, _start, _stop, _seed, _folder, _keep = sys.argv[1:]
    _run(_name, int(_start), int(_stop), int(_seed), Path(_folder), Path(_keep) if _keep else None)

"""Sweeps into folders: equal to those in memory, resumed, on a cluster that loses a worker, on a full disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mbcost
from mbcost import files
from mbcost.errors import InputError
from mbcost.search import engines, executor_of, parts, sweep_to_parts
from mbcost.search.parallel import run as run_pieces
from mbcost.search.result import COLUMNS

pytest.importorskip("pyarrow")

GRID: dict[str, Any] = {"alpha": "0.35:1:0.05", "resolution": range(97, 197)}
MODELS, TARGETS = ["mobilenet_v1", "mobilenet_v2"], ["pixel1", "pixel4/gpu"]


@pytest.fixture(scope="module")
def whole() -> pd.DataFrame:
    """The same sweep in memory, its rows by network, configuration and target."""
    return ordered(mbcost.sweep(MODELS, TARGETS, **GRID).to_frame())


def ordered(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.astype({"architecture": str, "target": str, "precision": str, "basis": str})
    keys = ["architecture", "target", "batch", "alpha", "resolution"]
    return frame.sort_values(keys, ignore_index=True)[[c for c in COLUMNS if c != "on_front"]]


def together(paths: tuple[Path, ...]) -> pd.DataFrame:
    return ordered(pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True))


def test_parts_are_the_sweep(tmp_path: Path, whole: pd.DataFrame) -> None:
    seen: list[tuple[int, int]] = []
    made = sweep_to_parts(
        MODELS, TARGETS, **GRID, folder=tmp_path / "new" / "folder", part_rows=500,
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert made.rows == len(whole) == 2 * 2 * 14 * 100
    assert made.found == 0
    assert len(made.paths) == 2 * 6  # 1,400 configurations a network, 250 a part
    pd.testing.assert_frame_equal(together(made.paths), whole, check_exact=True)
    assert seen[-1] == (2800, 2800)
    front = pd.read_parquet(made.front)
    in_memory = mbcost.sweep(MODELS, TARGETS, **GRID)
    expected = in_memory.to_frame().iloc[in_memory.front()]
    assert sorted(front["latency_ms"]) == sorted(expected["latency_ms"])


def test_an_interrupted_run_is_taken_up(tmp_path: Path, whole: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first run is interrupted in its fifth part; the second one makes only what is missing."""
    evaluated: list[int] = []
    original = parts.evaluate_part

    def interrupted(work: Any) -> Any:
        evaluated.append(work.points.size)
        if len(evaluated) == 5:
            raise KeyboardInterrupt
        return original(work)

    monkeypatch.setattr(parts, "evaluate_part", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sweep_to_parts(MODELS, TARGETS, **GRID, folder=tmp_path, part_rows=500)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [
        "part-00000.parquet",
        "part-00001.parquet",
        "part-00002.parquet",
        "part-00003.parquet",
        "sweep.json",
        "sweep.sha256",
    ]
    made = sweep_to_parts(MODELS, TARGETS, **GRID, folder=tmp_path, part_rows=500)
    assert made.found == 4
    assert len(evaluated) == 5 + 8
    pd.testing.assert_frame_equal(together(made.paths), whole, check_exact=True)
    again = sweep_to_parts(MODELS, TARGETS, **GRID, folder=tmp_path, part_rows=500)
    assert (again.found, len(evaluated)) == (12, 13)


def test_a_full_disk_leaves_what_was_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace, written = files._replace, []

    def full(path: Path, content: bytes) -> None:
        if path.suffix == ".parquet":
            if len(written) == 2:
                raise OSError(28, "No space left on device")
            written.append(path)
        replace(path, content)

    monkeypatch.setattr(files, "_replace", full)
    with pytest.raises(InputError) as caught:
        sweep_to_parts("mobilenet_v2", "pixel1", **GRID, folder=tmp_path, part_rows=400)
    (problem,) = caught.value.problems
    assert problem.code == "MB008"
    assert "No space left on device" in problem.message
    assert problem.hint is not None
    assert "stay" in problem.hint
    monkeypatch.setattr(files, "_replace", replace)
    assert sweep_to_parts("mobilenet_v2", "pixel1", **GRID, folder=tmp_path, part_rows=400).found == 2


def test_other_folders_are_kept(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError) as caught:
        sweep_to_parts("mobilenet_v2", "pixel1", alpha=1, folder=tmp_path)
    assert caught.value.codes == ("MB007",)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    folder = tmp_path / "one"
    sweep_to_parts("mobilenet_v2", "pixel1", alpha=1, folder=folder)
    for other in ({"alpha": 0.5}, {"alpha": 1, "batch": 2}, {"alpha": 1, "options": {"classes": 10}}):
        with pytest.raises(InputError, match="holds another sweep"):
            sweep_to_parts("mobilenet_v2", "pixel1", folder=folder, **other)  # type: ignore[arg-type]
    for damaged in (b"{", b"", b"\xff\xfe", b"[" * 100_000, b"null\0"):
        (folder / "sweep.json").write_bytes(damaged)
        with pytest.raises(InputError, match=r"sweep\.json is damaged"):
            sweep_to_parts("mobilenet_v2", "pixel1", alpha=1, folder=folder)
    with pytest.raises(InputError) as caught:
        sweep_to_parts("mobilenet_v2", "pixel1", alpha=1, folder=tmp_path / "mine.txt")
    assert caught.value.codes == ("MB008",)


DAMAGE: dict[str, Any] = {
    "emptied": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "cut to its mark": lambda path: path.write_bytes(path.read_bytes()[:4]),
    "one bit": lambda path: path.write_bytes(bytes([*(c := path.read_bytes())[:100], c[100] ^ 1, *c[101:]])),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "not Parquet": lambda path: path.write_text("alpha,latency_ms"),
    "another part": lambda path: path.write_bytes((path.parent / "part-00003.parquet").read_bytes()),
    "removed": lambda path: path.unlink(),
}


@pytest.mark.parametrize("name", ["part-00001.parquet", "front.parquet", "sweep.sha256"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_what_was_damaged_is_made_again(name: str, damage: str, tmp_path: Path) -> None:
    """Whatever became of a file, the next run ends with all files as they were."""
    grid = {"alpha": "0.35:1:0.05", "resolution": range(97, 107)}
    made = sweep_to_parts("mobilenet_v2", "pixel1", **grid, folder=tmp_path, part_rows=35)  # type: ignore[arg-type]
    assert (len(made.paths), made.found, made.damaged) == (4, 0, 0)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    DAMAGE[damage](tmp_path / name)
    again = sweep_to_parts("mobilenet_v2", "pixel1", **grid, folder=tmp_path, part_rows=35)  # type: ignore[arg-type]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    if name == "part-00001.parquet":
        assert (again.found, again.damaged) == (3, int(damage != "removed"))


def test_a_part_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    sync, rename = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append("synced"), sync(handle))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append(Path(b).name), rename(a, b))[1])
    sweep_to_parts("mobilenet_v2", "pixel1", alpha=1, folder=tmp_path)
    assert done[0::2] == ["synced"] * (len(done) // 2)
    assert done[1::2] == ["sweep.json", "sweep.sha256", "part-00000.parquet", "sweep.sha256", "front.parquet"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_folder_whose_name_is_no_text(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"x\xe9")
    made = sweep_to_parts("mobilenet_v2", "pixel1", alpha=1, folder=folder)
    assert made.rows == 1
    assert made.front.is_file()


def a_sweep_in_processes(folder: Path, *, starting: bool = False) -> subprocess.Popen[str]:
    """`mbcost sweep --engine processes` of many parts, in a session of its own.

    It has finished a part, or its first worker is just starting.
    """
    command = [
        sys.executable,
        "-m",
        "mbcost",
        "sweep",
        "mobilenet_v2",
        "--device",
        "pixel1",
        "--alpha",
        "0.35:1:0.0001",
    ]
    command += ["--resolution", "97:297:1", "--parts", str(folder), "--engine", "processes", "--workers", "2"]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it, as would
    try:  # all that it starts
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    finally:
        signal.signal(signal.SIGINT, before)
    # the sweep itself, the resource tracker of multiprocessing, and a worker
    while len(group_of(process.pid)) < 3 if starting else not list(folder.glob("part-*.parquet")):
        assert process.poll() is None, process.stderr.read()  # type: ignore[union-attr]
        time.sleep(0.01)
    return process


def ends(condition: Any, seconds: float) -> bool:
    """Whether a condition holds within some time, however busy the machine is."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def group_of(group: int) -> list[str]:
    """The living processes of a group; those that nobody has waited for yet count as ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(its_group) == group and state != "Z":
            found.append(stat.parent.name)
    return found


def group_is_empty(group: int) -> bool:
    """Whether no process of a group lives."""
    return not group_of(group)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc is on Linux only")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_a_sweep_that_is_killed(how: signal.Signals, tmp_path: Path) -> None:
    process = a_sweep_in_processes(tmp_path)
    try:
        process.send_signal(how)
        assert process.wait(60) == -how
        assert ends(lambda: group_is_empty(process.pid), 60)
    finally:
        if not group_is_empty(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc is on Linux only")
@pytest.mark.parametrize("starting", [False, True])
def test_an_interrupted_sweep_says_how_to_go_on(tmp_path: Path, starting: bool) -> None:
    """Ctrl-C goes to all processes of a terminal: one sentence, and none of the workers' tracebacks.

    A worker that Ctrl-C ended while it was starting left the sweep waiting for ever.
    """
    process = a_sweep_in_processes(tmp_path, starting=starting)
    try:
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=120)[1]
        assert process.returncode == 130
        assert said.count("\n") == 1
        assert f"interrupted; the finished parts stay in {tmp_path}: the same command resumes from there" in said
        assert ends(lambda: group_is_empty(process.pid), 60)
    finally:
        if not group_is_empty(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 4_000_000])  # a queue's pipe takes 64 KiB
def test_what_is_given_up_is_neither_finished_nor_begun(size: int) -> None:
    """Ten pieces of ten minutes, of which a worker has begun one, end with the block."""
    begun, pieces = time.monotonic(), list[Future[None]]()

    def interrupted() -> None:
        with executor_of("processes", workers=1) as executor:
            assert executor is not None
            pieces.extend(executor.submit(sleep, 600, bytes(size)) for _ in range(10))
            assert ends(pieces[0].running, 60)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert time.monotonic() - begun < 120
    assert all(piece.cancelled() or piece.exception() is not None for piece in pieces)


def sleep(seconds: float, _: bytes) -> None:
    time.sleep(seconds)


class FailsAll(Executor):
    """An executor whose worker dies: all futures fail, and none may be cancelled meanwhile."""

    def __init__(self) -> None:
        self.futures: list[Future[Any]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if not self.futures:
            future.set_exception(BrokenExecutor("a worker died"))
        self.futures.append(future)
        return future


def test_pieces_of_a_broken_executor_are_not_cancelled() -> None:
    """Python 3.11 sets the exception of each, and its thread ends if one was cancelled before."""
    executor = FailsAll()
    with pytest.raises(InputError, match="MB800"):
        list(run_pieces(str, range(10), executor, in_flight=4))
    assert [future.cancelled() for future in executor.futures[1:]] == [False] * 3


class Broken(Executor):
    """An executor whose workers die: all of them, or those of every second piece."""

    def __init__(self, error: Exception, *, every: int = 1) -> None:
        self.error, self.every, self.pieces = error, every, 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.pieces += 1
        if self.pieces % self.every == 0:
            future.set_exception(self.error)
        else:
            future.set_result(fn(*args, **kwargs))
        return future


ERRORS = [
    BrokenExecutor("a worker died"),
    CancelledError(),
    ValueError("too many values to unpack (expected 3)"),  # of distributed 2026.8, when a worker dies
    RuntimeError("cannot schedule new futures after shutdown"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_broken_executor(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        sweep_to_parts("mobilenet_v2", "pixel1", alpha=1, folder=tmp_path, executor=Broken(error))
    assert caught.value.codes == ("MB800",)
    assert "the same command resumes" in str(caught.value)
    with pytest.raises(InputError) as caught:
        mbcost.sweep("mobilenet_v2", "pixel1", alpha=1, executor=Broken(error))
    assert caught.value.codes == ("MB800",)


@pytest.mark.parametrize("error", ERRORS[1:], ids=lambda error: type(error).__name__)
def test_a_piece_that_an_executor_loses_is_handed_in_again(
    error: Exception, tmp_path: Path, whole: pd.DataFrame
) -> None:
    executor = Broken(error, every=3)
    made = sweep_to_parts(MODELS, TARGETS, **GRID, folder=tmp_path, part_rows=500, executor=executor)
    assert executor.pieces > len(made.paths)
    pd.testing.assert_frame_equal(together(made.paths), whole, check_exact=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Dask's own
@pytest.mark.parametrize("executor_of_client", [engines.Cluster, lambda client: client.get_executor(pure=False)])
def test_a_cluster_that_loses_a_worker(tmp_path: Path, executor_of_client: Any) -> None:
    """Two worker processes, one killed once parts are there: the result is that of one process."""
    distributed = pytest.importorskip("distributed")
    grid = {"alpha": "0.35:1:0.01", "resolution": range(97, 297)}
    alone = ordered(mbcost.sweep("mobilenet_v2", "pixel1", **grid).to_frame())  # type: ignore[arg-type]
    killed: list[int] = []
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
        executor_of_client(client) as executor,
    ):

        def kill_one() -> None:
            while not list(tmp_path.glob("part-*.parquet")):
                time.sleep(0.01)
            process_id = next(iter(client.run(os.getpid).values()))
            os.kill(process_id, signal.SIGKILL)
            killed.append(process_id)

        killer = threading.Thread(target=kill_one)
        killer.start()
        made = sweep_to_parts("mobilenet_v2", "pixel1", **grid, folder=tmp_path, executor=executor, part_rows=500)  # type: ignore[arg-type]
        killer.join()
    assert killed
    assert len(made.paths) == -(-66 * 200 // 500)
    pd.testing.assert_frame_equal(together(made.paths), alone, check_exact=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("engine", ["local", "processes", "dask"])
def test_engines(engine: Any, tmp_path: Path) -> None:
    if engine == "dask":
        pytest.importorskip("distributed")
    alone = mbcost.sweep("mobilenet_v2", "pixel1", alpha=[0.5, 1], resolution=range(97, 107))
    with executor_of(engine, workers=None if engine == "local" else 1) as executor:
        there = mbcost.sweep("mobilenet_v2", "pixel1", alpha=[0.5, 1], resolution=range(97, 107), executor=executor)
    assert np.array_equal(alone.columns["latency_ms"], there.columns["latency_ms"])


@pytest.mark.filterwarnings("default")
def test_bad_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    def error_of(*arguments: Any, **options: Any) -> str:
        with pytest.raises(InputError) as caught, executor_of(*arguments, **options):
            pass
        return f"{caught.value.codes[0]} {caught.value}"

    assert "MB010" in error_of("spark")
    assert "MB010" in error_of("processes", scheduler="tcp://127.0.0.1:1")
    assert "MB010" in error_of("local", workers=2)
    assert "MB010" in error_of("processes", workers=0)
    monkeypatch.setattr("mbcost.search.engines.PATIENCE_S", 1)
    pytest.importorskip("distributed")
    assert "MB801" in error_of("dask", scheduler="tcp://127.0.0.1:1")
    assert "MB801" in error_of("dask", scheduler="not an address")

    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr("mbcost.search.engines.import_module", missing)
    assert "mbcost[distributed]" in error_of("dask")


def test_the_manifest_says_what_is_swept(tmp_path: Path) -> None:
    sweep_to_parts(["mobilenet_v1", "mobilenet_v2"], "pixel1", alpha=[0.5, 1], folder=tmp_path)
    said = json.loads((tmp_path / "sweep.json").read_text())
    assert [network["name"] for network in said["networks"]] == ["mobilenet_v1", "mobilenet_v2"]
    assert said["targets"][0]["target"] == "pixel1/cpu@tflite-2018"
    assert said["configurations"] == 4

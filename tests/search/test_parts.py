"""Sweeps into folders: equal to those in memory, resumed, on a cluster that loses a worker, on a full disk."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mbcost
from mbcost import files
from mbcost.errors import InputError
from mbcost.search import executor_of, parts, sweep_to_parts
from mbcost.search.result import COLUMNS

pytest.importorskip("pyarrow")

GRID: dict[str, Any] = {"alpha": "0.35:1:0.05", "resolution": range(97, 197)}
MODELS, TARGETS = ["mobilenet_v1", "mobilenet_v2"], ["pixel1", "pixel4/gpu"]


@pytest.fixture(scope="module")
def whole() -> pd.DataFrame:
    """The same sweep in memory, its rows by network, configuration and target."""
    return ordered(mbcost.sweep(MODELS, TARGETS, **GRID).to_frame())


def ordered(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.astype({"architecture": str, "target": str, "precision": str})
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
    (folder / "sweep.json").write_text("{")
    with pytest.raises(InputError, match="holds another sweep"):
        sweep_to_parts("mobilenet_v2", "pixel1", alpha=1, folder=folder)
    with pytest.raises(InputError) as caught:
        sweep_to_parts("mobilenet_v2", "pixel1", alpha=1, folder=tmp_path / "mine.txt")
    assert caught.value.codes == ("MB008",)


class Broken(Executor):
    """An executor whose workers die."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(BrokenExecutor("a worker died"))
        return future


def test_a_broken_executor(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        sweep_to_parts("mobilenet_v2", "pixel1", alpha=1, folder=tmp_path, executor=Broken())
    assert caught.value.codes == ("MB800",)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Dask's own
def test_a_cluster_that_loses_a_worker(tmp_path: Path) -> None:
    """Two worker processes, one killed once parts are there: the result is that of one process."""
    distributed = pytest.importorskip("distributed")
    grid = {"alpha": "0.35:1:0.01", "resolution": range(97, 297)}
    alone = ordered(mbcost.sweep("mobilenet_v2", "pixel1", **grid).to_frame())  # type: ignore[arg-type]
    killed: list[int] = []
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor(retries=3, pure=False) as executor,
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

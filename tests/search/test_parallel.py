"""Sweeps on executors: the same result, in order, with bounded memory."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest

import mbcost
from mbcost.errors import InputError
from mbcost.search.parallel import IN_FLIGHT, run

GRID = {"alpha": "0.5:1:0.05", "resolution": range(100, 900)}


def same(a: mbcost.SweepResult, b: mbcost.SweepResult) -> bool:
    """Every column to the bit, NaN like NaN."""
    return all(
        np.array_equal(a.columns[name], b.columns[name], equal_nan=a.columns[name].dtype.kind == "f")
        for name in a.columns
    )


@pytest.mark.parametrize(
    "executor",
    [lambda: ThreadPoolExecutor(2), lambda: ProcessPoolExecutor(2, mp_context=get_context("spawn"))],
    ids=["threads", "processes"],
)
def test_executors_give_the_same(executor: Callable[[], Executor]) -> None:
    alone = mbcost.sweep(["mobilenet_v2", "mobilenet_v1"], ["pixel1", "pixel4/gpu"], **GRID)
    seen: list[tuple[int, int]] = []
    with executor() as pool:
        together = mbcost.sweep(
            ["mobilenet_v2", "mobilenet_v1"], ["pixel1", "pixel4/gpu"], **GRID, executor=pool,
            progress=lambda done, total: seen.append((done, total)),
        )  # fmt: skip
    assert same(alone, together)
    assert seen[-1] == (2 * 8800, 2 * 8800)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_an_error_comes_back_from_another_process() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, pytest.raises(InputError) as caught:
        mbcost.sweep("ssd300_vgg16", "pixel1", resolution=[300, 100], executor=pool)
    assert "resolution 100" in str(caught.value)


class Counting(Executor):
    """An executor that runs nothing until a result is wanted, and counts what waits."""

    def __init__(self) -> None:
        self.waiting = self.most = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        outer = self

        class Lazy(Future[Any]):
            def result(self, timeout: float | None = None) -> Any:
                outer.waiting -= 1
                return fn(*args, **kwargs)

        return Lazy()


def test_few_pieces_wait_at_once() -> None:
    executor = Counting()
    assert list(run(lambda x: x * x, range(500), executor)) == [x * x for x in range(500)]
    assert executor.most == IN_FLIGHT


def test_every_architecture_travels() -> None:
    for name in mbcost.architecture_names():
        copy = pickle.loads(pickle.dumps(mbcost.load(name)))
        assert mbcost.build_graph(copy).cost == mbcost.build_graph(mbcost.load(name)).cost

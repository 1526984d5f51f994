"""Values that stand on the edge of something: what a damaged or hostile file puts in the place of a sound one."""

from __future__ import annotations

import random
from typing import Any, Final

INTEGERS: Final = (
    0, 1, -1, 2, 3, 7, 8, 16, 255, 256, 1000, 4096, 65_535, 65_537, 10**6, 2**20, 10**9, 2**31 - 1, 2**31, -(2**31),
    2**32, 2**53, 2**63 - 1, -(2**63),
)  # fmt: skip
FLOATS: Final = (0.0, -0.0, 0.5, -1.5, 1e-320, 1e-30, 1e30, 1e300, float("inf"), float("-inf"), float("nan"))
TEXTS: Final = (
    "", " ", "-", "0", "1e309", "none", "true", "null", "nan", "224x224x3", "3x3", "=1+1", "@SUM(A1)", "\x1b[31mred",
    "a\nb", "a\tb", "\u202egnp", "\x00", "\ud800", "é" * 40, "x" * 5000, "../../etc/passwd", "/dev/zero", "os:abort",
    "http.server:test", "this:that", "__import__('os')", "1 // 0", "2 ** 999", "(" * 50, "-1", "fp32", "int8", "cpu",
    "4 GHz", "1 MiB", "conv2d", "input",
)  # fmt: skip


def integer(rng: random.Random, near: int = 0) -> int:
    """An integer on an edge, or near another one."""
    return rng.choice((rng.choice(INTEGERS), near + rng.randint(-2, 2), near * 2, rng.randrange(1024)))


def scalar(rng: random.Random) -> Any:
    """A number, a text, a boolean or nothing."""
    kind = rng.randrange(8)
    if kind < 3:
        return integer(rng)
    if kind < 5:
        return rng.choice(FLOATS)
    return rng.choice(TEXTS) if kind < 7 else rng.choice((None, True, False))


def near(old: Any, rng: random.Random) -> Any:
    """Half of the time a value like the old one, which checks let through; else any scalar."""
    if isinstance(old, bool) or rng.random() < 0.5:
        return scalar(rng)
    if isinstance(old, int):
        return rng.choice((old + 1, old - 1, old * 2, old // 2, rng.randrange(1, 9), rng.randrange(1, 257)))
    return old * rng.choice((0.5, 0.99, 1.01, 2.0, 10.0)) if isinstance(old, float) else scalar(rng)


def value(rng: random.Random) -> Any:
    """A scalar, or a small container."""
    kind = rng.randrange(10)
    if kind < 7:
        return scalar(rng)
    if kind < 8:
        return [scalar(rng) for _ in range(rng.randrange(4))]
    if kind < 9:
        return {str(scalar(rng)): scalar(rng) for _ in range(rng.randrange(3))}
    deep: Any = scalar(rng)
    for _ in range(rng.choice((2, 8, 60))):
        deep = [deep]
    return deep

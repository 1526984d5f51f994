"""Truncated, mutated and random bytes: an InputError, never a traceback, in bounded time and memory; weights unread."""

from __future__ import annotations

import random
import struct
import time
import tracemalloc
from pathlib import Path

import pytest

from mbcost.errors import InputError
from mbcost.graph import build_graph
from mbcost.importers.tflite import read_tflite
from mbcost.importers.tflite.flatbuffer import DamagedError, Flatbuffer, Slot
from mbcost.networks import load
from tests.importers.tflite.build import Model
from tests.importers.tflite.cases import CASES, image
from tests.importers.tflite.from_table import as_tflite


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\0" * 7, b"\0\0\0\0TFL2" * 9, b"PK\3\4" * 99])
def test_another_format(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.tflite"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_tflite(path)
    assert caught.value.codes == ("MB500",)


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    for path, code in ((tmp_path / "none.tflite", "MB001"), (tmp_path, "MB002")):
        with pytest.raises(InputError) as caught:
            read_tflite(path)
        assert caught.value.codes == (code,)


def small_network() -> bytes:
    """A file in which most kinds of table occur."""
    m = Model("INT8")
    x = m.conv(m.pad(image(m, 1, 32, 32, 3), 0, 0, 0, 1, 0, 1, 0, 0), 8, 3, 2, "RELU6", "VALID")
    y = m.depthwise(x, activation="RELU6")
    y = m.binary("ADD", m.conv(y, 8), x)
    gate = m.hard_sigmoid(m.conv(m.mean(y, 1, 2, keep=True), 8))
    y = m.binary("MUL", y, gate)
    y = m.op("CONCATENATION", [x, y], (1, 16, 16, 16), kind="ConcatenationOptions", Axis=3)
    y = m.reshape(m.transpose(m.reshape(y, 1, 16, 16, 2, 8), 0, 1, 2, 4, 3), 1, 16, 16, 16)
    y = m.reshape(m.pool("MAX_POOL_2D", y, 16, 1, "VALID"), 1, 16)
    return m.finish(m.op("SOFTMAX", [m.dense(y, 10)], (1, 10)))


def read_or_refuse(path: Path, content: bytes) -> bool:
    """Whether a file is read; whatever it holds, it ends in a network or in an InputError that names it."""
    path.write_bytes(content)
    error = None
    try:
        read_tflite(path, unsupported="estimate")
    except InputError as caught:
        error = caught
    assert error is None or str(path) in str(error)
    return error is None


def test_truncated(tmp_path: Path) -> None:
    content = small_network()
    for size in range(8, len(content) - 16, max(1, len(content) // 150)):
        read_or_refuse(tmp_path / "net.tflite", content[:size])


@pytest.mark.parametrize("seed", range(20))
def test_mutated(tmp_path: Path, seed: int) -> None:
    """40 files each: a few bytes or 32-bit words are replaced, mostly by values that are on the edge of something."""
    rng = random.Random(seed)
    content = small_network()
    assert read_or_refuse(tmp_path / "net.tflite", content)
    start, outcomes = time.process_time(), set()
    for _ in range(40):
        mutated = bytearray(content)
        for _ in range(rng.choice((1, 1, 2, 8, 64))):
            if rng.random() < 0.5:
                mutated[rng.randrange(8, len(mutated))] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
            else:
                word = rng.choice((0, 1, -1, 2**31 - 1, -(2**31), rng.randrange(len(content))))
                struct.pack_into("<i", mutated, rng.randrange(2, len(mutated) // 4) * 4, word)
        outcomes.add(read_or_refuse(tmp_path / "net.tflite", bytes(mutated)))
    assert time.process_time() - start < 20
    assert False in outcomes


def test_random_bytes_behind_the_identifier(tmp_path: Path) -> None:
    rng = random.Random(7)
    for _ in range(200):
        tail = rng.randbytes(rng.choice((0, 4, 64, 4096)))
        head = struct.pack("<I", rng.choice((0, 8, 12, 2**31, 2**32 - 1)))
        assert not read_or_refuse(tmp_path / "net.tflite", head + b"TFL3" + tail)


def test_every_case_survives_single_flips(tmp_path: Path) -> None:
    rng = random.Random(3)
    for _, build, _ in CASES:
        model = Model()
        output = build(model)
        content = bytearray(model.finish(*(output if isinstance(output, list) else [output])))
        for _ in range(6):
            mutated = bytearray(content)
            mutated[rng.randrange(8, len(content))] ^= 1 << rng.randrange(8)
            read_or_refuse(tmp_path / "net.tflite", bytes(mutated))


def test_weights_are_not_read(tmp_path: Path) -> None:
    """MobileNet V2 with all of its 14 MB: read in milliseconds, without a copy of the weights."""
    path = tmp_path / "mobilenet_v2.tflite"
    path.write_bytes(as_tflite(build_graph(load("mobilenet_v2")), filled=True))
    assert path.stat().st_size > 13_900_000
    tracemalloc.start()
    spec = read_tflite(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6
    begin = time.process_time()
    read_tflite(path)
    assert time.process_time() - begin < 0.5
    assert build_graph(spec).cost.macs == 300_774_272


# -- the reader by itself ----------------------------------------------------------------------------------------------

TREE = {"Node": {"children": Slot(0, "[Node]"), "numbers": Slot(1, "[int]"), "name": Slot(2, "string")}}


def node(children: int, numbers: int) -> bytes:
    """A table whose children all are the table behind it, and which has some numbers."""
    vtable = struct.pack("<5H", 10, 12, 4, 8, 0)
    references = 4 + 4 * children
    vectors = struct.pack("<I", children) + b"".join(
        struct.pack("<I", references + 4 * numbers + 4 - 4 * (i + 1) + len(vtable) + 2) for i in range(children)
    )
    table = struct.pack("<iII", len(vtable), 8, 4 + references)
    return b"\0\0" + vtable + table + vectors + struct.pack("<I", numbers) + b"\1\0\0\0" * numbers


def test_the_same_bytes_many_times_over() -> None:
    """Eight tables in a row, each of them a thousand times in the one before: 10**24 tables in 30 kB."""
    content = struct.pack("<I", 4 + 12) + b"".join(node(1000, 10) for _ in range(8)) + node(0, 10)
    buffer = Flatbuffer(content, TREE)
    root = buffer.root("Node")
    assert root.numbers("numbers") == (1,) * 10
    assert root.tables("children")[999].tables("children")[0].numbers("numbers") == (1,) * 10

    def count(table: object) -> int:
        return 1 + sum(count(child) for child in table.tables("children"))  # type: ignore[attr-defined]

    begin = time.process_time()
    with pytest.raises(DamagedError, match="too many times over"):
        count(root)
    assert time.process_time() - begin < 20


def test_missing_fields_have_their_defaults() -> None:
    root = Flatbuffer(struct.pack("<I", 8) + struct.pack("<2H", 4, 4) + struct.pack("<i", 4), TREE).root("Node")
    assert (root.numbers("numbers"), root.text("name"), len(root.tables("children"))) == ((), "", 0)
    assert root.has("name")
    with pytest.raises(DamagedError, match="there is no Node number 0 among 0"):
        root.tables("children")[0]

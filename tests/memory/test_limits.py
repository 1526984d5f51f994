"""Limits of RAM and flash: units, errors, what exceeds them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import mbcost
from mbcost.devices.types import Memories, Quantity
from mbcost.errors import InputError
from mbcost.memory.limits import Limits, board_notes, excesses, read_limits
from mbcost.memory.planners import PLANNERS

TARGET = "pixel4/cpu@tflite-2.10"


def small() -> mbcost.Analysis:
    return mbcost.analyze("mobilenet_v1", TARGET, alpha=0.25, resolution=96, precision="int8", options={"classes": 2})


@pytest.mark.parametrize(
    ("given", "size"), [("256KiB", 262_144), ("256 kB", 256_000), ("1MiB", 1_048_576), (65536, 65536), (None, None)]
)
def test_sizes(given: Any, size: float | None) -> None:
    assert read_limits(given, None) == Limits(size, None)
    assert read_limits(None, given) == Limits(None, size)


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ("256K", "ram is no size: unknown unit `K`", "did you mean `256KiB`?"),
        ("256 kb", "ram is no size: unknown unit `kb`", "`kB`"),
        ("256", "ram is no size: `256` has no unit", "256KiB"),
        ("lots", "ram is no size: `lots` is not a number", "such as 256KiB"),
        ("30ms", "ram is no size: `ms` is a unit of time", "such as 256KiB"),
        ("0KiB", "ram is `0KiB`, it has to be above 0", "such as 256KiB"),
        (-5, "ram is -5, it has to be above 0", "such as 256KiB"),
        (True, "ram is True, which is no size", "such as 256KiB"),
    ],
)
def test_bad_sizes(given: Any, message: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        read_limits(given)
    (problem,) = caught.value.problems
    assert problem.code == "MB010"
    assert problem.message.startswith(message)
    assert hint in (problem.hint or "")


def test_all_problems_at_once() -> None:
    with pytest.raises(InputError) as caught:
        mbcost.pick("mobilenet_v1", "pixel1", budget="3 apples", ram="1 K", flash="x")
    assert [problem.message.split()[0] for problem in caught.value.problems] == ["ram", "flash", "budget"]


def test_what_exceeds_says_by_how_much_and_why() -> None:
    """The arena of 73,728 bytes and what the interpreter keeps, against 64 KiB: the peak is the first convolution."""
    plan = small().plan_memory("tflm")
    needs = 73_728 + plan.persistent_bytes
    ram, flash = excesses(plan, Limits(65_536, 1000))
    assert (ram.needs, flash.needs) == (needs, plan.flash.total_bytes)
    assert "KiB more than 64.0 KiB: the peak is at conv2d_1 (27.0 KiB input, 18.0 KiB conv2d_1/relu6)" in str(ram)
    assert excesses(plan, Limits(needs, plan.flash.total_bytes)) == []
    assert excesses(plan, Limits()) == []


def test_json() -> None:
    """The documented keys, and what a picture of the arena needs of each buffer."""
    found = json.loads(json.dumps(small().to_dict()["memory"]))
    assert list(found) == [
        "planner", "source", "ram_bytes", "arena_bytes", "persistent_bytes", "lower_bound_bytes", "scratch_bytes",
        "peak_layer", "at_peak", "flash", "buffers",
    ]  # fmt: skip
    assert (found["planner"], found["arena_bytes"], found["lower_bound_bytes"]) == ("tflm", 73_728, 55_296)
    assert found["ram_bytes"] == found["arena_bytes"] + found["persistent_bytes"]
    assert found["at_peak"] == ["input", "conv2d_1/relu6"]
    assert found["buffers"][0] == {
        "name": "input", "kind": "input", "offset": 0, "bytes": 27_648, "first_step": 0, "last_step": 1,
    }  # fmt: skip
    assert (found["flash"]["code_bytes"], found["flash"]["file_bytes"]) == (None, None)


def test_the_file_is_that_of_convert(tmp_path: Any) -> None:
    analysis = small()
    path = tmp_path / "net.tflite"
    mbcost.convert("mobilenet_v1", path, alpha=0.25, resolution=96, precision="int8", options={"classes": 2})
    assert analysis.plan_memory(file=True).flash.total_bytes == path.stat().st_size
    # tflite-micro@90b983c, tensorflow/lite/micro/models/person_detect.tflite: 300,568 bytes, of one channel
    assert path.stat().st_size == pytest.approx(300_568, rel=0.02)


def test_a_model_is_its_own_file(tmp_path: Path) -> None:
    """A file that was read is what lies in flash, here longer by 1000 bytes than mbcost writes it."""
    path = tmp_path / "net.tflite"
    mbcost.convert("mobilenet_v1", path, alpha=0.25, resolution=96, precision="int8")
    path.write_bytes(path.read_bytes() + bytes(1000))
    analysis = mbcost.analyze(path, TARGET, precision="int8")
    assert analysis.plan_memory(file=True).flash.total_bytes == path.stat().st_size
    # of another precision it would be another file
    assert mbcost.analyze(path, TARGET, precision="fp32").plan_memory(file=True).flash.file_bytes != path.stat().st_size


def test_unknown_planner() -> None:
    with pytest.raises(InputError, match="no memory planner `tinyengin`") as caught:
        small().plan_memory("tinyengin")
    assert caught.value.problems[0].hint == "did you mean `tinyengine`?"


def test_every_planner_has_a_source() -> None:
    assert all(planner.source for planner in PLANNERS.values())
    assert [planner.name for planner in PLANNERS.values() if planner.assumed] == ["greedy"]


def test_pick_by_ram_and_flash() -> None:
    """Of the published checkpoints 0.25/160 is the best below 300 KiB: 0.25/192 needs 192 x 192 x 8 bytes and more."""
    found = mbcost.pick("mobilenet_v1", TARGET, precision="int8", ram="300KiB", flash="1MiB")
    assert found.pick is not None
    assert (found.pick.alpha, found.pick.resolution) == (0.25, 160)
    own = mbcost.analyze("mobilenet_v1", TARGET, precision="int8", alpha=0.25, resolution=160)
    target = found.to_dict()["pick"]["targets"][0]
    assert target["ram_bytes"] == own.memory.ram_bytes <= 300 * 1024
    assert target["flash_bytes"] == own.plan_memory(file=True).flash.total_bytes <= 2**20
    assert target["peak_layer"] == own.memory.peak_layer
    assert found.binds is not None
    assert found.binds.budget.kind == "ram_bytes"
    assert found.binds.needs > 300 * 1024
    plain = mbcost.pick("mobilenet_v1", TARGET, precision="int8", budget="30ms")
    assert "ram_bytes" not in plain.to_dict()["front"][0]["targets"][0]


def size(kib: float) -> Quantity:
    return Quantity(kib * 1024, "size", "datasheet", ("by hand",), None, None, f"{kib} KiB")


def test_what_does_not_fit_a_board() -> None:
    """MobileNet V1 0.25 at 96x96: the arena has 72 KiB, 48x48x16 and 48x48x16, and the weights are 456 KiB and more."""
    plan = mbcost.analyze("mobilenet_v1", "pixel1", alpha=0.25, resolution=96, precision="int8").plan_memory("greedy")
    arena = plan.arena.size / 1024
    assert board_notes(plan, Memories()) == []
    assert board_notes(plan, Memories(sram={"a": size(512)}, flash=size(1024))) == []
    small = board_notes(plan, Memories(sram={"a": size(32), "b": size(16)}, flash=size(256)))
    assert [note.split(",")[0].split(" of ")[-1] for note in small] == ["RAM", "flash"]
    assert "the peak is at" in small[0]
    apart = board_notes(plan, Memories(sram={"a": size(arena - 1), "b": size(arena - 1)}, flash=size(1024)))
    assert len(apart) == 1
    assert apart[0].startswith("no bank of its SRAM holds the arena")
    assert board_notes(plan, Memories(sram={"a": size(16)}, psram=size(8192), flash=size(1024)))[0].startswith(
        "no bank"
    )


def test_the_note_is_beside_the_latency() -> None:
    """A network of 138 million weights on a board with 2 MiB of flash (DS12930)."""
    warnings = mbcost.analyze("vgg16", "stm32h747").warnings
    assert any(note.startswith("does not fit: it needs") and "of flash" in note for note in warnings)
    assert not any("does not fit" in note for note in mbcost.analyze("resnet8", "stm32h747").warnings)

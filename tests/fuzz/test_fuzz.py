"""The fuzzer itself: its mutants come from a seed, and it notices what it looks for."""

from __future__ import annotations

import json
import os
import random
import sys
import time
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

import mbcost
from tests.fuzz import campaign as campaigns
from tests.fuzz.campaign import MEMORY_BYTES, campaign
from tests.fuzz.formats import FORMATS, Format
from tests.fuzz.texts import csv_mutant, json_mutant, tree_mutant, yaml_mutant

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts processor time and memory as Linux does")


def test_a_seed_gives_the_same_mutants_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    texts = [(text, json.loads(text)) for text in ('{"a": [1, {"b": "x"}]}', '{"name": "n", "layers": [1, 2, 3]}')]
    for text, data in texts:
        for number in range(50):
            one, two = (random.Random(f"1 {number}") for _ in range(2))
            assert yaml_mutant(text, data, one) == yaml_mutant(text, data, two)
            assert json_mutant(text, one) == json_mutant(text, two)
            assert csv_mutant("a,b\n1,2\n", one) == csv_mutant("a,b\n1,2\n", two)
    assert len({json_mutant(texts[0][0], random.Random(number)) for number in range(200)}) > 100


def test_a_mutant_of_a_tree_leaves_the_seed_alone() -> None:
    data = {"a": [1, {"b": 2}], "c": {}}
    for number in range(300):
        tree_mutant(data, random.Random(number))
    assert data == {"a": [1, {"b": 2}], "c": {}}


class _Bad(Format):
    """Does what a mutant must not, by its number."""

    name = "bad"

    def __init__(self) -> None:
        self.number = -1

    @cached_property
    def seeds(self) -> list[Any]:
        return []

    def write(self, folder: Path, rng: random.Random) -> Path:
        self.number += 1
        (folder / "file").write_text("x")
        return folder / "file"

    def parse(self, path: Path) -> None:
        path.read_text()

    def use(self, path: Path, rng: random.Random) -> None:
        if self.number == 0:
            raise KeyError("crash")
        if self.number == 1:
            until = time.process_time() + 30
            while time.process_time() < until:
                pass
        if self.number == 2:
            assert bytearray(2 * MEMORY_BYTES)
        if self.number == 3:
            with open(os.environ["ELSEWHERE"], "w"):  # noqa: PTH123
                pass
        if self.number == 4:
            os.system("true")
        if self.number == 5:
            path.with_name("beside").write_text("allowed")
            mbcost.load("no-such-network")


def test_the_fuzzer_notices_what_it_looks_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A format that crashes, takes 30 s and 2 GB, writes a file elsewhere, and starts a program."""
    script = tmp_path / "child.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom tests.fuzz import campaign, formats, test_fuzz\n"
        "formats.FORMATS['bad'] = test_fuzz._Bad()\n"
        "name, start, stop, seed, folder, keep = sys.argv[1:]\n"
        "campaign._run(name, int(start), int(stop), int(seed), Path(folder), None)\n"
    )
    monkeypatch.setenv("ELSEWHERE", str(tmp_path / "elsewhere"))
    monkeypatch.setattr(campaigns, "CHILD", [sys.executable, str(script)])
    found = campaign("bad", 7, 1)
    assert [entry["what"] for entry in found.crashes] == ["KeyError: 'crash'"]
    assert [entry["mutant"] for entry in found.hangs] == [1]
    assert [entry["mutant"] for entry in found.memory] == [2]
    assert [entry["mutant"] for entry in found.written] == [3, 4]
    assert (found.mutants, found.parsed, found.accepted) == (7, 7, 3)
    assert not found.is_sound


def test_a_process_that_dies_is_a_crash_and_the_next_mutants_are_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "child.py"
    script.write_text(
        "import json, os, struct, sys\nfrom pathlib import Path\n"
        "name, start, stop, seed, folder, keep = sys.argv[1:]\n"
        "for number in range(int(start), int(stop)):\n"
        "    Path(folder, 'place').write_bytes(struct.pack('<q', number))\n"
        "    if number == 3:\n        os.kill(os.getpid(), 11)\n"
        "from dataclasses import asdict\nfrom tests.fuzz.campaign import Outcome\n"
        "Path(folder, 'result.json').write_text(json.dumps(asdict(Outcome(name, mutants=int(stop) - int(start)))))\n"
    )
    monkeypatch.setattr(campaigns, "CHILD", [sys.executable, str(script)])
    found = campaign("any", 6, 1)
    assert [(entry["mutant"], entry["what"]) for entry in found.crashes] == [(3, "the process ended with code -11")]
    assert found.mutants == 2  # 4 and 5; what the first process had done was lost with it


def test_every_format_is_in_the_normal_run() -> None:
    tests = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py")]
    assert all(sum(f'"{name}"' in text for text in tests) == 1 for name in FORMATS)

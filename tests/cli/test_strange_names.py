"""Names in strangers' files are text in every medium: no control character, no formula in a cell of a CSV."""

from __future__ import annotations

import csv
import io
import os
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mbcost

#: A control sequence, and what a spreadsheet takes for a formula (CWE-1236). A layer's name starts with a letter.
NAMES = ["\\u001b[31mred\\u0007", '=HYPERLINK(\\"x\\")', "@SUM(A1)", "-1+1"]

NETWORK = """\
name: "{name}"
source: a test
input: 8x8x3
layers:
  - {{name: first, op: conv, kernel: 3, stride: 2, out: 4}}
  - {{name: second, op: conv, kernel: 3, stride: 2, out: 4}}
"""

Media = dict[str, Callable[[str], Any]]

#: The public results, each from the path of a network.
RESULTS: Media = {
    "analyze": lambda path: mbcost.analyze(path, "pixel1"),
    "compare": lambda path: mbcost.compare([path, "mobilenet_v1"], "pixel1"),
    "sweep": lambda path: mbcost.sweep(path, "pixel1"),
    "pick": lambda path: mbcost.pick(path, "pixel1", budget="1000ms"),
    "pick of nothing": lambda path: mbcost.pick(path, "pixel1", budget="0.0001ms"),
    "stream": lambda path: mbcost.stream(path, "pixel1", rate_fps=10),
}

FORMATS = {"analyze": "md csv html dot graphml trace json", "compare": "md csv html json", "stream": "html json"}


@pytest.fixture(params=NAMES, ids=["control", "formula", "sum", "minus"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    path = tmp_path / "strange.yaml"
    path.write_text(NETWORK.format(name=request.param))
    return str(path)


def controls(text: str) -> set[str]:
    return {character for character in text if unicodedata.category(character) == "Cc"} - {"\n", "\t"}


@pytest.mark.parametrize("kind", RESULTS)
def test_no_file_of_results_carries_a_strangers_control_characters(kind: str, path: str, tmp_path: Path) -> None:
    result = RESULTS[kind](path)
    for suffix in FORMATS.get(kind, "md csv html json").split():
        file = tmp_path / f"result.{'trace.json' if suffix == 'trace' else suffix}"
        result.save(str(file))
        assert controls(file.read_text()) == set(), suffix
    assert controls(repr(result)) == set()
    assert controls(result._repr_html_()) == set()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
@pytest.mark.parametrize("kind", RESULTS)
def test_results_of_a_path_that_is_no_text_are_written_as_text(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"x\xe9")
    folder.mkdir()
    (folder / "net.yaml").write_text(NETWORK.format(name="net"))
    result = RESULTS[kind](str(folder / "net.yaml"))
    for suffix in FORMATS.get(kind, "md csv html json").split():
        file = folder / f"result.{'trace.json' if suffix == 'trace' else suffix}"
        result.save(file)
        assert file.read_bytes().decode("utf-8")


@pytest.mark.parametrize("kind", [kind for kind in RESULTS if kind != "stream"])
def test_no_cell_is_a_formula(kind: str, path: str, tmp_path: Path) -> None:
    file = tmp_path / "result.csv"
    RESULTS[kind](path).save(str(file))
    for row in csv.reader(io.StringIO(file.read_text())):
        for cell in row:
            assert not cell.startswith(("=", "+", "@", "\t", "\r")), cell
            assert not cell.startswith("-") or float(cell) < 0


COMMANDS = [
    *(
        ["analyze", "{path}", "--device", "pixel1", "--format", kind]
        for kind in ("table", "md", "csv", "dot", "graphml")
    ),
    ["analyze", "{path}", "--device", "pixel1", "--group-by", "block"],
    ["analyze", "{path}", "--device", "pixel1", "--all"],
    *(["compare", "{path}", "mobilenet_v1", "--device", "pixel1", "--format", kind] for kind in ("table", "md", "csv")),
    *(["sweep", "{path}", "--device", "pixel1", "--format", kind] for kind in ("table", "md", "csv")),
    *(
        ["pick", "{path}", "--device", "pixel1", "--budget", "1000ms", "--format", kind]
        for kind in ("table", "md", "csv")
    ),
    ["pick", "{path}", "--device", "pixel1", "--budget", "0.0001ms"],
    ["stream", "{path}", "--device", "pixel1", "--rate", "10"],
    ["design", "{path}", "--device", "zc706"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:1] + command[2:]))
def test_no_command_writes_a_strangers_control_characters(command: list[str], path: str, cli: Any) -> None:
    done = cli(*(part.format(path=path) for part in command))
    assert controls(done.out + done.err) == set()
    assert "error" not in done.err or "MB" in done.err
    assert done.out

"""Running command lines in process."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from mbcost.__main__ import main


class Outcome(NamedTuple):
    """What a command line did."""

    code: int
    out: str
    err: str


Cli = Callable[..., Outcome]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path) -> Cli:
    """Run a command line in an empty folder, with no settings of the developer's own."""
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "MBCOST_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Outcome:
        code = main(arguments)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Outcome(code, captured.out, captured.err)

    return run


TABLE = """\
name: tiny
title: "[red]tiny[/red] \\u001b[31m"
source: "hand, [bold]2024[/bold]"
input: 8x8x3
layers:
  - {name: stem, op: conv2d, out: 4, kernel: 3, stride: 2, activation: hard_swish}
  - {name: head, op: dense, out: 10}
"""


@pytest.fixture
def tiny(tmp_path) -> str:
    """A user's table, whose texts try to drive the terminal."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TABLE)
    return str(path)

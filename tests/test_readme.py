"""Every command and every claim of the README is run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from mbcost.__main__ import main

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
pytestmark = pytest.mark.skipif(not README.exists(), reason="only in a checkout")


def blocks(language: str) -> list[str]:
    text = README.read_text(encoding="utf-8") if README.exists() else ""
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


SHELL = [line for block in blocks("bash") for line in block.splitlines() if line.strip()]
MBCOST = [line for line in SHELL if line.startswith("mbcost ")]


def run(command: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(shlex.split(command)[1:])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_two_commands_come_first() -> None:
    assert SHELL[0] == "python -m pip install . && mbcost analyze mobilenet_v2.yaml --device pixel1"
    assert SHELL[1] == "python -m pip install -e '.[test]' && python -m pytest"
    assert SHELL[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", MBCOST)
def test_command(command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    code, out, err = run(command, capsys)
    assert code == 0, err
    assert out


def test_capture_is_what_the_command_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    captures = [block for block in blocks("console") if block.startswith("$ mbcost ")]
    assert captures
    for capture in captures:
        command, _, shown = capture.partition("\n")
        _, out, err = run(command.removeprefix("$ "), capsys)
        assert (out + err).strip().splitlines() == shown.strip().splitlines()


def test_python_example() -> None:
    (example,) = blocks("python")
    scope: dict[str, Any] = {}
    exec(example, scope)
    stated = re.search(r"totals\.macs\s+# (\d+)", example)
    assert stated
    assert scope["analysis"].totals.macs == int(stated[1])


def test_table_is_the_one_that_ships() -> None:
    (table,) = [block for block in blocks("yaml") if "mobilenet_v2" in block]
    shipped = (ROOT / "mbcost" / "architectures" / "tables" / "mobilenet_v2.yaml").read_text(encoding="utf-8")
    assert table == shipped


def test_accuracy_is_that_of_the_report() -> None:
    report = (ROOT / "reports" / "accuracy.md").read_text(encoding="utf-8")
    rows = [line for line in README.read_text(encoding="utf-8").splitlines() if line.startswith("| mobilenet_")]
    assert rows
    assert all(row in report for row in rows)


def test_report_is_what_its_command_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import accuracy  # type: ignore[import-not-found]

    made = accuracy.report(accuracy.compare(accuracy.MEASUREMENTS))
    assert made == (ROOT / "reports" / "accuracy.md").read_text(encoding="utf-8")

"""Every command and every claim of the README is run."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

import mbcost
from mbcost.__main__ import main

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
pytestmark = pytest.mark.skipif(not README.exists(), reason="only in a checkout")


TEXT = README.read_text(encoding="utf-8") if README.exists() else ""
_, _, OWN_NETWORK = TEXT.partition("\n## Bring your own network\n")
OWN_NETWORK, _, _ = OWN_NETWORK.partition("\n## ")


def blocks(language: str, text: str = TEXT) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


def lines(text: str) -> list[str]:
    """The commands of a text."""
    return [line for block in blocks("bash", text) for line in block.splitlines() if line.strip()]


SHELL = lines(TEXT)
OWN = lines(OWN_NETWORK)
MBCOST = [line for line in SHELL if line.startswith("mbcost ") and line not in OWN]


def run(command: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(shlex.split(command)[1:])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_two_commands_come_first() -> None:
    assert SHELL[0] == "python -m pip install . && mbcost analyze mobilenet_v2.yaml --device pixel1"
    assert SHELL[1] == "python -m pip install -e '.[test]' && python -m pytest -n auto"
    assert SHELL[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", MBCOST)
def test_command(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = shlex.split(command)
    monkeypatch.chdir(tmp_path if "-o" in words else ROOT)
    code, out, err = run(command, capsys)
    assert code == 0, err
    assert (tmp_path / words[words.index("-o") + 1]).exists() if "-o" in words else out


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the commands of the section name."""
    from tests.importers.onnx.models import mobilenet_v2
    from tests.importers.tflite.from_table import as_tflite

    graph = mbcost.build_graph(mbcost.load("mobilenet_v1"))
    (tmp_path / "model.onnx").write_bytes(mobilenet_v2(folded=True).SerializeToString())
    (tmp_path / "model.tflite").write_bytes(as_tflite(graph))
    small = "from torch import nn\n\n\ndef small():\n    return nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU())\n"
    (tmp_path / "my_net.py").write_text(small, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "my_net", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", OWN)
def test_own_network(command: str, models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if "my_net:" in command:
        pytest.importorskip("torch")
    words = shlex.split(command)
    code, out, err = run(command, capsys)
    assert code == 0, err
    if words[1] == "convert":
        assert (models / words[3]).stat().st_size > 1000
    else:
        assert "Answer" in out


def test_own_networks_of_every_format() -> None:
    formats = {word for command in OWN for word in re.findall(r"\.onnx|\.tflite|my_net:|\.yaml", command)}
    assert formats == {".onnx", ".tflite", "my_net:", ".yaml"}


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
    starts = ("| mobilenet_", "| adreno", "| cortex", "| myriad")
    rows = [line for line in README.read_text(encoding="utf-8").splitlines() if line.startswith(starts)]
    assert {row[:6] for row in rows} == {start[:6] for start in starts}
    assert all(row in report for row in rows)


def test_report_is_what_its_command_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import accuracy  # type: ignore[import-not-found]

    assert accuracy.report() == (ROOT / "reports" / "accuracy.md").read_text(encoding="utf-8")

"""The action that checks a budget, and the hook for pre-commit: what they run is run here."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mbcost.__main__ import main
from tests.pages import ROOT, blocks_of

ACTION = ROOT / ".github" / "actions" / "budget"
HOOKS = ROOT / ".pre-commit-hooks.yaml"
PAGE = ROOT / "docs" / "how-to" / "check-a-budget.md"
pytestmark = pytest.mark.skipif(not ACTION.exists(), reason="only in a checkout")


def budget(folder: Path, **inputs: str) -> tuple[int, str, str]:
    """Exit code, output and summary of the action's step."""
    summary = folder / "summary.md"
    step = action()["runs"]["steps"][-1]
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": path, "GITHUB_ACTION_PATH": str(ACTION), "GITHUB_STEP_SUMMARY": str(summary)}
    for name, text in step["env"].items():
        key = re.fullmatch(r"\$\{\{ inputs\.([\w-]+) \}\}", text)
        assert key is not None
        environment[name] = inputs.get(key[1].replace("-", "_"), "")
    done = subprocess.run(
        ["bash", "-c", step["run"]], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr, summary.read_text() if summary.exists() else ""


def action() -> dict:
    return yaml.safe_load((ACTION / "action.yml").read_text())


@pytest.mark.parametrize(
    ("limits", "code", "said"),
    [
        ({"max_ms": "80"}, 0, "within the budget (at most 80 ms)"),  # 74.8 ms: README
        ({"max_ms": "70"}, 1, "takes 74.85 ms, --max-ms is 70"),
        ({"max_ram": "1KiB"}, 1, "needs"),
        ({"max_ms": "80", "options": "--alpha 0.5\n --resolution 160"}, 0, "within"),
    ],
)
def test_over_and_under_budget(tmp_path, limits, code, said):
    found, out, summary = budget(tmp_path, model="mobilenet_v2", device="pixel1", **limits)
    assert found == code, out
    assert said in summary
    assert "| operator class |" in summary
    assert ("::error title=mbcost::mobilenet_v2 on pixel1%0A" in out) == bool(code)


def test_several_models_and_devices(tmp_path):
    code, out, summary = budget(
        tmp_path, model="mobilenet_v2\n\n  mobilenet_v1  \n", device="pixel1\npixel4\n", max_ms="80"
    )
    assert code == 1
    assert summary.count("\n### ") + summary.startswith("### ") == 4
    assert out.count("::error") == 1  # MobileNet V1 takes 120 ms on a Pixel 1 and a third of it on a Pixel 4


def test_what_cannot_be_read(tmp_path):
    (tmp_path / "typo.yaml").write_text(
        "name: x\nsource: s\ninput: 8x8x3\nlayers:\n  - {op: conv2d, out: 4, kernl: 3}\n"
    )
    code, out, summary = budget(tmp_path, model="typo.yaml\nmobilenet_v2", device="pixel1", max_ms="70")
    assert code == 2
    assert "--> typo.yaml:5:" in summary
    assert "unknown key `kernl`" in out
    assert "beyond the budget" in summary  # the other one is checked all the same


@pytest.mark.parametrize(
    "inputs",
    [
        {"model": "mobilenet_v2", "device": "pixel1"},
        {"model": "", "device": "pixel1", "max_ms": "1"},
        {"model": "mobilenet_v2", "device": "\n", "max_ms": "1"},
        {"model": "mobilenet_v2", "device": "pixel1", "max_ms": "-1"},
        {"model": "--help", "device": "pixel1", "max_ms": "1"},
        {"model": "$(touch owned)", "device": "pixel1", "max_ms": "1"},
        {"model": "mobilenet_v2", "device": "`touch owned`", "max_ms": "1"},
        {"model": "mobilenet_v2", "device": "pixel1", "max_ms": "1", "options": "; touch owned *"},
    ],
    ids=str,
)
def test_inputs_that_are_wrong(tmp_path, inputs):
    code, out, _ = budget(tmp_path, **inputs)
    assert code == 2, out
    assert "::error title=mbcost::" in out
    assert not (tmp_path / "owned").exists()


def test_the_action_is_one():
    found = action()
    assert found["runs"]["using"] == "composite"
    text = (ACTION / "action.yml").read_text()
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(found["inputs"])
    for step in found["runs"]["steps"]:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]  # inputs come as variables, never as text of a script
    variables = set(re.findall(r"BUDGET_\w+", (ACTION / "budget.sh").read_text()))
    assert variables - {"BUDGET_"} == set(found["runs"]["steps"][-1]["env"])
    # what it installs is the repository that it is in
    assert (ACTION / "../../..").resolve() == ROOT


def test_the_example_has_the_inputs_of_the_action():
    workflow, hooks = (yaml.safe_load(block.text) for block in blocks_of(PAGE.read_text()) if block.language == "yaml")
    step = workflow["jobs"]["budget"]["steps"][-1]
    assert (ROOT.parent / step["uses"].replace("./mbcost", ROOT.name) / "action.yml").is_file()
    found = action()["inputs"]
    assert set(step["with"]) <= set(found)
    assert {name for name, each in found.items() if each.get("required")} <= set(step["with"])
    (hook,) = yaml.safe_load(HOOKS.read_text())
    (used,) = hooks["repos"][0]["hooks"]
    assert used["id"] == hook["id"]


def test_the_hook(tmp_path, capsys, monkeypatch):
    (hook,) = yaml.safe_load(HOOKS.read_text())
    assert {"id", "name", "entry", "language", "files"} <= set(hook)
    assert hook["language"] == "python"
    monkeypatch.chdir(tmp_path)
    Path("networks").mkdir()
    good = "name: x\nsource: s\ninput: 8x8x3\nlayers:\n  - {op: conv2d, out: 4, kernel: 3}\n"
    Path("networks/good.yaml").write_text(good)
    Path("networks/bad.yaml").write_text(good.replace("kernel", "kernl"))
    command = shlex.split(hook["entry"])
    assert command[0] == "mbcost"
    for name, code in (("good", 0), ("bad", 1)):
        path = f"networks/{name}.yaml"
        assert re.search(hook["files"], path)
        assert main([*command[1:], path]) == code
    out = capsys.readouterr().out
    assert "ok  networks/good.yaml" in out
    assert "--> networks/bad.yaml:5:" in out
    for path in ("README.md", ".pre-commit-config.yaml", "networks/weights.onnx", "src/settings.yaml"):
        assert not re.search(hook["files"], path)

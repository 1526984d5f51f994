"""Help: every command has examples, and they work as they stand."""

from __future__ import annotations

import shlex
from importlib.util import find_spec

import pytest

from mbcost.cli.app import COMMANDS
from mbcost.cli.examples import EXAMPLES

#: Examples that serve, measure this machine, or read files of a user.
ONLY_PARSED = ("serve", "open", "check", "bench", "calibrate", "measurements", "validate measured.csv")


def test_every_command_has_examples(cli):
    assert set(EXAMPLES) == set(COMMANDS)
    for command, examples in EXAMPLES.items():
        text = cli(command, "--help").out
        for arguments, what in examples:
            assert f"   # {what}\n   mbcost {arguments}\n" in text


@pytest.mark.parametrize("line", [line for examples in EXAMPLES.values() for line, _ in examples])
def test_examples_work(cli, tmp_path, monkeypatch, line: str):
    if line.startswith("kit") and not find_spec("scipy"):
        pytest.skip("a kit needs the extra calibrate")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    monkeypatch.setenv("MBCOST_DEVICES", str(tmp_path / "own"))
    words = shlex.split(line.partition(" > ")[0])
    if line.startswith(ONLY_PARSED):
        options = [word for word in words if word.startswith("-")]
        known = cli(*[word for word in words[:2] if not word.startswith("-") and "." not in word], "--help").out
        assert all(option in known for option in options)
        return
    outcome = cli(*words)
    # limits and budgets that are exceeded end in 1
    assert outcome.code in {0, 1}, outcome.err
    assert "error" not in outcome.err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("sub/nets.py:unet", "-d", "pixel1"), "Python code is named as it is imported: sub.nets:unet"),
        (
            ('timm:create_model("x")', "-d", "pixel1"),
            "write a function that returns it, `def net(): return timm.create",
        ),
        (("mobilenet_v2", "-d", "pixel1,pixel4"), "at the shell -d pixel1 -d pixel4"),
        (("mobilenet_v2", "-d", "pixel1", "--precision", "INT8"), "did you mean `int8`?"),
        (("mobilenet_v2", "-d", "pixel1", "--alpha", "50%"), "a share is written as a number: 0.5"),
    ],
    ids=["path", "expression", "devices", "precision", "share"],
)
def test_mistakes_of_the_first_day(cli, arguments: tuple[str, ...], hint: str):
    outcome = cli("analyze", *arguments)
    assert outcome.code == 2
    assert hint in " ".join(outcome.err.split())


def test_a_target_leads_to_its_device(cli):
    assert cli("devices", "show", "galaxy_s24/cpu").out == cli("devices", "show", "galaxy_s24").out


def test_precisions_are_completed():
    from mbcost.cli.complete import complete_precision

    assert complete_precision("fp") == ["fp32", "fp16"]

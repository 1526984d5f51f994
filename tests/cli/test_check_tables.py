"""``mbcost architectures check`` on tables pasted from papers."""

from __future__ import annotations

import pytest

from tests.architectures.pasted_tables import V1_PAPER, V1_SHARES, V2, V2_EARLY


@pytest.fixture
def paper(tmp_path):
    """Write a text to a file and name it."""

    def write(name: str, text: str) -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return write


def test_sound_table(cli, paper):
    outcome = cli("architectures", "check", paper("v2.md", V2))
    assert outcome == (0, "ok  v2.md\n", "")


@pytest.mark.parametrize(
    ("text", "place", "proposal"),
    [
        (V1_PAPER, "table.md:23:37", "stride 1 in line 22 makes the table consistent"),
        (V2_EARLY, "table.md:8:3", "14x14x64 here makes the table consistent"),
    ],
)
def test_misprint(cli, paper, text, place, proposal):
    outcome = cli("architectures", "check", paper("table.md", text))
    assert outcome.code == 1
    assert outcome.out.startswith("error[MB203]: the table says ")
    assert f"--> {place}\n" in outcome.out
    assert outcome.out.rstrip().endswith(proposal)


def test_written_yaml_is_a_model(cli, paper):
    outcome = cli("architectures", "check", paper("v2.md", V2), "-o", "v2.yaml")
    assert outcome == (0, "", "wrote v2.yaml\n")
    assert cli("architectures", "check", "v2.yaml") == (0, "ok  v2.yaml\n", "")
    shown = cli("architectures", "show", "v2.yaml", "--format", "json")
    assert '"macs": 300774272' in shown.out  # torchvision
    kept = cli("architectures", "check", "v2.md", "-o", "v2.yaml")
    assert (kept.code, "MB007" in kept.err) == (2, True)
    assert cli("architectures", "check", "v2.md", "-o", "v2.yaml", "--force").code == 0


def test_yaml_on_stdout(cli, paper):
    outcome = cli("architectures", "check", paper("v2.md", V2), "--format", "yaml")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("name: v2\n")
    assert outcome.out == cli("architectures", "check", paper("v2.txt", V2), "--format", "yaml").out.replace(
        "v2.txt", "v2.md"
    )


def test_yaml_of_a_misprinted_table(cli, paper):
    """It is written as it is printed, and what is wrong with it is said."""
    outcome = cli("architectures", "check", paper("v1.md", V1_PAPER), "--format", "yaml")
    assert outcome.code == 1
    assert "stride 1 in line 22 makes the table consistent" in outcome.err
    assert outcome.out.startswith("name: v1\n")
    assert "error" not in outcome.out


def test_shares(cli, paper):
    outcome = cli("architectures", "check", paper("shares.md", V1_SHARES), "--against", "mobilenet_v1")
    assert outcome.code == 1
    assert "1.19 % of the MACs are printed, the layers have 1.91 %" in outcome.out
    right = V1_SHARES.replace("1.19", "1.91")
    assert cli("architectures", "check", paper("shares.md", right), "--against", "mobilenet_v1").code == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("v2.md", "v2.md", "-o", "out.yaml"), "MB010"),
        (("v2.md", "--against", "mobilenet_v1", "-o", "out.yaml"), "MB010"),
        (("mobilenet_v2", "-o", "out.yaml"), "MB010"),
        (("none.md", "-o", "out.yaml"), "MB200"),
        (("empty.md", "-o", "out.yaml"), "MB103"),
        (("binary.md", "-o", "out.yaml"), "MB005"),
        (("large.md", "-o", "out.yaml"), "MB004"),
    ],
)
def test_nothing_is_written_of_what_is_no_table(cli, paper, tmp_path, arguments, code):
    paper("v2.md", V2)
    paper("empty.md", "")
    (tmp_path / "binary.md").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    with (tmp_path / "large.md").open("wb") as stream:
        stream.truncate(100 * 10**6)
    outcome = cli("architectures", "check", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.count("error[") == 1
    assert f"error[{code}]" in outcome.err
    assert not (tmp_path / "out.yaml").exists()


def test_against_an_unknown_network(cli, paper):
    outcome = cli("architectures", "check", paper("shares.md", V1_SHARES), "--against", "mobilenet_v11")
    assert (outcome.code, outcome.out) == (2, "")
    assert "did you mean" in outcome.err


def test_against_wants_a_pasted_table(cli):
    outcome = cli("architectures", "check", "mobilenet_v2", "--against", "mobilenet_v1")
    assert outcome.code == 1
    assert "error[MB010]" in outcome.out


def test_other_commands_say_how_to_make_it_yaml(cli, paper):
    paper("v2.md", V2)
    outcome = cli("analyze", "v2.md", "--device", "pixel1")
    assert outcome.code == 2
    assert "v2.md is a table pasted from a paper, not YAML" in outcome.err
    assert "`mbcost architectures check v2.md -o v2.yaml`" in outcome.err

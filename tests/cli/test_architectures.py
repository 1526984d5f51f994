"""``mbcost architectures``."""

from __future__ import annotations

import json

import pytest

from mbcost.architectures import architecture_names
from mbcost.architectures.loader import TABLES
from tests.breadth import some


def test_bare_architectures_lists(cli):
    outcome = cli("architectures")
    assert outcome.code == 0
    assert outcome == cli("architectures", "list")
    assert [line.split()[0] for line in outcome.out.splitlines()[1:]] == list(architecture_names())


def test_list_as_json(cli):
    entries = json.loads(cli("architectures", "list", "--format", "json").out)
    v2 = next(entry for entry in entries if entry["name"] == "mobilenet_v2")
    assert (v2["macs"], v2["params"]) == (300774272, 3504872)  # torchvision
    assert v2["input_shape"] == [224, 224, 3]


@pytest.mark.parametrize("name", some(architecture_names()))
def test_rows_add_up_to_the_list(cli, name):
    entries = json.loads(cli("architectures", "list", "--format", "json").out)
    entry = next(entry for entry in entries if entry["name"] == name)
    for arguments in ((), ("--all",)):
        rows = json.loads(cli("architectures", "show", name, "--format", "json", *arguments).out)["rows"]
        assert sum(row["macs"] for row in rows) == entry["macs"]
        assert sum(row["params"] for row in rows) == entry["params"]


def test_show_a_width_and_a_resolution(cli):
    # MobileNet V2 at alpha 0.5: 16 channels, then 8; stride 2 at 96x96 (Sandler et al. 2018, Table 2)
    result = cli("architectures", "show", "mobilenet_v2", "--alpha", "0.5", "--resolution", "96")
    lines = [line.split() for line in result.out.splitlines()]
    assert ["conv2d_1", "96x96x3", "48x48x16"] in [line[:3] for line in lines]
    assert ["bottleneck_1", "48x48x16", "48x48x8"] in [line[:3] for line in lines]


def test_show_options_and_conventions(cli):
    shown = json.loads(
        cli("architectures", "show", "mobilenet_v2", "--classes", "10", "--params", "none", "--format", "json").out
    )
    assert shown["rows"][-1]["output_shape"] == [1, 1, 10]
    assert shown["options"] == {"classes": 10}
    # 17,056 channels are normalised, with gamma and beta; 990 classes less of 1280 weights and a bias
    assert shown["params"] == 3504872 - 2 * 17056 - 990 * 1281


def test_check_says_ok(cli, tiny):
    files = [*(str(path) for path in sorted(TABLES.glob("*.yaml"))), tiny]
    outcome = cli("architectures", "check", *files)
    assert outcome.code == 0
    assert outcome.out.splitlines() == [f"ok  {path}" for path in files]


def test_check_prints_every_problem_of_every_file(cli, tmp_path, tiny):
    syntax, shapes = tmp_path / "syntax.yaml", tmp_path / "shapes.yaml"
    syntax.write_text("name: x\nsource: s\ninput: 8x8x3\nlayers:\n  - {op: conv2d, out: 4, strid: 2}\n  - {op: cnov}\n")
    shapes.write_text(
        "name: y\nsource: s\ninput: 8x8x3\nlayers:\n  - {op: conv2d, out: 4}\n  - {input: 8x8x5, op: relu}\n"
    )
    outcome = cli("architectures", "check", str(syntax), tiny, str(shapes))
    assert outcome.code == 1
    assert f"ok  {tiny}" in outcome.out
    for code in ("MB101", "MB201", "MB203"):
        assert f"error[{code}]" in outcome.out
    assert outcome.out.rstrip().endswith("\n3 problems")

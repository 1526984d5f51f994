"""``mbcost runtimes``."""

from __future__ import annotations

import json

import pytest

from mbcost.cli.complete import complete_target
from mbcost.kernels import runtime_names

OWN = """\
name: mine
title: My runtime
like: tflite-2.1
source: a test
"""


@pytest.fixture
def own(monkeypatch, tmp_path):
    folder = tmp_path / "runtimes"
    folder.mkdir()
    monkeypatch.setenv("MBCOST_DEVICES", str(tmp_path))
    (folder / "mine.yaml").write_text(OWN, encoding="utf-8")
    return folder


def test_bare_runtimes_lists(cli):
    outcome = cli("runtimes")
    assert outcome.code == 0
    assert outcome == cli("runtimes", "list")
    for name in runtime_names():
        assert f"  {name} " in outcome.out


def test_list_as_json(cli, own):
    entries = {entry["name"]: entry for entry in json.loads(cli("runtimes", "list", "--format", "json").out)}
    assert list(entries) == list(runtime_names())
    assert entries["mine"]["origin"] == "user"
    assert entries["mine"]["path"] == str(own / "mine.yaml")
    shipped = entries["tflite-2.1"]
    assert (shipped["origin"], shipped["path"], shipped["form"]) == ("shipped", None, "cpu_gemm")
    assert shipped["fitted_on"] == "Cortex-A76 (Kryo 485) fp32"
    assert entries["mine"]["fitted_on"] is None
    assert "mish" in shipped["assumed_kernels"]
    assert "conv2d" not in shipped["assumed_kernels"]
    assert "mish" in entries["edgetpu"]["outside"]


def test_a_broken_runtime_of_the_user_leaves_the_others_usable(cli, own):
    (own / "mine.yaml").write_text("name: 3\n", encoding="utf-8")
    outcome = cli("runtimes")
    assert outcome.code == 0
    assert "tflite-2.1" in outcome.out
    assert "mine.yaml" in outcome.err
    assert cli("analyze", "mobilenet_v1", "--device", "pixel4").code == 0
    assert cli("devices").code == 0


def test_check(cli, own):
    good, bad = own / "mine.yaml", own / "yours.yaml"
    bad.write_text(OWN.replace("name: mine", "name: yours").replace("title:", "titel:") + "form: cpu_gem\n")
    outcome = cli("runtimes", "check", str(good), str(bad), str(own / "none.yaml"))
    assert outcome.code == 1
    assert f"ok  {good}" in outcome.out
    assert "did you mean `title`" in outcome.out
    assert "there is no latency form `cpu_gem`" in outcome.out
    assert "error[MB001]" in outcome.out


def test_analyze_with_a_runtime_by_its_path(cli, own):
    outcome = cli("analyze", "mobilenet_v1", "--device", f"pixel4@{own / 'mine.yaml'}")
    assert outcome.code == 0
    assert "pixel4/cpu@mine" in outcome.out
    assert "My runtime" in outcome.out


def test_completion_knows_what_runs_where(own):
    assert complete_target("pixel4/cpu@xnn") == ["pixel4/cpu@xnnpack-2020"]
    assert complete_target("pixel4/cpu@mi") == ["pixel4/cpu@mine"]
    assert complete_target("pixel4/gpu@tfl") == ["pixel4/gpu@tflite-gpu-2.10", "pixel4/gpu@tflite-gpu-2020"]

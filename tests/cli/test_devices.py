"""``mbcost devices``."""

from __future__ import annotations

import json
import shutil

import pytest

from mbcost.devices import device_names, load_device
from mbcost.resources import hardware_profiles


def test_bare_devices_lists(cli):
    outcome = cli("devices")
    assert outcome.code == 0
    assert outcome == cli("devices", "list")
    for name in device_names():
        assert f"  {name}/{load_device(name).default_processor.name} " in outcome.out


def test_list_as_json(cli):
    entries = json.loads(cli("devices", "list", "--format", "json").out)
    assert [entry["name"] for entry in entries] == list(device_names())
    pixel = next(entry for entry in entries if entry["name"] == "pixel1")
    cpu = pixel["processors"][0]
    assert cpu["runtime"] == cpu["runtimes"][0] == "tflite-2018"
    assert {"tflite-2019", "tflite-2.1", "xnnpack-2020"} < set(cpu["runtimes"])
    assert not {"coreml-cpu", "tflite-gpu-2020", "common"} & set(cpu["runtimes"])


def test_a_broken_profile_of_the_user_leaves_the_others_usable(cli, tmp_path, monkeypatch):
    (tmp_path / "mine.yaml").write_text("identity: 3\n")
    monkeypatch.setenv("MBCOST_DEVICES", str(tmp_path))
    outcome = cli("devices")
    assert outcome.code == 0
    assert "pixel1/cpu" in outcome.out
    assert "mine.yaml" in outcome.err


@pytest.mark.parametrize("name", device_names())
def test_show_has_every_number_with_its_source(cli, name):
    device = load_device(name)
    out = cli("devices", "show", name).out
    for _, quantity in device.quantities():
        assert f"  {quantity.text}  {quantity.source}" in out
    for reference in device.provenance.references:
        assert reference in out
    details = json.loads(cli("devices", "show", name, "--format", "json").out)
    assert list(details["numbers"]) == [place for place, _ in device.quantities()]


def test_show_an_unknown_device(cli):
    outcome = cli("devices", "show", "pixl1")
    assert outcome.code == 2
    assert "did you mean `pixel1`" in outcome.err


def test_check_says_ok(cli):
    files = [str(path) for path in sorted(hardware_profiles().glob("*.yaml"))]
    outcome = cli("devices", "check", *files)
    assert outcome.code == 0
    assert outcome.out.splitlines() == [f"ok  {path}" for path in files]


def test_check_prints_every_problem(cli, tmp_path):
    good, bad = tmp_path / "pixel1.yaml", tmp_path / "pixel4.yaml"
    shutil.copy(hardware_profiles() / "pixel1.yaml", good)
    text = (hardware_profiles() / "pixel4.yaml").read_text()
    bad.write_text(text.replace("title:", "titel:").replace("2.84, unit: GHz", "2.84, unit: GHertz"))
    outcome = cli("devices", "check", str(good), str(bad), str(tmp_path / "none.yaml"))
    assert outcome.code == 1
    assert f"ok  {good}" in outcome.out
    assert "titel" in outcome.out
    assert "GHertz" in outcome.out
    assert "error[MB001]" in outcome.out
    assert outcome.out.rstrip().endswith("problems")


def test_check_needs_a_file(cli):
    assert cli("devices", "check").code == 2

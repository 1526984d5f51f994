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


# -- the catalogue ----------------------------------------------------------------------------------------------------


def test_the_list_says_what_latencies_rest_on(cli):
    entries = {entry["name"]: entry for entry in json.loads(cli("devices", "list", "--format", "json").out)}
    bases = {f"{name}/{each['name']}": each["basis"] for name, entry in entries.items() for each in entry["processors"]}
    assert bases["pixel1/cpu"] == "calibrated"
    assert bases["pixel4/cpu"] == "same core"  # a Pixel 4 is among the phones of the measurements
    assert bases["galaxy_s24/cpu"] == "facts"
    assert bases["a100/gpu"] == "bound"
    assert set(bases.values()) <= {"calibrated", "same core", "related core", "facts", "bound"}


def test_the_list_by_basis_has_the_best_first(cli):
    lines = cli("devices", "list", "--sort", "basis").out.splitlines()
    order = ["calibrated", "same core", "related core", "facts", "bound"]
    found = [next((order.index(word) for word in order if f"  {word}  " in line), None) for line in lines]
    ranks = [rank for rank in found if rank is not None]
    assert ranks == sorted(ranks)
    assert {0, 4} <= set(ranks)


def test_the_list_says_how_many_more_there_are(cli):
    more = len(device_names(catalogue=True)) - len(device_names())
    assert f"{more:,} more devices and systems on a chip" in cli("devices", "list").out


def test_the_whole_list(cli):
    rows = json.loads(cli("devices", "list", "--all", "--format", "json").out)
    assert sorted(row["name"] for row in rows) == list(device_names(catalogue=True))
    phone = next(row for row in rows if row["name"] == "pixel9")
    assert (phone["soc"], phone["basis"], phone["core"]) == ("Google Tensor G4", "facts", "cortex_x4")
    text = cli("devices", "list", "--all").out
    assert "pixel9 " in text
    assert "snapdragon_855 " in text


def test_search(cli):
    out = cli("devices", "search", "8", "gen", "3").out
    assert "snapdragon_8_gen_3 " in out
    assert "galaxy_s24_ultra " in out
    (core,) = json.loads(cli("devices", "search", "cortex-x4", "--kind", "core", "--json").out)
    assert (core["kind"], core["name"]) == ("core", "cortex_x4")


def test_search_for_what_there_is_not(cli):
    outcome = cli("devices", "search", "qqqqqqqqqqqq")
    assert outcome.code == 2
    assert "error[MB300]" in outcome.err
    assert cli("devices", "search", "pixel", "--kind", "phone").code == 2


def test_show_a_chip_a_core_and_a_device(cli):
    chip = cli("devices", "show", "snapdragon_855").out
    assert "512 KiB" in chip
    assert "snapdragon_855.at_855" in chip
    core = cli("devices", "show", "Cortex-X4").out
    assert "out-of-order" in core
    assert "snapdragon_8_gen_3" in core
    details = json.loads(cli("devices", "show", "cortex_x4", "--format", "json").out)
    assert details["numbers"]["vector_pipes"]["value"] == 4
    assert "tensor_g4" in details["chips"]
    assert "Google Tensor G4" in cli("devices", "show", "Pixel 9").out
    assert "3.39 GHz" in cli("devices", "show", "cortex_x4@3.39GHz").out


def test_a_new_device(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("MBCOST_DEVICES", str(tmp_path))
    outcome = cli("devices", "new", "my_phone", "--like", "pixel4")
    path = tmp_path / "my_phone.yaml"
    assert (outcome.code, outcome.out) == (0, f"{path}\n")
    assert cli("devices", "check", str(path)).out == f"ok  {path}\n"
    assert cli("analyze", "mobilenet_v1", "--device", "my_phone").code == 0
    before = path.read_text()
    again = cli("devices", "new", "my_phone", "--like", "pixel8")
    assert again.code == 2
    assert path.read_text() == before
    other = cli("devices", "new", "another", "--like", "pixel4", "-o", str(tmp_path / "third.yaml"))
    assert "MB010" in other.err
    taken = tmp_path / "sub" / "another.yaml"
    taken.parent.mkdir()
    taken.write_text("mine", encoding="utf-8")
    kept = cli("devices", "new", "another", "--like", "pixel4", "-o", str(taken))
    assert "MB007" in kept.err
    assert taken.read_text(encoding="utf-8") == "mine"


def test_a_new_device_needs_something_that_it_is_like(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("MBCOST_DEVICES", str(tmp_path))
    bare = cli("devices", "new", "my_phone")
    assert bare.code == 2
    assert "name its system on a chip, --soc, or a device that is like it, --like" in bare.err
    assert cli("devices", "new", "my_phone", "--soc", "Snapdragon 7 Gen 3").code == 0
    assert cli("analyze", "mobilenet_v1", "--device", "my_phone").code == 0
    assert cli("devices", "new", "my_npu", "--like", "edge_tpu").code == 0
    assert cli("analyze", "mobilenet_v1", "--device", "my_npu").code == 0


def test_check_takes_cores_and_chips(cli):
    files = [str(hardware_profiles() / name) for name in ("cores/cortex_x4.yaml", "socs/tensor_g4.yaml")]
    assert cli("devices", "check", *files).out.splitlines() == [f"ok  {path}" for path in files]


@pytest.mark.parametrize("kind", ["short-device", "soc", "core"])
def test_schemas_of_the_catalogue(cli, kind):
    assert "provenance" in json.loads(cli("schema", kind).out)["properties"]


def test_completion_knows_the_catalogue():
    from mbcost.cli.complete import complete_device, complete_target

    assert {"pixel9", "pixel9a"} <= set(complete_device("pixel9"))
    assert "snapdragon_8_gen_3" in complete_device("snapdragon_8")
    assert "cortex_x4" in complete_device("cortex_x")
    assert "pixel9/cpu.small@ncnn" in complete_target("pixel9/")


def test_show_a_gpu(cli) -> None:
    """Adreno 640: 2 cores of 384 multiply-adds a cycle, in the Snapdragon 855 (azhirnov, cpu-gpu-arch; gpu_info.cc)."""
    shown = cli("devices", "show", "Adreno 640")
    assert shown.code == 0
    assert "384 MAC/cycle" in shown.out
    assert "snapdragon_855" in shown.out
    data = json.loads(cli("devices", "show", "adreno_640", "--format", "json").out)
    assert (data["name"], data["vendor"], data["numbers"]["cores"]["value"]) == ("adreno_640", "adreno", 2)

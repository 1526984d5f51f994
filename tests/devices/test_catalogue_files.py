"""Files of cores, chips and short devices: each mistake is found at its place, all of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from mbcost.devices import check_device, load_device, resolve_target
from mbcost.devices.catalogue_reader import kind_of, problems_of
from mbcost.devices.catalogue_schema import MODELS, catalogue_json_schema
from mbcost.errors import InputError
from mbcost.files import load_yaml, parse_yaml
from mbcost.resources import hardware_profiles

HOME = hardware_profiles()
FOLDERS = {"core": "cores", "soc": "socs", "device": "devices", "gpu": "gpus"}
SHIPPED = [(kind, path) for kind, folder in FOLDERS.items() for path in sorted((HOME / folder).glob("*.yaml"))]

CORE = """\
identity: {name: mine, title: My core, names: [MC1], vendor: Me, year: 2026}
like: cortex_a76
provenance: {date: "2026-11-28", reference: manual, references: {manual: its manual}}
instructions: armv8.2-a
order: out-of-order
decode_width: 4
vector_pipes: 2
simd_width: 128 bit
throughput: {fp32: 8, fp16: 16, int8: 32}
features: [neon, fp16, dotprod]
max_clock: 2.0 GHz
l1d: 64 KiB
l2: 512 KiB
"""
SOC = """\
identity: {name: mine, title: My chip, names: [CH1], vendor: Me, year: 2026}
provenance: {date: "2026-11-28", reference: manual, references: {manual: its manual}}
clusters:
  large: {core: cortex_a76, cores: 2, clock: 2.4 GHz, l2: 512 KiB}
  small: {core: cortex_a55, cores: 4, clock: 1.8 GHz, l2: null}
l3: null
gpu: {name: Some GPU, cores: 4, clock: 800 MHz}
npu: null
memory: {type: LPDDR4X, width: 32 bit, transfer_rate: 4266 MT/s, bandwidth: 17.06 GB/s}
"""
DEVICE = """\
identity: {name: mine, title: My phone, names: [MP1], year: 2026}
soc: snapdragon_855
provenance: {date: "2026-11-28", reference: maker, references: {maker: its specifications}}
clusters:
  large: {clock: 2.9 GHz}
memory: {capacity: 8 GiB}
"""
GPU = """\
identity: {name: mine, title: My GPU, names: [GP1], vendor: Me, year: 2026}
provenance: {date: "2026-11-28", reference: manual, references: {manual: its manual}}
vendor: mali
generation: valhall-1
cores: null
throughput: {fp32: 32, fp16: 64}
max_clock: 850 MHz
l2: null
"""
TEXTS = {"core": CORE, "soc": SOC, "device": DEVICE, "gpu": GPU}


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("MBCOST_DEVICES", str(tmp_path))
    for folder in ("cores", "socs", "gpus"):
        (tmp_path / folder).mkdir()
    return tmp_path


def written(own: Path, kind: str, text: str, name: str = "mine") -> Path:
    path = own / {"core": "cores", "soc": "socs", "device": "", "gpu": "gpus"}[kind] / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", MODELS)
def test_what_ships_passes_the_checks_of_users_files(kind: str) -> None:
    documents = {path: load_yaml(path) for each, path in SHIPPED if each == kind}
    assert documents
    assert {path.stem: kind_of(document.data, path) for path, document in documents.items()} == {
        path.stem: kind for path in documents
    }
    found = {path.stem: problems_of(document, kind, path.stem) for path, document in documents.items()}  # type: ignore[arg-type]
    assert {name: problems for name, problems in found.items() if problems} == {}


@pytest.mark.parametrize("kind", MODELS)
def test_the_json_schema_takes_what_ships_and_refuses_mistakes(kind: str) -> None:
    schema = catalogue_json_schema(kind)  # type: ignore[arg-type]
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for found, path in SHIPPED:
        if found == kind:
            validator.validate(load_yaml(path).data)
    right = parse_yaml(TEXTS[kind], "x").data
    assert validator.is_valid(right)
    for wrong in ({"identity": 3}, {"naem": "x"}, {"provenance": {"date": "yesterday", "references": {}}}):
        assert not validator.is_valid({**right, **wrong})


@pytest.mark.parametrize("kind", TEXTS)
def test_a_file_without_mistakes(own: Path, kind: str) -> None:
    assert check_device(written(own, kind, TEXTS[kind])) == []


@pytest.mark.parametrize(
    ("kind", "old", "new", "code", "line", "says"),
    [
        # shape
        ("core", "l1d: 64 KiB", "l1d: 64 KiBi", "MB301", 12, "KiBi"),
        ("core", "l1d: 64 KiB", "lid: 64 KiB", "MB101", 12, "did you mean `l1d`"),
        ("core", "order: out-of-order", "order: random", "MB103", 5, "in-order"),
        ("core", "[neon, fp16, dotprod]", "[neon, fp16, dotprd]", "MB103", 10, "did you mean `dotprod`?"),
        ("core", "reference: manual, ", "", "MB302", 6, "needs a `reference`"),
        ("core", "reference: manual", "reference: manul", "MB302", 6, "`manul` is not in `provenance.references`"),
        ("core", "vector_pipes: 2", "vector_pipes: {value: 2}", "MB302", 7, "`source`"),
        ("soc", "cores: 2,", "cores: 0,", "MB303", 4, "positive"),
        ("soc", "cores: 2,", "cores: -1,", "MB303", 4, "positive"),
        ("soc", "cores: 2,", "cores: 1.5,", "MB301", 4, "whole number"),
        ("soc", "{core: cortex_a76, ", "{", "MB102", 4, "has no `core`"),
        ("soc", "clock: 2.4 GHz", "clock: fast", "MB301", 4, "fast"),
        ("soc", "  small:", "  tiny:", "MB103", 5, "large"),
        ("device", "soc: snapdragon_855", "soc: 855", "MB103", 2, "text"),
        ("device", "{clock: 2.9 GHz}", "{clok: 2.9 GHz}", "MB101", 5, "did you mean `clock`?"),
        # contradictions
        ("core", "fp32: 8", "fp32: 16", "MB303", 9, "2 pipes x 4 lanes = 8 MAC/cycle"),
        ("core", "fp32: 8", "fp32: 4", "MB303", 9, "2 pipes x 4 lanes = 8 MAC/cycle"),
        ("core", "int8: 32", "int8: 64", "MB303", 9, "2 pipes x 16 lanes = 32 MAC/cycle"),  # needs i8mm
        ("core", "fp16, dotprod", "dotprod", "MB303", 9, "`features` does not"),
        ("core", "l1d: 64 KiB", "l1d: 1024 KiB", "MB303", 12, "larger than `l2`"),
        ("core", "like: cortex_a76", "like: cortex_a67", "MB304", 2, "did you mean `cortex_a7"),
        ("core", "like: cortex_a76", "like: mine", "MB303", 2, "does not derive from itself"),
        ("soc", "core: cortex_a76", "core: cortex_a67", "MB304", 4, "did you mean `cortex_a7"),
        ("soc", "core: cortex_a76", "core: Cortex-A76", "MB103", 4, "core"),
        ("soc", "clock: 2.4 GHz", "clock: 4.2 GHz", "MB303", 4, "the highest known of Arm Cortex-A76 is 2.86 GHz"),
        ("soc", "  large:", "  medium:", "MB303", 3, "`clusters` has no `large`"),
        ("soc", "17.06 GB/s", "34.1 GB/s", "MB303", 9, "width x transfer_rate"),
        ("device", "soc: snapdragon_855", "soc: snapdragon_588", "MB304", 2, "snapdragon_8"),
        ("device", "soc: snapdragon_855", "soc: sm8150", "MB304", 2, "its key is `snapdragon_855`"),
        ("device", "  large:", "  medium_2:", "MB304", 5, "it has large, medium or small"),
        ("device", "2.9 GHz", "4.9 GHz", "MB303", 5, "the highest known of"),
        ("device", "{clock: 2.9 GHz}", "{core: nothing}", "MB304", 5, "no core `nothing`"),
        # names
        ("core", "name: mine", "name: other", "MB303", 1, "the file is called `mine`"),
        ("device", "[MP1]", "[MP1, mp-1, MP1]", "MB303", 1, "twice"),
        ("device", "[MP1]", "[SM-S921B]", "MB303", 1, "also one of galaxy_s24_exynos"),
        ("device", "[MP1]", "[Cortex-X4]", "MB303", 1, "also one of the core cortex_x4"),
        ("device", "[MP1]", "[sm8150]", "MB303", 1, "also one of the chip snapdragon_855"),
        ("device", "[MP1]", "[pixel4]", "MB303", 1, "also one of pixel4"),
        ("soc", "[CH1]", "[Snapdragon 855]", "MB303", 1, "also one of the chip snapdragon_855"),
    ],
)
def test_a_mistake_is_found_at_its_place(
    own: Path, kind: str, old: str, new: str, code: str, line: int, says: str
) -> None:
    assert old in TEXTS[kind]
    path = written(own, kind, TEXTS[kind].replace(old, new, 1))
    found = [problem for problem in check_device(path) if problem.code == code]
    assert found, check_device(path)
    shown = [problem for problem in found if says in str(problem)]
    assert shown, [str(problem) for problem in found]
    assert shown[0].location is not None
    assert (shown[0].location.path, shown[0].location.line) == (str(path), line)


def test_all_mistakes_at_once_in_the_order_of_the_file(own: Path) -> None:
    text = SOC.replace("cortex_a76", "cortex_a67").replace("1.8 GHz", "8.1 GHz").replace("17.06", "34.1")
    problems = check_device(written(own, "soc", text.replace("name: Some GPU", "nam: Some GPU")))
    assert [problem.location.line for problem in problems if problem.location] == [4, 5, 7, 7, 9]


def test_the_users_cores_and_chips_are_used(own: Path) -> None:
    """Two pipes of four lanes at 2 GHz: 16 GMAC/s."""
    written(own, "core", CORE)
    written(
        own,
        "soc",
        SOC.replace("cortex_a76", "mine").replace("2.4 GHz", "2 GHz").replace("name: mine", "name: chip"),
        "chip",
    )
    written(
        own,
        "device",
        DEVICE.replace("name: mine", "name: phone").replace("snapdragon_855", "chip").replace("2.9", "1.9"),
        "phone",
    )
    assert load_device("chip").processors["cpu"].peak["fp32"].value == pytest.approx(16e9)
    assert load_device("phone").processors["cpu"].clock.value == pytest.approx(1.9e9)
    assert load_device("mp1").name == "phone"
    assert resolve_target("mc1@1.5GHz").processor.model == "mine"
    assert load_device("chip").origin == load_device("phone").origin == "user"
    written(own, "core", CORE.replace("fp32: 8, fp16: 16, int8: 32", "fp32: 4").replace("pipes: 2", "pipes: 1"))
    assert load_device("phone").processors["cpu"].peak["fp32"].value == pytest.approx(4 * 1.9e9)


def test_a_users_core_replaces_a_shipped_one(own: Path) -> None:
    written(own, "core", CORE.replace("name: mine", "name: cortex_x4").replace("[MC1]", "[]"), "cortex_x4")
    assert load_device("pixel9").processors["cpu"].throughput["fp32"].value == 8


def test_a_broken_core_is_reported_where_it_is_used(own: Path) -> None:
    path = written(own, "core", CORE.replace("fp32: 8", "fp32: 9"))
    with pytest.raises(InputError) as caught:
        resolve_target("mine@1.5GHz")
    assert caught.value.codes == ("MB303",)
    assert str(path) in str(caught.value)
    found = check_device(
        written(own, "soc", SOC.replace("cortex_a76", "mine").replace("name: mine", "name: chip"), "chip")
    )
    assert str(path) in str(found[0])


@pytest.mark.parametrize(
    ("name", "kind"), [("mine.yaml", "device"), ("cores/mine.yaml", "core"), ("socs/mine.yaml", "soc")]
)
def test_files_that_are_no_mapping(own: Path, name: str, kind: str) -> None:
    for text in ("", "- 3", "text", "{}", f"soc: 3\nclusters: 3\nidentity: [{kind}]\nprovenance: x"):
        path = own / name
        path.write_text(text, encoding="utf-8")
        assert check_device(path), text


def test_a_full_profile_with_an_unknown_chip(own: Path) -> None:
    text = (HOME / "pixel4.yaml").read_text(encoding="utf-8").replace("soc: snapdragon_855\n", "soc: snapdragon_588\n")
    (problem,) = check_device(written(own, "device", text, "pixel4"))
    assert problem.code == "MB304"
    assert "did you mean" in str(problem)

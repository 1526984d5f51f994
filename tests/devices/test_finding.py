"""Searching the catalogue, and files of new devices."""

from __future__ import annotations

from pathlib import Path

import pytest

from mbcost.devices import check_device, device_names, load_device, search
from mbcost.devices.finding import entries
from mbcost.devices.new import new_device
from mbcost.errors import InputError

#: Devices that are described in full and name no chip of the catalogue.
IN_FULL = [name for name in device_names() if load_device(name).chip is None]


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("MBCOST_DEVICES", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("pixel 9", "pixel9"),
        ("PIXEL-9", "pixel9"),
        ("SM-S921B", "galaxy_s24_exynos"),
        ("exynos 2400", "exynos_2400"),
        ("cortex-x4", "cortex_x4"),
        ("zcu102", "zcu102"),
        ("raspberry pi 5", "raspberry_pi_5"),
        ("pixle9", "pixel9"),  # no word of it is anywhere: the nearest
    ],
)
def test_the_best_comes_first(text: str, first: str) -> None:
    assert search(text)[0].name == first


def test_chips_come_before_the_devices_that_have_them() -> None:
    found = search("8 gen 3")
    assert {"snapdragon_8_gen_3", "snapdragon_8_gen_3_for_galaxy"} == {each.name for each in found[:2]}
    phone = next(each for each in found if each.name == "galaxy_s24_ultra")
    assert (phone.kind, phone.soc) == ("device", "Qualcomm Snapdragon 8 Gen 3 for Galaxy")
    assert phone.cpu is not None
    assert phone.cpu.startswith("1 x Cortex-X4 3.39 GHz + 3 x Cortex-A720 3.1 GHz")
    assert not [each.name for each in found if "8 Gen 3" not in f"{each.title} {each.soc}"]


def test_cores_and_clocks_find_devices() -> None:
    assert "pixel9" in {each.name for each in search("cortex-x4 3.105")}
    assert {each.kind for each in search("cortex-x4", "device")} == {"device"}
    assert {each.name for each in search("cortex-x4", "core")} == {"cortex_x4"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Adreno 750", "galaxy_s24"),
        ("Adreno (TM) 640", "pixel4"),
        ("mali-g78", "pixel6"),
        ("hexagon v75", "ventuno_q"),
        ("hailo-8l", "hailo_8l"),
        ("RTX 4090", "rtx_4090"),
    ],
)
def test_gpus_and_npus_find_devices(text: str, name: str) -> None:
    assert name in {each.name for each in search(text)}


def test_a_device_of_the_user_is_found(own: Path) -> None:
    text = new_device("my_phone", "pixel4").replace("names: []", "names: [Wonderphone]")
    (own / "my_phone.yaml").write_text(text, encoding="utf-8")
    (own / "broken.yaml").write_text("identity: [", encoding="utf-8")
    assert search("wonderphone")[0].name == "my_phone"
    assert load_device("Wonderphone").name == "my_phone"


def test_every_entry_says_what_it_is() -> None:
    found = list(entries())
    assert len({(each.kind, each.name) for each in found}) == len(found)
    assert all(each.title for each in found)
    assert all(each.cpu for each in found if each.kind == "soc")


@pytest.mark.parametrize(("text", "kind"), [("", None), ("...", None), ("pixel", "phone")])
def test_mistakes(text: str, kind: str | None) -> None:
    with pytest.raises(InputError) as caught:
        search(text, kind)  # type: ignore[arg-type]
    assert caught.value.codes == ("MB010",)


@pytest.mark.parametrize("like", ["pixel4", "pixel9", "snapdragon_855", "galaxy_s8", "SM-S921B"])
def test_a_new_device_is_ready_to_use(own: Path, like: str) -> None:
    path = own / "my_phone.yaml"
    path.write_text(new_device("my_phone", like), encoding="utf-8")
    assert check_device(path) == []
    mine, other = load_device("my_phone"), load_device(like)
    assert mine.origin == "user"
    assert mine.chip == other.chip
    assert [each.clock.value for each in mine.processors.values()] == [
        other.processors[name].clock.value for name in mine.processors
    ]


def test_a_new_device_with_another_chip(own: Path) -> None:
    (own / "my_phone.yaml").write_text(new_device("my_phone", "galaxy_s24", "Exynos 2400"), encoding="utf-8")
    assert load_device("my_phone").chip == "exynos_2400"


def test_a_new_device_by_its_chip_alone(own: Path) -> None:
    text = new_device("my_phone", soc="Snapdragon 7 Gen 3")
    (own / "my_phone.yaml").write_text(text, encoding="utf-8")
    assert check_device(own / "my_phone.yaml") == []
    assert load_device("my_phone").chip == "snapdragon_7_gen_3"
    assert "taken over" not in text


@pytest.mark.parametrize("like", IN_FULL)
def test_a_new_device_like_one_without_a_chip_is_a_copy(own: Path, like: str) -> None:
    path = own / "my_chip.yaml"
    path.write_text(new_device("my_chip", like), encoding="utf-8")
    assert check_device(path) == []
    mine, other = load_device("my_chip"), load_device(like)
    assert (mine.title, mine.names) == ("my_chip", ())
    assert mine.processors == other.processors
    assert mine.memory == other.memory
    assert mine.provenance == other.provenance


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("pixel9", "pixel8"), "MB010"),
        (("My Phone", "pixel8"), "MB010"),
        (("mine", "nothing like it"), "MB300"),
        (("mine", "cortex_x4@3.39GHz"), "MB010"),
        (("mine",), "MB010"),
        (("mine", "pixel8", "snapdragon_99"), "MB300"),
    ],
)
def test_what_cannot_be_new(arguments: tuple[str, ...], code: str) -> None:
    with pytest.raises(InputError) as caught:
        new_device(*arguments)
    assert caught.value.codes == (code,)

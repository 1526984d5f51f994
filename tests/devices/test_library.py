"""Where profiles are found, and what is loaded again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from mbcost.devices import device_names, library, load_device, user_folder
from mbcost.errors import InputError
from mbcost.resources import hardware_profiles

PIXEL1 = (hardware_profiles() / "pixel1.yaml").read_text(encoding="utf-8")


@pytest.fixture
def own(monkeypatch, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setenv("MBCOST_DEVICES", str(folder))
    return folder


def test_a_device_of_the_user(own):
    (own / "mine.yaml").write_text(PIXEL1.replace("name: pixel1", "name: mine"), encoding="utf-8")
    (own / "notes.txt").write_text("not a profile", encoding="utf-8")
    assert "mine" in device_names()
    assert "notes" not in device_names()
    assert load_device("mine").origin == "user"


def test_a_device_of_the_user_replaces_a_shipped_one_and_says_so(own):
    assert load_device("pixel1").origin == "shipped"
    (own / "pixel1.yaml").write_text(PIXEL1.replace("title: Google Pixel 1", "title: Mine"), encoding="utf-8")
    profile = load_device("pixel1")
    assert (profile.title, profile.origin) == ("Mine", "user, in place of the shipped profile")
    assert device_names().count("pixel1") == 1


def test_the_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("MBCOST_DEVICES", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert user_folder() == tmp_path / "mbcost" / "devices"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_folder() == tmp_path / ".config" / "mbcost" / "devices"
    assert "pixel1" in device_names()  # though that folder does not exist


def test_a_chosen_folder_has_to_exist(monkeypatch, tmp_path):
    monkeypatch.setenv("MBCOST_DEVICES", str(tmp_path / "gone"))
    with pytest.raises(InputError, match="MBCOST_DEVICES"):
        device_names()


def test_a_profile_is_loaded_once_until_it_changes(own):
    path = own / "pixel1.yaml"
    path.write_text(PIXEL1, encoding="utf-8")
    first = load_device(path)
    assert load_device(str(path)) is first
    path.write_text(PIXEL1.replace("Google Pixel 1", "Changed"), encoding="utf-8")
    os.utime(path, ns=(1, 1))
    assert load_device(path).title == "Changed"


@pytest.mark.parametrize("name", ["missing.yaml", "a\0b.yaml", "x" * 300 + ".yaml", "./", "~nobody-here/x.yaml"])
def test_a_path_that_is_no_file(own, monkeypatch, name):
    monkeypatch.chdir(own)
    with pytest.raises(InputError) as caught:
        load_device(name)
    assert caught.value.codes[0] in {"MB001", "MB002"}


def test_a_shipped_profile_that_was_edited_is_checked(monkeypatch, tmp_path):
    shutil.copytree(hardware_profiles(), tmp_path / "shipped")
    monkeypatch.setattr(library, "hardware_profiles", lambda: tmp_path / "shipped")
    assert load_device("pixel1").origin == "shipped"
    path = tmp_path / "shipped" / "pixel1.yaml"
    path.write_text(PIXEL1.replace("kind: cpu", "kind: cpv"), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_device("pixel1")
    assert caught.value.codes == ("MB103",)
    path.write_text(PIXEL1, encoding="utf-8")
    (tmp_path / "shipped" / library.CHECKED).unlink()
    assert load_device("pixel1").origin == "shipped"


def test_loading_a_shipped_profile_is_light():
    code = "import sys, mbcost.devices; mbcost.devices.load_device('pixel1'); print('pydantic' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_importing_devices_is_light():
    heavy = ["numpy", "pandas", "networkx", "plotly", "pydantic"]
    code = f"import sys, mbcost.devices; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("file", "old", "new", "device"),
    [
        ("devices/pixel9.yaml", "soc: tensor_g4", "soc: 4", "pixel9"),
        ("devices/pixel9.yaml", "title: Google Pixel 9, ", "", "pixel9"),
    ],
)
def test_a_device_of_the_catalogue_that_was_spoilt_says_where(monkeypatch, tmp_path, file, old, new, device):
    shutil.copytree(hardware_profiles(), tmp_path / "shipped")
    monkeypatch.setattr(library, "hardware_profiles", lambda: tmp_path / "shipped")
    path = tmp_path / "shipped" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_device(device)
    assert str(path) in str(caught.value)


def test_loading_a_device_of_the_catalogue_is_light():
    code = "import sys, mbcost.devices; mbcost.devices.load_device('pixel9'); print('pydantic' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"

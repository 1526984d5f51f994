"""The shipped files are found from a checkout and from an installed package."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mbcost
from mbcost.errors import DefectError
from mbcost.resources import first_folder, hardware_profiles


def test_the_shipped_profiles_are_found():
    assert (hardware_profiles() / "pixel1.yaml").is_file()


def test_the_folder_inside_the_package_comes_first(tmp_path):
    inside, beside = tmp_path / "mbcost" / "hardware_profiles", tmp_path / "hardware_profiles"
    beside.mkdir()
    assert first_folder(inside, beside) == beside
    inside.mkdir(parents=True)
    assert first_folder(inside, beside) == inside


@pytest.mark.parametrize("inside", [True, False])
def test_an_installed_package_finds_its_own_profiles(tmp_path, inside):
    checkout = hardware_profiles().parent
    shutil.copytree(Path(mbcost.__file__).parent, tmp_path / "mbcost", ignore=shutil.ignore_patterns("__pycache__"))
    target = tmp_path / "mbcost" / "hardware_profiles" if inside else tmp_path / "hardware_profiles"
    shutil.copytree(checkout / "hardware_profiles", target, dirs_exist_ok=True)
    code = "from mbcost.devices import load_device; print(load_device('pixel1').path)"
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == str(target / "pixel1.yaml")


def test_an_incomplete_installation_says_so(tmp_path):
    with pytest.raises(DefectError, match="not completely installed"):
        first_folder(tmp_path / "a", tmp_path / "b")

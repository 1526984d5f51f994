"""The shipped files are found from a checkout and from an installed package."""

from __future__ import annotations

import pytest

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


def test_an_incomplete_installation_says_so(tmp_path):
    with pytest.raises(DefectError, match="not completely installed"):
        first_folder(tmp_path / "a", tmp_path / "b")

"""The README of the hardware profiles agrees with the schema, and its example works."""

from __future__ import annotations

import re

import pytest

from mbcost.devices import check_device, load_device
from mbcost.devices.docs import catalogue_table, field_table, unit_table, with_tables
from mbcost.resources import hardware_profiles

README = (hardware_profiles() / "README.md").read_text(encoding="utf-8")


def test_the_tables_are_those_of_the_schema():
    assert field_table() in README, "run `python -m mbcost.devices.docs`"
    assert catalogue_table() in README, "run `python -m mbcost.devices.docs`"
    assert unit_table() in README, "run `python -m mbcost.devices.docs`"
    assert with_tables(README) == README


def test_stale_tables_are_renewed():
    assert with_tables(README.replace("| memory: `capacity` |", "| memory: `size` |")) == README


def test_every_field_is_described():
    assert "None" not in field_table()
    assert "None" not in catalogue_table()


def test_the_example_is_a_sound_profile(tmp_path):
    short, full = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)
    path = tmp_path / "my_phone.yaml"
    path.write_text(full, encoding="utf-8")
    assert load_device(path).default_processor.peak["fp32"].value == 19.2e9
    path.write_text(short, encoding="utf-8")
    assert check_device(path) == []
    assert load_device(path).default_processor.peak["fp32"].value == pytest.approx(2.96e9 * 8)

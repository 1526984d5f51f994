"""The shipped profiles: each loads, and its numbers are those of the sources."""

from __future__ import annotations

import copy
import pickle
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from typing import get_args

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mbcost.devices import check_device, device_json_schema, device_names, load_device, runtimes_for
from mbcost.devices.convert import stated as stated_by
from mbcost.devices.entries import Entry, PerPrecision
from mbcost.devices.library import CHECKED
from mbcost.devices.quantities import DIMENSIONS
from mbcost.devices.schema import PROCESSORS, DpuSection, HlsSection, MemorySection, OverheadSection
from mbcost.devices.types import DeviceProfile
from mbcost.errors import InputError
from mbcost.files import load_yaml
from mbcost.resources import hardware_profiles

SHIPPED = sorted(path.stem for path in hardware_profiles().glob("*.yaml"))
TEXTS = {name: (hardware_profiles() / f"{name}.yaml").read_text(encoding="utf-8") for name in SHIPPED}


@pytest.fixture(autouse=True)
def no_user_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("MBCOST_DEVICES", str(tmp_path))


def shipped(name: str) -> DeviceProfile:
    return load_device(hardware_profiles() / f"{name}.yaml")


def test_the_shipped_devices():
    """One a file, and all of them under the name of their file."""
    assert device_names() == tuple(SHIPPED)
    assert {shipped(name).name for name in SHIPPED} == set(SHIPPED)
    assert {"pixel1", "iphone_x", "zcu102"} <= set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_profile_passes_its_checks(name):
    assert check_device(hardware_profiles() / f"{name}.yaml") == []


def test_the_list_of_checked_profiles_is_current():
    """In any order: that of ``*.yaml`` differs between locales."""
    lines = {f"{sha256(TEXTS[name].encode()).hexdigest()}  {name}.yaml" for name in SHIPPED}
    listed = (hardware_profiles() / CHECKED).read_text(encoding="utf-8").splitlines()
    assert set(listed) == lines, f"run `sha256sum *.yaml > {CHECKED}` in hardware_profiles"
    assert len(listed) == len(lines)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_profile_names_a_default_runtime_alone(name):
    processors = yaml.safe_load(TEXTS[name])["processors"].values()
    assert all("runtimes" not in processor and "runtime" in processor for processor in processors)
    device = shipped(name)
    for processor in device.processors.values():
        able = runtimes_for(device, processor)
        assert able[0] == processor.runtime
        assert len(set(able)) == len(able)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_profile_is_the_same_with_its_checks_and_without(name):
    checked = shipped(name)  # named by its path, so that it is checked
    assert replace(load_device(name), origin="file") == checked


@pytest.mark.parametrize("name", SHIPPED)
def test_every_number_has_a_source(name):
    profile = shipped(name)
    for path, quantity in profile.quantities():
        assert set(quantity.reference) <= set(profile.provenance.references), path
        assert quantity.reference or quantity.formula or quantity.note, path
        assert quantity.text, path


@pytest.mark.parametrize("name", SHIPPED)
def test_every_reference_is_used(name):
    profile = shipped(name)
    used = {key for _, quantity in profile.quantities() for key in quantity.reference}
    assert used == set(profile.provenance.references)


@pytest.mark.parametrize("name", SHIPPED)
def test_quantities_are_all_numbers_of_the_file(name):
    def entries(data):
        if not isinstance(data, dict):
            return 0
        return 1 if "value" in data else sum(map(entries, data.values()))

    document = load_yaml(hardware_profiles() / f"{name}.yaml")
    stated = stated_by(document.data, "", "shipped")  # without the clusters of its chip
    assert len(list(stated.quantities())) == entries(document.data)


@pytest.mark.parametrize("section", [*PROCESSORS.values(), DpuSection, HlsSection, MemorySection, OverheadSection])
def test_every_number_is_converted_in_the_dimension_that_it_is_checked_for(section):
    numbers = 0
    for key, field in section.model_fields.items():
        classes = [part for part in (get_args(field.annotation) or (field.annotation,)) if isinstance(part, type)]
        for part in classes:
            if issubclass(part, PerPrecision):
                part = get_args(part.model_fields["fp32"].annotation)[0]
            if issubclass(part, Entry):
                assert DIMENSIONS[key] == part.dimension
                numbers += 1
    assert numbers


@pytest.mark.parametrize("name", SHIPPED)
def test_a_profile_is_hashable_copyable_and_pickles(name):
    profile = shipped(name)
    assert hash(profile) == hash(copy.deepcopy(profile))
    assert pickle.loads(pickle.dumps(profile)) == profile


@pytest.mark.parametrize("name", SHIPPED)
def test_the_json_schema_accepts_the_shipped_profiles(name):
    schema = device_json_schema()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(load_yaml(hardware_profiles() / f"{name}.yaml").data)


#: device, dotted path, value in base units, source
NUMBERS = [
    ("pixel1", "processors.cpu.clock", 2_150_400_000.0, "datasheet"),  # sysfs cpuinfo_max_freq
    ("pixel1", "processors.cpu.throughput.fp32", 4.0, "assumed"),  # as A53, A57, A72, A73 and A75
    ("pixel1", "processors.cpu.peak.fp32", 8_601_600_000.0, "derived"),  # 2.1504e9 * 4
    ("pixel1", "processors.cpu.l2", 1_048_576.0, "datasheet"),  # 1024 * 1024
    ("pixel1", "processors.gpu.peak.fp32", 159_744_000_000.0, "derived"),  # 319.5 GFLOP/s / 2
    ("pixel1", "processors.dsp.peak.int8", 128e9, "assumed"),  # 2 * 128 B * 500 MHz
    ("pixel1", "memory.bandwidth", 29.8e9, "datasheet"),
    ("pixel3", "processors.cpu.peak.fp32", 11.2128e9, "derived"),  # 89.7 GFLOP/s / 4 cores / 2
    ("pixel3", "processors.gpu.peak.fp32", 363.52e9, "derived"),  # 727 GFLOP/s / 2
    ("pixel3", "processors.gpu.bandwidth", 28e9, "measured"),
    ("pixel3", "overheads.gpu.kernel", 3.167e-6, "fitted"),
    ("pixel4", "processors.cpu.clock", 2.84e9, "datasheet"),
    ("pixel4", "processors.cpu.peak.fp32", 22.72e9, "derived"),  # 45.4 GFLOP/s / 2
    ("pixel4", "processors.cpu.peak.int8", 90.88e9, "derived"),  # 181.8 GOP/s / 2
    ("pixel4", "processors.gpu.peak.fp32", 449.28e9, "derived"),  # 898.6 GFLOP/s / 2
    ("pixel4", "processors.gpu.bandwidth", 30.1e9, "measured"),
    ("pixel4", "memory.bandwidth", 33.4e9, "datasheet"),
    ("xiaomi_mi9", "processors.gpu.peak.fp32", 449.28e9, "derived"),  # the chip of the Pixel 4
    ("raspberry_pi_4", "processors.cpu.measured_peak.fp32", 5.985e9, "measured"),  # 11.97 GFLOP/s / 2
    ("raspberry_pi_4", "processors.cpu.bandwidth", 4.33e9, "measured"),
    ("iphone_x", "processors.cpu.peak.fp32", 28.68e9, "derived"),  # 114.7 GFLOP/s / 2 cores / 2
    ("iphone_x", "processors.gpu.peak.fp16", 409.344e9, "derived"),  # 819 GFLOP/s / 2
    ("intel_ncs2", "processors.npu.peak.fp16", 179_200_000_000.0, "derived"),  # 256 * 700 MHz
    ("zcu102", "processors.fpga.bram", 4_202_496.0, "derived"),  # 1824 * 18 * 1024 / 8
    ("zcu102", "processors.fpga.peak.int8", 1_726_464_000_000.0, "derived"),  # 3.453 TOP/s / 2
    ("zcu102", "processors.fpga.dpu.pixel_parallelism", 8.0, "datasheet"),
]


@pytest.mark.parametrize(("name", "path", "value", "source"), NUMBERS)
def test_numbers_are_those_of_the_sources(name, path, value, source):
    quantity = dict(shipped(name).quantities())[path]
    assert quantity.value == pytest.approx(value, rel=1e-12)
    assert quantity.source == source


def test_what_nobody_measured_is_absent():
    assert "fp16" not in shipped("pixel1").processors["cpu"].peak
    assert shipped("raspberry_pi_4").memory.bandwidth is None


MUTATIONS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 12), st.text(alphabet="{}[]:,-#&*!|>'\"\n \t019.eaxé\0", max_size=6)),
    min_size=1,
    max_size=4,
)


@settings(deadline=None, max_examples=150)
@given(name=st.sampled_from(SHIPPED), mutations=MUTATIONS)
def test_a_mutated_profile_loads_or_is_refused(tmp_path_factory, name, mutations):
    text = TEXTS[name]
    for place, removed, inserted in mutations:
        start = int(place * len(text))
        text = text[:start] + inserted + text[start + removed :]
    path = tmp_path_factory.mktemp("mutated") / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    with suppress(InputError):
        load_device(path)


def leaves(data, path=()):
    if isinstance(data, dict):
        yield from (leaf for key, value in data.items() for leaf in leaves(value, (*path, key)))
    yield path


VALUES = ["null", "[]", "{}", "true", "-1", "0", "1e400", "123456789012345678901234567890", "x", "'4 GB'", "[[1]]"]


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_a_profile_with_any_value_replaced_loads_or_is_refused(tmp_path_factory, data):
    name = data.draw(st.sampled_from(SHIPPED))
    tree = yaml.safe_load(TEXTS[name])
    path = data.draw(st.sampled_from([leaf for leaf in leaves(tree) if leaf]))
    parent = tree
    for part in path[:-1]:
        parent = parent[part]
    parent[path[-1]] = yaml.safe_load(data.draw(st.sampled_from(VALUES)))
    file = tmp_path_factory.mktemp("replaced") / f"{name}.yaml"
    file.write_text(yaml.safe_dump(tree), encoding="utf-8")
    with suppress(InputError):
        load_device(file)

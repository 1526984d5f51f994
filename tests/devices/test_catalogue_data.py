"""The catalogue: cores, systems on a chip and devices agree with each other and with the names of the measurements."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from mbcost.files import load_yaml
from mbcost.resources import hardware_profiles
from mbcost.units import parse_quantity

SHARED = Path(__file__).parents[3] / "shared" / "measurements"
FOLDERS = ("cores", "socs", "devices")
CLUSTERS = ("large", "medium", "medium_2", "small")
SOURCES = {"datasheet", "measured", "derived", "fitted", "assumed"}
FEATURES = {
    *("dsp", "helium", "xtensa_pie", "rvp"),
    *("neon", "fp16", "dotprod", "i8mm", "bf16", "sve", "sve2", "sme", "amx", "rvv"),
    *("sse4", "avx2", "fma", "avx512", "avx_vnni", "avx512_vnni"),
}
IDENTITY = {"name", "title", "names", "vendor", "year"}
PROVENANCE = {"date", "reference", "references"}
#: keys of each section -> the dimension of the number, or None for text
CORE = {
    "decode_width": "count",
    "vector_pipes": "count",
    "simd_width": "width",
    "max_clock": "frequency",
    "l1d": "size",
    "l2": "size",
}
MICROCONTROLLER = {"microcontroller", "runtime"}
MEMORIES = {
    "flash": "size",
    "flash_wait_states": "count",
    "i_cache": "size",
    "d_cache": "size",
    "psram": "size",
}
CLUSTER = {"core": None, "cores": "count", "clock": "frequency", "l2": "size"}
GPU = {"name": None, "cores": "count", "clock": "frequency"}
NPU = {"name": None, "tops_int8": "count", "runtime": None}
MEMORY = {
    "type": None,
    "width": "width",
    "transfer_rate": "transfer_rate",
    "bandwidth": "bandwidth",
    "capacity": "size",
}
#: phones of the measurements whose profile is one of those that were there before the catalogue
OLDER = {"Pixel_3": "pixel3", "Pixel_4": "pixel4"}


def files(folder: str) -> dict[str, dict[str, Any]]:
    paths = sorted((hardware_profiles() / folder).glob("*.yaml"))
    return {path.stem: load_yaml(path).data for path in paths}


CORES, SOCS, DEVICES = (files(folder) for folder in FOLDERS)
ALL = [
    (folder, name, each)
    for folder, found in zip(FOLDERS, (CORES, SOCS, DEVICES), strict=True)
    for name, each in found.items()
]


def each_of(items: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """One test for all items: a thousand files are too many tests; what fails names its file."""

    def decorate(test: Callable[..., None]) -> Callable[[], None]:
        def run() -> None:
            wrong = []
            for item in items:
                values = item if isinstance(item, tuple) else (item,)
                try:
                    test(*values)
                except AssertionError as error:
                    wrong.append(f"{' '.join(map(str, values[:2]))}: {error}")
            assert wrong == []

        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    return decorate


EVERY = each_of(ALL)


def plain(name: str) -> str:
    """A name as it is compared: case, spaces, hyphens and underscores do not matter."""
    return " ".join(name.lower().replace("-", " ").replace("_", " ").split())


def value(number: Any, dimension: str) -> float | None:
    """The number in base units, of `8`, `64 KiB`, `{value: 8, ...}` or `{value: 64 KiB, ...}`."""
    if number is None:
        return None
    if isinstance(number, dict):
        text = f"{number['value']} {number['unit']}" if "unit" in number else number["value"]
        return value(text, dimension)
    if isinstance(number, int | float):
        assert dimension == "count", f"{number} has no unit"
        return float(number)
    return parse_quantity(number, dimension)


def check_number(number: Any, dimension: str, references: dict[str, str]) -> None:
    read = value(number, dimension)
    assert read is None or read > 0
    if isinstance(number, dict):
        assert set(number) <= {"value", "unit", "source", "reference", "formula", "note"}
        assert number["source"] in SOURCES
        named = number.get("reference", [])
        assert set([named] if isinstance(named, str) else named) <= set(references)
        assert number["source"] != "derived" or number["formula"]
        assert number["source"] != "assumed" or number["note"]


def check_section(section: dict[str, Any], keys: dict[str, str | None], references: dict[str, str]) -> None:
    assert set(section) <= set(keys)
    for key, dimension in keys.items():
        if dimension is None:
            assert section.get(key) is None or isinstance(section[key], str)
        else:
            check_number(section.get(key), dimension, references)


def check_memories(content: dict[str, Any], references: dict[str, str]) -> None:
    """The memories of a microcontroller, where it is one."""
    section = dict(content.get("memories") or {})
    for size in (section.pop("sram", None) or {}).values():
        check_number(size, "size", references)
    check_section(section, MEMORIES, references)


def references_of(content: dict[str, Any]) -> dict[str, str]:
    return content["provenance"].get("references", {})


@EVERY
def test_identity_and_provenance(folder: str, name: str, content: dict[str, Any]) -> None:
    identity, provenance = content["identity"], content["provenance"]
    assert identity["name"] == name
    assert set(identity) == IDENTITY - ({"vendor"} if folder == "devices" else set())
    assert identity["title"]
    assert isinstance(identity["names"], list)
    assert all(isinstance(each, str) for each in identity["names"])
    assert identity["year"] is None or 2005 <= identity["year"] <= 2026
    assert set(provenance) == PROVENANCE
    assert provenance["reference"] in provenance["references"]
    assert all(isinstance(each, str) and each for each in provenance["references"].values())


def test_no_name_is_used_twice() -> None:
    owners: dict[str, set[tuple[str, str]]] = {}
    for folder, name, content in ALL:
        for each in (name, *content["identity"]["names"]):
            owners.setdefault(plain(each), set()).add((folder, name))
    assert {alias: sorted(found) for alias, found in owners.items() if len(found) > 1} == {}


def test_no_name_is_that_of_an_older_profile() -> None:
    older = {path.stem for path in hardware_profiles().glob("*.yaml")} - set(DEVICES)
    names = {plain(each) for _, name, content in ALL for each in (name, *content["identity"]["names"])}
    assert sorted(names & {plain(each) for each in older}) == []


@each_of(CORES)
def test_core(name: str) -> None:
    core = CORES[name]
    references = references_of(core)
    keys = {"identity", "like", "provenance", "instructions", "order", "throughput", "features", *CORE}
    assert set(core) == keys | (MICROCONTROLLER if core.get("microcontroller") else set())
    assert core["order"] in {"in-order", "out-of-order"}
    assert core["like"] is None or (core["like"] in CORES and core["like"] != name)
    assert set(core["features"]) <= FEATURES
    for key, dimension in CORE.items():
        check_number(core[key], dimension, references)
    throughput = core["throughput"]
    assert {"fp32", "int8"} <= set(throughput) <= {"fp32", "fp16", "int8"}
    assert ("fp16" in throughput) == ("fp16" in core["features"])
    for rate in throughput.values():
        check_number(rate, "throughput_per_cycle" if isinstance(rate, dict) else "count", references)


@each_of(CORES)
def test_peaks_are_pipes_times_lanes(name: str) -> None:
    core = CORES[name]
    pipes, width = value(core["vector_pipes"], "count"), value(core["simd_width"], "width")
    rates = {
        key: value(rate, "throughput_per_cycle" if isinstance(rate, dict) else "count")
        for key, rate in core["throughput"].items()
    }
    if pipes is None or width is None:
        assert rates["fp32"] is None or core["throughput"]["fp32"]["source"] == "measured"
        return
    assert rates["fp32"] is None or rates["fp32"] == pipes * width / 32
    assert rates.get("fp16") is None or rates["fp16"] <= pipes * width / 16
    assert rates["int8"] is None or rates["fp32"] is None or rates["int8"] >= 2 * rates["fp32"]


@each_of(SOCS)
def test_soc(name: str) -> None:
    soc = SOCS[name]
    references = references_of(soc)
    assert set(soc) - {"memories"} == {"identity", "provenance", "clusters", "l3", "gpu", "npu", "memory"}
    check_memories(soc, references)
    assert list(soc["clusters"]) == [each for each in CLUSTERS if each in soc["clusters"]]
    assert "large" in soc["clusters"]
    assert ("medium_2" not in soc["clusters"]) or ("medium" in soc["clusters"])
    for cluster in soc["clusters"].values():
        check_section({key: item for key, item in cluster.items() if key != "runtime"}, CLUSTER, references)
        assert set(cluster) - {"runtime"} == set(CLUSTER)
        core = CORES[cluster["core"]]
        clock, limit = value(cluster["clock"], "frequency"), value(core["max_clock"], "frequency")
        assert clock is None or (limit is None and "FPGA" in soc["identity"]["title"]) or clock <= (limit or 0)
    check_number(soc["l3"], "size", references)
    for key, keys in (("gpu", GPU), ("npu", NPU), ("memory", {k: v for k, v in MEMORY.items() if k != "capacity"})):
        if soc[key] is not None:
            assert set(soc[key]) | {"runtime"} & set(keys) == set(keys)
            check_section(soc[key], keys, references)
    memory = soc["memory"] or {}
    width, rate, bandwidth = (
        value(memory.get(key), str(MEMORY[key])) for key in ("width", "transfer_rate", "bandwidth")
    )
    if None not in (width, rate, bandwidth):
        assert bandwidth == pytest.approx(width / 8 * rate, rel=0.01)  # type: ignore[operator]


@each_of(DEVICES)
def test_device(name: str) -> None:
    device = DEVICES[name]
    references = references_of(device)
    assert (
        {"identity", "soc", "provenance"}
        <= set(device)
        <= {"identity", "soc", "provenance", "clusters", "gpu", "memory", "memories", "active_power"}
    )
    check_memories(device, references)
    check_number(device.get("active_power"), "power", references)
    soc = SOCS[device["soc"]]
    for key, cluster in device.get("clusters", {}).items():
        assert key in soc["clusters"]
        check_section(cluster, CLUSTER, references)
        clock = value(cluster.get("clock"), "frequency")
        limit = value(CORES[soc["clusters"][key]["core"]]["max_clock"], "frequency")
        assert clock is None or (limit is not None and clock <= limit)
    check_section(device.get("gpu", {}), GPU, references)
    check_section(device.get("memory", {}), MEMORY, references)


def column(path: str, name: str) -> set[str]:
    with (SHARED / path).open(encoding="utf-8") as lines:
        return {row[name] for row in csv.DictReader(line for line in lines if not line.startswith("#")) if row[name]}


def unknown(wanted: set[str], *folders: dict[str, dict[str, Any]]) -> list[str]:
    known = {
        plain(each)
        for found in folders
        for name, content in found.items()
        for each in (name, *content["identity"]["names"])
    }
    return sorted(each for each in wanted if plain(each) not in known)


@pytest.mark.skipif(not SHARED.exists(), reason="the measurements are not beside this checkout")
@pytest.mark.parametrize(
    ("path", "key"),
    [("phones_iitm/latencies.csv", "cpu"), ("phones_qed/phones.csv", "core"), ("ncnn/devices.csv", "core")],
)
def test_cores_of_the_measurements_are_known(path: str, key: str) -> None:
    assert unknown(column(path, key), CORES) == []


@pytest.mark.skipif(not SHARED.exists(), reason="the measurements are not beside this checkout")
def test_socs_and_phones_of_the_measurements_are_known() -> None:
    assert unknown(column("phones_qed/phones.csv", "soc"), SOCS) == []
    phones = column("phones_iitm/latencies.csv", "phone") | column("phones_qed/phones.csv", "phone")
    older = {each for each, name in OLDER.items() if (hardware_profiles() / f"{name}.yaml").exists()} | {"pixel4"}
    assert unknown(phones - older, DEVICES) == []


def test_there_are_as_many_as_were_asked_for() -> None:
    assert len(CORES) >= 60
    assert len(SOCS) >= 100
    assert len(DEVICES) >= 150

"""Every key of the JSONs and every column of the tables is in the glossary."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import mbcost
from mbcost.insight.measured import COLUMNS

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(not (ROOT / "docs" / "glossary.md").exists(), reason="only in a checkout")

#: Places at which the keys are data: names of targets and processors, and values of an axis.
DATA = re.compile(r"left_out|results\.utilisation|shares\.\w+")
RESULTS: dict[str, Callable[[], Any]] = {
    "analysis": lambda: mbcost.analyze("mobilenet_v2", "pixel1"),
    "FPGA": lambda: mbcost.analyze("mobilenet_v2", "zcu102"),
    "microcontroller": lambda: mbcost.analyze("ds_cnn", "nucleo_l4r5zi"),
    "comparison": lambda: mbcost.compare(["mobilenet_v1", "mobilenet_v2"], "pixel1"),
    "sweep": lambda: mbcost.sweep("mobilenet_v2", "pixel1", alpha=[0.5, 1.0]),
    "pick": lambda: mbcost.pick("mobilenet_v2", ["pixel1", "pixel4"], budget="30ms"),
    "pick by memory": lambda: mbcost.pick("mobilenet_v1", "pixel4", precision="int8", ram="300KiB", flash="1MiB"),
    "explanation": lambda: mbcost.explain("mobilenet_v1", "pixel3a", measured_s=0.088),
    "stream": lambda: mbcost.stream("mobilenet_v2", ["pixel4/gpu", "pixel4"], buffers=[1, 2], frames=50),
    "design": lambda: mbcost.design("mobilenet_v2", "zc706", point=(32, 22, 56, 56)),
    "pipeline": lambda: mbcost.design("mobilenet_v1", "zc706", style="streaming", alpha=0.25, resolution=128),
    "validation": lambda: mbcost.validate("pixel1"),
}

WITHOUT_CSV = ("explanation", "stream", "design", "pipeline")


def keys(value: Any, place: str = "") -> Iterator[str]:
    """The keys of a JSON, but for those that are data."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not DATA.fullmatch(place):
                yield key
            yield from keys(inner, f"{place}.{key}".lstrip("."))
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from keys(inner, place)


def explained() -> set[str]:
    """What stands as code in the first column of a table of the glossary."""
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    return {name for cell in re.findall(r"^\| ([^|]*) \|", text, re.M) for name in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize("name", RESULTS)
def test_every_key_and_column_is_explained(name: str, tmp_path: Path) -> None:
    result = RESULTS[name]()
    found = {*keys(result.to_dict()), *map(str, result.to_frame().columns)}
    if name not in WITHOUT_CSV:
        with result.save(tmp_path / "result.csv").open(encoding="utf-8", newline="") as file:
            found.update(next(csv.reader(file)))
    named = {"busy_UNIT" if key.startswith("busy_") else key for key in found}
    assert sorted(named - explained()) == []


def test_columns_of_a_measured_analysis_are_explained() -> None:
    assert set(COLUMNS) <= explained()


def test_glossary_names_no_key_twice() -> None:
    """In a section of keys: one name, one meaning, or two that the row itself tells apart."""
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").partition("\n## Keys and columns\n")[2]
    for section in text.split("\n### ")[1:]:
        cells = re.findall(r"^\| ([^|]*) \|", section, re.M)
        names = [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]
        assert sorted(names) == sorted(set(names)), section.partition("\n")[0]

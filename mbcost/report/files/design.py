"""A loop-tiled design as JSON, and as the profile of a device."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import yaml

from mbcost.errors import fail
from mbcost.files import load_yaml
from mbcost.fpga.design import TiledDesign
from mbcost.report.files.text import json_text

_NAME: Final = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")


def to_json(report: TiledDesign) -> str:
    """The object of :meth:`TiledDesign.to_dict`."""
    return json_text(report.to_dict())


def to_profile(report: TiledDesign, name: str) -> str:
    """The profile of the device with this design instead of its own.

    Raises
    ------
    InputError
        MB010 if `name` cannot be that of a device.
    """
    graph, target, found = report.graph, report.work.target, report.found
    if not _NAME.fullmatch(name):
        fail(
            "MB010",
            f"`{name}` cannot be the name of a device",
            hint="lower-case letters and digits, joined by `-` or `_`",
        )
    data = load_yaml(Path(target.device.path)).data
    data["identity"] = {**data["identity"], "name": name}
    section_ = data["processors"][target.processor.name]
    formula = f"mbcost design {graph.architecture} --device {target.device.name} --precision {target.precision}"
    for key, value in found.point._asdict().items():
        entry = {"value": value, "source": "derived", "formula": formula}
        section_["hls"][key] = {**(section_["hls"].get(key) or {}), target.precision: entry}
    section_["precisions"] = [target.precision, *(p for p in section_["precisions"] if p != target.precision)]
    peaks = {p: peak for p, peak in (section_.get("peak") or {}).items() if p != target.precision}
    section_["peak"] = peaks
    text: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)
    return text

"""The file of a new device, ready to edit, from one that is like it."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Final

from mbcost.devices.clusters import CPU
from mbcost.devices.library import device_names, load_device
from mbcost.devices.schema import SLUG
from mbcost.devices.socs import load_soc
from mbcost.devices.types import DeviceProfile
from mbcost.errors import fail
from mbcost.files import read_text

#: What a file has that describes a device in full, and that of a core has not.
_IN_FULL: Final = re.compile(r"^processors:", re.MULTILINE)
_GIVE: Final = (
    "name its system on a chip, `soc=...`, or a device that is like it, `like=...`; "
    "`mbcost devices search TEXT` finds both"
)


def new_device(name: str, like: str | None = None, soc: str | None = None) -> str:
    """The text of a file of a device: by its chip, with what `like` has otherwise, or in full where `like` has no chip.

    Parameters
    ----------
    name
        The key of the new device: lower-case letters and digits, joined by ``-``, ``_`` or ``.``.
    like
        A device or a system on a chip; by default `soc`.
    soc
        Its system on a chip; by default that of `like`.

    Raises
    ------
    InputError
        MB010 for a name that is taken or is no key, or if neither `like` nor `soc` is given or leads to a chip or a
        file; MB300 if there is no `like` or `soc`.
    """
    if not re.fullmatch(SLUG, name):
        hint = "lower-case letters and digits, joined by `-`, `_` or `.`"
        fail("MB010", f"`{name}` is no name for a device", hint=hint, parameter="name")
    if name in device_names(catalogue=True):
        fail("MB010", f"there is a device `{name}` already", hint=f"`mbcost devices show {name}`", parameter="name")
    if like is None and soc is None:
        fail("MB010", "nothing says what the device is like", hint=_GIVE, parameter="like")
    other = load_device(like or soc or "")
    key = soc or other.chip
    if key is None:
        text = read_text(Path(other.path)) if other.path else ""
        if not _IN_FULL.search(text):
            fail("MB010", f"{other.title} names no system on a chip of the catalogue", hint=_GIVE, parameter="soc")
        return _copy(name, other, text)
    chip = load_soc(key)
    taken = f"taken over from {other.title} ({other.name}); " if like else ""
    lines = [
        "identity:",
        f"  name: {name}",
        f"  title: {name} # its name for people",
        "  names: [] # as it is sold, and model codes; `--device` takes any of them",
        "  year: null # of its release",
        "",
        f"soc: {chip.name} # {chip.title}; `mbcost devices show {chip.name}` has its clusters",
        "",
        "provenance:",
        f'  date: "{date.today().isoformat()}"',
        "  reference: source # of every number that names none",
        "  references:",
        f'    source: "{taken}name your source here"',
        "",
        "# What deviates from the chip; leave out what does not.",
        *_deviations(other, chip.name),
        "# memory: {type: LPDDR5X, bandwidth: 76.8 GB/s, capacity: 8 GiB}",
    ]
    return "\n".join(lines) + "\n"


def _copy(name: str, other: DeviceProfile, text: str) -> str:
    """The text of a file that describes a device in full, under a new name."""
    start = text.index("identity:")
    after = re.compile(r"\n(?=\S)").search(text, start)
    end = after.start() if after else len(text)
    identity = re.sub(r"\bnames: *\[[^\]]*\],? *", "", text[start:end])
    identity = re.sub(r"\bname: *[^,}\s]+", f"name: {name}", identity, count=1)
    identity = re.sub(r"^( +title:).*$", rf"\1 {name} # its name for people", identity, count=1, flags=re.MULTILINE)
    whose = f"# Every number is still that of {other.title} ({other.name}): "
    head = f"{whose}replace those that differ, each with its source.\n"
    return head + text[:start] + identity + text[end:]


def _deviations(other: DeviceProfile, chip: str) -> list[str]:
    """Clocks of `other` that are not those of its chip; an example where there is none, or it has another chip."""
    plain_chip = load_device(chip)
    clocks = {}
    for name, processor in plain_chip.processors.items():
        mine = other.processors.get(name)
        if other.chip != chip or mine is None or mine.clock is None or processor.clock is None:
            continue
        if mine.kind == "cpu" and mine.clock.value != processor.clock.value:
            clocks[name.partition(".")[2] or "large"] = mine.clock.text
    if not clocks:
        clock = plain_chip.processors[CPU].clock
        return ["# clusters:", f"#   large: {{clock: {clock.text if clock else '2 GHz'}}}"]
    return ["clusters:", *(f"  {name}: {{clock: {text}}}" for name, text in clocks.items())]

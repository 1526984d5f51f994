"""The file of a new device, ready to edit, from one that is like it."""

from __future__ import annotations

import re
from datetime import date

from mbcost.devices.clusters import CPU
from mbcost.devices.library import device_names, load_device
from mbcost.devices.schema import SLUG
from mbcost.devices.socs import load_soc
from mbcost.devices.types import DeviceProfile
from mbcost.errors import fail


def new_device(name: str, like: str, soc: str | None = None) -> str:
    """The text of a file of a device that is described by its chip, with what `like` has otherwise than the chip.

    Parameters
    ----------
    name
        The key of the new device: lower-case letters and digits, joined by ``-``, ``_`` or ``.``.
    like
        A device or a system on a chip.
    soc
        Its system on a chip; by default that of `like`.

    Raises
    ------
    InputError
        MB010 for a name that is taken or is no key, or if the chip is not known; MB300 if there is no `like` or `soc`.
    """
    if not re.fullmatch(SLUG, name):
        hint = "lower-case letters and digits, joined by `-`, `_` or `.`"
        fail("MB010", f"`{name}` is no name for a device", hint=hint, parameter="name")
    if name in device_names(catalogue=True):
        fail("MB010", f"there is a device `{name}` already", hint=f"`mbcost devices show {name}`", parameter="name")
    other = load_device(like)
    key = soc or other.chip
    if key is None:
        hint = "name its system on a chip: `soc=...`; `mbcost devices search --kind soc TEXT` finds one"
        fail("MB010", f"{other.title} names no system on a chip of the catalogue", hint=hint, parameter="soc")
    chip = load_soc(key)
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
        f'    source: "taken over from {other.title} ({other.name}); name your source here"',
        "",
        "# What deviates from the chip; leave out what does not.",
        *_deviations(other, chip.name),
        "# memory: {type: LPDDR5X, bandwidth: 76.8 GB/s, capacity: 8 GiB}",
    ]
    return "\n".join(lines) + "\n"


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

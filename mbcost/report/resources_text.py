"""What an accelerator takes of an FPGA's logic, as text."""

from __future__ import annotations

from mbcost.devices.fabric import Resources

_LABELS = {"dsp": "DSP slices", "bram": "block RAMs (36 Kibit)", "uram": "UltraRAM", "lut": "look-up tables"}


def resource_rows(needed: Resources, has: Resources) -> list[tuple[str, str]]:
    """A row a resource that is known: ``("DSP slices", "704 of 900, 78 %")``; block RAM in units of 36 Kibit."""
    rows = []
    for name, need, limit in zip(Resources._fields, needed, has, strict=True):
        if need is None:
            continue
        share = f", {need / limit:.0%}" if limit else ""
        counted = tuple(_number(value, name) for value in (need, limit))
        rows.append((_LABELS[name], f"{counted[0]}" + (f" of {counted[1]}" if limit is not None else "") + share))
    return rows


def _number(count: int | None, name: str) -> str:
    if count is None:
        return ""
    if name == "bram":
        return f"{count / 2:,.1f}".removesuffix(".0")
    return f"{count:,}"

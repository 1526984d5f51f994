"""Converts numbers of a profile file (value, unit and provenance) to base units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mbcost.devices.types import Quantity
from mbcost.units import UnitError, parse_quantity, plausible, to_base

_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "frequency": ("clock", "array_clock"),
    "throughput": ("peak", "measured_peak"),
    "throughput_per_cycle": ("throughput",),
    "transfer_rate": ("transfer_rate",),
    "time": ("call", "kernel", "frame"),
    "width": ("simd_width", "vector_width", "weight_width", "width"),
    "power": ("active_power",),
    "bandwidth": (
        *("bandwidth", "measured_bandwidth", "l2_bandwidth", "texture_bandwidth", "local_memory_bandwidth"),
        "system_cache_bandwidth",
    ),
    "size": (
        "l1d",
        "l2",
        "l3",
        "local_memory",
        "tile_memory",
        "feature_memory",
        "block_memory",
        "sram",
        "bram",
        "uram",
        "core_bram",
        "core_uram",
        "capacity",
        "system_cache",
        "flash",
        "psram",
        "i_cache",
        "d_cache",
    ),
    "ratio": ("pointwise", "convolution", "depthwise", "dense", "elementwise"),
    "energy": ("mac",),
    "energy_per_byte": ("register_byte", "sram_byte", "dram_byte"),
    "count": (
        *("cores", "shader_processors", "lanes", "contexts", "scalar_threads", "dsp_slices", "lut", "channels"),
        *("pixel_parallelism", "input_channel_parallelism", "output_channel_parallelism"),
        *("depthwise_parallelism", "rows", "columns"),
        *("tm", "tn", "tr", "tc", "dsp_per_mac", "core_dsp", "core_lut"),
        *("step_height", "step_width", "step_channels", "results", "flash_wait_states"),
    ),
}
#: Key of a profile -> dimension of its number, or of its number for each precision.
DIMENSIONS: Final[Mapping[str, str]] = {key: dimension for dimension, keys in _KEYS.items() for key in keys}


def base_value(value: float | str, unit: str | None, dimension: str) -> float:
    """`value` in base units.

    Raises
    ------
    UnitError
        If number and unit do not make a quantity of `dimension`.
    """
    if isinstance(value, str):
        if unit is not None:
            raise UnitError("the unit is given twice: in `value` and in `unit`")
        return plausible(parse_quantity(value, dimension), dimension, value)
    if unit is None:
        return parse_quantity(repr(float(value)), dimension)
    return plausible(to_base(float(value), unit, dimension), dimension, f"{value} {unit}")


def quantity(entry: Mapping[str, Any], dimension: str) -> Quantity:
    """The number of a checked entry of a file in base units."""
    value, unit, keys = entry["value"], entry.get("unit"), entry.get("reference") or ()
    return Quantity(
        value=base_value(value, unit, dimension),
        dimension=dimension,
        source=entry["source"],
        reference=(keys,) if isinstance(keys, str) else tuple(keys),
        formula=entry.get("formula"),
        note=entry.get("note"),
        text=_text(value, unit),
    )


def _text(value: float | str, unit: str | None) -> str:
    if isinstance(value, str):
        return value.strip()
    number = f"{value:.15g}"
    return number if unit in {None, "1"} else f"{number} {unit}"

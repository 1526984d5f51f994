"""Converts a checked profile file to the frozen classes of :mod:`mbcost.devices.types`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mbcost.devices.clusters import with_clusters
from mbcost.devices.quantities import DIMENSIONS, quantity
from mbcost.devices.socs import load_soc
from mbcost.devices.types import (
    DeviceProfile,
    Dpu,
    Efficiency,
    EnergyFigures,
    EthosU,
    Hls,
    Memory,
    Origin,
    Overheads,
    Processor,
    Provenance,
    Systolic,
)

#: Kind of processor -> the key with its model.
_MODEL_KEY: Final = {"cpu": "core", "gpu": "name", "dsp": "name", "npu": "name", "fpga": "part"}
_SECTIONS: Final = {
    "dpu": Dpu,
    "hls": Hls,
    "systolic": Systolic,
    "ethos_u": EthosU,
    "efficiency": Efficiency,
    "energy": EnergyFigures,
}


def profile(data: Mapping[str, Any], path: str, origin: Origin) -> DeviceProfile:
    """The profile in `data`, read from `path`, with the clusters of its system on a chip where it names one."""
    own = stated(data, path, origin)
    return own if own.chip is None else with_clusters(own, load_soc(own.chip))


def stated(data: Mapping[str, Any], path: str, origin: Origin) -> DeviceProfile:
    """What `data` states, without the clusters of the chip that it names."""
    return DeviceProfile(
        **_fields(data["identity"]),
        chip=data.get("soc"),
        provenance=Provenance(**_fields(data["provenance"])),
        processors={name: processor(name, section) for name, section in data["processors"].items()},
        memory=memory(data.get("memory", {})),
        overheads={name: Overheads(**_fields(section)) for name, section in data.get("overheads", {}).items()},
        path=path,
        origin=origin,
    )


def processor(name: str, section: Mapping[str, Any]) -> Processor:
    """The processor that `section` describes."""
    values = _fields(section)
    former = values.pop("runtimes", None) or ("",)
    values["runtime"] = values.get("runtime") or former[0]
    return Processor(model=values.pop(_MODEL_KEY[values["kind"]]), **(values | {"name": name}))


def memory(section: Mapping[str, Any]) -> Memory:
    """The memory that `section` describes."""
    return Memory(**_fields(section))


def _fields(section: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _value(key, value) for key, value in section.items() if value is not None}


def _value(key: str, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if not isinstance(value, dict) or key == "references":
        return value
    if key in _SECTIONS:
        return _SECTIONS[key](**_fields(value))
    if "value" in value:
        return quantity(value, DIMENSIONS[key])
    return {precision: quantity(entry, DIMENSIONS[key]) for precision, entry in value.items() if entry is not None}

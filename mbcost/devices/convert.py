"""From the pydantic models of a file to the frozen classes of :mod:`mbcost.devices.types`."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

from mbcost.devices.entries import Entry, PerPrecision
from mbcost.devices.schema import DeviceFile, DpuSection, MemorySection, ProcessorSection
from mbcost.devices.types import DeviceProfile, Dpu, Memory, Origin, Overheads, Processor, Provenance

#: The field that says what a processor is, by kind.
_MODEL_FIELD: Final = {"cpu": "core", "gpu": "name", "dsp": "name", "npu": "name", "fpga": "part"}


def profile(file: DeviceFile, path: str, origin: Origin) -> DeviceProfile:
    """The profile that `file`, read from `path`, describes."""
    return DeviceProfile(
        **_fields(file.identity),
        provenance=Provenance(**_fields(file.provenance)),
        processors={name: processor(name, section) for name, section in file.processors.items()},
        memory=memory(file.memory),
        overheads={name: Overheads(**_fields(section)) for name, section in file.overheads.items()},
        path=path,
        origin=origin,
    )


def processor(name: str, section: ProcessorSection) -> Processor:
    """The processor that `section` describes."""
    values = _fields(section)
    return Processor(model=values.pop(_MODEL_FIELD[values["kind"]]), **(values | {"name": name}))


def memory(section: MemorySection) -> Memory:
    """The memory that `section` describes."""
    return Memory(**_fields(section))


def _fields(section: BaseModel) -> dict[str, Any]:
    return {name: _value(value) for name, value in section}


def _value(value: Any) -> Any:
    if isinstance(value, Entry):
        return value.quantity()
    if isinstance(value, PerPrecision):
        return {name: _value(entry) for name, entry in value if entry is not None}
    if isinstance(value, DpuSection):
        return Dpu(**_fields(value))
    return tuple(value) if isinstance(value, list) else value

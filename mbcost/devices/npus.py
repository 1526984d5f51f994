"""The NPU of a system on a chip as a processor, where a runtime has rates of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mbcost.devices.socs import Unit
from mbcost.devices.types import Precision, Processor, Quantity
from mbcost.units import format_quantity

#: Its key in a profile.
NPU: Final = "npu"
#: What NPUs of a runtime compute in, where it is more than int8.
PRECISIONS: Final[Mapping[str, tuple[Precision, ...]]] = {"tflite-htp": ("int8", "fp16")}


def npu_processor(unit: Unit | None, tops: Quantity | None) -> dict[str, Processor]:
    """The processor of an NPU; nothing where the catalogue names no runtime for it.

    Parameters
    ----------
    tops
        Its int8 operations a second in 10^12 with references as the profile has them; two are a multiply-accumulate.
    """
    if unit is None or unit.runtime is None:
        return {}
    precisions = PRECISIONS.get(unit.runtime, ("int8",))
    peak = {} if tops is None else {precisions[0]: _peak(tops)}
    found = Processor(name=NPU, kind="npu", model=unit.name, runtime=unit.runtime, precisions=precisions, peak=peak)
    return {NPU: found}


def _peak(tops: Quantity) -> Quantity:
    value = tops.value * 1e12 / 2
    text = format_quantity(value, "throughput")
    return Quantity(value, "throughput", "derived", tops.reference, f"{tops.value:g} TOPS / 2", tops.note, text)

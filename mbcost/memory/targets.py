"""Which planner of memory a target's runtime has."""

from __future__ import annotations

import re
from typing import Final

from mbcost.devices import Target

#: Beginnings of runtimes' names -> planner. CMSIS-NN is looked for before.
_OF_RUNTIME: Final = {
    "tinyengine": "tinyengine",
    "tflm": "tflm",
    "tflite-micro": "tflm",
    "esp-nn": "tflm",
    "x-cube-ai": "greedy",
    "stedgeai": "greedy",
}
_CMSIS_NN: Final = "cmsis-nn"
_CORTEX_M: Final = r"(?i)cortex[-_ ]?m(\d+)"
#: Cortex-M cores with Helium, and those with neither it nor the DSP extension (Arm's technical reference manuals).
_HELIUM: Final = frozenset({52, 55, 85})
_PLAIN: Final = frozenset({0, 1, 3, 23})


def planner_name(target: Target) -> str:
    """The planner of a target's runtime; that of TensorFlow Lite Micro where it has none of its own."""
    return _known(target) or "tflm"


def plans_memory(target: Target) -> bool:
    """Whether RAM and flash decide what runs on a target: whether its runtime is one of microcontrollers."""
    return _known(target) is not None


def _known(target: Target) -> str | None:
    if _CMSIS_NN in target.runtime:
        return f"{_CMSIS_NN}-{_extension(target.processor.model)}"
    return next((planner for start, planner in _OF_RUNTIME.items() if target.runtime.startswith(start)), None)


def _extension(model: str) -> str:
    """What CMSIS-NN is compiled for on a core: ``mve`` (Helium), ``dsp``, or plain ``c``."""
    match = re.search(_CORTEX_M, model)
    if match is None:
        return "c"
    number = int(match[1])
    return "mve" if number in _HELIUM else "c" if number in _PLAIN else "dsp"

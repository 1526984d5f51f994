"""Messages of the library in the words of the command line: a parameter becomes the option that sets it.

The library writes a parameter with its value in backticks, as Python has it: `` `unsupported="estimate"` ``, or
`` `threads=...` `` where no value is meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from mbcost.errors import Problem

#: Parameter -> the option, for those that are spelled differently; all others of :data:`PARAMETERS` are ``--name``.
_OPTIONS: Final[Mapping[str, str]] = {
    "capture_s": "--capture",
    "input_shapes": "--input-shape",
    "network": "MODEL",
    "options": "--set",
    "postprocess_s": "--postprocess",
    "preprocess_s": "--preprocess",
    "rate_fps": "--rate",
}
PARAMETERS: Final = frozenset(
    {
        "against", "alpha", "batch", "between", "budget", "buffers", "calibration", "channels_last", "device", "drop",
        "engine", "flash", "force", "frames", "input_shape", "input_shapes", "jitter", "like", "lowering", "macs",
        "measure", "min_hit", "min_probability", "mode", "name", "network", "options", "params", "parts", "plan",
        "point", "precision", "ram", "rate", "resolution", "rho", "scheduler", "seed", "share", "soc", "style",
        "suite", "threads", "unsupported", "until", "workers",
    }
)  # fmt: skip
_MARKED: Final = re.compile(r"`(?P<name>[a-z_]+)=(?P<value>\"[^\"`]*\"|\([\d, ]*\)|[^`\"]*)`")


def option_of(parameter: str) -> str:
    """The option that sets a parameter."""
    name = parameter.partition("[")[0]
    return _OPTIONS.get(name, f"--{name.replace('_', '-')}")


def spelled(problem: Problem) -> Problem:
    """A problem of the library with parameters replaced by options."""
    if problem.location is not None:  # of a file, whose keys are no parameters
        return problem
    message, name = problem.message, problem.parameter
    if name and message.startswith(f"{name} "):
        message = f"{option_of(name)}{message[len(name) :]}"
    hint = None if problem.hint is None else _MARKED.sub(_option, problem.hint)
    return replace(problem, message=_MARKED.sub(_option, message), hint=hint)


def _option(match: re.Match[str]) -> str:
    name, value = match["name"], match["value"]
    if name not in PARAMETERS:
        return match[0]
    if value in {"True", "..."}:
        return option_of(name)
    if name == "calibration" and value == "False":
        return "--uncalibrated"
    if value.startswith("("):
        value = "x".join(re.findall(r"\d+", value))
    return f"{option_of(name)} {value.strip(chr(34))}"

"""The configuration of an analysis, checked once: for Python and the command line alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any, Final, TypeAlias

from mbcost.architectures.limits import MAX_BATCH, MAX_RESOLUTION, MAX_THREADS
from mbcost.architectures.scaling import Resolution, as_resolution
from mbcost.architectures.spec import OptionValue
from mbcost.calibration.apply import CalibrationChoice
from mbcost.calibration.record import Calibration
from mbcost.checks import Checks, is_number
from mbcost.errors import Problem
from mbcost.graph import DEFAULT_PARAMS, ParamsConvention
from mbcost.graph.configuration import MAX_ALPHA
from mbcost.words import (
    LOWERINGS,
    MACS_CONVENTIONS,
    NORM_PARAMS,
    UNSUPPORTED,
    Lowering,
    MacsConvention,
    NormParams,
    Unsupported,
)

#: A convention, or what a batch norm adds in it.
Params: TypeAlias = ParamsConvention | NormParams


@dataclass(frozen=True, slots=True)
class Configuration:
    """How a network is analysed: its size, how it runs and how it is counted. Created by :func:`configuration`.

    Attributes
    ----------
    alpha
        Width multiplier [1].
    rho, resolution
        Resolution multiplier [1], or height and width of the input [pixels], a pair where they differ; at most one of
        them.
    batch
        Images per inference.
    precision, threads
        None for the target's own.
    options
        Values for the table's options.
    params, macs
        Counting conventions.
    unsupported
        Whether operators without a kernel are refused or estimated by their traffic.
    calibration
        None for the one that the target has, False for none.
    lowering
        Whether convolutions are computed as the runtime does (``auto``) or lowered by ``im2col``.
    """

    alpha: float = 1.0
    rho: float | None = None
    resolution: Resolution | None = None
    batch: int | None = None
    precision: str | None = None
    threads: int | None = None
    options: Mapping[str, OptionValue] = field(default_factory=dict, hash=False)
    params: ParamsConvention = DEFAULT_PARAMS
    macs: MacsConvention = "products"
    unsupported: Unsupported = "refuse"
    calibration: CalibrationChoice = field(default=None, hash=False)
    lowering: Lowering = "auto"

    @property
    def estimates(self) -> bool:
        """Whether operators without a kernel are estimated by their memory traffic."""
        return self.unsupported == "estimate"

    @property
    def size(self) -> dict[str, Any]:
        """The arguments of :func:`mbcost.build_graph`."""
        return {"alpha": self.alpha, "rho": self.rho, "resolution": self.resolution, "options": self.options}


#: The default: one image at the table's size, as the target runs it.
DEFAULT: Final = Configuration()


def configuration(
    *,
    alpha: float = 1.0,
    rho: float | None = None,
    resolution: Resolution | None = None,
    batch: int | None = None,
    precision: str | None = None,
    threads: int | None = None,
    options: Mapping[str, OptionValue] | None = None,
    params: Params = DEFAULT_PARAMS,
    macs: MacsConvention = "products",
    unsupported: Unsupported = "refuse",
    calibration: CalibrationChoice = None,
    lowering: Lowering = "auto",
) -> Configuration:
    """A checked configuration; parameters as for :func:`mbcost.analyze`.

    Raises
    ------
    InputError
        MB010 for every value of a wrong type or out of range, all at once; each names its parameter.
    """
    checks = Checks()
    if rho is not None and resolution is not None:
        hint = "resolution = rho x the table's resolution"
        checks.add([Problem("MB010", "`rho=...` and `resolution=...` were both given", hint=hint)])
    found = Configuration(
        alpha=checks.number("alpha", alpha, above=0, most=MAX_ALPHA),
        rho=None if rho is None else checks.number("rho", rho, above=0, most=MAX_RESOLUTION),
        resolution=None if resolution is None else _pixels(checks, resolution),
        batch=None if batch is None else checks.whole("batch", batch, least=1, most=MAX_BATCH),
        precision=None if precision is None else checks.text("precision", precision, "such as fp32, or left out"),
        threads=None if threads is None else checks.whole("threads", threads, least=1, most=MAX_THREADS),
        options=_options(checks, options),
        params=params_convention(params, checks),
        macs=checks.word("macs", macs, MACS_CONVENTIONS),
        unsupported=checks.word("unsupported", unsupported, UNSUPPORTED),
        calibration=_calibration(checks, calibration),
        lowering=checks.word("lowering", lowering, LOWERINGS),
    )
    checks.done()
    return found


def params_convention(params: Params, checks: Checks | None = None) -> ParamsConvention:
    """The convention that a word names: ``folded``, ``affine``, ``all`` or ``none``."""
    if isinstance(params, ParamsConvention):
        return params
    own = checks or Checks()
    found = ParamsConvention(own.word("params", params, NORM_PARAMS))
    if checks is None:
        own.done()
    return found


def _pixels(checks: Checks, resolution: Any) -> Resolution:
    """One number for height and width, or a pair of them."""
    if isinstance(resolution, (tuple, list)):
        if len(resolution) != 2:
            checks.wrong("resolution", resolution, "a number of pixels, or height and width such as (224, 320)")
            return 1
        height, width = (_side(checks, side) for side in resolution)
        return as_resolution(height, width)
    return _side(checks, resolution)


def _side(checks: Checks, side: Any) -> int:
    return checks.whole("resolution", side, least=1, most=MAX_RESOLUTION, unit=" of pixels")


def _options(checks: Checks, options: Any) -> Mapping[str, OptionValue]:
    """The options as plain numbers and booleans."""
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        checks.wrong("options", options, "a mapping such as {'classes': 1001}")
        return {}
    found: dict[str, OptionValue] = {}
    for name, value in options.items():
        if isinstance(value, bool) or type(value).__name__ == "bool":
            found[str(name)] = bool(value)
        elif is_number(value):
            found[str(name)] = (
                int(value) if float(value).is_integer() and not isinstance(value, float) else float(value)
            )
        else:
            checks.wrong(f"options[{name!r}]", value, "a number, True or False")
    return found


def _calibration(checks: Checks, choice: Any) -> CalibrationChoice:
    if choice is None or isinstance(choice, (bool, Calibration, PathLike)) or (isinstance(choice, str) and choice):
        return choice
    checks.wrong("calibration", choice, "a file, a Calibration, or False for none")
    return None


def as_list(value: Any) -> list[Any]:
    """`value` as a list: a single text, number, network or target becomes a list of one; an array, its entries."""
    if isinstance(value, (list, tuple, range, set, frozenset)):
        return list(value)
    dimensions: int | None = getattr(value, "ndim", None)
    return list(value) if dimensions and hasattr(value, "tolist") else [value]


def is_several(value: Any) -> bool:
    """Whether `value` is a sequence of things, rather than one of them."""
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))

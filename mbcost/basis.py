"""What a predicted latency rests on, from a calibration down to a bound: the badge beside every number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, get_args

from mbcost.calibration.record import Calibration
from mbcost.devices import Target
from mbcost.kernels import Runtime
from mbcost.latency import LatencyForm
from mbcost.resources import hardware_profiles

#: What a latency rests on.
Basis: TypeAlias = Literal[
    "measured here",
    "calibrated",
    "from the same core in other devices",
    "from a related core",
    "from facts",
    "a bound",
]
#: All of them, the strongest first.
BASES: Final[tuple[Basis, ...]] = get_args(Basis)
#: What each of them means, in a sentence.
MEANINGS: Final[Mapping[Basis, str]] = MappingProxyType(
    {
        "measured here": "rates that you fitted, to latencies of exactly this target and number of threads",
        "calibrated": "rates fitted to latencies of this target by others, or with another number of threads",
        "from the same core in other devices": "rates fitted to latencies of other devices with the same processor",
        "from a related core": "rates fitted to latencies of a core that this one derives from",
        "from facts": "rates from data sheets and from fits of other processors; nothing of this one was fitted",
        "a bound": "a limit from peaks and structure; no latency was compared with it",
    }
)
#: Each of them in a word or two, for tables.
SHORT: Final[Mapping[Basis, str]] = MappingProxyType(
    {
        "measured here": "measured here",
        "calibrated": "calibrated",
        "from the same core in other devices": "same core",
        "from a related core": "related core",
        "from facts": "facts",
        "a bound": "bound",
    }
)
_LEARNED: Final[Mapping[str, Basis]] = MappingProxyType(
    {
        "same core": "from the same core in other devices",
        "related core": "from a related core",
        "facts": "from facts",
    }
)


def basis_of(target: Target, runtime: Runtime, form: LatencyForm, calibration: Calibration | None) -> Basis:
    """What predictions of a target rest on; those of a device with changed numbers on facts at most.

    Parameters
    ----------
    target
        At the precision that the runtime computes in (:func:`mbcost.latency.model.computed_target`).
    runtime, form
        Those of the target.
    calibration
        What its rates were fitted to; None where they come from the profile.
    """
    found = _basis_of(target, runtime, form, calibration)
    return weakest((found, "from facts")) if target.device.changes else found


def _basis_of(target: Target, runtime: Runtime, form: LatencyForm, calibration: Calibration | None) -> Basis:
    if calibration is not None:
        exact = calibration.threads == target.threads
        return "measured here" if exact and not _ships(calibration) else "calibrated"
    if runtime.form == "roofline" or runtime.caveat is not None:
        return "a bound"
    if form.spread is not None:
        return _LEARNED[form.spread(target, runtime).basis]
    fitted = runtime.was_fitted_on(target.processor.model, target.precision)
    return "from the same core in other devices" if fitted else "from facts"


def weakest(found: Iterable[Basis]) -> Basis:
    """What a number rests on that depends on all of these."""
    return max(found, key=BASES.index)


def listed(found: Iterable[tuple[str, Basis]]) -> str:
    """What several targets rest on, in words: once if it is the same for all, else behind the name of each."""
    each = dict(found)
    if len(set(each.values())) == 1:
        return next(iter(each.values()))
    return ", ".join(f"{name}: {basis}" for name, basis in each.items())


def _ships(calibration: Calibration) -> bool:
    """Whether it is one of those that ship, by its file."""
    return bool(calibration.path) and Path(calibration.path).resolve().is_relative_to(hardware_profiles().resolve())

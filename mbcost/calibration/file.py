"""Calibrations as text files: written by ``mbcost calibrate``, found by their target, read with every problem shown."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, get_args

from mbcost.calibration.record import (
    STATES,
    Calibration,
    FittedRate,
    Interval,
    Range,
    Residuals,
    StartTime,
    calibration_name,
    matches,
)
from mbcost.devices import Precision, Target, user_folder
from mbcost.document import Document
from mbcost.errors import InputError, Problem, did_you_mean, fail, or_list
from mbcost.files import load_yaml
from mbcost.latency.forms import find_form, form_names
from mbcost.resources import hardware_profiles

FOLDER: Final = "calibrations"
_TARGET: Final = ("device", "processor", "runtime", "precision", "threads")
_RESIDUALS: Final = ("mape", "bias", "hit5", "hit10", "hit20")
_INTERVAL: Final = ("factor", "growth")
_RATE: Final = ("seconds", "unit", "prior", "limit", "uncertainty", "state", "reading", "share", "covariance")
_KEYS: Final = (
    "target", "form", "date", "source", "networks", "data_sha256", "interval", "residuals", "unseen", "macs",
    "latency_s", "rates",
)  # fmt: skip
_START: Final = StartTime._fields
_OPTIONAL: Final = ("load", "first")
#: Numbers of a calibration beyond it are refused. Chosen: far beyond any hardware.
_LARGEST: Final = 1e18


def find_calibration(target: Target) -> Calibration | None:
    """The calibration of a target: the user's own, else the one that ships with the profile; None if there is neither.

    A calibration for the target's number of threads has priority over one for a single thread, whose rates are scaled.

    A shipped calibration belongs to the shipped profile only: a user's profile of the same name may differ from it.

    Raises
    ------
    InputError
        With every problem of the file.
    """
    key = (target.device.name, target.processor.name, target.runtime, target.precision)
    names = dict.fromkeys(calibration_name(*key, threads) for threads in (target.threads, 1))
    folders = [user_folder() / FOLDER]
    if target.device.origin == "shipped":
        folders.append(hardware_profiles() / FOLDER)
    for path in (folder / f"{name}.yaml" for folder in folders for name in names):
        try:
            status = path.stat()
        except OSError:
            continue
        return _load(path, status.st_mtime_ns, status.st_size)
    return None


def load_calibration(path: Path, target: Target) -> Calibration:
    """The calibration in a file, for a target.

    Raises
    ------
    InputError
        With every problem of the file; MB601 if it is of another target.
    """
    calibration = read_calibration(load_yaml(path))
    if not matches(calibration, target):
        mine = f"{calibration.device}/{calibration.processor}@{calibration.runtime}, {calibration.precision}"
        hint = "`mbcost calibrate` makes one for it; `calibration=False` uses none"
        fail("MB601", f"{path} is a calibration of {mine}, not of {target.name}, {target.precision}", hint=hint)
    return calibration


@lru_cache(maxsize=64)
def _load(path: Path, modified_ns: int, size: int) -> Calibration:  # noqa: ARG001  # a changed file is read again
    return read_calibration(load_yaml(path))


def calibration_text(calibration: Calibration) -> str:
    """The file of a calibration."""
    c = calibration
    lines = [
        "# Written by `mbcost calibrate`; fit again rather than edit.",
        f"target: {_mapping((key, getattr(c, key)) for key in _TARGET)}",
        f"form: {c.form}",
        f"date: {json.dumps(c.date)}",
        f"source: {json.dumps(c.source)}",
        f"networks: {c.networks}",
        f"data_sha256: {json.dumps(c.data_sha256)}",
        "# 90 % interval: [latency / f, latency * f], f = 1 + (factor - 1) * sqrt(1 + growth * posterior variance)",
        f"interval: {_mapping(zip(_INTERVAL, c.interval, strict=True))}",
        f"residuals: {_mapping((key, getattr(c.residuals, key)) for key in _RESIDUALS)} # leave-one-out",
        f"unseen: {_mapping((key, getattr(c.unseen, key)) for key in _RESIDUALS)} # leave-one-group-out",
        f"macs: {_list(c.macs)} # range of the networks",
        f"latency_s: {_list(c.latency_s)}",
        *(
            f"{name}: {_mapping(zip(_START, time, strict=True))}"
            for name in _OPTIONAL
            if (time := getattr(c, name)) is not None
        ),
        "# seconds a unit; uncertainty: posterior over prior; share: of the time; covariance: of rates over priors",
        "rates:",
    ]
    for (name, rate), row in zip(c.rates.items(), c.covariance, strict=True):
        values = _mapping((key, getattr(rate, key)) for key in _RATE[:-2])[1:-1]
        lines.append(f"  {name}: {{{values}, share: {_list(c.shares[name])}, covariance: {_list(row)}}}")
    return "\n".join(lines) + "\n"


def read_calibration(document: Document) -> Calibration:
    """The calibration of a parsed file.

    Raises
    ------
    InputError
        MB101 to MB103 with every problem and its place.
    """
    reader = _Reader(document)
    reader.keys((), _KEYS, _OPTIONAL)
    reader.keys(("target",), _TARGET)
    reader.keys(("interval",), _INTERVAL)
    for kind in ("residuals", "unseen"):
        reader.keys((kind,), _RESIDUALS)
    known = form_names(document.data.get("form") if isinstance(document.data, dict) else None)
    form = reader.choice(("form",), known)
    terms = [term.name for term in find_form(form).terms] if form in known else []
    reader.keys(("rates",), tuple(terms) if terms else None)
    for name in terms:
        reader.keys(("rates", name), _RATE)
    calibration = _build(reader, form, terms)
    if reader.problems:
        raise InputError(reader.problems)
    return calibration


def _build(reader: _Reader, form: str, terms: list[str]) -> Calibration:
    return Calibration(
        device=reader.text(("target", "device")),
        processor=reader.text(("target", "processor")),
        runtime=reader.text(("target", "runtime")),
        precision=reader.choice(("target", "precision"), get_args(Precision)),
        threads=int(reader.number(("target", "threads"), 1)),
        form=form,
        rates={name: _rate(reader, name) for name in terms},
        networks=int(reader.number(("networks",), 1)),
        interval=Interval(reader.number(("interval", "factor"), 1), reader.number(("interval", "growth"), 0)),
        covariance=tuple(reader.numbers(("rates", name, "covariance"), i + 1) for i, name in enumerate(terms)),
        residuals=_residuals(reader, "residuals"),
        unseen=_residuals(reader, "unseen"),
        macs=reader.pair(("macs",)),
        latency_s=reader.pair(("latency_s",)),
        shares={name: reader.pair(("rates", name, "share")) for name in terms},
        data_sha256=reader.text(("data_sha256",)),
        date=reader.text(("date",)),
        source=reader.text(("source",)),
        load=_start(reader, "load"),
        first=_start(reader, "first"),
        path=reader.document.path,
    )


def _residuals(reader: _Reader, kind: str) -> Residuals:
    return Residuals(*(reader.number((kind, key), -1) for key in _RESIDUALS))


def _start(reader: _Reader, name: str) -> StartTime | None:
    if not isinstance(reader.document.data, dict) or name not in reader.document.data:
        return None
    reader.keys((name,), _START)
    numbers = {key: reader.number((name, key), 0) for key in _START}
    return StartTime(**{**numbers, "networks": int(numbers["networks"])})  # type: ignore[arg-type]


def _rate(reader: _Reader, name: str) -> FittedRate:
    at = ("rates", name)
    state: Any = reader.choice((*at, "state"), STATES)
    return FittedRate(
        reader.number((*at, "seconds"), 0),
        reader.number((*at, "prior"), 0),
        reader.text((*at, "unit")),
        reader.number((*at, "uncertainty"), 0),
        state,
        reader.number((*at, "limit"), 0),
    )


class _Reader:
    """Values of a document; a wrong one becomes a problem and is replaced by a harmless value."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []

    def keys(self, path: tuple[str, ...], required: tuple[str, ...] | None, optional: tuple[str, ...] = ()) -> None:
        """Check that the mapping at `path` has all of the required keys, and beside them optional ones only."""
        value = self._at(path)
        if value is None and path:
            return  # said where it is missing
        if not isinstance(value, dict):
            self._wrong(path, "a mapping")
            return
        if required is None:
            return
        for key in value:
            if key not in (*required, *optional):
                message, hint = f"unknown key `{key}` in a calibration", did_you_mean(key, (*required, *optional))
                self.problems.append(Problem("MB101", message, self.document.key(*path, key), hint))
        for key in required:
            if value.get(key) is None:
                message = f"{'.'.join(path) or 'the calibration'} has no `{key}`"
                self.problems.append(Problem("MB102", message, self.document.key(*path)))

    def text(self, path: tuple[str, ...]) -> str:
        value = self._at(path)
        if value is not None and not (isinstance(value, str) and value):
            self._wrong(path, "text")
        return str(value)

    def choice(self, path: tuple[str, ...], choices: tuple[str, ...]) -> str:
        value = self._at(path)
        if value is not None and value not in choices:
            self._wrong(path, or_list(choices))
        return str(value)

    def number(self, path: tuple[str, ...], low: float) -> float:
        return self._number(path, self._at(path), low)

    def pair(self, path: tuple[str, ...]) -> Range:
        low, high = self.numbers(path, 2, 0)
        if low > high:
            self._wrong(path, "the smaller number, then the larger")
        return Range(low, high)

    def numbers(self, path: tuple[str, ...], length: int, low: float = -_LARGEST) -> tuple[float, ...]:
        """A list of so many numbers."""
        value = self._at(path)
        if isinstance(value, list) and len(value) == length:
            return tuple(self._number(path, item, low) for item in value)
        if value is not None:
            self._wrong(path, f"a list of {length} number{'s' * (length > 1)}")
        return (0.0,) * length

    def _number(self, path: tuple[str, ...], value: Any, low: float) -> float:
        if value is None:
            return low
        good = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not good or not math.isfinite(value) or not low <= value <= _LARGEST:
            self._wrong(path, f"a number of at least {low:g}")
            return low
        return float(value)

    def _at(self, path: tuple[str, ...]) -> Any:
        value = self.document.data
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def _wrong(self, path: tuple[str, ...], expected: str) -> None:
        where = self.document.value(*path)
        found = Problem("MB103", f"`{'.'.join(path) or 'the file'}` has to be {expected}", where)
        if found not in self.problems:
            self.problems.append(found)


def _mapping(entries: Iterable[tuple[str, Any]]) -> str:
    return f"{{{', '.join(f'{key}: {_value(value)}' for key, value in entries)}}}"


def _value(value: Any) -> str:
    return json.dumps(value) if isinstance(value, str) else _number(value)


def _list(values: Iterable[float]) -> str:
    return f"[{', '.join(map(_number, values))}]"


def _number(value: float) -> str:
    """A number with six digits, more than any measurement has."""
    return f"{value:.6g}"

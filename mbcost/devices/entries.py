"""A number in a hardware profile's file: value, unit and provenance, as pydantic models with one class per dimension.

Single entries are checked here, so that pydantic reports their problems together with those of the file's shape; checks
between several numbers are in :mod:`mbcost.devices.checks`.
"""

from __future__ import annotations

from typing import Any, ClassVar, LiteralString

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from mbcost.devices.quantities import base_value
from mbcost.devices.types import Source
from mbcost.errors import did_you_mean
from mbcost.units import UnitError, factor


def reject(code: LiteralString, message: str, hint: str | None = None) -> PydanticCustomError:
    """An error that :mod:`mbcost.devices.problems` turns into a problem with this code."""
    return PydanticCustomError(code, "{message}", {"message": message, "hint": hint})


def optional(description: str) -> Any:
    """A field that a file may leave out or set to null."""
    return Field(default=None, description=description)


class Section(BaseModel):
    """A mapping with known keys only."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class Entry(Section):
    """A number with its unit and its source."""

    model_config = ConfigDict(validate_default=True)

    dimension: ClassVar[str]
    may_be_zero: ClassVar[bool] = False

    unit: str | None = optional("unit of the number; left out where `value` is text with its unit")
    value: float | str = Field(description="a number, or text with its unit such as `29.8 GB/s`")
    source: Source = Field(description="the kind of source")
    reference: str | list[str] | None = optional("one or more keys of `provenance.references`")
    formula: str | None = optional("how a derived number was computed")
    note: str | None = optional("further remarks; for assumed numbers, the reason")

    @field_validator("unit")
    @classmethod
    def _unit_of_dimension(cls, unit: str | None) -> str | None:
        if unit is not None:
            try:
                factor(unit, cls.dimension)
            except UnitError as error:
                raise reject("MB301", str(error)) from None
        return unit

    @field_validator("value", mode="before")
    @classmethod
    def _number_with_unit(cls, value: Any, info: ValidationInfo) -> float | str:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise reject("MB103", "`value` has to be a number, or text with a number and a unit")
        if "unit" not in info.data:  # it has a problem of its own
            return value
        try:
            number = base_value(value, info.data["unit"], cls.dimension)
        except UnitError as error:
            raise reject("MB301", str(error)) from None
        if number < 0 or (number == 0 and not cls.may_be_zero):
            raise reject("MB303", f"`value` is {value}, but it has to be positive")
        if cls.dimension == "count" and number != int(number):
            raise reject("MB301", f"`value` is {value}, but it has to be a whole number")
        return value

    @field_validator("reference", mode="before")
    @classmethod
    def _known_reference(cls, reference: Any, info: ValidationInfo) -> Any:
        keys = [reference] if isinstance(reference, str) else reference
        source = info.data.get("source")
        if keys is None or keys == []:
            if source in {"datasheet", "measured", "fitted"}:
                raise reject("MB302", f"a {source} number needs a `reference`", "a key of `provenance.references`")
            return None
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise reject("MB103", "`reference` has to be a key of `provenance.references` or a list of such keys")
        known: frozenset[str] | None = info.context
        for key in keys:
            if known is not None and key not in known:
                hint = did_you_mean(key, known) or "add its citation to `provenance.references`"
                raise reject("MB302", f"`{key}` is not in `provenance.references`", hint)
        return reference

    @field_validator("formula")
    @classmethod
    def _formula_of_derived(cls, formula: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("source") == "derived" and not formula:
            raise reject("MB302", "a derived number needs a `formula`", "such as `2.15 GHz x 4 MAC/cycle`")
        return formula

    @field_validator("note")
    @classmethod
    def _note_of_assumed(cls, note: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("source") == "assumed" and not note:
            raise reject("MB302", "an assumed number needs a `note` that says why it was assumed")
        return note


class Frequency(Entry):
    dimension = "frequency"


class Size(Entry):
    dimension = "size"


class SizeOrZero(Size):
    may_be_zero = True


class Power(Entry):
    dimension = "power"


class Bandwidth(Entry):
    dimension = "bandwidth"


class TransferRate(Entry):
    dimension = "transfer_rate"


class Throughput(Entry):
    dimension = "throughput"


class ThroughputPerCycle(Entry):
    dimension = "throughput_per_cycle"


class Width(Entry):
    dimension = "width"


class Count(Entry):
    dimension = "count"


class Ratio(Entry):
    dimension = "ratio"


class Energy(Entry):
    dimension = "energy"


class EnergyPerByte(Entry):
    dimension = "energy_per_byte"


class Time(Entry):
    dimension = "time"


class PerPrecision(Section):
    """One number per precision."""


class Peak(PerPrecision):
    fp32: Throughput | None = optional("32-bit floating point")
    tf32: Throughput | None = optional("32-bit floating point with 10 bits of mantissa in its products")
    fp16: Throughput | None = optional("16-bit floating point")
    bf16: Throughput | None = optional("16-bit floating point with the exponents of fp32")
    int8: Throughput | None = optional("8-bit integers")


class PerCycle(PerPrecision):
    fp32: ThroughputPerCycle | None = optional("32-bit floating point")
    tf32: ThroughputPerCycle | None = optional("32-bit floating point with 10 bits of mantissa in its products")
    fp16: ThroughputPerCycle | None = optional("16-bit floating point")
    bf16: ThroughputPerCycle | None = optional("16-bit floating point with the exponents of fp32")
    int8: ThroughputPerCycle | None = optional("8-bit integers")


class EnergyPerMac(PerPrecision):
    fp32: Energy | None = optional("32-bit floating point")
    fp16: Energy | None = optional("16-bit floating point")
    bf16: Energy | None = optional("16-bit floating point with the exponents of fp32")
    int8: Energy | None = optional("8-bit integers")


class Counts(PerPrecision):
    fp32: Count | None = optional("32-bit floating point")
    fp16: Count | None = optional("16-bit floating point")
    int8: Count | None = optional("8-bit integers")

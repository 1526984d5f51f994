"""The shape of a runtime's file: one pydantic model per section, imported only when a user's file is read."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, ValidationInfo, field_validator

from mbcost.devices.entries import Section, optional, reject
from mbcost.devices.runtimes import COMMON
from mbcost.devices.schema import Slug, Text
from mbcost.devices.types import Kind, Precision, Source
from mbcost.errors import did_you_mean, or_list
from mbcost.kernels.conditions import Condition, is_comparison
from mbcost.kernels.families import family_names
from mbcost.kernels.kernel import KernelKind
from mbcost.kernels.runtime import FusionOption
from mbcost.operators import OPERATOR_BY_NAME

#: Parameters smaller than this, or larger than its inverse, have a wrong unit.
SMALLEST: Final = 1e-18


def _operator(name: str) -> str:
    if name not in OPERATOR_BY_NAME:
        hint = did_you_mean(name, OPERATOR_BY_NAME) or "`mbcost schema runtime` lists them"
        raise reject("MB201", f"there is no operator `{name[:80]}`", hint)
    return name


def _family(name: str) -> str:
    names = (COMMON, *family_names())
    if name not in names:
        hint = did_you_mean(name, names) or f"there are {or_list(names)}"
        raise reject("MB103", f"there is no family `{name[:80]}`", hint)
    return name


def _comparison(text: str) -> str:
    if not is_comparison(text):
        raise reject("MB103", f"`{text[:80]}` is no comparison", "such as `> 25`, `<= 4` or `== 1`")
    return text


Operator = Annotated[str, AfterValidator(_operator), Field(json_schema_extra={"enum": sorted(OPERATOR_BY_NAME)})]
Operators = Annotated[list[Operator], Field(min_length=1)]
Patterns = Annotated[list[Text], Field(min_length=1)]
RuntimeKind = Literal[Kind, "mcu"]
KernelName = Literal[KernelKind, "refused"]
FamilyName = Annotated[str, AfterValidator(_family), Field(json_schema_extra={"enum": [COMMON, *family_names()]})]
Comparison = Annotated[
    str,
    AfterValidator(_comparison),
    Field(json_schema_extra={"pattern": r"^(<|<=|>|>=|==|!=) ?[0-9]{1,6}$"}),
]
ParameterName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class FactsSection(Section):
    """Facts of a layer, all of which have to hold."""

    is_: Condition | None = Field(default=None, alias="is", description="a condition by its name")
    taps: Comparison | None = optional("elements of the window, such as `> 25`")
    inputs: Comparison | None = optional("number of inputs")
    channels: Comparison | None = optional("channels of the first input")
    filters: Comparison | None = optional("channels of the output")
    groups: Comparison | None = optional("groups of a convolution")


When = Annotated[
    Annotated[Condition, Tag("name")] | Annotated[FactsSection, Tag("facts")],
    Discriminator(lambda value: "facts" if isinstance(value, (dict, FactsSection)) else "name"),
]
Precisions = Annotated[list[Precision], Field(min_length=1)]


class KernelSection(Section):
    """The kernel of some operators."""

    operators: Operators = Field(description="names of operators")
    when: When | None = optional("a condition; the first entry of an operator that holds counts")
    precision: Precisions | None = optional("the precisions at which it holds; all, if it is not given")
    kernel: KernelName = Field(description="the kind of kernel; `outside` leaves it to another processor")
    source: Text = Field(description="what documents it; `assumed: ...` where nothing does")


class OthersSection(Section):
    """The rule of every operator that the file does not list, if it is not the common one."""

    kernel: Literal["outside"] = Field(description="`outside`: another processor computes it")
    source: Text = Field(description="what documents it")


class FusionSection(Section):
    """Operators that are fused into the kernel before them."""

    operators: Operators = Field(description="names of operators that are fused")
    into: Operators = Field(description="main operators of the kernels that they are fused into")
    when: When | None = optional("a condition of the operator that is fused")
    not_into: When | None = optional("a condition of the main operator that rules it out")
    precision: Precisions | None = optional("the precisions at which it is done; all, if it is not given")
    option: FusionOption | None = optional("an option of the processor's profile that the step needs")
    alternative: bool = Field(default=False, description="whether at most one of it and the step before is fused")
    links: bool = Field(default=False, description="whether any number of operators is fused, through any input")
    source: Text = Field(description="what documents it")


class ParameterSection(Section):
    """A number of the runtime that its latency form reads."""

    unit: Text = Field(description="`1` for a share, `s`, `cycle`, ...")
    value: float = Field(description="the number; only a time may be 0")
    source: Source = Field(description="the kind of source")
    reference: Text = Field(description="the data or the document that it is from; for assumed numbers, the reason")

    @field_validator("value", mode="before")
    @classmethod
    def _number_in_range(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            hint = "times in seconds, shares as fractions"
            raise reject("MB103", "`value` has to be a number", hint)
        least = 0.0 if info.data.get("unit") == "s" else SMALLEST
        if not (value == least or SMALLEST <= value <= 1 / SMALLEST):
            raise reject("MB103", f"`value` is {value}, it has to be positive and neither tiny nor huge")
        return value


class FittedOnSection(Section):
    """The processor that the parameters were fitted on."""

    processor: Text = Field(description="its model, as a profile has it")
    precision: Precision = Field(description="the precision of the measurements")


class ComputesSection(Section):
    """A precision that the runtime computes in another one."""

    as_: Precision = Field(alias="as", description="the precision that it computes in")
    source: Text = Field(description="what documents it")


class ExcludesSection(Section):
    """Processors that it does not run on, by patterns such as `Adreno *`."""

    model: Patterns | None = optional("of the processor's model")
    soc: Patterns | None = optional("of the device's `identity.soc`")


class RequiresSection(ExcludesSection):
    """Processors that it runs on, of its kinds: one of the patterns has to fit."""

    section: list[Literal["dpu", "hls", "systolic", "ethos_u", "efficiency", "sram", "clock"]] | None = optional(
        "sections and numbers that the processor's profile has to have"
    )


FusionStep = Annotated[
    Annotated[FamilyName, Tag("family")] | Annotated[FusionSection, Tag("step")],
    Discriminator(lambda value: "family" if isinstance(value, str) else "step"),
]


class RuntimeSection(Section):
    """A runtime of mbcost: which kernels it launches, and the numbers that its latency form reads."""

    name: Slug = Field(description="the file's name without `.yaml`; the part after the `@` of a target")
    title: Text = Field(description="name in reports")
    source: Text = Field(description="the code or the documents that its rules come from")
    like: Text | None = optional("a runtime whose rules and numbers hold where this file has none")
    family: FamilyName | None = optional("a family whose rules hold where this file has none")
    processors: Annotated[list[RuntimeKind], Field(min_length=1)] | None = optional(
        "kinds of processor that it runs on; `mcu`: CPUs that are microcontrollers"
    )
    requires: RequiresSection | None = optional("which of them")
    excludes: ExcludesSection | None = optional("which of them it does not run on")
    form: Text | None = optional("the latency form that fits it")
    fitted_on: FittedOnSection | None = optional("where its fitted parameters come from")
    caveat: Text | None = optional("what its predictions are, where nothing was fitted")
    partition: Text | None = optional("what becomes of the layers after one that it leaves to another processor")
    largest_part: Text | None = optional(
        "where the host runs all parts of a network but the one with most operators: what documents that"
    )
    assumed: Text | None = optional("why nothing documents what it computes layers with, where that is so")
    others: OthersSection | None = optional("what becomes of operators that are not listed")
    default_precision: Precision | None = optional("what it computes in unless it is told otherwise")
    computes: dict[Precision, ComputesSection] | None = optional("precision of a model -> what it is computed in")
    fusion: list[FusionStep] | None = optional("steps, each at most once a kernel and in this order; `common` is one")
    kernels: list[KernelSection] | None = optional("the kernels of operators")
    parameters: dict[ParameterName, ParameterSection] | None = optional("name -> number")


#: What pydantic adds to the place of an error within `fusion`.
TAGS: Final = frozenset({"family", "step", "name", "facts"})

"""Runtimes as data: which operators fuse, and which kernel computes which operator; every rule with its source."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, Literal, TypeAlias

from mbcost.graph import Layer
from mbcost.kernels.conditions import all_hold, is_pointwise_conv
from mbcost.kernels.kernel import KernelKind
from mbcost.operators import Conv2d
from mbcost.words import Lowering

#: Prefix of a source or a reference for rules and numbers that are not documented.
ASSUMED: Final = "assumed"
#: Parameters of the processor that the others were fitted on alone.
FITTED_ALONE: Final = ("fitted_interval_low", "fitted_interval_high")


#: Options of a processor's profile that fusion steps can depend on.
FusionOption: TypeAlias = Literal["alu_leaky_relu"]


@dataclass(frozen=True, slots=True)
class FusionStep:
    """Operators that are fused into the kernel before them, step by step in order.

    Attributes
    ----------
    links
        Whether a kernel takes the step any number of times, through any input (linked element-wise operators); else
        at most once and through the first.
    when
        A condition of the layer that is fused.
    not_into
        A condition of main layers that it is not fused into, although their operator is in `into`.
    option
        An option of the processor's profile without which the step is left out.
    alternative
        Whether a kernel takes at most one of this step and the one before it.
    precisions
        The precisions at which it is done; all if empty.
    """

    operators: frozenset[str]
    into: frozenset[str]
    source: str
    links: bool = False
    when: Callable[[Layer], bool] | None = None
    not_into: Callable[[Layer], bool] | None = None
    option: FusionOption | None = None
    alternative: bool = False
    precisions: frozenset[str] = frozenset()

    def takes(self, layer: Layer, main: Layer) -> bool:
        """Whether a layer is fused by this step into a kernel with this main layer."""
        return (
            layer.operator.op in self.operators
            and main.operator.op in self.into
            and (self.when is None or self.when(layer))
            and not (self.not_into is not None and self.not_into(main))
        )


@dataclass(frozen=True, slots=True)
class KernelRule:
    """The kernel that computes an operator, where `when` holds.

    Attributes
    ----------
    common
        Whether it is the common rule of the operator, since the runtime has none of its own.
    precisions
        The precisions at which it holds; all if empty.
    """

    operator: str
    kind: KernelKind
    when: Callable[[Layer], bool] | None
    source: str
    common: bool = False
    precisions: frozenset[str] = frozenset()

    @property
    def assumed(self) -> bool:
        """Whether it is not documented."""
        return self.common or self.source.startswith(ASSUMED)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number of a runtime: an efficiency, a constant of its kernels.

    Attributes
    ----------
    value, unit
        The number; efficiencies are fractions of a device's peak or bandwidth.
    source
        The kind of source: ``fitted``, ``assumed``, ...
    reference
        The data or document that it is from.
    """

    name: str
    value: float
    unit: str
    source: str
    reference: str


@dataclass(frozen=True, slots=True)
class Runtime:
    """A runtime: its rules, the latency form that fits it and the form's parameters.

    Attributes
    ----------
    fitted_on
        Model and precision of the processor that the parameters were fitted on, if the same part in another device has
        its own interval; None if all devices share one.
    lowering
        ``auto``: convolutions as the rules have them; ``im2col``: all lowered to matrix products.
    partition
        How it runs the layers after one that it leaves to another processor, if that differs from the prediction.
    largest_part
        What documents that only the largest of its parts of a network runs on it; None where all of them do.
    caveat
        What predictions without fitted parameters are worth; None where parameters were fitted to latencies.
    assumed
        Why nothing documents what it computes layers with, where that is so of all of them.
    computes
        Precision of a model -> the one that it is computed in, and what documents that, where the two differ.
    path
        The file of its rules if it does not ship with mbcost, else empty.
    precision
        What it computes in: some rules and fusion steps hold at some precisions only.
    """

    name: str
    title: str
    processors: tuple[str, ...]
    form: str
    source: str
    fusion: tuple[FusionStep, ...]
    rules: Mapping[str, tuple[KernelRule, ...]]
    parameters: Mapping[str, Parameter]
    fitted_on: tuple[str, str] | None = None
    caveat: str | None = None
    lowering: Lowering = "auto"
    partition: str | None = None
    largest_part: str | None = None
    assumed: str | None = None
    computes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    path: str = ""
    precision: str = "fp32"

    def __repr__(self) -> str:
        return f"<Runtime {self.name}: {self.title}, form {self.form}>"

    @property
    def hands_back(self) -> bool:
        """Whether there are layers that it leaves to another processor."""
        return any(rule.kind == "outside" for of in self.rules.values() for rule in of)

    def computed(self, precision: str) -> str:
        """The precision that a model of a precision is computed in."""
        return self.computes[precision][0] if precision in self.computes else precision

    def at_precision(self, precision: str) -> Runtime:
        """The runtime at a precision, with its own parameters, ``int8_x``, instead of ``x``."""
        own = {
            name: self.parameters[f"{precision}_{name}"]
            for name in self.parameters
            if f"{precision}_{name}" in self.parameters
        }
        return replace(self, parameters={**self.parameters, **own}, precision=precision)

    def with_options(self, options: Collection[FusionOption]) -> Runtime:
        """The runtime with the fusion steps that a processor with these options has."""
        kept = tuple(step for step in self.fusion if step.option is None or step.option in options)
        return self if len(kept) == len(self.fusion) else replace(self, fusion=kept)

    def without(self, operators: Collection[str]) -> Runtime:
        """The runtime on a processor whose profile leaves operators to the host: it neither fuses nor computes them."""
        if not operators:
            return self
        left = frozenset(operators)
        source = "the profile of the processor: left to the host"
        own = {operator: (KernelRule(operator, "outside", None, source),) for operator in left}
        steps = [replace(step, operators=step.operators - left, into=step.into - left) for step in self.fusion]
        return replace(self, rules={**self.rules, **own}, fusion=tuple(steps))

    def lowered(self) -> Runtime:
        """The runtime with direct convolutions lowered to matrix products, except those with a window of one pixel."""
        rules = {
            operator: tuple(changed for rule in of for changed in _lowered_rules(rule))
            for operator, of in self.rules.items()
        }
        return replace(self, rules=rules, lowering="im2col")

    def knows(self, precision: str) -> bool:
        """Whether it has parameters for a precision: all are for fp32 unless they say otherwise."""
        return precision == "fp32" or any(name.startswith(f"{precision}_") for name in self.parameters)

    def was_fitted_on(self, processor: str, precision: str) -> bool:
        """Whether the parameters come from this very model of a processor, at this precision."""
        return self.fitted_on == (processor, precision)

    def carried_to(self, processor: str, precision: str) -> Runtime:
        """The runtime for a processor's model: parameters that were fitted on another model become assumed."""
        if self.fitted_on is None or self.was_fitted_on(processor, precision):
            return self
        return replace(self, parameters=carried_over(self.parameters, " ".join(self.fitted_on)))

    def taken_over(self) -> Runtime:
        """The runtime as a base for another that is `like` it: its fitted parameters become assumed."""
        on = f" on {' '.join(self.fitted_on)}" if self.fitted_on else ""
        parameters = carried_over(self.parameters, f"{self.name}{on}")
        if self.fitted_on is not None:
            parameters = {name: p for name, p in parameters.items() if name not in FITTED_ALONE}
        return replace(self, parameters=parameters, fitted_on=None)

    def interval(self, processor: str, precision: str) -> tuple[Parameter, Parameter]:
        """Lower and upper bound of the latency for a processor's model, as ratios to the predicted one."""
        low, high = FITTED_ALONE
        if not self.was_fitted_on(processor, precision) or low not in self.parameters:
            low, high = "interval_low", "interval_high"
        return self.parameters[low], self.parameters[high]

    def rule(self, layer: Layer) -> KernelRule | None:
        """The rule for a layer; None if the runtime has none for its operator."""
        for rule in self.rules.get(layer.operator.op, ()):
            if rule.precisions and self.precision not in rule.precisions:
                continue
            if rule.when is None or rule.when(layer):
                return rule
        return None

    def kernel_kind(self, layer: Layer) -> KernelKind | None:
        """The kernel for a layer; None if the runtime has no rule for its operator."""
        rule = self.rule(layer)
        return None if rule is None else rule.kind


def carried_over(parameters: Mapping[str, Parameter], origin: str) -> dict[str, Parameter]:
    """Parameters carried over from `origin`: fitted ones become assumed, and their reference names it."""
    return {
        name: replace(p, source=ASSUMED, reference=f"carried over from {origin}; {p.reference}")
        if p.source == "fitted"
        else p
        for name, p in parameters.items()
    }


def _lowered_rules(rule: KernelRule) -> tuple[KernelRule, ...]:
    if rule.operator != Conv2d.op or rule.kind != "direct_conv":
        return (rule,)
    when = is_pointwise_conv if rule.when is None else partial(all_hold, (rule.when, is_pointwise_conv))
    return replace(rule, when=when), replace(rule, kind="im2col_gemm", source="im2col was asked for")

"""Runtimes as data: which operators fuse, and which kernel computes which operator; every rule with its source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, Literal

from mbcost.errors import DefectError, did_you_mean, fail
from mbcost.files import Document, load_yaml
from mbcost.graph import Layer
from mbcost.kernels.kernel import KERNEL_KINDS, KernelKind
from mbcost.numeric import holds_for_all
from mbcost.operators import OPERATOR_BY_NAME, Conv2d
from mbcost.operators.window import is_pointwise

_FOLDER: Final = Path(__file__).parent / "runtimes"
_SOURCES: Final = ("datasheet", "measured", "derived", "fitted", "assumed")


@dataclass(frozen=True, slots=True)
class FusionStep:
    """Operators that vanish into the kernel before them, step after step in their order.

    Attributes
    ----------
    links
        Whether a kernel takes the step any number of times, through any input (linked element-wise operators); else
        at most once and through the first.
    """

    operators: frozenset[str]
    into: frozenset[str]
    source: str
    links: bool = False


@dataclass(frozen=True, slots=True)
class KernelRule:
    """The kernel that computes an operator, where `when` holds."""

    operator: str
    kind: KernelKind
    when: Callable[[Layer], bool] | None
    source: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number of a runtime: an efficiency, a constant of its kernels.

    Attributes
    ----------
    value, unit
        The number; efficiencies are fractions of a device's peak or bandwidth.
    source
        ``fitted``, ``assumed``, ...: how it came about.
    reference
        The data or document behind it.
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
        Model and precision of the processor that the parameters were fitted on, where the same part in another device
        gets an interval of its own; None where all devices share one.
    lowering
        ``auto``: convolutions as the rules have them; ``im2col``: all lowered to matrix products.
    partition
        What becomes of the layers after one that it leaves to another processor, where that is not what is charged.
    caveat
        What predictions are that come from facts alone; None where parameters were fitted to latencies.
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
    lowering: Literal["auto", "im2col"] = "auto"
    partition: str | None = None

    def at_precision(self, precision: str) -> Runtime:
        """The runtime with the parameters that are a precision's own, ``int8_x``, in the place of ``x``."""
        own = {
            name: self.parameters[f"{precision}_{name}"]
            for name in self.parameters
            if f"{precision}_{name}" in self.parameters
        }
        return replace(self, parameters={**self.parameters, **own}) if own else self

    def lowered(self) -> Runtime:
        """The runtime with direct convolutions lowered to matrix products, but for those of single pixels."""
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
        """The runtime for a processor's model: what was fitted on another one is assumed of it, and says so."""
        if self.fitted_on is None or self.was_fitted_on(processor, precision):
            return self
        origin = " ".join(self.fitted_on)
        parameters = {
            name: replace(p, source="assumed", reference=f"carried over from {origin}; {p.reference}")
            if p.source == "fitted"
            else p
            for name, p in self.parameters.items()
        }
        return replace(self, parameters=parameters)

    def interval(self, processor: str, precision: str) -> tuple[Parameter, Parameter]:
        """Smallest and largest latency for a processor's model, in units of the predicted one."""
        prefix = "fitted_" if self.was_fitted_on(processor, precision) else ""
        return self.parameters[f"{prefix}interval_low"], self.parameters[f"{prefix}interval_high"]

    def kernel_kind(self, layer: Layer) -> KernelKind | None:
        """The kernel for a layer; None if the runtime has no rule for its operator."""
        for rule in self.rules.get(layer.operator.op, ()):
            if rule.when is None or rule.when(layer):
                return rule.kind
        return None


def _is_pointwise_conv(layer: Layer) -> bool:
    operator = layer.operator
    return (
        isinstance(operator, Conv2d)
        and is_pointwise(operator.kernel, operator.stride, operator.padding)
        and holds_for_all(operator.groups == 1)
    )


def _is_depthwise_conv(layer: Layer) -> bool:
    """A grouped convolution with one input channel a group is a depthwise convolution."""
    operator = layer.operator
    channels = layer.input_shapes[0].channels
    return isinstance(operator, Conv2d) and holds_for_all((operator.groups == channels) & (channels > 1))


def _lowered_rules(rule: KernelRule) -> tuple[KernelRule, ...]:
    if rule.operator != Conv2d.op or rule.kind != "direct_conv":
        return (rule,)
    when = _is_pointwise_conv if rule.when is None else partial(_both, rule.when, _is_pointwise_conv)
    return replace(rule, when=when), replace(rule, kind="im2col_gemm", source="im2col was asked for")


def _both(first: Callable[[Layer], bool], second: Callable[[Layer], bool], layer: Layer) -> bool:
    return first(layer) and second(layer)


#: Conditions that rules can name.
CONDITIONS: Final[Mapping[str, Callable[[Layer], bool]]] = {
    "pointwise": _is_pointwise_conv,
    "depthwise": _is_depthwise_conv,
}


def runtime_names() -> tuple[str, ...]:
    """Names of the runtimes that mbcost has rules for."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


@cache
def load_runtime(name: str) -> Runtime:
    """The rules of a runtime.

    Raises
    ------
    InputError
        MB304 with the nearest names if there is none.
    """
    path = _FOLDER / f"{name}.yaml"
    if name not in runtime_names():
        hint = did_you_mean(name, runtime_names()) or f"known: {', '.join(runtime_names())}"
        fail("MB304", f"mbcost has no rules for the runtime `{name}`", hint=hint)
    return _read(load_yaml(path))


def _read(document: Document) -> Runtime:
    """A runtime from its file. These files ship with mbcost: a mistake in one is a defect, and says where.

    One that is `like` another has its processors, form, fusion, kernels and parameters where it says nothing else.
    """
    base = load_runtime(document.data["like"]) if "like" in document.data else None
    data = {"kernels": [], "fusion": [], "parameters": {}, **document.data}
    rules: dict[str, tuple[KernelRule, ...]] = {}
    for i, entry in enumerate(data["kernels"]):
        for operator in _operators(entry["operators"], document, ("kernels", i)):
            kind, when = entry["kernel"], entry.get("when")
            if kind not in KERNEL_KINDS or (when is not None and when not in CONDITIONS):
                raise DefectError(f"{document.value('kernels', i)}: unknown kernel or condition")
            rule = KernelRule(operator, kind, CONDITIONS[when] if when else None, entry["source"])
            rules[operator] = (*rules.get(operator, ()), rule)
    fusion = tuple(
        FusionStep(
            frozenset(_operators(entry["operators"], document, ("fusion", i))),
            frozenset(_operators(entry["into"], document, ("fusion", i))),
            entry["source"],
            entry.get("links", False),
        )
        for i, entry in enumerate(data["fusion"])
    )
    fitted = data.get("fitted_on")
    parameters = {name: _parameter(name, entry, document) for name, entry in data["parameters"].items()}
    if base is not None:
        return replace(
            base,
            name=data["name"],
            title=data["title"],
            form=data.get("form", base.form),
            source=data["source"],
            fusion=fusion or base.fusion,
            rules={**base.rules, **rules},
            parameters={**base.parameters, **parameters},
        )
    return Runtime(
        name=data["name"],
        title=data["title"],
        processors=tuple(data["processors"]),
        form=data["form"],
        source=data["source"],
        fusion=fusion,
        rules=rules,
        parameters=parameters,
        fitted_on=(fitted["processor"], fitted["precision"]) if fitted else None,
        caveat=data.get("caveat"),
        partition=data.get("partition"),
    )


def _parameter(name: str, entry: Mapping[str, Any], document: Document) -> Parameter:
    if entry["source"] not in _SOURCES or not entry["reference"]:
        raise DefectError(f"{document.value('parameters', name)}: a parameter needs a source and a reference")
    return Parameter(name, float(entry["value"]), entry["unit"], entry["source"], entry["reference"])


def _operators(names: list[str], document: Document, path: tuple[str | int, ...]) -> list[str]:
    for name in names:
        if name not in OPERATOR_BY_NAME:
            raise DefectError(f"{document.value(*path)}: unknown operator {name}")
    return names

"""The uncalibrated model of a target: its runtime's rules, its latency form and the form's rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from mbcost.devices import Precision, Target
from mbcost.errors import fail
from mbcost.kernels import Runtime, load_runtime, runtime_version
from mbcost.latency.form import LatencyForm, Rate, Spread
from mbcost.latency.forms import form_of


class LatencyModel(NamedTuple):
    """The rules of a runtime, its latency form, and the form's rates on a target from facts and parameters only."""

    runtime: Runtime
    form: LatencyForm
    rates: Mapping[str, Rate]


def latency_model(target: Target) -> LatencyModel:
    """The rules, the form and the rates of a target without a calibration.

    Raises
    ------
    InputError
        MB304 if there are no rules for its runtime or the runtime does not run on its kind of processor, MB401 if its
        profile lacks a number that the form needs.
    """
    return _model_of(target, runtime_version(target.runtime_path) if target.runtime_path else None)


@lru_cache(maxsize=64)
def _model_of(target: Target, _: object) -> LatencyModel:
    """The model with one version of a user's runtime file."""
    runtime = load_runtime(target.runtime_file)
    if target.processor.runs not in runtime.processors:
        kinds = " and ".join(runtime.processors).replace("mcu", "microcontroller")
        fail("MB304", f"{runtime.name} runs on a {kinds}, not on the {target.processor.name} of {target.device.name}")
    target = computed_target(target, runtime)
    runtime = runtime.at_precision(target.precision).carried_to(target.processor.model, target.precision)
    dpu = target.processor.dpu
    runtime = runtime.with_options({"alu_leaky_relu"} if dpu is not None and dpu.alu_leaky_relu else ())
    runtime = runtime.without(target.processor.outside)
    form = form_of(runtime).on(target)
    return LatencyModel(runtime, form, form.rates(target, runtime))


def spread_of(target: Target, runtime: Runtime, form: LatencyForm) -> Spread | None:
    """How far the uncalibrated rates of a target may be off; None where its runtime states an interval instead."""
    return None if form.spread is None else form.spread(computed_target(target, runtime), runtime)


def computed_target(target: Target, runtime: Runtime) -> Target:
    """The target at the precision that its runtime computes in: fp32 where it makes weights of fp16 fp32 first."""
    precision = runtime.computed(target.precision)
    if precision == target.precision:
        return target
    able: list[Precision] = [known for known in target.processor.precisions if known == precision]
    if target.processor.kind == "cpu" and precision == "int8":
        able = ["int8"]  # every core has integer arithmetic, whether or not its profile states a peak of it
    if not able:
        fail("MB305", f"{target.name} computes {target.precision} in {precision}, which its processor does not have")
    return replace(target, precision=able[0])

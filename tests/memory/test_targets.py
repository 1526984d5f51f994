"""Which planner a target has, and that microcontrollers show RAM and flash first."""

from __future__ import annotations

from dataclasses import replace

import pytest

import mbcost
from mbcost.analysis import Analysis
from mbcost.devices import Target
from mbcost.memory.targets import planner_name, plans_memory
from mbcost.report.html.analysis import cards
from mbcost.report.screens import analysis as screen_module
from mbcost.report.screens.analysis import analysis_screen
from mbcost.report.screens.terminal import PLAIN


def target_with(runtime: str, core: str) -> Target:
    """A phone's target with another runtime and core."""
    phone = mbcost.resolve_target("pixel4/cpu@tflite-2.10", "int8")
    return replace(phone, runtime=runtime, processor=replace(phone.processor, model=core))


@pytest.mark.parametrize(
    ("runtime", "core", "planner"),
    [
        # Arm's technical reference manuals: the DSP extension is in M4, M7, M33, Helium in M55, M85
        ("tflm-cmsis-nn", "cortex_m0plus", "cmsis-nn-c"),
        ("tflm-cmsis-nn", "Cortex-M4", "cmsis-nn-dsp"),
        ("tflm-cmsis-nn", "cortex_m7", "cmsis-nn-dsp"),
        ("tflm-cmsis-nn", "cortex_m33", "cmsis-nn-dsp"),
        ("tflm-cmsis-nn", "Cortex-M55", "cmsis-nn-mve"),
        ("tflm-cmsis-nn", "cortex_m85", "cmsis-nn-mve"),
        ("tflm-cmsis-nn", "andes_d25f", "cmsis-nn-c"),
        ("tflm", "cortex_m4", "tflm"),
        ("esp-nn", "esp32_s3", "tflm"),
        ("tinyengine", "cortex_m7", "tinyengine"),
        ("x-cube-ai-7.3", "cortex_m7", "greedy"),
    ],
)
def test_planner_of_a_microcontroller(runtime: str, core: str, planner: str) -> None:
    target = target_with(runtime, core)
    assert planner_name(target) == planner
    assert plans_memory(target)


def test_other_targets_are_planned_as_tflm() -> None:
    target = mbcost.resolve_target("pixel4")
    assert planner_name(target) == "tflm"
    assert not plans_memory(target)


def test_microcontrollers_show_memory_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen_module, "find_hints", lambda _analysis: [])  # which would look the runtime up
    phone = mbcost.analyze("mobilenet_v1", "pixel4/cpu@tflite-2.10", alpha=0.25, resolution=96, precision="int8")
    assert isinstance(phone, Analysis)
    core = phone.target.processor.model
    own = replace(phone, target=target_with("tflm-cmsis-nn", core))
    lines = analysis_screen(own, PLAIN).splitlines()
    assert lines[lines.index("Answer") + 1].startswith("  RAM, flash  RAM (arena) 98.3 KiB")
    assert "(the .tflite file), peak at conv2d_1" in lines[lines.index("Answer") + 1]
    assert "RAM, flash" not in analysis_screen(phone, PLAIN)
    assert [card["value"] for card in cards(own) if card["label"] == "RAM (arena)"] == ["98.3 KiB"]
    assert not any(card["label"] == "flash" for card in cards(phone))
    assumed = replace(phone, target=target_with("x-cube-ai-7.3", core))
    assert "(assumed: a planner that is greedy by size)" in analysis_screen(assumed, PLAIN)

"""Hints: the latency of each is what the model predicts for the changed network or target."""

from __future__ import annotations

import re

import pytest

import mbcost
from mbcost.insight.hints import find_hints


def hints_of(model, device, **configuration):
    spec = mbcost.load(model)
    return find_hints(mbcost.analyze(spec, device, **configuration), least=-10.0, most=30)


def predicted(hint, model, device, **configuration):
    """The analysis with the change that a hint describes."""
    words = hint.change.split()
    match words:
        case ["alpha", value, *_]:
            change = {"alpha": float(value)}
        case ["resolution", value, *_]:
            change = {"resolution": int(value)}
        case [value, "threads", *_]:
            change = {"threads": int(value)}
        case [("fp16" | "int8") as value, *_]:
            change = {"precision": value}
        case _:
            return None
    return mbcost.analyze(model, device, **{**configuration, **change}).latency_s


@pytest.mark.parametrize("device", ["pixel1", "pixel4", "pixel4/gpu", "zcu102"])
@pytest.mark.parametrize("configuration", [{}, {"alpha": 0.5, "resolution": 160, "batch": 2}])
def test_a_hint_is_what_the_model_says(device, configuration):
    hints = hints_of("mobilenet_v2", device, **configuration)
    assert hints
    base = mbcost.analyze("mobilenet_v2", device, **configuration).latency_s
    for hint in hints:
        assert hint.latency_s == pytest.approx(predicted(hint, "mobilenet_v2", device, **configuration))
        assert hint.saving == pytest.approx(1 - hint.latency_s / base)


def test_steps_to_the_next_width_and_resolution():
    changes = {hint.change for hint in hints_of("mobilenet_v2", "pixel1", alpha=0.5, resolution=200)}
    assert {"alpha 0.35 instead of 0.5", "resolution 192 instead of 200", "2 threads instead of 1"} <= changes
    assert not any(
        re.match("alpha|resolution", h.change) for h in hints_of("mobilenet_v2", "pixel1", alpha=0.2, resolution=32)
    )


def test_relu_in_place_of_unfused_activations():
    relu = [hint for hint in hints_of("mobilenet_v3_small", "pixel1") if hint.change.startswith("ReLU")]
    assert [hint.change for hint in relu] == ["ReLU in place of hard_swish (19 layers)"]
    assert not any(hint.change.startswith("ReLU") for hint in hints_of("mobilenet_v2", "pixel1"))


TABLE = """\
name: net
source: made up
input: 16x16x8
layers:
  - {{name: first, op: conv2d, out: 16, kernel: 3}}
{rows}
  - {{name: last, op: conv2d, out: 16, kernel: 1}}
"""


@pytest.mark.parametrize(
    ("change", "before", "after", "device"),
    [
        (
            "ReLU in place of hard_swish (1 layer)",
            "  - {name: a, op: conv2d, out: 32, kernel: 3, activation: hard_swish}",
            "  - {name: a, op: conv2d, out: 32, kernel: 3, activation: relu}",
            "pixel4",
        ),
        (  # what is fused into a convolution takes no time of its own
            "activation fused into the layer before it (1 layer)",
            "  - {name: a, op: conv2d, out: 32, kernel: 3, activation: hard_sigmoid}",
            "  - {name: a, op: conv2d, out: 32, kernel: 3}",
            "pixel4",
        ),
        (
            "separable in place of KxK convolutions (1 layer)",
            "  - {name: a, op: conv2d, out: 32, kernel: 3, stride: 2}",
            "  - {op: depthwise_conv2d, kernel: 3, stride: 2}\n  - {op: conv2d, out: 32, kernel: 1}",
            "pixel1/dsp",
        ),
        (
            "channels rounded down to multiples of 8 (1 layer)",
            "  - {name: a, op: conv2d, out: 27, kernel: 1}",
            "  - {name: a, op: conv2d, out: 24, kernel: 1}",
            "pixel1/dsp",
        ),
        (  # XNNPACK's micro-kernels end at 25 elements
            "5x5 in place of larger depthwise windows, which the runtime has no depthwise kernel for (1 layer)",
            "  - {name: a, op: depthwise_conv2d, kernel: 7, padding: 3}\n  - {op: depthwise_conv2d, kernel: 5}",
            "  - {name: a, op: depthwise_conv2d, kernel: 5, padding: 2}\n  - {op: depthwise_conv2d, kernel: 5}",
            "pixel4@litert",
        ),
        (
            "3x3 in place of larger depthwise windows (2 layers)",
            (
                "  - {op: depthwise_conv2d, kernel: 7, padding: 6, dilation: 2}\n"
                "  - {op: depthwise_conv2d, kernel: [1, 5]}"
            ),
            (
                "  - {op: depthwise_conv2d, kernel: 3, padding: 2, dilation: 2}\n"
                "  - {op: depthwise_conv2d, kernel: [1, 3]}"
            ),
            "pixel4",
        ),
        (
            "dense in place of grouped convolutions (1 layer)",
            "  - {name: a, op: conv2d, out: 16, kernel: 3, groups: 8}\n  - {op: conv2d, out: 16, groups: 16}",
            "  - {name: a, op: conv2d, out: 16, kernel: 3}\n  - {op: conv2d, out: 16, groups: 16}",
            "pixel4",
        ),
        (
            "separable in place of b, the slowest KxK convolution (1 layer)",
            "  - {name: a, op: conv2d, out: 8, kernel: 3}\n  - {name: b, op: conv2d, out: 96, kernel: 3}",
            (
                "  - {name: a, op: conv2d, out: 8, kernel: 3}\n"
                "  - {op: depthwise_conv2d, kernel: 3}\n  - {op: conv2d, out: 96, kernel: 1}"
            ),
            "pixel4",
        ),
        (
            "without squeeze-and-excitation (1 layer)",
            (
                "  - {name: a, op: conv2d, out: 24, kernel: 1}\n  - {name: pool, op: global_avg_pool}\n"
                "  - {op: conv2d, out: 6, kernel: 1, activation: relu}\n"
                "  - {name: gate, op: conv2d, out: 24, kernel: 1, activation: hard_sigmoid}\n"
                "  - {op: multiply, inputs: [a, gate]}"
            ),
            "  - {name: a, op: conv2d, out: 24, kernel: 1}",
            "pixel4/gpu",
        ),
        (  # operators that the unit does not have: PG338 lists neither swish nor layer_norm
            "hard_swish in place of swish, batch_norm in place of layer_norm, handed back to the host (2 layers)",
            "  - {op: conv2d, out: 24, kernel: 3}\n  - {op: layer_norm}\n  - {op: swish}",
            "  - {op: conv2d, out: 24, kernel: 3}\n  - {op: batch_norm}\n  - {op: hard_swish}",
            "zcu102",
        ),
    ],
)
def test_a_rewritten_network_is_the_one_that_a_table_says(tmp_path, change, before, after, device):
    for name, rows in (("before", before), ("after", after)):
        (tmp_path / f"{name}.yaml").write_text(TABLE.format(rows=rows))
    hints = {hint.change: hint for hint in hints_of(tmp_path / "before.yaml", device)}
    expected = mbcost.analyze(tmp_path / "after.yaml", device).latency_s
    assert hints[change].latency_s == pytest.approx(expected)


def test_a_rewrite_that_does_not_fit_is_no_hint(tmp_path):
    # the sum of 27 and 27 channels would become one of 24 and 27
    rows = "  - {name: a, op: conv2d, out: 27, kernel: 1}\n  - {name: b, op: depthwise_conv2d, kernel: 3}\n"
    rows += "  - {name: c, op: reshape, shape: [16, 16, 27]}\n  - {name: d, op: add, inputs: [c, b]}"
    (tmp_path / "net.yaml").write_text(TABLE.format(rows=rows))
    assert not any("rounded" in hint.change for hint in hints_of(tmp_path / "net.yaml", "pixel1"))


def test_best_first_few_and_worth_it():
    spec = mbcost.load("mobilenet_v3_large")
    hints = find_hints(mbcost.analyze(spec, "pixel4"))
    assert 0 < len(hints) <= 4
    savings = [hint.saving for hint in hints]
    assert savings == sorted(savings, reverse=True)
    assert min(savings) >= 0.02


def test_a_table_without_width_rule_gets_no_alpha(tmp_path):
    path = tmp_path / "one.yaml"
    path.write_text("name: one\nsource: s\ninput: 64x48x3\nlayers:\n  - {op: conv2d, out: 8, kernel: 3}\n")
    assert {hint.change for hint in hints_of(path, "pixel1")} == {"2 threads instead of 1", "int8 instead of fp32"}


def test_int8_operators_of_slower_kernels_get_a_substitute(tmp_path):
    """XNNPACK takes average pooling, hard swish and softmax as float32 only; a swish cannot become a hard swish."""
    rows = "  - {op: hard_swish}\n  - {op: avg_pool2d, kernel: 2, stride: 2}\n  - {name: s, op: softmax}"
    after = "  - {op: relu}\n  - {op: max_pool2d, kernel: 2, stride: 2}"
    change = "relu in place of hard_swish, max_pool2d in place of avg_pool2d, no softmax, left by the delegate to"
    for name, of in (("before", rows), ("after", after)):
        text = TABLE.format(rows="  - {op: conv2d, out: 24, kernel: 3}").rsplit("\n", 2)[0] + "\n" + of
        (tmp_path / f"{name}.yaml").write_text(text)
    hints = {hint.change: hint for hint in hints_of(tmp_path / "before.yaml", "pixel4@litert", precision="int8")}
    expected = mbcost.analyze(tmp_path / "after.yaml", "pixel4@litert", precision="int8").latency_s
    assert hints[f"{change} slower kernels (3 layers)"].latency_s == pytest.approx(expected)
    changes = [hint.change for hint in hints_of(tmp_path / "before.yaml", "pixel4@litert")]
    assert not any("left by the delegate" in one for one in changes)


def test_a_product_with_something_else_is_no_squeeze_and_excitation(tmp_path):
    """A gate of another map, and one that a second layer reads."""
    gate = "  - {name: p, op: global_avg_pool}\n  - {name: gate, op: conv2d, out: 24, kernel: 1}\n"
    first = "  - {name: a, op: conv2d, out: 24, kernel: 1}\n"
    other = "  - {name: b, op: conv2d, out: 24, kernel: 3, inputs: [a]}\n  - {op: multiply, inputs: [b, gate]}"
    twice = "  - {name: m, op: multiply, inputs: [a, gate]}\n  - {op: add, inputs: [m, gate]}"
    for rows in (other, twice):
        (tmp_path / "net.yaml").write_text(TABLE.format(rows=first + gate + rows))
        assert not any("squeeze" in hint.change for hint in hints_of(tmp_path / "net.yaml", "pixel4/gpu"))

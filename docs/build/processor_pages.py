"""What the page of a processor shows that is computed while the site is built: a network term by term, and its rates.

Each latency form has a network and a target here. The times, counts, rates and sources are those of
:func:`mbcost.analyze`, so that a page cannot be older than the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pictures

import mbcost
from mbcost import readable
from mbcost.hosting import is_hosted
from mbcost.kernels import Kernel
from mbcost.latency import Term

MODELS: Final = Path(__file__).parent.parent / "models"
NETWORK: Final = "mobilenet_v2"
#: Form -> target of its example, where the index of the processors names none; all others take the first one there.
TARGETS: Final[Mapping[str, str]] = {
    "generic_npu": "examples/my_accelerator.yaml",
    "litert_cpu": "raspberry_pi_5@litert",
    "ncnn_cpu": "raspberry_pi_4@ncnn",
    "onnxruntime_cpu": "raspberry_pi_5@onnxruntime",
    "openvino_cpu": "raspberry_pi_5@openvino",
    "pytorch_cpu": "raspberry_pi_5@pytorch-eager",
    "pytorch_gpu": "a100@pytorch-cuda",
    "pytorch_gpu_graph": "a100@pytorch-cuda-graph",
    "pytorch_inductor": "raspberry_pi_5@pytorch-compile",
    "pytorch_nhwc": "raspberry_pi_5@pytorch-channels-last",
    "tflite_hybrid": "pixel4@tflite-2020-hybrid",
    "tflite_xnnpack": "pixel4@tflite-2.10",
}
#: Form -> network of its example, where MobileNet V2 is too large for the target.
NETWORKS: Final[Mapping[str, str]] = {"mcu": "ds_cnn"}
#: The page that also has pipelines of line buffers, which are designed and not analysed, and the design that it shows.
PIPELINES: Final = "hls.md"
PIPELINE: Final = ("mobilenet_v1", "zc706", 0.25, 128)
#: The convolution whose speed is drawn: its input, and the fewest and the most output channels of the picture.
PIXELS, DEPTH, FEWEST, MOST = 28 * 28, 64, 8, 256
CONVOLUTION: Final = f"""
name: convolution
source: an example
input: 28x28x{DEPTH}
width: {{rule: truncate}}
layers:
  - {{op: conv2d 1x1, out: {MOST}}}
"""
#: What the kinds of source mean for a rate, the strongest first.
SOURCES: Final[Mapping[str, str]] = {
    "measured": "measured",
    "datasheet": "from data sheets",
    "derived": "computed from those",
    "fitted": "fitted to measured latencies",
    "assumed": "assumed",
}


@dataclass(frozen=True, slots=True)
class TermTime:
    """A term over the whole network, or in one kernel: its count, and the time that this takes [s]."""

    term: Term
    count: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Example:
    """A network on a target that a form predicts."""

    form: str
    network: str
    target: str

    @property
    def command(self) -> str:
        return f"mbcost analyze {self.network} --device {self.target}"


def examples(page: str) -> Iterator[Example]:
    """An example of each form that the index of the processors sends to a page."""
    index = (MODELS / "README.md").read_text(encoding="utf-8")
    for form, devices in re.findall(rf"^\| `(\w+)` \| \[[^]]*\]\({re.escape(page)}\) \|.*\| (.*) \|$", index, re.M):
        target = TARGETS.get(form) or next(iter(re.findall(r"`([^` ]+)`", devices)), None)
        if target is not None:
            yield Example(form, NETWORKS.get(form, NETWORK), target)


def sections(page: str) -> str:
    """The Markdown that follows the text of a page; nothing for a page without an example."""
    parts = [section(each, mbcost.analyze(each.network, each.target)) for each in examples(page)]
    if page == PIPELINES:
        parts.append(pipeline_section())
    if not parts:
        return ""
    return "\n\n## Computed by the model\n\nComputed by mbcost while this page was built.\n" + "".join(parts)


def section(example: Example, analysis: mbcost.Analysis) -> str:
    """A network on a target: what takes the time, its slowest layer, the rates, and what these rest on."""
    low, high = readable.significant(analysis.latency_low_s * 1e3), readable.milliseconds(analysis.latency_high_s)
    latency = f"**{readable.milliseconds(analysis.latency_s)}** with a 90 % interval from {low} to {high}"
    lines = [
        f"### `{example.form}`: {analysis.spec.title} on {analysis.target.device.title}",
        "",
        f"`{example.command}` predicts {latency} ({analysis.basis}; {analysis.target.precision}).",
        "",
        picture(analysis),
        "",
        *term_table(analysis),
        "",
        *slowest_layer(analysis),
        "",
        *by_channels(example),
        "",
        *rate_table(analysis),
        "",
        rests_on(analysis),
        "",
    ]
    return "\n".join(["", *lines])


def pipeline_section() -> str:
    """A pipeline with a stage for each layer: its throughput, and the stages that set it."""
    network, device, alpha, resolution = PIPELINE
    design = mbcost.design(network, device, style="streaming", alpha=alpha, resolution=resolution)
    assert isinstance(design, mbcost.PipelineDesign)
    found = design.found
    command = f"mbcost design {network} --device {device} --style streaming --alpha {alpha:g} --resolution {resolution}"
    speed = f"**{design.frames_per_s:,.0f} frames/s**, each {readable.milliseconds(design.latency_s)} long"
    lines = [
        f"### `line_buffer`: {design.graph.title} on {design.target.device.title}",
        "",
        f"`{command}` makes {speed}, with {found.needed.dsp:,} DSP slices. The slowest of {len(found.stages)} stages:",
        "",
        "| stage | cycles a frame | MACs a cycle | block RAMs of 18 Kibit: lines | weights |",
        "|---|--:|--:|--:|--:|",
    ]
    for stage in sorted(found.stages, key=lambda stage: -stage.interval)[:8]:
        numbers = (stage.interval, stage.multipliers, stage.line_brams, stage.weight_brams)
        lines.append(f"| `{stage.kernel.name}` | " + " | ".join(f"{number:,}" for number in numbers) + " |")
    return "\n".join(["", *lines, ""])


def own_kernels(analysis: mbcost.Analysis) -> list[Kernel]:
    return [kernel for kernel in analysis.kernels if not is_hosted(kernel)]


def terms_of(analysis: mbcost.Analysis, kernels: list[Kernel]) -> list[TermTime]:
    """The terms of kernels that take time, the longest first."""
    counts = {term.name: 0.0 for term in analysis.form.terms}
    for kernel in kernels:
        for term, count in analysis.form.explain(kernel):
            counts[term.name] += float(count)
    found = [
        TermTime(term, counts[term.name], counts[term.name] * analysis.rates[term.name].seconds)
        for term in analysis.form.terms
    ]
    return sorted((each for each in found if each.seconds > 0), key=lambda each: -each.seconds)


def hosted_s(analysis: mbcost.Analysis) -> float:
    """Time of what another processor computes [s]."""
    pairs = zip(analysis.kernels, analysis.estimates, strict=True)
    return sum(estimate.latency_s for kernel, estimate in pairs if is_hosted(kernel))


def term_table(analysis: mbcost.Analysis) -> Iterator[str]:
    """Each term of the form over the whole network."""
    decimals = readable.decimals_for(analysis.latency_s * 1e3)
    yield "| term | group | count in the network | rate | time | of the latency |"
    yield "|---|---|--:|--:|--:|--:|"
    for each in terms_of(analysis, own_kernels(analysis)):
        rate = a_count(analysis.rates[each.term.name].seconds, each.term)
        share = readable.percent(each.seconds / analysis.latency_s)
        count = f"{readable.si(each.count)} {each.term.unit}"
        time = f"{each.seconds * 1e3:.{decimals}f} ms"
        yield f"| `{each.term.name}` | {each.term.group} | {count} | {rate} | {time} | {share} % |"
    other = hosted_s(analysis)
    if other:
        share = readable.percent(other / analysis.latency_s)
        yield f"| on another processor | | | | {other * 1e3:.{decimals}f} ms | {share} % |"
    yield ""
    yield {
        "none": "The times add up to the latency.",
        "full": "Compute and memory overlap in each kernel, so that the times add up to more than the latency.",
        "parallel": "Compute, activations and weights overlap, so that the times add up to more than the latency.",
    }[analysis.form.overlap]


def slowest_layer(analysis: mbcost.Analysis) -> Iterator[str]:
    """The kernel that takes longest, worked out."""
    pairs = [pair for pair in zip(analysis.kernels, analysis.estimates, strict=True) if not is_hosted(pair[0])]
    kernel, estimate = max(pairs, key=lambda pair: pair[1].latency_s)
    layer = kernel.main
    shapes = f"{readable.shape(layer.input_shapes[0])} to {readable.shape(layer.output_shape)}"
    yield f"The slowest kernel, `{layer.name}` ({layer.operator.op}, {shapes}):"
    yield ""
    yield "| term | count | x rate | = time |"
    yield "|---|--:|--:|--:|"
    for each in terms_of(analysis, [kernel]):
        rate = a_count(analysis.rates[each.term.name].seconds, each.term)
        count = f"{each.count:,.0f}" if each.count == int(each.count) else f"{each.count:,.3f}"
        yield f"| `{each.term.name}` | {count} {each.term.unit} | {rate} | {each.seconds * 1e6:,.2f} µs |"
    word = {"none": "sum", "full": "the longer of compute and memory", "parallel": "the longest"}[analysis.form.overlap]
    yield f"| {word} | | | {estimate.latency_s * 1e6:,.2f} µs |"


def by_channels(example: Example) -> Iterator[str]:
    """How fast a convolution is, by its number of output channels: what whole tiles, blocks and calls do to it."""
    with TemporaryDirectory() as folder:
        table = Path(folder) / "convolution.yaml"
        table.write_text(CONVOLUTION, encoding="utf-8")
        widths = [(channels + 0.5) / MOST for channels in range(FEWEST, MOST + 1, 2)]  # truncated to whole channels
        frame = mbcost.sweep(table, example.target, alpha=widths).to_frame()
    channels = [macs // (PIXELS * DEPTH) for macs in frame["macs"]]
    speeds = [macs / ms / 1e6 for macs, ms in zip(frame["macs"], frame["latency_ms"], strict=True)]
    yield f"The speed of a 1x1 convolution of 28x28x{DEPTH} with {FEWEST} to {MOST} output channels, even numbers:"
    yield ""
    yield pictures.curve(f"{example.form}: GMAC/s of a 1x1 convolution by output channels", channels, speeds)


def rate_table(analysis: mbcost.Analysis) -> Iterator[str]:
    """Each rate of the form on the target, how it was computed, and from what."""
    found: dict[str, int] = {}
    yield "| rate | value | computed as | source | from |"
    yield "|---|--:|---|---|---|"
    for term in analysis.form.terms:
        rate = analysis.rates[term.name]
        numbers = sorted({found.setdefault(text, len(found) + 1) for text in origins(analysis, term.name)})
        value = "0" if rate.seconds == 0 else a_count(rate.seconds, term)
        cells = (f"`{term.name}`", value, plain(rate.formula), rate.source, ", ".join(map(str, numbers)))
        yield "| " + " | ".join(cells) + " |"
    yield ""
    yield from (f"{number}. {plain(text)}" for text, number in found.items())


def a_count(seconds: float, term: Term) -> str:
    """``427 ps a MAC``."""
    return readable.with_unit(seconds, f"s {'an' if term.unit[0] in 'aeiou' else 'a'} {term.unit}")


def origins(analysis: mbcost.Analysis, term: str) -> Iterator[str]:
    """Where the numbers of a rate are from."""
    rate, known = analysis.rates[term], analysis.target.device.provenance.references
    yield from (parameter.reference for parameter in rate.parameters)
    for quantity in rate.quantities.values():
        yield from (known.get(key, key) for key in quantity.reference)
        if quantity.note and not quantity.reference:
            yield quantity.note


def rests_on(analysis: mbcost.Analysis) -> str:
    """Shares of the latency by what its rates rest on, the strongest first."""
    times = terms_of(analysis, own_kernels(analysis))
    total = sum(each.seconds for each in times)
    found = []
    for source, words in SOURCES.items():
        part = [each for each in times if analysis.rates[each.term.name].source == source]
        if part:
            names = ", ".join(f"`{each.term.name}`" for each in part)
            found.append(
                f"{words}: {names} ({readable.percent(sum(each.seconds for each in part) / total)} % of the time)"
            )
    return "By the weakest number in each rate: " + "; ".join(found) + "."


def plain(text: str) -> str:
    """A text as Markdown, its addresses as links."""
    return re.sub(r"(https?://[^\s;,)]+)", r"<\1>", text.replace("|", "\\|").replace("\n", " "))


def picture(analysis: mbcost.Analysis) -> str:
    """The terms of a network, and what another processor computes, as bars."""
    rows = [(each.term.name, each.term.group, each.seconds) for each in terms_of(analysis, own_kernels(analysis))]
    if hosted_s(analysis):
        rows.append(("another processor", "overhead", hosted_s(analysis)))
    title = f"{analysis.spec.title} on {analysis.target.device.title}: time by term of {analysis.form.name}"
    return pictures.bars(title, rows, analysis.latency_s)

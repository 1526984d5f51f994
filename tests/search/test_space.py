"""Search spaces: sizes and networks that were published, look-up equal to analysis, latency tables, bad files."""

from __future__ import annotations

import csv
import re
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import mbcost
from mbcost.errors import InputError
from mbcost.graph import count_macs, count_params
from mbcost.search import CompiledSpace, SearchSpace, compile_space, latency_table, load_space, table_text
from mbcost.search.compiled import _Compiler
from mbcost.search.space import read_space, space_names
from mbcost.yaml_tree import parse_yaml
from tests.search.configurations import TARGETS

LUT = Path(__file__).parents[3] / "shared" / "measurements" / "pixel1_blocks" / "proxylessnas_pixel1_block_lut.csv"
#: ProxylessNAS-Mobile (arXiv:1812.00332, Figure 4): (expansion, kernel) of each block of each stage.
MOBILE = (
    ((3, 5), (3, 3)),
    ((3, 7), (3, 3), (3, 5), (3, 5)),
    ((6, 7), (3, 5), (3, 5), (3, 5)),
    ((6, 5), (3, 5), (3, 5), (3, 5)),
    ((6, 7), (6, 7), (3, 7), (3, 7)),
    ((6, 7),),
)


def candidate_of(space: SearchSpace, blocks: Any, width: int) -> list[int]:
    """The genes of blocks given as (expansion, kernel), the first stage at `width`."""
    genes = [0]
    for stage, chosen in zip(space.stages, blocks, strict=True):
        numbers = [stage.choices.index({"kernel": kernel, "e": e}) for e, kernel in chosen]
        wide = stage.widths.index(width) if width in stage.widths else 0
        genes += [wide, stage.depths.index(len(chosen)), *numbers, *[0] * (stage.blocks - len(chosen))]
    return genes


@pytest.fixture(scope="module")
def small() -> SearchSpace:
    """A space of few networks, with every kind of choice."""
    return read_space(parse_yaml(SMALL, "small.yaml"))


SMALL = """\
name: small
source: a test
input: 64x64x3
resolutions: [64, 48]
blocks:
  block:
    parameters: {kernel: 3, stride: 1, e: 1, out: required, se: false}
    layers:
      - {name: expand, op: conv2d 1x1, out: e * in_channels, activation: relu, when: e > 1}
      - {name: depthwise, op: depthwise_conv2d, kernel: kernel, stride: stride, activation: relu}
      - {name: pool, op: global_avg_pool, when: se}
      - {name: gate, op: conv2d 1x1, out: e * in_channels, activation: hard_sigmoid, when: se}
      - {name: scale, op: multiply, inputs: [depthwise, gate], when: se}
      - {name: project, op: conv2d 1x1, out: out}
      - {name: add, op: add, inputs: [project, input], when: stride == 1 and in_channels == out}
stem:
  - {name: stem, op: conv2d 3x3, out: 8, stride: 2, activation: relu}
stages:
  - {block: block, out: [8, 16], depth: [1, 2], e: [1, 3], kernel: [3, 5]}
  - {block: block, out: [16, 24], stride: 2, depth: [2, 1], e: 2, se: [true, false]}
head:
  - {op: global_avg_pool}
  - {op: dense, out: 10}
"""


def test_sizes() -> None:
    """Once for All, arXiv:1908.09791, section 3.2: ((3 x 3)^2 + (3 x 3)^3 + (3 x 3)^4)^5, about 2 x 10^19 networks."""
    space = load_space("ofa_mobilenet_v3")
    assert space.size == 25 * (9**2 + 9**3 + 9**4) ** 5
    assert space.size / 25 == pytest.approx(2e19, rel=0.1)
    assert load_space("proxylessnas").size == 2 * (6 + 6**2 + 6**3 + 6**4) ** 5 * 6


def test_proxylessnas_mobile_is_in_its_space() -> None:
    """The same MACs and parameters as the table of the architecture that ships, which has its own source."""
    space = load_space("proxylessnas")
    candidate = candidate_of(space, MOBILE, 32)
    found = mbcost.build_graph(space.architecture(candidate))
    shipped = mbcost.build_graph(mbcost.load("proxylessnas_mobile"))
    assert (count_macs(found), count_params(found)) == (count_macs(shipped), count_params(shipped))
    assert (
        compile_space(space, "pixel4").latency_s(candidate)[0]
        == mbcost.analyze("proxylessnas_mobile", "pixel4").latency_s
    )


def test_the_largest_network_of_once_for_all() -> None:
    """By hand: the parameters of the widest, deepest network, batch norm at 2 a channel."""
    space = load_space("ofa_mobilenet_v3")
    largest = [0]
    for stage in space.stages:
        largest += [0, 2, *[len(stage.choices) - 1] * 4]
    described = space.describe(largest)
    assert all(
        block == {"kernel": 7, "e": 6, **extra(stage)} for stage in described["stages"] for block in stage["blocks"]
    )
    expected = 3 * 9 * 16 + 2 * 16 + (16 * 9 + 32) + (16 * 16 + 32)  # stem, first block
    channels = 16
    for out, squeezes in ((24, False), (40, True), (80, False), (112, True), (160, True)):
        for _ in range(4):
            mid = 6 * channels
            expected += channels * mid + 2 * mid + 49 * mid + 2 * mid + mid * out + 2 * out
            if squeezes:
                squeezed = max(8, (mid // 4 + 4) // 8 * 8)
                expected += mid * squeezed + squeezed + squeezed * mid + mid
            channels = out
    expected += 160 * 960 + 2 * 960 + 960 * 1280 + 1280 * 1000 + 1000
    assert count_params(mbcost.build_graph(space.architecture(largest))) == expected


def extra(stage: dict[str, Any]) -> dict[str, Any]:
    """What the blocks of a stage have beside kernel and expansion."""
    return {key: value for key, value in stage["blocks"][0].items() if key not in {"kernel", "e"}}


@pytest.mark.parametrize("target", {target.partition("@")[2]: target for target in TARGETS}.values())
def test_look_up_is_analysis(target: str, small: SearchSpace) -> None:
    """Random networks of a small space, at both resolutions, on a target of each runtime, to the bit."""
    try:
        compiled = compile_space(small, target, batch=2)
    except InputError as error:
        assert set(error.codes) <= {"MB400", "MB701"}, error  # noqa: PT017  (a runtime without a kernel, or one that fuses)
        return
    candidates = small.sample(40, np.random.default_rng(5))
    score = compiled.score(candidates)
    assert (compiled.latency_s(candidates) == score.latency_s).all()
    for row, candidate in enumerate(candidates):
        analysis = compiled.analysis(candidate)
        assert score.latency_s[row] == analysis.latency_s
        assert score.macs[row] * 2 == analysis.totals.macs
        assert score.params[row] == analysis.totals.params


@pytest.mark.parametrize("name", space_names())
@pytest.mark.parametrize("target", ["pixel1", "pixel4/gpu"])
def test_shipped_spaces_on_random_candidates(name: str, target: str) -> None:
    space = load_space(name)
    compiled = compile_space(space, target)
    candidates = space.sample(12, np.random.default_rng(11))
    assert compiled.latency_s(candidates).tolist() == [compiled.analysis(one).latency_s for one in candidates]


def test_many_candidates_in_chunks(small: SearchSpace) -> None:
    compiled = compile_space(small, "pixel1")
    candidates = small.sample(50_001, np.random.default_rng(0))
    together = compiled.latency_s(candidates)
    assert together.tolist()[16_380:16_390] == [compiled.latency_s(one)[0] for one in candidates[16_380:16_390]]
    assert compiled.latency_s(candidates[:0]).shape == (0,)


def test_what_is_behind_the_last_block_has_no_effect(small: SearchSpace) -> None:
    compiled = compile_space(small, "pixel1")
    #                 resolution | 16 wide, depth 1, one block that is there, one that is not | ...
    one, other = [0, 1, 0, 3, 0, 0, 1, 1, 0], [0, 1, 0, 3, 2, 0, 1, 1, 1]
    assert compiled.latency_s([one, other])[0] == compiled.latency_s([one, other])[1]
    assert small.describe(one) == small.describe(other)


def test_kernels_across_blocks_are_refused(small: SearchSpace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look-up that is off for some candidates is found out, whatever the reason."""
    by_block = _Compiler._by_block

    def neighbours(self: _Compiler, graph: Any) -> Any:
        costs = by_block(self, graph)
        first = costs["stage1_1"]
        return {**costs, "stage1_1": (first[0] * 1.0001, *first[1:])}

    monkeypatch.setattr(_Compiler, "_by_block", neighbours)
    with pytest.raises(InputError) as caught:
        compile_space(small, "pixel1")
    assert caught.value.codes == ("MB701",)


def test_a_space_whose_blocks_begin_with_what_fuses() -> None:
    """An activation at the start of a block is fused into the block before it."""
    text = SMALL.replace("      - {name: expand", "      - {op: relu}\n      - {name: expand")
    space = read_space(parse_yaml(text, "relu.yaml"))
    with pytest.raises(InputError) as caught:
        compile_space(space, "pixel4/gpu")
    assert caught.value.codes == ("MB701",)
    assert "fuses layers" in str(caught.value)


def sum_of_keys(table: dict[str, float], keys: list[str]) -> float:
    return sum(table[key] for key in keys)


def test_table_adds_up_as_once_for_all_does() -> None:
    """The keys that MBv3LatencyTable asks for, for the smallest network at 224: their sum is the analysis."""
    space = load_space("ofa_mobilenet_v3")
    compiled = compile_space(space, "pixel1")
    table = latency_table(compiled, 224)
    keys = [
        "Conv-input:224x224x3-output:112x112x16",
        "expanded_conv-input:112x112x16-output:112x112x16-expand:16-kernel:3-stride:1-idskip:1-se:0-hs:0",
    ]
    size, channels = 112, 16
    for out, stride, squeeze, swish in ((24, 2, 0, 0), (40, 2, 1, 0), (80, 2, 0, 1), (112, 1, 1, 1), (160, 2, 1, 1)):
        for step in (stride, 1):
            after = (size - 1) // step + 1
            mid = max(8, (3 * channels + 4) // 8 * 8)
            keys.append(
                f"expanded_conv-input:{size}x{size}x{channels}-output:{after}x{after}x{out}-expand:{mid}-kernel:3-"
                f"stride:{step}-idskip:{int(step == 1 and channels == out)}-se:{squeeze}-hs:{swish}"
            )
            size, channels = after, out
    keys += [
        "Conv_1-input:7x7x160-output:7x7x960",
        "AvgPool2D-input:7x7x960-output:1x1x960",
        "Conv_2-input:1x1x960-output:1x1x1280",
        "Logits-input:1x1x1280-output:1000",
    ]
    smallest = [24, *[0] * 30]
    assert space.describe(smallest)["resolution"] == 224
    assert sum_of_keys(table, keys) == pytest.approx(compiled.analysis(smallest).latency_s * 1e3, rel=1e-12)
    assert yaml.safe_load(table_text(compiled, 224))[keys[0]]["mean"] == table[keys[0]]


def test_keys_are_those_of_the_published_table() -> None:
    if not LUT.exists():
        pytest.skip("needs the published table")
    published = [row["key"] for row in csv.DictReader(LUT.read_text(encoding="utf-8").splitlines())]
    table = latency_table(compile_space(load_space("proxylessnas"), "pixel1"))
    pattern = re.compile(
        r"(Conv|Conv_1|Logits)-input:[\dx]+-output:[\dx]+|expanded_conv-input:[\dx]+-output:[\dx]+-expand:\d-kernel:\d-stride:\d-idskip:\d"
    )
    assert all(pattern.fullmatch(key) for key in [*published, *table])
    assert {"Conv-input:224x224x3-output:112x112x32", "Logits-input:7x7x1280-output:1000"} <= set(published) & set(
        table
    )
    assert len(set(published) & set(table)) > 40


@pytest.mark.parametrize(
    ("old", "new", "code", "place"),
    [
        ("resolutions: [64, 48]", "resolutions: [64, 0]", "MB700", "small.yaml:4:14"),
        ("resolutions: [64, 48]", "resolutions: []", "MB700", "small.yaml:4:14"),
        ("resolutions: [64, 48]", "resolutions: [64, 64]", "MB700", "small.yaml:4:14"),
        ("stages:", "stagse:", "MB101", "small.yaml:18:1"),
        ("{block: block, out: [8, 16]", "{block: blok, out: [8, 16]", "MB700", "small.yaml:19:13"),
        ("out: [8, 16]", "out: wide", "MB700", "small.yaml:19:25"),
        ("depth: [1, 2]", "depth: [0, 2]", "MB700", "small.yaml:19:41"),
        ("stride: 2, depth", "stride: [1, 2], depth", "MB700", "small.yaml:20:43"),
        ("e: [1, 3]", "e: []", "MB700", "small.yaml:19:52"),
        ("kernel: [3, 5]}", "kernl: [3, 5]}", "MB101", "small.yaml:19:60"),
        ("{op: dense, out: 10}", "{op: dence, out: 10}", "MB201", "small.yaml:23:10"),
        ("name: small", "latency_table: mine\nname: small", "MB700", "small.yaml:1:16"),
    ],
)
def test_bad_files(old: str, new: str, code: str, place: str) -> None:
    assert old in SMALL
    with pytest.raises(InputError) as caught:
        read_space(parse_yaml(SMALL.replace(old, new), "small.yaml"))
    assert code in caught.value.codes
    assert place in str(caught.value)


@pytest.mark.parametrize("values", [30, 300, 3000])
def test_a_space_is_bounded_before_its_choices_are_built(values: int) -> None:
    """Lists of 30 values for six parameters are 729,000,000 choices in 3 KB of text."""
    many = ", ".join(map(str, range(1, values + 1)))
    more = ", ".join(f"{key}: [{many}]" for key in ("kernel", "e", "a", "b", "c", "d"))
    text = SMALL.replace("e: [1, 3], kernel: [3, 5]}", more + "}", 1)
    assert text != SMALL
    tracemalloc.start()
    begin = time.process_time()
    with pytest.raises(InputError, match="more than 256 choices of a block"):
        read_space(parse_yaml(text, "small.yaml"))
    assert tracemalloc.get_traced_memory()[1] < 64e6
    tracemalloc.stop()
    assert time.process_time() - begin < 5


@pytest.mark.parametrize("blocks", ["true", "5", "text", "[block]", "null"])
def test_blocks_that_are_no_mapping(blocks: str) -> None:
    head, rest = SMALL.split("blocks:", 1)
    text = f"{head}blocks: {blocks}\nstem:{rest.split('stem:', 1)[1]}"
    with pytest.raises(InputError) as caught:
        read_space(parse_yaml(text, "small.yaml"))
    assert "MB700" in caught.value.codes


@pytest.mark.parametrize(
    "candidates",
    [[[0, 0]], [[9] * 9], [[0.5] * 9], [["a"] * 9], [[-1, *[0] * 8]]],
)
def test_bad_candidates(candidates: Any, small: SearchSpace) -> None:
    with pytest.raises(InputError) as caught:
        small.check(candidates)
    assert caught.value.codes == ("MB010",)


def test_unknown_spaces_and_resolutions(small: SearchSpace) -> None:
    with pytest.raises(InputError, match="proxylessnas"):
        load_space("proxylesnas")
    compiled = compile_space(small, "pixel1")
    assert isinstance(compiled, CompiledSpace)
    with pytest.raises(InputError, match="says no form"):
        latency_table(compiled)
    with pytest.raises(InputError, match="no resolution 100"):
        latency_table(compile_space(load_space("proxylessnas"), "pixel1"), 100)

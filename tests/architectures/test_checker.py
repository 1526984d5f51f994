"""The table checker: misprints with their place and correction, printed counts, tables pasted from papers."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import mbcost
from mbcost.architectures import architecture_names, load_architecture, read_architecture
from mbcost.architectures.loader import TABLES
from mbcost.architectures.pasted import find_grids, is_pasted, read_pasted
from mbcost.architectures.pasted.grid import plain
from mbcost.architectures.printed_counts import read_count, read_percent
from mbcost.errors import InputError, Problem
from mbcost.graph import ParamsConvention, build_graph, check_table, count_macs, count_params
from mbcost.graph.shares import share_problems
from tests.architectures.pasted_tables import (
    PASTED,
    V1,
    V1_OTHER_PAIRS,
    V1_PAIRS,
    V1_PAPER,
    V1_SHARES,
    V2,
    V2_EARLY,
    V3_SMALL,
    with_tabs,
)
from tests.bad_input.mutations import mutate


def shipped(name: str) -> str:
    return (TABLES / f"{name}.yaml").read_text(encoding="utf-8")


def problems_of(folder: Path, text: str) -> list[Problem]:
    """What the checker finds in a YAML table."""
    path = folder / "table.yaml"
    path.write_text(text, encoding="utf-8")
    return list(check_table(load_architecture(path)))


def pasted_problems(text: str) -> list[Problem]:
    """What the checker finds in a pasted table."""
    table = read_pasted(text, "paper.md")
    return [*table.warnings, *check_table(read_architecture(table.document))]


def shown(problem: Problem) -> str:
    """The marked text of the file."""
    place = problem.location
    assert place is not None
    assert place.text is not None
    return place.text[place.column - 1 : place.end_column - 1]


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


# Known misprints


@pytest.mark.parametrize("text", [V1_PAPER, with_tabs(V1_PAPER)], ids=["markdown", "tabs"])
def test_mobilenet_v1_last_stride(text):
    """Howard et al. 2017, Table 1: stride 2 for the last depthwise layer, whose next row is 7 x 7 again."""
    (problem,) = pasted_problems(text)
    assert problem.message == "the table says 7x7x1024, the rows before it give 4x4x1024"
    row = line_of(text, "3 × 3 × 1024 dw")
    assert problem.hint == f"stride 1 in line {row} makes the table consistent"
    assert problem.location is not None
    assert problem.location.line == row + 1
    assert shown(problem) == "7 × 7 × 1024"


def test_mobilenet_v2_early_input_column():
    """Early copies of Sandler et al. 2018, Table 2: 28 x 28 x 64 as the input of the 96-channel row."""
    (problem,) = pasted_problems(V2_EARLY)
    assert problem.message == "the table says 28x28x64, the rows before it give 14x14x64"
    assert problem.hint == "14x14x64 here makes the table consistent"
    assert problem.location is not None
    assert problem.location.line == line_of(V2_EARLY, "28² × 64")
    assert shown(problem) == "28² × 64"


def test_mobilenet_v1_share_of_the_first_layer():
    """Howard et al. 2017, Table 2: 1.19 % for the 3 x 3 convolution, which has 1.91 %."""
    wrong, total = share_problems(find_grids(V1_SHARES, "shares.md"), "shares.md", mbcost.load("mobilenet_v1"))
    assert wrong.message == "1.19 % of the MACs are printed, the layers have 1.91 %"
    assert wrong.hint == "1.91 %: digits are swapped"
    assert shown(wrong) == "1.19%"
    assert total.message == "the shares of MACs add up to 99.29 %, not to 100 %"
    assert shown(total) == "Mult-Adds"
    right = V1_SHARES.replace("1.19", "1.91")
    assert share_problems(find_grids(right, "shares.md"), "shares.md", mbcost.load("mobilenet_v1")) == ()


# Proposals


@pytest.mark.parametrize(
    ("name", "right", "wrong", "hints"),
    [
        pytest.param("mobilenet_v2", "6, 64,   4, 2", "6, 64,   4, 1", ["stride 2"], id="stride"),
        pytest.param("mobilenet_v2", "[56x56x24, ", "[56x56x42, ", ["56x56x24 here"], id="input channels"),
        pytest.param("mobilenet_v2", "6, 160,  3, 2", "6, 106,  3, 2", ["160 output channels"], id="output channels"),
        pytest.param(
            "mobilenet_v1", "1x1x64x128, ", "1x1x32x128, ", ["a filter of 64 input channels here"], id="filter"
        ),
        pytest.param("mobilenet_v1", "[Conv / s2,", "[Conv / s1,", ["stride 2"], id="first stride"),
        pytest.param("mobilenet_v1", "global_avg_pool, 7x7", "global_avg_pool, 8x8", ["a window of 7x7"], id="window"),
    ],
)
def test_proposals(tmp_path, name, right, wrong, hints):
    text = shipped(name)
    assert text.count(right) == 1
    text = text.replace(right, wrong)
    problems = problems_of(tmp_path, text)
    assert [problem.code for problem in problems] == ["MB203"] * len(hints)
    for problem, hint in zip(problems, hints, strict=True):
        assert problem.hint is not None
        assert hint in problem.hint
        assert problem.hint.endswith("makes the table consistent")
        line = line_of(text, wrong)
        assert problem.location is not None
        assert f"in line {line}" in problem.hint or problem.location.line == line


def test_proposal_of_repeats(tmp_path):
    """A group of rows that halves the map stands there twice."""
    text = (
        "name: n\nsource: s\ninput: 32x32x8\nlayers:\n  - repeat: 2\n    layers:\n      - {op: conv dw / s2}\n"
        "  - {op: conv2d, out: 8, input: 16x16x8}\n  - {op: conv2d, out: 8, input: 16x16x8}\n"
    )
    (problem,) = problems_of(tmp_path, text)
    assert problem.hint is not None
    assert "1 repeat in line 5" in problem.hint


def test_two_mistakes_get_a_proposal_each(tmp_path):
    text = shipped("mobilenet_v2").replace("6, 64,   4, 2", "6, 64,   4, 1").replace("[7x7x160, ", "[7x7x166, ")
    hints = [problem.hint or "" for problem in problems_of(tmp_path, text)]
    assert any("stride 2 in line" in hint for hint in hints)
    assert any("7x7x160 here" in hint for hint in hints)


def test_proposals_end_on_large_tables(tmp_path):
    """Every row of 2000 contradicts its neighbours."""
    rows = "".join(f"  - {{op: conv2d, out: {i % 7 + 1}, input: 8x8x{i % 5 + 9}}}\n" for i in range(2000))
    start = time.process_time()
    assert len(problems_of(tmp_path, f"name: n\nsource: s\ninput: 8x8x3\nlayers:\n{rows}")) == 2000
    assert time.process_time() - start < 10


# Printed counts


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("5.4M", 5_350_000, 5_499_999),  # rounded, or cut off
        ("231 M", 230_500_000, 231_999_999),
        ("10838016", 10838016, 10838016),
        ("10,838,016", 10838016, 10838016),
        ("1.5G", 1_450_000_000, 1_599_999_999),
        ("750k", 749_500, 750_999),
    ],
)
def test_counts_stand_for_what_they_may_have_been_made_of(text, least, most):
    count = read_count(text)
    assert count is not None
    assert count.stands_for(least)
    assert count.stands_for(most)
    assert not count.stands_for(least - 1)
    assert not count.stands_for(most + 1)


@pytest.mark.parametrize("text", ["", "M", "5,4M", "1e6", "-5", "5.4 MB", "9" * 50, "٣"])
def test_what_is_no_count(text):
    assert read_count(text) is None


def test_percentages():
    share = read_percent("74.59 %")
    assert share is not None
    assert (str(share.value), str(share.unit)) == ("74.59", "0.01")
    assert read_percent("a lot") is None


# Published totals: networks.md, "Accounting conventions that reproduce published counts"
@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("mobilenet_v1", "macs: 569M, params: 4.2M"),
        ("mobilenet_v1", "macs: 568740352, params: 4253864"),  # Keras, all four a channel
        ("mobilenet_v1", "params: 4231976"),  # affine
        ("mobilenet_v1", "params: 4221032"),  # folded
        ("mobilenet_v2", "macs: 300M, params: 3.47M"),  # the paper: cut off, no batch norm
        ("mobilenet_v2", "macs: 300774272, params: 3504872"),  # PyTorch
        ("mobilenet_v2", "params: 3538984"),  # Keras
    ],
)
def test_published_totals(tmp_path, name, published):
    text = shipped(name).replace("\ninput:", f"\npublished: {{{published}}}\ninput:", 1)
    assert problems_of(tmp_path, text) == []


def test_published_totals_that_differ(tmp_path):
    """Howard et al. 2019: 66 M of MobileNet V3-Small, which its own table does not give."""
    text = shipped("mobilenet_v3_small").replace("\ninput:", "\npublished: {macs: 66M, params: 2.9M}\ninput:", 1)
    problems = problems_of(tmp_path, text)
    assert [problem.code for problem in problems] == ["MB207", "MB207"]
    assert problems[0].message.startswith("66M MACs are printed, the table gives 56,5")
    assert [shown(problem) for problem in problems] == ["66M", "2.9M"]
    assert mbcost.load(tmp_path / "table.yaml").published["macs"].text == "66M"  # no mistake that keeps it from loading


def test_repeats_that_totals_give_away(tmp_path):
    text = shipped("mobilenet_v2").replace("6, 96,   3, 1", "6, 96,   2, 1")
    text = text.replace("\ninput:", "\npublished: {macs: 300M, params: 3.47M}\ninput:", 1)
    for problem in problems_of(tmp_path, text):
        assert problem.hint == f"3 repeats in line {line_of(text, '6, 96,   2, 1')} would give what is printed"


ROWS = """\
name: table_1_rows
source: "hand arithmetic: one layer K = 3, M = N = 512, 14 x 14 (Howard et al. 2017, Table 3)"
input: 14x14x512
columns: [op, filter, macs, params]
layers:
  - [Conv / s1,    3x3x512x512, 462M,  2.36M]
  - [Conv dw / s1, 3x3x512 dw,  903168, 4608]
  - [Conv / s1,    1x1x512x512, 51.3M, 262144]
"""


def test_counts_of_rows(tmp_path):
    assert problems_of(tmp_path, ROWS) == []
    macs, params = problems_of(tmp_path, ROWS.replace("903168, 4608", "930168, 4068"))
    assert macs.message == "930168 MACs are printed, the row gives 903,168 (products)"
    assert params.message.startswith("4068 parameters are printed, the row gives 4,608 (")
    assert (shown(macs), shown(params)) == ("930168", "4068")


def test_counts_of_a_block_with_repeats(tmp_path):
    """MobileNet V2's three blocks of 160 channels, without batch norm.

    The first: 96 * 576 weights at 14 x 14, then 9 * 576 and 576 * 160 at 7 x 7; the other two: 160 * 960, 9 * 960 and
    960 * 160 each, at 7 x 7.
    """
    row = "  - [14x14x96,   bottleneck,      6, 160,  3, 2]"
    assert row in shipped("mobilenet_v2")
    counted = "  - {input: 14x14x96, op: bottleneck, t: 6, c: 160, n: 3, s: 2, params: 784320, macs: 46.56M}"
    assert problems_of(tmp_path, shipped("mobilenet_v2").replace(row, counted)) == []
    (problem,) = problems_of(tmp_path, shipped("mobilenet_v2").replace(row, counted.replace("46.56", "46.65")))
    assert problem.message == "46.65M MACs are printed, the row gives 46,560,192 (products)"


def test_counts_of_the_wrong_kind(tmp_path):
    path = tmp_path / "table.yaml"
    path.write_text(ROWS.replace("462M", "some").replace("\ninput:", "\npublished: {mac: 1M}\ninput:", 1))
    with pytest.raises(InputError) as caught:
        load_architecture(path)
    assert caught.value.codes == ("MB101", "MB103")


# Tables pasted from papers


@pytest.mark.parametrize("tabs", [False, True], ids=["markdown", "tabs"])
@pytest.mark.parametrize("name", PASTED)
def test_pasted_table_is_the_shipped_network(tmp_path, name, tabs):
    text = with_tabs(PASTED[name]) if tabs else PASTED[name]
    assert not [problem for problem in pasted_problems(text) if problem.severity == "error"]
    path = tmp_path / "written.yaml"
    path.write_text(read_pasted(text, "paper.md").yaml, encoding="utf-8")
    ours, theirs = build_graph(mbcost.load(path)), build_graph(mbcost.load(name))
    assert count_macs(ours) == count_macs(theirs)
    for convention in ("none", "affine"):
        params = ParamsConvention(convention)
        assert count_params(ours, params) == count_params(theirs, params)


@pytest.mark.parametrize("pairs", V1_OTHER_PAIRS.values(), ids=V1_OTHER_PAIRS)
def test_repeated_pairs(pairs):
    assert V1.count(V1_PAIRS) == 1
    table = read_pasted(V1.replace(V1_PAIRS, pairs), "paper.md")
    spec = read_architecture(table.document)
    assert check_table(spec) == ()
    assert count_macs(build_graph(spec)) == 568740352  # networks.md


def test_repeats_in_a_column_of_their_own():
    lines = [line for line in V1.splitlines() if line.startswith("|")]
    column = ["5×" if "5×" in line else "---" if "---" in line else "" for line in lines]
    text = "\n".join(f"| {cell} {line.replace('5× ', '')}" for cell, line in zip(column, lines, strict=True))
    assert count_macs(build_graph(read_architecture(read_pasted(text, "paper.md").document))) == 568740352


def test_squeeze_and_excite_of_a_convolution():
    """The paper's Table 2 prints it for the last 1 x 1 convolution of V3-Small."""
    text = V3_SMALL.replace("| 576 | - | HS", "| 576 | ✓ | HS")
    graph = build_graph(read_architecture(read_pasted(text, "paper.md").document))
    # 576 -> 144 -> 576 with biases
    assert count_params(graph) - count_params(build_graph(mbcost.load("mobilenet_v3_small"))) == 2 * 576 * 144 + 720


def test_kernel_that_is_not_printed_is_assumed_aloud():
    (problem,) = pasted_problems(PASTED["mobilenet_v3_large"])
    assert (problem.severity, problem.message) == ("warning", "no kernel is printed for `conv2d`: 3x3 was taken")


@pytest.mark.parametrize("heading", ["Mult-Adds (M)", "Million Mult-Adds", "**MAdds (million)**"])
def test_counts_of_a_pasted_table(heading):
    """One layer K = 3, M = N = 512, 14 x 14: 462 M multiply-adds, 2.36 M parameters (Howard et al. 2017, Table 3)."""
    text = f"| Type | Filter | Input | {heading} | Params |\n| Conv / s1 | 3x3x512x512 | 14x14x512 | 462 | 2.36M |\n"
    assert pasted_problems(text) == []
    (problem,) = pasted_problems(text.replace("462", "426"))
    assert problem.message == "426M MACs are printed, the row gives 462,422,016 (products)"


@pytest.mark.parametrize(
    ("printed", "text"),
    [
        ("**224² × 3**", "224x224x3"),
        ("224^2x3", "224x224x3"),
        ("$112^{2} \\times 32$", "112x112x32"),
        ("Conv dw / s2 (paper misprint; code s1)", "Conv dw / s2"),
        ("5× Conv", "5x Conv"),
        ("`3 X 3`", "3x3"),
    ],
)
def test_plain_text_of_cells(printed, text):
    assert plain(printed) == text


def test_what_holds_a_pasted_table():
    assert is_pasted(Path("a.md"), "")
    assert is_pasted(Path("table"), V2)
    assert not is_pasted(Path("a.yaml"), V2)
    assert not any(is_pasted(Path(name), shipped(name)) for name in architecture_names())


@pytest.mark.parametrize(
    ("text", "code", "marked"),
    [
        pytest.param(V2.replace("| 6 | 96 | 3 | 1 |", "| 6 | 96 |"), "MB103", "14² × 64", id="missing cells"),
        pytest.param(V2.replace("bottleneck | 1", "botleneck | 1"), "MB201", "botleneck", id="unknown operator"),
        pytest.param(V2.replace("| t |", "| tee |"), "MB101", "tee", id="unknown heading"),
        pytest.param(V2.replace("| t |", "| s |"), "MB104", "s", id="heading twice"),
        pytest.param(V2.replace("224² × 3", "-"), "MB103", None, id="no first input"),
        pytest.param(V2.replace("| 6 | 24 |", "| 6 | twenty |"), "MB103", "twenty", id="word for a number"),
        pytest.param(V2.replace("Operator", "Opinion"), "MB102", "Input", id="no operators"),
        pytest.param(V3_SMALL.replace("| conv2d 1x1 | 1 |", "| conv2d 1x1 | 3 |"), "MB203", "3", id="two kernels"),
        pytest.param("No table here.\n", "MB103", None, id="text without a table"),
        pytest.param("", "MB103", None, id="empty"),
        pytest.param("|" * 100_000, "MB103", None, id="pipes"),
        pytest.param("a\tb\n" * 50_000, "MB106", None, id="many rows"),
        pytest.param("a|b\nc|d\n\n" * 50_000, "MB106", None, id="many tables"),
        pytest.param(f"{'(' * 500_000}|x\ny|z", "MB102", None, id="long cell"),
    ],
)
def test_broken_pasted_tables(text, code, marked):
    with pytest.raises(InputError) as caught:
        read_architecture(read_pasted(text, "paper.md").document)
    problem = caught.value.problems[0]
    assert problem.code == code, problem.render()
    assert marked is None or shown(problem) == marked
    assert problem.render()


@pytest.mark.parametrize("batch", range(6))
def test_random_damage(batch):
    for seed in range(batch * 50, batch * 50 + 50):
        rng = random.Random(seed)
        text = mutate(rng.choice([*PASTED.values(), *map(with_tabs, PASTED.values())]), rng)
        start = time.process_time()
        try:
            problems = reported(lambda text=text: pasted_problems(text))
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
        assert all(problem.render() for problem in problems)
        assert time.process_time() - start < 2


@pytest.mark.parametrize("seed", range(100))
def test_random_damage_of_shares(seed):
    grids = find_grids(mutate(V1_SHARES, random.Random(seed)), "shares.md")
    problems = reported(lambda: share_problems(grids, "shares.md", mbcost.load("mobilenet_v1")))
    assert all(problem.render() for problem in problems)


def reported(check: Callable[[], Sequence[Problem]]) -> Sequence[Problem]:
    """What a check finds or raises."""
    try:
        return check()
    except InputError as error:
        return error.problems

"""Broken architecture files: each says in its first lines which problems it has, and where a user sees them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import mbcost
from mbcost.architectures import find_architecture, load_architecture
from mbcost.errors import InputError, Problem
from mbcost.files import MAX_PROBLEMS
from mbcost.graph import build_graph, check_architecture

FOLDER = Path(__file__).parent / "architectures"
FILES = sorted(FOLDER.glob("*.yaml"))

HEADER = "name: net\nsource: a test\ninput: 8x8x3\n"

#: What tells of Python rather than of the table.
INTERNAL = re.compile(
    r"Error|Traceback|NoneType|<class|<function|object at|instance|positional|operand|unhashable|\bNone\b|\bTrue\b"
    r"|\bFalse\b|\bdict\b|\bstr\b|\bint\b"
)


def problems_of(path: Path) -> tuple[Problem, ...]:
    """What :func:`mbcost.load` would report."""
    try:
        return tuple(check_architecture(load_architecture(path)))
    except InputError as error:
        return error.problems


def expected(path: Path) -> list[str]:
    return re.findall(r"^# expect: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)


def written(folder: Path, text: str) -> Path:
    path = folder / "net.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_corpus_is_there():
    assert len(FILES) > 120


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_problems(path):
    found = [
        f"{problem.code} {problem.location.line}:{problem.location.column}"
        for problem in problems_of(path)
        if problem.location
    ]
    assert [place(problem) for problem in found] == [place(problem) for problem in expected(path)]
    assert found


def place(problem: str) -> str:
    """Without the column of what PyYAML refuses, which its versions count differently."""
    return problem.partition(":")[0] if problem.startswith("MB100") else problem


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_messages_are_for_users(path):
    for problem in problems_of(path):
        shown = problem.render()
        assert str(path) in shown
        assert problem.message[0] != " "
        assert not problem.message.endswith(".")
        assert not INTERNAL.search(f"{problem.message} {problem.hint or ''}".replace("tag !!str", "")), shown
        assert all(line.isprintable() for line in shown.splitlines())


def test_load_reports_what_loading_and_checking_find():
    path = FOLDER / "misprinted_input.yaml"
    with pytest.raises(InputError) as caught:
        mbcost.load(path)
    (problem,) = caught.value.problems
    assert problem.message == "the table says 28x28x64, the rows before it give 14x14x64"
    assert problem.hint == "14x14x64 here makes the table consistent"


def test_wrong_stride_is_told_from_a_misprint():
    (problem,) = problems_of(FOLDER / "wrong_stride.yaml")
    assert problem.message == "the table says 14x14x64, the rows before it give 28x28x64"
    assert problem.hint == "stride 2 in line 35 makes the table consistent"


def test_mistake_inside_an_expression_is_marked(tmp_path):
    (problem,) = problems_of(written(tmp_path, HEADER + "layers:\n  - {op: conv2d, out: 2 * in_chanels}\n"))
    assert problem.render().splitlines()[-2:] == [
        "5 |   - {op: conv2d, out: 2 * in_chanels}",
        "  |                           ^^^^^^^^^^ did you mean `in_channels` or `base_in_channels`?",
    ]


def test_error_in_a_block_names_the_line_that_uses_it():
    (problem,) = problems_of(FOLDER / "block_inner_error_groups.yaml")
    assert problem.hint == "block `b` is used on line 11"


def test_very_many_problems_are_cut_short(tmp_path):
    rows = "  - {op: conv2d, out: 8, strid: 2}\n" * 5000
    problems = problems_of(written(tmp_path, f"{HEADER}layers:\n{rows}"))
    assert [problem.location.line for problem in problems] == list(range(5, 5 + MAX_PROBLEMS))


def test_alpha_needs_a_width_rule(tmp_path):
    spec = load_architecture(written(tmp_path, HEADER + "layers:\n  - {op: conv2d, out: 8}\n"))
    with pytest.raises(InputError, match="net has no width rule, so alpha has to be 1"):
        build_graph(spec, alpha=0.5)


# What is unusual but right


@pytest.mark.parametrize(
    ("text", "operators"),
    [
        pytest.param("layers:\n  - {op: relu, when: true}\n", ["relu"], id="flag"),
        pytest.param("layers:\n  - {op: relu, repeat: 2e0}\n", ["relu"] * 2, id="whole float"),
        pytest.param("layers:\n  - &r {op: relu}\n  - *r\n", ["relu"] * 2, id="alias of a row"),
        pytest.param("layers:\n  - {op: conv2d, out: &n 8}\n  - {op: conv2d, out: *n}\n", ["conv2d"] * 2, id="alias"),
        pytest.param("layers:\n  - {Op: ReLU, NAME: a}\n", ["relu"], id="capitals"),
        pytest.param("layers:\n  - {op: conv2d, out: 0x8}\n".replace("0x8", "010"), ["conv2d"], id="leading zero"),
        pytest.param("layers:\n  - {op: conv2d, out: 1e1, bias: true}\n", ["conv2d"], id="exponent"),
        pytest.param("layers:\n  - {op: conv2d, out: '2 *\n      in_channels'}\n", ["conv2d"], id="two lines"),
        pytest.param(
            "layers:\n  - {op: relu, name: conv2d_1}\n  - {op: conv2d, out: 8}\n", ["relu", "conv2d"], id="taken"
        ),
        pytest.param(
            "layers:\n  - repeat: 2\n    layers:\n      - {op: relu, name: a}\n      - {op: add, inputs: [a, input]}\n",
            ["relu", "add"] * 2,
            id="names in a group that repeats",
        ),
        pytest.param(
            "width: {rule: truncate}\nlayers:\n  - {op: conv2d, out: width(16), scale: none}\n",
            ["conv2d"],
            id="width in the table",
        ),
    ],
)
def test_unusual_but_right(tmp_path, text, operators):
    path = written(tmp_path, HEADER + text)
    assert problems_of(path) == ()
    assert [layer.op for layer in build_graph(load_architecture(path)).layers] == operators


@pytest.mark.parametrize("encode", [lambda text: text.replace(b"\n", b"\r\n"), lambda text: b"\xef\xbb\xbf" + text])
def test_line_ends_and_byte_order_mark(tmp_path, encode):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_bytes(encode(f"{HEADER}layers:\n  - {{op: relu}}\n".encode()))
    bad.write_bytes(encode(f"{HEADER}layers:\n  - {{op: rleu}}\n".encode()))
    assert problems_of(good) == ()
    (problem,) = problems_of(bad)
    assert (problem.code, problem.location.line, problem.location.column) == ("MB201", 5, 10)
    assert problem.location.text == "  - {op: rleu}"


# Files that cannot be read


def code_of(path: object) -> str:
    with pytest.raises(InputError) as caught:
        find_architecture(str(path))
    (problem,) = caught.value.problems
    assert problem.render()
    return problem.code


TABLE = f"{HEADER}layers:\n  - {{op: relu}}\n".encode()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(b"", "MB103", id="empty"),
        pytest.param(TABLE.replace(b"a test", "Gr\xf6\xdfe".encode("latin-1")), "MB005", id="latin-1"),
        pytest.param(TABLE.decode().encode("utf-16"), "MB005", id="UTF-16"),
        pytest.param(TABLE.decode().encode("utf-16-le"), "MB005", id="UTF-16 without a mark"),
        pytest.param(TABLE + b"\0", "MB005", id="NUL"),
        pytest.param(bytes(range(256)) * 64, "MB005", id="binary"),
        pytest.param(b"\x7fELF\x02\x01\x01" + b"\0" * 4096, "MB005", id="program"),
        pytest.param(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "MB005", id="image"),
    ],
)
def test_content_that_is_no_table(tmp_path, content, code):
    path = tmp_path / "net.yaml"
    path.write_bytes(content)
    assert code_of(path) == code


def test_latin_1_is_reported_at_its_first_letter(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_bytes(TABLE.replace(b"a test", "Gr\xf6\xdfe".encode("latin-1")))
    with pytest.raises(InputError) as caught:
        load_architecture(path)
    location = caught.value.problems[0].location
    assert location is not None
    assert (location.line, location.column) == (2, 11)


def test_a_folder_that_may_not_be_looked_into(tmp_path, monkeypatch):
    def no(self: Path, **_: object) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", no)
    assert code_of(tmp_path / "secret" / "net.yaml") == "MB003"


def test_100_mb(tmp_path):
    path = tmp_path / "net.yaml"
    with path.open("wb") as stream:
        stream.truncate(100 * 10**6)
    assert code_of(path) == "MB004"


def test_missing_file(tmp_path):
    assert code_of(tmp_path / "none.yaml") == "MB001"
    assert code_of(tmp_path / "none" / "none.yaml") == "MB001"
    assert code_of("mobilenet_v9") == "MB200"
    assert code_of("x" * 5000) == "MB200"
    assert code_of("a\0b") in {"MB001", "MB200"}


def test_directory(tmp_path):
    assert code_of(tmp_path) == "MB002"


def test_fifo(tmp_path):
    path = tmp_path / "net.yaml"
    os.mkfifo(path)
    assert code_of(path) == "MB002"


def test_no_permission(tmp_path):
    path = written(tmp_path, TABLE.decode())
    path.chmod(0)
    try:
        path.read_bytes()
    except PermissionError:
        assert code_of(path) == "MB003"
    else:
        pytest.skip("root may read anything")

"""Tables on a terminal: what gives way on a narrow one, numbers in full, styles that can be read on any ground."""

from __future__ import annotations

import re

import pytest

from mbcost.report.screens import terminal
from mbcost.report.screens.terminal import Column, Screen, heading, next_steps, section, table

COLUMNS = [
    Column("name", narrow="cut", least=8),
    Column("ms", "right"),
    Column("second", "right", drop=1),
    Column("third", "right", drop=2),
    Column("fourth", "right", drop=2),
]
ROWS = [("a_long_name_of_a_layer", "123.456", "22222", "33333", "44444"), ("b", "1.2", "2", "3", "4")]


def lines(width: int, *, in_colour: bool = False) -> list[str]:
    screen = Screen(width, terminal=in_colour)
    return screen.render(section(heading("Title"), table(COLUMNS, ROWS, screen))).splitlines()


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (80, ["name", "ms", "second", "third", "fourth"]),
        # by hand: 2 + 22 + 2 + 7 + 2 + 6 + 2 + 5 + 2 + 6 = 56 hold everything, and the name may lose 14 of it
        (56, ["name", "ms", "second", "third", "fourth"]),
        (42, ["name", "ms", "second", "third", "fourth"]),
        (41, ["name", "ms", "second"]),
        (27, ["name", "ms", "second"]),
        (26, ["name", "ms"]),
        (19, ["name", "ms"]),
    ],
)
def test_columns_go_in_their_order(width: int, shown: list[str]) -> None:
    _, head, *rows = lines(width)
    assert head.split() == shown
    assert max(map(len, [head, *rows])) <= width
    assert [row.split()[1] for row in rows] == ["123.456", "1.2"]


@pytest.mark.parametrize("width", range(16, 60))
def test_a_number_is_shown_in_full_or_not_at_all(width: int) -> None:
    numbers = {cell for row in ROWS for cell in row[1:]}
    for row in lines(width)[2:]:
        assert set(row.split()[1:]) <= numbers


def test_a_name_is_cut_where_it_shows() -> None:
    assert lines(48)[2].split()[0] == "a_long_name_o…"
    assert "…" not in "".join(lines(56))


def test_a_name_is_squeezed_in_its_middle() -> None:
    columns = [Column("name", narrow="squeeze", least=10)]
    screen = Screen(12)
    assert screen.render(table(columns, [("stage_1/unit_2/expand",)], screen)) == "name\nsta…expand\n"


def test_no_line_ends_in_spaces_even_in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    shown = lines(80, in_colour=True)
    assert any("\x1b[" in line for line in shown)
    for line in shown:
        plain = re.sub(r"\x1b\[[0-9;]*m", "", line)
        assert plain == plain.rstrip()


def test_next_steps_are_for_a_terminal_only() -> None:
    steps = [("As a page:", "mbcost analyze x --device y -o report.html")]
    assert next_steps(steps, Screen()) == []
    screen = Screen(80, terminal=True)
    assert "\n    mbcost analyze x --device y -o report.html\n" in screen.render(*next_steps(steps, screen))


def channels(colour: int) -> tuple[int, int, int]:
    """Of xterm's 256 colours (ctlseqs, 256-colour mode): 16 + 36 r + 6 g + b of a cube with these six levels."""
    levels = (0, 95, 135, 175, 215, 255)
    place = colour - 16
    return levels[place // 36], levels[place // 6 % 6], levels[place % 6]


def luminance(colour: int) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [c / 255 for c in channels(colour)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("style", [terminal.ANSWER, terminal.GOOD, terminal.BAD, terminal.BAR])
def test_styles_are_legible_on_black_and_on_white(style: str) -> None:
    """WCAG 2.2, 1.4.3 and 1.4.11: at least 3 to 1 for bold text and for graphics."""
    found = re.search(r"color\((\d+)\)", style)
    assert found
    value = luminance(int(found[1]))
    assert (value + 0.05) / 0.05 >= 3
    assert 1.05 / (value + 0.05) >= 3

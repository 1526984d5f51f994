"""Screens for a terminal or a pipe: tables, bars and paragraphs by Rich; markup in a user's text is not interpreted."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TextIO

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mbcost.basis import Basis
from mbcost.errors import printable

#: Width of a pipe or a file in columns: wide enough that nothing wraps.
UNBOUNDED: Final = 4000
#: Paragraphs do not get wider than this, however wide the terminal is.
PROSE: Final = 110
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_LONGEST_BAR: Final = 40
_SHORTEST_BAR: Final = 8
#: Between columns of a table.
_GAP: Final = 2
#: Least width of a column that is cut or wrapped where the screen is too narrow, unless it sets its own.
_LEAST: Final = 12
_TRAILING: Final = re.compile(r"(?:\x1b\[[0-9;]*m| )+$")

#: Styles, from the 256 colours with medium luminance: legible on a dark and on a light background.
ANSWER: Final = "bold color(31)"
GOOD: Final = "color(28)"
BAD: Final = "bold color(160)"
BAR: Final = "color(32)"

#: Fitted to this very target.
_FITTED: Final = frozenset({"measured here", "calibrated"})

Align = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Screen:
    """The capabilities of the output.

    Attributes
    ----------
    width
        Width in columns.
    terminal
        Whether it is a terminal: colour (unless ``NO_COLOR``) and bars.
    unicode
        Whether it can show more than ASCII.
    """

    width: int = UNBOUNDED
    terminal: bool = False
    unicode: bool = True

    @classmethod
    def of(cls, stream: TextIO | None) -> Screen:
        """The screen of a stream; None is a stream that the shell closed. ``COLUMNS`` applies to pipes too."""
        if stream is None:
            return cls()
        terminal = stream.isatty()
        columns = os.environ.get("COLUMNS", "")
        if columns.isascii() and columns.isdigit() and 0 < int(columns) <= UNBOUNDED:
            width = max(40, int(columns))
        elif terminal:
            width = max(40, _columns_of(stream))
        else:
            width = UNBOUNDED
        encoding = (getattr(stream, "encoding", None) or "utf-8").lower()
        return cls(width, terminal, encoding.startswith("utf"))

    def render(self, *parts: RenderableType) -> str:
        """The parts below each other, with an empty line between them."""
        console = Console(
            file=io.StringIO(),
            width=self.width,
            force_terminal=self.terminal,
            legacy_windows=False,
            markup=False,
            highlight=False,
            emoji=False,
        )
        for number, part in enumerate(parts):
            if number:
                console.print()
            console.print(part)
        text = console.file.getvalue()  # type: ignore[attr-defined]
        return "".join(f"{_TRAILING.sub(_codes, line)}\n" for line in text.splitlines())


def _codes(end: re.Match[str]) -> str:
    """The end of a line without trailing spaces, but with the codes that end styles."""
    return end[0].replace(" ", "")


#: A file that is not a terminal.
PLAIN: Final = Screen()


def _columns_of(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table, and how it shrinks where the screen is too narrow.

    Attributes
    ----------
    narrow
        ``stay`` as wide as its cells, be ``cut`` at the end, ``squeeze`` (cut in the middle, for names that differ at
        the end), or ``wrap``.
    least
        Least width.
    drop
        0: always shown. Else it is dropped where there is no room, the largest number first and equal ones together.
    """

    title: str
    align: Align = "left"
    style: str = ""
    narrow: Literal["stay", "cut", "squeeze", "wrap"] = "stay"
    least: int = 0
    drop: int = 0


def heading(text: str, note: str = "") -> Text:
    """A section's title, with a quieter remark behind it."""
    result = Text(printable(text), style="bold")
    return result.append(f"  {printable(note)}" if note else "", style="not bold dim")


def badge(basis: Basis, screen: Screen) -> Text:
    """What a number rests on, behind it: ``· calibrated``."""
    return Text(f" {'·' if screen.unicode else '-'} {basis}", style=GOOD if basis in _FITTED else "bold")


def table(columns: Sequence[Column], rows: Iterable[Sequence[str | Text]], screen: Screen) -> Table:
    """A table without lines, indented by a section; cells are shown as they are, and a number always in full."""
    texts = [[_cell(value) for value in row] for row in rows]
    widths = _widths(columns, texts, screen.width - 2)
    result = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim", collapse_padding=True)
    for column, width in zip(columns, widths, strict=True):
        if width is not None:
            result.add_column(
                Text(column.title),
                justify=column.align,
                style=column.style,
                width=width,
                no_wrap=column.narrow != "wrap",
                overflow="fold" if column.narrow == "wrap" else "ellipsis",
            )
    result.show_header = any(column.title for column in columns)
    for row in texts:
        cells = zip(row, columns, widths, strict=False)
        result.add_row(*(_fitted(text, column, width) for text, column, width in cells if width is not None))
    return result


def _fitted(text: Text, column: Column, width: int) -> Text:
    if column.narrow != "squeeze" or text.cell_len <= width:
        return text
    start = (width - 1) // 3
    return Text(f"{text.plain[:start]}…{text.plain[start + 1 - width :]}", style=text.style)


def _cell(value: str | Text) -> Text:
    return value if isinstance(value, Text) else Text(printable(value))


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[Text]], room: int) -> list[int | None]:
    """The width of every column, None for a dropped one, so that the table fits into `room` if possible."""
    natural = [cell_len(column.title) for column in columns]
    for row in rows:
        natural[: len(row)] = [max(pair) for pair in zip(natural, (text.cell_len for text in row), strict=False)]
    least = [
        width if column.narrow == "stay" else min(width, column.least or _LEAST)
        for column, width in zip(columns, natural, strict=True)
    ]
    kept = set(range(len(columns)))
    while (over := sum(least[place] + _GAP for place in kept) - _GAP - room) > 0:
        first = max(columns[place].drop for place in kept)
        if not first:
            yielding = [place for place in kept if columns[place].narrow != "stay"]
            for place in yielding:
                least[place] = max(1, least[place] - -(-over // len(yielding)))
            break
        kept -= {place for place in kept if columns[place].drop == first}
    spare = max(0, -over)
    widths: list[int | None] = [None] * len(columns)
    for place in sorted(kept, key=lambda place: natural[place] - least[place]):
        flexible = sum(natural[other] > least[other] and widths[other] is None for other in kept) or 1
        more = min(natural[place] - least[place], spare // flexible)
        widths[place] = least[place] + more
        spare -= more
    return widths


def section(title: Text, *body: RenderableType) -> Group:
    """A title with its indented content."""
    return Group(title, *(Padding(part, (0, 0, 0, 2)) for part in body))


def facts(rows: Iterable[tuple[str, str | Text]], screen: Screen) -> Table:
    """Labels with their values; long texts wrap beside their label."""
    result = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    result.add_column(style="dim", no_wrap=True)
    result.add_column(overflow="fold", max_width=_prose_width(screen))
    for label, value in rows:
        result.add_row(Text(label), value if isinstance(value, Text) else Text(printable(value, limit=2000)))
    return result


def bullets(texts: Iterable[str], screen: Screen) -> Table:
    """A list whose items wrap beside their dash."""
    return facts([("-", text) for text in texts], screen)


def next_steps(steps: Sequence[tuple[str, str]], screen: Screen) -> list[RenderableType]:
    """Commands for next steps, each below its purpose; nothing if the output is not a terminal."""
    if not steps or not screen.terminal:
        return []
    lines = (Text(f"{purpose}\n  {printable(command, limit=2000)}", overflow="fold") for purpose, command in steps)
    return [section(heading("Next"), *lines)]


def _prose_width(screen: Screen) -> int:
    return PROSE if screen.terminal else UNBOUNDED


def bar(share: float, screen: Screen, *, beside: int) -> str:
    """A bar for a share of the largest, in the width that `beside` columns leave; nothing outside a terminal."""
    if not screen.terminal:
        return ""
    length = max(_SHORTEST_BAR, min(_LONGEST_BAR, screen.width - beside))
    eighths = max(1, round(min(1.0, share) * length * 8)) if share > 0 else 0
    if not screen.unicode:
        return "#" * round(eighths / 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()

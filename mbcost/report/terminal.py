"""Screens for a terminal or a pipe: tables, bars and paragraphs out of Rich, never out of markup in a user's text."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TextIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mbcost.errors import printable

#: Columns of a pipe or a file: wide enough that nothing wraps.
UNBOUNDED: Final = 4000
#: Paragraphs do not get wider than this, however wide the terminal is.
PROSE: Final = 110
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_LONGEST_BAR: Final = 40
_SHORTEST_BAR: Final = 8

Align = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Screen:
    """What the output can show.

    Attributes
    ----------
    width
        Columns.
    terminal
        Whether somebody looks at it: colour (unless ``NO_COLOR``) and bars.
    unicode
        Whether it can show more than ASCII.
    """

    width: int = UNBOUNDED
    terminal: bool = False
    unicode: bool = True

    @classmethod
    def of(cls, stream: TextIO | None) -> Screen:
        """The screen behind a stream, None being one that the shell closed. ``COLUMNS`` counts for pipes too."""
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
        return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


#: A file that is not a terminal.
PLAIN: Final = Screen()


def _columns_of(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table, at least `least` wide; `narrow` says how it gives way where the screen is too narrow."""

    title: str
    align: Align = "left"
    style: str = ""
    narrow: Literal["stay", "cut", "wrap"] = "stay"
    least: int = 0


def heading(text: str, note: str = "") -> Text:
    """A section's title, with a quieter remark behind it."""
    result = Text(printable(text), style="bold")
    return result.append(f"  {printable(note)}" if note else "", style="not bold dim")


def table(columns: Sequence[Column], rows: Iterable[Sequence[str | Text]]) -> Table:
    """A table without lines; cells are shown as they are."""
    result = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", collapse_padding=True)
    for column in columns:
        result.add_column(
            Text(column.title),
            justify=column.align,
            style=column.style,
            min_width=column.least or None,
            no_wrap=column.narrow == "stay",
            overflow="fold" if column.narrow == "wrap" else "crop",
        )
    result.show_header = any(column.title for column in columns)
    for row in rows:
        result.add_row(*map(_cell, row, columns))
    return result


def _cell(value: str | Text, column: Column) -> Text:
    text = value if isinstance(value, Text) else Text(printable(value))
    if column.narrow == "cut":
        text.no_wrap, text.overflow = True, "ellipsis"
    return text


def section(title: Text, *body: RenderableType) -> Group:
    """A title with what belongs to it, indented."""
    return Group(title, *(Padding(part, (0, 0, 0, 2)) for part in body))


def facts(rows: Iterable[tuple[str, str | Text]], screen: Screen) -> Table:
    """Labels and what they stand for; long texts wrap beside their label."""
    result = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    result.add_column(style="dim", no_wrap=True)
    result.add_column(overflow="fold", max_width=_prose_width(screen))
    for label, value in rows:
        result.add_row(Text(label), value if isinstance(value, Text) else Text(printable(value, limit=2000)))
    return result


def bullets(texts: Iterable[str], screen: Screen) -> Table:
    """A list whose items wrap beside their dash."""
    return facts([("-", text) for text in texts], screen)


def _prose_width(screen: Screen) -> int:
    return PROSE if screen.terminal else UNBOUNDED


def bar(share: float, screen: Screen, *, beside: int) -> str:
    """A bar for a share of the largest, in what `beside` columns leave; nothing where nobody would see it."""
    if not screen.terminal:
        return ""
    length = max(_SHORTEST_BAR, min(_LONGEST_BAR, screen.width - beside))
    eighths = max(1, round(min(1.0, share) * length * 8)) if share > 0 else 0
    if not screen.unicode:
        return "#" * round(eighths / 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()

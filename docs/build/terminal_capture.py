"""`python docs/build/terminal_capture.py` writes docs/terminal.svg: commands in a terminal, typed and answered.

It runs the commands in a pseudo terminal and draws what they print. The animation is CSS in the SVG, so that it also
moves where a page shows it as a picture; it asks no other host for anything, and stands still for who asked for that.
"""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

PICTURE: Final = Path(__file__).parent.parent / "terminal.svg"
COMMANDS: Final = (
    "mbcost analyze mobilenet_v2 --device pixel1 --top 3",
    "mbcost pick --task classification --device galaxy_s24 --budget 10ms",
    "mbcost explain mobilenet_v2 --measured 27ms --device pixel4",
)
#: Size of the terminal [characters], of a character and of the frame [px].
COLUMNS, ROWS, CHARACTER, LINE, MARGIN, BAR = 96, 26, 7.6, 17, 16, 30
#: Seconds that a command is typed, that its output stands, moves up to its end, and stands again.
TYPING, READING, SCROLLING, STANDING = 1.8, 5.0, 2.5, 4.0
THEME: Final = TerminalTheme(
    (27, 31, 40),
    (214, 219, 229),
    [
        *((60, 66, 80), (240, 113, 120), (126, 211, 150), (242, 196, 110)),
        *((110, 170, 250), (200, 150, 240), (100, 205, 215), (214, 219, 229)),
    ],
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Text of one style in a line: where it starts, and its colour and weight."""

    column: int
    text: str
    fill: str
    weight: str


def printed(command: str) -> list[Text]:
    """The lines that a command prints to a terminal, with their styles.

    Raises
    ------
    RuntimeError
        If the command fails.
    """
    reading, writing = pty.openpty()
    colour = {"COLUMNS": str(COLUMNS), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    own = {"XDG_CONFIG_HOME": os.devnull}  # no devices and calibrations of whoever runs this
    left_out = ("NO_COLOR", "MBCOST_DEVICES")
    environment = {name: value for name, value in os.environ.items() if name not in left_out} | colour | own
    words = [sys.executable, "-m", *shlex.split(command)]
    process = subprocess.Popen(words, stdin=writing, stdout=writing, stderr=writing, env=environment)
    os.close(writing)
    chunks = []
    try:
        while chunk := os.read(reading, 65536):
            chunks.append(chunk)
    except OSError:  # how Linux says that the other side is closed
        pass
    finally:
        os.close(reading)
    output = b"".join(chunks).decode("utf-8").replace("\r\n", "\n").rstrip("\n")
    if process.wait() != 0:
        raise RuntimeError(f"{command}: {output}")
    return [Text.from_ansi(line) for line in output.split("\n")]


def pieces(line: Text, console: Console) -> Iterator[Piece]:
    """The parts of a line between wide gaps, each in one style."""
    column = 0
    for segment in line.render(console):
        style, start = segment.style or Style.null(), 0
        for word in segment.text.split("  "):
            if word.strip():
                text = word.strip()
                yield Piece(
                    column + start + word.index(text), text, colour_of(style), "bold" if style.bold else "normal"
                )
            start += len(word) + 2
        column += len(segment.text)


def colour_of(style: Style) -> str:
    """A colour that can be read on the dark ground: faint ones nearer to it, bright ones nearer to white."""
    ground, text = THEME.background_color, THEME.foreground_color
    if style.color and not style.color.is_default:
        return mixed(style.color.get_truecolor(THEME), text, 0.65)
    return mixed(text, ground, 0.6) if style.dim else mixed(text, text, 1.0)


def mixed(one: tuple[int, int, int], other: tuple[int, int, int], share: float) -> str:
    red, green, blue = (round(share * a + (1 - share) * b) for a, b in zip(one, other, strict=True))
    return f"#{red:02x}{green:02x}{blue:02x}"


def svg(scenes: Sequence[tuple[str, list[Text]]]) -> str:
    """The animation of commands and their outputs."""
    console = Console(color_system="truecolor", force_terminal=True, width=COLUMNS)
    ground = mixed(THEME.background_color, THEME.background_color, 1.0)
    seconds = [length(lines) for _, lines in scenes]
    width, height = COLUMNS * CHARACTER + 2 * MARGIN, ROWS * LINE + 2 * MARGIN + BAR
    rules: list[str] = []
    body: list[str] = []
    for number, (command, lines) in enumerate(scenes):
        rules += keyframes(number, len(command), len(lines), sum(seconds[:number]), sum(seconds))
        body.append(f'<g class="s{number}"><g class="m{number}">{row(prompt(command), 0, console)}')
        body.append(
            f'<rect class="c{number}" x="{2 * CHARACTER:g}" y="2" width="{COLUMNS * CHARACTER:g}" height="{LINE}"/>'
        )
        body.append(f'<g class="o{number}">')
        body += [row(line, place, console) for place, line in enumerate(lines, 1)]
        body.append("</g></g></g>")
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    dots = "".join(f'<circle cx="{18 + 18 * place}" cy="15" r="5" fill="#4b5263"/>' for place in range(3))
    title = escape("; ".join(command for command, _ in scenes))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{title}">',
            f"<title>{title}</title>",
            "<style>",
            "text{font:12.6px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre}",
            f".b{{font-weight:bold}}rect[class]{{fill:{ground}}}",
            *rules,
            "@media (prefers-reduced-motion:reduce){*{animation:none!important}}",
            "</style>",
            f'<clipPath id="v"><rect width="{width:g}" height="{ROWS * LINE + 4}"/></clipPath>',
            f'<rect width="{width:g}" height="{height:g}" rx="8" fill="{ground}" stroke="#3a4150"/>{dots}',
            f'<g transform="translate({MARGIN} {BAR + MARGIN / 2:g})" clip-path="url(#v)">',
            *body,
            "</g>",
            "</svg>",
            "",
        ]
    )


def prompt(command: str) -> Text:
    return Text.assemble(("$ ", "dim"), (command, "bold"))


def row(line: Text, place: int, console: Console) -> str:
    """A line of the terminal; each piece is as wide as its characters, whatever font the reader has."""
    found = []
    for piece in pieces(line, console):
        look = f' fill="{piece.fill}"' + (' class="b"' if piece.weight == "bold" else "")
        where = (
            f'x="{piece.column * CHARACTER:.4g}" y="{place * LINE + 14}" textLength="{len(piece.text) * CHARACTER:.4g}"'
        )
        found.append(f"<text {where}{look}>{escape(piece.text, quote=False)}</text>")
    return "".join(found)


def length(lines: list[Text]) -> float:
    """Seconds of a scene."""
    return TYPING + READING + (SCROLLING + STANDING if len(lines) + 1 > ROWS else 0.0)


def keyframes(number: int, characters: int, lines: int, start: float, whole: float) -> Iterator[str]:
    """When a scene is there, its command is typed, its output shows, and it moves up."""

    def at(seconds: float) -> str:
        return f"{100 * seconds / whole:.2f}%"

    typed, up = start + TYPING, start + TYPING + READING
    last = up + SCROLLING + STANDING if lines + 1 > ROWS else up
    shift = LINE * max(0, lines + 1 - ROWS)
    shown = "opacity:1" if number == 0 else "opacity:0"
    end = "" if last >= whole else f"{at(last)}{{opacity:0}}"
    yield f"@keyframes s{number}{{0%{{{shown}}}{at(start)}{{opacity:1}}{end}}}"
    yield f"@keyframes o{number}{{0%{{opacity:0}}{at(typed)}{{opacity:1}}}}"
    wide = characters * CHARACTER
    yield (
        f"@keyframes c{number}{{0%,{at(start)}{{transform:none;animation-timing-function:steps({characters})}}"
        f"{at(typed - 0.3)},to{{transform:translateX({wide:g}px)}}}}"
    )
    yield (
        f"@keyframes m{number}{{0%,{at(up)}{{transform:none;animation-timing-function:ease-in-out}}"
        f"{at(min(whole, up + SCROLLING))},to{{transform:translateY(-{shift}px)}}}}"
    )
    still = int(number == 0)  # what shows where nothing moves
    steps = f"{whole:g}s step-end infinite"
    yield f".s{number}{{opacity:{still};animation:s{number} {steps}}}.o{number}{{animation:o{number} {steps}}}"
    yield f".c{number}{{transform:translateX({wide:g}px);animation:c{number} {whole:g}s infinite}}"
    yield f".m{number}{{animation:m{number} {whole:g}s infinite}}"


def main() -> None:
    PICTURE.write_text(svg([(command, printed(command)) for command in COMMANDS]), encoding="utf-8")


if __name__ == "__main__":
    main()

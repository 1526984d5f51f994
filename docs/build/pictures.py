"""Pictures of the processor pages: SVGs of one line, which Markdown passes on; assets/site.css has their colours."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from mbcost import readable

#: Width of a picture; of bars the height of a bar and of its row, and room for names and numbers; of a curve its
#: height, and room above it, below it, at its left and at its right [px].
WIDTH: Final = 720
BAR, ROW, NAMES, NUMBERS = 16, 26, 150, 130
HEIGHT, ABOVE, BELOW, LEFT, RIGHT = 190, 12, 26, 56, 20


def bars(title: str, rows: Sequence[tuple[str, str, float]], whole: float) -> str:
    """Names with their groups and times [s] as bars, beside each its share of the whole time [s]."""
    longest, room = max(seconds for _, _, seconds in rows), WIDTH - NAMES - NUMBERS
    parts = []
    for number, (name, group, seconds) in enumerate(rows):
        middle, width = 4 + ROW * number + ROW / 2, max(1.0, room * seconds / longest)
        label = f"{readable.milliseconds(seconds)}, {readable.percent(seconds / whole)} %"
        parts += [
            f'<text x="{NAMES - 8}" y="{middle:g}" class="name">{escape(name)}</text>',
            f'<rect x="{NAMES}" y="{middle - BAR / 2:g}" width="{width:.1f}" height="{BAR}" class="{group}"/>',
            f'<text x="{NAMES + width + 8:.1f}" y="{middle:g}">{label}</text>',
        ]
    groups = dict.fromkeys(group for _, group, _ in rows)
    legend = ", ".join(f'<span class="{group}">■</span> {group}' for group in groups)
    return figure(title, ROW * len(rows) + 8, parts, f"{escape(title)}: {legend}")


def curve(title: str, channels: Sequence[int], speeds: Sequence[float]) -> str:
    """A speed over the number of channels, from 0 to its largest."""
    top, room, tall = max(speeds), WIDTH - LEFT - RIGHT, HEIGHT - ABOVE - BELOW

    def x(channel: float) -> str:
        return f"{LEFT + room * (channel - channels[0]) / (channels[-1] - channels[0]):.1f}"

    def y(speed: float) -> str:
        return f"{ABOVE + tall * (1 - speed / top):.1f}"

    parts = []
    for speed in (0.0, top / 2, top):
        parts += [
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(speed)}" y2="{y(speed)}" class="grid"/>',
            f'<text x="{LEFT - 8}" y="{y(speed)}" class="name">{readable.significant(speed)}</text>',
        ]
    for channel in range(32, channels[-1] + 1, 32):
        parts.append(f'<text x="{x(channel)}" y="{HEIGHT - 10}" class="mark">{channel}</text>')
    points = " ".join(f"{x(channel)},{y(speed)}" for channel, speed in zip(channels, speeds, strict=True))
    return figure(title, HEIGHT, [*parts, f'<polyline points="{points}" class="line"/>'], escape(title))


def figure(title: str, height: int, parts: Sequence[str], caption: str) -> str:
    """An SVG with its caption."""
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}"'
    head = f'<svg class="terms" {size} role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>'
    return "".join(["<figure>", head, *parts, f"</svg><figcaption>{caption}</figcaption></figure>"])

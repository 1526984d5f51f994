"""Makes the example reports of this folder, their pictures and their index: ``python reports/gallery.py``.

Needs Debian's chromium and playwright, which the test extra brings, for the pictures. SOURCE_DATE_EPOCH fixes the time
stamp of the pages.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from mbcost.__main__ import main
from mbcost.cli.output import print_note

FOLDER: Final = Path(__file__).parent
DRAWN: Final = "() => document.documentElement.dataset.drawn"


class Example(NamedTuple):
    """A report: its file without suffix, the command without ``-o``, what it shows, and the state of its picture."""

    name: str
    command: tuple[str, ...]
    text: str
    state: str = ""


EXAMPLES: Final = (
    Example(
        "mobilenet_v1_v2_pixel1",
        ("compare", "mobilenet_v1", "mobilenet_v2", "--device", "pixel1"),
        "Why MobileNet V2 is faster than V1 on a Pixel 1, but less than its MACs suggest.",
    ),
    Example(
        "mobilenet_v2_pixel1_30ms",
        ("sweep", "mobilenet_v2", "--device", "pixel1", "--alpha", "0.35,0.5:1.4:0.05", "--resolution", "96:224:32"),
        "MobileNet V2 by width and resolution on a Pixel 1, with the contour of 30 ms.",
        "#is-budget=30",
    ),
    Example(
        "mobilenet_v2_zcu102",
        ("analyze", "mobilenet_v2", "--device", "zcu102"),
        "MobileNet V2 on the DPU of a ZCU102, layer by layer.",
        "#layer=6",
    ),
    Example(
        "pixel1_measured",
        ("validate", "--device", "pixel1"),
        "Published latencies of the Pixel 1 beside the predictions of mbcost.",
    ),
)


def make(folder: Path) -> None:
    """Write the reports and the index, and the pictures where there is a browser."""
    with chdir(folder):  # the pages name the command that made them
        for example in EXAMPLES:
            code = main((*example.command, "-o", f"{example.name}.html", "--force"))
            if code:
                sys.exit(code)
    (folder / "README.md").write_text(index(), encoding="utf-8")
    with browser() as started:
        for example in EXAMPLES if started is not None else ():
            page = started.new_page(viewport={"width": 1100, "height": 760})
            page.goto(f"{(folder / f'{example.name}.html').resolve().as_uri()}{example.state}")
            page.wait_for_function(DRAWN)
            page.screenshot(path=folder / f"{example.name}.png")
            page.close()


def index() -> str:
    """The index in Markdown."""
    parts = [
        "# Reports\n\nMade by `python reports/gallery.py`. Each `.html` opens in any browser, without a network.\n"
    ]
    for example in EXAMPLES:
        command = " ".join(("mbcost", *example.command, "-o", f"{example.name}.html"))
        parts.append(
            f"## [{example.text}]({example.name}.html)\n\n```bash\n{command}\n```\n\n"
            f"[![{example.text}]({example.name}.png)]({example.name}.html)\n"
        )
    parts.append("## [Accuracy](accuracy.md)\n\nPredictions against measured latencies.\n")
    parts.append(
        "## [The PyTorch runner](runner.md)\n\nHow well a bench of this machine predicts its other networks.\n"
    )
    parts.append(
        "## [Frame rates](frame_rates.md)\n\nMobileNet V1 and V2 on iPhones and an iPad with double buffering.\n"
    )
    parts.append("## [Accelerators](accelerators.md)\n\nCycles beside Vela's and SCALE-Sim's.\n")
    return "\n".join(parts)


@contextmanager
def browser() -> Iterator[Any]:
    """Debian's chromium; None with a note where it or playwright is missing."""
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        print_note("no pictures: they need chromium and playwright")
        yield None
        return
    with sync_playwright() as running:
        started = running.chromium.launch(
            executable_path=chromium, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        yield started
        started.close()


if __name__ == "__main__":
    make(FOLDER)

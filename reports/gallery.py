"""Makes the example reports of this folder, their pictures and their index: ``python reports/gallery.py``.

Needs Debian's chromium and playwright, which the test extra brings, for the pictures. SOURCE_DATE_EPOCH fixes the time
stamp of the pages.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

from mbcost.__main__ import main
from mbcost.cli.output import print_note

FOLDER: Final = Path(__file__).parent
MEASURED: Final = FOLDER.parent / "hardware_profiles" / "measurements" / "pixel1_tflite_2018.csv"
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


#: A page of each kind for ``screens.md``: its name, the command without the file, and what is seen in it.
SCREENS: Final = (
    Example("analysis", ("analyze", "mobilenet_v2", "--device", "pixel4/gpu"), "A network on a target"),
    Example("bound", ("analyze", "mobilenet_v2", "--device", "iphone_x/gpu"), "A latency that is a bound looks unsure"),
    Example("comparison", ("compare", "mobilenet_v2", "resnet50", "--device", "pixel1"), "Two networks"),
    Example(
        "sweep",
        ("sweep", "mobilenet_v2", "--device", "pixel1", "--alpha", "0.35:1.4:0.15", "--resolution", "96:224:32"),
        "Widths and resolutions, with the contour of a budget",
        "#is-budget=40",
    ),
    Example(
        "pick",
        ("pick", "mobilenet_v2", "--between", "--device", "pixel1", "--budget", "25fps", "--budget", "3M params"),
        "A choice under two budgets",
    ),
    Example("stream", ("stream", "mobilenet_v2", "--device", "pixel4", "--device", "pixel4/gpu"), "Frames in a pipeline"),
    Example("validation", ("validate", "--device", "pixel1"), "Published latencies beside predictions"),
    Example("calibration", ("calibrate", str(MEASURED), "--device", "pixel1", "--report"), "Rates fitted to latencies"),
)
#: Widths and heights of the windows [px].
WINDOWS: Final = ((1400, 1000), (390, 844))
SCHEMES: Final = ("light", "dark")


def make(folder: Path) -> None:
    """Write the reports, the index and the list of screens, and the pictures where there is a browser."""
    with chdir(folder):  # the pages name the command that made them
        for example in EXAMPLES:
            code = main((*example.command, "-o", f"{example.name}.html", "--force"))
            if code:
                sys.exit(code)
    (folder / "README.md").write_text(index(), encoding="utf-8")
    (folder / "screens.md").write_text(screens_page(), encoding="utf-8")
    with browser() as started:
        if started is not None:
            make_screens(started, folder / "screens")
        for example in EXAMPLES if started is not None else ():
            page = started.new_page(viewport={"width": 1100, "height": 1000})
            page.goto(f"{(folder / f'{example.name}.html').resolve().as_uri()}{example.state}")
            page.wait_for_function(DRAWN)
            page.screenshot(path=folder / f"{example.name}.png")
            page.close()


def make_screens(started: Any, folder: Path) -> None:
    """The first screen of a page of each kind, on a desk and on a phone, light and dark."""
    folder.mkdir(exist_ok=True)
    with TemporaryDirectory() as made:
        for example in SCREENS:
            path = Path(made) / f"{example.name}.html"
            option = () if example.command[-1] == "--report" else ("-o",)
            code = main((*example.command, *option, str(path)))
            if code:
                sys.exit(code)
            for (width, height), scheme in product(WINDOWS, SCHEMES):
                page = started.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
                page.goto(f"{path.as_uri()}{example.state}")
                page.wait_for_function(DRAWN)
                page.screenshot(path=folder / f"{example.name}-{width}-{scheme}.jpg", type="jpeg", quality=70)
                page.close()


def screens_page() -> str:
    """The list of screens in Markdown."""
    parts = ["# Screens\n\nThe first screen of a page of each kind. Made by `python reports/gallery.py`.\n"]
    for example in SCREENS:
        parts.append(f"## {example.text}\n")
        for (width, _), scheme in product(WINDOWS, SCHEMES):
            picture = f"screens/{example.name}-{width}-{scheme}.jpg"
            parts.append(f"![{example.text}, {width} pixels wide, {scheme}]({picture})\n")
    return "\n".join(parts)


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
    parts.append("## [Screens](screens.md)\n\nEvery kind of page on a desk and on a phone, light and dark.\n")
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

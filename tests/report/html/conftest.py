"""Pages in a browser, with all that went wrong in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import mbcost
from mbcost.analysis import Analysis
from mbcost.report.html.analysis import analysis_page

COME = """hash => new Promise(done => {
    addEventListener("hashchange", () => setTimeout(done), {once: true});
    location = hash;
})"""
DRAWN = "() => document.documentElement.dataset.drawn"


class Opened:
    """A page with all that went wrong in it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.visits = 0
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("dialog", lambda dialog: (self.errors.append(dialog.message), dialog.dismiss()))

    def check(self) -> None:
        """Nothing went wrong, and nothing was asked of a network."""
        assert self.errors == []
        assert [url for url in self.requests if not url.startswith(("file:", "data:", "blob:"))] == []

    def texts(self, selector: str) -> list[str]:
        return list(self.page.locator(selector).all_text_contents())


#: How long a page may take for what it does in a second, on a machine that does much else.
PATIENCE_MS = 120_000
Open = Callable[..., Opened]


@pytest.fixture
def opened(browser: Any) -> Iterator[Open]:
    """Open a file, offline, and wait until its charts are drawn; at the end nothing may have gone wrong."""
    contexts = []
    pages: list[Opened] = []

    def open_page(
        path: Path, hash_: str = "", *, width: int = 1280, drawn: bool = True, init: str = "", **context: Any
    ) -> Opened:
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, offline=True, **context))
        contexts[-1].set_default_timeout(PATIENCE_MS)
        page = contexts[-1].new_page()
        if init:
            page.add_init_script(init)
        pages.append(Opened(page))
        page.goto(f"{path.as_uri()}{hash_}")
        if drawn:
            page.wait_for_function(DRAWN)
        return pages[-1]

    yield open_page
    for context in contexts:
        context.close()
    for page in pages:
        page.check()


@pytest.fixture(scope="session")
def _pages(browser: Any) -> dict[Path, Opened]:
    return {}


@pytest.fixture
def visited(browser: Any, _pages: dict[Path, Opened]) -> Iterator[Open]:
    """As `opened`, but the page is one that earlier tests used too, brought back to its beginning by its hash."""

    def visit(path: Path, hash_: str = "") -> Opened:
        if path not in _pages:
            context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
            context.set_default_timeout(PATIENCE_MS)
            _pages[path] = Opened(context.new_page())
            _pages[path].page.goto(path.as_uri())
            _pages[path].page.wait_for_function(DRAWN)
        page = _pages[path]
        page.visits += 1
        page.page.evaluate(COME, f"{hash_ or '#'}&visit={page.visits}")
        return page

    yield visit
    for page in _pages.values():
        page.check()


def widths_that_overflow(page: Any) -> list[int]:
    """Widths of a window, 1280 pixels zoomed, in which the page scrolls sideways."""
    found = []
    for width in (640, 320):
        page.set_viewport_size({"width": width, "height": 900})
        for _ in range(300):  # charts follow the window a little later
            overflows = page.evaluate("document.documentElement.scrollWidth") > width
            if not overflows:
                break
            page.wait_for_timeout(100)
        if overflows:
            found.append(width)
    page.set_viewport_size({"width": 1280, "height": 900})
    return found


@pytest.fixture(scope="session")
def targets() -> tuple[Analysis, ...]:
    """MobileNet V2 with a calibrated CPU, a GPU with caches, and a roofline, which overlaps."""
    return tuple(mbcost.analyze("mobilenet_v2", target) for target in ("pixel1", "pixel4/gpu", "iphone_x/gpu"))


@pytest.fixture(scope="session")
def one(targets: tuple[Analysis, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "one.html"
    path.write_text(analysis_page(targets[:1]), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def three(targets: tuple[Analysis, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "three.html"
    path.write_text(analysis_page(targets), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, which a package of the test extra brings."""
    package = pytest.importorskip("axe_playwright_python", reason="needs axe-playwright-python of the test extra")
    return (Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def serious_violations(page: Any, axe: str) -> list[str]:
    """Rules of axe-core that a page breaks in earnest, with all that it can unfold unfolded."""
    page.evaluate("for (const node of document.querySelectorAll('details')) node.open = true")
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [rule["id"] for rule in found if rule["impact"] in {"serious", "critical"}]

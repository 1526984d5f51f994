"""The documentation builds as a site without a warning, its links lead somewhere, and it asks no other host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

import mbcost
from mbcost import readable
from mbcost.latency import FORMS

ROOT = Path(__file__).parent.parent
#: Attributes by which a browser loads something itself; `a` is what a reader follows.
LOADS = {"img": "src", "script": "src", "iframe": "src", "link": "href", "source": "src", "object": "data"}


class Page(HTMLParser):
    """Anchors, links and loaded files of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        is_canonical = tag == "link" and values.get("rel") in {"canonical", "prev", "next"}
        if LOADS.get(tag, "") in values and not is_canonical:
            self.loaded.append(values[LOADS[tag]])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site, built with warnings as errors."""
    for package in ("mkdocs", "material", "mkdocstrings_handlers.python"):
        pytest.importorskip(package)
    if not (ROOT / "reports" / "gallery.py").exists():
        pytest.skip("only in a checkout")
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", "docs/mkdocs.yml", "-d", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    """Pages of the site but for the reports, which `tests/report/html` looks at."""
    shipped = {path.name for path in (ROOT / "reports").glob("*.html")}
    built = [path for path in sorted(site.rglob("*.html")) if path.name not in shipped]
    return {path: Page(path.read_text(encoding="utf-8")) for path in built}


def local(links: list[str]) -> Iterator[str]:
    return (link for link in links if not re.match(r"[a-z]+:|//", link))


def test_every_page_of_docs_is_in_the_site(pages: dict[Path, Page], site: Path) -> None:
    built = {path.relative_to(site).as_posix() for path in pages}
    for path in (ROOT / "docs").rglob("*.md"):
        name = path.relative_to(ROOT / "docs").as_posix()
        assert re.sub(r"README\.md$", "index.md", name).removesuffix(".md") + ".html" in built


def test_links_and_anchors(pages: dict[Path, Page]) -> None:
    wrong = []
    for path, page in pages.items():
        if path.name == "404.html":  # its links begin at the root of wherever it is served
            continue
        for link in local([*page.links, *page.loaded]):
            place, _, anchor = unquote(link).partition("#")
            target = (path.parent / place.partition("?")[0]).resolve() if place else path
            if target.is_dir():
                target /= "index.html"
            if not target.exists():
                wrong.append(f"{path.name}: {link}: no such file")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                wrong.append(f"{path.name}: {link}: no such anchor")
    assert wrong == []


def test_no_markdown_is_left(pages: dict[Path, Page]) -> None:
    """Lists, tables, links and code are drawn as such, though Python-Markdown reads some of them in its own way."""
    left = []
    for path in pages:
        article = re.search(r"<article.*?</article>", path.read_text(encoding="utf-8"), re.S)
        text = re.sub(r"<(pre|code|script|style)\b.*?</\1>", "…", article[0] if article else "", flags=re.S)
        lines = re.sub(r"<[^>]+>", "", text).splitlines()
        left += [(path.name, line) for line in lines if re.search(r"^\s*- |^\s*\||\]\(|\*\*|`|:\w+:`", line)]
    assert left == []


def test_no_request_to_another_host(pages: dict[Path, Page], site: Path) -> None:
    loaded = {link for page in pages.values() for link in page.loaded}
    assert loaded
    assert sorted(link for link in loaded if re.match(r"[a-z]+:|//", link) and not link.startswith("data:")) == []
    for path in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", path.read_text(encoding="utf-8")), path


def test_every_public_name_is_in_the_reference(pages: dict[Path, Page], site: Path) -> None:
    anchors = set().union(*(page.anchors for path, page in pages.items() if path.parent == site / "api"))
    names = [f"mbcost.{name}" for name in mbcost.__all__ if not name.startswith("__")]
    for room in (mbcost.search, mbcost.devices):
        names += [f"{room.__name__}.{name}" for name in room.__all__ if name not in mbcost.__all__]
    assert [name for name in names if name not in anchors] == []


def test_curve_of_a_form_is_what_mbcost_gives(site: Path, tmp_path: Path) -> None:
    """The last point of the curve, as the share of the highest number at its axis: a convolution of 256 channels."""
    table = tmp_path / "convolution.yaml"
    table.write_text("name: c\nsource: x\ninput: 28x28x64\nlayers:\n  - {op: conv2d 1x1, out: 256}\n", encoding="utf-8")
    analysis = mbcost.analyze(table, "pixel4@tflite-2.1")
    text = (site / "models" / "cpu.html").read_text(encoding="utf-8").partition('<h3 id="cpu_gemm-')[2]
    figure = text.partition("by output channels</title>")[2].partition("</svg>")[0]
    labels = [float(label) for label in re.findall(r'class="name">([\d.]+)<', figure)]
    lines = sorted({float(y) for y in re.findall(r'y1="([\d.]+)"', figure)})
    points = re.findall(r"[\d.]+,([\d.]+)", re.findall(r'<polyline points="([^"]+)"', figure)[0])
    speed = max(labels) * (lines[-1] - float(points[-1])) / (lines[-1] - lines[0])
    assert speed == pytest.approx(28 * 28 * 64 * 256 / analysis.latency_s / 1e9, rel=0.01)


def rows_of(page: str) -> list[list[str]]:
    """The cells of all rows of the tables of a page, as text."""
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.S)
    cells = [re.findall(r"<td.*?>(.*?)</td>", row, re.S) for row in rows]
    return [[re.sub(r"<[^>]+>", "", cell).strip() for cell in row] for row in cells]


@pytest.mark.parametrize("form", FORMS)
def test_example_of_a_form_is_what_mbcost_gives(form: str, site: Path) -> None:
    """The latency of the page's command, and the times of its terms, which add up to it unless they overlap."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((site / "models").glob("*.html"))]
    page = next((text for text in texts if f'<h3 id="{form}-' in text), "")
    assert page, "docs/models/README.md names no device for the form, and docs/build/processor_pages.py no target"
    _, _, section = page.partition(f'<h3 id="{form}-')
    section = section.partition("<h3 ")[0]
    command = re.search(r"<code>mbcost analyze (\S+) --device (\S+)</code>", section)
    assert command
    analysis = mbcost.analyze(command[1], command[2])
    assert analysis.form.name == form
    assert f"<strong>{readable.milliseconds(analysis.latency_s)}</strong>" in section
    shown = [float(row[4].removesuffix(" ms")) for row in rows_of(section) if len(row) == 6]
    latency_ms = analysis.latency_s * 1e3
    rounding = 0.5 * len(shown) * 10.0 ** -readable.decimals_for(latency_ms)
    if analysis.form.overlap == "none":
        assert sum(shown) == pytest.approx(latency_ms, abs=rounding)
    else:
        assert sum(shown) >= latency_ms - rounding
    rates = {row[0]: row[3] for row in rows_of(section) if len(row) == 5}
    assert rates == {name: rate.source for name, rate in analysis.rates.items() if name in rates}
    assert set(rates) == {term.name for term in analysis.form.terms}


def test_terminal_capture_is_what_the_commands_print(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the letter; colours may differ with the version of rich. `python docs/build/terminal_capture.py` renews it."""
    pytest.importorskip("pty", reason="needs a pseudo terminal")
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "build"))
    import terminal_capture  # type: ignore[import-not-found]

    def texts(svg: str) -> list[str]:
        return re.findall(r"<text [^>]*>([^<]*)</text>", svg)

    stored = (ROOT / "docs" / "terminal.svg").read_text(encoding="utf-8")
    now = terminal_capture.svg([(command, terminal_capture.printed(command)) for command in terminal_capture.COMMANDS])
    assert texts(stored) == texts(now)
    assert len(stored) < 150_000
    assert not re.search(r"<script|<image|<foreignObject|@import|url\((?!#)|href=", stored)


def test_extra_is_what_the_tests_install() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(extras["docs"]) <= set(extras["test"])

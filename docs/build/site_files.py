"""Hook of MkDocs: the pages of the repository where they are, and those that are made while the site is built.

A page keeps its path in the repository as its source, so that links between pages work on a code host and in the site.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final

import notebook_pages
import processor_pages
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import mbcost
from mbcost import devices, search

ROOT: Final = Path(__file__).parent.parent.parent
#: Pages and the files that they show or link.
SHOWN: Final = (
    "docs/**/*.md",
    "docs/*.svg",
    "docs/*.png",
    "*.md",
    "reports/*.md",
    "reports/*.html",
    "reports/*.png",
    "reports/screens/*.jpg",
    "hardware_profiles/**/*.md",
    "benchmarks/README.md",
    "examples/README.md",
    "examples/*.py",
    "examples/*.yaml",
    "examples/**/*.ipynb",
)

#: What belongs to an entry of a list begins with two or three spaces.
IN_LIST: Final = re.compile(r"^ {2,3}(?=\S)")
#: The end of a link to a notebook, which has a page in the site.
NOTEBOOK: Final = re.compile(r"\.ipynb\)(?!\{)")


def sources() -> Iterator[Path]:
    """Files of the repository that the site has, each once."""
    found = {path for pattern in SHOWN for path in ROOT.glob(pattern) if path.is_file()}
    yield from sorted(found - {ROOT / "README.md"})


def place(source: str) -> str:
    """Where a file is in the site: the pages of docs at its top."""
    return source.removeprefix("docs/")


def generated() -> Iterator[tuple[str, str]]:
    """Path and Markdown of the pages that are made now."""
    yield from api_pages()
    for path in sorted((ROOT / "examples").rglob("*.ipynb")):
        yield path.relative_to(ROOT).with_suffix(".md").as_posix(), notebook_pages.markdown(path)


def api_pages() -> Iterator[tuple[str, str]]:
    """Every public name, from its docstring: of mbcost itself, then of the rooms that pages name."""
    names = [name for name in mbcost.__all__ if not name.startswith("__")]
    classes = [name for name in names if isinstance(getattr(mbcost, name), type)]
    yield api_page("functions", "Functions", "mbcost", [name for name in names if name not in classes])
    yield api_page("types", "Types", "mbcost", classes)
    for room in (search, devices):
        own = [name for name in room.__all__ if name not in names]
        title = room.__name__.rpartition(".")[2]
        yield api_page(title, f"mbcost.{title}", room.__name__, own)


def api_page(file: str, title: str, module: str, names: list[str]) -> tuple[str, str]:
    return f"docs/api/{file}.md", f"# {title}\n\n" + "\n".join(f"::: {module}.{name}\n" for name in names)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages, and what they link, to those of the site's own folder."""
    for path in sources():
        source = path.relative_to(ROOT).as_posix()
        add(files, File.generated(config, source, abs_src_path=str(path)))
    for source, text in generated():
        add(files, File.generated(config, source, content=text))
    pages = [file.src_uri for file in files.documentation_pages()]
    config.nav = expand(config.nav, pages, named(config.nav))
    return files


def add(files: Files, file: File) -> None:
    file.dest_uri = place(file.dest_uri)
    files.append(file)


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """The text of a page with what is computed now."""
    source = PurePosixPath(page.file.src_uri)
    if source.parent == PurePosixPath("docs/models"):
        markdown += processor_pages.sections(source.name)
    if page.file.src_uri == "docs/README.md":
        markdown = with_doors(markdown)
    return separated(NOTEBOOK.sub(".md)", markdown))


def with_doors(markdown: str) -> str:
    """The front page with its sections for who has a model, a phone or a chip beside each other."""
    parts = re.split(r"^(?=## )", markdown, flags=re.M)
    doors = [f'<div class="door" markdown>\n\n{part}\n</div>\n' for part in parts if part.startswith("## I have")]
    first = next(place for place, part in enumerate(parts) if part.startswith("## I have"))
    others = [part for part in parts[first:] if not part.startswith("## I have")]
    return "".join([*parts[:first], '<div class="doors" markdown>\n\n', *doors, "\n</div>\n\n", *others])


def separated(markdown: str) -> str:
    """Lists and tables as code hosts read them: Python-Markdown wants four spaces in lists, and lines around tables."""
    found: list[str] = []
    fenced, first = False, ""  # first: of the lines since the last empty one
    for line in markdown.splitlines():
        fenced ^= line.startswith("```")
        if not fenced:
            line = IN_LIST.sub("    ", line)
            before = found[-1] if found else ""
            if before and line and begins(line, before, first):
                found.append("")
            if not found or not found[-1]:
                first = line
        found.append(line)
    return "\n".join(found) + "\n"


def begins(line: str, before: str, first: str) -> bool:
    """Whether a table begins or ends at a line, or an entry of a list after a paragraph, in it or before it."""
    if line.lstrip().startswith("|") != before.lstrip().startswith("|"):
        return True
    return line.startswith("- ") and (not before.startswith((" ", "- ")) or first.startswith(" "))


def named(nav: Any) -> set[str]:
    """Pages that the navigation names itself."""
    if isinstance(nav, str):
        return {nav}
    return set().union(*(named(entry) for entry in (nav.values() if isinstance(nav, dict) else nav)))


def expand(nav: Any, pages: list[str], taken: set[str]) -> Any:
    """A navigation in which patterns are replaced by the pages that they find."""
    if isinstance(nav, dict):
        return {title: expand(entry, pages, taken) for title, entry in nav.items()}
    if isinstance(nav, str):
        return [page for page in pages if fnmatch.fnmatchcase(page, nav) and page not in taken] if "*" in nav else nav
    found: list[Any] = []
    for entry in nav:
        each = expand(entry, pages, taken)
        found += each if isinstance(entry, str) and isinstance(each, list) else [each]
    return found

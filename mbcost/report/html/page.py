"""A self-contained page: data as escaped JSON, our own script and style, Plotly compressed, and no network access.

The Content-Security-Policy names the hashes of the two scripts that may run (ours and Plotly's) and allows no
connection at all.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from mbcost._version import __version__
from mbcost.basis import MEANINGS, SHORT
from mbcost.errors import fail
from mbcost.report.files.text import finite
from mbcost.report.html.bundle import without_unused

_FOLDER: Final = Path(__file__).parent / "assets"
#: Characters that could end a script block or a line of it, as JSON escapes.
_ESCAPES: Final = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def render(
    kind: str, title: str, data: Mapping[str, Any], summary: Sequence[tuple[str, str]], script: str | None = None
) -> str:
    """A page.

    Parameters
    ----------
    kind
        The script under ``assets`` that draws it: ``analysis``, ``comparison``.
    title
        Title of the page.
    data
        The data of the script.
    summary
        Labels and values for a reader without scripts.
    script
        The text of a script that draws it, of a page that is not among those of the package.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawing = _script(_asset(f"{kind}.js") if script is None else script)
    packed, library = _plotly()
    page = environment.get_template("page.html.j2").render(
        title=title,
        policy=_policy(drawing, library),
        style=_asset("report.css"),
        data=to_json({**data, "meanings": dict(MEANINGS), "words": dict(SHORT)}),
        plotly=packed,
        script=drawing,
        summary=summary,
        version=__version__,
        made=_time(),
    )
    return page.encode("utf-8", "backslashreplace").decode("utf-8")  # a path may hold bytes that are no text


def to_json(data: Mapping[str, Any]) -> str:
    """JSON that is safe inside a script block; infinite numbers become null."""
    return json.dumps(finite(data), allow_nan=False, separators=(",", ":"), ensure_ascii=False).translate(_ESCAPES)


def _script(own: str) -> str:
    """The parts that all pages share, then a page's own, in one function."""
    parts = [*(_asset(part) for part in ("core.js", "table.js", "charts.js")), own]
    return '(() => {\n"use strict";\n' + "\n".join(parts) + "\n})();\n"


@cache
def _asset(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


@cache
def _plotly() -> tuple[str, str]:
    """The needed part of the installed Plotly package's script, compressed and as text."""
    from plotly.offline import get_plotlyjs

    text = without_unused(get_plotlyjs())
    return base64.b64encode(gzip.compress(text.encode("utf-8"), 9, mtime=0)).decode("ascii"), text


def _policy(*scripts: str) -> str:
    """The Content-Security-Policy: only this file; images are allowed for saving charts."""
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


def _time() -> str:
    """Now, or the time that SOURCE_DATE_EPOCH asks for, in UTC.

    Raises
    ------
    InputError
        MB010 if it asks for no time.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    try:
        time = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    except (ValueError, OverflowError, OSError):
        fail("MB010", f"SOURCE_DATE_EPOCH is `{epoch[:40]}`, which is no time", hint="seconds since 1970, such as 0")
    return time.strftime("%Y-%m-%d %H:%M:%S UTC")

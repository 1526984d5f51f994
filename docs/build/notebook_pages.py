"""A notebook as a page of the site: its text, its code, and the outputs that are stored in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def markdown(path: Path) -> str:
    """The Markdown of a notebook, with a link to the file itself."""
    book = json.loads(path.read_text(encoding="utf-8"))
    parts = [part for cell in book["cells"] for part in parts_of(cell)]
    parts.insert(1, f"[The notebook]({path.name}){{ .download }} runs in Jupyter; the tests run it too.")
    return "\n\n".join(parts) + "\n"


def parts_of(cell: dict[str, Any]) -> Iterator[str]:
    """A cell's text, or its code and what it showed; HTML as it is."""
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
        return
    yield f"```python\n{source}\n```"
    for output in cell["outputs"]:
        data = output.get("data", {})
        if "text/html" in data:
            yield "<div>" + "".join(data["text/html"]).replace("\n", " ") + "</div>"
        else:
            text = "".join(output.get("text") or data["text/plain"]).rstrip("\n")
            yield f"```text\n{text}\n```"

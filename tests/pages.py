"""Pages of the documentation: their blocks, what runs them, and their links.

``python -m tests.pages`` writes what the commands print today into the captures of README and docs, and the results of
the notebooks' cells into the notebooks.

What a page may hold, and what is done with it, in the order of the page, in a folder of its own:

- ``bash``: commands, a line each. ``mbcost`` and ``python examples/...`` have to end with 0, or as ``# exit code 1`` at
  the end of the line says. Commands that install are in `INSTALLS` and not run.
- ``console``: ``$ mbcost ...`` and what it prints with 100 columns, to the letter.
- ``python``: run, all of a page in one scope. A number, text or tuple in a comment beside an expression is its value.
- any block with ``title="FILE"`` is that file.

``<!-- waits for: mbcost.compare -->`` in the line before a block: not run until there is such a name.
"""

from __future__ import annotations

import ast
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tokenize
from collections.abc import Iterator, Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from difflib import unified_diff
from functools import reduce
from pathlib import Path
from typing import Any, Final
from unittest import mock

import mbcost
from mbcost.__main__ import main as run_mbcost

ROOT: Final = Path(__file__).parent.parent
README: Final = ROOT / "README.md"
#: README first, then docs, but for the recipes of CONTRIBUTING, which ``tests/test_recipes.py`` performs.
PAGES: Final = tuple(
    path
    for path in (README, *sorted((ROOT / "docs").rglob("*.md")))
    if path.exists() and path.parent.name != "contributing"
)
EXAMPLES: Final = ROOT / "examples"
#: What installs or runs the tests: not run by them.
INSTALLS: Final = frozenset(
    {
        "python -m pip install . && mbcost analyze mobilenet_v2.yaml --device pixel1",
        "python -m pip install -e '.[test]' && python -m pytest -n auto",
        "python -m pip install .",
        "python -m pip install '.[onnx]'",
        "python -m pip install '.[parquet]'",
        "python -m pip install '.[serve]'",
        "python -m pip install '.[excel]'",
        "python -m pip install '.[torch,calibrate]'",
        "python -m pip install '.[calibrate]'",
        "python -m pip install torch --index-url https://download.pytorch.org/whl/cpu",
        "python -m pip install '.[calibrate]' jupyterlab",
        "jupyter lab examples/notebook_comparison.ipynb",
    }
)
#: Folders of the repository that pages name; everything else a page makes itself.
FOLDERS: Final = ("examples", "hardware_profiles", "reports", "benchmarks", "mbcost")

_FENCE: Final = re.compile(r"^```(?P<language>\w*)(?: title=\"(?P<title>[^\"]+)\")?\s*$")
_WAITS: Final = re.compile(r"^<!-- waits for: (?P<name>[\w.]+) -->$")
_LINK: Final = re.compile(r"\]\(\s*<?([^)>\s]+)>?\s*\)")
_EXIT: Final = re.compile(r"\s+# exit code (\d)$")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: where it starts, what it is, and the name that it waits for."""

    line: int
    language: str
    title: str
    text: str
    waits: str

    @property
    def is_due(self) -> bool:
        """Whether mbcost has what the block waits for."""
        return not self.waits or has(self.waits)


def has(name: str) -> bool:
    """Whether there is such a name in mbcost: ``mbcost.compare``."""
    _, *parts = name.split(".")
    missing = object()
    return reduce(lambda value, part: getattr(value, part, missing), parts, mbcost) is not missing


def blocks_of(text: str) -> list[Block]:
    """The fenced blocks of a page."""
    found: list[Block] = []
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        start = _FENCE.match(lines[number])
        if start is None:
            assert not lines[number].startswith("```"), f"line {number + 1}: a fence that the tests cannot read"
            number += 1
            continue
        end = next(i for i in range(number + 1, len(lines)) if lines[i].startswith("```"))
        waits = _WAITS.match(lines[number - 1]) if number else None
        body = "".join(f"{line}\n" for line in lines[number + 1 : end])
        name = waits["name"] if waits else ""
        found.append(Block(number + 1, start["language"], start["title"] or "", body, name))
        number = end + 1
    return found


def without_blocks(text: str) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```\s*$", "", text, flags=re.M | re.S)


def anchors(text: str) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.*)$", without_blocks(text), re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        found.add(re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-"))
    return found


def links(text: str) -> list[str]:
    """What the links and pictures of a page point to."""
    return _LINK.findall(re.sub(r"`[^`]*`", "", without_blocks(text)))


@dataclass
class Reader:
    """Follows a page from top to bottom in a folder.

    Attributes
    ----------
    folder
        Where commands are run and files are written.
    scope
        Names of the page's Python blocks.
    """

    folder: Path
    scope: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})

    def prepare(self) -> None:
        """Link what pages name of the repository, and write the models that stand for a reader's own."""
        for name in FOLDERS:
            (self.folder / name).symlink_to(ROOT / name)
        from tests.importers.tflite.from_table import as_tflite

        graph = mbcost.build_graph(mbcost.load("mobilenet_v1"))
        (self.folder / "model.tflite").write_bytes(as_tflite(graph))

    def follow(self, block: Block) -> None:
        """Do what a block says; an AssertionError says what it promised and did not hold."""
        if not block.is_due:
            return
        if block.title:
            (self.folder / block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "bash":
            for line in block.text.splitlines():
                self.command(line.strip())
        elif block.language == "console":
            promised, now = block.text.rstrip("\n").splitlines(), self.captured(block.text)
            assert promised == now, "\n".join(unified_diff(promised, now, "the page", "now", lineterm=""))
        elif block.language == "python":
            self.python(block.text)

    def captured(self, text: str) -> list[str]:
        """A capture as its commands print it now."""
        found: list[str] = []
        for line in text.splitlines():
            if line.startswith("$ "):
                code, out = self.run(line.removeprefix("$ "))
                assert code in (0, 1, 2), out
                found += [*([""] if found else []), line, *out.strip("\n").splitlines()]
        return [line.rstrip() for line in found]

    def command(self, line: str) -> None:
        """Run a command and look at its exit code, and at the file that it was asked for."""
        if not line or line.startswith("#") or line in INSTALLS:
            return
        stated = _EXIT.search(line)
        command = re.sub(r"\s+# .*$", "", line)
        code, out = self.run(command)
        assert code == (int(stated[1]) if stated else 0), f"{command}: {code}\n{out}"
        words = shlex.split(command)
        if "-o" in words and not stated:
            assert Path(self.folder, words[words.index("-o") + 1]).expanduser().exists(), command

    def run(self, command: str) -> tuple[int, str]:
        """Exit code and output of a command."""
        words = shlex.split(command)
        environment = {"HOME": str(self.folder), "COLUMNS": "100", "NO_COLOR": "1"}
        if words[0] == "mbcost" and not {"|", ">", "&&"} & set(words):
            out = io.StringIO()
            place = chdir(self.folder), mock.patch.dict(os.environ, environment)
            with place[0], place[1], redirect_stdout(out), redirect_stderr(out):
                code = run_mbcost(words[1:])
            return code, out.getvalue()
        assert words[0] in {"mbcost", "python", "mkdir", "cp"}, f"the tests do not run `{command}`"
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        result = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env={**os.environ, **environment, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        return result.returncode, result.stdout + result.stderr

    def python(self, text: str, filename: str = "<page>") -> Any:
        """Run statements, compare values with those in comments, and give the last expression's."""
        values = dict(_stated(text))
        result = None
        with chdir(self.folder), mock.patch.dict(os.environ, {"HOME": str(self.folder)}):
            for node in ast.parse(text).body:
                if isinstance(node, ast.Expr):
                    result = eval(compile(ast.Expression(node.value), filename, "eval"), self.scope)
                    if node.end_lineno in values:
                        shown = values[node.end_lineno]
                        assert is_as_stated(result, shown), f"{ast.unparse(node)} is {result!r}, not {shown}"
                else:
                    result = None
                    exec(compile(ast.Module([node], []), filename, "exec"), self.scope)
        return result


def _stated(text: str) -> Iterator[tuple[int, str]]:
    """Line and text of the comments that are a Python value."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            value = token.string.removeprefix("#").strip()
            try:
                ast.literal_eval(value)
            except (SyntaxError, ValueError):
                continue
            yield token.start[0], value


def is_as_stated(value: Any, shown: str) -> bool:
    """Whether a value is what was written, numbers to the digits that were written."""
    stated = ast.literal_eval(shown)
    if isinstance(stated, float):
        digits = len(shown.partition(".")[2].partition("e")[0])
        exponent = int(shown.partition("e")[2] or 0)
        return bool(abs(float(value) - stated) <= 0.51 * 10.0 ** (exponent - digits))
    return bool(value == stated)


def notebooks() -> list[Path]:
    return sorted(EXAMPLES.rglob("*.ipynb"))


def run_notebook(path: Path, folder: Path) -> list[list[dict[str, Any]]]:
    """The outputs of each code cell of a notebook now: what it prints, then its value."""
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    reader = Reader(folder)
    found = []
    for number, cell in enumerate(cells, 1):
        printed = io.StringIO()
        with redirect_stdout(printed):
            value = reader.python("".join(cell["source"]), f"{path.name}[{number}]")
        outputs: list[dict[str, Any]] = []
        if printed.getvalue():
            lines = printed.getvalue().splitlines(keepends=True)
            outputs.append({"name": "stdout", "output_type": "stream", "text": lines})
        if value is not None:
            result = {"data": shown(value), "execution_count": number, "metadata": {}}
            outputs.append({**result, "output_type": "execute_result"})
        found.append(outputs)
    return found


def shown(value: Any) -> Mapping[str, Any]:
    """What a notebook shows of a value, by MIME type."""
    data: dict[str, Any] = {"text/plain": repr(value).splitlines(keepends=True)}
    if hasattr(value, "_repr_html_"):
        data["text/html"] = value._repr_html_().splitlines(keepends=True)
    return data


def rewrite(path: Path, folder: Path) -> bool:
    """Write what the commands of a page print now into its captures; whether anything changed."""
    text = path.read_text(encoding="utf-8")
    if not any(block.language == "console" for block in blocks_of(text)):
        return False
    lines = text.splitlines()
    reader = Reader(folder)
    reader.prepare()
    changes: list[tuple[Block, list[str]]] = []
    for block in blocks_of(text):
        if block.language == "console" and not block.title and block.is_due:
            changes.append((block, reader.captured(block.text)))
        elif block.language == "python":
            continue
        else:
            reader.follow(block)
    for block, shows in reversed(changes):
        lines[block.line : block.line + block.text.count("\n")] = shows
    result = "\n".join(lines) + "\n"
    path.write_text(result, encoding="utf-8")
    return result != text


def refill(path: Path, folder: Path) -> bool:
    """Write what the cells of a notebook show now into it; whether anything changed."""
    before = path.read_text(encoding="utf-8")
    book = json.loads(before)
    cells = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    for number, (cell, outputs) in enumerate(zip(cells, run_notebook(path, folder), strict=True), 1):
        cell.update(execution_count=number, outputs=outputs)
    after = json.dumps(book, indent=1, ensure_ascii=False) + "\n"
    path.write_text(after, encoding="utf-8")
    return after != before


def _main() -> None:
    from tempfile import TemporaryDirectory

    for path in (*PAGES, *(notebooks() if has("mbcost.compare") else ())):
        with TemporaryDirectory() as folder:
            change = rewrite if path.suffix == ".md" else refill
            if change(path, Path(folder)):
                print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    _main()

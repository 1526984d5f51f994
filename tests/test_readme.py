"""Every command, every example and every claim of README, docs and examples is run."""

from __future__ import annotations

import inspect
import json
import re
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import mbcost
from mbcost.__main__ import main as run_mbcost
from mbcost.errors import CODES
from tests.pages import PAGES, README, ROOT, Reader, anchors, blocks_of, has, links, notebooks, run_notebook

pytestmark = pytest.mark.skipif(not (ROOT / "reports" / "gallery.py").exists(), reason="only in a checkout")

TEXTS = {path: path.read_text(encoding="utf-8") for path in PAGES}
TEXT = TEXTS.get(README, "")
DOCS = ROOT / "docs"
#: Pages whose commands need PyTorch.
TORCH = ("analyze-your-own-network", "measure-this-machine")
#: Networks, seconds in all and seconds a visit of a bench in the tests; a reader's takes three minutes.
TINY_BENCH = (12, 1.0, 0.001)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def commands(text: str) -> list[str]:
    return [line for block in blocks_of(text) if block.language == "bash" for line in block.text.splitlines() if line]


def test_two_commands_come_first() -> None:
    first, second = commands(TEXT)[:2]
    assert first == "python -m pip install . && mbcost analyze mobilenet_v2.yaml --device pixel1"
    assert second == "python -m pip install -e '.[test]' && python -m pytest -n auto"
    assert second in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_readme_is_short() -> None:
    assert TEXT.count("\n") <= 150


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_page(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A reader who follows the page from top to bottom sees what it says."""
    if path.stem in TORCH:
        pytest.importorskip("torch")
    _forget_the_machine(monkeypatch)
    reader = Reader(tmp_path)
    reader.prepare()
    for block in blocks_of(TEXTS[path]):
        try:
            reader.follow(block)
        except AssertionError as error:
            pytest.fail(f"{name_of(path)}:{block.line}: {error}", pytrace=False)
    assert not [block for block in blocks_of(TEXTS[path]) if block.language == "text" and "$ mbcost" in block.text]


def _forget_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No device files of whoever runs the tests, and a bench of a second."""
    from mbcost.runner import suites

    for variable in ("MBCOST_DEVICES", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setitem(suites.PLANS, "quick", suites.Plan(*TINY_BENCH))
    monkeypatch.delitem(sys.modules, "my_net", raising=False)


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    for link in links(TEXTS[path]):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = (path.parent / place).resolve() if place else path
        assert target.exists(), f"{link}: no such file"
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), f"{link}: no such heading"


def test_every_page_can_be_reached() -> None:
    """From README, link by link."""
    reached, waiting = set(), [README]
    while waiting:
        path = waiting.pop()
        if path in reached or path not in TEXTS:
            continue
        reached.add(path)
        waiting += [(path.parent / link.partition("#")[0]).resolve() for link in links(TEXTS[path]) if ":" not in link]
    assert reached == set(PAGES)


def test_no_two_pages_write_one_file() -> None:
    """A reader who goes from page to page is not stopped by a file that is there already."""
    names = re.findall(
        r" -o (\S+)| convert \S+ ([^\s-]\S*)", "\n".join(line for text in TEXTS.values() for line in commands(text))
    )
    written = [one or other for one, other in names]
    assert sorted(written) == sorted(set(written))


def test_every_language_of_a_block_is_known() -> None:
    known = {"bash", "console", "python", "yaml", "csv", "text", "json"}
    assert {block.language for text in TEXTS.values() for block in blocks_of(text)} <= known


def test_python_example() -> None:
    (example,) = [block for block in blocks_of(TEXT) if block.language == "python"]
    assert example.text.count("\n") <= 8


def test_own_networks_of_every_format() -> None:
    text = TEXTS[DOCS / "how-to" / "analyze-your-own-network.md"]
    formats = {word for command in commands(text) for word in re.findall(r"\.onnx|\.tflite|my_net:|\.yaml", command)}
    assert formats == {".onnx", ".tflite", "my_net:", ".yaml"}


def test_table_is_the_one_that_ships() -> None:
    text = TEXTS[DOCS / "how-to" / "write-a-table.md"]
    tables = [block.text for block in blocks_of(text) if block.text.startswith("name: mobilenet_v2\n")]
    shipped = (ROOT / "mbcost" / "architectures" / "tables" / "mobilenet_v2.yaml").read_text(encoding="utf-8")
    assert tables == [shipped]


def test_accuracy_is_that_of_the_report() -> None:
    report = (ROOT / "reports" / "accuracy.md").read_text(encoding="utf-8")
    starts = ("| mobilenet_", "| adreno", "| cortex", "| myriad")
    texts = [TEXTS[README], TEXTS[DOCS / "accuracy.md"]]
    rows = [line for text in texts for line in text.splitlines() if line.startswith(starts)]
    assert {row[:6] for row in rows} == {start[:6] for start in starts}
    assert all(row in report for row in rows)


def test_readme_counts_the_architectures() -> None:
    """In tens, so that a new one changes no page."""
    assert f"Over {(len(mbcost.architecture_names()) - 1) // 10 * 10} architectures ship by name" in TEXT


def test_readme_states_figures_of_the_report() -> None:
    section = TEXT.partition("\n## How accurate it is\n")[2].partition("\n## ")[0]
    names = ("reports/accuracy.md", "reports/phones.md", "docs/models/hexagon.md")
    pages = [(ROOT / name).read_text(encoding="utf-8") for name in names]
    report = "\n".join(pages).replace(" %", "%")
    figures = re.findall(r"\d+\.?\d*%", section)
    assert figures
    assert [figure for figure in figures if f" {figure}" not in report] == []


def test_report_is_what_its_command_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import accuracy  # type: ignore[import-not-found]

    assert accuracy.report() == (ROOT / "reports" / "accuracy.md").read_text(encoding="utf-8")


def column(text: str, heading: str) -> list[str]:
    """The first cells of the first table under a heading, without their code marks."""
    section = re.split(r"^#+ ", text.partition(f" {heading}\n")[2], maxsplit=1, flags=re.M)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [row.split("|")[1].strip().strip("`") for row in rows[2:]]


def test_every_error_code_is_explained() -> None:
    text = TEXTS[DOCS / "errors.md"]
    explained = re.findall(r"^\| `(MB\d{3})` \|", text, re.M)
    assert sorted(explained) == sorted(CODES)
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "mbcost").rglob("*.py"))
    assert set(explained) == set(re.findall(r'"(MB\d{3})"', source))
    for code, meaning in CODES.items():
        assert re.search(rf"^\| `{code}` \| {re.escape(meaning)} \|", text, re.M), f"{code}: {meaning}"


def commands_of(capsys: pytest.CaptureFixture[str], *group: str) -> list[str]:
    """The commands that ``mbcost --help``, or the help of a group, lists."""
    assert run_mbcost([*group, "--help"]) == 0
    _, _, box = capsys.readouterr().out.partition(" Commands ")
    return re.findall(r"^│ (\w+) ", box, re.M)


def test_every_command_has_a_section(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    text = TEXTS[DOCS / "command-line.md"]
    names = commands_of(capsys)
    assert re.findall(r"^## `mbcost (\w+)`$", text, re.M) == names
    for group in names:
        for name in commands_of(capsys, group):
            assert f"mbcost {group} {name}" in text


GRAPH = DOCS / "how-to" / "read-the-graph.md"


def test_every_attribute_of_a_node_is_in_the_table() -> None:
    graph = mbcost.analyze("mobilenet_v1", "pixel1").graph
    stated = column(TEXTS[GRAPH], "Attributes of a node")
    if not has("mbcost.compare"):  # comes with it
        stated.remove("kind")
    assert sorted(stated) == sorted(set().union(*(data for _, data in graph.nodes(data=True))))
    assert sorted(column(TEXTS[GRAPH], "Attributes of the graph")) == sorted(graph.graph)


def test_every_public_name_is_documented() -> None:
    text = TEXTS[DOCS / "python.md"]
    assert [name for name in mbcost.__all__ if f"`{name}" not in text and f"mbcost.{name}" not in text] == []


@pytest.mark.parametrize(
    "name",
    ["analyze", "compare", "sweep", "pick", "stream", "design", "convert", "calibrate", "validate", "bench", "measure"],
)
def test_every_parameter_is_documented(name: str) -> None:
    """In the section of the function, where it has come."""
    if not has("mbcost.compare"):
        pytest.skip("waits for mbcost.compare")
    function = getattr(mbcost, name)
    section = TEXTS[DOCS / "python.md"].partition(f"\n### `mbcost.{name}(")[2].partition("\n### ")[0]
    shared = TEXTS[DOCS / "python.md"].partition("\n## Parameters that many functions have\n")[2].partition("\n## ")[0]
    parameters = [each for each in inspect.signature(function).parameters if each not in {"args", "kwargs"}]
    assert [each for each in parameters if f"`{each}`" not in section + shared] == []


def test_every_form_has_a_page() -> None:
    from mbcost.kernels import load_runtime
    from mbcost.latency import FORMS

    index = TEXTS[DOCS / "models" / "README.md"]
    assert sorted(column(index, "Which page")) == sorted([*FORMS, "line_buffer"])
    for form, runtimes, devices in re.findall(r"^\| `(\w+)` \| \[.*\) \| ([\w., -]+) \| (.*) \|$", index, re.M):
        for runtime in runtimes.split(", "):
            assert load_runtime(runtime).form == form
        for device in re.findall(r"`([^`]+)`", devices):
            assert load_runtime(mbcost.resolve_target(device).runtime).form == form, device


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "models").glob("[!R]*.md")), ids=name_of)
def test_every_term_of_a_form_is_explained(path: Path) -> None:
    """Each term of the forms that the index sends to this page."""
    from mbcost.latency import find_form

    index = TEXTS[DOCS / "models" / "README.md"]
    rows = [line for line in index.splitlines() if line.startswith("| `") and f"({path.name}" in line]
    names = [row.split("`")[1] for row in rows]
    assert names
    for name in names:
        terms = () if name == "line_buffer" else find_form(name).terms
        assert [term.name for term in terms if f"| `{term.name}` |" not in TEXTS[path]] == [], name


def scripts() -> list[Path]:
    return sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("path", scripts(), ids=name_of)
def test_script(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _forget_the_machine(monkeypatch)
    waits = re.search(r"^# waits for: ([\w.]+)$", path.read_text(encoding="utf-8"), re.M)
    if waits and not has(waits[1]):
        pytest.skip(f"waits for {waits[1]}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [path.name])
    runpy.run_path(str(path), run_name="__main__")
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("path", notebooks(), ids=name_of)
def test_notebook(path: Path, tmp_path: Path) -> None:
    """Its cells run, and show what is stored in it, but for what pandas draws in its own way in each version."""
    if not has("mbcost.compare"):
        pytest.skip("waits for mbcost.compare")
    book = json.loads(path.read_text(encoding="utf-8"))
    assert (book["nbformat"], book["nbformat_minor"]) >= (4, 4)
    stored = [cell["outputs"] for cell in book["cells"] if cell["cell_type"] == "code"]
    now = run_notebook(path, tmp_path)
    assert any(now)
    for before, after in zip(stored, now, strict=True):
        assert [output["output_type"] for output in before] == [output["output_type"] for output in after]
        for one, other in zip(before, after, strict=True):
            assert one == other or is_drawn_by_pandas(other)


def is_drawn_by_pandas(output: Mapping[str, Any]) -> bool:
    return bool(re.search('dtype: |class="dataframe"', json.dumps(output).replace('\\"', '"')))

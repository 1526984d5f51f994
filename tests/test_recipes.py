"""Every recipe of CONTRIBUTING is performed on a copy of the checkout, and the files that it touches are counted.

``python -m pytest -s tests/test_recipes.py`` prints the table of CONTRIBUTING as it is now. What a recipe may hold:

- a block behind a paragraph that begins with a path and a colon: that file; a ``diff`` is what changes in it:
  hunks that ``@@`` separates, each with lines that occur once in the file;
- ``console``: ``$ command``, and what it prints at its end; ``...`` stands for anything.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path

import pytest

from tests.pages import ROOT, links

CONTRIBUTING = ROOT / "CONTRIBUTING.md"
PAGES = (CONTRIBUTING, *sorted((ROOT / "docs" / "contributing").glob("*.md")))
pytestmark = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="only in a checkout")

#: Most files that a recipe may touch: a recipe that needs more has to be made shorter, not this number larger.
MOST = {
    "device": 1,
    "operator": 5,
    "architecture": 2,
    "runtime": 1,
    "latency form": 6,
    "importer": 3,
    "output format": 4,
    "calibration": 3,
}
#: Kinds of files in the table, and how a path shows its kind.
KINDS = {"code": ("mbcost/*.py",), "data": ("*.yaml", "*.sha256", "*.csv"), "tests": ("tests/*",), "docs": ("*.md",)}

_FILE = re.compile(r"^`([\w./-]+)`:")
_FENCE = re.compile(r"^```(\w*)$")
_HEADING = re.compile(r"^##? Recipe: (.+)$")


@dataclass(frozen=True, slots=True)
class Step:
    """A file that is written or changed, or a command with the end of what it prints."""

    place: str
    kind: str
    subject: str
    text: str


@dataclass(slots=True)
class Recipe:
    """What a reader is told to do, in order."""

    name: str
    steps: list[Step] = field(default_factory=list)

    def file(self, path: str) -> str:
        """The text of a file that the recipe writes."""
        (text,) = (step.text for step in self.steps if step.kind == "file" and step.subject == path)
        return text


def recipes_of(page: Path) -> Iterator[Recipe]:
    """The recipes of a page."""
    found: Recipe | None = None
    paragraph = ""
    lines = iter(enumerate(page.read_text(encoding="utf-8").splitlines(), 1))
    before = ""
    for number, line in lines:
        if (fence := _FENCE.match(line)) is not None:
            body = []
            for _, inner in lines:
                if inner == "```":
                    break
                body.append(inner)
            if found is not None:
                found.steps += _steps(f"{page.name}:{number}", fence[1], paragraph, "\n".join([*body, ""]))
            paragraph = before = ""
            continue
        if line.startswith("#"):
            if found is not None and (line.startswith("## ") or _HEADING.match(line)):
                yield found
                found = None
            if (heading := _HEADING.match(line)) is not None:
                found = Recipe(heading[1])
        if line and not before:
            paragraph = line
        before = line
    if found is not None:
        yield found


def _steps(place: str, language: str, paragraph: str, text: str) -> Iterator[Step]:
    if language == "console":
        for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
            command, _, printed = part.partition("\n")
            yield Step(place, "run", command, printed)
    elif (path := _FILE.match(paragraph)) is not None:
        yield Step(place, "edit" if language == "diff" else "file", path[1], text)


RECIPES: Mapping[str, Recipe] = {recipe.name: recipe for page in PAGES for recipe in recipes_of(page)}


class Checkout:
    """A copy of the checkout, in which a reader follows recipes."""

    def __init__(self, folder: Path) -> None:
        self.root, self.home, tools = folder / "mbcost", folder / "home", folder / "bin"
        listed = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
        for name in names:
            if (ROOT / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.root / name)
        tools.mkdir()
        for name, arguments in (("python", ""), ("mbcost", " -m mbcost")):
            (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}"{arguments} "$@"\n', encoding="utf-8")
            (tools / name).chmod(0o755)
        unwanted = ("MBCOST_", "XDG_", "PYTEST_", "COV_")
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(unwanted)},
            "PATH": os.pathsep.join((str(tools), os.environ["PATH"])),
            "PYTHONPATH": str(self.root),
            "PYTEST_ADDOPTS": "-p no:cacheprovider -p no:randomly",
            "HOME": str(self.home),
            "COLUMNS": "100",
            "NO_COLOR": "1",
        }
        self.home.mkdir()
        self.before = self.files()

    def files(self) -> dict[str, str]:
        """Every file of the copy, with the hash of its content."""
        paths = (path for path in self.root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        unseen = (".hypothesis", ".ruff_cache", ".mypy_cache", ".import_linter_cache")
        named = ((str(path.relative_to(self.root)), path) for path in paths)
        return {name: sha256(path.read_bytes()).hexdigest() for name, path in named if not name.startswith(unseen)}

    def touched(self) -> list[str]:
        """The files that are new or changed."""
        return sorted(name for name, content in self.files().items() if self.before.get(name) != content)

    def restore(self) -> None:
        """Undo what was done to files."""
        for name in self.touched():
            if name in self.before:
                shutil.copy2(ROOT / name, self.root / name)
            else:
                (self.root / name).unlink()
        shutil.rmtree(self.home)
        self.home.mkdir()

    def follow(self, step: Step) -> None:
        """Do what a step says; an AssertionError says what it promised and did not hold."""
        if step.kind == "run":
            self.run(step)
            return
        path = self.root / step.subject
        if step.kind == "file":
            assert not path.exists(), f"{step.place}: {step.subject} is there already"
            path.write_text(step.text, encoding="utf-8")
            return
        text = path.read_text(encoding="utf-8")
        for hunk in re.split(r"^@@\n", step.text, flags=re.M):
            lines = [(line[:1], line[1:]) for line in hunk.splitlines()]
            old, new = ("".join(f"{line}\n" for sign, line in lines if sign != other) for other in "+-")
            count = f"\n{text}".count(f"\n{old}")
            newest = (
                step.subject == "CHANGELOG.md" and count > 1
            )  # each release has the same headings, the newest first
            assert count == 1 or newest, f"{step.place}: {step.subject} has this not once:\n{old}"
            text = f"\n{text}".replace(f"\n{old}", f"\n{new}", 1).removeprefix("\n")
        path.write_text(text, encoding="utf-8")

    def run(self, step: Step) -> None:
        """Run a command, which has to end with 0, and compare the end of what it prints."""
        code, out = self.shell(step.subject)
        assert code == 0, f"{step.place}: {step.subject}: {code}\n{out}"
        wanted = [line for line in step.text.splitlines() if line != "..."]
        ends = [line for line in out.splitlines() if line.strip()][-len(wanted) :] if wanted else []
        pairs = list(zip(wanted, ends, strict=False))
        alike = len(ends) == len(wanted) and all(fnmatchcase(line, _pattern(want)) for want, line in pairs)
        assert alike, f"{step.place}: {step.subject} ends in\n" + "\n".join(ends)

    def shell(self, command: str) -> tuple[int, str]:
        """Exit code and output of a command."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=240,
        )
        return done.returncode, done.stdout

    def python(self, code: str) -> None:
        """Run statements in a process of their own."""
        command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code)]
        done = subprocess.run(
            command, cwd=self.root, env=self.environment, capture_output=True, text=True, check=False, timeout=240
        )
        assert done.returncode == 0, done.stdout + done.stderr


def _pattern(want: str) -> str:
    return re.sub(r"([\[\]?*])", r"[\1]", want).replace("...", "*")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("copy"))


@pytest.fixture
def checkout(copy: Checkout) -> Iterator[Checkout]:
    """The copy as the checkout is."""
    yield copy
    copy.restore()


#: What works once a recipe was followed, beside its own commands.
WORKS = {
    "device": """
        import mbcost
        assert "my_phone" in mbcost.device_names(catalogue=True)
        analysis = mbcost.analyze("mobilenet_v2", "my_phone")
        # the layers of a MobileNet V2 take at least their products at the peak: 2 pipes of 4 lanes at 2.96 GHz
        assert analysis.latency_s > 300_774_272 / (4 * 2 * 2.96e9)
        """,
    "operator": """
        import mbcost, pathlib, tempfile
        path = pathlib.Path(tempfile.mkdtemp()) / "x.yaml"
        path.write_text("name: x\\nsource: a test\\ninput: 7x5x6\\nlayers: [{op: rms_norm}]\\n")
        analysis = mbcost.analyze(str(path), "pixel4")
        assert analysis.totals.params == 6
        assert [kernel.kind for kernel in analysis.kernels] == ["elementwise"]
        assert any("rms_norm" in warning and "assumed" in warning for warning in analysis.warnings)
        """,
    "architecture": """
        import mbcost
        assert "vgg11" in mbcost.architecture_names()
        assert mbcost.analyze("vgg11", "pixel1").latency_s < mbcost.analyze("vgg16", "pixel1").latency_s
        """,
    "runtime": """
        import mbcost
        analysis = mbcost.analyze("mobilenet_v1", "pixel4/gpu@my-runtime")
        assert analysis.form.name == "roofline"
        assert mbcost.analyze("mobilenet_v1", "xiaomi_mi9/gpu@my-runtime").latency_s > 0
        try:
            mbcost.analyze("mobilenet_v1", "pixel4/cpu@my-runtime")
        except mbcost.InputError as error:
            assert error.codes == ("MB304",)
        else:
            raise AssertionError("it runs on GPUs alone")
        """,
    "latency form": """
        import mbcost
        analysis = mbcost.analyze("mobilenet_v1", "pixel4@toy")
        assert analysis.form.name == "toy"
        assert list(analysis.rates) == ["products", "traffic"]
        """,
    "importer": """
        import mbcost, pathlib, tempfile
        folder = pathlib.Path(tempfile.mkdtemp())
        from tests.importers.test_ncnn import NETWORK
        (folder / "net.param").write_text(NETWORK)
        assert mbcost.analyze(str(folder / "net.param"), "pixel1").latency_s > 0
        mbcost.convert(str(folder / "net.param"), str(folder / "net.yaml"))
        one, other = (mbcost.analyze(str(folder / name), "pixel1") for name in ("net.param", "net.yaml"))
        assert one.totals.macs == other.totals.macs
        """,
    "output format": """
        import mbcost
        try:
            mbcost.analyze("mobilenet_v1", "pixel1").save("x.txe")
        except mbcost.InputError as error:
            assert ".tex" in str(error)
        """,
    "calibration": """
        import mbcost
        assert mbcost.analyze("mobilenet_v2", "pixel3a@xnnpack-2020").calibration.networks == 4
        """,
}


def row_of(name: str, touched: list[str]) -> str:
    """A row of the table: files in all, then of each kind, a test before what its suffix says."""
    left, counts = list(touched), {}
    for kind in ("tests", "code", "docs", "data"):
        mine = [path for path in left if any(fnmatchcase(path, pattern) for pattern in KINDS[kind])]
        left = [path for path in left if path not in mine]
        counts[kind] = len(mine)
    assert not left, left
    return f"| {name} | {len(touched)} | {' | '.join(str(counts[kind] or '') for kind in KINDS)} |"


@pytest.mark.parametrize("name", MOST)
def test_recipe(name: str, checkout: Checkout) -> None:
    for step in RECIPES[name].steps:
        checkout.follow(step)
    touched = checkout.touched()
    assert len(touched) <= MOST[name], touched
    scripts = [path for path in touched if path.endswith(".py")]
    for check in ("check", "format --check") if scripts else ():
        code, out = checkout.shell(f"python -m ruff {check} {' '.join(scripts)}")
        assert code == 0, out
    checkout.python(WORKS[name])
    row = row_of(name, touched)
    print(row)
    assert row in CONTRIBUTING.read_text(encoding="utf-8").splitlines()


def test_every_recipe_is_performed() -> None:
    assert sorted(RECIPES) == sorted(MOST) == sorted(WORKS)
    rows = re.findall(r"^\| ([\w ]+) \| \d", CONTRIBUTING.read_text(encoding="utf-8"), re.M)
    assert rows == list(MOST)


def test_contributing_is_readable() -> None:
    assert CONTRIBUTING.read_text(encoding="utf-8").count("\n") <= 250


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for link in links(page.read_text(encoding="utf-8")):
            assert link.startswith("https:") or (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_map_is_the_contract() -> None:
    """The rooms in the order of the import contract, none left out."""
    import tomllib

    text = CONTRIBUTING.read_text(encoding="utf-8").partition("\n## Where things are\n")[2].partition("\n## ")[0]
    table = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    shown = [name.removesuffix(".py") for cell in table for name in re.findall(r"`([\w.]+)`", cell)]
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (layers,) = (each["layers"] for each in settings["tool"]["importlinter"]["contracts"] if each["type"] == "layers")
    position = {
        name.removeprefix("mbcost."): number for number, line in enumerate(layers) for name in line.split(" : ")
    }
    assert sorted(shown) == sorted(position)
    assert [position[name] for name in shown] == sorted(position.values())


# -- users' doors: the same things without touching the package --------------------------------------------------------


def in_users_folder(checkout: Checkout, path: str, text: str) -> None:
    target = checkout.home / ".config" / "mbcost" / "devices" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")


def test_a_device_and_a_runtime_in_the_users_folder(checkout: Checkout) -> None:
    in_users_folder(checkout, "my_phone.yaml", RECIPES["device"].file("hardware_profiles/devices/my_phone.yaml"))
    runtime = RECIPES["runtime"].file("mbcost/kernels/runtimes/my-runtime.yaml")
    in_users_folder(checkout, "runtimes/my-runtime.yaml", runtime)
    checkout.python(WORKS["device"])
    checkout.python(WORKS["runtime"])
    assert checkout.touched() == []


def test_a_form_of_another_package(checkout: Checkout) -> None:
    """As its entry point says; the value is the one of the page."""
    page = (ROOT / "docs" / "contributing" / "latency-form.md").read_text(encoding="utf-8")
    group, point = re.findall(r'^\[project\.entry-points\."([\w.]+)"\]\n(.+)$', page, re.M)[0]
    recipe = RECIPES["latency form"]
    site = checkout.home / "site"
    info, package = site / "my_package-1.0.dist-info", site / "my_package"
    info.mkdir(parents=True)
    package.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my_package\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[{group}]\n{point.replace(chr(34), '')}\n", encoding="utf-8")
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "toy.py").write_text(recipe.file("mbcost/latency/forms/toy.py"), encoding="utf-8")
    in_users_folder(checkout, "runtimes/toy.yaml", recipe.file("mbcost/kernels/runtimes/toy.yaml"))
    checkout.python(f"import sys; sys.path.insert(0, {str(site)!r})\n{textwrap.dedent(WORKS['latency form'])}")
    assert checkout.touched() == []


# -- what the tests of recipes can see ---------------------------------------------------------------------------------


def test_a_recipe_that_does_not_hold_is_seen(checkout: Checkout) -> None:
    wrong = [
        Step("x", "edit", "CHANGELOG.md", "+once\n this is not in it\n"),
        Step("x", "file", "CHANGELOG.md", "it is there\n"),
        Step("x", "run", "echo one; echo two", "one\n"),
        Step("x", "run", "echo one", "zero\none\n"),
        Step("x", "run", "exit 3", ""),
    ]
    for step in wrong:
        with pytest.raises(AssertionError, match="x: "):
            checkout.follow(step)
    checkout.follow(Step("x", "run", "echo one; echo two of [2]", "one\ntwo ... [2]\n"))

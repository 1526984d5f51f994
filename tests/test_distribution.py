"""What is built and published works without the checkout: the wheel, and the wheel that is built from the sdist."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

import mbcost

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="only in a checkout")


def build(kind: str, source: Path, destination: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(destination)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (built,) = destination.iterdir()
    return built


@pytest.fixture(scope="module", params=["wheel", "sdist"])
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the package as an installed wheel has it."""
    source = ROOT
    if request.param == "sdist":
        archive = build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))
        unpacked = tmp_path_factory.mktemp("source")
        with tarfile.open(archive) as tar:
            tar.extractall(unpacked, filter="data")
        (source,) = unpacked.iterdir()
    wheel = build("wheel", source, tmp_path_factory.mktemp("wheel"))
    site = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive_file:
        archive_file.extractall(site)
    return site


def run(site: Path, folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_analyze_from_the_installed_package(installed: Path, tmp_path: Path) -> None:
    where = run(installed, tmp_path, "-c", "import mbcost; print(mbcost.__file__)")
    assert Path(where.strip()).is_relative_to(installed)
    output = run(
        installed, tmp_path, "-m", "mbcost", "analyze", "mobilenet_v2.yaml", "--device", "pixel1", "--format", "json"
    )
    assert json.loads(output)["totals"]["macs"] == 300_774_272


def test_package_is_complete(installed: Path) -> None:
    package = installed / "mbcost"
    assert (package / "py.typed").exists()
    for folder, shipped in (
        ("architectures/tables", ROOT / "mbcost" / "architectures" / "tables"),
        ("kernels/runtimes", ROOT / "mbcost" / "kernels" / "runtimes"),
        ("hardware_profiles", ROOT / "hardware_profiles"),
    ):
        wanted = {path.name for path in shipped.glob("*.yaml")}
        assert {path.name for path in (package / folder).glob("*.yaml")} == wanted
        assert wanted
    assets = ROOT / "mbcost" / "report" / "html" / "assets"
    assert {path.name for path in (package / "report" / "html" / "assets").iterdir()} == {
        path.name for path in assets.iterdir()
    }


def test_sdist_is_complete(tmp_path: Path) -> None:
    """It holds what packagers need: the tests, the profiles, the licence, how to cite, what changed."""
    with tarfile.open(build("sdist", ROOT, tmp_path)) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    assert names >= {"LICENSE", "README.md", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "pyproject.toml"}
    assert names >= {"mbcost/py.typed", "tests/conftest.py", "hardware_profiles/pixel1.yaml"}
    assert not [name for name in names if name.startswith((".ci", ".git/", "reports"))]


# What a release says of itself.


def releases() -> list[tuple[str, str, list[str]]]:
    """Version, date and headings of each release of the changelog, the newest first."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.split(r"^## (\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d)\)$", text, flags=re.MULTILINE)
    return [
        (version, date, re.findall(r"^### (.+)$", body, re.MULTILINE))
        for version, date, body in zip(found[1::3], found[2::3], found[3::3], strict=True)
    ]


def test_changelog_has_the_release() -> None:
    """Keep a Changelog's form, with the numbers that moved under a heading of their own."""
    newest, *_ = found = releases()
    assert newest[0] == mbcost.__version__
    assert [date for _, date, _ in found] == sorted((date for _, date, _ in found), reverse=True)
    for _, _, headings in found:
        allowed = ["Added", "Changed", "Changed numbers", "Deprecated", "Removed", "Fixed", "Security"]
        assert headings == [heading for heading in allowed if heading in headings]
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE)[0] == "Unreleased"


def test_citation_is_that_of_the_release() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    version, date, _ = releases()[0]
    assert (citation["version"], str(citation["date-released"])) == (version, date)
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors", "license"} <= set(citation)


def test_workflow_runs_what_ci_runs() -> None:
    """The Pythons of the workflow are those that the package claims, and each of its scripts is there."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    claimed = re.findall(r"Programming Language :: Python :: (3\.\d+)", project)
    assert workflow["jobs"]["pythons"]["strategy"]["matrix"]["python"] == claimed
    assert set(claimed) <= set((ROOT / ".ci" / "pythons").read_text(encoding="utf-8").replace("}", " ").split())
    commands = [step["run"].split()[0] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    scripts = {command for command in commands if command.startswith(".ci/")}
    assert scripts == {".ci/run", ".ci/selection"}
    assert all(os.access(ROOT / script, os.X_OK) for script in scripts)

"""What is built and published works without the checkout: the wheel, and the wheel that is built from the sdist."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

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

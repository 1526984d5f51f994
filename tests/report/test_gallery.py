"""The gallery of example reports: one command makes it, and it is complete."""

from __future__ import annotations

import importlib.util
import re
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "reports"
pytestmark = pytest.mark.skipif(not (FOLDER / "gallery.py").exists(), reason="only in a checkout")


@pytest.fixture(scope="module")
def gallery() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gallery", FOLDER / "gallery.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_index_is_current_and_its_files_are_there(gallery: ModuleType) -> None:
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == gallery.index()
    for example in gallery.EXAMPLES:
        assert (FOLDER / f"{example.name}.html").stat().st_size < 2_500_000
        assert 10_000 < (FOLDER / f"{example.name}.png").stat().st_size < 200_000
    text = (FOLDER / "screens.md").read_text(encoding="utf-8")
    assert text == gallery.screens_page()
    pictures = re.findall(r"\((screens/[^)]*)\)", text)
    assert len(pictures) == 4 * len(gallery.SCREENS)
    for picture in pictures:
        assert 5_000 < (FOLDER / picture).stat().st_size < 150_000


def test_the_command_makes_it(gallery: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def no_browser():
        yield None

    monkeypatch.setattr(gallery, "browser", no_browser)
    gallery.make(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"README.md", "screens.md", *(f"{example.name}.html" for example in gallery.EXAMPLES)}
    for example in gallery.EXAMPLES:
        text = (tmp_path / f"{example.name}.html").read_text(encoding="utf-8")
        assert str(tmp_path) not in text
        assert str(FOLDER.resolve().parent) not in text

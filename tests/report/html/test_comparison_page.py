"""The page of a comparison in a real browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import mbcost
from mbcost.insight.comparison import side_by_side
from mbcost.report.html.comparison import comparison_page
from tests.report.html.conftest import serious_violations, widths_that_overflow

NAMES = "#layers tbody button.name"


@pytest.fixture(scope="module")
def comparison() -> Any:
    return side_by_side(
        [mbcost.analyze(model, "pixel1") for model in ("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small")]
    )


@pytest.fixture(scope="module")
def page_file(comparison: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "comparison.html"
    path.write_text(comparison_page(comparison), encoding="utf-8")
    return path


def test_opens_and_agrees_with_the_json(visited: Any, page_file: Path, comparison: Any) -> None:
    page = visited(page_file)
    assert page_file.stat().st_size < 2_500_000
    for chart in ("classes", "parts", "pairs"):
        assert page.page.locator(f"#chart-{chart} svg.main-svg").count() > 0
    difference = float(page.page.locator('#layers tfoot [data-key="difference"]').get_attribute("data-value"))
    expected = (comparison.analyses[1].latency_s - comparison.first.latency_s) * 1e3
    assert difference == pytest.approx(expected, rel=1e-9)
    with page.page.expect_download() as download:
        page.page.locator("#save-json").click()
    assert json.loads(Path(download.value.path()).read_text()) == json.loads(json.dumps(comparison.to_dict()))


def test_switch_sort_and_select(visited: Any, page_file: Path, comparison: Any) -> None:
    page = visited(page_file)
    page.page.locator(".target").nth(1).click()
    page.page.locator('#layers th[data-key="difference"] button').click()
    page.page.locator('#layers th[data-key="difference"] button').click()
    moved = min(comparison.pairs(2), key=lambda pair: pair.difference_s)
    assert page.texts(NAMES)[0] == moved.name
    page.page.locator(NAMES).first.click()
    assert page.page.locator("#explain h3").inner_text() == moved.name
    assert comparison.reason(moved) in page.page.locator("#explain").inner_text()
    again = visited(page_file, page.page.evaluate("location.hash"))
    assert again.page.locator("#layers tr.selected").count() == 1


def test_a_point_selects_a_layer(visited: Any, page_file: Path) -> None:
    page = visited(page_file)
    page.page.evaluate("document.getElementById('chart-pairs').emit('plotly_click', {points: [{customdata: 0}]})")
    assert page.page.locator("#layers tr.selected").get_attribute("data-id") == "0"
    assert page.page.evaluate("document.getElementById('chart-pairs').layout.shapes.length") == 2


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(visited: Any, page_file: Path, axe: str, theme: str) -> None:
    assert serious_violations(visited(page_file, f"#layer=0&theme={theme}").page, axe) == []


def test_zoom(visited: Any, page_file: Path) -> None:
    assert widths_that_overflow(visited(page_file).page) == []

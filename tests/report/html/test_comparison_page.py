"""The page of a comparison in a real browser."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

import mbcost
from mbcost.insight.comparison import side_by_side
from mbcost.report.html.comparison import comparison_page
from tests.report.html.conftest import serious_violations, widths_that_overflow

NAMES = "#layers tbody button.name"


def unfold(page: Any) -> None:
    """Open the table of layers, which is folded where the layers of the two networks do not match."""
    page.locator("#each-layer").evaluate("node => { node.open = true; }")


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
    unfold(page.page)
    with page.page.expect_download() as download:
        page.page.locator("#save-json").click()
    assert json.loads(Path(download.value.path()).read_text()) == json.loads(json.dumps(comparison.to_dict()))


def test_switch_sort_and_select(visited: Any, page_file: Path, comparison: Any) -> None:
    page = visited(page_file)
    page.page.locator(".target").nth(1).click()
    unfold(page.page)
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
    assert page.page.locator("#figure-pairs .here h3").text_content() == page.texts("#explain h3")[0]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(visited: Any, page_file: Path, axe: str, theme: str) -> None:
    assert serious_violations(visited(page_file, f"#layer=0&theme={theme}").page, axe) == []


def test_zoom(visited: Any, page_file: Path) -> None:
    assert widths_that_overflow(visited(page_file).page) == []


@pytest.fixture(scope="module")
def unlike() -> Any:
    """Two networks without a common layer."""
    return side_by_side([mbcost.analyze(model, "pixel1") for model in ("mobilenet_v2", "resnet50")])


@pytest.fixture(scope="module")
def unlike_file(unlike: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "unlike.html"
    path.write_text(comparison_page(unlike), encoding="utf-8")
    return path


def test_unlike_networks_are_compared_by_class_and_image_size(visited: Any, unlike_file: Path, unlike: Any) -> None:
    page = visited(unlike_file)
    places = unlike.places(1)
    assert page.page.locator("#places tbody tr").count() == len([place for place in places if place.difference_s])
    first = page.texts("#places tbody tr:first-child > *")
    assert first[:2] == [places[0].name, places[0].size]
    assert page.page.locator("#chart-places svg.main-svg").count() > 0
    drawn = page.page.evaluate("document.getElementById('chart-places').data.flatMap(trace => trace.x)")
    both = sum(analysis.latency_s for analysis in unlike.analyses) * 1e3
    assert sum(drawn) == pytest.approx(both, rel=1e-9)
    assert not page.page.locator("#figure-pairs").is_visible()


def test_like_networks_are_compared_layer_by_layer(opened: Any, tmp_path: Path) -> None:
    found = side_by_side([mbcost.analyze("mobilenet_v2", "pixel1", alpha=alpha) for alpha in (1.0, 0.75)])
    path = tmp_path / "like.html"
    path.write_text(comparison_page(found), encoding="utf-8")
    page = opened(path).page
    assert page.locator("#figure-pairs svg.main-svg").count() > 0
    assert not page.locator("#unlike").is_visible()
    assert page.locator(NAMES).first.is_visible()


def test_provenance_stands_once(visited: Any, unlike_file: Path) -> None:
    labels = visited(unlike_file).texts("footer dt")
    assert labels.count("mbcost") == labels.count("calibration") == labels.count("runtime") == 1


def test_intervals_are_pictures_at_one_scale(visited: Any, unlike_file: Path, unlike: Any) -> None:
    page = visited(unlike_file).page
    widths = page.locator(".subject .band").evaluate_all("nodes => nodes.map(node => parseFloat(node.style.width))")
    factors = [math.log(one.latency_high_s / one.latency_low_s) for one in unlike.analyses]
    assert widths[1] / widths[0] == pytest.approx(factors[1] / factors[0], rel=1e-3)

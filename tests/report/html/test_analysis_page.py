"""The page of an analysis in a real browser: it opens offline, and every view does what it says."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

import mbcost
from mbcost import readable
from mbcost.errors import InputError
from mbcost.insight.live import live_of
from mbcost.insight.what_if import what_if
from mbcost.report.files import analysis as export
from mbcost.report.html import page as page_module
from mbcost.report.html.analysis import analysis_page
from mbcost.report.html.page import to_json
from tests.report.html.conftest import serious_violations, widths_that_overflow

CHARTS = ["by_class", "by_block", "roofline", "timeline", "memory", "arena"]
NAMES = "#layers tbody button.name"
HOSTILE = "</script><img src=x onerror=alert(1)>"


def row(name: str) -> str:
    return f'#layers tbody tr:has(button.name:text-is("{name}"))'


# -- the file ---------------------------------------------------------------------------------------------------------


def test_the_file_is_small_and_points_nowhere(one: Path) -> None:
    text = one.read_text(encoding="utf-8")
    assert len(text.encode()) <= 1_000_000
    own = re.sub(r'<script type="application/gzip".*?</script>', "", text, flags=re.DOTALL)
    assert not re.search(r'(src|href)="(?!data:|#)', own)
    assert 'http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;' in own


def test_the_same_analysis_makes_the_same_bytes(targets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = mbcost.load("mobilenet_v2")
    first = analysis_page(targets)
    again = analysis_page([mbcost.analyze(spec, target.target) for target in targets])
    strip = re.compile(r"<time>.*?</time>")
    assert strip.sub("", first) == strip.sub("", again)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert "<time>1970-01-01 00:00:00 UTC</time>" in analysis_page(targets)


@pytest.mark.parametrize("epoch", ["99999999999999999", "253402300800", "-1e9", "now", "\u00b2", "9" * 5000])
def test_a_time_that_is_none_is_refused(targets: Any, monkeypatch: pytest.MonkeyPatch, epoch: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    with pytest.raises(InputError, match="SOURCE_DATE_EPOCH is"):
        analysis_page(targets)


def test_no_analysis_is_an_error() -> None:
    with pytest.raises(InputError, match="there is no analysis to report"):
        analysis_page([])


def test_json_in_a_script_block_cannot_end_it() -> None:
    text = to_json({HOSTILE: float("inf"), "line": "\u2028"})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {HOSTILE: None, "line": "\u2028"}


# -- offline ----------------------------------------------------------------------------------------------------------


def test_opens_offline_and_draws_everything(opened: Any, one: Path) -> None:
    page = opened(one)
    assert page.requests == [one.as_uri()]
    for name in CHARTS:
        assert page.page.locator(f"#chart-{name} svg.main-svg").count() > 0, name
        assert page.page.locator(f"#figure-{name} figcaption").inner_text()
    assert page.page.locator("a[href^=http], .modebar-btn").count() == 0


def test_the_policy_is_in_force(opened: Any, one: Path) -> None:
    page = opened(one)
    add = "s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.head.append(s);"
    page.page.evaluate(f"() => {{ const {add} }}")
    assert page.page.evaluate("window.ran") is None
    assert page.page.evaluate("fetch('data:text/plain,x').then(() => 'fetched', () => 'refused')") == "refused"
    assert all("Content Security Policy" in error for error in page.errors)
    page.errors.clear()


def test_a_browser_that_cannot_unpack_says_so(opened: Any, one: Path) -> None:
    page = opened(one, drawn=False, init="delete window.DecompressionStream")
    assert "lacks DecompressionStream" in page.page.get_by_role("alert").inner_text()
    assert page.page.locator(NAMES).count() == 64
    assert page.page.locator(".card").count() == 6


def test_without_scripts_the_answers_are_there(opened: Any, one: Path, targets: Any) -> None:
    page = opened(one, drawn=False, java_script_enabled=False)
    assert readable.milliseconds(targets[0].latency_s) in page.page.locator("noscript").inner_text()


# -- numbers ----------------------------------------------------------------------------------------------------------


def test_rows_total_cards_and_json_agree(visited: Any, three: Path, targets: Any) -> None:
    page = visited(three)
    for number, analysis in enumerate(targets):
        page.page.locator(".target").nth(number).click()
        result = analysis.to_dict()
        total = page.page.locator('#layers tfoot [data-key="latency_ms"]')
        assert float(total.get_attribute("data-value")) == pytest.approx(result["latency_ms"], rel=1e-12)
        assert sum(layer["latency_ms"] for layer in result["layers"]) == pytest.approx(result["latency_ms"], rel=1e-12)
        macs = page.page.locator('#layers tfoot [data-key="macs"]').get_attribute("data-value")
        assert int(macs) == result["totals"]["macs"]
        card = page.page.locator('[data-card="latency"] .value').inner_text()
        assert f"{float(card.split()[0]):.2g}" == f"{result['latency_ms']:.2g}"
        ends = page.page.evaluate(
            "document.getElementById('chart-timeline').data.flatMap(t => t.x.map((x, i) => t.base[i] + x))"
        )
        assert max(ends) == pytest.approx(result["latency_ms"], rel=1e-12)


def turn(page: Any, name: str, value: str) -> None:
    script = "(node, value) => { node.value = value; node.dispatchEvent(new Event('input')); }"
    page.locator(f"#{name}").evaluate(script, value)


def live_seconds(page: Any) -> float:
    return float(page.locator("#what-if-answer").get_attribute("data-seconds"))


@pytest.mark.parametrize("number", [0, 1, 2])
def test_what_if_is_what_python_says(visited: Any, three: Path, targets: Any, number: int) -> None:
    page = visited(three, f"#view={number}").page
    analysis = targets[number]
    for precision in range(len(analysis.target.processor.precisions)):
        name = page.locator("#precision option").nth(precision).inner_text()
        for clock, bandwidth in [("0", "0"), ("0.7", "0"), ("0", "-0.5"), ("-1", "1")]:
            for knob, value in [("clock", clock), ("bandwidth", bandwidth), ("precision", name)]:
                turn(page, knob, value)
            expected = what_if(analysis, clock=2 ** float(clock), bandwidth=2 ** float(bandwidth), precision=name)
            assert live_seconds(page) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_sizes_of_the_live_panel_have_names_and_units(visited: Any, three: Path, number: int) -> None:
    heads = visited(three, f"#view={number}").texts("#live-grid thead th")
    assert heads[0] == "resolution"
    assert len(heads) > 1
    assert all(head.endswith("[ms]") for head in heads[1:])


@pytest.mark.parametrize("number", [0, 1, 2])
def test_every_size_of_the_live_panel_is_its_analysis(visited: Any, three: Path, targets: Any, number: int) -> None:
    page = visited(three, f"#view={number}").page
    analysis = targets[number]
    live = live_of(analysis)
    assert len(live.alphas) * len(live.sides) >= 9
    for column, alpha in enumerate(live.alphas):
        for row, side in enumerate(live.sides):
            turn(page, "alpha", str(column))
            turn(page, "resolution", str(row))
            expected = mbcost.analyze("mobilenet_v2", analysis.target, alpha=alpha, resolution=side)
            assert live_seconds(page) == pytest.approx(expected.latency_s, rel=1e-9), (alpha, side)


def test_threads_of_the_live_panel(visited: Any, one: Path) -> None:
    page = visited(one).page
    turn(page, "threads", "1")
    assert page.locator('output[for="threads"]').inner_text() == "2"
    turn(page, "alpha", "2")
    expected = mbcost.analyze("mobilenet_v2", "pixel1", threads=2, alpha=0.5)
    assert live_seconds(page) == pytest.approx(expected.latency_s, rel=1e-9)


def test_the_live_panel_is_kept_in_the_link(opened: Any, visited: Any, one: Path) -> None:
    page = visited(one).page
    for name, value in [("alpha", "3"), ("resolution", "3"), ("threads", "1"), ("precision", "int8"), ("clock", "0.5")]:
        turn(page, name, value)
    link = page.evaluate("location.hash")
    for word in ("alpha=0.75", "resolution=192", "threads=2", "precision=int8", "clock=1.414"):
        assert word in link
    again = opened(one, link).page
    assert live_seconds(again) == live_seconds(page)
    again.locator("#what-if").get_by_role("button", name="Reset").click()
    assert "alpha" not in again.evaluate("location.hash")
    assert "as it is" in again.locator("#what-if-answer").inner_text()


def test_a_cell_of_the_live_table_chooses_its_size(visited: Any, one: Path) -> None:
    page = visited(one).page
    cell = page.locator('#live-grid button[aria-label^="alpha 0.5, resolution 160"]')
    cell.click()
    assert "alpha=0.5&resolution=160" in page.evaluate("location.hash")
    assert page.locator("#what-if-answer strong").inner_text().startswith(cell.inner_text())


@pytest.mark.parametrize("words", ["alpha=7&resolution=1", "threads=99&precision=fp4&clock=9", "clock=x&bandwidth=-1"])
def test_a_setting_that_the_target_lacks_is_left_out(visited: Any, one: Path, targets: Any, words: str) -> None:
    assert live_seconds(visited(one, f"#{words}").page) == pytest.approx(targets[0].latency_s, rel=1e-9)


def test_explain_adds_up(visited: Any, one: Path, targets: Any) -> None:
    page = visited(one, "#layer=0").page
    assert page.locator("#explain h3").first.inner_text() == "conv2d_1"
    units = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9, "ps": 1e-12}
    times = [text.split() for text in page.locator("#explain tbody td:nth-child(4)").all_inner_texts()]
    total = sum(float(value) * units[unit] for value, unit in times)
    assert total == pytest.approx(targets[0].layers[0].latency_s, rel=0.01)  # shown with three digits
    assert readable.milliseconds(targets[0].layers[0].latency_s) in page.locator("#explain").inner_text()
    rates = page.locator("#explain tbody td:nth-child(3)").all_inner_texts()
    assert all(" per " in rate for rate in rates)  # as "a element" would not read
    page.locator("#explain summary").first.click()
    assert "fitted" in page.locator("#explain details").first.inner_text()


# -- the table --------------------------------------------------------------------------------------------------------


def test_sort(visited: Any, one: Path, targets: Any) -> None:
    page = visited(one)
    kernels = [targets[0].layers[kernel.main.position] for kernel in targets[0].kernels]
    by_time = [layer.name for layer in sorted(kernels, key=lambda layer: layer.latency_s, reverse=True)]
    header = page.page.locator('#layers th[data-key="latency_ms"]')
    assert header.get_attribute("aria-sort") == "descending"  # slowest first, without a click
    assert page.texts(NAMES) == by_time
    cumulative = [float(text) for text in page.texts("#layers tbody tr td:nth-child(5)")]
    assert cumulative == sorted(cumulative)
    assert cumulative[-1] == 100
    header.locator("button").click()
    assert header.get_attribute("aria-sort") == "ascending"
    assert page.texts(NAMES)[-1] == by_time[0]
    header.locator("button").click()
    assert page.texts(NAMES) == by_time
    page.page.locator('#layers th[data-key="position"]').click()
    assert page.texts(NAMES) == [layer.name for layer in kernels]


def test_the_whole_head_of_a_column_sorts(visited: Any, one: Path) -> None:
    page = visited(one).page
    head = page.locator('#layers th[data-key="macs"]')
    box = head.bounding_box()
    head.click(position={"x": 3, "y": box["height"] - 3})  # beside the word, in the corner of the cell
    assert head.get_attribute("aria-sort") == "descending"


def test_fused_layers_are_folded_into_their_kernel(visited: Any, one: Path, targets: Any) -> None:
    page = visited(one)
    kernel = next(one for one in targets[0].kernels if len(one.layers) > 1)
    names = [targets[0].layers[position].name for position in kernel.layers]
    assert not set(names[1:]) & set(page.texts(NAMES))
    line = page.page.locator(f'#layers tbody tr[data-id="{kernel.main.position}"]')
    assert line.locator("button.fold").inner_text() == f"+{len(names) - 1}"
    line.locator("button.fold").click()
    assert page.texts(".child button.name") == names[1:]
    macs = sum(targets[0].to_dict()["layers"][position]["macs"] for position in kernel.layers)
    line.locator("button.fold").click()
    assert page.page.locator(".child").count() == 0
    page.page.locator("#filter").fill(names[1])  # a filter finds a fused layer too, in its kernel
    assert page.texts(NAMES) == names[:2]
    total = page.page.locator('#layers tfoot [data-key="macs"]').get_attribute("data-value")
    assert int(total) == macs


def test_a_fused_layer_can_be_selected(visited: Any, one: Path, targets: Any) -> None:
    kernel = next(one for one in targets[0].kernels if len(one.layers) > 1)
    page = visited(one, f"#layer={kernel.layers[1]}").page
    assert page.locator("#layers tr.selected.child").get_attribute("data-id") == str(kernel.layers[1])


def test_filter_and_facets_change_the_total(visited: Any, one: Path, targets: Any) -> None:
    page = visited(one)
    page.page.locator("#filter").fill("BOTTLENECK_1/ depthwise")
    expected = [layer for layer in targets[0].layers if "bottleneck_1/" in layer.name and "depthwise" in layer.name]
    assert page.texts(NAMES) == [expected[0].name]  # the others are fused into it
    total = float(page.page.locator('#layers tfoot [data-key="latency_ms"]').get_attribute("data-value"))
    assert total == pytest.approx(sum(layer.latency_s for layer in expected) * 1e3)
    page.page.locator("#filter").fill("")
    page.page.locator('[data-facet="class"]').select_option(label="dense")
    assert page.texts(NAMES) == ["dense_1"]
    page.page.locator('[data-facet="class"]').select_option(label="all")
    assert page.page.locator(".count").inner_text() == "64 of 64 shown"


def test_columns(visited: Any, one: Path) -> None:
    page = visited(one)
    page.page.locator(".chooser summary").click()
    page.page.locator('.chooser input[value="params"]').check()
    page.page.locator('.chooser input[value="bound"]').uncheck()
    heads = page.texts("#layers thead th")
    assert "params" in heads
    assert "bound by" not in heads
    assert "columns=" in page.page.evaluate("location.hash")


# -- linked views -----------------------------------------------------------------------------------------------------


def assert_selected(page: Any, position: int, name: str) -> None:
    """Every view shows this layer."""
    assert page.locator("#layers tr.selected").get_attribute("data-id") == str(position)
    assert page.locator("#explain h3").first.inner_text() == name
    assert name in page.locator("#graph .node.selected title").text_content()
    ring = page.evaluate("document.getElementById('chart-roofline').data.at(-1).x.length")
    shapes = [
        page.evaluate(f"document.getElementById('chart-{chart}').layout.shapes.length")
        for chart in CHARTS[:2] + CHARTS[3:]
    ]
    assert (ring, shapes) == (1, [1, 1, 1, 1, 1])
    assert f"layer={position}" in page.evaluate("location.hash")


def test_a_selection_is_seen_in_all_views(visited: Any, one: Path, targets: Any) -> None:
    page = visited(one).page
    names = [layer.name for layer in targets[0].layers]
    page.locator(f"{row('bottleneck_2/expand')} button.name").click()
    assert_selected(page, names.index("bottleneck_2/expand"), "bottleneck_2/expand")
    page.locator('#graph .node.block:has-text("bottleneck_1")').first.click()  # unfolds it
    page.locator('#graph .node:has-text("bottleneck_1/depthwise")').click()
    assert_selected(page, names.index("bottleneck_1/depthwise"), "bottleneck_1/depthwise")
    for chart in ("roofline", "timeline", "memory", "arena"):
        position = names.index("conv2d_2" if chart == "roofline" else "bottleneck_3/expand")
        event = (
            f"document.getElementById('chart-{chart}').emit('plotly_click', {{points: [{{customdata: {position}}}]}})"
        )
        page.evaluate(event)
        assert_selected(page, position, names[position])


def test_a_bar_cuts_the_table_down(visited: Any, one: Path) -> None:
    page = visited(one)
    click = "document.getElementById('chart-by_class').emit('plotly_click', {points: [{pointNumber: 1}]})"
    page.page.evaluate(click)
    assert page.page.locator('[data-facet="class"]').evaluate("node => node.selectedOptions[0].text") == "depthwise 3x3"
    assert page.page.locator(NAMES).count() == 17
    here = page.page.locator("#figure-by_class .here")
    assert here.locator("h3").inner_text() == "depthwise 3x3"
    page.page.evaluate(click)
    assert page.page.locator(NAMES).count() == 64
    assert not here.is_visible()


def test_a_point_can_be_clicked(visited: Any, one: Path) -> None:
    page = visited(one).page
    page.locator("#chart-timeline .point path").first.scroll_into_view_if_needed()
    box = page.locator("#chart-timeline .point path").first.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector("#layers tr.selected")
    here = page.locator("#figure-timeline .here")  # it is explained right there
    assert here.locator("strong").inner_text().endswith("s")
    shown = here.bounding_box()
    assert shown["y"] >= 0
    assert shown["y"] + shown["height"] <= 900
    here.get_by_role("button", name="Close").click()
    assert not here.is_visible()


def test_a_link_restores_the_state(opened: Any, three: Path, targets: Any) -> None:
    first = opened(three).page
    first.locator(".target").nth(1).click()
    first.locator('#layers th[data-key="macs"] button').click()
    first.locator("#filter").fill("expand")
    first.locator("#layers tbody button.name").nth(2).click()
    first.locator("#theme").click()
    again = opened(three, first.evaluate("location.hash")).page
    for question in (
        "document.querySelector('.target[aria-pressed=true]').innerText",
        "[...document.querySelectorAll('#layers tbody button.name')].map(node => node.textContent).join()",
        "document.querySelector('#layers tr.selected').dataset.id",
        "document.querySelector('#explain h3').textContent",
        "document.documentElement.dataset.theme",
    ):
        assert first.evaluate(question) == again.evaluate(question), question


@pytest.mark.parametrize(
    "words", ["view=9&layer=9999", "layer=-1&sort=nothing&columns=x", "%%%", "is-class=77&theme=x"]
)
def test_a_broken_link_opens_the_page(visited: Any, one: Path, words: str) -> None:
    assert visited(one, f"#{words}").page.locator("#layers tr.selected").count() == 0


def test_the_graph_unfolds_zooms_and_shows_where_one_is(visited: Any, one: Path, targets: Any) -> None:
    page = visited(one).page
    blocks = {kernel.main.block for kernel in targets[0].kernels}
    assert page.locator("#graph .node").count() == len(blocks)
    page.get_by_role("button", name="Unfold all").click()
    assert page.locator("#graph .node").count() == len(targets[0].kernels)
    width = "document.querySelector('#graph .graph svg').getBoundingClientRect().width"
    before = page.evaluate(width)
    for _ in range(3):
        page.get_by_role("button", name="Zoom in").click()
    assert page.evaluate(width) == pytest.approx(before * 1.25**3)
    assert page.locator(".minimap .seen").is_visible()
    page.locator(".minimap").click(position={"x": 8, "y": 8})
    assert page.evaluate("document.querySelector('.graph').scrollLeft") == 0
    page.get_by_role("button", name="Fit into the window").click()
    assert not page.locator(".minimap").is_visible()
    page.get_by_role("button", name="Fold all", exact=True).click()
    assert page.locator("#graph .node").count() == len(blocks)


# -- what the pages looked like before ---------------------------------------------------------------------------------


def boxes_of(page: Any, selector: str) -> list[dict[str, float]]:
    found: list[dict[str, float]] = page.locator(selector).evaluate_all(
        "nodes => nodes.map(node => { const { x, y, width, height } = node.getBoundingClientRect();"
        " return { x, y, width, height }; })"
    )
    return found


def overlap(one: dict[str, float], other: dict[str, float]) -> bool:
    across = min(one["x"] + one["width"], other["x"] + other["width"]) - max(one["x"], other["x"])
    down = min(one["y"] + one["height"], other["y"] + other["height"]) - max(one["y"], other["y"])
    return across > 1 and down > 1


def test_every_roof_has_a_name_that_nothing_covers(visited: Any, three: Path) -> None:
    """The GPU of the Pixel 4 has five bandwidths and two peaks (hardware_profiles/pixel4.yaml)."""
    page = visited(three, "#view=1").page
    page.locator("#chart-roofline").scroll_into_view_if_needed()
    labels = boxes_of(page, "#chart-roofline .annotation-text-g")
    assert len(labels) == 7
    ticks = boxes_of(page, "#chart-roofline .xtick text, #chart-roofline .ytick text, #chart-roofline .ytitle")
    places = [*labels, *ticks]
    assert not [pair for pair in itertools.combinations(places, 2) if overlap(*pair)]


def test_points_of_the_roofline_are_explained(visited: Any, three: Path) -> None:
    words = visited(three, "#view=1").page.locator("#figure-roofline figcaption").inner_text()
    assert "Each point is a kernel" in words
    assert "below a tenth of what their roofs allow" in words
    assert "fixed costs of every kernel" in words


def test_a_guess_looks_unsure(visited: Any, three: Path, targets: Any) -> None:
    """The band is as wide as the interval on a logarithmic scale that all targets share; a bound is marked."""
    page = visited(three).page
    widths = {}
    for number, basis in enumerate(["calibrated", "same core", "bound"]):
        page.locator(".target").nth(number).click()
        assert page.locator(".headline .basis").inner_text() == basis
        band = page.locator(".headline .band")
        widths[number] = float(band.evaluate("node => parseFloat(node.style.width)"))
        mark = page.locator(".headline .value").evaluate("node => getComputedStyle(node, '::before').content")
        assert mark == ('"≈ "' if basis == "bound" else "none")
    for number, analysis in enumerate(targets):
        relative = math.log(analysis.latency_high_s / analysis.latency_low_s)
        first = math.log(targets[0].latency_high_s / targets[0].latency_low_s)
        assert widths[number] / widths[0] == pytest.approx(relative / first, rel=1e-3)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MobileNet V2 with names as torch.onnx.export writes them: every scope repeats the path before it."""
    analysis = mbcost.analyze("mobilenet_v2", "pixel1")
    layers = analysis.layer_graph.layers
    blocks = list(dict.fromkeys(layer.block for layer in layers))
    names = {
        layer.position: f"features_features.{blocks.index(layer.block)}_conv_conv.{layer.position}_{layer.op}"
        for layer in layers
    }
    path = tmp_path_factory.mktemp("page") / "imported.html"
    path.write_text(analysis_page([renamed(analysis, names)]), encoding="utf-8")
    return path


def test_an_imported_network_has_few_blocks_and_short_names(opened: Any, imported: Path) -> None:
    page = opened(imported, width=1400)
    bars = page.page.evaluate("document.getElementById('chart-by_block').layout.yaxis.ticktext")
    assert bars == [f"features.{number}" for number in range(21)]
    assert not [name for name in page.texts(NAMES) if "features_features" in name]
    box = page.page.locator("#layers .scroller")
    assert box.evaluate("node => node.scrollWidth <= node.clientWidth + 1")  # no column is cut
    title = page.page.locator(NAMES).first.get_attribute("title")
    assert title.startswith("features_features.")  # the whole name is at hand


def test_long_names_stay_clear_of_the_numbers_beside_them(opened: Any, tmp_path: Path) -> None:
    """Names as torch.onnx.export writes them without scopes; a block is called by its first and last layer."""
    analysis = mbcost.analyze("mobilenet_v2", "pixel1")
    names = {layer.position: f"node_Conv_{280 + layer.position}" for layer in analysis.layer_graph.layers}
    (tmp_path / "long.html").write_text(analysis_page([renamed(analysis, names)]), encoding="utf-8")
    page = opened(tmp_path / "long.html", width=1400).page
    page.locator("#graph").scroll_into_view_if_needed()
    texts = boxes_of(page, "#graph .node.block text")
    blocks = [texts[start : start + 3] for start in range(0, len(texts), 3)]  # name, kernels, time
    assert len(blocks) > 5
    assert not [pair for block in blocks for pair in itertools.pairwise(block) if overlap(*pair)]
    assert any(text.endswith("…") for text in page.locator("#graph .node.block text").all_text_contents())


#: Of each cell with a bar: where the bar begins and ends, and where the number does, from the cell's left side [px].
BARS = """nodes => nodes.map(node => {
    const [cell, bar] = [node.getBoundingClientRect(), getComputedStyle(node, "::before")];
    const words = document.createRange();
    words.selectNodeContents(node);
    const [text, start] = [words.getBoundingClientRect(), parseFloat(bar.left)];
    return [start, start + parseFloat(bar.width), text.left - cell.left, text.right - cell.left, cell.width];
})"""


@pytest.mark.parametrize("width", [1400, 390])
def test_bars_in_cells_begin_at_one_place_and_leave_numbers_free(opened: Any, one: Path, width: int) -> None:
    page = opened(one, width=width).page
    for name in ("#hints", "#layers"):
        page.locator(name).scroll_into_view_if_needed()
        bars = page.locator(f"{name} td.barred").evaluate_all(BARS)
        assert len(bars) > 2
        assert len({start for start, *_ in bars}) == 1
        assert all(0 < end < left < right <= size for _, end, left, right, size in bars)


def test_columns_that_are_cut_say_so(opened: Any, imported: Path) -> None:
    page = opened(imported, width=390).page
    page.locator("#layers").scroll_into_view_if_needed()
    frame = page.locator("#layers .frame").first
    page.wait_for_function("() => document.querySelector('#layers .frame').dataset.more === 'right'")
    assert "scroll sideways" in page.locator("#layers .more").inner_text()
    frame.locator(".scroller").evaluate("node => { node.scrollLeft = node.scrollWidth; }")
    page.wait_for_function("() => document.querySelector('#layers .frame').dataset.more === 'left'")


def test_a_phone(opened: Any, three: Path) -> None:
    """390 pixels: nothing is wider than the window, no chart has turned names, no text of a chart leaves its card."""
    page = opened(three, "#view=1", width=390).page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for name in CHARTS:
        page.locator(f"#figure-{name}").scroll_into_view_if_needed()
        card = boxes_of(page, f"#figure-{name}")[0]
        texts = boxes_of(page, f"#chart-{name} svg text")
        assert all(
            card["x"] <= one["x"] + 1 and one["x"] + one["width"] <= card["x"] + card["width"] + 1 for one in texts
        )
        turned = page.locator(f"#chart-{name} .xtick text").evaluate_all(
            "nodes => nodes.filter(node => /rotate\\((?!0)/.test(node.getAttribute('transform') ?? '')).length"
        )
        assert turned == 0, name


# -- files ------------------------------------------------------------------------------------------------------------


def saved(page: Any, selector: str) -> bytes:
    with page.expect_download() as download:
        page.locator(selector).click()
    return Path(download.value.path()).read_bytes()


def test_saved_files_hold_what_the_command_line_writes(visited: Any, three: Path, targets: Any) -> None:
    page = visited(three).page
    for number, analysis in enumerate(targets):
        page.locator(".target").nth(number).click()
        assert saved(page, "#save-csv").decode() == export.to_csv([analysis])
        assert json.loads(saved(page, "#save-json")) == json.loads(export.to_json([analysis]))
    page.locator("#filter").fill("conv2d_2")
    assert saved(page, "#save-csv").decode().count("\n") == 4  # conv2d_2 and the two layers in it


def test_pictures(visited: Any, one: Path) -> None:
    page = visited(one).page
    assert saved(page, '#figure-roofline [data-save="png"]').startswith(b"\x89PNG\r\n")
    picture = saved(page, '#figure-by_class [data-save="svg"]').decode()
    assert picture.startswith("<svg")
    assert "pointwise" in picture


# -- for everybody ----------------------------------------------------------------------------------------------------


def background(page: Any) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_dark_mode(opened: Any, one: Path) -> None:
    page = opened(one).page
    light = background(page)
    page.locator("#theme").click()
    assert background(page) != light
    assert page.locator("#theme").inner_text() == "Light theme"
    font = "document.getElementById('chart-roofline').layout.font.color"
    assert page.evaluate(font) == page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--text')")
    dark = background(page)
    assert background(opened(one, color_scheme="dark").page) == dark


def test_print(opened: Any, one: Path) -> None:
    page = opened(one, color_scheme="dark").page
    page.emulate_media(media="print")
    page.wait_for_function("() => document.documentElement.dataset.theme === 'light'")
    assert background(page) == "rgb(255, 255, 255)"
    assert not page.locator("nav").is_visible()
    assert not page.locator("#layers .controls").is_visible()
    table = page.locator("#layers .scroller")
    assert table.evaluate("node => node.scrollHeight <= node.clientHeight")
    assert page.pdf().startswith(b"%PDF")


def test_keyboard_only(opened: Any, one: Path, targets: Any) -> None:
    page = opened(one).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('name')"):
            break
    assert page.evaluate("document.activeElement.innerText") == page.locator(NAMES).first.inner_text()
    page.locator('#layers th[data-key="position"] button').focus()
    page.keyboard.press("Enter")  # in the order of execution
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('name')"):
            break
    names = [targets[0].layers[kernel.main.position].name for kernel in targets[0].kernels]
    position = targets[0].kernels[3].main.position
    assert page.evaluate("document.activeElement.innerText") == names[0]
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    assert_selected(page, position, names[3])
    assert page.evaluate("document.activeElement.innerText") == names[3]
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.innerText") == names[-1]


def test_zoom(visited: Any, three: Path) -> None:
    """1280 pixels at 200 % zoom are 640, at 400 % 320: nothing scrolls sideways."""
    assert widths_that_overflow(visited(three, "#layer=3").page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(visited: Any, three: Path, axe: str, theme: str) -> None:
    page = visited(three, f"#layer=3&theme={theme}").page
    assert serious_violations(page, axe) == []


# -- hostile names, large and empty networks --------------------------------------------------------------------------


def renamed(analysis: mbcost.Analysis, names: dict[int, str]) -> mbcost.Analysis:
    """The same analysis with other names of some layers, which are the names of their blocks too."""

    def rename(layer: Any) -> Any:
        name = names.get(layer.position)
        return layer if name is None else layer._replace(name=name, block=name)

    graph = analysis.layer_graph
    layers = tuple(map(rename, graph.layers))
    kernels = tuple(kernel._replace(main=layers[kernel.main.position]) for kernel in analysis.kernels)
    title = names.get(-1, graph.title)
    return dataclasses.replace(
        analysis, layer_graph=dataclasses.replace(graph, layers=layers, title=title), kernels=kernels
    )


def test_hostile_names_do_no_harm(opened: Any, targets: Any, tmp_path: Path) -> None:
    names = {-1: HOSTILE, 0: HOSTILE, 3: "x" * 10_000, 6: '<a href="https://example.com">go</a>', 9: "\u202e\x1b[31m"}
    path = tmp_path / "hostile.html"
    path.write_text(analysis_page([renamed(targets[0], names)]), encoding="utf-8")
    page = opened(path, "#layer=0", width=1280)
    assert page.page.locator("img[src=x], main a").count() == 0
    assert HOSTILE in page.texts(NAMES)
    assert page.page.locator("#explain h3").first.inner_text() == HOSTILE
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 1280
    page.page.locator('#layers tbody tr[data-id="3"] button.name').click()
    assert page.page.locator("#explain h3").first.inner_text().startswith("xxx")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """500 convolutions on three targets."""
    folder = tmp_path_factory.mktemp("large")
    rows = "".join(f"  - {{name: layer_{number}, op: conv2d, out: 16, kernel: 3}}\n" for number in range(500))
    (folder / "large.yaml").write_text(f"name: large\nsource: made up\ninput: 32x32x3\nlayers:\n{rows}")
    spec = mbcost.load(folder / "large.yaml")
    path = folder / "large.html"
    analyses = [mbcost.analyze(spec, target) for target in ("pixel1", "pixel4/gpu", "zcu102")]
    path.write_text(analysis_page(analyses), encoding="utf-8")
    return path


def milliseconds_to(page: Any, what: str) -> int:
    return int(page.evaluate(f"document.documentElement.dataset.{what}"))


def test_charts_are_drawn_within_a_second(
    opened: Any, one: Path, targets: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second on a quiet machine; here twice that, and three quarters of what the page takes with all of Plotly."""
    with monkeypatch.context() as patch:
        patch.setattr(page_module, "without_unused", lambda script: script)
        page_module._plotly.cache_clear()
        whole = tmp_path / "whole.html"
        whole.write_text(analysis_page(targets[:1]), encoding="utf-8")
    page_module._plotly.cache_clear()
    reference = milliseconds_to(opened(whole).page, "charts")
    least = min(milliseconds_to(opened(one).page, "charts") for _ in range(2))
    assert least <= 2_000
    assert least <= 0.75 * reference


def test_500_layers_on_three_targets(opened: Any, large: Path) -> None:
    page = opened(large)
    assert milliseconds_to(page.page, "drawn") <= 6_000  # 3 s on a quiet machine
    assert page.page.locator(NAMES).count() == 500
    page.page.locator(".target").nth(2).click()
    assert page.page.locator("#graph .node").count() <= 25
    page.page.get_by_role("button", name="Unfold all").click()
    assert page.page.locator("#graph .node").count() == 500


def test_a_network_without_work(opened: Any, tmp_path: Path) -> None:
    table = tmp_path / "nothing.yaml"
    table.write_text("name: nothing\nsource: made up\ninput: 8x8x3\nlayers:\n  - {op: flatten}\n")
    path = tmp_path / "nothing.html"
    path.write_text(analysis_page([mbcost.analyze(table, "pixel1")]), encoding="utf-8")
    page = opened(path, "#layer=0").page
    assert page.locator(NAMES).count() == 1
    assert "Nothing in this network takes time" in page.locator(".verdict").inner_text()

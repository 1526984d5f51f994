"""A real server and a real browser: from a dropped file to the downloaded report, and through a kill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from mbcost.serve.client import ask
from mbcost.serve.storage import Store
from tests.report.html.conftest import Opened, widths_that_overflow
from tests.serve.conftest import SMALL, TYPO, Server, Start

#: Drops a file as a user does; a browser gives scripts no other way to make one.
DROP = """([name, content]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([content], name));
    document.getElementById("drop").dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, bubbles: true}));
}"""
PATIENCE_MS = 60_000


class Tab(Opened):
    """A tab of the app."""

    def __init__(self, page: Any, url: str) -> None:
        super().__init__(page)
        self.url = url
        page.set_default_timeout(PATIENCE_MS)
        self.open(url)

    def open(self, url: str) -> None:
        self.page.goto(url)
        self.page.wait_for_selector("html[data-ready]")

    def drop(self, name: str, content: str) -> None:
        self.page.evaluate(DROP, [name, content])
        self.page.wait_for_function("() => !document.getElementById('run').disabled")

    def choose(self, device: str) -> None:
        self.page.fill("#search", device)
        self.page.locator(f"#found button:has-text('{device}')").first.click()  # once the search is answered
        self.page.wait_for_selector("#devices li")

    def run(self) -> None:
        self.page.click("#run")

    def shown(self) -> str:
        self.page.wait_for_selector("#shown:not([hidden])")
        return str(self.page.inner_text("#title"))

    def check(self) -> None:
        """Nothing went wrong, and nothing but the server was asked."""
        assert self.errors == []
        assert [url for url in self.requests if not url.startswith((self.url, "data:", "blob:"))] == []


@pytest.fixture
def tab(browser: Any, server: Server) -> Iterator[Any]:
    """Open tabs of one browser at the shared server."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    tabs: list[Tab] = []

    def open_tab(url: str = server.url) -> Tab:
        tabs.append(Tab(context.new_page(), url))
        return tabs[-1]

    yield open_tab
    context.close()
    for each in tabs:
        each.check()


def test_drop_page_download(tab, tmp_path):
    first = tab()
    first.drop("small.yaml", SMALL)
    first.choose("Pixel 4")
    first.run()
    assert first.shown().startswith("Small, 32x32x3, on pixel4/cpu")
    report = first.page.frame_locator("#report")
    report.locator("html[data-drawn]").wait_for()
    assert "Small" in report.locator("h1").inner_text()
    report.locator("#theme").click()  # its script works in the origin of its own
    report.locator("html[data-theme=dark]").wait_for()
    downloads = {}
    for label in ("↓ Report", "↓ JSON", "↓ YAML table"):
        with first.page.expect_download() as waiting:
            first.page.click(f"#links a:text-is('{label}')")
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        downloads[label] = path
    assert downloads["↓ Report"].name == "small.yaml.report.html"
    assert json.loads(downloads["↓ JSON"].read_text())["architecture"] == "small"
    # what was downloaded is what a user keeps: the page opens from disk, the table loads
    first.page.goto(downloads["↓ Report"].as_uri())
    first.page.wait_for_selector("html[data-drawn]")
    first.requests.clear()
    command = [
        sys.executable,
        "-m",
        "mbcost",
        "analyze",
        str(downloads["↓ YAML table"]),
        "-d",
        "pixel4",
        "--format",
        "json",
    ]
    again = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert again["latency_ms"] == json.loads(downloads["↓ JSON"].read_text())["latency_ms"]


def test_errors_are_shown_as_text(tab):
    first = tab()
    first.drop("<img src=x onerror=alert(1)>.yaml", TYPO)
    first.choose("Pixel 4")
    first.run()
    first.page.wait_for_selector("#problem .problem")
    assert "--> _img_src_x_onerror_alert(1)_.yaml:5:38" in first.page.inner_text("#problem")
    assert "did you mean `stride`?" in first.page.inner_text("#problem")
    assert first.page.locator("img").count() == 0


def test_long_words_of_a_problem_are_not_cut(tab):
    first = tab()
    first.drop("long.yaml", TYPO.replace("strid", "strid_" * 60))
    first.choose("Pixel 4")
    first.run()
    first.page.wait_for_selector("#problem .problem")
    inside = "node => node.getBoundingClientRect().right <= node.closest('.problem').getBoundingClientRect().right"
    words = first.page.locator("#problem .words")
    assert "strid_strid_" in words.first.inner_text()
    assert all(words.nth(number).evaluate(inside) for number in range(words.count()))
    quoted = first.page.locator("#problem .quoted")  # the line of the file and the mark below it keep their columns
    assert quoted.count() >= 2
    assert all(text.count("\n") == 1 for text in quoted.all_text_contents())


@pytest.mark.slow
def test_compare_sweep_and_pick(tab):
    first = tab()
    for name in ("mobilenet_v2", "mobilenet_v1"):
        first.page.fill("#name", name)
        first.page.keyboard.press("Enter")
    first.choose("Pixel 4")
    first.page.check("#kinds input[value=compare]", force=True)
    first.run()
    assert first.shown() == "mobilenet_v2 · mobilenet_v1"
    first.page.check("#kinds input[value=sweep]", force=True)
    first.page.fill("#alpha", "0.5,1")
    first.run()
    first.page.wait_for_selector("#headline:has-text('4 configurations')")
    first.page.fill("#alpha", "")
    first.page.check("#kinds input[value=pick]", force=True)
    first.page.fill("#budget", "20ms")
    first.run()
    first.page.wait_for_selector("#headline:has-text('fits 20ms')")


def test_two_tabs_do_not_disturb_each_other(tab):
    tabs = [tab(), tab()]
    for each, name in zip(tabs, ("mobilenet_v1", "resnet18"), strict=True):
        each.page.fill("#name", name)
        each.choose("Pixel 4")
    for each in tabs:
        each.run()
    first, second = (each.shown() for each in tabs)
    assert "MobileNet V1" in first
    assert "ResNet-18" in second
    assert tabs[0].page.url != tabs[1].page.url
    tabs[1].page.evaluate("dispatchEvent(new Event('focus'))")
    tabs[1].page.wait_for_selector("#list tr:has-text('MobileNet V1')")
    assert "ResNet-18" in tabs[1].page.inner_text("#title")


@pytest.mark.slow
def test_layout_and_accessibility(tab):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    first = tab()
    first.page.fill("#name", "mobilenet_v1")
    first.choose("Pixel 4")
    first.run()
    first.shown()
    for _ in range(2):  # light and dark
        found = axe.run(first.page, options={"iframes": False}).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
        first.page.click("#theme")
    assert widths_that_overflow(first.page) == []


# -- without a browser ------------------------------------------------------------------------------------------------


def test_a_killed_server_loses_nothing_that_was_finished(start: Start, tmp_path: Path) -> None:
    """Uploads and results are there again, and what was asked for and not done yet is done."""
    (tmp_path / "small.yaml").write_text(SMALL)
    folder = tmp_path / "state"
    first = start(folder, "--workers", "1")
    upload = first.upload(tmp_path / "small.yaml")
    key = first.analyze({"upload": upload})
    done = first.wait(key)
    first.end(kill=True)
    asked = {"kind": "analyze", "networks": [{"upload": upload}], "devices": ["pixel4"]}
    waiting = Store(folder).ask(
        {"asked": asked, "label": "small.yaml"}
    )  # as if it had been killed before this was done
    second = start(folder, "--workers", "1")
    assert second.url != first.url
    listed = ask(second.url, "GET", f"/api/results/{key}")
    assert listed == done
    assert second.wait(waiting)["state"] == "done"
    assert second.wait(second.analyze({"upload": upload}))["state"] == "done"
    with urlopen(f"{second.url}/results/{key}/report.html") as page:
        assert page.read() == (folder / "results" / key / "outcome" / "report.html").read_bytes()


def test_100_mb(server: Server, tmp_path: Path) -> None:
    """Neither the server's memory nor its time grows with an upload, and it ends in an error that says why."""
    path = tmp_path / "zeros.onnx"
    with path.open("wb") as stream:
        stream.truncate(100 * 10**6)
    before = peak_memory(server.process.pid)
    found = server.wait(server.analyze({"upload": server.upload(path)}))
    assert found["state"] == "failed"
    assert found["codes"][0].startswith("MB5")
    assert peak_memory(server.process.pid) - before < 40 * 2**20


def peak_memory(pid: int) -> int:
    """The most memory that a process had [B], on Linux; 0 elsewhere."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def run_open(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mbcost", "open", *arguments, "--folder", str(folder), "--no-browser"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.slow
def test_open_uses_the_server_that_runs(start: Start, tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SMALL)
    folder = tmp_path / "state"
    running = start(folder, "--workers", "1")
    opened = run_open(folder, str(tmp_path / "small.yaml"), "--device", "pixel4")
    assert opened.returncode == 0, opened.stderr
    url, _, key = opened.stdout.strip().partition("/#")
    assert url == running.url
    assert running.wait(key)["title"].startswith("Small")
    other = subprocess.run(
        [sys.executable, "-m", "mbcost", "serve", "--folder", str(folder)], capture_output=True, text=True, check=False
    )
    assert other.returncode == 2
    assert other.stderr.startswith(f"error[MB901]: a server runs already: {running.url}")
    running.end()
    assert not (folder / "server.json").exists()


@pytest.mark.slow
def test_open_starts_a_server(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mbcost", "open", "mobilenet_v1", "-d", "pixel4", "--no-browser", "--port", "0"]
    process = subprocess.Popen([*command, "--folder", str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        url, _, key = process.stdout.readline().strip().partition("/#")
        assert ask(url, "GET", f"/api/results/{key}?wait=20")["state"] == "done"
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("missing.onnx", "-d", "pixel1"), "MB001"),
        (("mobilenet_v1",), "MB010"),
        (("mobilenet_v1", "-d", "pixel1", "--port", "99999"), "MB010"),
    ],
)
def test_mistakes_are_said_before_a_server_starts(tmp_path, arguments, code):
    opened = run_open(tmp_path / "state", *arguments)
    assert opened.returncode == 2
    assert opened.stderr.startswith(f"error[{code}]")
    assert not (tmp_path / "state" / "server.json").exists()


def test_a_port_that_is_taken(server: Server, tmp_path: Path) -> None:
    port = server.url.rpartition(":")[2]
    command = [sys.executable, "-m", "mbcost", "serve", "--folder", str(tmp_path), "--port", port]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "200"})
    assert ended.returncode == 2
    assert ended.stderr.startswith("error[MB901]: cannot listen at 127.0.0.1")

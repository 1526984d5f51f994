"""`python docs/build/browser_pictures.py` writes docs/browser.png and docs/browser_phone.png: the page of the server.

Needs Debian's chromium and playwright, which the test extra brings.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

FOLDER: Final = Path(__file__).parent.parent
#: File -> width and height of the window [px], and whether it is dark.
PICTURES: Final = {"browser.png": (1400, 900, False), "browser_phone.png": (390, 844, True)}
#: The report's own scripts have drawn their charts.
DRAWN: Final = "html[data-drawn]"


def main() -> None:
    from playwright.sync_api import sync_playwright

    with TemporaryDirectory() as folder, sync_playwright() as running:
        command = [sys.executable, "-m", "mbcost", "serve", "--folder", folder, "--port", "0"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        browser = running.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            for name, (width, height, dark) in PICTURES.items():
                scheme = "dark" if dark else "light"
                page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
                page.goto(url)
                analyse(page)
                page.screenshot(path=FOLDER / name)
                page.close()
        finally:
            browser.close()
            server.terminate()
            server.wait()


def analyse(page: Any) -> None:
    """A network and a device chosen, and their report shown."""
    page.fill("#name", "mobilenet_v2")
    page.click("#add-name")
    page.fill("#search", "pixel 4")
    page.click("#found button:has-text('Google Pixel 4') >> nth=0")
    page.wait_for_selector("#devices li")
    page.fill("#search", "galaxy s24")
    page.wait_for_selector("#found button:has-text('S24')")
    page.click("#run")
    page.wait_for_selector("#shown:not([hidden])")
    page.frame_locator("#report").locator(DRAWN).wait_for()
    page.wait_for_timeout(500)
    page.evaluate("scrollTo(0, 0), document.getElementById('form').scrollTo(0, 0)")


if __name__ == "__main__":
    main()

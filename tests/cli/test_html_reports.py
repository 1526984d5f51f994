"""The HTML of ``sweep`` and ``pick`` on the command line."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("sweep", "mobilenet_v2", "-d", "pixel1", "--alpha", "0.5,1", "--resolution", "128,224"), 0),
        (("pick", "mobilenet_v2", "-d", "pixel1", "--budget", "30ms"), 0),
        (("pick", "mobilenet_v2", "-d", "pixel1", "--budget", "0.1ms"), 1),
    ],
)
def test_html(cli, tmp_path, command, code):
    outcome = cli(*command, "-o", "out.html")
    assert (outcome.code, outcome.out) == (code, "")
    text = (tmp_path / "out.html").read_text()
    assert text.startswith("<!doctype html>")
    assert f"mbcost {' '.join(command)} -o out.html" in text
    assert cli(*command, "-o", "out.html").err.startswith("error[MB007]")


def test_pick_refuses_what_it_cannot_write(cli):
    assert "error[MB006]" in cli("pick", "mobilenet_v2", "-d", "pixel1", "--budget", "30ms", "-o", "out.dot").err

"""Other sites get nothing, and the browser is told what pages may do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import mbcost.serve
from tests.serve.conftest import OWN

ASSETS = Path(mbcost.serve.__file__).parent / "assets"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8620", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:8620", 200),
        ("192.168.1.7", 200),  # an address cannot be rebound
        ("evil.example", 403),
        ("evil.example:8620", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("[::1", 200),
        ("[evil.example]", 403),
        ("", 403),
    ],
)
def test_names_that_the_server_answers_to(app, host, status):
    assert app.client.get("/api/about", headers={"host": host}).status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {},  # a form of another site sends no header of ours
        {**OWN, "origin": "http://evil.example"},
        {**OWN, "origin": "null"},  # of a report, which is sandboxed
        {**OWN, "origin": "http://localhost:1"},  # another server of this machine
        {**OWN, "sec-fetch-site": "cross-site"},
        {**OWN, "sec-fetch-site": "same-site"},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/uploads?name=x.yaml"), ("DELETE", "/api/results/00000000")]
)
def test_other_sites_change_nothing(app, method, path, headers):
    answer = app.client.request(method, path, content=b"x", headers=headers)
    assert answer.status_code == 403
    assert "mbcost" in answer.text or "another site" in answer.text


def test_own_pages_are_answered(app):
    headers = {**OWN, "origin": f"http://localhost:{app.client.port}", "sec-fetch-site": "same-origin"}
    assert app.client.post("/api/uploads?name=x.yaml", content=b"x", headers=headers).status_code == 201


def test_no_other_origin_is_granted_anything(app):
    headers = {"origin": "http://evil.example", "access-control-request-method": "POST"}
    for answer in (
        app.client.get("/", headers=headers),
        app.client.request("OPTIONS", "/api/uploads", headers=headers),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/", "/assets/serve.js", "/style.css", "/api/about", "/missing", "/assets/../app.py"])
def test_every_answer_has_its_headers(app, path):
    headers = app.client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_a_report_is_in_an_origin_of_its_own(app):
    key = app.result({"name": "mobilenet_v1"})["key"]
    answer = app.client.get(f"/results/{key}/report.html")
    assert answer.headers["content-security-policy"].startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", sorted(ASSETS.iterdir()), ids=lambda path: path.name)
def test_pages_ask_nobody_else(path):
    assert re.findall(r"(?:https?:)?//[\w.]+\.\w+", path.read_text()) == []


@pytest.mark.parametrize(
    "path", ["/assets/../app.py", "/assets/%2e%2e/app.py", "/results/../../x", "/results/0000000000/..%2frequest.json"]
)
def test_no_other_file_is_served(app, path):
    assert app.client.get(path).status_code == 404

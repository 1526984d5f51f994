"""What the app computes is what the commands compute, and what hostile files get is the commands' error."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import mbcost
from mbcost.__main__ import main
from mbcost.serve.settings import Settings
from tests.importers.onnx.models import Net
from tests.importers.tflite.from_table import as_tflite
from tests.serve.conftest import OWN, SMALL, TYPO, children, gone, running

#: 9^9 entries in nine lines.
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
MARKDOWN = """\
| input | operator | t | c | n | s |
|---|---|---|---|---|---|
| 224x224x3 | conv2d | - | 32 | 1 | 2 |
| 112x112x32 | bottleneck | 1 | 16 | 1 | 1 |
| 112x112x16 | conv2d 1x1 | - | 64 | 1 | 1 |
"""


def zipped() -> bytes:
    """16 MiB of zeros in 16 KiB: what unpacks it finds out."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net.onnx", bytes(2**24))
    return stream.getvalue()


def onnx_file(folder: Path) -> bytes:
    net = Net()
    path = folder / "net.onnx"
    net.save(path.parent, net.node("Conv", "x", net.weight((8, 8, 3, 3))))
    return path.read_bytes()


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(arguments) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "names", "more", "options"),
    [
        ("analyze", ["mobilenet_v2"], {}, []),
        ("compare", ["mobilenet_v2", "mobilenet_v1"], {}, []),
        (
            "sweep",
            ["mobilenet_v2"],
            {"alpha": "0.5,1", "resolution": "160"},
            ["--alpha", "0.5,1", "--resolution", "160"],
        ),
        ("pick", ["mobilenet_v2"], {"budget": ["30ms"]}, ["--budget", "30ms"]),
    ],
)
def test_results_are_those_of_the_commands(app, capsys, kind, names, more, options):
    found = app.result(*({"name": name} for name in names), kind=kind, **more)
    assert found["state"] == "done", found
    command = [kind, *names, "--device", "pixel1", *options]
    assert found["command"].split()[1:] == command
    stored = app.client.get(f"/results/{found['key']}/result.json").json()
    assert stored == json.loads(printed(capsys, *command, "--format", "json"))
    page = app.client.get(f"/results/{found['key']}/report.html")
    assert page.headers["content-type"].startswith("text/html")
    assert "<!doctype html>" in page.text.lower()


def test_several_devices_make_one_page(app):
    body = {"kind": "analyze", "networks": [{"name": "mobilenet_v2"}], "devices": ["pixel1", "pixel4/gpu"]}
    key = app.client.post("/api/results", json_=body, headers=OWN).json()["key"]
    found = app.wait(key)
    assert "pixel1" in found["headline"]
    assert "pixel4/gpu" in found["headline"]


def test_settings_reach_the_analysis(app):
    found = app.result(
        {"name": "mobilenet_v2"}, alpha="0.5", resolution="160", precision="int8", threads="2", device="pixel4"
    )
    stored = app.client.get(f"/results/{found['key']}/result.json").json()
    target = stored["target"]
    assert (stored["alpha"], stored["resolution"], target["precision"], target["threads"]) == (0.5, 160, "int8", 2)


def test_an_upload_becomes_a_page_and_a_table(app, tmp_path, monkeypatch, capsys):
    found = app.of_file("net.onnx", onnx_file(tmp_path))
    assert found["state"] == "done", found
    table = app.client.get(f"/results/{found['key']}/table.yaml?download")
    assert table.headers["content-disposition"] == 'attachment; filename="net.onnx.table.yaml"'
    monkeypatch.chdir(tmp_path)
    printed(capsys, "convert", "net.onnx", "written.yaml")
    assert (tmp_path / "written.yaml").read_text() == table.text


def test_a_tflite_file(app):
    graph = mbcost.build_graph(mbcost.load("mobilenet_v1"), alpha=0.25, resolution=128)
    found = app.of_file("net.tflite", as_tflite(graph))
    assert found["state"] == "done", found
    stored = app.client.get(f"/results/{found['key']}/result.json").json()
    assert round(stored["totals"]["macs"] / 1e6) == 14  # million, in TF-Slim's table of MobileNet_v1_0.25_128


def test_a_table_of_a_paper(app):
    found = app.of_file("paper.md", MARKDOWN)
    assert found["state"] == "done", found
    assert found["label"] == "paper.md"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("typo.yaml", TYPO, "MB101"),
        ("bomb.yaml", BOMB, "MB106"),
        ("deep.yaml", "[" * 100_000, "MB106"),
        ("tag.yaml", "!!python/object/apply:os.system [touch owned]", "MB105"),
        ("empty.yaml", "", "MB103"),
        ("binary.yaml", b"\xff\xfe\x00\x00", "MB005"),
        ("large.yaml", b"#" * (3 * 2**20), "MB004"),
        ("corrupt.onnx", b"\x08\x07\x12\xff\xff\xff\xff\x0f" + bytes(100), "MB500"),
        ("text.onnx", "hello", "MB500"),
        ("zip.onnx", zipped(), "MB500"),
        ("empty.tflite", b"", "MB500"),
        ("corrupt.tflite", b"\x1c\x00\x00\x00TFL3" + b"\xff" * 400, "MB503"),
        ("table.md", "no table here", "MB103"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)
def test_hostile_files_get_the_error_of_the_command(app, tmp_path, monkeypatch, capsys, name, content, code):
    found = app.of_file(name, content)
    assert found["state"] == "failed"
    assert found["codes"][0].startswith("MB")
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    capsys.readouterr()
    command = ("architectures", "check") if name.endswith(".md") else ("analyze", "--device", "pixel1")
    assert main((*command, name)) in {1, 2}
    said = "".join(capsys.readouterr())
    assert found["problems"] in said
    assert code in said
    assert not (tmp_path / "owned").exists()


def test_problems_name_line_and_column(app):
    assert "--> typo.yaml:5:38\n" in app.of_file("typo.yaml", TYPO)["problems"]


@pytest.mark.parametrize("kind", ["image/png", "multipart/form-data; boundary=x", "application/zip", "text/html"])
def test_a_wrong_content_type_changes_nothing(app, kind):
    upload = app.upload("small.yaml", SMALL, **{"content-type": kind})
    assert app.result({"upload": upload.json()["upload"]})["state"] == "done"


def test_names_with_markup_and_paths(app):
    found = app.of_file("../../<script>alert(1)</script>.yaml", SMALL)
    assert found["label"] == "script_.yaml"
    assert "<script>alert" not in app.client.get(f"/results/{found['key']}/report.html").text


def test_a_suffix_that_is_none(app):
    found = app.of_file("net.exe", SMALL)
    assert found["codes"] == ["MB006"]


@pytest.mark.parametrize(
    "network", ["/etc/passwd", "../x.yaml", "os:getcwd", "net.x:make", "pyproject.toml", "nothing"]
)
def test_a_page_names_no_file_and_no_code(app, network):
    answer = app.ask({"name": network})
    problems = answer.json() if answer.status_code == 400 else app.wait(answer.json()["key"])
    assert problems["codes"] == ["MB200"]


@pytest.mark.parametrize(
    "device", ["/etc/passwd", "../x.yaml", "phone.yaml", "pixel4@./r.yml", "~/phone", "pixel4@x\\y", "a/b/c", "x\0"]
)
def test_a_device_is_no_file(app, device):
    answer = app.ask({"name": "mobilenet_v2"}, device=device)
    assert answer.status_code == 400
    assert answer.json()["codes"] == ["MB300"]


@pytest.mark.parametrize("name", ["%2Fetc%2Fpasswd", "pixel4/cpu", "phone.yaml", "pixel99"])
def test_details_of_devices_are_of_the_catalogue(app, name):
    answer = app.client.get(f"/api/devices/{name}")
    assert answer.status_code == 400
    assert answer.json()["codes"] == ["MB300"]


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        (b"{", ["MB010"]),
        (b"[]", ["MB010"]),
        (b"[" * 60_000, ["MB010"]),
        (b'"' + b"x" * 70_000 + b'"', ["MB900"]),
        (b'{"kind": "run", "networks": [{"name": "mobilenet_v2"}], "devices": ["pixel1"]}', ["MB010"]),
        (b'{"kind": "analyze", "networks": [], "devices": []}', ["MB010", "MB010"]),
        (b'{"kind": "analyze", "networks": [{"upload": "00112233"}], "devices": ["pixel1"]}', ["MB001"]),
        (b'{"kind": "analyze", "networks": [{"name": "vgg16"}], "devices": ["pixel1"], "shell": "x"}', ["MB010"]),
    ],
    ids=range(8),
)
def test_requests_that_are_wrong(app, body, codes):
    answer = app.client.post("/api/results", content=body, headers=OWN)
    assert answer.status_code in {400, 413}
    assert answer.json()["codes"] == codes


def test_a_sweep_of_too_many_configurations_is_refused(app):
    found = app.result({"name": "mobilenet_v2"}, kind="sweep", alpha="0.1:1:0.0001", resolution="32:320:1")
    assert found["codes"] == ["MB010"]
    assert "2,601,289 combinations" in found["problems"]  # 9,001 x 289


def test_search(app):
    found = app.client.get("/api/devices", params={"q": "SM-S921B"}).json()
    assert found[0]["title"].startswith("Samsung Galaxy S24")
    assert "pixel1" in {entry["name"] for entry in app.client.get("/api/devices").json()}
    details = app.client.get("/api/devices/pixel4").json()
    assert {each["name"] for each in details["processors"]} >= {"cpu", "gpu"}
    assert "mobilenet_v2" in app.client.get("/api/networks").json()


def test_removing_a_result(app):
    key = app.result({"name": "mobilenet_v1"})["key"]
    assert key in {entry["key"] for entry in app.client.get("/api/results").json()}
    assert app.client.request("DELETE", f"/api/results/{key}", headers=OWN).status_code == 204
    assert app.client.get(f"/api/results/{key}").status_code == 404
    assert app.client.get(f"/results/{key}/report.html").status_code == 404


# -- limits -----------------------------------------------------------------------------------------------------------


def test_an_upload_that_is_broken_off_leaves_nothing(tmp_path):
    with running(Settings(tmp_path, workers=0)) as app:
        with socket.create_connection(("127.0.0.1", app.client.port)) as connection:
            head = f"POST /api/uploads?name=a.onnx HTTP/1.1\r\nHost: localhost\r\n{next(iter(OWN))}: test\r\n"
            connection.sendall(f"{head}Content-Length: 1000000\r\n\r\n".encode() + bytes(70_000))
            assert within(lambda: list((tmp_path / "uploads").iterdir()) != [])
        assert within(lambda: list((tmp_path / "uploads").iterdir()) == [])
        assert app.upload("a.yaml", b"x").status_code == 201


def test_a_result_that_could_not_be_stored_is_said(tmp_path):
    with running(Settings(tmp_path, workers=1)) as app:
        key = app.result({"name": "mobilenet_v1"})["key"]
        shutil.rmtree(tmp_path / "results" / key / "outcome")  # as after a full disk
        assert app.wait(key)["codes"] == ["MB008"]


def test_the_list_has_the_first_line_of_problems(app):
    two = TYPO + "  - {op: conv2d, out: 32, kernl: 3}\n"
    found = app.of_file("two.yaml", two)
    assert found["problems"].count("error[MB101]") == 2
    (entry,) = (each for each in app.client.get("/api/results").json() if each["key"] == found["key"])
    assert entry["problems"] == "error[MB101]: unknown key `strid` in `conv2d`"


def within(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether a condition holds within a time."""
    for _ in range(int(seconds * 50)):
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_uploads_have_a_limit(tmp_path):
    with running(Settings(tmp_path, max_upload=1000, workers=0)) as app:
        assert app.upload("a.yaml", b"x" * 1000).status_code == 201
        for content in (b"x" * 1001, iter([b"x" * 600, b"x" * 600])):  # with and without a stated length
            answer = app.client.post("/api/uploads?name=a.yaml", content=content, headers=OWN)
            assert answer.status_code == 413
            assert answer.json()["codes"] == ["MB900"]
        assert len(list((tmp_path / "uploads").iterdir())) == 1
        assert app.upload("a.yaml", b"x", **{"content-encoding": "gzip"}).status_code == 400


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes as Linux lists them")
def test_an_analysis_that_takes_too_long_or_dies_ends_alone(tmp_path):
    with running(Settings(tmp_path, workers=1, seconds=0.001)) as app:
        assert app.result({"name": "mobilenet_v1"})["state"] == "done"  # a new process has time to get ready
        (pid,) = children(os.getpid(), str(tmp_path))
        late = app.result({"name": "mobilenet_v1"}, kind="sweep", alpha="0.1:1:0.001", resolution="128:224:32")
        assert late["state"] == "failed"
        assert "more than 0.001 s" in late["problems"]
        assert gone(pid)
        assert app.result({"name": "mobilenet_v1"})["state"] == "done"
        (pid,) = children(os.getpid(), str(tmp_path))
        os.kill(pid, signal.SIGKILL)
        assert app.result({"name": "mobilenet_v1"})["state"] == "done"
        (pid,) = children(os.getpid(), str(tmp_path))
    assert gone(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit a process's memory")
def test_a_process_that_dies_each_time_is_an_error_of_its_analysis(tmp_path):
    with running(Settings(tmp_path, workers=1, memory=2**24)) as app:  # too little to start
        found = app.result({"name": "mobilenet_v1"})
    assert found["codes"] == ["MB900"]
    assert "died (exit code 1)" in found["problems"]


def test_memory_is_limited(monkeypatch):
    pytest.importorskip("resource")
    code = "from mbcost.serve.worker import _limit_memory; _limit_memory(2**30); bytearray(2**31)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MemoryError" in ended.stderr
    from mbcost.serve import work, worker

    def greedy(*_arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr(work, "perform", greedy)
    asked = {"kind": "analyze", "networks": [], "devices": []}
    answer = worker._answer({"seconds": 60, "files": {}, "folder": "x", "asked": asked})
    assert answer["codes"] == ["MB900"]
    assert answer["worn"]

"""What is stored is complete, and stays in its folder."""

from __future__ import annotations

import os

import pytest

from mbcost.errors import InputError
from mbcost.serve.storage import Store, safe_name


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("net.onnx", "net.onnx"),
        ("Mein Netz (2).onnx", "Mein_Netz_(2).onnx"),
        ("größe.yaml", "größe.yaml"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/absolute/net.tflite", "net.tflite"),
        ("..", "_"),
        ("", "_"),
        (".hidden.yaml", "hidden.yaml"),
        ("-rf.yaml", "rf.yaml"),
        ("a\0b.yaml", "ab.yaml"),
        ("a\nb\x1b[31m.yaml", "a_b_31m.yaml"),
        ("<img src=x onerror=alert(1)>.onnx", "_img_src_x_onerror_alert(1)_.onnx"),
        ("module:callable", "module_callable"),
        ("CON.yaml", "_CON.yaml"),
        ("x" * 500 + ".onnx", "x" * 95 + ".onnx"),
        ("x." + "y" * 500, "x." + "y" * 98),
    ],
)
def test_names(name, stored):
    assert safe_name(name) == stored


def test_an_upload_is_there_once_it_is_complete(tmp_path):
    store = Store(tmp_path)
    receiving = store.receive("a.yaml")
    receiving.write(b"name: ")
    assert [path for path in store.uploads.iterdir() if not path.name.startswith(".")] == []
    receiving.write(b"a\n")
    upload = receiving.finish()
    found = store.upload(upload.key)
    assert store.path_of(found).read_bytes() == b"name: a\n"
    # printf 'name: a\\n' | sha256sum
    assert found.sha256 == "1e7e5f3c45fc71cc0d92ffd6a4136ce35256118f2cb9a940b09a9e336022a571"


def test_the_same_file_twice_is_one(tmp_path):
    store = Store(tmp_path)
    keys = set()
    for _ in range(2):
        receiving = store.receive("a.yaml")
        receiving.write(b"x")
        keys.add(receiving.finish().key)
    assert len(keys) == 1
    assert len(list(store.uploads.iterdir())) == 1


def test_the_same_content_under_another_name_is_another(tmp_path):
    store = Store(tmp_path)
    keys = set()
    for name in ("a.yaml", "b.yaml"):
        receiving = store.receive(name)
        receiving.write(b"x")
        keys.add(receiving.finish().key)
    assert len(keys) == 2


def test_what_was_not_finished_is_removed_by_the_next_server(tmp_path):
    store = Store(tmp_path)
    receiving = store.receive("a.yaml")
    receiving.write(b"half")
    key = store.ask({"asked": {}, "label": "x"})
    (store.part(key) / "report.html").write_text("half")
    store = Store(tmp_path)
    assert list(store.uploads.iterdir()) == []
    assert [path.name for path in (store.results / key).iterdir()] == ["request.json"]
    assert store.outcome(key) is None
    receiving.discard()


@pytest.mark.skipif(os.name != "posix", reason="other systems have no modes")
def test_a_new_folder_is_its_users_alone(tmp_path):
    Store(tmp_path / "new")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_a_result_has_its_files_or_none(tmp_path):
    store = Store(tmp_path)
    key = store.ask({"asked": {}, "label": "x"})
    (store.part(key) / "report.html").write_text("page")
    assert store.file(key, "report.html") is None
    store.finish(key, {"state": "done", "files": ["report.html"]})
    path = store.file(key, "report.html")
    assert path is not None
    assert path.read_text() == "page"
    assert store.file(key, "outcome.json") is None
    assert list(store.newest_first()) == [key]
    store.remove(key)
    assert list(store.newest_first()) == []


@pytest.mark.parametrize("key", ["..", "../uploads", "", "0" * 100, "xyz"])
def test_keys_are_no_paths(tmp_path, key):
    store = Store(tmp_path)
    assert store.request(key) is None
    assert store.outcome(key) is None
    assert store.file(key, "x") is None
    store.remove(key)
    with pytest.raises(InputError):
        store.upload(key)
    assert store.uploads.is_dir()


def test_damaged_files_of_the_store_are_left_out(tmp_path):
    store = Store(tmp_path)
    key = store.ask({"asked": {}, "label": "x"})
    (store.results / key / "request.json").write_text("{")
    assert store.request(key) is None

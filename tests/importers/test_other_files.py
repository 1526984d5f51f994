"""Files of kinds that mbcost does not read: their name, and the way to one that it reads."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from mbcost.errors import InputError
from mbcost.networks import load

TORCH = "torch.onnx.export"


def archive(*names: str) -> bytes:
    """A ZIP archive with members of these names."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for name in names:
            made.writestr(name, b"x")
    return stream.getvalue()


FILES = [
    ("yolov8n.pt", b"PK\x03\x04" + bytes(5000), "PyTorch", TORCH),
    ("weights.pth", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "PyTorch", TORCH),
    ("net.pt2", archive("archive_format", "models/model.json"), "exported program", TORCH),
    ("anything", archive("archive/data.pkl"), "PyTorch", TORCH),
    ("model.keras", archive("metadata.json", "config.json"), "Keras", "TFLiteConverter"),
    ("model.h5", b"\x89HDF\r\n\x1a\n" + bytes(100), "Keras", "TFLiteConverter"),
    ("frozen.pb", b"\x0a\x10\x0a\x05input", "TensorFlow", "TFLiteConverter"),
    ("model.safetensors", (120).to_bytes(8, "little") + b'{"__metadata__":{}}', "safetensors", TORCH),
    ("anything.bin", (120).to_bytes(8, "little") + b'{"weight":{}}', "safetensors", TORCH),
    ("face.task", archive("face_landmarks.tflite"), "MediaPipe", "unpack"),
    ("net.param", b"7767517\n75 83\n", "ncnn", "ONNX"),
    ("net.xml", b'<?xml version="1.0"?>\n<net name="x" version="11">', "OpenVINO", "ONNX"),
    ("deploy.prototxt", b'name: "VGG"\nlayer {', "Caffe", "ONNX"),
    ("net.mlmodel", b"\x08\x04\x12", "Core ML", "ONNX"),
    ("net.gguf", b"GGUF\x03", "GGUF", "torch"),
    ("net.engine", b"ftrt", "compiled", "ONNX"),
    ("model.onnx", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS", "git lfs pull"),
    ("model.tflite", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS", "git lfs pull"),
    ("net.yaml", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS", "git lfs pull"),
    ("model.onnx", b"\n<!DOCTYPE html>\n<html>", "web page", "raw file"),
    ("model.tflite", b"<html><head>", "web page", "raw file"),
    ("model.onnx", archive("model.onnx"), "archive", "unpack"),
    ("model.onnx", b"\x1f\x8b\x08" + bytes(20), "archive", "unpack"),
    ("model.bin", b"\x1c\x00\x00\x00TFL3" + bytes(20), "TFLite", ".tflite"),
]


@pytest.mark.parametrize(("name", "content", "what", "way"), FILES, ids=[f"{row[0]}: {row[2]}" for row in FILES])
def test_the_kind_is_named_with_the_way_on(tmp_path: Path, name: str, content: bytes, what: str, way: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load(str(path))
    assert caught.value.codes == ("MB500",)
    text = str(caught.value)
    assert what in text
    assert way in text
    assert str(path) in text


def test_a_saved_model_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01")
    with pytest.raises(InputError, match="TensorFlow graph"):
        load(str(tmp_path))


def test_what_is_missing_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load(str(tmp_path / "net.pt"))
    assert "PyTorch" not in str(caught.value)


def test_tables_are_read_whatever_their_suffix(tmp_path: Path) -> None:
    path = tmp_path / "net.txt"
    path.write_text("name: net\nsource: none\ninput: 8x8x3\nlayers:\n  - {op: relu}\n")
    assert load(str(path)).name == "net"

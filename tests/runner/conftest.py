"""The command line, as the tests of the commands have it, and a double of ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import pytest

from mbcost.runner import bench as bench_module
from tests.cli.conftest import cli

__all__ = ["cli"]

FACTS = {"peak_macs_per_s": 5e10, "bandwidth_bytes_per_s": 2e10, "call_s": 1e-6, "vector_bits": 256}
#: A runtime that sleeps a millisecond, and dies of the file of 8x8 pixels.
DOUBLE = """
import os, time
class SessionOptions:
    def add_session_config_entry(self, *_): pass
class _Told:
    name, shape = "input", [1]
class _Binding:
    def bind_cpu_input(self, *_): pass
    def bind_output(self, *_): pass
class InferenceSession:
    def __init__(self, path, options, providers):
        assert options.intra_op_num_threads == options.inter_op_num_threads == 1
        if b"deadly" in open(path, "rb").read():
            os.abort()
    def get_inputs(self): return [_Told]
    def get_outputs(self): return [_Told]
    def io_binding(self): return _Binding()
    def run_with_iobinding(self, _): time.sleep(1e-3)
    def end_profiling(self):
        import json, tempfile
        path = tempfile.mktemp()
        times = {"stem_nchwc": 40, "ReorderOutput_token_0": 5}
        nodes = [
            {"cat": "Node", "name": f"{name}_kernel_time", "dur": us, "args": {"op_name": name.partition("_")[0]}}
            for name, us in times.items()
        ]
        json.dump(nodes, open(path, "w"))
        return path
"""


@pytest.fixture
def double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The double in place of ONNX Runtime in the measuring process, with facts of a machine that is not measured."""
    home = tmp_path / "double"
    home.mkdir()
    (home / "onnxruntime.py").write_text(DOUBLE)
    information = home / "onnxruntime-9.8.7.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: onnxruntime\nVersion: 9.8.7\n")
    monkeypatch.setenv("PYTHONPATH", str(home))
    monkeypatch.syspath_prepend(str(home))
    monkeypatch.setattr(bench_module, "_facts", lambda _: dict(FACTS))
    return tmp_path

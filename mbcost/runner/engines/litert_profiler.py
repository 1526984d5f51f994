"""Times of LiteRT's operators, by the C interface of the library in the wheel, which Python's does not have.

Structures and functions as ``litert/c`` of LiteRT 2 declares them (litert_profiler_event.h, litert_model_types.h).
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

from mbcost.runner.engines import Operator

_CPU: Final = 1
_ELEMENT_TYPES: Final = {np.dtype(np.float32): 1, np.dtype(np.int32): 2, np.dtype(np.int8): 9}
_WARM_RUNS: Final = 3
#: Types of events: an operator of the interpreter, one within a delegate (ProfilerEventType). The delegate as a whole
#: is an operator too.
_OPERATOR: Final = 2
_WITHIN_DELEGATE: Final = 8
#: Python frees the text of an option itself.
_KEEP: Final = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: None)


class _Memory(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in ("peak", "allocated", "used")]


class _Event(ctypes.Structure):
    _fields_ = [
        ("tag", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("start_us", ctypes.c_uint64),
        ("elapsed_us", ctypes.c_uint64),
        ("memory_before", _Memory),
        ("memory_after", _Memory),
        ("metadata1", ctypes.c_uint64),
        ("metadata2", ctypes.c_uint64),
        ("source", ctypes.c_int),
    ]


class _Layout(ctypes.Structure):
    _fields_ = [
        ("rank", ctypes.c_uint, 7),
        ("has_strides", ctypes.c_uint, 1),
        ("dimensions", ctypes.c_int32 * 8),
        ("strides", ctypes.c_uint32 * 8),
    ]


class _TensorType(ctypes.Structure):
    _fields_ = [("element_type", ctypes.c_int), ("layout", _Layout)]


class _Library:
    """The library, whose functions return a status."""

    def __init__(self) -> None:
        folder = Path(str(import_module("ai_edge_litert").__file__)).parent
        self._library = ctypes.CDLL(str(folder / "libLiteRt.so"))
        self._texts: list[Any] = []

    def call(self, name: str, *arguments: Any) -> None:
        status = getattr(self._library, f"LiteRt{name}")(*arguments)
        if status:
            message = f"LiteRt{name} returned status {status}"
            raise RuntimeError(message)

    def made(self, name: str, *arguments: Any) -> ctypes.c_void_p:
        """What a function writes into its last argument."""
        found = ctypes.c_void_p()
        self.call(name, *arguments, ctypes.byref(found))
        return found

    def add_options(self, options: ctypes.c_void_p, what: str, text: str) -> None:
        buffer = ctypes.create_string_buffer(text.encode())
        self._texts.append(buffer)
        payload = ctypes.cast(buffer, ctypes.c_void_p)
        self.call("AddOpaqueOptions", options, self.made("CreateOpaqueOptions", what.encode(), payload, _KEEP))


def profiled(
    path: Path, inputs: Sequence[Mapping[str, Any]], outputs: Sequence[Mapping[str, Any]], threads: int, runs: int
) -> list[Operator]:
    """The operators of a TFLite file; `inputs` and `outputs` as the interpreter describes them."""
    library = _Library()
    environment = library.made("CreateEnvironment", 0, None)
    model = library.made("CreateModelFromFile", environment, str(path).encode())
    options = library.made("CreateOptions")
    library.call("SetOptionsHardwareAccelerators", options, _CPU)
    library.add_options(options, "runtime_options_string", "enable_profiling = true\n")
    library.add_options(options, "xnnpack", f"num_threads = {threads}\n")
    compiled = library.made("CreateCompiledModel", environment, model, options)

    def buffers(which: str, tensors: Sequence[Mapping[str, Any]]) -> Any:
        found = []
        for i, tensor in enumerate(tensors):
            zero, place = ctypes.c_size_t(0), ctypes.c_size_t(i)
            needed = library.made(f"GetCompiledModel{which}BufferRequirements", compiled, zero, place)
            shape = [int(size) for size in tensor["shape"]]
            layout = _Layout(len(shape), 0, (ctypes.c_int32 * 8)(*shape))
            kind = _TensorType(_ELEMENT_TYPES[np.dtype(tensor["dtype"])], layout)
            made = library.made("CreateManagedTensorBufferFromRequirements", environment, ctypes.byref(kind), needed)
            found.append(made)
        return (ctypes.c_void_p * len(found))(*found), ctypes.c_size_t(len(found))

    (ins, many_in), (outs, many_out) = buffers("Input", inputs), buffers("Output", outputs)
    profiler = library.made("CompiledModelGetProfiler", compiled)
    fastest: dict[int, tuple[str, int, int]] = {}
    for run in range(_WARM_RUNS + runs):
        library.call("ResetProfiler", profiler)
        library.call("StartProfiler", profiler)
        library.call("RunCompiledModel", compiled, ctypes.c_size_t(0), many_in, ins, many_out, outs)
        library.call("StopProfiler", profiler)
        number = ctypes.c_int()
        library.call("GetNumProfilerEvents", profiler, ctypes.byref(number))
        events = (_Event * number.value)()
        library.call("GetProfilerEvents", profiler, number, events)
        if run < _WARM_RUNS:
            continue
        for i, event in enumerate(events):
            tag = (event.tag or b"").decode(errors="replace")
            before = fastest.get(i, (tag, event.type, event.elapsed_us))
            fastest[i] = (tag, event.type, min(before[2], event.elapsed_us))
    return _operators(list(fastest.values()))


def _operators(events: Sequence[tuple[str, int, int]]) -> list[Operator]:
    """Operators within the delegate, and those of the interpreter beside it."""
    return [
        Operator("", tag, elapsed_us * 1e-6)
        for tag, kind, elapsed_us in events
        if kind == _WITHIN_DELEGATE or (kind == _OPERATOR and "Delegate" not in tag)
    ]

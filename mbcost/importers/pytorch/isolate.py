"""A copy of the user's module to trace: the module itself stays as it is, and no weight is copied.

Parameters and buffers of the copy are stand-ins: fake tensors without memory, or aliases of the real ones.
"""

from __future__ import annotations

import copy
import logging
import random
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any, Final

from mbcost.errors import fail


def import_torch(what: str = "reading a PyTorch module") -> Any:
    """PyTorch; `what` needs it.

    Raises
    ------
    InputError
        MB011 if it is not installed.
    """
    try:
        return import_module("torch")
    except ImportError:
        fail(
            "MB011",
            f"{what} needs the package `torch`",
            hint="pip install 'mbcost[torch]'; for the CPU build, without gigabytes of CUDA, first install torch with "
            "the --index-url that ends in /whl/cpu, which PyTorch's install page gives for CPU",
        )


def fake_copy(module: Any, mode: Any) -> Any:
    """A copy for inference whose weights are fake CPU tensors of `mode`: they have sizes and no memory."""
    torch = import_torch()

    def fake(tensor: Any) -> Any:
        return torch.empty(tensor.shape, dtype=tensor.dtype, device="cpu")

    with mode:
        return _copy(module, fake)


def real_copy(module: Any) -> Any:
    """A copy for inference that reads the module's own parameters and has its buffers to itself.

    Parameters on the meta device, which have no values, become zeros.
    """
    torch = import_torch()

    def alias(tensor: Any) -> Any:
        if tensor.is_meta:
            return torch.zeros(tensor.shape, dtype=tensor.dtype)
        return tensor.detach() if isinstance(tensor, torch.nn.Parameter) else tensor.detach().clone()

    return _copy(module, alias)


def _copy(module: Any, stand_in: Callable[[Any], Any]) -> Any:
    """The module with `stand_in(tensor)` for each of its tensors, in inference mode."""
    torch = import_torch()
    memo: dict[int, Any] = {}
    for tensor in _tensors_in(module):
        other = stand_in(tensor)
        trained = isinstance(tensor, torch.nn.Parameter)
        memo[id(tensor)] = torch.nn.Parameter(other, requires_grad=False) if trained else other
    try:
        return copy.deepcopy(module, memo).eval()
    except Exception as error:  # noqa: BLE001 - the module's own code runs
        fail("MB504", f"{type(module).__name__} cannot be copied for tracing: {last_line(error)}")


def _tensors_in(module: Any) -> list[Any]:
    """All tensors that a copy of the module would copy: parameters, buffers, and those in plain attributes."""
    torch = import_torch()
    found: dict[int, Any] = {}
    seen: set[int] = set()
    left = [module]
    while left:
        value = left.pop()
        if id(value) in seen or isinstance(value, (type, ModuleType, FunctionType)):
            continue
        seen.add(id(value))
        if isinstance(value, torch.Tensor):
            found[id(value)] = value
        elif isinstance(value, Mapping):
            left += value.values()
        elif isinstance(value, (list, tuple, set, frozenset)):
            left += value
        elif hasattr(value, "__dict__"):
            left += vars(value).values()
    return list(found.values())


@contextmanager
def untouched_randomness() -> Iterator[None]:
    """Whatever runs inside leaves the random generators of PyTorch's CPU and of Python as they were."""
    torch = import_torch()
    state = random.getstate()
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(state)


#: One trace at a time: random generators, streams, logging and ``torch.export``'s tracing belong to the process.
_ONE_AT_A_TIME: Final = threading.RLock()


@contextmanager
def alone() -> Iterator[None]:
    """Whatever runs inside does so in one thread at a time; others wait."""
    with _ONE_AT_A_TIME:
        yield


class _Silenced:
    """A stream that drops what one thread writes; whatever else is done with it happens to the stream behind it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._thread = threading.get_ident()

    def write(self, text: str) -> int:
        """Write, unless the silenced thread does."""
        if threading.get_ident() == self._thread:
            return len(text)
        written: int = self._stream.write(text)
        return written

    def writelines(self, lines: Any) -> None:
        """Write several, unless the silenced thread does."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def quiet() -> Iterator[None]:
    """Whatever runs inside says nothing: neither the module's code nor what PyTorch thinks of it.

    The streams of other threads go on; logging is off for all of them meanwhile, and on again afterwards.
    """
    with alone():
        disabled = logging.root.manager.disable
        streams = sys.stdout, sys.stderr
        logging.disable(logging.CRITICAL)
        sys.stdout, sys.stderr = (stream and _Silenced(stream) for stream in streams)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            sys.stdout, sys.stderr = streams
            logging.disable(disabled)


def last_line(error: BaseException) -> str:
    """What an exception says, in one line: ``ValueError: the last line of its message``."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1]}" if lines else type(error).__name__

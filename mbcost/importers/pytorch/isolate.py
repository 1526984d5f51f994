"""A copy of the user's module to trace: the module itself stays as it is, and no weight is copied.

Parameters and buffers of the copy are stand-ins: fake tensors without memory, or aliases of the real ones.
"""

from __future__ import annotations

import copy
import io
import logging
import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib import import_module
from typing import Any

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
    for child in module.modules():
        held = [*child._parameters.values(), *child._buffers.values(), *vars(child).values()]
        for tensor in held:
            if isinstance(tensor, torch.Tensor) and id(tensor) not in memo:
                other = stand_in(tensor)
                trained = isinstance(tensor, torch.nn.Parameter)
                memo[id(tensor)] = torch.nn.Parameter(other, requires_grad=False) if trained else other
    try:
        return copy.deepcopy(module, memo).eval()
    except Exception as error:  # noqa: BLE001 - the module's own code runs
        fail("MB504", f"{type(module).__name__} cannot be copied for tracing: {last_line(error)}")


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


@contextmanager
def quiet() -> Iterator[None]:
    """Whatever runs inside says nothing: neither the module's code nor what PyTorch thinks of it."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    nowhere = io.StringIO()
    try:
        with warnings.catch_warnings(), redirect_stdout(nowhere), redirect_stderr(nowhere):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


def last_line(error: BaseException) -> str:
    """What an exception says, in one line: ``ValueError: the last line of its message``."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1]}" if lines else type(error).__name__

"""Tracing by running: for modules whose control flow depends on values, which no export can take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from mbcost.importers.pytorch.isolate import import_torch, quiet
from mbcost.importers.pytorch.trace import WRITTEN_THROUGH, Call, Ref, Trace, Weight, bound_arguments, operator_name


def recorded_trace(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], inputs: Sequence[Any]) -> Trace:
    """The aten operators that a module really ran on these arguments, which hold the `inputs`.

    The operators are those below autograd (``convolution``, ``addmm``); the path taken is that of these values.

    Raises
    ------
    Exception
        Whatever the module's own code raises.
    """
    torch = import_torch()
    recorder = _Recorder(module, inputs)
    # oneDNN has operators of its own for recurrent layers; without it they are the products that they consist of
    with quiet(), torch.no_grad(), torch.backends.mkldnn.flags(enabled=False), recorder.mode():
        result = module(*args, **kwargs)
    leaves, _ = import_module("torch.utils._pytree").tree_flatten(result)
    found = (recorder.refs.get(leaf) for leaf in leaves if isinstance(leaf, torch.Tensor))
    recorder.trace.outputs = [ref for ref in found if ref is not None]
    return recorder.trace


class _Recorder:
    """Collects calls; tensors are known by their identity as long as they live."""

    def __init__(self, module: Any, inputs: Sequence[Any]) -> None:
        self.trace = Trace()
        self.refs: Any = import_module("torch.utils.weak").WeakIdKeyDictionary()
        self.path = [""]
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            self.trace.weights[self._known(tensor)] = Weight(name, trained=_is_parameter(tensor))
        self.trace.inputs = [self._known(tensor) for tensor in inputs]
        for name, child in module.named_modules():
            child.register_forward_pre_hook(lambda *_, name=name: self.path.append(name))
            child.register_forward_hook(lambda *_: self._leave(), always_call=True)

    def mode(self) -> Any:
        """A dispatch mode that records every call of an operator."""
        recorder = self
        base = import_module("torch.utils._python_dispatch").TorchDispatchMode

        class Mode(base):  # type: ignore[misc, valid-type]
            def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                result = func(*args, **(kwargs or {}))
                recorder.record(func, args, kwargs or {}, result)
                return result

        return Mode()

    def record(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> None:
        """Adds one call."""
        bound = bound_arguments(func._schema, self._resolved(args), self._resolved(kwargs))
        results = result if isinstance(result, (list, tuple)) else (result,)
        outputs = tuple(self._new(item) for item in results)
        self.trace.calls.append(Call(operator_name(func._schema.name), bound, outputs, self.path[-1]))
        if func._schema.is_mutable and args and _is_tensor(args[0]) and args[0]._base is not None:
            self._written_through(args[0])

    def _written_through(self, view: Any) -> None:
        """What was written into a view is in the tensor behind it as well."""
        base = view._base
        written = {"self": self._known(base), "src": self._known(view)}
        self.trace.calls.append(Call(WRITTEN_THROUGH, written, (self._new(base),), self.path[-1]))

    def _leave(self) -> None:
        self.path.pop()

    def _known(self, tensor: Any) -> Ref:
        """The tensor's number; a tensor that no operator made (a constant in the code) gets one now."""
        ref = self.refs.get(tensor)
        if ref is None:
            self.refs[tensor] = ref = self.trace.add(tensor)
        assert isinstance(ref, Ref)
        return ref

    def _new(self, item: Any) -> Ref | None:
        """A number for a result; an operator that works in place gives its argument a new one."""
        if not _is_tensor(item):
            return None
        ref = self.refs[item] = self.trace.add(item)
        return ref

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return tuple(self._resolved(item) for item in value)
        if isinstance(value, dict):
            return {key: self._resolved(item) for key, item in value.items()}
        return self._known(value) if _is_tensor(value) else value


def _is_tensor(value: Any) -> bool:
    return isinstance(value, import_torch().Tensor)


def _is_parameter(value: Any) -> bool:
    return isinstance(value, import_torch().nn.Parameter)

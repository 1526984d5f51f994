"""Tensors of an ONNX file: their shape, and where their numbers lie. Weights are never read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mbcost.importers.onnx.wire import Field, Range, read_fields

#: Tensors of more elements than this are weights, not numbers that say how the network is built.
MAX_VALUES: Final = 4096
MAX_RANK: Final = 16
#: Bytes of the largest tensor that is looked at for being all zeros.
MAX_ZEROS: Final = 2**22
MAX_ELEMENTS: Final = 2**40
#: TensorProto.DataType -> element type as numpy has it.
_DTYPES: Final[Mapping[int, np.dtype[Any]]] = {
    number: np.dtype(name)
    for number, name in {
        1: "<f4", 2: "u1", 3: "i1", 4: "<u2", 5: "<i2", 6: "<i4", 7: "<i8", 9: "?",
        10: "<f2", 11: "<f8", 12: "<u4", 13: "<u8",
    }.items()
}  # fmt: skip

#: Fields of TensorProto that hold numbers, and the element type that each is stored as; None for one varint an element.
_NUMBER_FIELDS: Final[Mapping[int, np.dtype[Any] | None]] = {
    4: np.dtype("<f4"),
    5: None,
    7: None,
    10: np.dtype("<f8"),
    11: None,
}


class ModelError(ValueError):
    """A message of the file contradicts itself."""


@dataclass(frozen=True, slots=True)
class TensorData:
    """A tensor of the file: its shape, and where its numbers are.

    Attributes
    ----------
    name, dims
        As the file has them.
    data_type
        Number of the element type in ``TensorProto.DataType``.
    external
        Path of the file beside this one that holds the numbers; None if they are here, or nowhere.
    """

    name: str
    dims: tuple[int, ...]
    data_type: int
    external: str | None = None
    _raw: Range | None = None
    _typed: tuple[tuple[int, Range | int | bytes], ...] = ()

    def values(self) -> np.ndarray[Any, Any] | None:
        """The numbers, if they are here and few; else None.

        Raises
        ------
        ModelError
            If there are more or fewer than the shape says.
        """
        dtype = _DTYPES.get(self.data_type)
        count = math.prod(self.dims)
        if dtype is None or count > MAX_VALUES or self.external is not None:
            return None
        if self._raw is not None:
            if self._raw.size != count * dtype.itemsize:
                raise ModelError(f"tensor `{self.name}` has {self._raw.size} bytes for {count} elements")
            return np.frombuffer(self._raw.read(), dtype).reshape(self.dims)
        if not self._typed and count:
            return None
        items = [item for number, value in self._typed for item in _numbers(number, value)]
        if len(items) != count:
            raise ModelError(f"tensor `{self.name}` has {len(items)} numbers for {count} elements")
        if self.data_type == 10:  # float16 is stored as its bits
            return np.array(items, dtype="<u2").view("<f2").reshape(self.dims)
        return np.array(items).astype(dtype).reshape(self.dims)


def is_laid_out(tensor: TensorData) -> bool:
    """Whether a float tensor holds different numbers, all of them halves, wholes or infinite.

    Nobody trains such numbers: they are a grid of pixels, strides, a mask.
    """
    dtype, raw = _DTYPES.get(tensor.data_type), tensor._raw
    if dtype is None or dtype.kind != "f" or raw is None or not dtype.itemsize < raw.size <= MAX_ZEROS:
        return False
    numbers = np.frombuffer(raw.read(), dtype).astype(np.float64)
    doubled = 2 * numbers
    return bool((doubled == np.rint(doubled)).all() and (numbers != numbers[0]).any())


def is_zero(tensor: TensorData) -> bool:
    """Whether a tensor is stored as zeros, all of its elements; one that is too large to look at is not."""
    raw = tensor._raw
    if raw is None or not 0 < raw.size <= MAX_ZEROS:
        return False
    return not any(raw.read())


def read_tensor(message: Range) -> TensorData:
    """A tensor's header; its numbers stay in the file."""
    name, dims, data_type, raw = "", [], 0, None
    typed: list[tuple[int, Range | int | bytes]] = []
    location, external = "", False
    for item in read_fields(message):
        if item.number == 1:
            dims += item.signed_items()
        elif item.number == 2:
            data_type = item.signed()
        elif item.number == 8:
            name = item.text()
        elif item.number == 9:
            raw = item.message()
        elif item.number in _NUMBER_FIELDS and len(typed) <= MAX_VALUES:
            typed.append((item.number, item.value))
        elif item.number == 13:
            key, value = _entry(item.message())
            location = value if key == "location" else location
        elif item.number == 14:
            external = item.signed() == 1
    tensor = TensorData(name, tuple(dims), data_type, location if external else None, raw, tuple(typed))
    _check(tensor)
    return tensor


def _check(tensor: TensorData) -> None:
    """A shape that the bytes behind it contradict is damage; so is one that no file holds."""
    if len(tensor.dims) > MAX_RANK or any(dim < 0 for dim in tensor.dims):
        raise ModelError(f"tensor `{tensor.name}` has the shape {list(tensor.dims)[:MAX_RANK]}")
    count = math.prod(tensor.dims)
    if count > MAX_ELEMENTS:
        raise ModelError(f"tensor `{tensor.name}` would have {count} elements")
    dtype, raw = _DTYPES.get(tensor.data_type), tensor._raw
    if dtype is not None and raw is not None and raw.size not in (0, count * dtype.itemsize):
        raise ModelError(f"tensor `{tensor.name}` has {raw.size} bytes for {count} elements of {dtype.itemsize} bytes")


def _numbers(number: int, value: Range | int | bytes) -> list[Any]:
    """The items of one of a tensor's number fields, packed or single."""
    dtype = _NUMBER_FIELDS[number]
    if dtype is not None:
        raw = value.read() if isinstance(value, Range) else value
        if not isinstance(raw, bytes) or len(raw) % dtype.itemsize:
            raise ModelError("a list of floats has a length that does not fit")
        return np.frombuffer(raw, dtype).tolist()  # type: ignore[no-any-return]
    return list(Field(number, value).signed_items())


def _entry(message: Range) -> tuple[str, str]:
    """A key and its value."""
    texts = {item.number: item.text() for item in read_fields(message) if item.number in (1, 2)}
    return texts.get(1, ""), texts.get(2, "")

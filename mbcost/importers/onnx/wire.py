"""Protobuf's wire format over a mapped file: fields by number, nothing read that nobody asks for.

A message is a range of bytes. Reading it yields its fields; a field that is a message, a text or a tensor's data is
again a range, so that skipping the weights of a network costs a few bytes each whatever their size. The format:
https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

Buffer: TypeAlias = bytes | mmap.mmap

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
FIXED32: Final = 5

_MAX_VARINT_BYTES: Final = 10
_MAX_TEXT: Final = 65_536


class WireError(ValueError):
    """The bytes are no protobuf message; the message says at which byte."""


class Range(NamedTuple):
    """The bytes of a message or of a text, of a packed list or of raw data."""

    data: Buffer
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start

    def read(self) -> bytes:
        return self.data[self.start : self.end]

    def text(self) -> str:
        """As UTF-8; what is none, or is too long for a name, comes back marked or cut."""
        return self.data[self.start : min(self.end, self.start + _MAX_TEXT)].decode("utf-8", errors="replace")


class Field(NamedTuple):
    """One field of a message.

    Attributes
    ----------
    number
        As in the ``.proto`` file.
    value
        An unsigned int, the bytes of a fixed-width number, or a :class:`Range`.
    """

    number: int
    value: int | bytes | Range

    def message(self) -> Range:
        """The value as a range of bytes.

        Raises
        ------
        WireError
            If the field is a number.
        """
        if not isinstance(self.value, Range):
            raise WireError(f"field {self.number} is a number where a message belongs")
        return self.value

    def text(self) -> str:
        return self.message().text()

    def signed(self) -> int:
        """The value as an int64, which is how the format stores an int32 or an enum too."""
        if not isinstance(self.value, int):
            raise WireError(f"field {self.number} is not a number")
        return self.value - 2**64 if self.value >= 2**63 else self.value

    def float32(self) -> float:
        if not isinstance(self.value, bytes) or len(self.value) != 4:
            raise WireError(f"field {self.number} is not a 32-bit float")
        return float(struct.unpack("<f", self.value)[0])

    def signed_items(self) -> list[int]:
        """The items of a repeated int64, packed or not."""
        if isinstance(self.value, int):
            return [self.signed()]
        return list(_packed(self.message()))

    def float32_items(self) -> list[float]:
        """The items of a repeated float, packed or not."""
        if isinstance(self.value, bytes):
            return [self.float32()]
        raw = self.message().read()
        if len(raw) % 4:
            raise WireError(f"{len(raw)} bytes are no list of 32-bit floats")
        return list(struct.unpack(f"<{len(raw) // 4}f", raw))


def read_fields(message: Range) -> Iterator[Field]:
    """The fields of a message, in the order of the file.

    Raises
    ------
    WireError
        If the bytes end within a field, or are of no wire type.
    """
    data, position, end = message
    while position < end:
        tag, position = _varint(data, position, end)
        number, kind = tag >> 3, tag & 7
        value: int | bytes | Range
        if kind == VARINT:
            value, position = _varint(data, position, end)
        elif kind == BYTES:
            size, position = _varint(data, position, end)
            value = Range(data, position, _within(position + size, end))
            position = value.end
        elif kind in (FIXED32, FIXED64):
            last = _within(position + (4 if kind == FIXED32 else 8), end)
            value, position = data[position:last], last
        else:
            raise WireError(f"wire type {kind} at byte {position} is unknown")
        if number == 0:
            raise WireError(f"field number 0 at byte {position}")
        yield Field(number, value)


def _within(position: int, end: int) -> int:
    if position > end:
        raise WireError(f"a field reaches to byte {position}, its message ends at byte {end}")
    return position


def _varint(data: Buffer, position: int, end: int) -> tuple[int, int]:
    """A varint's value, and the position after it."""
    value = 0
    for count in range(_MAX_VARINT_BYTES):
        if position >= end:
            raise WireError(f"a number at byte {position} is cut off")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value & (2**64 - 1), position
    raise WireError(f"a number before byte {position} has more than 64 bits")


def _packed(items: Range) -> Iterator[int]:
    data, position, end = items
    while position < end:
        value, position = _varint(data, position, end)
        yield value - 2**64 if value >= 2**63 else value

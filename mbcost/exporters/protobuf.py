"""Protobuf's wire format, written: fields by number (https://protobuf.dev/programming-guides/encoding)."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from mbcost.importers.onnx.wire import BYTES, FIXED32, VARINT


def whole(field: int, value: int) -> bytes:
    """An int64 or an enum."""
    return _varint(field << 3 | VARINT) + _varint(value)


def real(field: int, value: float) -> bytes:
    """A 32-bit float."""
    return _varint(field << 3 | FIXED32) + struct.pack("<f", value)


def block(field: int, content: bytes) -> bytes:
    """A message, or bytes."""
    return _varint(field << 3 | BYTES) + _varint(len(content)) + content


def text(field: int, value: str) -> bytes:
    return block(field, value.encode())


def packed(field: int, values: Iterable[int]) -> bytes:
    """Several int64."""
    return block(field, b"".join(_varint(value) for value in values))


def _varint(value: int) -> bytes:
    value &= 2**64 - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)

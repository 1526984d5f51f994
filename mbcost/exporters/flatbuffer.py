"""FlatBuffers, written from the front: each table, then what it refers to (https://flatbuffers.dev/internals)."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from mbcost.importers.tflite.flatbuffer import SCALARS, Schema

#: Alignment of a table, of a vector of bytes, and of the end of a reference [bytes].
_TABLE: Final = 8
_BYTES: Final = 16
_REFERENCE: Final = 4


class Record(NamedTuple):
    """A table of the schema's kind `kind`; fields that are not given have their default.

    The value of a field is a number, a text, an array of any type (a vector of bytes), a sequence of numbers or of
    records, or a record.
    """

    kind: str
    fields: Mapping[str, Any]


Place: TypeAlias = tuple[int, Any, str]


class Builder:
    """A FlatBuffer that grows."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.out = bytearray()
        self._vtables: dict[bytes, int] = {}
        self._waiting: deque[Place] = deque()

    def finish(self, root: Record, identifier: bytes) -> bytes:
        """The file with this root table."""
        self.out += bytes(_REFERENCE) + identifier
        self._waiting.append((0, root, root.kind))
        while self._waiting:
            place, value, kind = self._waiting.popleft()
            struct.pack_into("<I", self.out, place, self._write(value, kind) - place)
        return bytes(self.out)

    def _write(self, value: Any, kind: str) -> int:
        """Write what a reference leads to; its position."""
        if isinstance(value, Record):
            return self._table(value)
        if isinstance(value, str):
            text = value.encode()
            self._align(_REFERENCE)
            return self._append(struct.pack("<I", len(text)) + text + b"\0")
        if isinstance(value, np.ndarray):
            self._align(_BYTES, before=_REFERENCE)
            position = self._append(struct.pack("<I", value.nbytes))
            self.out += np.ascontiguousarray(value).data.cast("B") if value.size else b""
            return position
        return self._vector(value, kind.strip("[]"))

    def _vector(self, items: Sequence[Any], kind: str) -> int:
        if kind not in SCALARS:
            self._align(_REFERENCE)
            position = self._append(struct.pack("<I", len(items)) + bytes(_REFERENCE * len(items)))
            first = position + _REFERENCE
            self._waiting.extend((first + _REFERENCE * i, item, kind) for i, item in enumerate(items))
            return position
        code = SCALARS[kind]
        self._align(max(struct.calcsize(code), _REFERENCE), before=_REFERENCE)
        return self._append(struct.pack(f"<I{len(items)}{code}", len(items), *items))

    def _table(self, record: Record) -> int:
        slots = {name: self.schema[record.kind][name] for name in record.fields}
        sizes = {name: struct.calcsize(SCALARS.get(slot.type, "I")) for name, slot in slots.items()}
        offsets, size = {}, _REFERENCE
        for name in sorted(slots, key=lambda name: sizes[name], reverse=True):
            size += -size % sizes[name]
            offsets[name] = size
            size += sizes[name]
        entries = [0] * (1 + max((slot.number for slot in slots.values()), default=-1))
        for name, slot in slots.items():
            entries[slot.number] = offsets[name]
        vtable = struct.pack(f"<{2 + len(entries)}H", 4 + 2 * len(entries), size, *entries)
        if vtable not in self._vtables:
            self._align(2)
            self._vtables[vtable] = self._append(vtable)
        self._align(_TABLE)
        position = self._append(bytes(size))
        struct.pack_into("<i", self.out, position, position - self._vtables[vtable])
        for name, slot in slots.items():
            value, place = record.fields[name], position + offsets[name]
            if slot.type in SCALARS:
                struct.pack_into(f"<{SCALARS[slot.type]}", self.out, place, value)
            else:
                self._waiting.append((place, value, slot.type))
        return position

    def _append(self, data: bytes) -> int:
        position = len(self.out)
        self.out += data
        return position

    def _align(self, to: int, before: int = 0) -> None:
        """Fill up so that what comes after the next `before` bytes is aligned."""
        self.out += bytes(-(len(self.out) + before) % to)

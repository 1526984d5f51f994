"""FlatBuffers from strangers: tables read through a schema, every offset checked, nothing copied that is not asked for.

The format is described at https://flatbuffers.dev/internals/. A table begins with the distance back to its vtable; the
vtable is a list of 16-bit numbers: its own size, the table's size, and for every field of the schema the distance from
the table's beginning, or 0 where the field has its default value. Vectors and strings begin with their length; tables,
vectors and strings are referred to by the distance from the reference.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from mmap import mmap
from typing import Any, Final, NamedTuple, TypeAlias

from mbcost.errors import MbcostError

Bytes: TypeAlias = bytes | mmap

#: What one file may make us read: vtable entries, vector elements, characters. The largest network that mbcost takes,
#: with 20,000 operators, needs a quarter.
MAX_READS: Final = 2**23
#: A table takes as long as so many numbers of a vector.
_TABLE_READS: Final = 16

_U16: Final = struct.Struct("<H")
_U32: Final = struct.Struct("<I")
_I32: Final = struct.Struct("<i")
_VTABLE_HEADER: Final = 2

#: scalar of a schema -> code of the :mod:`struct` module
SCALARS: Final = {
    "bool": "?",
    "byte": "b",
    "ubyte": "B",
    "int": "i",
    "uint": "I",
    "long": "q",
    "ulong": "Q",
    "float": "f",
}


class DamagedError(MbcostError):
    """The bytes are no FlatBuffer of this schema."""


class Slot(NamedTuple):
    """A field of a table: its number in the schema, its type, the value that is not written down."""

    number: int
    type: str
    default: int = 0


Schema: TypeAlias = Mapping[str, Mapping[str, Slot]]


class Flatbuffer:
    """The bytes of a file and the schema that they follow."""

    __slots__ = ("data", "reads_left", "schema", "size")

    def __init__(self, data: Bytes, schema: Schema) -> None:
        self.data = data
        self.size = len(data)
        self.schema = schema
        self.reads_left = MAX_READS

    def root(self, kind: str) -> Table:
        """The table that the file begins with."""
        return self.table(kind, self.follow(0))

    def table(self, kind: str, position: int) -> Table:
        """The table at a position."""
        vtable = position - self.number(_I32, position)
        size = self.number(_U16, vtable)
        if size % 2:
            raise DamagedError(f"the vtable at byte {vtable} has an odd size")
        self.charge(_TABLE_READS)
        entries = self.numbers("H", vtable, size // 2)
        return Table(self, kind, position, entries[_VTABLE_HEADER:])

    def follow(self, position: int) -> int:
        """Where the reference at a position points to."""
        distance: int = self.number(_U32, position)
        return position + distance

    def number(self, code: struct.Struct, position: int) -> Any:
        """One number."""
        if not 0 <= position <= self.size - code.size:
            raise DamagedError(f"byte {position} lies outside of the file's {self.size}")
        return code.unpack_from(self.data, position)[0]

    def numbers(self, code: str, position: int, count: int) -> tuple[Any, ...]:
        """`count` numbers in a row."""
        self.check(position, count * struct.calcsize(f"<{code}"))
        self.charge(count)
        return struct.unpack_from(f"<{count}{code}", self.data, position)

    def check(self, position: int, size: int) -> None:
        """Check that `size` bytes from `position` on lie in the file."""
        if position < 0 or size < 0 or position + size > self.size:
            raise DamagedError(f"{size} bytes at byte {position} do not lie in the file's {self.size}")

    def charge(self, reads: int) -> None:
        """Count what is read: a few bytes that refer to each other must not keep us busy for ever."""
        self.reads_left -= reads
        if self.reads_left < 0:
            raise DamagedError("the same bytes are used too many times over")


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the schema's kind `kind`. Fields are read when they are asked for."""

    buffer: Flatbuffer
    kind: str
    position: int
    slots: tuple[int, ...]

    def number(self, name: str) -> int:
        """A scalar field."""
        slot = self._slot(name)
        place = self._place(slot)
        if place is None:
            return slot.default
        value: int = self.buffer.number(struct.Struct(f"<{SCALARS[slot.type]}"), place)
        return value

    def numbers(self, name: str) -> tuple[Any, ...]:
        """A vector of scalars; empty if it is not there."""
        code = SCALARS[self._slot(name).type.strip("[]")]
        start, count = self._vector(name)
        return self.buffer.numbers(code, start, count) if count else ()

    def text(self, name: str) -> str:
        """A string; bytes that are no UTF-8 are replaced."""
        start, count = self._vector(name)
        self.buffer.check(start, count)
        self.buffer.charge(count)
        return self.buffer.data[start : start + count].decode("utf-8", "replace")

    def bytes_at(self, name: str) -> tuple[int, int]:
        """Where the bytes of a vector lie: position and length. They are not read."""
        start, count = self._vector(name)
        self.buffer.check(start, count)
        return start, count

    def table(self, name: str, kind: str | None = None) -> Table | None:
        """The table that a field refers to; `kind` where the schema has a union of several."""
        slot = self._slot(name)
        place = self._place(slot)
        return None if place is None else self.buffer.table(kind or slot.type, self.buffer.follow(place))

    def tables(self, name: str) -> Tables:
        """A vector of tables."""
        start, count = self._vector(name)
        self.buffer.check(start, 4 * count)
        return Tables(self.buffer, self._slot(name).type.strip("[]"), start, count)

    def has(self, name: str) -> bool:
        """Whether the schema knows such a field of this kind of table."""
        return name in self.buffer.schema[self.kind]

    def _slot(self, name: str) -> Slot:
        return self.buffer.schema[self.kind][name]

    def _place(self, slot: Slot) -> int | None:
        distance = self.slots[slot.number] if slot.number < len(self.slots) else 0
        return self.position + distance if distance else None

    def _vector(self, name: str) -> tuple[int, int]:
        """Position of the first element and number of elements."""
        place = self._place(self._slot(name))
        if place is None:
            return 0, 0
        start = self.buffer.follow(place)
        return start + _U32.size, self.buffer.number(_U32, start)


@dataclass(frozen=True, slots=True)
class Tables:
    """A vector of tables, each of them read when it is asked for."""

    buffer: Flatbuffer
    kind: str
    start: int
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Table:
        if not 0 <= index < self.count:
            raise DamagedError(f"there is no {self.kind} number {index} among {self.count}")
        return self.buffer.table(self.kind, self.buffer.follow(self.start + 4 * index))

    def __iter__(self) -> Iterator[Table]:
        return (self[index] for index in range(self.count))

"""The schema's page against the code that flatc generates from schema.fbs."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest
import tflite

from mbcost.importers.tflite.schema import (
    ACTIVATIONS,
    BUILTIN_OPERATORS,
    IDENTIFIER,
    OPTIONS,
    PADDINGS,
    SCHEMA,
    TENSOR_TYPES,
)


def generated(kind: str) -> Any:
    member = getattr(tflite, kind)
    return member if isinstance(member, type) else getattr(member, kind)


def numbers(kind: str) -> dict[str, int]:
    return {name: value for name, value in vars(generated(kind)).items() if isinstance(value, int)}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, fields in SCHEMA.items() for name in fields])
def test_slot(kind: str, name: str) -> None:
    slot = SCHEMA[kind][name]
    method = getattr(generated(kind), "".join(word.capitalize() for word in name.split("_")))
    source = inspect.getsource(method)
    # the first field of a vtable is at byte 4, each takes two
    assert f"Offset({4 + 2 * slot.number})" in source
    flags = {"Bool": "bool", "Int8": "byte", "Uint8": "ubyte", "Int32": "int", "Uint32": "uint", "Uint64": "ulong"}
    flags |= {"Int64": "long", "Float32": "float"}
    read = re.search(r"N\.(Bool|Int8|Uint8|Int32|Uint32|Uint64|Int64|Float32)Flags", source)
    expected = flags[read[1]] if read else None
    if expected is not None and not slot.type.startswith("[") and slot.type not in {"union", "string"}:
        assert slot.type == expected
        default = re.findall(r"return (?:bool\()?(\d+|False)", source)[-1]
        assert slot.default == (0 if default == "False" else int(default))
    elif expected is not None and slot.type.startswith("["):
        assert slot.type == f"[{expected}]"


def test_enumerations() -> None:
    assert numbers("BuiltinOperator") == {name: i for i, name in enumerate(BUILTIN_OPERATORS)}
    assert numbers("TensorType") == {name: i for i, (name, _) in enumerate(TENSOR_TYPES)}
    assert numbers("Padding") == {name.upper(): i for i, name in enumerate(PADDINGS)}
    assert numbers("ActivationFunctionType") == {name: i for i, name in enumerate(ACTIVATIONS)}
    assert set(OPTIONS.values()) <= numbers("BuiltinOptions").keys()


def test_identifier() -> None:
    assert generated("Model").ModelBufferHasIdentifier(b"\0\0\0\0" + IDENTIFIER, 0)

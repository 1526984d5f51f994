"""Mutants of TFLite files: models that are changed before they are written, and numbers of written files."""

from __future__ import annotations

import copy
import random
import struct
from functools import lru_cache

import tflite

from mbcost.importers.tflite.flatbuffer import SCALARS, DamagedError, Flatbuffer, Table
from mbcost.importers.tflite.schema import BUILTIN_OPERATORS, SCHEMA
from tests.fuzz.texts import bytes_mutant
from tests.fuzz.values import FLOATS, integer
from tests.importers.tflite.build import Model

_TYPES = [name for name in vars(tflite.TensorType) if name.isupper()]
_KINDS = [name for name in SCHEMA if name.endswith("Options")]
_UNIONS = {name: number for name, number in vars(tflite.BuiltinOptions).items() if name in _KINDS}


def model_mutant(model: Model, rng: random.Random) -> bytes:
    """The file of a changed copy of a model: of its tensors, its operators, or what they read and make."""
    mutant = Model(model.dtype)
    for name in ("tensors", "buffers", "codes", "operators", "inputs", "outputs"):
        setattr(mutant, name, copy.copy(getattr(model, name)))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        rng.choice((_change_tensor, _change_tensor, _change_operator, _change_operator, _change_graph))(mutant, rng)
    return mutant.finish(*mutant.outputs)


def file_mutant(content: bytes, rng: random.Random) -> bytes:
    """A file with some numbers of its tables replaced; one time out of three bytes anywhere."""
    if rng.random() < 0.33:
        return content[:8] + bytes_mutant(content[8:], rng) if rng.random() < 0.8 else bytes_mutant(content, rng)
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        code, at = rng.choice(_numbers(content))
        if code in "fd":
            struct.pack_into(f"<{code}", changed, at, rng.choice([f for f in FLOATS if not 1e38 < abs(f) < 1e301]))
            continue
        number = integer(rng, struct.unpack_from(f"<{code}", content, at)[0])
        size = struct.calcsize(f"<{code}")
        changed[at : at + size] = (number % 256**size).to_bytes(size, "little")
    return bytes(changed)


@lru_cache(maxsize=512)
def _numbers(content: bytes) -> list[tuple[str, int]]:
    """Place and code of every scalar, element and length in a file's tables."""
    buffer = Flatbuffer(content, SCHEMA)
    found: list[tuple[str, int]] = [("I", 0)]
    waiting: list[tuple[Table, str | None]] = [(buffer.root("Model"), None)]
    while waiting and len(found) < 20_000:
        table, options = waiting.pop()
        for name, slot in SCHEMA[table.kind].items():
            place = table._place(slot)
            if place is None:
                continue
            kind = slot.type.strip("[]")
            if slot.type in SCALARS:
                found.append((SCALARS[kind], place))
            elif slot.type == "union":
                found.append(("b", place))
            elif slot.type.startswith("[") or slot.type == "string":
                start, count = table._vector(name)
                found.append(("I", start - 4))
                if kind in SCALARS and kind != "ubyte":
                    size = struct.calcsize(f"<{SCALARS[kind]}")
                    found += [(SCALARS[kind], start + size * i) for i in range(min(count, 64))]
                elif kind in SCHEMA:
                    found += [("I", start + 4 * i) for i in range(min(count, 64))]
                    waiting += [(child, None) for child in table.tables(name)]
            elif slot.type in SCHEMA:
                child = table.table(name)
                if child is not None:
                    waiting.append((child, options))
        if table.kind == "Operator":
            found += _options(content, table)
    return found


def _options(content: bytes, table: Table) -> list[tuple[str, int]]:
    """The numbers of an operator's options, by the kind that the file says."""
    kinds = {number: name for name, number in _UNIONS.items()}
    place = table.slots[3] if len(table.slots) > 3 else 0
    kind = kinds.get(content[table.position + place]) if place else None
    try:
        options = table.table("builtin_options", kind) if kind else None
    except DamagedError:
        return []
    if options is None:
        return []
    places = [
        (SCALARS[slot.type], options._place(slot)) for slot in SCHEMA[options.kind].values() if slot.type in SCALARS
    ]
    return [(code, at) for code, at in places if at is not None]


def _change_tensor(model: Model, rng: random.Random) -> None:
    at = rng.randrange(len(model.tensors))
    name, shape, dtype, buffer, quantization, signature = model.tensors[at]
    sizes, kind = list(shape), rng.randrange(9)
    if kind < 2 and sizes:
        place = rng.randrange(len(sizes))
        sizes[place] = _int32(integer(rng, sizes[place]))
    elif kind == 2:
        sizes.insert(rng.randrange(len(sizes) + 1), _int32(integer(rng, 1)))
    elif kind == 3 and sizes:
        del sizes[rng.randrange(len(sizes))]
    elif kind == 4:
        dtype = rng.choice(_TYPES)
    elif kind == 5:
        buffer = rng.choice((0, integer(rng, buffer) % 2**32, rng.randrange(len(model.buffers))))
    elif kind == 6:
        signature = [_int32(integer(rng, -1)) for _ in sizes]
    elif kind == 7:
        scale = rng.choice([number for number in FLOATS if not 1e38 < abs(number) < 1e301])
        quantization = (scale, integer(rng) % 2**63)
    elif model.buffers[buffer % len(model.buffers)]:
        data = bytes_mutant(model.buffers[buffer % len(model.buffers)], rng)
        model.buffers.append(data or b"\0")
        buffer = len(model.buffers) - 1
    model.tensors[at] = (name, sizes, dtype, buffer, quantization, signature)


def _change_operator(model: Model, rng: random.Random) -> None:
    at, kind = rng.randrange(len(model.operators)), rng.randrange(9)
    code, inputs, outputs, options_kind, options = model.operators[at]
    inputs, outputs, options = list(inputs), list(outputs), dict(options)
    anywhere = rng.choice((*range(-1, len(model.tensors)), _int32(integer(rng))))
    numbers = [name for name, number in options.items() if isinstance(number, int)]
    if kind == 0:
        model.codes.append(
            (rng.choice([name for name in BUILTIN_OPERATORS if hasattr(tflite.BuiltinOperator, name)]), None)
        )
        code = len(model.codes) - 1
    elif kind == 1 and inputs:
        inputs[rng.randrange(len(inputs))] = anywhere
    elif kind == 2 and inputs:
        del inputs[rng.randrange(len(inputs))]
    elif kind == 3:
        inputs.append(anywhere)
    elif kind == 4 and outputs:
        outputs[rng.randrange(len(outputs))] = anywhere
    elif kind == 5:
        outputs = outputs[:-1] if rng.random() < 0.5 else [*outputs, anywhere]
    elif kind == 6 and rng.random() < 0.3:
        options_kind, options = None, {}
    elif numbers:
        name = rng.choice(numbers)
        limit = 2**7 if name in {"Padding", "FusedActivationFunction"} else 2**31
        number = integer(rng, options[name])
        options[name] = bool(number % 2) if isinstance(options[name], bool) else max(-limit, min(limit - 1, number))
    model.operators[at] = (code, inputs, outputs, options_kind, options)


def _change_graph(model: Model, rng: random.Random) -> None:
    """Operators that go, come again or stand elsewhere; what the graph takes and gives."""
    at, kind = rng.randrange(len(model.operators)), rng.randrange(6)
    if kind == 0 and len(model.operators) > 1:
        del model.operators[at]
    elif kind == 1:
        model.operators.insert(rng.randrange(len(model.operators) + 1), model.operators[at])
    elif kind == 2:
        rng.shuffle(model.operators)
    elif kind == 3:
        model.inputs = [*model.inputs, rng.randrange(-1, len(model.tensors))]
    elif kind == 4:
        model.inputs = model.inputs[:-1]
    else:
        model.outputs = [rng.randrange(-1, len(model.tensors)) for _ in range(rng.randrange(1, 3))]


def _int32(number: int) -> int:
    return max(-(2**31), min(2**31 - 1, number))

"""Mutants of texts: bytes, characters and lines, cells of a CSV file, and trees of YAML and JSON."""

from __future__ import annotations

import copy
import json
import random
import re
from contextlib import suppress
from typing import Any, Final

from tests.bad_input.mutations import mutate as slip
from tests.fuzz.values import near, scalar, value

_VALUE: Final = re.compile(r"(?<=[:,\[{]) ?([^\s:,\[\]{}#&*!|>'\"%@`][^:,\[\]{}#\n]*)")
_KEY: Final = re.compile(r"[A-Za-z_]\w*(?=:)")


def yaml_mutant(text: str, data: Any, rng: random.Random) -> bytes:
    """A mutant of a YAML text: of its data, written as JSON, which is YAML too; of its values; or of its characters."""
    kind = rng.random()
    if kind < 0.45:
        return encoded(json.dumps(tree_mutant(data, rng), indent=rng.choice((None, 1))))
    if kind < 0.8:
        return encoded(value_mutant(text, rng))
    return bytes_mutant(text.encode(), rng) if kind < 0.85 else encoded(slip(text, rng))


def json_mutant(text: str, rng: random.Random) -> bytes:
    """A mutant of a JSON text."""
    if rng.random() < 0.75:
        with suppress(ValueError, RecursionError):  # what was damaged before may be no JSON any more
            return encoded(json.dumps(tree_mutant(json.loads(text), rng)))
    return bytes_mutant(text.encode("utf-8", "replace"), rng)


def csv_mutant(text: str, rng: random.Random) -> bytes:
    """A mutant of a CSV text: of its cells, rows and columns, or of its characters."""
    if rng.random() < 0.2:
        return bytes_mutant(text.encode(), rng)
    rows = [line.split(",") for line in text.splitlines()]
    for _ in range(rng.choice((1, 1, 2, 4))):
        row = rng.choice(rows[1:] if len(rows) > 1 and rng.random() < 0.85 else rows)
        column, kind = rng.randrange(len(row)), rng.randrange(8)
        if kind < 4:
            row[column] = str(scalar(rng)).replace("\n", " ")
        elif kind == 4:
            row[column] = rng.choice(rng.choice(rows))
        elif kind == 5:
            row.insert(column, row[column])
        elif kind == 6 and len(row) > 1:
            del row[column]
        else:
            rows.insert(rng.randrange(len(rows) + 1), list(row))
    return encoded("\n".join(",".join(row) for row in rows) + rng.choice(("\n", "")))


def bytes_mutant(content: bytes, rng: random.Random) -> bytes:
    """Some bytes replaced, cut, repeated or put elsewhere."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        at, kind = rng.randrange(len(changed) + 1), rng.randrange(6)
        if kind < 2 and at < len(changed):
            changed[at] = rng.choice((0, 1, 127, 128, 255, changed[at] ^ 1 << rng.randrange(8)))
        elif kind == 2:
            del changed[at : at + rng.choice((1, 2, 4, 64))]
        elif kind == 3:
            changed[at:at] = rng.randbytes(rng.choice((1, 4)))
        elif kind == 4:
            start = rng.randrange(len(changed) + 1)
            changed[at:at] = changed[start : start + rng.choice((1, 8, 64))]
        elif rng.random() < 0.3:
            del changed[at:]
    return bytes(changed)


def value_mutant(text: str, rng: random.Random) -> str:
    """One to three values of a text replaced or exchanged, or keys renamed or repeated."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        found = list(_VALUE.finditer(text))
        if not found:
            return slip(text, rng)
        one, kind = rng.choice(found), rng.randrange(8)
        if kind < 5:
            text = text[: one.start(1)] + json.dumps(near(_number(one[1]), rng)) + text[one.end(1) :]
        elif kind < 7:
            text = text[: one.start(1)] + rng.choice(found)[1] + text[one.end(1) :]
        else:
            keys = list(_KEY.finditer(text))
            key, other = (rng.choice(keys), rng.choice(keys)) if keys else (one, one)
            text = text[: key.start()] + other[0] + text[key.end() :]
    return text


def tree_mutant(data: Any, rng: random.Random) -> Any:
    """A copy of mappings and lists with one to three changes of a value, a key or an item."""
    root = [copy.deepcopy(data)]
    for _ in range(rng.choice((1, 1, 2, 3))):
        places = [*_places(root)]
        container, key = rng.choice(places)
        kind = rng.randrange(10)
        if container is root or kind < 5:
            if container is not root or rng.random() < 0.05:
                scalars = not isinstance(container[key], (dict, list)) and rng.random() < 0.7
                container[key] = near(container[key], rng) if scalars else value(rng)
        elif kind < 7:
            other, its_key = rng.choice(places)
            container[key] = copy.deepcopy(other[its_key])
        elif kind < 8:
            del container[key]
        elif isinstance(container, list):
            container.insert(key, copy.deepcopy(container[key]))
        else:
            name = rng.choice((str(scalar(rng)), f"{key}_", rng.choice(list(container))))
            container[name] = container.pop(key)
    return root[0]


def encoded(text: str) -> bytes:
    """UTF-8; a surrogate as the three bytes that no reader takes."""
    return text.encode("utf-8", "surrogatepass")


def _number(text: str) -> float | str:
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


def _places(container: Any) -> Any:
    for key, item in container.items() if isinstance(container, dict) else enumerate(container):
        yield container, key
        if isinstance(item, (dict, list)):
            yield from _places(item)

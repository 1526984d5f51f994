"""No text, however damaged, ends in anything but a network or a list of problems, and none takes long."""

from __future__ import annotations

import copy
import random
import time
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mbcost.architectures import architecture_names
from mbcost.architectures.loader import TABLES
from mbcost.files import parse_yaml
from tests.bad_input.mutations import mutate
from tests.bad_input.survival import outcome

TEXTS = {name: (TABLES / f"{name}.yaml").read_text(encoding="utf-8") for name in architecture_names()}
DATA = {name: parse_yaml(text, name).data for name, text in TEXTS.items()}

#: Texts of random damage are made from the seeds 0 to BATCHES * PER_BATCH - 1.
BATCHES, PER_BATCH = 25, 100
LIMIT_S = 2.0

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 20),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(
        [
            *(
                "conv2d",
                "depthwise_conv2d",
                "add",
                "concat",
                "reshape",
                "split",
                "resize",
                "bneck",
                "bottleneck",
                "input",
            ),
            *(
                "relu",
                "HS",
                "none",
                "batch_norm",
                "same",
                "valid",
                "3x3",
                "224x224x3",
                "1x1x3x64",
                "required",
                "classes",
            ),
            *("in_channels", "alpha * 1e11", "in_channels / 3", "1 // 0", "stride == 1", "width(in_channels)", "index"),
            *(
                "in_height * in_width * 999999999999",
                "min(in_channels, 8)",
                "not in_channels",
                "project",
                "op",
                "layers",
            ),
        ]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SCALARS.map(str), inner, max_size=4),
    max_leaves=6,
)


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths of all values inside `value`."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in items for place in ((*path, key), *places(item, (*path, key)))]


def replaced(data: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """A copy of `data` with another value at `path`."""
    result = copy.deepcopy(data)
    target = result
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return result


def timed_outcome(text: str) -> str:
    start = time.process_time()
    result = outcome(text)
    assert time.process_time() - start < LIMIT_S
    return result


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_damage(batch):
    for seed in range(batch * PER_BATCH, (batch + 1) * PER_BATCH):
        rng = random.Random(seed)
        text = mutate(TEXTS[rng.choice(list(TEXTS))], rng)
        try:
            timed_outcome(text)
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error


@pytest.mark.parametrize("name", TEXTS)
def test_cut_short(name):
    text = TEXTS[name]
    assert timed_outcome(text) == "sound"
    for end in range(0, len(text), 297):
        timed_outcome(text[:end])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), name=st.sampled_from(list(DATA)))
def test_random_values(data, name):
    document = DATA[name]
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(document)))
        document = replaced(document, path, data.draw(VALUES))
    timed_outcome(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=200))


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.dictionaries(st.sampled_from(["op", "out", "kernel", "repeat", "when", "name"]), VALUES)))
def test_random_rows(rows):
    timed_outcome(yaml.safe_dump({"name": "n", "source": "s", "input": "8x8x3", "layers": rows}))


# What grows without a limit on it


def table(blocks: str, rows: str) -> str:
    return f"name: n\nsource: s\ninput: 8x8x3\nblocks:\n{blocks}layers:\n{rows}"


def chain(count: int, row: str, more: str = "") -> str:
    """Blocks that each use the one before by `row`."""
    first = f"  b0: {{{more}layers: [{{op: relu, when: false}}]}}\n"
    return first + "".join(f"  b{i}: {{{more}layers: [{row.replace('USED', f'b{i - 1}')}]}}\n" for i in range(1, count))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param(table(chain(2000, "{op: USED}"), "  - {op: b1999}\n"), "MB106", id="long chain of blocks"),
        pytest.param(
            table(chain(16, ", ".join(["{op: USED}"] * 50)), "  - {op: b15}\n"), "MB208", id="many uses in each block"
        ),
        pytest.param(
            table(chain(5, "{op: USED, repeat: 1000}"), "  - {op: b4, repeat: 1000}\n"),
            "MB208",
            id="repeats of nothing",
        ),
        pytest.param(
            table(chain(15, "{op: USED, t: t * t * t * t}", "parameters: {t: 2}, "), "  - {op: b14, t: 9}\n"),
            "MB205",
            id="powers of powers",
        ),
        pytest.param("name: n\n" * 20000, "MB104", id="many equal keys"),
        pytest.param("- " * 30 + "a", "MB103", id="nested lists"),
        pytest.param("{a: " * 5000, "MB106", id="open mappings"),
        pytest.param(table("  a: {layers: [{op: relu}]}\n", "  - {opp: x}\n" * 20000), "MB101", id="many mistakes"),
        pytest.param(
            f"name: n\nsource: s\ninput: 8x8x3\nlayers:\n  - {{op: 'a{' ' * 200_000}!'}}\n", "MB201", id="long op"
        ),
        pytest.param(
            f"name: n\nsource: s\ninput: '8{' ' * 200_000}!'\nlayers: [{{op: relu}}]\n", "MB103", id="long input"
        ),
        pytest.param(
            f"name: n\nsource: s\ninput: 8x8x3\nlayers: [{{op: conv2d, filter: '{'9x' * 100_000}'}}]\n",
            "MB103",
            id="long filter",
        ),
        pytest.param(
            f"name: n\nsource: s\ninput: 8x8x3\nlayers: [{{op: conv2d, out: '{'1 ' * 100_000}'}}]\n",
            "MB205",
            id="long expression",
        ),
        pytest.param(
            f"name: n\nsource: s\ninput: 8x8x3\nlayers: [{{op: relu, {'k' * 1000}: 1}}]\n", "MB101", id="long key"
        ),
    ],
)
def test_growth_is_limited(text, code):
    assert timed_outcome(text) == code

"""``mbcost schema``: valid by the meta schema, and right about what ships."""

from __future__ import annotations

import json

import jsonschema
import pytest

from mbcost.architectures.loader import TABLES
from mbcost.files import load_yaml
from mbcost.resources import hardware_profiles

SHIPPED = [("architecture", path) for path in sorted(TABLES.glob("*.yaml"))]
SHIPPED += [("device", path) for path in sorted(hardware_profiles().glob("*.yaml"))]


@pytest.fixture
def validator(cli):
    def make(kind: str) -> jsonschema.Draft202012Validator:
        return jsonschema.Draft202012Validator(json.loads(cli("schema", kind).out))

    return make


@pytest.mark.parametrize("kind", ["architecture", "device"])
def test_it_is_a_schema(validator, kind):
    validator(kind).check_schema(validator(kind).schema)


@pytest.mark.parametrize(("kind", "path"), SHIPPED, ids=lambda value: getattr(value, "stem", value))
def test_what_ships_is_valid(validator, kind, path):
    validator(kind).validate(load_yaml(path).data)


@pytest.mark.parametrize(
    "change",
    [
        {"naem": "x"},
        {"input": 224},
        {"layers": []},
        {"layers": [{"op": "conv2d", "strid": 2}]},
        {"layers": [{"op": "conv dw / s2", "out": 3}]},
        {"layers": [{"type": "fc", "kernel": 3}]},
        {"layers": [{"out": 3}]},
        {"width": {"rule": "round"}},
        {"defaults": {"cnov2d": {}}},
        {"blocks": {"b": {"layers": [{"op": "relu"}], "inputs": []}}},
    ],
    ids=str,
)
def test_mistakes_in_an_architecture_are_invalid(validator, change):
    right = {"name": "x", "source": "s", "input": "8x8x3", "layers": [{"op": "conv2d 3x3", "c": 8, "s": 2}]}
    assert validator("architecture").is_valid(right)
    assert not validator("architecture").is_valid({**right, **change})


def test_a_missing_key_is_invalid(validator):
    assert not validator("architecture").is_valid({"name": "x", "source": "s", "input": "8x8x3"})


def test_a_block_has_keys_of_its_own(validator):
    table = {"name": "x", "source": "s", "input": "8x8x3", "layers": [{"op": "bottleneck", "t": 6, "squeeze": True}]}
    assert validator("architecture").is_valid(table)


def test_unknown_kind(cli):
    outcome = cli("schema", "network")
    assert outcome.code == 2
    assert outcome.err.startswith("error[MB010]: invalid value for ")

"""The JSON of every command is what its schema says, to the last key."""

from __future__ import annotations

import json
from typing import Any, get_args

import jsonschema
import pytest

import mbcost
from mbcost.cli.schema import Output
from mbcost.insight.measured import MeasuredAnalysis, MeasuredKernel
from mbcost.report.schemas import output_kinds, output_schema
from mbcost.runner.session import Timing, Visit

PIXEL = ("-d", "pixel1")
#: Kind of output -> commands that write it: with one and several devices, and with what is null elsewhere.
COMMANDS = {
    "analysis": [
        ("analyze", "mobilenet_v2", *PIXEL),
        ("analyze", "mobilenet_v1", *PIXEL, "-d", "edge_tpu,host=raspberry_pi_4"),
        ("analyze", "mobilenet_v1", "-d", "pynq_z2"),
        ("analyze", "ds_cnn", "-d", "nucleo_l4r5zi"),
    ],
    "comparison": [
        ("compare", "mobilenet_v1", "mobilenet_v2", *PIXEL),
        ("compare", "mobilenet_v1", *PIXEL, "-d", "pixel4", "-d", "pixel4/gpu"),
    ],
    "sweep": [
        ("sweep", "mobilenet_v2", *PIXEL, "--published"),
        ("sweep", "vgg16", *PIXEL, "--resolution", "224x256"),
    ],
    "pick": [
        ("pick", "mobilenet_v2", *PIXEL, "-d", "pixel4", "-b", "30ms", "-b", "6MiB"),
        ("pick", "mobilenet_v2", *PIXEL, "-b", "1ms"),
        ("pick", "densenet121", *PIXEL, "-b", "1s", "--resolution", "128,224"),
        ("pick", "mobilenet_v1", "-d", "stm32h747", "--ram", "320KiB", "--flash", "2MiB"),
    ],
    "explanation": [("explain", "mobilenet_v2", "--measured", "27ms", "--device", "pixel4")],
    "stream": [
        ("stream", "mobilenet_v1", "-d", "pixel4/gpu", "--preprocess", "3ms"),
        ("stream", "mobilenet_v1", "-d", "pixel4/gpu", "-d", "pixel4", "--rate", "30", "--drop", "--jitter", "0.1"),
    ],
    "validation": [("validate", *PIXEL)],
    "design": [("design", "mobilenet_v2", "-d", "pynq_z2", "--alpha", "0.35", "--resolution", "96")],
    "pipeline": [
        ("design", "mobilenet_v1", "-d", "zc706", "--style", "streaming", "--alpha", "0.25", "--resolution", "128")
    ],
    "graph": [("convert", "mobilenet_v1"), ("convert", "mobilenet_v1", *PIXEL)],
    "devices": [("devices", "list")],
    "catalogue": [("devices", "list", "--all")],
    "search": [("devices", "search", "pixel")],
    "device-details": [
        ("devices", "show", name) for name in ("pixel4", "pynq_z2", "snapdragon_8_gen_3", "nucleo_l4r5zi", "a100")
    ],
    "core-details": [("devices", "show", name) for name in ("cortex_x4", "cortex_m4", "cortex_a53")],
    "gpu-details": [("devices", "show", name) for name in ("adreno_750", "adreno_640")],
    "architectures": [("architectures", "list")],
    "architecture-details": [
        ("architectures", "show", "mobilenet_v2"),
        ("architectures", "show", "mobilenet_v2", "--all"),
    ],
    "runtimes": [("runtimes", "list")],
    "kit": [("kit", "--device", "pixel4", "--runtime", "ncnn", "-o", "kit")],
    "sweep-parts": [("sweep", "mobilenet_v1", *PIXEL, "--alpha", "0.5,1", "--parts", "parts")],
}
ENDINGS = ("_ms", "_bytes", "_mj", "_per_s")
SLOW = {"catalogue", "architectures", "kit"}
#: Kind -> the file that its command leaves.
LEFT = {"graph": "graph.json", "kit": "kit/kit.json", "sweep-parts": "parts/sweep.json"}


def closed(schema: Any) -> Any:
    """A schema that allows no key beside those that it lists."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    more = {"additionalProperties": False} if "properties" in schema and "required" in schema else {}
    return {key: closed(value) for key, value in schema.items()} | more


def check(kind: str, data: Any) -> None:
    jsonschema.Draft202012Validator(closed(output_schema(kind))).validate(data)


@pytest.mark.parametrize("kind", get_args(Output))
def test_it_is_a_schema_and_every_key_is_described(cli, kind):
    schema = json.loads(cli("schema", kind).out)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema == output_schema(kind)
    for name, each in schema["$defs"].items():
        assert each["required"], name
        for key, value in each["properties"].items():
            assert value["description"], f"{name}.{key}"
            # what is a quantity has its unit
            quantity = value.get("type") in {"number", "integer"} or key.endswith(("_ms", "_bytes", "_mj"))
            if quantity and (key.endswith(ENDINGS) or key in {"macs", "params", "alpha", "batch"}):
                assert value["description"].endswith("]"), f"{name}.{key}"


def test_every_kind_is_a_word_of_the_command_and_tried():
    assert list(output_kinds()) == list(get_args(Output))
    # a bench is held against its schema in tests/runner/test_engines.py
    assert set(COMMANDS) | {"measured", "bench"} == set(output_kinds())


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        pytest.param(kind, command, marks=[pytest.mark.slow] if kind in SLOW else [], id=" ".join(command))
        for kind, commands in COMMANDS.items()
        for command in commands
    ],
)
def test_what_commands_write_is_valid(cli, tmp_path, kind, command):
    if kind in LEFT:
        assert cli(*command, *(("-o", LEFT[kind]) if kind == "graph" else ())).code == 0
        text = (tmp_path / LEFT[kind]).read_text()
    else:
        outcome = cli(*command, "--json") if kind == "search" else cli(*command, "--format", "json")
        assert outcome.code in {0, 1}, outcome.err
        text = outcome.out
    check(kind, json.loads(text))


def test_what_was_measured_is_valid():
    kernels = (MeasuredKernel("a", "pointwise", ("a",), 1e-3, 3e-3), MeasuredKernel("", "other", ("d",), None, 9e-3))
    analysis = mbcost.analyze("mobilenet_v1", "pixel1")
    timing = Timing(visits=[Visit(4e-3, 9, 1e-4)])
    check("measured", MeasuredAnalysis(analysis, "a runtime", "", timing, kernels).to_dict())


def test_one_device_stays_an_object(cli):
    schema = jsonschema.Draft202012Validator(output_schema("analysis"))
    one = json.loads(cli("analyze", "mobilenet_v1", *PIXEL, "--format", "json").out)
    assert isinstance(one, dict)
    assert schema.is_valid(one)
    assert schema.is_valid([one, one])
    assert not schema.is_valid([one])
    assert not schema.is_valid([])


@pytest.mark.parametrize(
    "change",
    [{"latency_ms": "75"}, {"layers": {}}, {"schema": "mbcost/analysis/2"}, {"batch": 1.5}, {"warnings": None}],
)
def test_other_data_is_not_valid(cli, change):
    one = json.loads(cli("analyze", "mobilenet_v1", *PIXEL, "--format", "json").out)
    schema = jsonschema.Draft202012Validator(output_schema("analysis"))
    assert not schema.is_valid({**one, **change})
    del one["basis"]
    assert not schema.is_valid(one)


def test_a_later_version_may_write_more(cli):
    one = json.loads(cli("analyze", "mobilenet_v1", *PIXEL, "--format", "json").out)
    assert jsonschema.Draft202012Validator(output_schema("analysis")).is_valid({**one, "new": 1})

"""What a user can pass to the library: checked once, for Python and the command line alike."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import mbcost
from mbcost.arguments import Configuration, configuration
from mbcost.errors import InputError
from mbcost.resources import hardware_profiles

#: parameter, value, what the message says is allowed
WRONG: list[tuple[str, Any, str]] = [
    ("alpha", "0.5", "alpha is `0.5`, it has to be a number above 0 and at most 100"),
    ("alpha", True, "alpha is True, it has to be a number"),
    ("alpha", math.nan, "alpha is nan"),
    ("alpha", math.inf, "alpha is inf"),
    ("alpha", 0, "alpha is 0, it has to be a number above 0"),
    ("alpha", -0.5, "alpha is -0.5"),
    ("alpha", 1j, "alpha is 1j (complex)"),
    ("alpha", None, "alpha is None (NoneType)"),
    ("alpha", [0.5, 1.0], r"alpha is [0.5, 1.0] (list)"),
    ("rho", "0.5", "rho is `0.5`"),
    ("rho", math.nan, "rho is nan"),
    ("rho", 0, "rho is 0"),
    ("rho", False, "rho is False"),
    ("resolution", 224.5, "resolution is 224.5, it has to be a whole number of pixels from 1 to 16,384"),
    ("resolution", True, "resolution is True"),
    ("resolution", "224", "resolution is `224`"),
    ("resolution", 0, "resolution is 0"),
    ("resolution", -224, "resolution is -224"),
    ("resolution", math.nan, "resolution is nan"),
    ("resolution", 10**9, "resolution is 1000000000"),
    ("batch", 1.5, "batch is 1.5, it has to be a whole number from 1 to 65,536"),
    ("batch", True, "batch is True"),
    ("batch", "2", "batch is `2`"),
    ("batch", 0, "batch is 0"),
    ("threads", 1.5, "threads is 1.5, it has to be a whole number"),
    ("threads", True, "threads is True"),
    ("threads", "2", "threads is `2`"),
    ("threads", 0, "threads is 0"),
    ("precision", 8, "precision is 8, it has to be such as fp32"),
    ("options", 1001, "options is 1001, it has to be a mapping"),
    ("options", {"classes": "1001"}, "options['classes'] is `1001`, it has to be a number, True or False"),
    ("options", {"classes": math.nan}, "options['classes'] is nan"),
    ("params", "some", "params is `some`, it has to be folded, affine, all or none"),
    ("params", 1, "params is 1"),
    ("macs", "foo", "macs is `foo`, it has to be products or all"),
    ("unsupported", "ignore", "unsupported is `ignore`, it has to be refuse or estimate"),
    ("lowering", "nonsense", "lowering is `nonsense`, it has to be auto or im2col"),
    ("calibration", 1.5, "calibration is 1.5, it has to be a file, a Calibration, or False for none"),
    ("calibration", "", "calibration is ``"),
]


@pytest.mark.parametrize(("name", "value", "said"), WRONG)
def test_a_wrong_value_is_one_error_that_names_the_parameter(name: str, value: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        mbcost.analyze("mobilenet_v2", "pixel1", **{name: value})
    (problem,) = caught.value.problems
    assert problem.code == "MB010"
    assert problem.message.startswith(said)
    assert "--" not in problem.message


@pytest.mark.parametrize(
    "call", [mbcost.sweep, mbcost.pick, mbcost.compare, mbcost.stream], ids=lambda call: call.__name__
)
@pytest.mark.parametrize(
    ("name", "value"),
    [("batch", 1.5), ("batch", True), ("threads", 1.5), ("lowering", "nonsense"), ("options", 3), ("calibration", 2)],
)
def test_every_function_checks_the_same(call: Any, name: str, value: Any) -> None:
    more = {"budget": "30ms"} if call is mbcost.pick else {}
    with pytest.raises(InputError, match=name) as caught:
        call(
            ["mobilenet_v1", "mobilenet_v2"] if call is mbcost.compare else "mobilenet_v2",
            "pixel1",
            **{name: value},
            **more,
        )
    assert caught.value.codes == ("MB010",)


def test_all_problems_at_once() -> None:
    with pytest.raises(InputError) as caught:
        mbcost.analyze("mobilenet_v2", "pixel1", alpha="x", batch=1.5, macs="foo", lowering="bar")  # type: ignore[arg-type]
    assert [problem.parameter for problem in caught.value.problems] == ["alpha", "batch", "macs", "lowering"]


def test_rho_and_resolution_contradict_each_other() -> None:
    with pytest.raises(InputError, match="were both given"):
        configuration(rho=0.5, resolution=112)


@pytest.mark.parametrize("device", [None, 3, [], ["pixel1", 4], {"pixel1"}, True])
def test_a_device_is_a_text_a_target_or_several(device: Any) -> None:
    with pytest.raises(InputError):
        mbcost.analyze("mobilenet_v2", device)


@pytest.mark.parametrize("network", [None, 3, ["mobilenet_v2"], b"mobilenet_v2", object()])
def test_a_network_is_a_name_a_file_or_a_module(network: Any) -> None:
    with pytest.raises(InputError):
        mbcost.analyze(network, "pixel1")


def test_there_is_no_default_device() -> None:
    with pytest.raises(TypeError, match="device"):
        mbcost.analyze("mobilenet_v2")  # type: ignore[call-overload]


NUMPY: list[dict[str, Any]] = [
    {"resolution": np.int64(192)},
    {"resolution": np.uint16(192)},
    {"resolution": np.float32(192)},
    {"resolution": 192.0},
    {"resolution": np.array(192)[()], "batch": np.int32(1)},
]


@pytest.mark.parametrize("given", NUMPY, ids=str)
def test_numpy_scalars_are_numbers(given: dict[str, Any]) -> None:
    found = mbcost.analyze("mobilenet_v2", "pixel1", **given)
    assert found.to_dict() == mbcost.analyze("mobilenet_v2", "pixel1", resolution=192).to_dict()
    json.dumps(found.to_dict(), allow_nan=False)


def test_numpy_threads_width_and_options() -> None:
    found = mbcost.analyze(
        "mobilenet_v2", "pixel1", threads=np.int64(2), alpha=np.float64(0.5), options={"classes": np.int64(10)}
    )
    same = mbcost.analyze("mobilenet_v2", "pixel1", threads=2, alpha=0.5, options={"classes": 10})
    assert found.to_dict() == same.to_dict()
    assert type(found.target.threads) is int


def test_other_exact_numbers() -> None:
    assert configuration(alpha=Fraction(1, 2)).alpha == 0.5  # type: ignore[arg-type]
    with pytest.raises(InputError):
        configuration(alpha=Decimal("0.5"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("params", "published"),
    [("all", 3_538_984), ("affine", 3_504_872), ("none", 3_470_760)],  # keras.applications and torchvision summaries
)
def test_a_convention_by_its_word(params: Any, published: int) -> None:
    assert mbcost.analyze("mobilenet_v2", "pixel1", params=params).totals.params == published


def test_macs_by_their_word() -> None:
    products = mbcost.analyze("mobilenet_v2", "pixel1", macs="products").totals.macs
    assert products == 300_774_272  # Sandler et al. 2018: 300 M
    assert mbcost.analyze("mobilenet_v2", "pixel1", macs="all").totals.macs > products


def test_a_configuration_is_frozen_and_hashable() -> None:
    how = configuration(alpha=0.5)
    assert hash(how) == hash(configuration(alpha=0.5))
    with pytest.raises(AttributeError):
        how.alpha = 1.0  # type: ignore[misc]
    assert configuration() == Configuration()


def test_a_target_takes_another_precision_and_threads() -> None:
    target = mbcost.resolve_target("pixel4")
    found = mbcost.analyze("mobilenet_v2", target, precision="int8", threads=2)
    assert found.to_dict() == mbcost.analyze("mobilenet_v2", "pixel4", precision="int8", threads=2).to_dict()
    with pytest.raises(InputError, match="cannot run 99 threads"):
        mbcost.analyze("mobilenet_v2", target, threads=99)


def test_several_devices_are_several_analyses() -> None:
    found = mbcost.analyze("mobilenet_v2", ["pixel1", "pixel4/gpu"])
    assert [one.target.name for one in found] == ["pixel1/cpu@tflite-2018", "pixel4/gpu@tflite-gpu-2.10"]
    assert found[0].to_dict() == mbcost.analyze("mobilenet_v2", "pixel1").to_dict()
    assert len(found.to_frame()) == sum(len(one.layers) for one in found)
    assert "<table" in found._repr_html_()
    assert len(repr(found)) < 200


@pytest.mark.parametrize("result", ["analyze", "sweep", "pick", "compare", "stream", "design", "validate", "calibrate"])
def test_every_result_has_the_same_shape(result: str, tmp_path: Any) -> None:
    found: Any = {
        "analyze": lambda: mbcost.analyze("mobilenet_v2", "pixel1"),
        "sweep": lambda: mbcost.sweep("mobilenet_v2", "pixel1", alpha=[0.5, 1]),
        "pick": lambda: mbcost.pick("mobilenet_v2", "pixel1", budget="30ms"),
        "compare": lambda: mbcost.compare(["mobilenet_v1", "mobilenet_v2"], "pixel1"),
        "stream": lambda: mbcost.stream("mobilenet_v2", "pixel4/gpu", preprocess_s=0.003, buffers=[1, 2]),
        "design": lambda: mbcost.design("mobilenet_v2", "zc706"),
        "validate": lambda: mbcost.validate("pixel1"),
        "calibrate": lambda: mbcost.calibrate(
            "pixel3", hardware_profiles() / "measurements" / "pixel3_tflite_2019.csv"
        ),
    }[result]()
    assert 10 < len(repr(found)) < 400
    assert "<table" in found._repr_html_()
    assert len(found.to_frame()) > 0
    assert isinstance(found.to_dict(), dict)
    suffix = {"design": ".yaml"}.get(result, ".html")
    path = found.save(tmp_path / f"out{suffix}")
    assert path.stat().st_size > 500
    with pytest.raises(InputError) as caught:
        found.save(path)
    assert caught.value.codes == ("MB007",)
    with pytest.raises(InputError) as caught:
        found.save(tmp_path / "out.docx")
    assert caught.value.codes == ("MB006",)
    found.save(path, force=True)

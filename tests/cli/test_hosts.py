"""`--host-device` and `--outside`: where the layers run that a GPU or NPU does not take."""

from __future__ import annotations

import pytest

from tests.test_hosting import TABLE, TARGET


@pytest.fixture(name="network")
def _network(tmp_path):
    path = tmp_path / "handed_back.yaml"
    path.write_text(TABLE)
    return str(path)


def test_the_command_line(network, cli) -> None:
    whole = cli("analyze", network, "--device", TARGET, "--host-device", "raspberry_pi_5", "--format", "json")
    assert '"runs_on": "raspberry_pi_5/cpu"' in whole.out
    part = cli("analyze", network, "--device", TARGET, "--outside", "free")
    assert "without 2 layers outside of it" in part.out
    refused = cli("analyze", network, "--device", TARGET, "--host-device", "pixel4/gpu")
    assert (refused.code, "which is no CPU" in refused.err) == (2, True)


def test_a_cpu_beside_an_accelerator_has_no_host(network, cli) -> None:
    both = ("--device", TARGET, "--device", "pixel4", "--host-device", "raspberry_pi_5", "--outside", "free")
    found = cli("compare", network, *both).out
    assert f"{TARGET}@tflite-htp,host=raspberry_pi_5/cpu@tflite-2.10,outside=free" in found
    assert "pixel4/cpu@tflite-2.10," in found
    assert "pixel4/cpu@tflite-2.10,host" not in found
    assert "pixel4/cpu@tflite-2.10,outside" not in found
    empty = cli("analyze", network, "--device", f"{TARGET},host=")
    assert (empty.code, "the host of galaxy_s24/npu is empty" in empty.err) == (2, True)

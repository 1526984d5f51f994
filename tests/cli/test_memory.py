"""``analyze --max-ram``, ``--max-flash`` and ``pick --ram``, ``--flash``."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Cli

NETWORK = ("mobilenet_v1", "--alpha", "0.25", "--resolution", "96", "--classes", "2")
TARGET = ("--device", "pixel4/cpu@tflite-2.10", "--precision", "int8")


def test_the_options(cli: Cli) -> None:
    outcome = cli("analyze", *NETWORK, *TARGET, "--max-ram", "64KiB", "--max-flash", "100KiB")
    assert outcome.code == 1
    assert "check failed: pixel4/cpu@tflite-2.10 needs 98.3 KiB of RAM, 34.3 KiB more than 64.0 KiB" in outcome.err
    assert "of flash" in outcome.err
    assert "RAM (arena) 98.3 KiB" in outcome.out
    assert "peak at conv2d_1" in outcome.out
    fits = cli("analyze", *NETWORK, *TARGET, "--max-ram", "100KiB", "--max-flash", "1MiB", "--max-ms", "1000")
    assert (fits.code, fits.err) == (0, "")
    assert "RAM (arena)" not in cli("analyze", *NETWORK, *TARGET).out


def test_the_options_bad(cli: Cli) -> None:
    outcome = cli("analyze", *NETWORK, *TARGET, "--max-ram", "64K", "--max-flash", "0B")
    assert outcome.code == 2
    assert "--max-ram is no size: unknown unit `K`" in outcome.err
    assert "--max-flash is `0B`, it has to be above 0" in outcome.err


def test_pick_says_what_does_not_fit(cli: Cli) -> None:
    outcome = cli("pick", "mobilenet_v1", *TARGET, "--alpha", "0.25", "--resolution", "128", "--ram", "100KiB")
    assert outcome.code == 1
    assert "RAM, 154 KiB (at most 100 KiB), 54.3 KiB too much; the peak is at conv2d_1 (48.0 KiB input" in outcome.out


@pytest.mark.parametrize("option", ["--ram", "--flash"])
def test_pick_with_a_bad_size(cli: Cli, option: str) -> None:
    outcome = cli("pick", "mobilenet_v1", *TARGET, option, "1 mib")
    assert outcome.code == 2
    assert f"{option} is no size: unknown unit `mib`" in outcome.err


def test_pick_needs_a_budget(cli: Cli) -> None:
    assert "`--budget` is missing" in cli("pick", "mobilenet_v1", *TARGET).err

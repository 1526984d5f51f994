"""Messages of the library in the words of the command line."""

from __future__ import annotations

from typing import Any

import pytest

from mbcost.cli.app import COMMANDS
from mbcost.cli.spelling import PARAMETERS, option_of, spelled
from mbcost.errors import Problem


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (Problem("MB010", "batch is 0", parameter="batch"), "--batch is 0"),
        (Problem("MB010", "options['classes'] is nan", parameter="options['classes']"), "--set is nan"),
        (Problem("MB010", "x", hint='`unsupported="estimate"` charges it'), "--unsupported estimate charges it"),
        (Problem("MB010", "x", hint="`force=True` overwrites it"), "--force overwrites it"),
        (Problem("MB010", "x", hint="give `input_shape=(1, 3, 224, 224)`"), "give --input-shape 1x3x224x224"),
        (Problem("MB010", "x", hint="`calibration=False` goes without"), "--uncalibrated goes without"),
        (Problem("MB010", "x", hint="leave out `point=...`"), "leave out --point"),
        (Problem("MB101", "x", hint="did you mean `batch`?"), "did you mean `batch`?"),
    ],
)
def test_the_command_line_spells_parameters_as_options(problem: Problem, said: str) -> None:
    found = spelled(problem)
    assert said in {found.message, found.hint}


def test_every_option_that_is_spelled_exists(cli: Any) -> None:
    helps = "".join(cli(command, "--help").out for command in COMMANDS) + cli("architectures", "check", "--help").out
    helps += cli("devices", "new", "--help").out
    missing = [name for name in PARAMETERS - {"network"} if option_of(name) not in helps]
    assert missing == []

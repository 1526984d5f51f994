"""Exit codes, errors, and what a real process does with terminals and pipes."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from mbcost import pipeline
from mbcost._version import __version__
from mbcost.cli import analyze, output
from mbcost.errors import CODES, Problem

ANALYZE = ("analyze", "mobilenet_v2", "--device", "pixel1")


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR"}}
    return subprocess.run(
        [sys.executable, "-m", "mbcost", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**variables, **environment},
        check=False,
    )


def on_a_terminal(*arguments: str, **environment: str) -> str:
    """What a terminal of 80 columns receives."""
    variables = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR"}}
    try:
        master, slave = pty.openpty()
    except OSError as error:
        pytest.skip(f"no pseudo-terminal to be had here: {error}")
    with subprocess.Popen(
        [sys.executable, "-m", "mbcost", *arguments],
        stdout=slave,
        stderr=slave,
        env={**variables, "TERM": "xterm-256color", "COLUMNS": "80", **environment},
    ) as child:
        os.close(slave)
        received = b""
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            received += part
        child.wait()
    os.close(master)
    return received.decode().replace("\r\n", "\n")


def test_version(cli):
    assert cli("--version") == (0, f"mbcost {__version__}\n", "")


def test_no_arguments_show_the_commands(cli):
    outcome = cli()
    assert outcome.code == 0
    assert "analyze" in outcome.out


@pytest.mark.parametrize("arguments", [("--help",), ("analyze", "-h"), ("devices", "--help")])
def test_help(cli, arguments):
    outcome = cli(*arguments)
    assert outcome.code == 0
    assert "Usage: mbcost" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("analyse",), "error[MB010]: `mbcost` has no command `analyse`\n  = help: did you mean `analyze`?\n"),
        (("devices", "lits"), "error[MB010]: `mbcost devices` has no command `lits`\n  = help: did you mean `list`?\n"),
        ((*ANALYZE, "--alhpa", "1"), "`mbcost analyze` has no option `--alhpa`\n  = help: did you mean `--alpha`"),
        ((*ANALYZE, "--alpha"), "error[MB010]: "),
        ((*ANALYZE, "--alpha", "wide"), "error[MB010]: invalid value for '--alpha'"),
        (("schema",), "missing argument 'kind'\n  = help: one of architecture, device,"),
        (("analyze", "mobilenet_v1", "-d", "pixel1", "-o", "a.csv", "-o", "b.json"), "`--output` is given twice"),
        (("analyze",), "error[MB010]: missing argument 'MODEL'"),
        ((*ANALYZE, "mobilenet_v1"), "error[MB010]: "),
        (("--qqqqqq",), "error[MB010]: `mbcost` has no option `--qqqqqq`\n  = help: `mbcost --help` shows"),
    ],
)
def test_usage_errors_look_like_all_others(cli, arguments, expected):
    outcome = cli(*arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert expected in outcome.err


def test_a_defect_is_one_line(cli, monkeypatch):
    def broken(*_args: object, **_kwargs: object) -> None:
        raise ZeroDivisionError("by [red]zero[/red]\x1b[31m")

    monkeypatch.setattr(pipeline, "load", broken)
    outcome = cli(*ANALYZE)
    assert outcome.code == 3
    assert outcome.err == (
        "internal error: ZeroDivisionError: by [red]zero[/red]\\x1b[31m; run again with --debug for the traceback\n"
    )


def test_debug_shows_the_traceback(monkeypatch, capsys):
    from mbcost.__main__ import main

    monkeypatch.setattr(analyze, "format_of", lambda *_: 1 / 0)
    assert main([*ANALYZE, "--debug"]) == 3
    err = capsys.readouterr().err
    assert err.startswith("Traceback (most recent call last):")
    assert err.endswith(
        "internal error: ZeroDivisionError: division by zero; please report it with the traceback above\n"
    )


def test_an_interrupt_is_quiet(cli, monkeypatch):
    def interrupted(*_args: object, **_kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "load", interrupted)
    outcome = cli(*ANALYZE)
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "")


def test_problems_are_counted_and_coloured():
    problems = [Problem("MB010", "one"), Problem("MB300", "two", severity="warning")]
    plain = output.render_problems(problems)
    assert plain == "error[MB010]: one\n\nwarning[MB300]: two\n\n2 problems"
    coloured = output.render_problems(problems, colour=True)
    assert coloured.startswith("\x1b[1;31merror\x1b[0;31m[MB010]:\x1b[0m one\n\n\x1b[1;33mwarning")
    assert {"MB006", "MB008", "MB010"} <= set(CODES)


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from mbcost.__main__ import main; main(['--help']);"
        "print(sorted({'numpy', 'pandas', 'networkx', 'plotly', 'yaml', 'jinja2'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_analyze_imports_nothing_heavy():
    code = (
        f"import sys; from mbcost.__main__ import main; main({list(ANALYZE)!r});"
        "heavy = {'numpy', 'pandas', 'networkx', 'plotly', 'jinja2', 'pydantic'};"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_a_pipe_gets_no_escapes_no_bars_and_no_wrapping():
    done = process(*ANALYZE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert "█" not in done.stdout
    target = next(line for line in done.stdout.splitlines() if line.startswith("  target"))
    assert target.endswith("1 of 2 threads")
    assert max(map(len, done.stdout.splitlines())) > 80


def test_columns_counts_for_a_pipe_too():
    done = process(*ANALYZE, COLUMNS="80")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert process(*ANALYZE, COLUMNS="many").stdout == process(*ANALYZE).stdout


def test_a_terminal_gets_colour_and_bars_within_its_width():
    text = on_a_terminal(*ANALYZE)
    assert "\x1b[" in text
    assert "█" in text
    plain = on_a_terminal(*ANALYZE, TERM="dumb")
    assert "\x1b" not in plain
    assert max(map(len, plain.splitlines())) <= 80


def test_no_color():
    text = on_a_terminal(*ANALYZE, NO_COLOR="1")
    assert "█" in text
    for colour in ("\x1b[3", "[1;3", "\x1b[9"):
        assert colour not in text.replace("\x1b[3m", "")
    assert "\x1b[1;31m" not in on_a_terminal("analyse", NO_COLOR="1")
    assert "\x1b[1;31merror" in on_a_terminal("analyse")


def test_an_encoding_without_bars():
    text = on_a_terminal(*ANALYZE, PYTHONIOENCODING="ascii")
    assert "###" in text


@pytest.mark.parametrize(
    "command", [("analyze", "mobilenet_v2", "--device", "pixel1", "--format", "json"), ("devices",)]
)
def test_a_reader_that_goes_away(command):
    line = " ".join([sys.executable, "-m", "mbcost", *command])
    done = subprocess.run(["/bin/sh", "-c", f"{line} | head -n 1"], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk():
    line = " ".join([sys.executable, "-m", "mbcost", "devices"])
    done = subprocess.run(["/bin/sh", "-c", f"{line} > /dev/full"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error[MB008]: cannot write the result: ")


def test_a_closed_stdout():
    line = " ".join([sys.executable, "-m", "mbcost", "devices"])
    done = subprocess.run(["/bin/sh", "-c", f"{line} >&-"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("mbcost analyze mobilenet_v3_s", ["mobilenet_v3_small", "mobilenet_v3_small_minimalistic"]),
        ("mbcost analyze x --device rasp", ["raspberry_pi_3b_plus", "raspberry_pi_4", "raspberry_pi_5"]),
        (
            "mbcost analyze x --device pixel4/g",
            ["pixel4/gpu", "pixel4/gpu@tflite-gpu-2.10", "pixel4/gpu@ideal-gpu", "pixel4/gpu@tflite-gpu-2020"],
        ),
        ("mbcost analyze x --device nothing/g", []),
        ("mbcost devices show zcu", ["zcu102", "zcu104"]),
    ],
)
def test_completion(words, expected):
    done = process(_MBCOST_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1))
    found = done.stdout.split()
    assert [name for name in found if name in expected] == expected  # more devices and runtimes may come
    assert all(name.startswith(words.split()[-1]) for name in found)
    assert bool(found) == bool(expected)
    assert done.stderr == ""


def test_show_completion_is_offered(cli):
    assert "--install-completion" in cli("--help").out

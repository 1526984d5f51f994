"""Making a kit: the models worth measuring on a device, the order of the visits, the script and what it reads."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
import re
import shlex
import shutil
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final, NamedTuple

from mbcost._version import __version__
from mbcost.architectures.limits import MAX_THREADS
from mbcost.calibration.experiment import suggest
from mbcost.calibration.kit.tools import TOOLS, Tool
from mbcost.calibration.listed import MODELS, Listed
from mbcost.devices import Target, resolve_target
from mbcost.errors import InputError, did_you_mean, fail, or_list
from mbcost.exporters.export import export
from mbcost.files import write_bytes, write_text
from mbcost.graph import build_graph
from mbcost.networks import load_data
from mbcost.words import FILE_PRECISIONS, FilePrecision

SCHEMA: Final = "mbcost/kit/1"
#: The facts of a kit, in its folder.
KIT: Final = "kit.json"
RESULTS: Final = "results"
VISITS: Final = "visits.txt"
#: The pass of the visits that print the times of operators.
PROFILE: Final = "profile"
#: Columns of the table of models; the script reads the first four.
COLUMNS: Final = ("name", "file", "precision", "shape", "alpha", "resolution", "sha256", "architecture")
#: Visits between two of the canary, a model that shows whether the device has become slower. Chosen: minutes apart.
_CANARY_EVERY: Final = 10
#: Largest model that is suggested [B]. Chosen: a dozen of them copy to a phone in minutes.
_LARGEST: Final = 100_000_000
#: Suggestions to choose from for each one that is wanted: some networks lack a kernel of the format.
_SPARE: Final = 3
MOST_SUGGESTIONS: Final = 200


class Model(NamedTuple):
    """A model of a kit: a row of its table."""

    name: str
    file: str
    precision: str
    shape: str
    network: Listed
    sha256: str
    macs: float


class Kit(NamedTuple):
    """A kit that was written.

    Attributes
    ----------
    target
        What the networks were chosen for.
    skipped
        Networks that were left out, with the reason.
    """

    folder: Path
    target: Target
    models: tuple[Model, ...]
    skipped: tuple[str, ...]


def make_kit(
    folder: Path,
    device: str,
    runtime: str = "litert",
    *,
    precisions: Sequence[str] = ("fp32",),
    suggestions: int = 12,
    networks: Iterable[str] = (),
    threads: int = 1,
    passes: int = 3,
    seed: int = 0,
) -> Kit:
    """Write a folder with the models to measure on a device, and a script that measures them.

    Parameters
    ----------
    folder
        A new folder, or an empty one.
    device
        A device, for which the networks are chosen whose latencies tell most about its rates.
    runtime
        ``litert``, ``onnxruntime`` or ``ncnn``: the models' format and the tool.
    precisions
        Each network is written at each of them.
    suggestions
        Number of networks that are chosen.
    networks
        Further networks, names or files, at their own width and resolution.
    threads, passes
        Threads of the tool, and visits of each model.
    seed
        Of the weights and of the order of the visits.

    Raises
    ------
    InputError
        MB010 for options that contradict each other, MB007 for a folder with something in it, MB305 for a precision
        that the format lacks, and what resolving the device and writing the models raises.
    """
    tool = _checked(runtime, precisions, suggestions, threads, passes)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        fail("MB007", f"{folder} exists and was kept", hint="name a new folder")
    target = _target(device, tool, threads)
    models: list[Model] = []
    skipped: list[str] = []
    try:
        (folder / "models").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail("MB008", f"cannot make {folder}: {error.strerror or error}")
    try:
        for name in networks:
            models += _written(folder, Listed(name, 1.0, None), tool, precisions, seed)
        wanted = _suggested(target, suggestions, skipped, folder, tool, precisions, seed)
        models += [model for found in wanted for model in found]
        if not models:
            fail("MB010", "the kit would have no model", hint="`--suggest 12`, or name networks")
        _write_rest(folder, device, runtime, tool, models, threads, passes, seed)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Kit(folder, target, tuple(models), tuple(skipped))


def _checked(runtime: str, precisions: Sequence[str], suggestions: int, threads: int, passes: int) -> Tool:
    """The tool of a runtime, if all options are good."""
    if runtime not in TOOLS:
        fail("MB010", f"no kit measures `{runtime}`", hint=did_you_mean(runtime, TOOLS) or or_list(list(TOOLS)))
    tool = TOOLS[runtime]
    for precision in precisions:
        if precision not in FILE_PRECISIONS:
            fail("MB010", f"no model is written at `{precision}`", hint=or_list(FILE_PRECISIONS))
        if precision not in tool.precisions:
            fail("MB305", f"a kit for {runtime} has no {precision} models", hint=f"it has {or_list(tool.precisions)}")
    if not precisions or len(set(precisions)) < len(precisions):
        fail("MB010", "name each precision once", hint="such as `fp32,int8`")
    for name, value, most in (("suggest", suggestions, MOST_SUGGESTIONS), ("threads", threads, MAX_THREADS),
                              ("passes", passes, 100)):  # fmt: skip
        if not (name == "suggest" and value == 0) and not 1 <= value <= most:
            fail("MB010", f"--{name} {value} is out of range: 1 to {most}")
    return tool


def _target(device: str, tool: Tool, threads: int) -> Target:
    """The target with the tool's runtime, where mbcost has one for the device; else its usual one."""
    if "@" not in device:
        for runtime in tool.runtimes:
            try:
                return resolve_target(f"{device}@{runtime}", threads=threads)
            except InputError:
                continue
    return resolve_target(device, threads=threads)


def _suggested(
    target: Target,
    number: int,
    skipped: list[str],
    folder: Path,
    tool: Tool,
    precisions: Sequence[str],
    seed: int,
) -> Iterator[list[Model]]:
    """The models of so many networks, those that tell most first."""
    found = 0
    for one in suggest(target, number * _SPARE) if number else ():
        if found == number:
            return
        network = Listed(one.architecture, one.alpha, one.resolution)
        try:
            yield _written(folder, network, tool, precisions, seed, largest=_LARGEST)
        except InputError as error:
            skipped.append(f"{one.architecture} {one.alpha:g} {one.resolution}: {error.problems[0].message}")
            continue
        found += 1


def _written(
    folder: Path, network: Listed, tool: Tool, precisions: Sequence[str], seed: int, *, largest: int | None = None
) -> list[Model]:
    """A network's models at each precision, written into the kit; none where one of them cannot be."""
    spec = load_data(network.architecture)
    graph = build_graph(spec, alpha=network.alpha, resolution=network.resolution)
    if largest is not None and 4 * graph.cost.weight_elements > largest:
        fail("MB208", f"{graph.title} has more than {largest // 10**6} MB of weights")
    shape = graph.input_shape
    contents: dict[FilePrecision, bytes] = {}
    for precision in FILE_PRECISIONS:
        if precision in precisions:
            contents[precision] = export(graph, tool.suffix, precision, seed)[tool.suffix]
    stem = re.sub(r"[^a-z0-9_.]+", "_", Path(network.architecture).name.lower())
    models = []
    for precision, content in contents.items():
        name = f"{stem}-{network.alpha:g}-{shape.height}-{precision}"
        write_bytes(folder / "models" / f"{name}{tool.suffix}", content)
        sides = f"[{shape.width};{shape.height};{shape.channels}]"
        digest = hashlib.sha256(content).hexdigest()
        macs = float(graph.cost.macs)
        models.append(Model(name, f"{name}{tool.suffix}", precision, sides, network, digest, macs))
    return models


def _write_rest(
    folder: Path, device: str, runtime: str, tool: Tool, models: list[Model], threads: int, passes: int, seed: int
) -> None:
    """Everything beside the models."""
    facts = {
        "schema": SCHEMA,
        "mbcost_version": __version__,
        "device": device,
        "runtime": runtime,
        "threads": threads,
        "seed": seed,
    }
    write_text(folder / KIT, json.dumps(facts, indent=1) + "\n")
    write_text(folder / MODELS, _table(models))
    write_text(folder / VISITS, "".join(f"{' '.join(visit)}\n" for visit in visits_of(models, passes, seed, tool)))
    write_text(folder / "settings.sh", _settings(runtime, tool, threads))
    write_text(folder / "README.md", _readme(device, runtime, tool, models, passes))
    script = folder / "run.sh"
    write_text(script, (files("mbcost.calibration.kit") / "run.sh").read_text(encoding="utf-8"))
    script.chmod(0o755)
    (folder / "tool").mkdir()


def _table(models: Iterable[Model]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in models:
        network = each.network
        own = Path(network.architecture)
        architecture = str(own.resolve()) if own.is_file() else network.architecture
        size = network.resolution or ""
        writer.writerow([*each[:4], f"{network.alpha:g}", size, each.sha256, architecture])
    return stream.getvalue()


def visits_of(models: Sequence[Model], passes: int, seed: int, tool: Tool) -> Iterator[tuple[str, str, str]]:
    """Pass, name and model of each visit: passes in different orders, with the canary in between.

    The canary is the model in the middle by MACs: how much it varies shows whether the device has become slower.
    """
    canary = sorted(models, key=lambda model: model.macs)[len(models) // 2].name
    for number in range(1, passes + 1):
        order = [model.name for model in models]
        random.Random(f"{seed} {number}").shuffle(order)  # noqa: S311  # an order
        for position, name in enumerate(order):
            if position % _CANARY_EVERY == 0:
                yield str(number), f"canary-{position // _CANARY_EVERY}", canary
            yield str(number), name, name
        yield str(number), "canary-end", canary
    if tool.profile:
        for model in models:
            yield PROFILE, model.name, model.name


def _settings(runtime: str, tool: Tool, threads: int) -> str:
    profile = f'\n  [ "$2" = {PROFILE} ] && more=" {tool.profile}"' if tool.profile else ""
    return f"""\
# Read by run.sh.
RUNTIME={runtime}
TOOL={tool.name}
SOURCE={shlex.quote(tool.source)}
SUFFIX={tool.suffix}
DONE='{tool.done}'
THREADS={threads}
command_of() {{ # MODEL PASS SHAPE: the command that measures a model
  SHAPE=$3
  more=''{profile}
  echo "$RUN {tool.command}$more"
}}
"""


def _readme(device: str, runtime: str, tool: Tool, models: Sequence[Model], passes: int) -> str:
    precisions = list(dict.fromkeys(model.precision for model in models))
    networks = len(models) // len(precisions)
    commands = "\n".join(
        f"mbcost calibrate rows.csv --device {device} --precision {precision} --install" for precision in precisions
    )
    return f"""\
# Measure {device} with {runtime}

{networks} networks at {or_list(precisions).replace(" or ", " and ")}, each measured {passes} times in different orders.

1. Put the tool `{tool.name}` for the device's processor into `tool/`, or have it in the device's PATH. It is
   {tool.source}.
2. Connect the device, let it be cool and idle, and start

       ./run.sh                 # an Android device by adb; -a SERIAL where several are connected
       ./run.sh -r user@board   # another machine by ssh
       ./run.sh -l              # this machine

   It waits for the device to cool down before each visit and goes on where it was when it is started again. Nothing but
   a POSIX shell is needed, and adb or ssh. It writes to `results/` alone, and on the device to one folder.
3. Read the results and keep the calibration:

       mbcost measurements read results -o rows.csv
{chr(10).join("       " + line for line in commands.splitlines())}

For a device that mbcost does not know add `--like OTHER` and a name of your own: `--device my_phone --like {device}`.
"""

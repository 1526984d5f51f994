"""``mbcost devices``: what ships, every number with its source, searching, and files of a user's own devices."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from mbcost.cli.check import check_files
from mbcost.cli.complete import complete_device
from mbcost.cli.options import Files, ListFormatOption
from mbcost.cli.output import deliver, emit, print_note, print_problems
from mbcost.errors import InputError, Problem, fail
from mbcost.report.formats import ListFormat
from mbcost.words import FoundKind, ListOrder

if TYPE_CHECKING:
    from mbcost.devices import Found
    from mbcost.devices.cores import Core
    from mbcost.devices.gpus import Gpu

devices: Final = typer.Typer(help="Devices that latencies can be predicted for.")


@devices.callback(invoke_without_command=True)
def _default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_devices()


@devices.command("list")
def list_devices(
    format_: ListFormatOption = "table",
    everything: Annotated[
        bool, typer.Option("--all", help="Also devices that are described by their chip, and the chips.")
    ] = False,
    sort: Annotated[
        ListOrder, typer.Option(help="The order: by name, or by what a latency rests on, the best first.")
    ] = "name",
) -> None:
    """List the devices with a full profile and those of your own folder, with what their latencies rest on."""
    from mbcost.devices import DeviceProfile, device_names, load_device
    from mbcost.report.screens.catalogue import device_entry, devices_screen

    if everything:
        _list_everything(format_, sort)
        return
    profiles: list[DeviceProfile] = []
    for name in device_names():
        try:
            profiles.append(load_device(name))
        except InputError as error:  # a broken file of the user's folder leaves the others usable
            print_problems(error.problems)
    bases = {
        f"{profile.name}/{name}": basis
        for profile in profiles
        for name in profile.processors
        if (basis := _basis(f"{profile.name}/{name}")) is not None
    }
    if format_ == "json":
        found = [device_entry(profile, bases) for profile in profiles]
        if sort == "basis":
            from mbcost.basis import SHORT

            order = [*SHORT.values(), None]
            found.sort(key=lambda entry: min(order.index(each["basis"]) for each in entry["processors"]))
        emit(f"{json.dumps(found, indent=2)}\n")
    else:
        more = len(device_names(catalogue=True)) - len(device_names())
        deliver(lambda screen: devices_screen(profiles, bases, more, sort, screen), None)


def _list_everything(format_: ListFormat, sort: ListOrder) -> None:
    from mbcost.devices.finding import entries
    from mbcost.report.screens.catalogue import catalogue_rows, catalogue_screen

    found = [entry for entry in entries() if entry.kind != "core"]
    bases = _bases_of(found)
    rows = catalogue_rows(found, bases, sort)
    if format_ == "json":
        emit(f"{json.dumps(rows, indent=2)}\n")
    else:
        deliver(lambda screen: catalogue_screen(rows, screen), None)


def _bases_of(found: Sequence[Found]) -> dict[str, str | None]:
    """What the default targets rest on: of devices that are described by their chip, the same for the same core."""
    from mbcost.calibration.file import FOLDER
    from mbcost.devices import device_names, user_folder
    from mbcost.devices.folders import profiles_in

    full = set(device_names())
    calibrated = [path.name for path in profiles_in(user_folder() / FOLDER).values()]
    by_core: dict[str | None, str | None] = {}
    bases: dict[str, str | None] = {}
    for entry in found:
        if entry.name in full or any(name.startswith(f"{entry.name}-") for name in calibrated):
            bases[entry.name] = _basis(entry.name)
        else:
            if entry.core not in by_core:
                by_core[entry.core] = _basis(entry.name)
            bases[entry.name] = by_core[entry.core]
    return bases


def _basis(target: str) -> str | None:
    """What the latencies of a target rest on; None where a file of the user is broken, or a number is missing."""
    from mbcost.basis import SHORT
    from mbcost.devices import resolve_target
    from mbcost.prediction import basis_of_target

    try:
        return SHORT[basis_of_target(resolve_target(target))]
    except InputError:
        return None


@devices.command("search")
def search_devices(
    text: Annotated[
        list[str],
        typer.Argument(metavar="TEXT...", show_default=False, help="A name, model code, chip, core, GPU or NPU."),
    ],
    kind: Annotated[
        FoundKind | None, typer.Option(help="Devices, systems on a chip or cores alone.", show_default=False)
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Search devices, systems on a chip and cores by their names and by what is in them."""
    from mbcost.devices import search
    from mbcost.report.screens.catalogue import found_entry, found_screen

    wanted = " ".join(text)
    found = search(wanted, kind)
    if json_:
        emit(f"{json.dumps([found_entry(each) for each in found], indent=2)}\n")
    elif not found:
        fail("MB300", f"nothing is found by `{wanted}`", hint="a shorter text, or `mbcost devices list --all`")
    else:
        deliver(lambda screen: found_screen(found, wanted, screen), None)


@devices.command("new")
def new_device_file(
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False, help="The name that --device will take.")],
    like: Annotated[
        str | None,
        typer.Option(
            metavar="OTHER",
            show_default=False,
            help="A device or chip like it; one without a chip of the catalogue is copied in full.",
            autocompletion=complete_device,
        ),
    ] = None,
    soc: Annotated[
        str | None, typer.Option(metavar="SOC", show_default=False, help="Its chip, where it is not OTHER's.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", show_default=False, help="The file; by default one in your own folder."
        ),
    ] = None,
) -> None:
    """Write the file of a new device, ready to edit; an existing file is kept."""
    from mbcost.devices import user_folder
    from mbcost.devices.new import new_device
    from mbcost.files import write_text

    text = new_device(name, like, soc)
    path = output if output is not None else user_folder() / f"{name}.yaml"
    if path.stem != name:
        fail("MB010", f"{path.name} would be the file of a device `{path.stem}`", hint=f"call it {name}.yaml")
    if output is None:
        path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        fail("MB007", f"{path} exists and was kept", hint="name another file: -o FILE")
    write_text(path, text)
    emit(f"{path}\n")
    target = name if output is None else path
    print_note(f"edit it, then: mbcost devices check {path}; mbcost analyze mobilenet_v2 --device {target}")


@devices.command("show")
def show_device(
    device: Annotated[
        str, typer.Argument(metavar="DEVICE", autocompletion=complete_device, show_default=False, help="Name or file.")
    ],
    format_: ListFormatOption = "table",
) -> None:
    """Show every number of a device, a system on a chip, a core or a GPU, with its source."""
    from mbcost.devices import load_device
    from mbcost.devices.cores import Core
    from mbcost.report.screens import catalogue

    part = _part(device)
    if part is None and "/" in device and not Path(device).exists():
        device = _without_processor(device)
    if part is None:
        profile = load_device(device)
        if format_ == "json":
            emit(f"{json.dumps(catalogue.device_details(profile), indent=2)}\n")
        else:
            deliver(lambda screen: catalogue.device_screen(profile, screen), None)
        return
    chips = _chips_with(part)
    details = catalogue.core_details(part, chips) if isinstance(part, Core) else catalogue.gpu_details(part, chips)
    if format_ == "json":
        emit(f"{json.dumps(details, indent=2)}\n")
    else:
        deliver(lambda screen: catalogue.part_screen(part, chips, screen), None)


def _without_processor(text: str) -> str:
    """The device of a target such as pixel1/gpu; the text itself where it names none."""
    from mbcost.devices import device_names

    name = text.partition("/")[0]
    return name if name in device_names(catalogue=True) else text


def _part(text: str) -> Core | Gpu | None:
    """The core or the GPU that a text names; None for a device, a file, and a core with its clock."""
    from mbcost.devices import device_names
    from mbcost.devices.cores import find_core
    from mbcost.devices.folders import is_path
    from mbcost.devices.gpus import find_gpu

    if is_path(text) or "@" in text or text in device_names(catalogue=True):
        return None
    return find_core(text) or find_gpu(text)


def _chips_with(part: Core | Gpu) -> list[str]:
    """The keys of the chips that have a core or a GPU."""
    from mbcost.devices.cores import Core
    from mbcost.devices.gpus import find_gpu
    from mbcost.devices.socs import load_soc, soc_names

    found = []
    for name in soc_names():
        chip = load_soc(name)
        if isinstance(part, Core):
            has = part.name in {each.core for each in chip.clusters.values()}
        else:
            has = chip.gpu is not None and find_gpu(chip.gpu.name) == part
        if has:
            found.append(name)
    return found


@devices.command("check")
def check_devices(files: Files) -> None:
    """Check files of devices, systems on a chip and cores: every problem of every file."""
    check_files(files, _problems)


def _problems(path: Path) -> list[Problem]:
    from mbcost.devices import check_device

    return check_device(path)

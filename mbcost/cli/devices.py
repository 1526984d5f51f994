"""``mbcost devices``: what ships, every number with its source, and checks of a user's own profiles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from mbcost.cli.check import check_files
from mbcost.cli.complete import complete_device
from mbcost.cli.options import Files, ListFormatOption
from mbcost.cli.output import deliver, emit, print_problems
from mbcost.errors import InputError, Problem

devices: Final = typer.Typer(help="Devices that latencies can be predicted for.")


@devices.callback(invoke_without_command=True)
def _default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_devices()


@devices.command("list")
def list_devices(format_: ListFormatOption = "table") -> None:
    """List the devices: those that ship and those of your own folder."""
    from mbcost.devices import DeviceProfile, device_names, load_device
    from mbcost.report.screens.catalogue import device_entry, devices_screen

    profiles: list[DeviceProfile] = []
    for name in device_names():
        try:
            profiles.append(load_device(name))
        except InputError as error:  # a broken file of the user's folder leaves the others usable
            print_problems(error.problems)
    if format_ == "json":
        emit(f"{json.dumps([device_entry(profile) for profile in profiles], indent=2)}\n")
    else:
        deliver(lambda screen: devices_screen(profiles, screen), None)


@devices.command("show")
def show_device(
    device: Annotated[
        str, typer.Argument(metavar="DEVICE", autocompletion=complete_device, show_default=False, help="Name or file.")
    ],
    format_: ListFormatOption = "table",
) -> None:
    """Show every number of a device, with its source."""
    from mbcost.devices import load_device
    from mbcost.report.screens.catalogue import device_details, device_screen

    profile = load_device(device)
    if format_ == "json":
        emit(f"{json.dumps(device_details(profile), indent=2)}\n")
    else:
        deliver(lambda screen: device_screen(profile, screen), None)


@devices.command("check")
def check_devices(files: Files) -> None:
    """Check hardware profiles: every problem of every file."""
    check_files(files, _problems)


def _problems(path: Path) -> list[Problem]:
    from mbcost.devices import check_device

    return check_device(path)

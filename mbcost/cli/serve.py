"""``mbcost serve`` and ``mbcost open``: the local web app."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from mbcost.cli.complete import complete_architecture
from mbcost.cli.options import Devices, required_devices
from mbcost.cli.output import emit, print_note
from mbcost.errors import fail

if TYPE_CHECKING:
    from mbcost.serve.settings import Settings

_LIMITS: Final = "Limits"

Host = Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen; by default this machine alone.")]
Port = Annotated[int | None, typer.Option(metavar="N", help="Default: 8620, or a free one.", min=0, max=65535)]
Folder = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Of uploads and results; default: mbcost/serve in your state folder."),
]
Browser = Annotated[bool, typer.Option("--no-browser", help="Print the address, and open no browser.")]
Workers = Annotated[int, typer.Option(metavar="N", help="Analyses at once.", min=1, max=64, rich_help_panel=_LIMITS)]
Seconds = Annotated[
    float,
    typer.Option(metavar="S", help="The most time of one analysis.", min=1.0, max=86400.0, rich_help_panel=_LIMITS),
]
Memory = Annotated[
    str, typer.Option(metavar="SIZE", help="The most memory of one analysis; 0 for no limit.", rich_help_panel=_LIMITS)
]
MaxUpload = Annotated[str, typer.Option(metavar="SIZE", help="The largest file.", rich_help_panel=_LIMITS)]


def serve(
    host: Host = "127.0.0.1",
    port: Port = None,
    folder: Folder = None,
    browser: Annotated[bool, typer.Option("--browser", help="Open the page in a browser.")] = False,
    host_name: Annotated[
        list[str] | None,
        typer.Option("--host-name", metavar="NAME", help="Also answer to this name, beside localhost. Repeatable."),
    ] = None,
    workers: Workers = 2,
    seconds: Seconds = 60.0,
    memory: Memory = "3GiB",
    max_upload: MaxUpload = "256MiB",
) -> None:
    """Serve a local page: drop a model, choose devices, see the report, compare, sweep and pick."""
    from mbcost.serve.run import require_packages
    from mbcost.serve.run import serve as run

    require_packages()
    settings = _settings(folder, host_name, workers, seconds, memory, max_upload)

    def started(url: str) -> None:
        emit(f"{url}\n")
        if not _is_loopback(host):
            print_note(
                "warning: whoever reaches this machine over the network can use the server and see what is in it"
            )
        if sys.stderr is not None and sys.stderr.isatty():
            print_note("Ctrl-C stops the server")
        if browser:
            _open_browser(url)

    run(settings, host, port, started)


def open_file(
    model: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="A model such as net.onnx, a table, or a built-in name.",
            autocompletion=complete_architecture,
            show_default=False,
        ),
    ],
    device: Devices = None,
    port: Port = None,
    folder: Folder = None,
    no_browser: Browser = False,
) -> None:
    """Open the page of a network on one or more devices in a browser, with a server that runs or a new one."""
    from mbcost.architectures import architecture_names
    from mbcost.serve import client
    from mbcost.serve.run import require_packages
    from mbcost.serve.run import serve as run

    require_packages()
    devices = required_devices(device)
    path = Path(model)
    if not path.is_file() and model not in architecture_names():
        from mbcost.networks import load

        load(model)  # says what is wrong with it
        fail("MB010", f"{model[:100]} is no file", hint="the page takes files and built-in names")
    settings = _settings(folder)

    def show(url: str) -> None:
        network = {"upload": client.send(url, path)} if path.is_file() else {"name": model}
        asked = {"kind": "analyze", "networks": [network], "devices": devices}
        key = client.ask(url, "POST", "/api/results", asked)["key"]
        emit(f"{url}/#{key}\n")
        if not no_browser:
            _open_browser(f"{url}/#{key}")

    url = client.running(settings.folder)
    if url is not None:
        show(url)
        return
    from threading import Thread

    run(settings, "127.0.0.1", port, lambda url: Thread(target=show, args=(url,), daemon=True).start())


def _settings(
    folder: Path | None,
    names: list[str] | None = None,
    workers: int = 2,
    seconds: float = 60.0,
    memory: str = "3GiB",
    max_upload: str = "256MiB",
) -> Settings:
    from mbcost.serve.settings import Settings, state_folder

    return Settings(
        folder=(state_folder() if folder is None else folder).expanduser().absolute(),
        workers=workers,
        seconds=seconds,
        memory=_size("--memory", memory) or None,
        max_upload=_size("--max-upload", max_upload),
        hosts=tuple(names or ()),
    )


def _size(option: str, text: str) -> int:
    """A size in bytes."""
    from mbcost.units import UnitError, parse_quantity

    if text.strip() == "0":
        return 0
    try:
        return int(parse_quantity(text, "size"))
    except UnitError as error:
        fail("MB010", f"{option} `{text[:50]}`: {error}", hint="such as 256MiB or 2GiB")


def _is_loopback(host: str) -> bool:
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _open_browser(url: str) -> None:
    import webbrowser

    if not webbrowser.open(url):
        print_note(f"no browser was found: open {url}")

"""The command ``lossatlas serve``: start the server, and open the page in a browser."""

from __future__ import annotations

import errno
import math
import re
import socket
import sys
import webbrowser
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, Literal, TypeVar

import click

from lossatlas.cli.options import config_options, data_option, read_config
from lossatlas.errors import DataFolderError, LossAtlasError
from lossatlas.store import Gallery, explain_write_errors, make_synced_folder, remove_unfinished

HOST, DEFAULT_PORT = "127.0.0.1", 8642
_PORTS_TO_TRY = 50

_Command = TypeVar("_Command", bound=Callable[..., Any])

_EXPOSURE_OPTIONS = (
    click.option("--host", default=HOST, help=f"Address to listen on; 0.0.0.0 for all.  [default: {HOST}]"),
    click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=DEFAULT_PORT,
        help=f"0 takes any port that is free.  [default: {DEFAULT_PORT}]",
    ),
    click.option(
        "--allow-host",
        "allowed_hosts",
        metavar="NAME",
        multiple=True,
        help="Name by which clients may call the server, besides IP addresses; repeat it for more.",
    ),
    click.option("--root-path", default="", metavar="PATH", help="Path under which a proxy shows it, such as /atlas."),
    click.option(
        "--trust-proxy",
        "proxies",
        metavar="ADDRESS",
        multiple=True,
        help="Proxy that says for whom it asks; repeat it for more.  [default: those of this machine]",
    ),
    click.option(
        "--allow-framing",
        "framed_by",
        metavar="ORIGIN",
        multiple=True,
        help="Origin whose pages may show the app in a frame, such as https://course.example; repeat it for more.",
    ),
    click.option("--read-only", is_flag=True, help="Compute nothing and write nothing: show what is stored."),
)


class _Size(click.ParamType[float]):
    """A number of bytes, such as 500MB or 4e9."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the text."""
        match = re.fullmatch(r"([\d.]+(?:e\d+)?) *([kMGT]?)B?", str(value))
        try:
            number = float(match[1]) * 1000.0 ** " kMGT".index(match[2] or " ") if match else 0.0
        except ValueError:
            number = 0.0
        if not 0 < number < math.inf:
            self.fail(f"{value!r} is no number of bytes; give one such as 500MB or 4GB", param, ctx)
        return number


_CAPACITY_OPTIONS = (
    click.option("--workers", type=click.IntRange(1, 256), help="Runs that are computed at a time.  [default: 2]"),
    click.option("--max-queue", "queue_size", type=click.IntRange(1), help="Runs that may wait.  [default: 64]"),
    click.option(
        "--max-work",
        "work",
        type=click.FloatRange(0, min_open=True),
        help="Largest work of a run: models × points × parameters; 1e10 take a core about a second.  [default: 1e14]",
    ),
    click.option("--max-memory", "memory", type=_Size(), help="Largest memory of a run.  [default: 4GB]"),
    click.option(
        "--max-space",
        "space",
        type=_Size(),
        help="Space for all runs that were computed on demand; the oldest make room for new ones.  [default: 10GB]",
    ),
    click.option(
        "--max-streams", "streams", type=click.IntRange(1), help="Pages that follow runs at a time.  [default: 1000]"
    ),
)


def _add_server_options(command: _Command) -> _Command:
    for option in reversed((*_EXPOSURE_OPTIONS, *_CAPACITY_OPTIONS)):
        command = option(command)
    return command


def _read_address(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[str, int] | None:
    if value is None:
        return None
    host, _, port = value.rpartition(":")
    if not port.isascii() or not port.isdecimal() or int(port) > 65535:
        raise click.BadParameter(f"{value!r} is no address; give one such as {HOST}:9464")
    return host.strip("[]") or HOST, int(port)


@click.command("serve")
@data_option
@_add_server_options
@click.option("--browser/--no-browser", default=None, help="Open the app in the browser.  [default: on this machine]")
@config_options()
@click.option("--threads", type=click.IntRange(1, 256), help="Threads that compute surfaces.  [default: one per core]")
@click.option(
    "--shutdown-timeout",
    "patience",
    type=click.FloatRange(0.5, 600),
    default=8.0,
    help="Seconds that it may take to stop after Ctrl-C or SIGTERM; a second one ends it at once.  [default: 8]",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    help="Form of the log, on stderr.  [default: text]",
)
@click.option("--access-log", is_flag=True, help="Log each request: method, path, status, size, time and address.")
@click.option(
    "--metrics",
    metavar="ADDRESS:PORT",
    callback=_read_address,
    help="Serve numbers for Prometheus at /metrics of this address, such as 127.0.0.1:9464.",
)
def serve_command(  # noqa: PLR0913 (each option has a name)
    gallery: Gallery,
    browser: bool | None,
    config_file: str | None,
    threads: int | None,
    patience: float,
    log_format: Literal["text", "json"],
    access_log: bool,
    metrics: tuple[str, int] | None,
    **exposed: Any,
) -> None:
    """Open the app in a browser, and train what a person chooses there.

    The server answers only this machine, unless --host says otherwise. Ctrl-C stops it. With --config, the page opens
    with that configuration, and its other settings apply to all models that are chosen there.
    """
    from lossatlas.server import LOCAL_PROXIES, Capacity, Exposure, Observation, serve

    given = {field.name: exposed.pop(field.name, None) for field in fields(Capacity)}
    capacity = Capacity(**{name: value for name, value in given.items() if value is not None})
    default = read_config(config_file, {}) if config_file else None  # None: the page has its own default
    exposure = Exposure(**{**exposed, "proxies": exposed["proxies"] or LOCAL_PROXIES})
    _prepare(gallery, exposure.read_only)
    exposure = replace(exposure, port=_find_free_port(exposure.host, exposure.port))

    def announce(port: int) -> None:
        url = exposure.find_url(port)
        kept = "" if exposure.read_only else f"; runs are kept in {gallery.data}"
        click.echo(f"Loss Atlas is at {url}   (Ctrl-C stops it{kept})")
        for sentence in exposure.describe(port, gallery.data):
            click.echo(sentence)
        if browser or (browser is None and exposure.is_loopback and not exposure.root_path):
            webbrowser.open(url)

    serve(
        gallery,
        exposure,
        default=default,
        threads=threads,
        capacity=capacity,
        patience=patience,
        observation=Observation(log_format, access_log, metrics),
        on_started=announce,
    )


def _prepare(gallery: Gallery, read_only: bool) -> None:
    if read_only:
        if not gallery.data.is_dir():
            raise DataFolderError(f"there is no folder {gallery.data}; give the folder of a gallery")
        return
    with explain_write_errors(gallery.data):
        make_synced_folder(gallery.data)
    try:
        remove_unfinished(gallery.data)
        gallery.write_index()
    except DataFolderError as error:  # runs that are there can be shown nevertheless
        click.echo(f"{error}. Runs are shown, but none can be stored; with --read-only, clients are told so", err=True)


def _find_free_port(host: str, port: int) -> int:
    if _is_free(host, port):
        return port
    candidates = range(port + 1, min(port + _PORTS_TO_TRY, 65536))
    other = next((candidate for candidate in candidates if _is_free(host, candidate)), None)
    if other is None:
        raise LossAtlasError(f"port {port} is taken, and so are those after it; give another with --port")
    if sys.stdin.isatty() and click.confirm(f"Port {port} is taken. Use {other} instead?", default=True):
        return other
    raise LossAtlasError(f"port {port} is taken; {other} is free: lossatlas serve --port {other}")


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # like the server: a port in TIME_WAIT is free
        try:
            probe.bind((host, port))
        except PermissionError:
            raise LossAtlasError(f"port {port} needs rights that you do not have; give one from 1024 on") from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise LossAtlasError(
                    f"cannot listen on {host} ({error.strerror}); give an address of this machine with --host"
                ) from None
            return False
    return True

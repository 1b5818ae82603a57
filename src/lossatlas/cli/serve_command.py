"""The command ``lossatlas serve``: start the server, and open the page in a browser."""

from __future__ import annotations

import socket
import sys
import webbrowser

import click

from lossatlas.cli.options import config_options, data_option, read_config
from lossatlas.errors import DataFolderError, LossAtlasError
from lossatlas.store import Gallery, explain_write_errors, make_synced_folder, remove_unfinished

HOST, DEFAULT_PORT = "127.0.0.1", 8642
_PORTS_TO_TRY = 50


@click.command("serve")
@data_option
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    help=f"0 takes any port that is free.  [default: {DEFAULT_PORT}]",
)
@click.option("--browser/--no-browser", default=True, help="Open the app in the browser.  [default: browser]")
@config_options()
@click.option("--threads", type=click.IntRange(1, 256), help="Threads that compute surfaces.  [default: one per core]")
def serve_command(gallery: Gallery, port: int, browser: bool, config_file: str | None, threads: int | None) -> None:
    """Open the app in a browser, and train what a person chooses there.

    The server answers only this machine. Ctrl-C stops it. With --config, the page opens with that configuration, and
    its other settings apply to all models that are chosen there.
    """
    default = read_config(config_file, {}) if config_file else None  # None: the page has its own default
    with explain_write_errors(gallery.data):
        make_synced_folder(gallery.data)
    try:
        remove_unfinished(gallery.data)
        gallery.write_index()
    except DataFolderError as error:  # runs that are there can be shown nevertheless
        click.echo(f"{error}. Runs are shown, but none can be stored", err=True)
    port = _find_free_port(port)

    def announce(url: str) -> None:
        click.echo(f"Loss Atlas is at {url}   (Ctrl-C stops it; runs are kept in {gallery.data})")
        if browser:
            webbrowser.open(url)

    from lossatlas.server import serve

    serve(gallery, HOST, port, default=default, threads=threads, on_started=announce)


def _find_free_port(port: int) -> int:
    if _is_free(port):
        return port
    following = (candidate for candidate in range(port + 1, min(port + _PORTS_TO_TRY, 65536)) if _is_free(candidate))
    other = next(following, None)
    if other is None:
        raise LossAtlasError(f"port {port} is taken, and so are those after it; give another with --port")
    if sys.stdin.isatty() and click.confirm(f"Port {port} is taken. Use {other} instead?", default=True):
        return other
    raise LossAtlasError(f"port {port} is taken; {other} is free: lossatlas serve --port {other}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # like the server: a port in TIME_WAIT is free
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise LossAtlasError(f"port {port} needs rights that you do not have; give one from 1024 on") from None
        except OSError:
            return False
    return True

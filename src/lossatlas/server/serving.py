"""Running the server until it is told to stop."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

import uvicorn
from fastapi import FastAPI

from lossatlas.errors import LossAtlasError
from lossatlas.runs import RunConfig
from lossatlas.server.app import create_app
from lossatlas.store import Gallery

#: Only what goes wrong is worth a line.
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        name: {"handlers": ["stderr"], "level": "WARNING", "propagate": False} for name in ("uvicorn", "lossatlas")
    },
}


def serve(
    gallery: Gallery,
    host: str = "127.0.0.1",
    port: int = 8642,
    *,
    default: RunConfig | None = None,
    threads: int | None = None,
    hosts: Collection[str] = (),
    on_started: Callable[[], None] | None = None,
) -> None:
    """Serve a gallery until Ctrl-C or a SIGTERM; runs that are being computed are cancelled then.

    Parameters
    ----------
    gallery, default, threads
        As for :func:`~lossatlas.server.app.create_app`.
    host, port
        Where to listen.
    hosts
        More names by which the server may be called.
    on_started
        Called once it listens.

    Raises
    ------
    LossAtlasError
        If it cannot listen there.
    """
    app = create_app(gallery, default=default, threads=threads, hosts={host, *hosts})
    with _listening(host, port) as listener, suppress(KeyboardInterrupt):
        Server(app, on_started).run([listener])


class Server(uvicorn.Server):
    """Uvicorn, quiet, and quick to stop.

    Parameters
    ----------
    app
        What it serves.
    on_started
        Called once it listens.
    """

    def __init__(self, app: FastAPI, on_started: Callable[[], None] | None = None) -> None:
        config = uvicorn.Config(
            app, log_config=LOGGING, access_log=False, server_header=False, ws="none", timeout_graceful_shutdown=1
        )
        super().__init__(config)
        self._app, self._on_started = app, on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        if self._on_started:
            self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the jobs first: that ends the streams of events, which would be waited for otherwise."""
        self._app.state.jobs.stop()
        await super().shutdown(sockets)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # TCP by its number: only then does asyncio turn off Nagle's algorithm, which costs 40 ms a request.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise LossAtlasError(f"cannot listen on {host}, port {port} ({error.strerror}); give another port") from error
    return listener

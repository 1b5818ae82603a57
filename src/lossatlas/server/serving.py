"""Running the server: until it is told to stop, or in the background for as long as the process lives."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Collection, Sequence
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
#: Of all machines, this one alone reaches it.
_LOOPBACK = "127.0.0.1"


def serve(
    gallery: Gallery,
    host: str = _LOOPBACK,
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
    logging_config
        How the process logs; None leaves that as it is.
    """

    def __init__(
        self,
        app: FastAPI,
        on_started: Callable[[], None] | None = None,
        logging_config: dict[str, Any] | None = LOGGING,
    ) -> None:
        config = uvicorn.Config(
            app,
            log_config=logging_config,
            log_level="warning",
            access_log=False,
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=1,
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


class BackgroundServer:
    """Serves a gallery to this machine on a free port, from a thread that ends with the process.

    It leaves the logging of the process as it is.

    Parameters
    ----------
    gallery, framed_by
        As for :func:`~lossatlas.server.app.create_app`.

    Attributes
    ----------
    url
        Where the page is.
    """

    def __init__(self, gallery: Gallery, framed_by: Sequence[str] = ()) -> None:
        self._app = create_app(gallery, framed_by=framed_by)
        listener = _listening(_LOOPBACK, 0)  # from now on requests wait, so nobody has to wait for the thread
        self.url = f"http://{_LOOPBACK}:{listener.getsockname()[1]}/"
        self._server = Server(self._app, logging_config=None)
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="lossatlas-server", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop serving, and wait until that is done."""
        self._server.should_exit = True
        self._thread.join()

    def cancel_jobs(self) -> None:
        """Compute nothing more, and do not wait: for a process that is about to end."""
        self._app.state.jobs.stop()


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

"""Runs the server, either until somebody stops it or in the background until the process ends."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import uvicorn
from fastapi import FastAPI

from lossatlas.errors import LossAtlasError
from lossatlas.runs import RunConfig
from lossatlas.server.app import create_app
from lossatlas.server.connections import BACKLOG, TimedProtocol, raise_open_files_limit
from lossatlas.store import Gallery

#: The log contains only warnings and errors.
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        name: {"handlers": ["stderr"], "level": "WARNING", "propagate": False} for name in ("uvicorn", "lossatlas")
    },
}
#: Only this machine can reach this address.
_LOOPBACK = "127.0.0.1"


def serve(  # noqa: PLR0913 (each setting has a name and a default)
    gallery: Gallery,
    host: str = _LOOPBACK,
    port: int = 8642,
    *,
    default: RunConfig | None = None,
    threads: int | None = None,
    hosts: Collection[str] = (),
    on_started: Callable[[str], None] | None = None,
) -> None:
    """Serve a gallery until Ctrl-C or a SIGTERM, which also cancel the runs that are being computed.

    Parameters
    ----------
    gallery, default, threads
        The same as those of :func:`~lossatlas.server.app.create_app`.
    host, port
        The address to listen on. Port 0 stands for any port that is free.
    hosts
        More host names of the server.
    on_started
        A function that is called with the address of the page when the server listens.

    Raises
    ------
    LossAtlasError
        If the server cannot listen on this address.
    """
    raise_open_files_limit()
    app = create_app(gallery, default=default, threads=threads, hosts={host, *hosts})
    with _listen(host, port) as listener, suppress(KeyboardInterrupt):
        Server(app, partial(on_started, _url_of(host, listener)) if on_started else None).run([listener])


def _url_of(host: str, listener: socket.socket) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}/"


class Server(uvicorn.Server):
    """A Uvicorn server that logs only warnings and stops quickly.

    Parameters
    ----------
    app
        The app.
    on_started
        A function that is called when the server listens.
    logging_config
        The configuration of logging for the process; None leaves it unchanged.
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
            http=TimedProtocol,
            backlog=BACKLOG,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)
        self._app, self._on_started = app, on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, and call ``on_started``."""
        await super().startup(sockets)
        if self._on_started:
            self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop the jobs first, which ends the streams of events. Otherwise the server would wait for these streams."""
        self._app.state.jobs.stop()
        await super().shutdown(sockets)


class BackgroundServer:
    """A server on a free port of this machine. Its thread ends together with the process.

    It does not change the logging of the process.

    Parameters
    ----------
    gallery, framed_by
        The same as those of :func:`~lossatlas.server.app.create_app`.

    Attributes
    ----------
    url
        The address of the page.
    """

    def __init__(self, gallery: Gallery, framed_by: Sequence[str] = ()) -> None:
        self._app = create_app(gallery, framed_by=framed_by)
        listener = _listen(_LOOPBACK, 0)  # requests wait from now on, so the thread need not have started
        self.url = _url_of(_LOOPBACK, listener)
        self._server = Server(self._app, logging_config=None)
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="lossatlas-server", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop the server, and wait until it has stopped."""
        self._server.should_exit = True
        self._thread.join()

    def cancel_jobs(self) -> None:
        """Cancel all jobs without waiting for them, because the process is about to end."""
        self._app.state.jobs.stop()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # TCP is given by its number, because asyncio turns off Nagle's algorithm only then. It would cost 40 ms a request.
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

"""Runs the server, either until somebody stops it or in the background until the process ends."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from math import ceil
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from lossatlas.errors import LossAtlasError
from lossatlas.runs import RunConfig
from lossatlas.server.app import create_app
from lossatlas.server.capacity import Capacity
from lossatlas.server.connections import BACKLOG, TimedProtocol, accept_connections, raise_open_files_limit
from lossatlas.server.exposure import LOCAL_PROXIES, LOOPBACK, Exposure
from lossatlas.server.logs import LogFormat, log_exchange, make_logging
from lossatlas.server.metrics import Metrics
from lossatlas.store import Gallery

logger = logging.getLogger("lossatlas.server")

#: How many seconds a server takes at most to stop. Docker kills a container after 10.
PATIENCE = 8.0


@dataclass(frozen=True)
class Observation:
    """What a server tells those who run it.

    Attributes
    ----------
    log_format
        ``text`` for lines for people, ``json`` for a JSON object on each line.
    access_log
        Whether each request is logged, besides warnings and errors.
    metrics
        The host and the port where Prometheus finds numbers; None for none.
    """

    log_format: LogFormat = "text"
    access_log: bool = False
    metrics: tuple[str, int] | None = None


def serve(  # noqa: PLR0913 (each setting has a name and a default)
    gallery: Gallery,
    exposure: Exposure | None = None,
    *,
    default: RunConfig | None = None,
    threads: int | None = None,
    capacity: Capacity | None = None,
    patience: float = PATIENCE,
    observation: Observation = Observation(),
    on_started: Callable[[int], None] | None = None,
) -> None:
    """Serve a gallery until Ctrl-C or a SIGTERM, which also stop the runs that are being computed.

    Parameters
    ----------
    gallery, default, threads, capacity
        The same as those of :func:`~lossatlas.server.app.create_app`.
    exposure
        To whom the server is open; by default, to this machine only.
    patience
        How many seconds the server takes at most to stop. A second signal ends the process at once.
    observation
        What the server tells those who run it.
    on_started
        A function that is called with the port when the server listens.

    Raises
    ------
    LossAtlasError
        If the server cannot listen on an address.
    MissingExtraError
        If numbers are asked for, and prometheus-client is not installed.
    """
    raise_open_files_limit()
    exposure = exposure or Exposure()
    metrics = Metrics(gallery, lambda: app.state.jobs.count()) if observation.metrics else None
    app = create_app(
        gallery,
        default=default,
        threads=threads,
        capacity=capacity,
        hosts={exposure.host, *exposure.allowed_hosts},
        framed_by=exposure.framed_by,
        read_only=exposure.read_only,
        observers=[*([log_exchange] if observation.access_log else []), *([metrics.observe] if metrics else [])],
    )
    with ExitStack() as stack:
        listener = stack.enter_context(_listen(exposure.host, exposure.port))
        if metrics and observation.metrics:
            stack.enter_context(metrics.serve(*observation.metrics))
        stack.enter_context(suppress(KeyboardInterrupt))
        server = Server(
            app,
            partial(on_started, listener.getsockname()[1]) if on_started else None,
            make_logging(observation.log_format, observation.access_log),
            root_path=exposure.root_path,
            proxies=exposure.proxies,
            patience=patience,
        )
        server.run([listener])


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
    root_path
        The path under which a proxy shows the app.
    proxies
        The IP addresses and networks of proxies that may say for whom they ask.
    patience
        How many seconds the server takes at most to stop.
    """

    def __init__(
        self,
        app: FastAPI,
        on_started: Callable[[], None] | None = None,
        logging_config: dict[str, Any] | None = None,
        *,
        root_path: str = "",
        proxies: Sequence[str] = LOCAL_PROXIES,
        patience: float = 1.0,
    ) -> None:
        config = uvicorn.Config(
            app,
            log_config=logging_config,
            log_level="warning",
            access_log=False,
            server_header=False,
            ws="none",
            http=TimedProtocol,
            root_path=root_path,
            forwarded_allow_ips=list(proxies),
            timeout_graceful_shutdown=ceil(patience) + 2,  # `_cut_off` comes earlier, and leaves no traceback
        )
        super().__init__(config)
        self._app, self._on_started, self._patience = app, on_started, patience
        self._accepting: list[asyncio.Task[None]] = []

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop after the first signal, and end the process at once after a second one.

        Uvicorn would raise the signal once more when everything has ended, and the exit code would be that of a crash.
        """
        if self.should_exit:
            os._exit(128 + sig)
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, and call ``on_started``."""
        await super().startup([])  # Uvicorn would accept more connections than there may be files
        for listener in sockets or []:
            accepting = accept_connections(listener, self._make_protocol, self.server_state.connections)
            self._accepting.append(asyncio.create_task(accepting))
        if self._on_started:
            self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop the jobs first, which ends the streams of events. Otherwise the server would wait for these streams."""
        self._app.state.stop_by = time.monotonic() + self._patience
        self._app.state.jobs.stop()
        asyncio.get_running_loop().call_later(self._patience, self._cut_off)
        for accepting in self._accepting:
            accepting.cancel()
        await super().shutdown(sockets)

    def _make_protocol(self) -> TimedProtocol:
        return TimedProtocol(self.config, self.server_state, self.lifespan.state)

    def _cut_off(self) -> None:
        """Close the connections whose requests have not ended."""
        left = list(self.server_state.connections)
        if left:
            logger.warning("%d requests did not end within %g seconds and were cut off", len(left), self._patience)
        for connection in left:
            connection.transport.abort()


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
        listener = _listen(LOOPBACK, 0)  # requests wait from now on, so the thread need not have started
        self.url = Exposure().find_url(listener.getsockname()[1])
        self._server = Server(self._app)
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
    # TCP is given by its number, because asyncio turns off Nagle's algorithm only then: it costs 40 ms per request.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise LossAtlasError(f"cannot listen on {host}, port {port} ({error.strerror}); give another port") from error
    return listener

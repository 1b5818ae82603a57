"""Limits connections in number and in time, so that one client cannot keep all others away.

Uvicorn ends a connection that has been idle after a request. It waits for ever for a client that never sends one, or
sends half of one, and it accepts connections until the process has no file left to open.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

#: How many connections may wait to be accepted. Python accepts as many at once, before any of them is counted.
BACKLOG = 128
#: How many seconds a client has for the head of a request, from the connection or from the last answer on.
PATIENCE = 20.0
#: How many open files the process is to be allowed, if the system lets it.
OPEN_FILES = 8192
#: How many open files are left to everything that is no connection.
_OTHER_FILES = 128
_FEWEST = 16


def raise_open_files_limit() -> None:
    """Allow this process :data:`OPEN_FILES` open files, or as many as the system does. Shells often allow 1,024."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def find_most_connections() -> int:
    """Return how many connections there may be at a time: fewer than the process may open files."""
    if sys.platform == "win32":
        return OPEN_FILES
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = OPEN_FILES if soft == resource.RLIM_INFINITY else min(soft, OPEN_FILES)
    return max(_FEWEST, files - BACKLOG - _OTHER_FILES)


class TimedProtocol(H11Protocol):
    """A connection that is closed if there are too many, or if the head of a request does not arrive in time."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request, or close the connection at once if there are too many."""
        made: Any = transport  # Uvicorn declares a narrower type than asyncio
        super().connection_made(made)
        if len(self.connections) > find_most_connections():
            self.transport.abort()
        else:
            self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Receive a part of a request. The time for its head is not extended by a part of it."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._wait_for_head()
        super().on_response_complete()
        if not self.cycle.response_complete:  # the next request was here already
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        self._stop_waiting()
        self._waiting = self.loop.call_later(PATIENCE, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._waiting:
            self._waiting.cancel()
            self._waiting = None

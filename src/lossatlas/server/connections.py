"""Limits the number of connections and their waiting times, so that one client cannot block all others.

Uvicorn closes a connection that is idle after a request. But it waits forever for a client that sends no request, or
half of one, and it accepts connections until the process cannot open any more files. Here, connections beyond a limit
wait in the system until one of the others ends, and idle ones make room for them.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable, Collection
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from lossatlas.server.problems import Problem

#: The number of connections that may wait in the system to be accepted: those of a class, six from each browser.
BACKLOG = 1024
#: A connection without a request for this many seconds makes room for another one, if there are too many.
IDLE = 0.5
#: After this many seconds, a full server looks again whether there is room.
_PAUSE = 0.02
#: A client that takes nothing of an answer for this many seconds is cut off. A page connects again, and gets the rest.
STALLED = 60.0
#: The seconds that a client has for the head of a request, counted from the connection or from the last answer.
PATIENCE = 20.0
#: The number of open files that the process requests from the system.
OPEN_FILES = 8192
#: The number of open files that are reserved for everything except connections: for 40 threads that read files, each of
#: which also opens the folders above its file, and for 32 files that are being sent, each of which is opened twice.
_OTHER_FILES = 256
_FEWEST = 16


def raise_open_files_limit() -> None:
    """Allow this process :data:`OPEN_FILES` open files, or as many as possible. Shells often allow only 1,024."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def find_most_connections() -> int:
    """Return the largest number of connections at a time. It is below the number of files that may be open."""
    if sys.platform == "win32":
        return OPEN_FILES
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = OPEN_FILES if soft == resource.RLIM_INFINITY else min(soft, OPEN_FILES)
    return max(_FEWEST, files - _OTHER_FILES)


async def accept_connections(
    listener: socket.socket, make: Callable[[], TimedProtocol], connections: Collection[Any]
) -> None:
    """Accept connections until this is cancelled, but not more at a time than files allow.

    Parameters
    ----------
    listener
        The socket that listens.
    make
        A function that makes the protocol of a new connection.
    connections
        The protocols of all open connections, which each protocol joins and leaves by itself.
    """
    loop = asyncio.get_running_loop()
    listener.setblocking(False)
    while True:
        try:
            accepted, _ = await loop.sock_accept(listener)
        except OSError:  # the client has gone, or the process has no file left
            await asyncio.sleep(_PAUSE)
            continue
        try:
            while len(connections) >= find_most_connections():
                await asyncio.sleep(0 if _close_longest_idle(connections) else _PAUSE)
            await loop.connect_accepted_socket(make, accepted)
        except OSError:
            accepted.close()
        except asyncio.CancelledError:
            accepted.close()
            return


def _close_longest_idle(connections: Collection[TimedProtocol]) -> bool:
    """Close the connection that has waited longest for a request, and return whether there was one."""
    longest = max(connections, key=lambda connection: connection.idle, default=None)
    if longest is None or longest.idle < IDLE:
        return False
    longest.transport.close()
    return True


class TimedProtocol(H11Protocol):
    """A connection that is closed if the head of a request does not arrive in time, or nobody reads the answer."""

    _waiting: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    _since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start to wait for a request."""
        made: Any = transport  # Uvicorn declares a narrower type than asyncio does
        super().connection_made(made)
        self._wait_for_head()

    @property
    def idle(self) -> float:
        """How many seconds it has waited for a request; 0 while one is answered."""
        return self.loop.time() - self._since if self._waiting else 0.0

    def data_received(self, data: bytes) -> None:
        """Receive a part of a request. A part of its head does not extend the time for the head."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()

    def pause_writing(self) -> None:
        """Wait until the client has read what was sent."""
        super().pause_writing()
        self._stalled = self.loop.call_later(STALLED, self.transport.abort)

    def resume_writing(self) -> None:
        """Continue to send."""
        super().resume_writing()
        self._stop_stalled()

    def _stop_stalled(self) -> None:
        if self._stalled:
            self._stalled.cancel()
            self._stalled = None

    def send_400_response(self, msg: str) -> None:
        """Answer a request that is not valid HTTP, in the form of all other refusals."""
        answer = Problem(400, f"this is not a valid HTTP request: {msg}", headers={"Connection": "close"}).response
        head = h11.Response(status_code=400, headers=answer.raw_headers, reason=b"Bad Request")
        for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._wait_for_head()
        super().on_response_complete()
        if not self.cycle.response_complete:  # the next request has already arrived
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_stalled()
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        self._stop_waiting()
        self._since = self.loop.time()
        self._waiting = self.loop.call_later(PATIENCE, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._waiting:
            self._waiting.cancel()
            self._waiting = None

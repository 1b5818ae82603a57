"""Observes the requests that are answered, for the access log and for metrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lossatlas.server.root_path import find_own_path

#: The first part of a path, and the kind of what is there. Everything else is a file of the page.
_KINDS = {"api": "api", "data": "data", "healthz": "health", "readyz": "health"}
#: The methods that are counted one by one. A client may invent others, which must not become as many series of numbers.
_METHODS = {"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"}


@dataclass(frozen=True)
class Exchange:
    """A request and its answer. It has neither the query nor headers or bodies, which may contain secrets.

    Attributes
    ----------
    method
        The method; ``other`` if it is unusual.
    path
        The path below the root path, with percent signs.
    kind
        What was asked for: ``page``, ``data``, ``api``, ``events`` or ``health``.
    status
        The status of the answer; 0 if the client left before there was one.
    size
        The number of bytes of the answer's body that were sent.
    seconds
        How long it took until the answer was sent. A stream of events takes as long as it lasts.
    client
        The IP address of the client, or the one for which a trusted proxy asks.
    """

    method: str
    path: str
    kind: str
    status: int
    size: int
    seconds: float
    client: str


class Observer:
    """ASGI middleware that tells others about each request after it was answered.

    Parameters
    ----------
    app
        The app.
    tell
        The functions that are called.
    """

    def __init__(self, app: ASGIApp, tell: Sequence[Callable[[Exchange], None]]) -> None:
        self.app, self._tell = app, tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status, size = time.perf_counter(), 0, 0
        path = find_own_path(scope)  # now, because the router changes the scope

        async def count(message: Message) -> None:
            nonlocal status, size
            status = message.get("status", status)
            size += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, count)
        finally:
            exchange = Exchange(
                method=scope["method"] if scope["method"] in _METHODS else "other",
                path=quote(path),
                kind=_find_kind(path),
                status=status,
                size=size,
                seconds=time.perf_counter() - began,
                client=scope["client"][0] if scope["client"] else "",
            )
            for tell in self._tell:
                tell(exchange)


def _find_kind(path: str) -> str:
    kind = _KINDS.get(path.lstrip("/").partition("/")[0], "page")
    return "events" if kind == "api" and path.endswith("/events") else kind

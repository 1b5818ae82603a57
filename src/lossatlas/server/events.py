"""Server-sent events: the log of what has happened in a computation, and everyone who listens to it."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

#: Seconds of silence after which a comment shows that the connection lives.
HEARTBEAT = 15.0
#: Milliseconds after which an EventSource that lost its connection comes back; its own choice would be 3 s or more.
_RETRY = b"retry: 500\n\n"


@dataclass(frozen=True)
class Event:
    """One event of a log.

    Attributes
    ----------
    name
        As docs/run-format.md lists them.
    body
        Makes the body. It is called for every listener, so that a log keeps arrays, not their larger base64.
    size
        About how many bytes it keeps in memory.
    last
        Whether the log ends with it.
    """

    name: str
    body: Callable[[], Mapping[str, Any]]
    size: int = 0
    last: bool = False

    def encode(self, event_id: str) -> bytes:
        """The event as it goes over the wire."""
        text = json.dumps(self.body(), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return format_sse_event(data_str=text, event=self.name, id=event_id)


class EventLog:
    """Events in their order, appended by one thread and followed by any number of listeners.

    An event's id is ``<log>-<position>``: ids of another log, as of a server before its restart, are not mistaken
    for positions in this one.

    Parameters
    ----------
    on_listeners
        Called whenever a listener has come or gone, in the thread of its event loop.
    """

    def __init__(self, on_listeners: Callable[[], None] = lambda: None) -> None:
        self._on_listeners = on_listeners
        self._name = secrets.token_hex(4)
        self._events: list[Event] = []
        self._listeners: set[_Listener] = set()
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """About how many bytes it keeps in memory."""
        with self._lock:
            return sum(event.size for event in self._events)

    @property
    def followed(self) -> bool:
        """Whether anybody listens now."""
        with self._lock:
            return bool(self._listeners)

    def append(self, event: Event) -> None:
        """Add an event and wake the listeners, from any thread; after the last one, nothing is added."""
        with self._lock:
            if self._events and self._events[-1].last:
                return
            self._events.append(event)
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener.wake()

    def start_after(self, last_event_id: str | None) -> int | None:
        """Where to go on for who has seen that event; None if it was the last one there will ever be."""
        log, _, position = (last_event_id or "").rpartition("-")
        if log != self._name or not position.isdecimal():
            return 0
        with self._lock:
            start = min(int(position) + 1, len(self._events))
            return None if start and self._events[start - 1].last else start

    async def follow(self, start: int = 0, heartbeat: float = HEARTBEAT) -> AsyncIterator[bytes]:
        """Yield events from a position on, encoded, as they come, to the last one; comments where none come.

        A slow listener waits in its own coroutine, and the log for nobody.
        """
        position = start
        with self._listening() as listener:
            yield _RETRY
            while True:
                listener.rest()  # before looking: what is appended from here on wakes it again
                while position < len(self._events):
                    event = self._events[position]
                    yield await asyncio.to_thread(event.encode, f"{self._name}-{position}")
                    if event.last:
                        return
                    position += 1
                if not await listener.woken(heartbeat):
                    yield KEEPALIVE_COMMENT

    @contextmanager
    def _listening(self) -> Iterator[_Listener]:
        listener = _Listener()
        with self._lock:
            self._listeners.add(listener)
        try:
            self._on_listeners()
            yield listener
        finally:
            with self._lock:
                self._listeners.discard(listener)
            self._on_listeners()


class _Listener:
    """Something of one event loop that other threads can wake."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def wake(self) -> None:
        with suppress(RuntimeError):  # its loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._event.set)

    def rest(self) -> None:
        self._event.clear()

    async def woken(self, patience: float) -> bool:
        try:
            async with asyncio.timeout(patience):
                await self._event.wait()
        except TimeoutError:
            return False
        return True

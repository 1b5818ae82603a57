"""Server-sent events: the log of the events of a computation, and its listeners."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

#: An event is sent in pieces of this many bytes, so that a client that does not read costs few of them.
PIECE = 2**16
#: After this many seconds without an event, a comment shows that the connection is alive.
HEARTBEAT = 15.0
#: After this many milliseconds, an EventSource connects again. Its default would be 3 seconds or more.
_RETRY = b"retry: 500\n\n"


@dataclass(frozen=True)
class Event:
    """One event of a log.

    Attributes
    ----------
    name
        The name; docs/run-format.md lists all names.
    body
        A function that makes the body. It is called for every listener, because the arrays in a log take less memory
        than their base64.
    size
        The approximate memory of the event in bytes.
    last
        Whether this is the last event of the log.
    """

    name: str
    body: Callable[[], Mapping[str, Any]]
    size: int = 0
    last: bool = False

    def encode(self, event_id: str) -> bytes:
        """Encode the event as bytes of a server-sent event."""
        text = json.dumps(self.body(), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return format_sse_event(data_str=text, event=self.name, id=event_id)


#: The threads that encode events.
_ENCODERS = ThreadPoolExecutor(2, thread_name_prefix="lossatlas-events")


class _Encoded:
    """The encoded bytes of an event. All listeners that are sending it now share them."""

    def __init__(self, event: Event, event_id: str) -> None:
        self._bytes = _ENCODERS.submit(event.encode, event_id)

    @property
    def is_ready(self) -> bool:
        """Whether the bytes are there."""
        return self._bytes.done()

    @property
    def text(self) -> bytes:
        """The bytes."""
        return self._bytes.result()

    def notify(self, listener: _Listener) -> None:
        """Wake a listener when the bytes are there."""
        self._bytes.add_done_callback(lambda _: listener.wake())


class EventLog:
    """A list of events. One thread appends events, and any number of listeners follow them.

    Each event is encoded once for all listeners that are at the same position.

    The id of an event is ``<log>-<position>``, so that ids of another log, for example from before a restart of the
    server, are not mistaken for positions in this log.

    Parameters
    ----------
    on_listeners
        A function that is called if a listener has come or gone, in the thread of the listener's event loop.
    """

    def __init__(self, on_listeners: Callable[[], None] = lambda: None) -> None:
        self._on_listeners = on_listeners
        self._name = secrets.token_hex(4)
        self._events: list[Event] = []
        self._encoded: WeakValueDictionary[int, _Encoded] = WeakValueDictionary()
        self._listeners: set[_Listener] = set()
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """The approximate memory of all events in bytes."""
        with self._lock:
            return sum(event.size for event in self._events)

    @property
    def has_listeners(self) -> bool:
        """Whether there are listeners now."""
        with self._lock:
            return bool(self._listeners)

    @property
    def listener_count(self) -> int:
        """The number of listeners now."""
        with self._lock:
            return len(self._listeners)

    def dismiss(self, client: str | None) -> bool:
        """End the streams of one client that is no longer interested.

        Parameters
        ----------
        client
            The name that the client chose. None stands for one of the listeners without a name.

        Returns
        -------
        bool
            Whether other clients still listen. If none does, no stream is ended here.
        """
        with self._lock:
            own = [listener for listener in self._listeners if listener.client == client]
            others = len(self._listeners) - (len(own) if client else min(len(own), 1))
        for listener in own if others and client else ():
            listener.dismiss()
        return others > 0

    def forget_owner(self) -> None:
        """Stop reporting listeners, so that this log no longer keeps the receiver of the reports in memory."""
        self._on_listeners = lambda: None

    def keep_last(self) -> EventLog:
        """Return a log that contains only the last event of this one, which takes little memory."""
        log = EventLog()
        with self._lock:
            log._events = self._events[-1:]
        return log

    def append(self, event: Event) -> None:
        """Add an event and wake the listeners. Any thread may call it. Nothing is added after the last event."""
        with self._lock:
            if self._events and self._events[-1].last:
                return
            self._events.append(event)
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener.wake()

    def find_start(self, last_event_id: str | None) -> int | None:
        """Return the position after an event; None if it was the last event of the log."""
        log, _, position = (last_event_id or "").rpartition("-")
        if log != self._name or not position.isdecimal():
            return 0
        with self._lock:
            start = min(int(position) + 1, len(self._events))
            return None if start and self._events[start - 1].last else start

    async def follow(
        self, start: int = 0, heartbeat: float = HEARTBEAT, client: str | None = None
    ) -> AsyncIterator[bytes]:
        """Yield encoded events from a position on until the last one, as they are appended.

        A slow listener only delays its own coroutine, and never the log.

        Parameters
        ----------
        start
            The position of the first event.
        heartbeat
            After this many seconds without an event, a comment is yielded.
        client
            The name of the client, for :meth:`dismiss`.

        Yields
        ------
        bytes
            Encoded events and comments.
        """
        position = start
        with self._add_listener(client) as listener:
            yield _RETRY
            while True:
                listener.clear()  # first, so that events that are appended from here on wake it again
                while position < len(self._events):
                    event, encoded = self._encode(position)
                    encoded.notify(listener)
                    text = b""
                    try:
                        while not encoded.is_ready:
                            await listener.wait(None)
                            listener.clear()
                        text = encoded.text
                        for begin in range(0, len(text), PIECE):
                            yield text[begin : begin + PIECE]
                    finally:  # frees the bytes before the next event, or before the traceback of a listener that left
                        del text, encoded
                    if event.last:
                        return
                    position += 1
                if listener.dismissed:
                    yield Event("cancelled", dict, last=True).encode(f"{self._name}-{position}")
                    return
                if not await listener.wait(heartbeat):
                    yield KEEPALIVE_COMMENT

    def _encode(self, position: int) -> tuple[Event, _Encoded]:
        """Return an event, and its bytes, which other listeners may have requested."""
        with self._lock:
            event, encoded = self._events[position], self._encoded.get(position)
            if encoded is None:
                encoded = self._encoded[position] = _Encoded(event, f"{self._name}-{position}")
            return event, encoded

    @contextmanager
    def _add_listener(self, client: str | None) -> Iterator[_Listener]:
        listener = _Listener(client)
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
    """A listener in one event loop. Other threads can wake it."""

    def __init__(self, client: str | None) -> None:
        self.client, self.dismissed = client, False
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def dismiss(self) -> None:
        self.dismissed = True
        self.wake()

    def wake(self) -> None:
        with suppress(RuntimeError):  # the loop is closed, so the listener is gone
            self._loop.call_soon_threadsafe(self._event.set)

    def clear(self) -> None:
        self._event.clear()

    async def wait(self, patience: float | None) -> bool:
        try:
            async with asyncio.timeout(patience):
                await self._event.wait()
        except TimeoutError:
            return False
        return True

"""Server-sent events: the log of the events of a computation, and its listeners."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

import numpy as np
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from lossatlas.arrays import AnyArray

#: An event is sent in pieces of this many bytes, so that a client that does not read costs few of them.
PIECE = 2**16
#: After this many seconds without an event, a comment shows that the connection is alive.
HEARTBEAT = 15.0
#: After this many milliseconds, an EventSource connects again. Its default would be 3 seconds or more.
_RETRY = b"retry: 500\n\n"


#: A listener for which more bytes of new events wait skips those that are older than the newest of their name.
MOST_BEHIND = 2**20
#: Bytes of an array that make one piece in base64.
_ARRAY_PIECE = PIECE // 4 * 3


@dataclass(frozen=True)
class Event:
    """One event of a log.

    Attributes
    ----------
    name
        The name; docs/run-format.md lists all names. A listener that is far behind gets only the newest event of each.
    body
        A function that makes the body, whose arrays are sent as base64 of their little-endian values. It is called for
        every listener, so that a log only keeps what it needs for that.
    size
        The approximate memory of the event in bytes.
    last
        Whether this is the last event of the log.
    """

    name: str
    body: Callable[[], Mapping[str, Any]]
    size: int = 0
    last: bool = False

    def split(self, event_id: str) -> list[list[Segment]]:
        """Divide the event, as bytes of a server-sent event, into pieces that are encoded only when they are sent."""
        token, arrays = secrets.token_hex(16), list[AnyArray]()

        def note(array: AnyArray) -> str:
            arrays.append(array)
            return token

        text = json.dumps(self.body(), default=note, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        first, *others = format_sse_event(data_str=text, event=self.name, id=event_id).split(token.encode())
        segments = _cut_text(first)
        for array, after in zip(arrays, others, strict=True):
            segments += [*_cut_array(array), *_cut_text(after)]
        return _group(segments)


@dataclass(frozen=True)
class Segment:
    """A part of an event: text, or some numbers of an array, which become base64.

    Attributes
    ----------
    size
        The number of bytes that are sent.
    encode
        A function that makes these bytes.
    """

    size: int
    encode: Callable[[], bytes]


def _cut_text(text: bytes) -> list[Segment]:
    parts = [text[begin : begin + PIECE] for begin in range(0, len(text), PIECE)]
    return [Segment(len(part), partial(bytes, part)) for part in parts]


def _cut_array(array: AnyArray) -> list[Segment]:
    """Cut an array at numbers of bytes that are multiples of three, so that the base64 of all parts is that of it."""
    step = _ARRAY_PIECE // array.itemsize // 3 * 3
    flat = array.reshape(-1) if array.flags.c_contiguous else array.flat
    spans = [(begin, min(begin + step, array.size)) for begin in range(0, array.size, step)]
    return [
        Segment((end - begin) * array.itemsize * 4 // 3, partial(_encode_numbers, flat, begin, end))
        for begin, end in spans
    ]


def _encode_numbers(flat: Any, begin: int, end: int) -> bytes:
    """Encode some values of an array in C order."""
    numbers: AnyArray = flat[begin:end]
    little = numbers.astype(numbers.dtype.newbyteorder("<"), copy=False)
    return b64encode(np.ascontiguousarray(little).data)


def _group(segments: list[Segment]) -> list[list[Segment]]:
    """Group segments into pieces of about :data:`PIECE` bytes."""
    pieces: list[list[Segment]] = [[]]
    for segment in segments:
        if pieces[-1] and sum(each.size for each in pieces[-1]) + segment.size > PIECE:
            pieces.append([])
        pieces[-1].append(segment)
    return pieces


def _join(piece: list[Segment]) -> bytes:
    return b"".join(segment.encode() for segment in piece)


#: The threads that encode events: an array of a large run may have to be read from the disk.
_ENCODERS = ThreadPoolExecutor(2, thread_name_prefix="lossatlas-events")
_Result = TypeVar("_Result")


class _Shared(Generic[_Result]):
    """What an encoder makes. It exists as long as a listener needs it, and all who need it now share it."""

    def __init__(self, make: Callable[[], _Result]) -> None:
        self.result = _ENCODERS.submit(make)


class EventLog:
    """A list of events. One thread appends events, and any number of listeners follow them at their own pace.

    A listener that falls behind, because its line or its client is slow, skips to the newest events.

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
        self._sizes = [0]  # of all events before each position
        self._shared: WeakValueDictionary[tuple[int, int], _Shared[Any]] = WeakValueDictionary()
        self._listeners: set[_Listener] = set()
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """The approximate memory of all events in bytes."""
        with self._lock:
            return self._sizes[-1]

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
            kept = self._events[-1:]
        for event in kept:
            log.append(event)
        return log

    def append(self, event: Event) -> None:
        """Add an event and wake the listeners. Any thread may call it. Nothing is added after the last event."""
        with self._lock:
            if self._events and self._events[-1].last:
                return
            self._events.append(event)
            self._sizes.append(self._sizes[-1] + event.size)
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

        A slow listener only delays its own coroutine, and never the log. It holds one piece of an event. If more than
        :data:`MOST_BEHIND` bytes of events have come and wait since it began to listen, it gets only the newest event
        of each name; what it has missed before that, it gets in full.

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
                while found := self._find_next(position, listener.begin):
                    position, event = found
                    async with aclosing(self._encode(position, event, listener)) as pieces:
                        async for piece in pieces:
                            yield piece
                    if event.last:
                        return
                    position += 1
                if listener.dismissed:
                    for segments in Event("cancelled", dict, last=True).split(f"{self._name}-{position}"):
                        yield _join(segments)
                    return
                if not await listener.wait(heartbeat):
                    yield KEEPALIVE_COMMENT

    async def _encode(self, position: int, event: Event, listener: _Listener) -> AsyncGenerator[bytes, None]:
        """Yield the pieces of an event."""
        plan = piece = None  # these references keep what is shared: the plan of the event, and the bytes of one piece
        try:
            plan = self._share((position, -1), partial(event.split, f"{self._name}-{position}"))
            pieces = await listener.wait_for(plan.result)
            for number, segments in enumerate(pieces):
                piece = self._share((position, number), partial(_join, segments))
                yield await listener.wait_for(piece.result)
        finally:  # frees the bytes before the traceback of a listener that left
            del plan, piece

    def _share(self, key: tuple[int, int], make: Callable[[], _Result]) -> _Shared[_Result]:
        """Return what other listeners may have requested: the plan of an event (-1), or one of its pieces."""
        with self._lock:
            shared = self._shared.get(key)
            if shared is None:
                shared = self._shared[key] = _Shared(make)
            return shared

    def _find_next(self, position: int, begin: int) -> tuple[int, Event] | None:
        """Find the next event for a listener.

        Parameters
        ----------
        position
            The position after the event that it got last.
        begin
            The position of the first event that was appended since it listens.

        Returns
        -------
        tuple of int and Event, or None
            The event with its position; None if there is none yet.
        """
        with self._lock:
            if position >= len(self._events):
                return None
            if self._sizes[-1] - self._sizes[max(position, begin)] > MOST_BEHIND:
                waiting = range(position, len(self._events))
                newest = {self._events[at].name: at for at in waiting}
                position = min(newest.values())
            return position, self._events[position]

    @contextmanager
    def _add_listener(self, client: str | None) -> Iterator[_Listener]:
        with self._lock:
            listener = _Listener(client, begin=len(self._events))
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

    def __init__(self, client: str | None, begin: int) -> None:
        self.client, self.begin, self.dismissed = client, begin, False
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

    async def wait_for(self, result: Future[_Result]) -> _Result:
        """Wait until an encoder has made something."""
        result.add_done_callback(lambda _: self.wake())
        while not result.done():
            await self.wait(None)
            self.clear()
        return result.result()

    async def wait(self, patience: float | None) -> bool:
        try:
            async with asyncio.timeout(patience):
                await self._event.wait()
        except TimeoutError:
            return False
        return True

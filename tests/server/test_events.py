"""Tests the log of events alone: what its listeners receive, and what they hold."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from base64 import b64decode
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import numpy as np

from lossatlas.arrays import AnyArray
from lossatlas.server import events
from lossatlas.server.events import MOST_BEHIND, PIECE, Event, EventLog

_Result = TypeVar("_Result")
#: The numbers of one frame: more than a piece of any kind of text.
NUMBERS = np.arange(100_000, dtype=np.float32)


def make_frame(index: int, numbers: AnyArray = NUMBERS) -> Event:
    return Event("frame", partial(dict, frame=index, data={"a": numbers, "b": numbers[:1]}), size=numbers.nbytes)


def decode(text: bytes) -> list[tuple[str, str, Any]]:
    """Return the name, the id and the body of each event."""
    found = []
    for block in text.decode().split("\n\n"):
        fields = dict(line.partition(": ")[::2] for line in block.splitlines())
        if "data" in fields:
            found.append((fields["event"], fields["id"], json.loads(fields["data"])))
    return found


def run(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run a coroutine in a thread of its own. That of the tests has a loop already if a browser is open in it."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(work)).result()


async def read(stream: AsyncIterator[bytes]) -> list[tuple[str, str, Any]]:
    return decode(b"".join([piece async for piece in stream]))


async def read_until(stream: AsyncIterator[bytes], word: bytes) -> bytes:
    """Read pieces up to one that contains a word."""
    text = b""
    while word not in text:
        text += await anext(stream)
    return text


def test_arrays_of_any_layout_are_sent_in_pieces_as_their_base64() -> None:
    large = np.arange(3 * 400 * 401, dtype=">i4").reshape(3, 400, 401)
    arrays = {
        "contiguous": NUMBERS, "sliced": large[:, 17:18], "turned": large.T, "bytes": np.arange(70_001, dtype=np.uint8),
        "empty": NUMBERS[:0], "doubles": np.linspace(0, 1, 9_999),
    }  # fmt: skip
    log = EventLog()
    log.append(Event("frame", partial(dict, title="α\n", data=arrays), last=True))
    pieces = run(_collect(log))
    assert max(map(len, pieces)) <= PIECE
    ((_, _, body),) = decode(b"".join(pieces))
    assert body["title"] == "α\n"
    for name, array in arrays.items():
        expected = array.astype(array.dtype.newbyteorder("<")).tobytes()
        assert b64decode(body["data"][name], validate=True) == expected, name


async def _collect(log: EventLog) -> list[bytes]:
    return [piece async for piece in log.follow()]


def test_a_listener_that_falls_behind_skips_to_the_newest_state_and_can_continue_from_there() -> None:
    most = MOST_BEHIND // NUMBERS.nbytes  # as many frames may wait

    async def listen() -> None:
        log = EventLog()
        log.append(Event("manifest", dict))
        slow, fast = log.follow(), log.follow()
        for stream in (slow, fast):
            await read_until(stream, b"manifest")
        fast_text = b""
        for index in range(3 * most):
            log.append(make_frame(index))
            fast_text += await read_until(fast, b"\n\n")  # the end of an event
        log.append(Event("stage", partial(dict, done=1)))
        log.append(Event("stage", partial(dict, done=2)))
        log.append(Event("done", dict, last=True))
        assert [body["frame"] for _, _, body in decode(fast_text)] == list(range(3 * most))
        got = await read(slow)
        assert [(name, body.get("frame", body.get("done"))) for name, _, body in got] == [
            ("frame", 3 * most - 1), ("stage", 1), ("stage", 2), ("done", None),
        ]  # fmt: skip
        # The browser connects again after the frame that it got last.
        again = await read(log.follow(log.find_start(got[0][1]) or 0))
        assert [name for name, _, _ in again] == ["stage", "stage", "done"]
        # Whoever comes late has not been slow.
        late = await read(log.follow())
        assert [body["frame"] for name, _, body in late if name == "frame"] == list(range(3 * most))

    run(listen())


def test_a_listener_that_is_a_little_behind_skips_nothing() -> None:
    async def listen() -> None:
        log = EventLog()
        log.append(Event("manifest", dict))
        stream = log.follow()
        await read_until(stream, b"manifest")
        for index in range(MOST_BEHIND // NUMBERS.nbytes):
            log.append(make_frame(index))
        log.append(Event("done", dict, last=True))
        assert len(await read(stream)) == MOST_BEHIND // NUMBERS.nbytes + 1

    run(listen())


def test_a_listener_that_stops_reading_holds_one_piece_of_its_event() -> None:
    count, numbers = 12, np.zeros(1_000_000, dtype=np.float32)

    async def listen() -> int:
        log = EventLog()
        for index in range(count):
            log.append(make_frame(index, numbers))
        before = tracemalloc.get_traced_memory()[0]
        streams = [log.follow(start) for start in range(count)]  # each holds another event
        for stream in streams:
            await read_until(stream, b"AAAA")
            await anext(stream)
        held = tracemalloc.get_traced_memory()[0] - before
        for stream in streams:
            await stream.aclose()  # type: ignore[attr-defined]
        assert not log._shared
        return held

    events._ENCODERS.submit(int).result()  # the threads exist
    tracemalloc.start()
    try:
        held = run(listen())
    finally:
        tracemalloc.stop()
    assert held < count * 2 * PIECE  # an event takes 80 pieces

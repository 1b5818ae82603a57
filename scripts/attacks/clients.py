"""Clients for the attacks: connections that send plain HTTP/1.1, and followers of streams of events."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any


class Connection:
    """A connection that stays open for several requests: ``async with Connection(port) as connection``.

    A server may close a connection that waits between two requests. Then the request is sent again on a new one, as a
    browser does.
    """

    def __init__(self, port: int) -> None:
        self._port, self._answered = port, 0

    async def __aenter__(self) -> Connection:
        await self._open()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def _open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._answered = 0

    async def get(self, path: str) -> tuple[int, bytes]:
        """Send a GET request as a browser does, and return the status and the body, which may be compressed."""
        return await self._ask(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip, br\r\n\r\n".encode())

    async def get_json(self, path: str) -> Any:
        """Return a JSON document."""
        return json.loads(await self.get_plain(path))

    async def get_plain(self, path: str) -> bytes:
        """Return a body that is not compressed."""
        _, body = await self._ask(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        return body

    async def post(self, path: str, body: Any) -> Any:
        """Send a JSON document, and return the one that is answered."""
        sent = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        _, answered = await self._ask(f"{head}Content-Length: {len(sent)}\r\n\r\n".encode() + sent)
        return json.loads(answered)

    async def _ask(self, request: bytes) -> tuple[int, bytes]:
        try:
            self._writer.write(request)
            first = await self._reader.readexactly(1)
        except (ConnectionError, EOFError):
            if not self._answered:
                raise
            self._writer.close()
            await self._open()
            return await self._ask(request)
        head = (first + await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
        body = await self._reader.readexactly(int(length[1])) if length else b""
        self._answered += 1
        return int(head.split()[1]), body


@dataclass
class Received:
    """What a follower of a stream has received: the events by name, the last one, and a hash of the data of each id."""

    events: Counter[str]
    last: str
    digests: dict[str, str]


async def follow(port: int, run_id: str) -> Received:
    """Follow the events of a run until the stream ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
    head = f"GET /api/runs/{run_id}/events HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    heard, fields = Received(Counter(), "", {}), dict[bytes, bytes]()
    async for line in _unchunk(reader):
        name, _, value = line.partition(b": ")
        if name:
            fields[name] = value
            continue
        if b"data" in fields:
            heard.last = fields[b"event"].decode()
            heard.events[heard.last] += 1
        # Each client gets its own positions in the queue, and may come later than the others.
        if b"data" in fields and heard.last != "queued":
            heard.digests[fields[b"id"].decode()] = hashlib.sha256(fields[b"data"]).hexdigest()
        fields.clear()
    writer.close()
    return heard


async def _unchunk(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Yield the lines of an answer that is sent in chunks, without their ends."""
    await reader.readuntil(b"\r\n\r\n")
    rest = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        *lines, rest = (rest + (await reader.readexactly(size + 2))[:-2]).split(b"\n")
        for line in lines:
            yield line

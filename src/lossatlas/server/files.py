"""Serves files over HTTP: it compresses them once, revalidates them by tags, and serves only public files."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import os
import re
import stat
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import brotli
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from lossatlas.errors import QueueFullError
from lossatlas.site import MEDIA_TYPE, to_byte_planes
from lossatlas.store import open_regular, read_regular

#: The media types of files that compress well, by suffix; the others follow.
_COMPRESSED = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain",
    ".npy": "application/octet-stream",
    ".wasm": "application/wasm",
}
_OTHERS = {".png": "image/png", ".ico": "image/x-icon", ".woff2": "font/woff2"}
#: Smaller files are not compressed, because this saves no packet. Larger files are sent from the disk as they are.
_SMALLEST, _LARGEST = 1024, 64 * 2**20
#: The quality of Brotli. Compressing a loss surface takes 0.1 s; a higher quality does not help, and a lower one misses
#: what frames share. Plotly would take 3 s at the highest quality, so it is shipped in compressed form.
_TEXT_QUALITY, _ARRAY_QUALITY = 9, 6
_GZIP_LEVEL = 6
#: A file of at most this many bytes is read at once, so that it is open only for a moment.
_READ_AT_ONCE = 64 * 2**10
#: How many files may be open while they are sent, which takes as long as the client takes. Each is opened twice, and a
#: server that may open 1,024 files has only a few for them.
MOST_SENT = 32
#: How many seconds a request waits for one of them.
_PATIENCE = 20.0
#: The value of ``Cache-Control`` for files whose names change with their content.
_LASTING = "public, max-age=31536000, immutable"
#: How many compressed bytes are kept in memory.
_CACHE_BYTES = 128 * 2**20

#: The paths of page files. They contain no hidden files and no parent folders.
PAGE_PATH = re.compile(r"[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)*", re.ASCII)
#: The paths of the files of docs/run-format.md, and no others.
RUN_PATH = re.compile(
    r"runs/(?P<id>[a-z0-9][a-z0-9-]{0,127})/(?P<file>run\.json|(planes/[a-z0-9_-]+/)?[a-z0-9_]+\.npy)", re.ASCII
)


@dataclass(frozen=True)
class Content:
    """The bytes of an answer.

    Attributes
    ----------
    name, version
        Together they identify the bytes.
    media_type
        The value of the header ``Content-Type``.
    size
        The uncompressed size in bytes.
    read
        A function that returns the bytes.
    path
        The file with the bytes, if there is one.
    open
        A function that opens the file, if it is one of a data folder, where no link is followed.
    shipped
        Whether the file is part of this package. Then a compressed copy may exist (such as Plotly's ``.br``).
    lasting
        Whether the name contains a hash of the bytes, so that clients may keep them without asking again.
    """

    name: str
    version: str
    media_type: str
    size: int
    read: Callable[[], bytes]
    path: Path | None = None
    open: Callable[[], BinaryIO] | None = None
    shipped: bool = False
    lasting: bool = False

    @classmethod
    def of_file(cls, path: Path, *, shipped: bool = False) -> Content:
        """Make the content of a file.

        Parameters
        ----------
        path
            The file.
        shipped
            Whether the file is part of this package.

        Returns
        -------
        Content
            The current content of the file.

        Raises
        ------
        HTTPException
            404 if there is no such file.
        """
        try:
            status = path.stat()
        except (OSError, ValueError):  # there is none, or no file can have that name
            raise HTTPException(404) from None
        if not stat.S_ISREG(status.st_mode):
            raise HTTPException(404)
        return cls(
            name=os.fspath(path),
            version=f"{status.st_mtime_ns:x}-{status.st_size:x}",
            media_type=(_COMPRESSED | _OTHERS).get(path.suffix, "application/octet-stream"),
            size=status.st_size,
            read=path.read_bytes,
            path=path,
            shipped=shipped,
        )

    @classmethod
    def of_stored(cls, folder: Path, name: str) -> Content:
        """Make the content of a file of a data folder, which somebody else may have filled.

        Parameters
        ----------
        folder, name
            The folder, and the path of the file relative to it.

        Returns
        -------
        Content
            The current content of the file.

        Raises
        ------
        HTTPException
            404 if there is no such file, if it is no regular file, or if a link leads to it.
        """
        try:
            with open_regular(folder, name) as file:
                status = os.fstat(file.fileno())
        except (OSError, ValueError):
            raise HTTPException(404) from None
        path = folder / name
        return cls(
            name=os.fspath(path),
            version=f"{status.st_mtime_ns:x}-{status.st_size:x}",
            media_type=_COMPRESSED.get(path.suffix, "application/octet-stream"),
            size=status.st_size,
            read=lambda: read_regular(folder, name, status.st_size),
            path=path,
            open=lambda: open_regular(folder, name),
        )

    @classmethod
    def of_text(cls, name: str, text: str, *, lasting: bool = False) -> Content:
        """Make the content of a text that is not a file. Its suffix determines its media type; other texts are JSON."""
        data = text.encode()
        version = hashlib.sha256(data).hexdigest()[:16]
        media_type = _COMPRESSED.get(Path(name).suffix, "application/json")
        return cls(name, version, media_type, len(data), lambda: data, lasting=lasting)

    def in_byte_planes(self) -> Content:
        """Return the content of an array with its bytes rearranged by :mod:`lossatlas.site.byte_planes`."""
        return replace(
            self, version=f"{self.version}-planes", read=lambda: to_byte_planes(self.read()), path=None, open=None
        )


def find_within(folder: Path, name: str) -> Path:
    """Return the path of a file in a folder or its sub-folders.

    Parameters
    ----------
    folder
        The folder.
    name
        The path of the file, relative to the folder.

    Returns
    -------
    Path
        The path.

    Raises
    ------
    HTTPException
        404 if the path leads out of the folder, for example through a link.
    """
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise HTTPException(404)
    return path


class Responder:
    """Answers requests with content, in an encoding that the client accepts. It keeps compressed bytes in a cache."""

    def __init__(self, cache_bytes: int = _CACHE_BYTES) -> None:
        self._cache = Cache(cache_bytes)
        self._sent = asyncio.Semaphore(MOST_SENT)

    async def answer(self, request: Request, content: Content) -> Response:
        """Answer a GET or HEAD request."""
        encoding = _choose_encoding(request, content)
        if encoding and content.name.endswith(".npy") and MEDIA_TYPE in request.headers.get("accept", ""):
            content = content.in_byte_planes()
        tag = f'"{content.version}-{encoding}"' if encoding else f'"{content.version}"'
        # The id of a run names its configuration, and not its bytes. The run may be computed again, so that clients
        # must revalidate every time.
        caching = _LASTING if content.lasting else "no-cache"
        headers = {"ETag": tag, "Cache-Control": caching, "Vary": _list_varying_headers(content)}
        if _is_known(request, tag):
            return Response(status_code=304, headers=headers)
        if encoding is None and content.path and ("range" in request.headers or content.size > _READ_AT_ONCE):
            return _SentFile(content, headers, self._sent)
        try:
            body = await run_in_threadpool(self._encode, content, encoding)
        except FileNotFoundError:
            raise HTTPException(404) from None
        if encoding:
            headers["Content-Encoding"] = encoding
        return Response(body, headers=headers, media_type=content.media_type)

    def _encode(self, content: Content, encoding: str | None) -> bytes:
        if encoding is None:
            return content.read()
        packed = content.path and content.path.with_name(f"{content.path.name}.{encoding}")
        if packed and content.shipped and packed.is_file():
            return packed.read_bytes()
        key = (content.name, content.version, encoding)
        return self._cache.get(key, lambda: ENCODERS[encoding](content.read(), content.media_type))


class _SentFile(Response):
    """An answer with a file that is open while it is sent. Only a few of them are sent at a time."""

    def __init__(self, content: Content, headers: dict[str, str], places: asyncio.Semaphore) -> None:
        self._content, self._places, self._extra = content, places, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for a place, and send the file."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._places.acquire()
        except TimeoutError:
            raise QueueFullError("many large files are being sent; try again in a moment") from None
        try:
            answer = await run_in_threadpool(self._open)
            await answer(scope, receive, send)
        finally:
            self._places.release()

    def _open(self) -> Response:
        content, path = self._content, self._content.path or Path()
        try:
            if content.open:
                return _HeldFile(content.open(), content, self._extra)
            status = path.stat()
        except OSError:
            raise HTTPException(404) from None
        return FileResponse(path, headers=self._extra, media_type=content.media_type, stat_result=status)


class _HeldFile(FileResponse):
    """An answer with a file that is open already, so that nobody can put another one in its place."""

    def __init__(self, file: BinaryIO, content: Content, headers: dict[str, str]) -> None:
        descriptor = Path(f"/dev/fd/{file.fileno()}")
        status = os.fstat(file.fileno())
        path = descriptor if descriptor.exists() else content.path or descriptor
        super().__init__(path, headers=headers, media_type=content.media_type, stat_result=status)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, and close it."""
        with self._file:
            await super().__call__(scope, receive, send)


class Cache:
    """A cache of bytes by key. If it is full, it drops the least recently used bytes."""

    def __init__(self, limit: int) -> None:
        self._limit, self._size = limit, 0
        self._kept: OrderedDict[tuple[str, ...], bytes] = OrderedDict()
        self._making: dict[tuple[str, ...], Future[bytes]] = {}
        self._lock = threading.Lock()

    def get(self, key: tuple[str, ...], make: Callable[[], bytes]) -> bytes:
        """Return the bytes of a key, or make and keep them. If another thread is making them, wait for it."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            others = self._making.get(key)
            if others is None:
                mine = self._making[key] = Future()
        if others:
            return others.result()
        try:
            data = make()
        except BaseException as error:
            mine.set_exception(error)
            with self._lock:
                del self._making[key]
            raise
        with self._lock:
            self._keep(key, data)
            del self._making[key]
        mine.set_result(data)
        return data

    def _keep(self, key: tuple[str, ...], data: bytes) -> None:
        self._size += len(data)
        self._kept[key] = data
        while self._size > self._limit:
            _, oldest = self._kept.popitem(last=False)
            self._size -= len(oldest)


def _brotli(data: bytes, media_type: str) -> bytes:
    is_text = media_type.startswith("text/") or media_type == "application/json"
    quality = _TEXT_QUALITY if is_text else _ARRAY_QUALITY
    # The mode for fonts looks for repetitions at a distance of four bytes, which suits float32 numbers.
    mode = brotli.MODE_TEXT if is_text else brotli.MODE_FONT
    compressed: bytes = brotli.compress(data, quality=quality, mode=mode)
    return compressed


def _gzip(data: bytes, _media_type: str) -> bytes:
    return gzip.compress(data, _GZIP_LEVEL, mtime=0)


#: The encoders in order of preference.
ENCODERS: dict[str, Callable[[bytes, str], bytes]] = {"br": _brotli, "gzip": _gzip}


def _list_varying_headers(content: Content) -> str:
    return "Accept-Encoding, Accept" if content.name.endswith(".npy") else "Accept-Encoding"


def _choose_encoding(request: Request, content: Content) -> str | None:
    if content.media_type not in _COMPRESSED.values() or not _SMALLEST <= content.size <= _LARGEST:
        return None
    if "range" in request.headers:
        return None  # ranges refer to the bytes of the uncompressed file
    accepted = _parse_accept_encoding(request.headers.get("accept-encoding", ""))
    return next((encoding for encoding in ENCODERS if encoding in accepted), None)


def _parse_accept_encoding(header: str) -> set[str]:
    """Return the encodings in an ``Accept-Encoding`` header, without those with a weight of 0."""
    accepted = set()
    for part in header.lower().split(","):
        encoding, _, weight = part.replace(" ", "").partition(";q=")
        if weight.strip("0.") or not weight:
            accepted.add(encoding)
    return accepted


def _is_known(request: Request, tag: str) -> bool:
    """Return whether ``If-None-Match`` contains the tag, by weak comparison (RFC 9110, section 13.1.2)."""
    known = [part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")]
    return tag in known or "*" in known

"""Files over HTTP: compressed once, revalidated by tag, and nothing but what is meant to be seen."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import brotli
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from lossatlas.site import MEDIA_TYPE, to_byte_planes

#: Media types by suffix; those that compress well come first.
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
#: Bytes below which compression saves no packet, and above which a file is streamed from the disk as it is.
_SMALLEST, _LARGEST = 1024, 64 * 2**20
#: A loss surface takes 0.1 s, and more would not help it; less misses what frames have in common. Plotly would take 3 s
#: at its best, and comes compressed.
_TEXT_QUALITY, _ARRAY_QUALITY = 9, 6
_GZIP_LEVEL = 6
#: Compressed bytes kept in memory.
_CACHE_BYTES = 128 * 2**20

#: Page files: nothing hidden, and no way up.
PAGE_PATH = re.compile(r"[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)*", re.ASCII)
#: The files of docs/run-format.md, and no others.
RUN_PATH = re.compile(
    r"runs/(?P<id>[a-z0-9][a-z0-9-]{0,127})/(?P<file>run\.json|(planes/[a-z0-9_-]+/)?[a-z0-9_]+\.npy)", re.ASCII
)


@dataclass(frozen=True)
class Content:
    """Bytes to answer with.

    Attributes
    ----------
    name, version
        Together they name these very bytes.
    media_type
        As in the ``Content-Type``.
    size
        Uncompressed, in bytes.
    read
        Gives the bytes.
    path
        Their file, if they are one.
    shipped
        Whether it is of this package: then it may have been compressed beforehand, at leisure (Plotly's ``.br``).
    """

    name: str
    version: str
    media_type: str
    size: int
    read: Callable[[], bytes]
    path: Path | None = None
    shipped: bool = False

    @classmethod
    def of_file(cls, path: Path, *, shipped: bool = False) -> Content:
        """A file as it is now.

        Raises
        ------
        HTTPException
            404 if it is none.
        """
        if not path.is_file():
            raise HTTPException(404)
        status = path.stat()
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
    def of_json(cls, name: str, text: str) -> Content:
        """A JSON document that is no file."""
        data = text.encode()
        version = hashlib.sha256(data).hexdigest()[:16]
        return cls(name, version, "application/json", len(data), lambda: data)

    def in_byte_planes(self) -> Content:
        """An array as a page takes it that says so: see :mod:`lossatlas.site.byte_planes`."""
        return replace(self, version=f"{self.version}-planes", read=lambda: to_byte_planes(self.read()), path=None)


def within(folder: Path, name: str) -> Path:
    """The path of a file in a folder, or under it.

    Raises
    ------
    HTTPException
        404 if a link leads elsewhere.
    """
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise HTTPException(404)
    return path


class Responder:
    """Answers with content, in the encoding that the client takes; compressed bytes are kept for the next time."""

    def __init__(self, cache_bytes: int = _CACHE_BYTES) -> None:
        self._cache = Cache(cache_bytes)

    async def answer(self, request: Request, content: Content) -> Response:
        """Answer a GET or HEAD."""
        encoding = _encoding_for(request, content)
        if encoding and content.name.endswith(".npy") and MEDIA_TYPE in request.headers.get("accept", ""):
            content = content.in_byte_planes()
        tag = f'"{content.version}-{encoding}"' if encoding else f'"{content.version}"'
        # A run's id names its configuration, not its bytes, and it may be computed anew: ask, every time.
        headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": _varies(content)}
        if _is_known(request, tag):
            return Response(status_code=304, headers=headers)
        if encoding is None and content.path:
            status = await run_in_threadpool(content.path.stat)
            return FileResponse(content.path, headers=headers, media_type=content.media_type, stat_result=status)
        body = await run_in_threadpool(self._encode, content, encoding)
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


class Cache:
    """Bytes by key, the least recently used leaving first when they are too many."""

    def __init__(self, limit: int) -> None:
        self._limit, self._size = limit, 0
        self._kept: OrderedDict[tuple[str, ...], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[str, ...], make: Callable[[], bytes]) -> bytes:
        """Return what is kept under the key, or make it and keep it."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        data = make()  # outside the lock: two may do the same work, but nobody waits for another's
        with self._lock:
            self._size += len(data) - len(self._kept.pop(key, b""))
            self._kept[key] = data
            while self._size > self._limit:
                _, oldest = self._kept.popitem(last=False)
                self._size -= len(oldest)
        return data


def _brotli(data: bytes, media_type: str) -> bytes:
    is_text = media_type.startswith("text/") or media_type == "application/json"
    quality = _TEXT_QUALITY if is_text else _ARRAY_QUALITY
    # The mode that was made for fonts looks for repetitions four bytes apart, as numbers have them unless in planes.
    mode = brotli.MODE_TEXT if is_text else brotli.MODE_FONT
    compressed: bytes = brotli.compress(data, quality=quality, mode=mode)
    return compressed


def _gzip(data: bytes, _media_type: str) -> bytes:
    return gzip.compress(data, _GZIP_LEVEL, mtime=0)


#: In the order of preference.
ENCODERS: dict[str, Callable[[bytes, str], bytes]] = {"br": _brotli, "gzip": _gzip}


def _varies(content: Content) -> str:
    return "Accept-Encoding, Accept" if content.name.endswith(".npy") else "Accept-Encoding"


def _encoding_for(request: Request, content: Content) -> str | None:
    if content.media_type not in _COMPRESSED.values() or not _SMALLEST <= content.size <= _LARGEST:
        return None
    if "range" in request.headers:
        return None  # ranges count the bytes of the file
    accepted = _parse_accepted(request.headers.get("accept-encoding", ""))
    return next((encoding for encoding in ENCODERS if encoding in accepted), None)


def _parse_accepted(header: str) -> set[str]:
    """The encodings that an ``Accept-Encoding`` names, less those with a weight of 0."""
    accepted = set()
    for part in header.lower().split(","):
        encoding, _, weight = part.replace(" ", "").partition(";q=")
        if weight.strip("0.") or not weight:
            accepted.add(encoding)
    return accepted


def _is_known(request: Request, tag: str) -> bool:
    """Whether ``If-None-Match`` names the tag (RFC 9110, section 13.1.2: compared weakly)."""
    known = [part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")]
    return tag in known or "*" in known

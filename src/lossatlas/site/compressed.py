"""Adds compressed copies (``.gz`` and ``.br``) of the files of a site, which hosts can send as they are."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import brotli

from lossatlas.site.tree import GZIP, Packing, SiteFolder

#: The files that compress well. Arrays of a compact export are compressed already, and pictures as well.
_TEXTS = {".html", ".js", ".css", ".json", ".svg", ".webmanifest", ".txt"}
_OTHERS = {".npy", ".wasm"}
#: For smaller files, compression saves no packet.
_SMALLEST = 1024


def _to_brotli(content: bytes, mode: int, quality: int) -> bytes:
    compressed: bytes = brotli.compress(content, mode=mode, quality=quality)
    return compressed


def _make_brotli(mode: int, quality: int) -> Packing:
    return Packing(lambda content: _to_brotli(content, mode, quality), brotli.decompress, (OSError, brotli.error))


#: Quality 11 takes twice the time of 10 and saves 2 %. The mode for fonts finds repetitions at a distance of four
#: bytes, which suits float32 numbers.
_FOR_TEXTS = {".gz": GZIP, ".br": _make_brotli(brotli.MODE_TEXT, 10)}
_FOR_OTHERS = {".gz": GZIP, ".br": _make_brotli(brotli.MODE_FONT, 6)}
#: The suffixes of the copies.
SUFFIXES = tuple(_FOR_TEXTS)


def add_compressed_copies(site: SiteFolder) -> None:
    """Write compressed copies beside the files of a new folder, or link those of the earlier site that still fit.

    Parameters
    ----------
    site
        The folder, with all other files in it.
    """
    paths = [path for path in site.folder.rglob("*") if path.suffix in _TEXTS | _OTHERS and path.is_file()]
    names = sorted(path.relative_to(site.folder).as_posix() for path in paths if path.stat().st_size >= _SMALLEST)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # both libraries release Python's lock
        for name, copies in zip(names, pool.map(lambda name: _find_copies(site, name), names), strict=True):
            for suffix, copy in copies.items():
                if copy is None:
                    site.link(name + suffix)
                else:
                    site.put_bytes(name + suffix, copy)


def _find_copies(site: SiteFolder, name: str) -> dict[str, bytes | None]:
    """Make the copies that a file needs; None is one that the earlier site has."""
    path = site.folder / name
    content = path.read_bytes()
    copies: dict[str, bytes | None] = {}
    for suffix, packing in (_FOR_TEXTS if path.suffix in _TEXTS else _FOR_OTHERS).items():
        if (site.folder / (name + suffix)).exists():  # the page ships one
            continue
        if site.has_earlier_copy(name + suffix, content, packing):
            copies[suffix] = None
        elif len(copy := packing.pack(content)) < len(content):
            copies[suffix] = copy
    return copies

"""Lists the files of the page. A browser uses the list to keep them for times without a network."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path

from lossatlas.site.bundles import Bundles, join_page

#: The suffixes of files that the page requests. It never requests licences, sources and compressed copies.
_SUFFIXES = {".css", ".html", ".js", ".json", ".png", ".svg", ".wasm", ".webmanifest"}
#: The page requests these files under other names (``./``), the browser requests them itself, or nobody requests them.
_APART = {"index.html", "service-worker.js", "thumbnails.json", "vendor/vendor.json", "model/types.js"}


@dataclass(frozen=True)
class Assets:
    """The files of the page that a browser gets in another form than the package has them.

    Attributes
    ----------
    texts
        The text of each of these files, by its path relative to the page: documents, bundles, source maps, and the list
        of all files that the page requests (``shell.json``).
    lasting
        The paths among them that contain a hash of the text, so that the text never changes.
    """

    texts: Mapping[str, str]
    lasting: frozenset[str]


def list_sources() -> list[str]:
    """List the files of the package from which the page is made, as paths relative to the page."""
    with as_file(files("lossatlas").joinpath("web")) as web:
        return sorted(_find_sources(web).keys() - _APART)


def make_assets() -> Assets:
    """Make the files of the page that are not in the package in this form. Only changed sources are read again."""
    with as_file(files("lossatlas").joinpath("web")) as web:
        states = [(name, path.stat()) for name, path in _find_sources(web).items()]
        return _make_assets(web, tuple(sorted((name, state.st_mtime_ns, state.st_size) for name, state in states)))


@lru_cache(maxsize=1)
def _make_assets(web: Path, _states: tuple[tuple[str, int, int], ...]) -> Assets:
    joined = join_page(web)
    made = {**joined.files, **joined.source_maps}
    return Assets({**made, **joined.documents, "shell.json": _list_requested(web, joined)}, frozenset(made))


def _list_requested(web: Path, joined: Bundles) -> str:
    """Write the list of files with a version, which is a hash of all of them and so changes if any of them does."""
    sources = _find_sources(web)
    digest = hashlib.sha256(json.dumps(sorted(joined.files)).encode())
    for name in sorted(sources):
        digest.update(hashlib.sha256(sources[name].read_bytes()).digest() + name.encode() + b"\0")
    requested = sorted((sources.keys() - _APART - joined.joined) | joined.files.keys())
    return json.dumps({"version": digest.hexdigest()[:16], "files": requested})


def _find_sources(web: Path) -> dict[str, Path]:
    paths = [Path(folder, name) for folder, _, names in os.walk(web) for name in names]
    return {path.relative_to(web).as_posix(): path for path in paths if path.suffix in _SUFFIXES}

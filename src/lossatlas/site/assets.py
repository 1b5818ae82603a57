"""The list of the page's own files, by which a browser keeps them for when there is no network."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import as_file, files
from typing import Any

#: Licences, sources and what is compressed beforehand are shipped, but never asked for by the page.
_SUFFIXES = {".css", ".html", ".js", ".json", ".png", ".svg", ".wasm", ".webmanifest"}
#: Asked for under other names (``./``), by the browser itself, or by nobody.
_APART = {"index.html", "service-worker.js", "thumbnails.json", "vendor/vendor.json"}


@cache
def list_assets() -> dict[str, Any]:
    """List the page's files, and give their version.

    Returns
    -------
    dict
        ``files``: paths relative to the page, sorted; ``version``: a hash of all of them and of the page itself, so
        that it changes when any of them does.
    """
    digest = hashlib.sha256()
    with as_file(files("lossatlas").joinpath("web")) as web:
        paths = {path.relative_to(web).as_posix(): path for path in web.rglob("*") if path.suffix in _SUFFIXES}
        for name in sorted(paths):
            digest.update(hashlib.sha256(paths[name].read_bytes()).digest() + name.encode() + b"\0")
    return {"version": digest.hexdigest()[:16], "files": sorted(paths.keys() - _APART)}

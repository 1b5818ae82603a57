"""Lists the files of the page. A browser uses the list to keep them for times without a network."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import as_file, files
from typing import Any

#: The suffixes of files that the page requests. It never requests licences, sources and compressed copies.
_SUFFIXES = {".css", ".html", ".js", ".json", ".png", ".svg", ".wasm", ".webmanifest"}
#: The page requests these files under other names (``./``), the browser requests them itself, or nobody requests them.
_APART = {"index.html", "service-worker.js", "thumbnails.json", "vendor/vendor.json"}


@cache
def list_assets() -> dict[str, Any]:
    """List the files of the page, and compute their version.

    Returns
    -------
    dict
        ``files`` is the sorted list of paths relative to the page. ``version`` is a hash of all files and of the page
        itself, so that it changes if any of them changes.
    """
    digest = hashlib.sha256()
    with as_file(files("lossatlas").joinpath("web")) as web:
        paths = {path.relative_to(web).as_posix(): path for path in web.rglob("*") if path.suffix in _SUFFIXES}
        for name in sorted(paths):
            digest.update(hashlib.sha256(paths[name].read_bytes()).digest() + name.encode() + b"\0")
    return {"version": digest.hexdigest()[:16], "files": sorted(paths.keys() - _APART)}

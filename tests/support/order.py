"""Decides on which site a test of the page runs, and in which order the tests of a module follow each other."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest


def site_of_module(path: Path) -> str:
    """Return the site for tests of a module that need only one of both: it differs between modules.

    It is the same for all tests of a module, so that they can share a document.
    """
    return ("served", "exported")[zlib.crc32(path.name.encode()) % 2]


def place_of(item: pytest.Item) -> tuple[bool, bool, bool]:
    """Return a key for sorting.

    The tests in a browser come first, because they take longest. Those of a module that use the same site and the same
    page follow each other.
    """
    if item.get_closest_marker("browser") is None or not isinstance(item, pytest.Function):
        return True, False, False
    site = item.callspec.params.get("site") if hasattr(item, "callspec") else None
    kind = site_of_module(item.path) if site == "either" else site
    used = item.fixturenames
    return False, kind == "served" or "served" in used, "desktop" not in used

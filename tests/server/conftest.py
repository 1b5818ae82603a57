"""Provides running servers: an empty one for each test, and a shared one with one run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lossatlas.runs import compute_run
from lossatlas.store import Gallery
from tests.conftest import small_config
from tests.server.live import Live, live_server, wait_for_servers


@pytest.fixture(scope="session", autouse=True)
def _every_server_stops() -> Iterator[None]:
    """Check after all tests that every server has stopped."""
    yield
    assert wait_for_servers()


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """Start a server whose data folder does not exist yet."""
    with live_server(Gallery(tmp_path / "data"), threads=1, queue_size=1, heartbeat=0.05) as server:
        yield server


@pytest.fixture(scope="session")
def stocked(_every_server_stops: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Start a server of a gallery with one run, for tests that change nothing."""
    gallery = Gallery(tmp_path_factory.mktemp("stocked"))
    gallery.save(compute_run(small_config(), threads=1))
    with live_server(gallery, threads=1, hosts={"atlas.example"}) as server:
        yield server

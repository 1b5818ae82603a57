"""Tests that the memory of a server does not outlive its runs. `scripts/memory_of_runs.py` is the long form."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path

import pytest

from lossatlas.server import jobs
from lossatlas.server.jobs import Jobs
from lossatlas.store import Gallery
from tests.conftest import small_config
from tests.server.live import until


def test_the_memory_of_a_server_does_not_grow_with_its_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "REMEMBERED_JOBS", 2)
    queue = Jobs(Gallery(tmp_path), threads=1)
    queue.start()

    def compute(seeds: range) -> int:
        for seed in seeds:
            job = queue.submit(small_config(training={"epochs": 2, "frames": 3, "seed": seed}))
            until(lambda job=job: not job.active)  # type: ignore[misc]
            assert job.state == "stored"
        del job
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = compute(range(4))
        after = compute(range(4, 12))
    finally:
        tracemalloc.stop()
        queue.stop()
    assert (after - before) / 8 < 8000  # a run takes 30,000 bytes, and its place in the index and in caches 2,000

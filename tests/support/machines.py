"""Starts a Dask cluster on this machine. Its scheduler and its workers are processes that a test may kill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.test_processes import until


@dataclass
class Machines:
    """The address of the scheduler, and the processes of the workers."""

    address: str
    folder: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def add_worker(self) -> None:
        command = ["dask_worker", self.address, "--no-nanny", "--nthreads", "1", "--no-dashboard"]
        self.workers.append(_start(command, self.folder, f"worker{len(self.workers)}"))


def _start(command: list[str], folder: Path, name: str) -> subprocess.Popen[bytes]:
    module, *rest = command
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "DASK_DISTRIBUTED__ADMIN__LOG_LENGTH": "0"}
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{module}", *rest, "--host", "127.0.0.1"],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
        )


@contextmanager
def machines(folder: Path, workers: int) -> Iterator[Machines]:
    """Start a scheduler and workers with one thread each, and stop them at the end of the block."""
    found = folder / "scheduler.json"
    command = ["dask_scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", str(found)]
    scheduler = _start(command, folder, "scheduler")
    here = Machines("", folder)
    try:
        until(lambda: found.exists() and bool(found.read_text()), "the scheduler has said where it listens")
        here.address = json.loads(found.read_text())["address"]
        for _ in range(workers):
            here.add_worker()
        yield here
    finally:
        for process in [*here.workers, scheduler]:
            process.kill()
            process.wait()

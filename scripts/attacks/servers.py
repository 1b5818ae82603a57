"""Starts servers for the attacks, and watches the memory of their processes."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path


def make_command(data: Path) -> list[str]:
    """Return the command that serves a data folder at any free port."""
    return [sys.executable, "-m", "lossatlas", "serve", "--no-browser", "--port", "0", "--data", str(data)]


class ServerProcess:
    """The command ``lossatlas serve`` as a separate process.

    Attributes
    ----------
    process, port
        The process, and the port of the server.
    """

    def __init__(self, data: Path, *options: str, files: int | None = None, log: Path | None = None) -> None:
        self.log = log or data.with_name(f"{data.name}.log")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("w") as log_file:
            self.process = subprocess.Popen(
                [*make_command(data), *options],
                stdout=subprocess.PIPE,
                stderr=log_file,
                text=True,
                preexec_fn=_limit_files(files) if files else None,
            )
        said = self.process.stdout.readline() if self.process.stdout else ""
        found = re.search(r"http://[^/]*:(\d+)/", said)
        if not found:
            raise SystemExit(f"the server did not start: {said} {self.log.read_text()}")
        self.port = int(found[1])

    @property
    def tracebacks(self) -> int:
        """How many tracebacks its log has."""
        return self.log.read_text(encoding="utf-8", errors="replace").count("Traceback")

    def measure_memory(self) -> int:
        """Return the resident memory of the server and its workers in MiB."""
        return sum(self.measure_each())

    def measure_each(self) -> tuple[int, int]:
        """Return the resident memory of the server and that of its workers in MiB."""
        workers = sum(_read_memory(pid) for pid in list_children(self.process.pid))
        return _read_memory(self.process.pid) >> 10, workers >> 10

    def stop(self) -> int | None:
        """End the server with SIGTERM, and return its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None


class MemoryWatch:
    """Notes the largest memory of a server while it is used as a context manager.

    Attributes
    ----------
    peak
        The largest memory in MiB.
    """

    def __init__(self, server: ServerProcess, period: float = 0.2) -> None:
        self.peak, self._server, self._period = 0, server, period
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(self._period):
            self.peak = max(self.peak, self._server.measure_memory())


def measure_cpu(pid: int) -> float:
    """Return the seconds that a process has used the processor, without the processes that it has started."""
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def list_children(pid: int) -> list[int]:
    """List the processes that a process has started, and those that these have started."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in _read(task).split():
            found += [int(child), *list_children(int(child))]
    return found


def _read_memory(pid: int) -> int:
    match = re.search(r"VmRSS:\s+(\d+)", _read(Path(f"/proc/{pid}/status")))
    return int(match[1]) if match else 0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process has ended
        return ""


def _limit_files(files: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

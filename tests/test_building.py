"""Builds that are interrupted, killed or fail, with real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from lossatlas.building import build_gallery
from lossatlas.errors import LossAtlasError
from lossatlas.gallery import Gallery
from tests.conftest import small_config

#: A run of a second, then two that would take many minutes.
LONG = "--dataset blobs --hidden none --hidden 250,250 --hidden 256,256 --epochs 2000 --frames 2 --grid 3 --workers 2"
PATIENCE = 60.0

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")


@contextmanager
def building(data: Path) -> Iterator[subprocess.Popen[str]]:
    """A long ``lossatlas build``, in a process group of its own."""
    command = [sys.executable, "-c", "from lossatlas.cli import main; main()", "build", "--data", str(data)]
    build = subprocess.Popen([*command, *LONG.split()], stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        yield build
    finally:
        with suppress(ProcessLookupError):
            os.killpg(build.pid, signal.SIGKILL)
        build.communicate()


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.01)


def state_and_parent(process: int) -> tuple[str, int]:
    try:
        state, parent, *_ = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "gone", 0
    return state, int(parent)


def ended(process: int) -> bool:
    return state_and_parent(process)[0] in ("gone", "Z", "X")


def workers_of(parent: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        process = int(folder.name)
        with suppress(OSError):
            if state_and_parent(process)[1] == parent and b"spawn_main" in (folder / "cmdline").read_bytes():
                found.append(process)
    return found


def at_work(build: subprocess.Popen[str], data: Path) -> list[int]:
    """The workers, once the first run is in the index: nothing but long ones is left to them."""
    until(lambda: len(indexed(data)) == 1, "the first run is stored")
    workers = workers_of(build.pid)
    assert len(workers) == 2
    return workers


def indexed(data: Path) -> list[str]:
    path = data / "index.json"
    return [entry["id"] for entry in json.loads(path.read_text(encoding="utf-8"))["runs"]] if path.exists() else []


def test_a_build_that_is_killed_leaves_no_workers_behind(tmp_path: Path) -> None:
    with building(tmp_path) as build:
        workers = at_work(build, tmp_path)
        build.kill()
        until(lambda: all(ended(worker) for worker in workers), "the workers have ended")
    assert len(indexed(tmp_path)) == 1


def test_a_worker_that_is_killed_is_told_in_one_line(tmp_path: Path) -> None:
    with building(tmp_path) as build:
        workers = at_work(build, tmp_path)
        os.kill(workers[0], signal.SIGKILL)
        stderr = build.communicate(timeout=PATIENCE)[1]
        assert build.returncode == 1
        assert all(ended(worker) for worker in workers)
    assert "Traceback" not in stderr
    error = stderr.splitlines()[-1]
    assert error.startswith("Error: a worker process was killed, perhaps for want of memory: try fewer with --workers")
    assert error.endswith("Finished runs are kept; the same command goes on from there")
    assert len(indexed(tmp_path)) == len(Gallery(tmp_path).ids()) == 1


@pytest.mark.parametrize("when", ["while workers start", "while workers compute"])
def test_one_ctrl_c_ends_a_build_at_once(when: str, tmp_path: Path) -> None:
    with building(tmp_path) as build:
        if when == "while workers start":
            until(lambda: bool(workers_of(build.pid)), "a worker is started")
            workers = workers_of(build.pid)
        else:
            workers = at_work(build, tmp_path)
        started = time.monotonic()
        os.killpg(build.pid, signal.SIGINT)
        stderr = build.communicate(timeout=PATIENCE)[1]
        assert time.monotonic() - started < 10  # a second or two, on a machine with nothing else to do
        assert build.returncode == 130
        assert all(ended(worker) for worker in workers)
    assert "Traceback" not in stderr
    assert stderr.splitlines()[-1].startswith("Stopped. What was finished is kept")
    assert indexed(tmp_path) == Gallery(tmp_path).ids()


def test_a_run_that_fails_keeps_no_other_from_being_computed(tmp_path: Path) -> None:
    configs = [small_config(model={"hidden": hidden}) for hidden in ([], [2], [3])]
    first, failing, last = (config.id for config in configs)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / failing).write_text("a file where the run's folder would be")
    told: list[str] = []
    with pytest.raises(LossAtlasError) as caught:
        build_gallery(Gallery(tmp_path), configs, workers=1, on_done=told.append)
    head, *faults = str(caught.value).splitlines()
    assert head == "1 of 3 runs failed; the others are stored"
    assert [fault.split(":")[0].strip() for fault in faults] == [failing]
    assert f"cannot write into {tmp_path}" in faults[0]
    assert told == [first, last]
    assert indexed(tmp_path) == sorted([first, last])
    (tmp_path / "runs" / failing).unlink()
    assert build_gallery(Gallery(tmp_path), configs, workers=1) == [failing]

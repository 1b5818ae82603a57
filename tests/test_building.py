"""Tests builds that are interrupted, killed or fail, with real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from lossatlas.building import build_gallery
from lossatlas.building.estimate import Sizes
from lossatlas.building.processes import Processes
from lossatlas.errors import LossAtlasError
from lossatlas.store import Gallery
from tests.conftest import small_config
from tests.support.large_runs import SEVERAL, TINY, InTurn, built, config_of, noted, parts_of

#: Options for one run that takes a second, and two that would take many minutes.
LONG = "--dataset blobs --hidden none --hidden 250,250 --hidden 256,256 --epochs 2000 --frames 2 --grid 3 --workers 2"
PATIENCE = 60.0
#: With these sizes, only runs that are larger than the small configuration are computed in parts.
LARGE = Sizes(large_work=1e6, part_work=TINY.part_work, part_bytes=TINY.part_bytes)

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")


@contextmanager
def start_build(data: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a long ``lossatlas build`` in a separate process group, and kill it at the end of the block."""
    command = [sys.executable, "-c", "from lossatlas.cli import main; main()", "build", "--data", str(data)]
    # If a shell runs the tests in the background, Ctrl-C is ignored, and the child would inherit this.
    build = subprocess.Popen(
        [*command, *LONG.split()],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
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


def has_ended(process: int) -> bool:
    return state_and_parent(process)[0] in ("gone", "Z", "X")


def workers_of(parent: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        process = int(folder.name)
        with suppress(OSError):
            if state_and_parent(process)[1] == parent and b"spawn_main" in (folder / "cmdline").read_bytes():
                found.append(process)
    return found


def wait_for_workers(build: subprocess.Popen[str], data: Path) -> list[int]:
    """Wait until the first run is in the index, and return the workers, which then compute only long runs."""
    until(lambda: len(list_index(data)) == 1, "the first run is stored")
    workers = workers_of(build.pid)
    assert len(workers) == 2
    return workers


def list_index(data: Path) -> list[str]:
    path = data / "index.json"
    return [entry["id"] for entry in json.loads(path.read_text(encoding="utf-8"))["runs"]] if path.exists() else []


def test_a_build_that_is_killed_leaves_no_workers_behind(tmp_path: Path) -> None:
    with start_build(tmp_path) as build:
        workers = wait_for_workers(build, tmp_path)
        build.kill()
        until(lambda: all(has_ended(worker) for worker in workers), "the workers have ended")
    assert len(list_index(tmp_path)) == 1


class Noting(Processes):
    """Processes in which each task leaves a file with its number and the id of its process, and some are fatal."""

    def __init__(self, workers: int, folder: Path, fatal: set[int], deaths: int = 1) -> None:
        super().__init__(workers)
        self.folder, self.fatal, self.deaths, self.count = folder, fatal, deaths, 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.count += 1
        deaths = self.deaths if self.count in self.fatal else 0
        return super().submit(noted, str(self.folder), f"task{self.count}", deaths, fn, *args)


def test_a_worker_killed_half_way_costs_only_its_chunk(whole: dict[str, bytes], tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    with Noting(2, notes, {2, 11, 40, 180}) as executor:
        found = built(tmp_path / "data", [config_of()], TINY, executor=executor, workers=2)
    times = Counter(path.name.split("-")[0] for path in notes.iterdir())
    assert len(times) == executor.count > 180
    assert {name: count for name, count in times.items() if count != 1} == dict.fromkeys(
        ("task2", "task11", "task40", "task180"), 2
    )
    assert found == whole


def test_work_that_kills_every_worker_fails_only_its_run_and_keeps_finished_parts(
    whole: dict[str, bytes],
    undisturbed: Counter[str],
    tmp_path: Path,
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    fine = small_config(model={"hidden": []})
    data = tmp_path / "data"
    with (
        Noting(2, notes, fatal={30}, deaths=99) as executor,
        pytest.raises(LossAtlasError, match=rf"1 of 2 runs failed.*\n  {config_of().id}: a worker process was killed "),
    ):
        build_gallery(Gallery(data), [config_of(), fine], executor=executor, workers=2, sizes=LARGE)
    assert Gallery(data).ids() == [fine.id]
    there = [part for part in parts_of(data, config_of()) if not part.startswith("gathered")]
    rest = InTurn()
    assert built(data, [config_of(), fine], LARGE, executor=rest).items() > whole.items()
    assert len(there) >= 20
    assert rest.calls.total() == undisturbed.total() - len(there)


#: The script of a build of three large runs in tiny parts.
SCRIPT = """
import sys
from lossatlas.building import build_gallery
from lossatlas.store import Gallery
from tests.support.large_runs import SEVERAL, TINY
if __name__ == "__main__":
    build_gallery(Gallery(sys.argv[1]), SEVERAL, workers=2, sizes=TINY)
"""


def several(data: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(data)])


def count_parts(data: Path) -> int:
    """Count the parts in the records; a stored run counts as 1000 parts."""
    records = sum(path.read_bytes().count(b"\n") for path in data.glob("runs/.partial-*/parts.jsonl"))
    return records + 1000 * len(list(data.glob("runs/[!.]*")))


def test_a_build_killed_four_times_at_random_moments_ends_as_one_that_was_not(tmp_path: Path) -> None:
    """scripts/attacks/kills.py kills builds a hundred times."""
    data, random = tmp_path / "data", Random(20)
    expected = built(tmp_path / "undisturbed", SEVERAL, TINY, executor=InTurn())
    for fewest, most in ((1, 10), (30, 110), (10, 45), (60, 110)):
        before, moment = count_parts(data), random.randint(fewest, most)
        build = several(data)
        try:
            until(lambda: count_parts(data) >= before + moment, f"{moment} parts more are there")  # noqa: B023
            time.sleep(random.uniform(0, 0.01))
            assert build.poll() is None, "the build ended before it could be killed"
        finally:
            build.kill()
            build.wait()
        assert all(verdict.fault is None for verdict in Gallery(data).verify())
    assert count_parts(data) > 100
    assert built(data, SEVERAL, TINY, workers=2) == expected


@pytest.mark.parametrize("when", ["while workers start", "while workers compute"])
def test_one_ctrl_c_ends_a_build_in_the_middle_of_its_runs(when: str, tmp_path: Path) -> None:
    with start_build(tmp_path) as build:
        if when == "while workers start":
            until(lambda: bool(workers_of(build.pid)), "a worker is started")
            workers = workers_of(build.pid)
        else:
            workers = wait_for_workers(build, tmp_path)
        os.killpg(build.pid, signal.SIGINT)
        stderr = build.communicate(timeout=PATIENCE)[1]  # its large runs would take many minutes
        assert build.returncode == 130, stderr
        assert all(has_ended(worker) for worker in workers)
    assert "Traceback" not in stderr
    assert stderr.splitlines()[-1].startswith("Stopped. Finished work is kept")
    assert list_index(tmp_path) == Gallery(tmp_path).ids()
    assert len(list_index(tmp_path)) <= 1  # neither of the two large runs


def test_a_run_that_fails_keeps_no_other_from_being_computed(tmp_path: Path) -> None:
    configs = [small_config(model={"hidden": hidden}) for hidden in ([], [2], [3])]
    first, failing, last = (config.id for config in configs)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / failing).write_text("a file where the run's folder would be")
    reported: list[str] = []
    with pytest.raises(LossAtlasError) as caught:
        build_gallery(Gallery(tmp_path), configs, workers=1, on_done=reported.append)
    head, *faults = str(caught.value).splitlines()
    assert head == "1 of 3 runs failed; the others are stored"
    assert [fault.split(":")[0].strip() for fault in faults] == [failing]
    assert f"cannot write into {tmp_path}" in faults[0]
    assert reported == [first, last]
    assert list_index(tmp_path) == sorted([first, last])
    (tmp_path / "runs" / failing).unlink()
    assert build_gallery(Gallery(tmp_path), configs, workers=1) == [failing]

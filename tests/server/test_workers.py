"""Tests runs that worker processes compute: workers and servers that are killed, full disks, and large runs."""

from __future__ import annotations

import errno
import json
import operator
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from lossatlas.building.checkpoint import LOCK, Checkpoint, find_served, mark_served
from lossatlas.building.estimate import Sizes, estimate_stored_bytes
from lossatlas.building.worker_process import WorkerProcess
from lossatlas.errors import CancelledError, QueueFullError, QuotaError, WorkerDiedError
from lossatlas.runs import RunConfig, compute_run
from lossatlas.server.capacity import Capacity
from lossatlas.server.fair_queue import FairQueue, Owner
from lossatlas.server.jobs import Jobs
from lossatlas.server.space import Space
from lossatlas.server.waiting import keep_waiting, take_waiting
from lossatlas.store import Gallery, save_run
from tests.conftest import SMALL, small_config
from tests.server.live import ENDLESS, Live, live_server, until
from tests.support.large_runs import TINY

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills processes as POSIX does")

#: Every run is large, and every part of it is small.
MANY_PARTS = Sizes(0, 0, TINY.part_work, TINY.part_bytes)


def list_files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def find_expected(folder: Path) -> dict[str, bytes]:
    """Return the files of the small run, computed without a server."""
    return list_files(save_run(compute_run(small_config(), threads=1), folder / "expected"))


def kill_worker(live: Live, run_id: str, before: int | None = None) -> int:
    """Kill the process that computes a run, once it is another one than before, and return its id."""
    job = live.app.state.jobs.find(run_id)
    until(lambda: job.worker is not None and job.worker.id != before)
    worker: int = job.worker.id
    os.kill(worker, signal.SIGKILL)
    return worker


# worker processes ---------------------------------------------------------------------------------------------------


def test_a_call_that_does_not_end_when_it_is_cancelled_is_killed() -> None:
    worker = WorkerProcess()
    assert worker.call(os.getpid) == worker.id
    threading.Timer(0.1, lambda: worker.cancel(patience=0.1)).start()
    began = time.monotonic()
    with pytest.raises(WorkerDiedError):
        worker.call(time.sleep, 600)
    assert time.monotonic() - began < 300
    assert not worker.is_alive


def test_a_cancelled_call_does_not_affect_the_next_one_and_memory_that_runs_out_ends_the_worker_first() -> None:
    worker = WorkerProcess()
    assert worker.call(operator.add, 1, 1) == 2  # it has imported NumPy
    threads = [path.read_text().rpartition(")")[2].split() for path in Path(f"/proc/{worker.id}/task").glob("*/stat")]
    assert all(int(fields[16]) >= min(19, os.nice(0) + 1) for fields in threads)  # those of BLAS as well
    worker.cancel(patience=600)
    with pytest.raises(CancelledError):
        worker.call(os.getpid, is_wanted=lambda: False)
    with pytest.raises(ZeroDivisionError):
        worker.call(divmod, 1, 0)
    assert worker.call(divmod, 7, 2) == (3, 1)
    scores = [Path(f"/proc/{process}/oom_score_adj") for process in (worker.id, os.getpid())]
    if all(score.exists() for score in scores):  # only Linux has them
        assert int(scores[0].read_text()) > int(scores[1].read_text())
    worker.close()


def test_a_killed_worker_is_replaced_and_no_frame_is_sent_twice(live: Live) -> None:
    config = {**SMALL, "training": {"epochs": 4000, "frames": 3, "batch_size": 8}}
    run_id = live.start_run(config)
    with live.listen(run_id) as events:
        told = [next(event for event in events if event.name == "frame")]
        kill_worker(live, run_id)
        rest = list(events)
    assert [event.body["frame"] for event in (*told, *rest) if event.name == "frame"] == [0, 1, 2]
    assert rest[-1].name == "done"


def test_a_run_whose_workers_die_fails_with_the_reason_and_the_server_continues(live: Live) -> None:
    run_id = live.start_run(ENDLESS)
    with live.listen(run_id) as events:
        kill_worker(live, run_id, kill_worker(live, run_id))
        failed = list(events)[-1]
    assert failed.name == "failed"
    assert "a worker process was killed (signal 9), 2 times in a row" in failed.body["detail"]
    assert live.state(run_id) == "failed"
    assert live.compute(SMALL)[1][-1].name == "done"


# large runs ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    """Start a server that computes every run in parts."""
    monkeypatch.setattr("lossatlas.server.jobs.LIVE_SIZES", MANY_PARTS)
    with live_server(Gallery(tmp_path / "data"), threads=1, heartbeat=0.05) as server:
        yield server


def test_a_run_in_parts_has_the_same_events_and_the_same_bytes(in_parts: Live, tmp_path: Path) -> None:
    run_id, events = in_parts.compute(SMALL)
    with live_server(Gallery(tmp_path / "whole"), threads=1) as whole:
        _, expected = whole.compute(SMALL)
    parts = [(event.name, event.body) for event in events if event.name != "stage"]
    assert parts == [(event.name, event.body) for event in expected if event.name != "stage"]
    assert list_files(in_parts.data / "runs" / run_id) == find_expected(tmp_path)
    assert [path.name for path in (in_parts.data / "runs").iterdir()] == [run_id]


def fail_to_fill(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def list_parts(data: Path, run_id: str) -> list[str]:
    """Return the names of the finished parts of an unfinished run, in order; none if it has not been begun."""
    record = data / "runs" / f".partial-{run_id}" / "parts.jsonl"
    lines = record.read_text().splitlines() if record.exists() else []
    return [json.loads(line)["part"] for line in lines if line.startswith('{"part"') and line.endswith("}")]


def test_a_full_disk_loses_no_part(in_parts: Live, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "_fill", fail_to_fill)
        run_id, events = in_parts.compute(SMALL)
    assert events[-1].name == "failed"
    assert "No space left" in events[-1].body["detail"]
    before = list_parts(in_parts.data, run_id)
    assert "training-0" in before
    finished: list[str] = []
    finish_part = Checkpoint.finish_part

    def note(self: Checkpoint, part: str, *args: Any, **named: Any) -> None:
        finished.append(part)
        finish_part(self, part, *args, **named)

    monkeypatch.setattr(Checkpoint, "finish_part", note)
    assert in_parts.compute(SMALL)[1][-1].name == "done"
    assert len(finished) == len(set(finished)) > 0
    assert not set(finished) & set(before)
    assert list_files(in_parts.data / "runs" / run_id) == find_expected(tmp_path)


def test_while_a_build_computes_large_runs_the_error_of_a_server_says_so(in_parts: Live) -> None:
    in_parts.data.mkdir()
    with FileLock(in_parts.data / LOCK):
        failed = in_parts.compute(SMALL)[1][-1]
    assert (failed.name, failed.body["status"]) == ("failed", 503)
    assert "another process is computing large runs" in failed.body["detail"]


@pytest.mark.parametrize("how", ["cancelled", "left"])
def test_the_parts_of_a_run_that_nobody_wants_are_kept_only_if_somebody_may_come_back(
    how: str, in_parts: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lossatlas.server.jobs.GRACE", 0.0)
    run_id = in_parts.post({**SMALL, "training": {"epochs": 1_000_000, "frames": 1000}}).json()["id"]
    with in_parts.listen(run_id):
        until(lambda: bool(list_parts(in_parts.data, run_id)))
        if how == "cancelled":
            in_parts.http.delete(f"api/runs/{run_id}")
    jobs = in_parts.app.state.jobs
    until(lambda: jobs.count().running == 0)
    assert {name: served.wanted for name, served in find_served(in_parts.data).items()} == (
        {} if how == "cancelled" else {run_id: False}
    )
    Jobs(in_parts.gallery).start()
    assert len(find_served(in_parts.data)) == int(how == "left")
    if how == "left":
        with jobs.space.reserve(small_config()):  # there is room
            assert find_served(in_parts.data)
        full = Space(in_parts.gallery, estimate_stored_bytes(small_config()), lambda _: False)
        with full.reserve(small_config()):  # and here is none
            assert not list((in_parts.data / "runs").iterdir())


def test_the_parts_of_a_run_that_nobody_came_back_for_are_deleted(tmp_path: Path) -> None:
    config = small_config()
    Checkpoint(tmp_path, config, MANY_PARTS)
    mark_served(tmp_path, config.id, wanted=False)
    Jobs(Gallery(tmp_path)).start()
    assert list(find_served(tmp_path)) == [config.id]
    os.utime(tmp_path / "runs" / f".partial-{config.id}" / "served", (0, 0))
    Jobs(Gallery(tmp_path)).start()
    assert find_served(tmp_path) == {}


#: Computes the small run in parts, as a server does, until the process is killed.
SERVE = """
import json, sys
from lossatlas.building.estimate import Sizes, estimate_stored_bytes
from lossatlas.runs import RunConfig
from lossatlas.server.jobs import Jobs
from lossatlas.server.space import Space
from lossatlas.store import Gallery

data, sizes, config = json.loads(sys.argv[1])
jobs = Jobs(Gallery(data), threads=1, sizes=Sizes(**sizes))
jobs.start()
jobs.submit(RunConfig.from_mapping(config))
sys.stdin.read()
jobs.stop()
"""


@pytest.mark.parametrize("kind", [signal.SIGKILL, None], ids=["killed", "stopped"])
def test_the_next_server_continues_a_run_in_parts(kind: int | None, tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "data")
    config = small_config(training={"epochs": 40, "frames": 12})
    options = json.dumps([str(gallery.data), asdict(MANY_PARTS), config.model_dump(mode="json")])
    with subprocess.Popen([sys.executable, "-c", SERVE, options], stdin=subprocess.PIPE) as server:  # its end stops it
        until(lambda: len(list_parts(gallery.data, config.id)) > 5, 120)
        if kind:
            server.send_signal(kind)
    assert config.id not in gallery
    jobs = Jobs(gallery, threads=1, sizes=MANY_PARTS)
    jobs.start()  # nobody asks for the run
    job = jobs.find(config.id)
    assert job
    until(lambda: not job.active, 120)
    expected = save_run(compute_run(config, threads=1), tmp_path / "expected")
    assert list_files(gallery.data / "runs" / config.id) == list_files(expected)
    assert [entry["id"] for entry in json.loads((gallery.data / "index.json").read_text())["runs"]] == [config.id]
    assert [path.name for path in (gallery.data / "runs").iterdir()] == [config.id]
    jobs.stop()


def test_the_next_server_computes_the_runs_that_were_accepted_and_not_finished(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "data")
    capacity = Capacity(workers=1)
    endless = small_config(training=ENDLESS["training"])
    waiting = [small_config(training={"epochs": 2, "frames": 2, "seed": seed}) for seed in (1, 2)]
    unwanted = small_config(training={"epochs": 2, "frames": 2, "seed": 3})
    first = Jobs(gallery, threads=1, capacity=capacity)
    first.start()
    running = first.submit(endless)
    until(lambda: running.state == "running")
    for config in (*waiting, unwanted):
        first.submit(config)
    left = first.find(unwanted.id)
    assert left
    first.cancel(left)
    first.stop()
    first.stop()  # as it happens when a server stops
    first.join(20)
    assert gallery.ids() == []
    second = Jobs(gallery, threads=1, capacity=capacity)
    second.start()  # nobody asks for the runs
    again = second.find(endless.id)
    assert again
    second.cancel(again)
    assert second.find(unwanted.id) is None
    until(lambda: gallery.ids() == sorted(config.id for config in waiting), 120)
    second.stop()
    second.join(20)
    third = Jobs(gallery, threads=1, capacity=capacity)
    third.start()  # everything is done or cancelled
    assert third.count().waiting + third.count().running == 0
    third.stop()


def test_a_note_of_waiting_runs_that_somebody_has_changed_does_no_harm(tmp_path: Path) -> None:
    sound = small_config()
    file_plane = {
        **sound.model_dump(mode="json"),
        "planes": [{"kind": "file", "file": "secret.npy", "sha256": "0" * 64}],
    }
    assert RunConfig.from_mapping(file_plane)
    lines = [sound.canonical, "no JSON", "[" * 100_000, '{"model": 3}', json.dumps(file_plane)]
    (tmp_path / ".waiting.jsonl").write_text("\n".join(lines), "utf-8")
    assert take_waiting(tmp_path) == [sound]
    assert take_waiting(tmp_path) == []
    too_large = small_config(training={"epochs": 10**6, "frames": 2})
    keep_waiting(tmp_path, [too_large])
    jobs = Jobs(Gallery(tmp_path), threads=1, capacity=Capacity(work=1e6))
    jobs.start()
    assert jobs.find(too_large.id) is None
    jobs.stop()


# the queue ----------------------------------------------------------------------------------------------------------


class Entry:
    """An entry of a queue."""

    def __init__(self, name: str, address: str = "", client: str = "", rank: int = 1) -> None:
        self.name, self.owner, self.rank = name, Owner(address, client), rank


def take_all(queue: FairQueue[Entry]) -> str:
    taken = ""
    while first := next(iter(queue), None):
        queue.take(first)
        taken += first.name
    return taken


def test_clients_take_turns_however_many_runs_and_names_they_have() -> None:
    queue: FairQueue[Entry] = FairQueue()
    for number, name in enumerate("abcdef"):
        queue.add(Entry(name, "greedy", f"name {number}"))
    for name, client in zip("123", ("pupil", "pupil", "other"), strict=True):
        queue.add(Entry(name, "school", client))
    assert "".join(entry.name for entry in queue) == "a1b3c2def"
    assert take_all(queue) == "a1b3c2def"
    assert len(queue) == 0


def test_a_client_that_comes_later_waits_for_one_run_of_another() -> None:
    queue: FairQueue[Entry] = FairQueue()
    entries = [Entry(name, "greedy") for name in "abcd"]
    for entry in entries:
        queue.add(entry)
    queue.take(entries[0])
    queue.take(entries[1])
    queue.add(Entry("1", "late"))
    queue.add(Entry("2", "late"))
    assert take_all(queue) == "1c2d"


def test_runs_that_somebody_watches_come_first() -> None:
    queue: FairQueue[Entry] = FairQueue()
    entries = [Entry("a", rank=2), Entry("b", rank=1), Entry("c", rank=0)]
    for entry in entries:
        queue.add(entry)
    assert take_all(queue) == "cba"


def test_a_full_queue_makes_room_for_clients_with_fewer_runs(tmp_path: Path) -> None:
    jobs = Jobs(
        Gallery(tmp_path), capacity=Capacity(queue_size=3, client_queue_size=3)
    )  # they are not started, so all jobs wait
    greedy = [jobs.submit(small_config(training={"seed": seed}), Owner("greedy")) for seed in range(3)]
    with pytest.raises(QuotaError, match="3 of your runs are waiting already"):
        jobs.submit(small_config(), Owner("greedy"))
    with pytest.raises(QueueFullError):
        jobs.submit(small_config(), Owner("greedy", "by another name"))
    late = jobs.submit(small_config(), Owner("late"))
    assert [job.state for job in (*greedy, late)] == ["queued", "queued", "failed", "queued"]
    with pytest.raises(QueueFullError):
        jobs.submit(small_config(training={"seed": 9}), Owner("late"))


def test_a_large_run_leaves_a_worker_to_others(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    with live_server(gallery, threads=1, workers=2) as live:
        large = {"model": {"hidden": [64, 64]}, "training": {"epochs": 100_000, "frames": 100}}
        ids = [live.post({**large, "dataset": {"seed": seed}}).json()["id"] for seed in range(2)]
        until(lambda: live.state(ids[0]) == "running")
        assert live.compute(SMALL)[1][-1].name == "done"
        assert live.state(ids[1]) == "queued"

"""Tests worker processes that are killed, fail, or lose their parent. All of them are real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, as_completed
from pathlib import Path

import pytest

from lossatlas.building.processes import ATTEMPTS, Processes
from lossatlas.errors import ConfigError, LossAtlasError, RunDamagedError, WorkerDiedError

PATIENCE = 60.0

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills processes as POSIX does")


# the tasks of the workers, which are pickled by name --------------------------------------------------------------


def cube(number: int) -> int:
    return number**3


def process_id() -> int:
    return os.getpid()


def note(folder: str, name: str) -> int:
    """Leave a file that says which process has begun a task; return how many have begun the same task before."""
    path = Path(folder) / f"{name}-{os.getpid()}"
    before = len(list(Path(folder).glob(f"{name}-*")))
    path.write_text("")
    return before


def die_at_first(folder: str, deaths: int, name: str) -> str:
    if note(folder, name) < deaths:
        os.kill(os.getpid(), signal.SIGKILL)
    return name


def wait_for(folder: str, name: str, sign: str) -> str:
    note(folder, name)
    until(lambda: (Path(folder) / sign).exists(), f"{sign} is there")
    return name


def fail(kind: str) -> None:
    if kind == "plain":
        raise ValueError("one of ours")
    if kind == "faults":
        raise ConfigError([("grid", "is even")])
    if kind == "two arguments":
        raise RunDamagedError(Path("run.json"), "is empty")
    if kind == "exit":
        sys.exit("no more")
    raise LocalError(threading.Lock())


class LocalError(Exception):
    """An error that cannot be pickled."""


def give_unpicklable() -> object:
    return threading.Lock()


# help -------------------------------------------------------------------------------------------------------------


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.01)


def list_begun(folder: Path, name: str) -> list[int]:
    """Return the processes that have begun a task, in any order."""
    return [int(path.name.rpartition("-")[2]) for path in folder.glob(f"{name}-*")]


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


@pytest.fixture
def two() -> Iterator[Processes]:
    with Processes(2) as processes:
        yield processes


@pytest.fixture(scope="module")
def shared() -> Iterator[Processes]:
    """Provide two processes for all tests that kill none."""
    with Processes(2) as processes:
        yield processes


# tests ------------------------------------------------------------------------------------------------------------


def test_many_tasks_come_back_each_to_its_own_future(shared: Processes) -> None:
    futures = {shared.submit(cube, number): number for number in range(300)}
    assert {futures[future]: future.result() for future in as_completed(futures)} == {n: n**3 for n in range(300)}
    assert list(shared.map(cube, range(5))) == [0, 1, 8, 27, 64]


def test_there_are_no_more_processes_than_requested_and_none_is_this_one(shared: Processes) -> None:
    found = {future.result() for future in [shared.submit(process_id) for _ in range(40)]}
    assert 1 <= len(found) <= 2
    assert os.getpid() not in found


def test_a_killed_worker_costs_its_task_another_try_and_no_other_task_anything(tmp_path: Path, two: Processes) -> None:
    others = [two.submit(wait_for, str(tmp_path), "beside", "go")]
    until(lambda: bool(list_begun(tmp_path, "beside")), "the first worker works")
    victim = two.submit(wait_for, str(tmp_path), "victim", "go")
    until(lambda: bool(list_begun(tmp_path, "victim")), "the second worker works")
    others += [two.submit(wait_for, str(tmp_path), f"later{number}", "go") for number in range(5)]
    os.kill(list_begun(tmp_path, "victim")[0], signal.SIGKILL)
    until(lambda: len(list_begun(tmp_path, "victim")) == 2, "another worker has taken it up")
    (tmp_path / "go").write_text("")
    assert victim.result(PATIENCE) == "victim"
    assert [future.result(PATIENCE) for future in others] == ["beside", *(f"later{number}" for number in range(5))]
    assert {name: len(list_begun(tmp_path, name)) for name in ("victim", "beside", "later0", "later4")} == {
        "victim": 2,
        "beside": 1,
        "later0": 1,
        "later4": 1,
    }


def test_a_task_that_kills_every_worker_fails_alone(tmp_path: Path, two: Processes) -> None:
    doomed = two.submit(die_at_first, str(tmp_path), 99, "doomed")
    unlucky = two.submit(die_at_first, str(tmp_path), ATTEMPTS - 1, "unlucky")
    fine = two.submit(cube, 2)
    with pytest.raises(
        WorkerDiedError, match=r"was killed \(signal 9\), 3 times in a row.*: try fewer workers$"
    ) as caught:
        doomed.result(PATIENCE)
    assert (caught.value.attempts, caught.value.code) == (ATTEMPTS, -signal.SIGKILL)
    assert len(list_begun(tmp_path, "doomed")) == ATTEMPTS
    assert unlucky.result(PATIENCE) == "unlucky"
    assert fine.result(PATIENCE) == 8
    assert two.submit(cube, 3).result(PATIENCE) == 27


def test_a_worker_that_is_killed_between_tasks_is_not_missed() -> None:
    with Processes(1) as processes:
        first = processes.submit(process_id).result()
        os.kill(first, signal.SIGKILL)
        until(lambda: not alive(first), "it is dead")
        second = processes.submit(process_id).result(PATIENCE)
    assert second != first


@pytest.mark.parametrize(
    ("kind", "expected", "text"),
    [
        ("plain", ValueError, "one of ours"),
        ("faults", LossAtlasError, "grid: is even"),
        ("two arguments", LossAtlasError, "run.json: is empty"),
        ("exit", SystemExit, "no more"),
        ("unpicklable", LossAtlasError, "LocalError: <unlocked _thread.lock"),
    ],
)
def test_an_exception_comes_back_with_its_text_and_its_traceback(
    kind: str, expected: type[BaseException], text: str, shared: Processes
) -> None:
    error = shared.submit(fail, kind).exception(PATIENCE)
    assert type(error) is expected
    assert str(error).startswith(text)
    assert "in fail" in "\n".join(error.__notes__)
    assert shared.submit(cube, 2).result(PATIENCE) == 8


def test_an_object_that_cannot_be_pickled_fails_only_its_own_task(shared: Processes) -> None:
    with pytest.raises(Exception, match="pickle"):
        shared.submit(lambda: 1).result(PATIENCE)
    with pytest.raises(Exception, match="pickle"):
        shared.submit(give_unpicklable).result(PATIENCE)
    assert shared.submit(cube, 2).result(PATIENCE) == 8


def test_shutting_down_finishes_waiting_tasks(tmp_path: Path) -> None:
    processes = Processes(1)
    futures = [processes.submit(cube, number) for number in range(20)]
    processes.shutdown()
    assert all(future.done() for future in futures)
    assert [future.result() for future in futures] == [number**3 for number in range(20)]
    processes.shutdown()
    with pytest.raises(RuntimeError, match="shut down"):
        processes.submit(cube, 1)


def test_shutting_down_can_cancel_waiting_tasks(tmp_path: Path) -> None:
    processes = Processes(1)
    running = processes.submit(wait_for, str(tmp_path), "running", "go")
    waiting = [processes.submit(cube, number) for number in range(9)]
    until(lambda: bool(list_begun(tmp_path, "running")), "the first is worked on")
    processes.shutdown(wait=False, cancel_futures=True)
    assert all(future.cancelled() for future in waiting)
    assert not running.done()
    (tmp_path / "go").write_text("")
    processes.shutdown()
    assert running.result() == "running"
    with pytest.raises(CancelledError):
        waiting[0].result()


def test_a_future_that_is_cancelled_is_never_begun(tmp_path: Path, two: Processes) -> None:
    busy = [two.submit(wait_for, str(tmp_path), f"busy{number}", "go") for number in range(2)]
    until(lambda: len(list_begun(tmp_path, "busy[01]")) == 2, "both are busy")
    waiting = two.submit(wait_for, str(tmp_path), "waiting", "go")
    assert waiting.cancel()
    (tmp_path / "go").write_text("")
    assert [future.result(PATIENCE) for future in busy] == ["busy0", "busy1"]
    two.shutdown()
    assert not list_begun(tmp_path, "waiting")


def test_processes_without_a_task_shut_down_at_once() -> None:
    Processes(3).shutdown()
    with Processes(3) as processes:
        processes.shutdown(wait=False)


def test_an_exception_in_the_block_ends_workers_at_once(tmp_path: Path) -> None:
    futures: list[Future[str]] = []

    def work_until_all_are_busy(processes: Processes) -> None:
        for name in ("first", "second", "third"):
            futures.append(processes.submit(wait_for, str(tmp_path), name, "never"))  # noqa: PERF401
        until(lambda: len(list_begun(tmp_path, "*")) == 2, "both work")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), Processes(2) as processes:
        work_until_all_are_busy(processes)
    assert not any(alive(process) for process in list_begun(tmp_path, "*"))
    assert ["stopped" in str(future.exception()) for future in futures[:2]] == [True, True]
    assert futures[2].cancelled()


@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_when_their_parent_does(way: signal.Signals, tmp_path: Path) -> None:
    source = (
        "from lossatlas.building.processes import Processes; from tests.test_processes import wait_for, cube\n"
        f"p = Processes(2); p.submit(wait_for, {str(tmp_path)!r}, 'first', 'never')\n"
        f"p.submit(wait_for, {str(tmp_path)!r}, 'second', 'never').result()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", source], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    try:
        until(lambda: len(list_begun(tmp_path, "*")) == 2, "both workers work")
        parent.send_signal(way)
        until(lambda: not any(alive(process) for process in list_begun(tmp_path, "*")), "the workers have ended")
    finally:
        parent.kill()
        parent.wait()
    assert len(list_begun(tmp_path, "*")) == 2

"""Computes a run for somebody who watches: on one worker process, and with its frames in order as soon as they exist.

A small run is computed in one call, which reports each frame. A large run is computed part by part, in the order of its
frames, by :class:`lossatlas.building.chunked_run.ChunkedRun`. So it continues where it stopped, however it stopped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from filelock import FileLock, Timeout

from lossatlas.arrays import Floats
from lossatlas.building.checkpoint import LOCK
from lossatlas.building.chunked_run import ChunkedRun
from lossatlas.building.estimate import Sizes
from lossatlas.building.task import Part
from lossatlas.building.worker_functions import report_run
from lossatlas.errors import FolderBusyError
from lossatlas.runs import Frame, Run, Setup, Stage
from lossatlas.store import explain_write_errors, make_synced_folder

#: The sizes for a server: parts take about a second on one core, so that frames arrive one by one.
LIVE_SIZES = Sizes(large_work=3e11, part_work=1e10)


class Call(Protocol):
    """A function that calls another function in a worker process."""

    def __call__(self, function: Callable[..., Any], *args: Any, on_item: Callable[[Any], None] = ...) -> Any:
        """Call a function, and return its result."""


def compute_small_run(
    setup: Setup,
    references: Mapping[str, Floats],
    threads: int | None,
    call: Call,
    on_frame: Callable[[Frame], None],
    on_stage: Callable[[Stage], None],
) -> Run:
    """Compute a run in one call.

    Parameters
    ----------
    setup, references
        The setup of the run, and the final parameters of the runs that its planes go through.
    threads
        The number of threads of the worker.
    call
        A function that calls another one in a worker. It may call it again if the worker dies.
    on_frame, on_stage
        Functions that are called once with each frame, and with each step after the training.

    Returns
    -------
    Run
        The run.
    """
    count = 0

    def receive(item: Frame | Stage) -> None:
        nonlocal count
        if isinstance(item, Stage):
            on_stage(item)
        elif item.index >= count:  # a second worker reports the same frames again
            count = item.index + 1
            on_frame(item)

    fields = call(report_run, setup.config.canonical, references, threads, on_item=receive)
    return Run(setup=setup, **fields)


def compute_large_run(
    work: ChunkedRun,
    call: Call,
    on_frame: Callable[[int], None],
    on_stage: Callable[[Stage], None],
    on_computed: Callable[[], None],
) -> None:
    """Compute a run part by part, and store it.

    Parameters
    ----------
    work
        The run.
    call
        A function that calls another one in a worker.
    on_frame
        A function that is called with the index of each frame when :meth:`ChunkedRun.frame` can return it.
    on_stage
        A function that is called with the progress of the work before the first frame and after the last one.
    on_computed
        A function that is called before the run is stored. If it raises an error, the run is not stored.
    """
    waiting = work.begin()
    shown = done = 0
    while True:
        for index in range(shown, _count_frames(work, waiting)):
            on_frame(index)
            shown = index + 1
        if not waiting:
            break
        part = min(waiting, key=_get_rank)
        waiting.remove(part)
        waiting += work.accept(part, call(part.function, *part.arguments()))
        if part.frame is None:
            done += 1
            on_stage(Stage("Planes and curvature", done, done + len(waiting)))
        elif part.stretch:
            on_stage(Stage("Training", *part.stretch))
    on_computed()
    work.finish()


def _count_frames(work: ChunkedRun, waiting: list[Part]) -> int:
    """Return the number of frames that no waiting part changes."""
    first = min((part.frame for part in waiting if part.frame is not None), default=math.inf)
    return 0 if first < 0 else int(min(first, work.frame_count))


def _get_rank(part: Part) -> tuple[float, bool]:
    return math.inf if part.frame is None else part.frame, not part.is_plane


class LargeRunsLock:
    """The lock of a data folder for large runs. Only one process at a time computes them.

    Several threads of this process may hold it at the same time, for different runs.

    Parameters
    ----------
    data
        The data folder.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._file = FileLock(data / LOCK, thread_local=False)
        self._lock, self._holders = Lock(), 0

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the lock during a block.

        Raises
        ------
        FolderBusyError
            If another process holds it.
        """
        with self._lock:
            if not self._holders:
                self._acquire()
            self._holders += 1
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if not self._holders:
                    self._file.release()

    def _acquire(self) -> None:
        with explain_write_errors(self._data):
            make_synced_folder(self._data)
            try:
                self._file.acquire(timeout=0)
            except Timeout:
                fault = f"another process is computing large runs into {self._data}; wait until it has ended"
                raise FolderBusyError(fault) from None

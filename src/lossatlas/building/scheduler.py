"""Builds a gallery: it computes many runs at once, and large runs in parts, on the workers of an executor."""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from threading import Lock, Thread
from typing import Any

from filelock import FileLock, Timeout

from lossatlas.building.checkpoint import LOCK, remove_stored
from lossatlas.building.chunked_run import ChunkedRun
from lossatlas.building.estimate import Sizes
from lossatlas.building.interrupts import Interrupts, defer_interrupts
from lossatlas.building.processes import Processes, describe_error
from lossatlas.building.task import Part, Work
from lossatlas.building.whole_run import WholeRun
from lossatlas.errors import DataFolderError, LossAtlasError
from lossatlas.runs import RunConfig
from lossatlas.store import Gallery, explain_write_errors, forget_on_demand, make_synced_folder, remove_unfinished

#: How many parts each worker has at a time: one that it works on, and the next one.
_PARTS_PER_WORKER = 2
#: The assumed number of workers of an executor if the caller does not give it.
_USUAL_WORKERS = 16
#: The errors of a system that cannot write any file, whatever its name is.
_FULL_DISK_ERRORS = {errno.ENOSPC, errno.EROFS, errno.EDQUOT}


def build_gallery(
    gallery: Gallery,
    configs: Iterable[RunConfig],
    *,
    workers: int | None = None,
    executor: Executor | None = None,
    on_done: Callable[[str], None] | None = None,
    sizes: Sizes | None = None,
) -> list[str]:
    """Compute and store the runs that the gallery lacks, several at a time.

    Each run, and each part of a large run, is stored as soon as it is finished. A build that was killed continues from
    there when it is started again. Results do not depend on what computes them, to the last bit. If a run fails, the
    others are computed nevertheless. A run whose planes go through other runs waits for them.

    Parameters
    ----------
    gallery, configs
        The gallery, and the configurations of its runs.
    workers
        The number of worker processes, by default one per core, or the number of workers of the executor.
    executor
        The executor that runs the work instead of new worker processes. It needs no access to the files of this
        process.
    on_done
        A function that is called with the id of each run that has been stored.
    sizes
        The sizes of large runs and of their parts.

    Returns
    -------
    list
        The ids of the computed runs.

    Raises
    ------
    LossAtlasError
        If runs failed, which is raised at the end with the fault of each run, or if the executor broke.
    KeyboardInterrupt
        After Ctrl-C in the main thread, at the next moment at which nothing is being stored.
    """
    with explain_write_errors(gallery.data):
        make_synced_folder(gallery.data)
        remove_unfinished(gallery.data)
        _remove_stored(gallery)
    wanted = {config.id: config for config in configs}
    for run_id in wanted:
        forget_on_demand(gallery.data, run_id)  # a server that computed it must not delete it
    missing = {run_id: config for run_id, config in wanted.items() if run_id not in gallery}
    workers = workers or (_USUAL_WORKERS if executor else os.cpu_count() or 1)
    pool: AbstractContextManager[Executor] = nullcontext(executor) if executor else Processes(workers)
    with defer_interrupts() as interrupts:
        try:
            with ExitStack() as held, pool as where:
                build = _Build(gallery, missing, sizes or Sizes(), on_done or (lambda _: None), held)
                build.run(where, workers * _PARTS_PER_WORKER, interrupts)  # an error ends the workers at once
        finally:
            gallery.write_index()
    if build.faults:
        lines = (f"\n  {run_id}: {fault}" for run_id, fault in build.faults.items())
        raise LossAtlasError(
            f"{len(build.faults)} of {len(missing)} runs failed; the others are stored{''.join(lines)}"
        )
    return list(missing)


def _remove_stored(gallery: Gallery) -> None:
    """Delete what killed builds have left of runs that are stored, unless another build is working on large runs."""
    with suppress(Timeout), FileLock(gallery.data / LOCK).acquire(timeout=0):
        remove_stored(gallery.data)


class _Build:
    """The state of a build: the parts that wait, the parts that are running, and the faults."""

    def __init__(
        self,
        gallery: Gallery,
        missing: Mapping[str, RunConfig],
        sizes: Sizes,
        on_done: Callable[[str], None],
        held: ExitStack,
    ) -> None:
        self._gallery, self._sizes, self._on_done, self._held = gallery, sizes, on_done, held
        self._waiting = dict(missing)  # runs that have not begun
        self._works: dict[str, Work] = {}  # runs that have begun
        self._open: dict[str, int] = {}  # how many known parts of each run are not finished
        self._ready: deque[tuple[str, Part]] = deque()
        self._running: dict[Future[Any], tuple[str, Part]] = {}
        self._finished: list[str] = []
        self._locked = False
        self._here = _OneThread()
        self.faults: dict[str, str] = {}

    def run(self, executor: Executor, most: int, interrupts: Interrupts) -> None:
        """Work until all runs are done, with at most ``most`` parts running at a time."""
        while self._ready or self._running or self._waiting:
            while len(self._running) < most and (found := self._take_next()):
                interrupts.check()
                self._submit(executor, *found)
                self._report_finished()
            for future in interrupts.wait_for_any(self._running):
                self._collect(future)
                self._report_finished()

    def _report_finished(self) -> None:
        """Add finished runs to the index, and report them."""
        while self._finished:
            run_id = self._finished.pop()
            self._gallery.update_index(run_id)
            self._on_done(run_id)

    def _take_next(self) -> tuple[str, Part] | None:
        """Return a part that can be computed, and begin another run if there is none."""
        while not self._ready:
            run_id = next(filter(self._can_begin, self._waiting), None)
            if run_id is None:
                return None
            self._guard(run_id, self._begin)
        return self._ready.popleft()

    def _can_begin(self, run_id: str) -> bool:
        """Return whether none of the runs that its planes go through is still being computed."""
        return not any(other in self._waiting or other in self._works for other in self._waiting[run_id].references)

    def _begin(self, run_id: str) -> None:
        config = self._waiting.pop(run_id)
        references = self._gallery.references(config)
        if self._sizes.needs_parts(config):
            self._lock()
            self._works[run_id] = ChunkedRun(config, self._gallery.data, references, self._sizes)
        else:
            self._works[run_id] = WholeRun(config, self._gallery.data, references)
        self._open[run_id] = 0
        self._add(run_id, self._works[run_id].begin())

    def _lock(self) -> None:
        """Lock the folder, so that only one build at a time computes large runs, until this build ends."""
        if self._locked:
            return
        try:
            self._held.enter_context(FileLock(self._gallery.data / LOCK).acquire(timeout=0))
        except Timeout:
            raise DataFolderError(
                f"another build is computing large runs into {self._gallery.data}; wait until it has ended"
            ) from None
        self._locked = True

    def _add(self, run_id: str, parts: list[Part]) -> None:
        self._ready.extend((run_id, part) for part in parts)
        self._open[run_id] += len(parts)
        if not self._open[run_id]:
            self._works.pop(run_id).finish()
            self._finished.append(run_id)

    def _submit(self, executor: Executor, run_id: str, part: Part) -> None:
        def submit(run_id: str) -> None:
            submit_to = self._here.submit if part.here else executor.submit
            self._running[submit_to(part.function, *part.arguments())] = run_id, part

        self._guard(run_id, submit)

    def _collect(self, future: Future[Any]) -> None:
        run_id, part = self._running.pop(future)
        if run_id not in self.faults:
            self._guard(run_id, lambda _: self._accept(run_id, part, future.result()))

    def _accept(self, run_id: str, part: Part, result: Any) -> None:
        more = self._works[run_id].accept(part, result)
        self._open[run_id] -= 1
        self._add(run_id, more)

    def _guard(self, run_id: str, step: Callable[[str], None]) -> None:
        """Call ``step`` for a run. If it fails, record the fault, and compute nothing more of this run."""
        try:
            step(run_id)
        except BrokenExecutor:
            raise LossAtlasError(
                "the workers were killed, perhaps because memory ran out. "
                "Finished parts are kept; the same command continues from there"
            ) from None
        except Exception as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno in _FULL_DISK_ERRORS:
                raise LossAtlasError(
                    f"{describe_error(error)}. Nothing more can be stored there, so this build has ended. "
                    "What is stored is kept; the same command continues from there"
                ) from error
            self.faults[run_id] = describe_error(error)
            self._waiting.pop(run_id, None)
            self._works.pop(run_id, None)
            self._ready = deque(entry for entry in self._ready if entry[0] != run_id)


class _OneThread(Executor):
    """An executor that runs one task at a time on a thread of this process, and does not delay the exit."""

    def __init__(self) -> None:
        self._turn = Lock()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call a function after the earlier ones have returned."""
        future: Future[Any] = Future()

        def work() -> None:
            with self._turn:
                try:
                    future.set_result(fn(*args, **kwargs))
                except BaseException as error:
                    future.set_exception(error)

        Thread(target=work, daemon=True).start()
        return future

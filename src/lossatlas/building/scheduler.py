"""Building a gallery: many runs at once, and large ones in parts, on the workers of any executor."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import AbstractContextManager, ExitStack, nullcontext
from threading import Lock, Thread
from typing import Any

from filelock import FileLock, Timeout

from lossatlas.building.chunked_run import ChunkedRun
from lossatlas.building.estimate import Sizes
from lossatlas.building.processes import Processes, describe_error
from lossatlas.building.task import Part, Work
from lossatlas.building.whole_run import WholeRun
from lossatlas.errors import DataFolderError, LossAtlasError
from lossatlas.runs import RunConfig
from lossatlas.store import Gallery, remove_unfinished, writing

#: Parts handed to each worker: one to work on, and one to go on with.
_EACH = 2
#: Workers of an executor that is handed in, where nobody says how many.
_USUAL_WORKERS = 16


def build_gallery(
    gallery: Gallery,
    configs: Iterable[RunConfig],
    *,
    workers: int | None = None,
    executor: Executor | None = None,
    on_done: Callable[[str], None] | None = None,
    sizes: Sizes | None = None,
) -> list[str]:
    """Compute and store the runs that the gallery lacks, several at a time, and return the ids computed.

    Each run is stored when it is finished, and of a large one each part: a build that is killed goes on where it was
    when it is started again. What is computed is equal to the last bit whatever computes it. A run that fails keeps
    none of the others from being computed; one whose planes go through others waits for these.

    Parameters
    ----------
    gallery, configs
        Where to, and what.
    workers
        How many processes, by default one a core; of an executor, how many workers it has.
    executor
        Runs the work instead of processes of our own. It needs no files in common with this process.
    on_done
        Called with the id of each run that is stored.
    sizes
        Which runs are large, and how large their parts are to be.

    Raises
    ------
    LossAtlasError
        At the end, if runs failed, with each one's fault; or if the executor broke.
    """
    with writing(gallery.data):
        gallery.data.mkdir(parents=True, exist_ok=True)
        remove_unfinished(gallery.data)
    missing = {config.id: config for config in configs if config.id not in gallery}
    workers = workers or (_USUAL_WORKERS if executor else os.cpu_count() or 1)
    pool: AbstractContextManager[Executor] = nullcontext(executor) if executor else Processes(workers)
    try:
        with ExitStack() as held, pool as where:
            build = _Build(gallery, missing, sizes or Sizes(), on_done or (lambda _: None), held)
            build.run(where, workers * _EACH)  # an error in here ends our own processes at once
    finally:
        gallery.write_index()
    if build.faults:
        lines = (f"\n  {run_id}: {fault}" for run_id, fault in build.faults.items())
        raise LossAtlasError(
            f"{len(build.faults)} of {len(missing)} runs failed; the others are stored{''.join(lines)}"
        )
    return list(missing)


class _Build:
    """What is still to be computed of some runs, and how it is going."""

    def __init__(
        self,
        gallery: Gallery,
        missing: Mapping[str, RunConfig],
        sizes: Sizes,
        on_done: Callable[[str], None],
        held: ExitStack,
    ) -> None:
        self._gallery, self._sizes, self._on_done, self._held = gallery, sizes, on_done, held
        self._waiting = dict(missing)  # not begun
        self._works: dict[str, Work] = {}  # begun
        self._open: dict[str, int] = {}  # how many of their parts are known and not there
        self._ready: deque[tuple[str, Part]] = deque()
        self._running: dict[Future[Any], tuple[str, Part]] = {}
        self._finished: list[str] = []
        self._locked = False
        self._here = _OneThread()
        self.faults: dict[str, str] = {}

    def run(self, executor: Executor, most: int) -> None:
        """Work until nothing is left, with at most ``most`` parts handed out at a time."""
        while self._ready or self._running or self._waiting:
            while len(self._running) < most and (found := self._next()):
                self._hand_out(executor, *found)
                self._tell()
            done, _ = wait(self._running, return_when=FIRST_COMPLETED)
            for future in done:
                self._take_in(future)
                self._tell()

    def _tell(self) -> None:
        """Enter the runs that are finished into the index."""
        while self._finished:
            run_id = self._finished.pop()
            self._gallery.write_index()
            self._on_done(run_id)

    def _next(self) -> tuple[str, Part] | None:
        """A part of a run that has begun; without any, begin another run."""
        while not self._ready:
            run_id = next(filter(self._can_begin, self._waiting), None)
            if run_id is None:
                return None
            self._guard(run_id, self._begin)
        return self._ready.popleft()

    def _can_begin(self, run_id: str) -> bool:
        """Whether the runs that its planes go through are there, or will not be."""
        return not any(other in self._waiting or other in self._works for other in self._waiting[run_id].references)

    def _begin(self, run_id: str) -> None:
        config = self._waiting.pop(run_id)
        references = self._gallery.references(config)
        if self._sizes.in_parts(config):
            self._lock()
            self._works[run_id] = ChunkedRun(config, self._gallery.data, references, self._sizes)
        else:
            self._works[run_id] = WholeRun(config, self._gallery.data, references)
        self._open[run_id] = 0
        self._add(run_id, self._works[run_id].begin())

    def _lock(self) -> None:
        """One build at a time writes large runs into a folder; held until this one ends, however it does."""
        if self._locked:
            return
        try:
            self._held.enter_context(FileLock(self._gallery.data / ".build.lock").acquire(timeout=0))
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

    def _hand_out(self, executor: Executor, run_id: str, part: Part) -> None:
        def submit(run_id: str) -> None:
            submit_to = self._here.submit if part.here else executor.submit
            self._running[submit_to(part.function, *part.arguments())] = run_id, part

        self._guard(run_id, submit)

    def _take_in(self, future: Future[Any]) -> None:
        run_id, part = self._running.pop(future)
        if run_id not in self.faults:
            self._guard(run_id, lambda _: self._accept(run_id, part, future.result()))

    def _accept(self, run_id: str, part: Part, result: Any) -> None:
        more = self._works[run_id].accept(part, result)
        self._open[run_id] -= 1
        self._add(run_id, more)

    def _guard(self, run_id: str, step: Callable[[str], None]) -> None:
        """Take a step of a run; where it fails the run has, and nothing more of it is computed."""
        try:
            step(run_id)
        except BrokenExecutor:
            raise LossAtlasError(
                "the workers were killed, perhaps for want of memory. "
                "What is finished is kept; the same command goes on from there"
            ) from None
        except Exception as error:
            self.faults[run_id] = describe_error(error)
            self._waiting.pop(run_id, None)
            self._works.pop(run_id, None)
            self._ready = deque(entry for entry in self._ready if entry[0] != run_id)


class _OneThread(Executor):
    """Works in this process, on one thing at a time, and lets it exit whatever it is at."""

    def __init__(self) -> None:
        self._turn = Lock()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call a function when those before it have returned."""
        future: Future[Any] = Future()

        def work() -> None:
            with self._turn:
                try:
                    future.set_result(fn(*args, **kwargs))
                except BaseException as error:
                    future.set_exception(error)

        Thread(target=work, daemon=True).start()
        return future

"""Building a gallery: many runs at once, in processes that end when this one does."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager, nullcontext
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Thread

from lossatlas.computing import compute_run
from lossatlas.errors import LossAtlasError
from lossatlas.gallery import Gallery
from lossatlas.runs import RunConfig
from lossatlas.store import remove_unfinished, save_run, writing


def build_gallery(
    gallery: Gallery,
    configs: Iterable[RunConfig],
    *,
    workers: int | None = None,
    executor: Executor | None = None,
    on_done: Callable[[str], None] | None = None,
) -> list[str]:
    """Compute and store the runs that the gallery lacks, several at a time, and return the ids computed.

    Each run is stored when it is finished: a build that is killed goes on where it was when it is started again.
    A run that fails keeps none of the others from being computed.

    Parameters
    ----------
    gallery, configs
        Where to, and what.
    workers
        How many processes; by default one a core.
    executor
        Runs the work instead of processes of our own.
    on_done
        Called with the id of each run that is stored.

    Raises
    ------
    LossAtlasError
        At the end, if runs failed, with each one's fault; or if a worker was killed.
    """
    with writing(gallery.data):
        gallery.data.mkdir(parents=True, exist_ok=True)
        remove_unfinished(gallery.data)
    missing = {config.id: config for config in configs if config.id not in gallery}
    workers = max(1, min(workers or os.cpu_count() or 1, len(missing)))
    faults: dict[str, str] = {}
    try:
        with nullcontext(executor) if executor else _processes(workers) as pool:
            with nullcontext() if executor else _interrupts_held():
                jobs = {
                    pool.submit(_compute_and_save, config.canonical, str(gallery.data)): run_id
                    for run_id, config in missing.items()
                }
            for run_id, fault in _finished(jobs):
                if fault is not None:
                    faults[run_id] = fault
                    continue
                gallery.write_index()
                if on_done:
                    on_done(run_id)
    finally:
        gallery.write_index()
    if faults:
        lines = (f"\n  {run_id}: {fault}" for run_id, fault in faults.items())
        raise LossAtlasError(f"{len(faults)} of {len(missing)} runs failed; the others are stored{''.join(lines)}")
    return list(missing)


def _finished(jobs: dict[Future[str | None], str]) -> Iterator[tuple[str, str | None]]:
    """Yield each run's id when it is finished, with its fault where it failed."""
    for job in as_completed(jobs):
        try:
            fault = job.result()
        except BrokenExecutor:
            raise LossAtlasError(
                "a worker process was killed, perhaps for want of memory: try fewer with --workers. "
                "Finished runs are kept; the same command goes on from there"
            ) from None
        except Exception as error:
            fault = _told(error)
        yield jobs[job], fault


def _compute_and_save(canonical: str, data: str) -> str | None:
    """Return the fault, None where there is none: as text, since not every exception survives being pickled."""
    try:
        config = RunConfig.from_mapping(json.loads(canonical))
        save_run(compute_run(config, threads=1), data)
    except Exception as error:
        return _told(error)
    return None


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, LossAtlasError) else f"{type(error).__name__}: {error}"


@contextmanager
def _processes(workers: int) -> Iterator[Executor]:
    """Worker processes that end when the block is left by an exception, and when this process dies, however it does.

    Each watches a pipe of which only this process holds the other end.
    """
    context = get_context("spawn")
    watched, held = context.Pipe(duplex=False)
    executor = ProcessPoolExecutor(workers, mp_context=context, initializer=_watch, initargs=(watched,))
    try:
        yield executor
        executor.shutdown()
    finally:
        held.close()
        executor.shutdown(cancel_futures=True)
        watched.close()


def _watch(watched: Connection) -> None:
    """End this worker, whatever it is doing, when the other end of the pipe is closed; runs are written atomically."""

    def end() -> None:
        watched.poll(None)
        os._exit(1)

    Thread(target=end, daemon=True).start()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let Ctrl-C wait while workers are started. They inherit that: it reaches only this process, which ends them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

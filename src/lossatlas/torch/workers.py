"""Computes surfaces on worker processes. Each calls the caller's factory to make its own model."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import Literal

import numpy as np
import torch

from lossatlas.arrays import Float32, Float64, Integers
from lossatlas.building import Interrupts, Processes, defer_interrupts
from lossatlas.planes import Plane
from lossatlas.store import Recording, explain_write_errors, replace_file, write_array
from lossatlas.torch.factory import call_factory, complete
from lossatlas.torch.kept_samples import make_model
from lossatlas.torch.model import TorchModel
from lossatlas.torch.plane_cutter import choose_statistics, evaluate_points, refuse_another_model
from lossatlas.torch.refinement import Compute, Split, Task

#: The number of tasks that a worker has at a time: the current one and the next one.
_EACH = 2
#: A task moves the model of its process, and the threads of a Dask worker would move it at the same time.
_ONE_AT_A_TIME = Lock()


@dataclass(frozen=True)
class Source:
    """The plain data from which a worker makes the model.

    Attributes
    ----------
    recording
        The folder of the recording, which the worker has to see at the same path.
    factory, loss
        The references that the caller gave.
    batchnorm, device, compiled
        The statistics of BatchNorm, the device, and whether to compile the model.
    threads
        The number of threads of each worker.
    """

    recording: str
    factory: str
    loss: str | None
    batchnorm: Literal["batch", "running"]
    device: str | None
    compiled: bool
    threads: int


def compute_points(
    source: Source, directions: str, split: Split, frames: Integers, a: Float64, b: Float64
) -> tuple[Float32, float]:
    """Compute losses ``[n]`` on a worker; see :func:`~lossatlas.torch.plane_cutter.evaluate_points`.

    Returns
    -------
    tuple
        The losses, and the seconds that they took.
    """
    with _ONE_AT_A_TIME:
        model, recording = _open(source)
        vectors = _read_directions(directions)
        began = time.perf_counter()
        statistics = choose_statistics(source.batchnorm)[split]
        losses = evaluate_points(model, recording, split, statistics, vectors, frames, a, b)
        return losses, time.perf_counter() - began


@lru_cache(maxsize=1)
def _open(source: Source) -> tuple[TorchModel, Recording]:
    """Make the model once per process, and refuse it if its losses are not the recorded ones."""
    torch.set_num_threads(source.threads)
    recording = Recording.open(Path(source.recording)).finite()
    made = complete(call_factory(source.factory), source.loss)
    model = make_model(made, recording, None if source.device is None else torch.device(source.device))
    refuse_another_model(recording, model)
    if source.compiled:
        model.compiled = torch.compile(model.module)  # type: ignore[assignment]
    return model, recording


@lru_cache(maxsize=1)
def _read_directions(path: str) -> Float32:
    found: Float32 = np.load(path, allow_pickle=False)
    return found


@contextmanager
def on_workers(source: Source, workers: int, executor: Executor | None = None) -> Iterator[Compute]:
    """Start workers, or use those of an executor, and yield a function that computes tasks on them.

    Parameters
    ----------
    source
        The data from which the workers make the model.
    workers
        The number of workers.
    executor
        An executor whose processes see the recording at the same path; by default, processes on this machine.

    Yields
    ------
    Compute
        A function. It yields tasks in the order in which they are finished, with their seconds per worker.
    """
    files = _DirectionFiles(Path(source.recording) / "work")
    with defer_interrupts() as interrupts:
        try:
            with nullcontext(executor) if executor is not None else Processes(workers) as pool:
                yield partial(_compute_on, pool, source, workers, files, interrupts)
        finally:
            files.remove()


def _compute_on(
    pool: Executor,
    source: Source,
    workers: int,
    files: _DirectionFiles,
    interrupts: Interrupts,
    tasks: Iterable[Task],
) -> Iterator[tuple[Task, Float32, float]]:
    running: dict[Future[tuple[Float32, float]], Task] = {}
    waiting = iter(tasks)
    while True:
        while len(running) < workers * _EACH and (task := next(waiting, None)) is not None:
            arguments = source, files.write(task.plane), task.split, task.frames, task.a, task.b
            running[pool.submit(compute_points, *arguments)] = task
        if not running:
            return
        for future in interrupts.wait_for_any(running):
            task = running.pop(future)
            losses, seconds = future.result()
            yield task, losses, seconds / workers


class _DirectionFiles:
    """The directions of planes as files, from which workers read them, because they may be large."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Planes are kept together with their files, because the id of a plane that is gone can be that of a new one.
        self._files: dict[int, tuple[Plane, Path]] = {}

    def write(self, plane: Plane) -> str:
        """Write the directions of a plane, if they are not written yet, and return the path of the file."""
        if id(plane) not in self._files:
            path = self._folder / f"directions-{os.getpid()}-{len(self._files)}.npy"
            with explain_write_errors(self._folder.parents[2]):
                self._folder.mkdir(exist_ok=True)
                with replace_file(path) as file:
                    write_array(file, plane.directions)
            self._files[id(plane)] = plane, path
        return str(self._files[id(plane)][1])

    def remove(self) -> None:
        """Remove the files, and their folder if it is empty."""
        for _, path in self._files.values():
            path.unlink(missing_ok=True)
        with suppress(OSError):  # the folder is not empty, or was never made
            self._folder.rmdir()

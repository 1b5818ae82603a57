"""The evaluator: it computes losses and logits of any number of models, in chunks on several threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from queue import SimpleQueue
from typing import Literal, Protocol

import numpy as np

from lossatlas.arrays import Float32, Floats, Integers
from lossatlas.checks import check_labels, check_models, check_points
from lossatlas.engine import wasm_kernel
from lossatlas.engine.blas import one_blas_thread
from lossatlas.engine.numpy_kernel import NumpyKernel, numpy_has_avx512
from lossatlas.engine.wasm_kernel import WasmKernel
from lossatlas.errors import DataError
from lossatlas.networks import Network, ParameterSpace

#: For wider layers, BLAS is faster because it uses wider registers.
_WIDEST_FOR_WASM = 64
#: Parameters that are moved at a time along a plane.
_COLUMNS = 4096


class Kernel(Protocol):
    """Evaluates one chunk of packed models ``[B, P]``. Only one thread may use it at a time."""

    chunk: int

    def losses(self, packed: Floats) -> Float32:
        """Compute the mean cross-entropy ``[B]`` float32 in nats; inf where float32 overflows."""

    def logits(self, packed: Floats) -> Float32:
        """Compute the logits ``[B, K, N]`` float32."""


class LossEvaluator(Protocol):
    """Computes the loss of many models on fixed points, for any kind of model. Loss surfaces need nothing else.

    :class:`Evaluator` implements it, and other modules implement it for models of other libraries.
    """

    @property
    def network(self) -> ParameterSpace:
        """The space of the parameters of the models."""

    def losses(self, models: Floats) -> Float32:
        """Compute the mean loss ``[B]`` of models ``[B, P]``."""

    def losses_along(self, centre: Floats, directions: Floats, a: Floats, b: Floats) -> Float32:
        """Compute the mean loss ``[n]`` at ``centre + a·d_a + b·d_b``, for directions ``[2, P]``, a and b ``[n]``."""


class Evaluator:
    """Evaluates any number of models of one network on the same inputs, in float32.

    Parameters
    ----------
    network
        The network that all models share.
    points
        Inputs ``[N, features]``, of any real dtype.
    labels
        True classes ``[N]``, integers from 0 to K-1. Only losses need them.
    threads
        How many chunks to evaluate at a time; by default, one per core.
    kernel
        ``"numpy"`` or ``"wasm"``; by default, the faster one that is available.

    Raises
    ------
    DataError
        If the points are not finite numbers ``[N, features]``, or the labels are not one class per point.
    """

    def __init__(
        self,
        network: Network,
        points: Floats,
        labels: Integers | None = None,
        threads: int | None = None,
        kernel: Literal["numpy", "wasm"] | None = None,
    ) -> None:
        points = check_points(points, network.layers[0])
        if labels is not None:
            labels = check_labels(labels, len(points), network.class_count)
        self.network = network
        self.threads = threads or os.cpu_count() or 1
        self.kernel = kernel or _choose_kernel(network)
        # After sorting by class, the columns of one class are a slice, and logits relative to the true class are cheap.
        self._order = np.arange(len(points)) if labels is None else np.argsort(labels, kind="stable")
        self._labelled = labels is not None
        inputs = np.ascontiguousarray(points[self._order].T, np.float32)
        runs = None if labels is None else list(_find_runs(labels[self._order]))
        make = WasmKernel if self.kernel == "wasm" else NumpyKernel
        self._all: list[Kernel] = [make(network, inputs, runs) for _ in range(self.threads)]
        self._kernels: SimpleQueue[Kernel] = SimpleQueue()
        for kernel_of_a_thread in self._all:
            self._kernels.put(kernel_of_a_thread)
        #: How many models one chunk has.
        self.chunk = self._all[0].chunk

    def losses(self, models: Floats) -> Float32:
        """Compute the mean cross-entropy of models.

        Parameters
        ----------
        models
            ``[B, P]``, in theta's order, of any real dtype.

        Returns
        -------
        Float32
            Losses ``[B]`` float32 in nats; inf where float32 overflows.

        Raises
        ------
        DataError
            If the models have another shape, or the evaluator has no labels.
        """
        models = check_models(models, self.network.parameter_count)

        def write(start: int, stop: int, out: Float32) -> None:
            out[...] = self.network.pack(models[start:stop])

        return self.losses_of(len(models), write)

    def losses_of(self, count: int, write: Callable[[int, int, Float32], None]) -> Float32:
        """Compute the mean cross-entropy of models that are made on demand, so that they are never all in memory.

        Parameters
        ----------
        count
            The number of models, B.
        write
            ``write(start, stop, out)`` writes the packed models from ``start`` to ``stop`` into ``out``, which is
            ``[stop - start, P]`` float32.

        Returns
        -------
        Float32
            Losses ``[B]`` float32 in nats; inf where float32 overflows.

        Raises
        ------
        DataError
            If the evaluator has no labels.
        """
        if not self._labelled:
            raise DataError("this evaluator has no labels, so it has no loss; give it the true classes as well")
        losses = np.empty(count, np.float32)
        room = min(self.chunk, count)
        buffers = {id(kernel): np.empty((room, self.network.parameter_count), np.float32) for kernel in self._all}

        def work(start: int, stop: int, kernel: Kernel) -> None:
            models = buffers[id(kernel)][: stop - start]
            write(start, stop, models)
            losses[start:stop] = kernel.losses(models)

        self._each_chunk(count, work)
        return losses

    def losses_along(self, centre: Floats, directions: Floats, a: Floats, b: Floats) -> Float32:
        """Compute losses ``[n]`` float32 at ``centre + a·d_a + b·d_b``, with directions ``[2, P]`` and a, b ``[n]``."""
        a, b = (np.asarray(values, np.float32) for values in (a, b))
        origin, along = (self.network.pack(np.asarray(v, np.float32)) for v in (centre, directions))

        def write(start: int, stop: int, out: Float32) -> None:
            steps = a[start:stop, None], b[start:stop, None]
            for first in range(0, out.shape[1], _COLUMNS):  # a few columns at a time stay in the cache
                columns = slice(first, first + _COLUMNS)
                part = out[:, columns]
                np.multiply(steps[0], along[0, columns], out=part)
                part += steps[1] * along[1, columns]
                part += origin[columns]

        return self.losses_of(len(a), write)

    def logits(self, models: Floats) -> Float32:
        """Compute the logits ``[B, K, N]`` float32 of models ``[B, P]``."""
        models = check_models(models, self.network.parameter_count)
        result = np.empty((len(models), self.network.class_count, len(self._order)), np.float32)

        def work(start: int, stop: int, kernel: Kernel) -> None:
            result[start:stop, :, self._order] = kernel.logits(self.network.pack(models[start:stop]))

        self._each_chunk(len(models), work)
        return result

    def probabilities(self, models: Floats) -> Floats:
        """Compute the class probabilities ``[B, K, N]`` float32 of models ``[B, P]``, the softmax of their logits."""
        return softmax(self.logits(models))

    def _each_chunk(self, count: int, work: Callable[[int, int, Kernel], None]) -> None:
        chunks = deque(pairwise(_find_even_edges(count, self.chunk, self.threads)))

        def take_turns() -> None:
            kernel = self._kernels.get()
            try:
                while chunk := _take_next(chunks):
                    work(*chunk, kernel)
            finally:
                self._kernels.put(kernel)

        with one_blas_thread:
            helpers = min(self.threads, len(chunks)) - 1
            if helpers < 1:
                take_turns()
                return
            # The calling thread works too. If it waited, every finished chunk would wake it and pass the GIL to it.
            with ThreadPoolExecutor(helpers) as pool:
                others = [pool.submit(take_turns) for _ in range(helpers)]
                take_turns()
            for other in others:
                other.result()


def _take_next(chunks: deque[tuple[int, int]]) -> tuple[int, int] | None:
    try:
        return chunks.popleft()  # this is atomic, so it needs no lock
    except IndexError:
        return None


def _find_even_edges(count: int, most: int, threads: int) -> list[int]:
    """Return the edges of equal chunks of at most ``most``, with as many chunks for each thread if there are many."""
    turns = -(-count // (most * threads))
    chunks = min(turns * threads, count)
    return [count * chunk // chunks for chunk in range(chunks + 1)] if chunks else [0]


def softmax(logits: Floats) -> Floats:
    """Compute probabilities ``[B, K, N]`` from logits ``[B, K, N]``; they sum to 1 over the K classes."""
    shifted: Floats = np.exp(logits - logits.max(axis=1, keepdims=True))
    shifted /= shifted.sum(axis=1, keepdims=True)
    return shifted


def _choose_kernel(network: Network) -> Literal["numpy", "wasm"]:
    small = max(network.layers) <= _WIDEST_FOR_WASM
    return "wasm" if small and not numpy_has_avx512() and wasm_kernel.can_run() else "numpy"


def _find_runs(labels: Integers) -> Iterator[tuple[int, int, int]]:
    """Yield ``(class, start, stop)`` for each run of equal labels ``[N]``."""
    edges = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
    for start, stop in pairwise(edges):
        yield int(labels[start]), start, stop

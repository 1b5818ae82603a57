"""The batched network: many models at a time, on one set of inputs, close to what the machine can do.

A chunk of B models is evaluated as one: ``matrices [B, out, in+1] @ activations [B, in+1, N]``, the bias being the last
column of each matrix and the last row of the activations being ones, written in place into buffers that stay in cache.
Chunks run on threads (NumPy releases the GIL), each with one BLAS thread. A chunk's result depends neither on the
number of threads nor on the other chunks, so the same question has the same bits wherever it is asked.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from queue import SimpleQueue
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from lossatlas.arrays import Float32, Floats, Integers
from lossatlas.network import Network

#: Activations of one layer and chunk, in bytes: with the layer before it this fits the second-level cache.
_CHUNK_BYTES = 512 * 1024
_MOST_MODELS = 64
_MOST_POINTS = 2048


@dataclass(frozen=True)
class Tile:
    """A run of inputs that is evaluated at once: columns ``start:stop``, and where each class lies among them."""

    start: int
    stop: int
    classes: tuple[tuple[int, slice], ...]


class Evaluator:
    """Evaluates any number of models of one network on the same inputs, in float32.

    Parameters
    ----------
    network
        The network all models share.
    points
        Inputs ``[N, features]``.
    labels
        True classes ``[N]``, where losses are wanted.
    threads
        How many chunks to evaluate at a time; by default one a core.
    """

    def __init__(
        self, network: Network, points: Floats, labels: Integers | None = None, threads: int | None = None
    ) -> None:
        self.network = network
        self.count = len(points)
        self.threads = threads or os.cpu_count() or 1
        # Sorted by class, the columns of one class are a slice: its logits can be taken relative to the true class.
        order = np.arange(self.count) if labels is None else np.argsort(labels, kind="stable")
        self._order = order
        self._inputs = np.vstack([points[order].T, np.ones(self.count)]).astype(np.float32)
        self._tiles = list(_tiles(self.count, None if labels is None else labels[order]))
        widest = max(network.layers[1:])
        tile = max(tile.stop - tile.start for tile in self._tiles)
        self.chunk = int(np.clip(_CHUNK_BYTES // (4 * tile * (widest + 1)), 1, _MOST_MODELS))
        self._buffers: SimpleQueue[_Buffers] = SimpleQueue()
        for _ in range(self.threads):
            self._buffers.put(_Buffers(network.layers, self.chunk, tile))

    def losses(self, models: Floats) -> Float32:
        """Mean cross-entropy ``[B]`` of models ``[B, P]``, in nats; inf where float32 overflows."""
        return self.losses_of(len(models), lambda start, stop: self.network.packed(models[start:stop]))

    def losses_of(self, count: int, packed: Callable[[int, int], Floats]) -> Float32:
        """Mean cross-entropy ``[count]`` of models made on demand: ``packed(start, stop)`` gives ``[stop-start, P]``.

        No more than a chunk of models a thread is ever in memory.
        """
        losses = np.empty(count, np.float32)

        def work(start: int, stop: int, buffers: _Buffers) -> None:
            models = np.asarray(packed(start, stop), np.float32)
            matrices = self.network.matrices(models)
            total = np.zeros(stop - start)
            for tile in self._tiles:
                hidden = self._hidden(matrices, tile, buffers)
                for label, columns in tile.classes:
                    total += _cross_entropy_sums(matrices[-1], hidden[:, :, columns], label)
            if np.isnan(total).any():  # inf - inf, unless a parameter was no number itself
                total[np.isnan(total) & ~np.isnan(models).any(axis=1)] = np.inf
            losses[start:stop] = total / self.count

        self._each_chunk(count, work)
        return losses

    def logits(self, models: Floats) -> Float32:
        """Logits ``[B, K, N]`` of models ``[B, P]``."""
        result = np.empty((len(models), self.network.class_count, self.count), np.float32)

        def work(start: int, stop: int, buffers: _Buffers) -> None:
            matrices = self.network.matrices(self.network.packed(models[start:stop]).astype(np.float32))
            for tile in self._tiles:
                columns = self._order[tile.start : tile.stop]
                result[start:stop, :, columns] = matrices[-1] @ self._hidden(matrices, tile, buffers)

        self._each_chunk(len(models), work)
        return result

    def probabilities(self, models: Floats) -> Floats:
        """Class probabilities ``[B, K, N]`` of models ``[B, P]``: the softmax of their logits."""
        return softmax(self.logits(models))

    def _hidden(self, matrices: list[Floats], tile: Tile, buffers: _Buffers) -> Floats:
        """Activations ``[B, width + 1, columns]`` of the last hidden layer (or the inputs), a row of ones below."""
        below: Floats = self._inputs[None, :, tile.start : tile.stop]
        for matrix, buffer in zip(matrices[:-1], buffers.layers, strict=True):
            above = buffer[: len(matrix), :, : tile.stop - tile.start]
            units = above[:, :-1]
            np.matmul(matrix, below, out=units)
            self.network.activation.forward(units)
            below = above
        return below

    def _each_chunk(self, count: int, work: Callable[[int, int, _Buffers], None]) -> None:
        starts = range(0, count, self.chunk)

        def one(start: int) -> None:
            buffers = self._buffers.get()
            try:
                with np.errstate(over="ignore", invalid="ignore"):  # a far corner may overflow: it shows as inf
                    work(start, min(start + self.chunk, count), buffers)
            finally:
                self._buffers.put(buffers)

        with one_blas_thread:
            if self.threads == 1 or len(starts) == 1:
                for start in starts:
                    one(start)
            else:
                with ThreadPoolExecutor(self.threads) as pool:
                    list(pool.map(one, starts))


class _Buffers:
    """Room for one chunk's activations: ``[B, width + 1, N]`` a hidden layer, the last row ones for good."""

    def __init__(self, layers: tuple[int, ...], models: int, points: int) -> None:
        self.layers = [np.ones((models, width + 1, points), np.float32) for width in layers[1:-1]]


def softmax(logits: Floats) -> Floats:
    """Probabilities ``[B, K, N]`` of logits ``[B, K, N]``, over the classes."""
    shifted: Floats = np.exp(logits - logits.max(axis=1, keepdims=True))
    shifted /= shifted.sum(axis=1, keepdims=True)
    return shifted


def _cross_entropy_sums(matrix: Floats, hidden: Floats, label: int) -> Floats:
    """Sum of the cross-entropies ``[B]`` over columns that all belong to class ``label``.

    With logits relative to the true class, d_k = z_k - z_label, the loss is log(1 + Σ_{k≠label} exp d_k), computed as
    M + log1p(Σ exp(d_k - M) + expm1(-M)), M = max(0, max_k d_k): nothing overflows, and small losses keep all their
    digits. For two classes that is max(d, 0) + log1p(exp(-|d|)).
    """
    others = np.delete(matrix, label, axis=1) - matrix[:, label : label + 1]
    relative = others @ hidden
    if relative.shape[1] == 1:
        loss = np.abs(relative)
        np.negative(loss, out=loss)
        np.exp(loss, out=loss)
        _log1p(loss)
        loss += np.maximum(relative, 0.0, out=relative)
    else:
        most = np.maximum(relative.max(axis=1, keepdims=True), 0.0)
        relative -= most
        np.exp(relative, out=relative)
        loss = relative.sum(axis=1, keepdims=True) + np.expm1(-most)
        _log1p(loss)
        loss += most
    sums: Floats = loss.sum(axis=(1, 2))
    return sums


def _log1p(x: Floats) -> None:
    """Overwrite x ≥ 0 with log(1 + x), to 3e-7 relative: three times as fast as ``np.log1p`` where that is no SIMD.

    With u = fl(1 + x), log(1 + x) = log(u) + (x - (u - 1)) / u: the second term gives back what rounding u lost
    (Goldberg 1991, "What every computer scientist should know about floating-point arithmetic", theorem 4).
    """
    u = x + np.float32(1)
    x -= u - np.float32(1)
    x /= u
    x += np.log(u, out=u)


def _tiles(count: int, labels: Integers | None) -> Iterator[Tile]:
    for start in range(0, count, _MOST_POINTS):
        stop = min(start + _MOST_POINTS, count)
        yield Tile(start, stop, () if labels is None else tuple(_runs(labels[start:stop])))


def _runs(labels: Integers) -> Iterator[tuple[int, slice]]:
    edges = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
    for start, stop in pairwise(edges):
        yield int(labels[start]), slice(start, stop)


class _OneBlasThread:
    """Holds BLAS to one thread while anybody wants it; the last one to leave gives the threads back.

    The limit belongs to the whole process, so that two evaluators on two threads must not undo each other's.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._controller: ThreadpoolController | None = None
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._holders == 0:
                self._controller = self._controller or ThreadpoolController()
                self._limit = self._controller.limit(limits=1, user_api="blas")
            self._holders += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._holders -= 1
            if self._holders == 0:
                self._limit.restore_original_limits()


#: ``with one_blas_thread:`` the threads are the engine's own.
one_blas_thread = _OneBlasThread()

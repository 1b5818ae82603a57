"""The NumPy kernel of the engine. It takes little more time than its matrix products and activations.

It evaluates a chunk of B models with one product per layer: ``matrices [B, out, in+1] @ activations [B, in+1, N]``. The
last column of each matrix is the bias, and the last row of the activations is ones. Results are written into buffers
that stay in the cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from lossatlas.arrays import Float32, Floats
from lossatlas.networks import Network

#: Multiplications and additions of one chunk. A chunk takes about twenty calls of NumPy, and threads exchange the GIL
#: at each call, so a chunk needs this much work to be worth them.
_CHUNK_WORK = 20_000_000
#: Bytes of the activations of one layer and chunk. The first number fits into the second-level cache together with the
#: previous layer; chunks with too little work may be larger, up to the second number.
_CACHED_BYTES, _MOST_BYTES = 1024 * 1024, 2304 * 1024
_MOST_MODELS = 64
_MOST_POINTS = 2048


@dataclass(frozen=True)
class Tile:
    """A range of inputs that is evaluated at once: columns ``start:stop``, and the slice of each class in them."""

    start: int
    stop: int
    classes: tuple[tuple[int, slice], ...]


class NumpyKernel:
    """Evaluates chunks of models of one network on the same inputs, on the calling thread.

    Only one thread may use it at a time, because it has buffers. The result of a model does not depend on the other
    models in its chunk.

    Parameters
    ----------
    network
        The network that all models share.
    inputs
        Inputs ``[features, N]``, of any real dtype.
    runs
        ``(class, start, stop)`` of each range of columns with the same true class. Only losses need them.
    """

    def __init__(self, network: Network, inputs: Floats, runs: Sequence[tuple[int, int, int]] | None = None) -> None:
        self.network, self.count = network, inputs.shape[1]
        self._inputs = np.vstack([inputs, np.ones(self.count)]).astype(np.float32)
        classes = range(network.class_count)
        self._others = [[k for k in classes if k != label] for label in classes]
        self._tiles = list(_make_tiles(self.count, runs or ()))
        columns = max(tile.stop - tile.start for tile in self._tiles)
        #: How many models the kernel takes at a time.
        self.chunk = _choose_chunk(network, columns)
        # One buffer [B, width + 1, N] for each hidden layer; its last row is always ones. Every other layer of the same
        # width shares its buffer, so that fewer bytes have to stay in the cache.
        shared: dict[tuple[int, int], Float32] = {}
        self._buffers = [
            shared.setdefault((width, layer % 2), np.ones((self.chunk, width + 1, columns), np.float32))
            for layer, width in enumerate(network.layers[1:-1])
        ]
        self._skips = [network.has_skip(layer) for layer in range(len(self._buffers))]
        self._relative = np.empty((self.chunk, network.class_count - 1, columns), np.float32)

    def losses(self, packed: Floats) -> Float32:
        """Compute the mean cross-entropy ``[B]`` in nats of at most :attr:`chunk` packed models ``[B, P]``."""
        models = np.asarray(packed, np.float32)
        total = np.zeros(len(models))
        with np.errstate(over="ignore", invalid="ignore"):  # models far away may overflow: their loss is inf
            for tile in self._tiles:
                total += _sum_cross_entropies(self._compute_relative_logits(models, tile))
            if np.isnan(total).any():  # NaN comes from inf - inf, unless a parameter is NaN
                total[np.isnan(total) & ~np.isnan(models).any(axis=1)] = np.inf
            means: Float32 = (total / self.count).astype(np.float32)
        return means

    def logits(self, packed: Floats) -> Float32:
        """Compute the logits ``[B, K, N]`` float32 of at most :attr:`chunk` packed models ``[B, P]``."""
        matrices = self.network.matrices(np.asarray(packed, np.float32))
        result = np.empty((len(packed), self.network.class_count, self.count), np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            for tile in self._tiles:
                np.matmul(matrices[-1], self._compute_hidden(matrices, tile), out=result[:, :, tile.start : tile.stop])
        return result

    def _compute_relative_logits(self, models: Floats, tile: Tile) -> Floats:
        """Compute logits relative to the true class, d_k = z_k - z_true for each k ≠ true: ``[B, K - 1, columns]``."""
        matrices = self.network.matrices(models)
        hidden, last = self._compute_hidden(matrices, tile), matrices[-1]
        relative = self._relative[: len(models), :, : tile.stop - tile.start]
        for label, columns in tile.classes:
            others = last[:, self._others[label]] - last[:, label : label + 1]
            np.matmul(others, hidden[:, :, columns], out=relative[:, :, columns])
        return relative

    def _compute_hidden(self, matrices: list[Floats], tile: Tile) -> Floats:
        """Compute the inputs of the last layer, ``[B, width + 1, columns]``; their last row is ones."""
        below: Floats = self._inputs[None, :, tile.start : tile.stop]
        for matrix, buffer, skip in zip(matrices[:-1], self._buffers, self._skips, strict=True):
            above = buffer[: len(matrix), :, : tile.stop - tile.start]
            units = above[:, :-1]
            np.matmul(matrix, below, out=units)
            self.network.activation.forward(units)
            if skip:
                units += below[:, :-1]
            below = above
        return below


def _sum_cross_entropies(relative: Floats) -> Floats:
    """Sum the cross-entropies over the columns.

    With logits relative to the true class, d_k = z_k - z_true, the loss is log(1 + Σ_{k≠true} exp d_k). It is computed
    as M + log1p(Σ exp(d_k - M) + expm1(-M)) with M = max(0, max_k d_k), so that nothing overflows and small losses keep
    all their digits. For two classes, this is max(d, 0) + log1p(exp(-|d|)).

    Parameters
    ----------
    relative
        Relative logits ``[B, K - 1, N]`` float32; they are overwritten.

    Returns
    -------
    Floats
        Sums ``[B]`` float32.
    """
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
    """Overwrite x ≥ 0 (any shape, float32) with log(1 + x), to a relative error of 3e-7.

    NumPy's log1p is used if it has SIMD; otherwise the following is three times as fast. With u = fl(1 + x),
    log(1 + x) = log(u) + (x - (u - 1)) / u, where the second term corrects the rounding of u (Goldberg 1991, "What
    every computer scientist should know about floating-point arithmetic", theorem 4).
    """
    if numpy_has_avx512():
        np.log1p(x, out=x)
        return
    u = x + np.float32(1)
    x -= u - np.float32(1)
    x /= u
    x += np.log(u, out=u)


@cache
def numpy_has_avx512() -> bool:
    """Return whether NumPy computes float32 tanh and log1p with AVX-512, which is about ten times as fast."""
    [found] = np.lib.introspect.opt_func_info(func_name="^tanh$", signature="float32")["tanh"].values()
    return any(level in found["current"] for level in ("AVX512", "X86_V4"))


def _choose_chunk(network: Network, columns: int) -> int:
    """Choose how many models to evaluate at once, given the number of inputs."""
    size = 4 * columns * (max(network.layers[1:]) + 1)
    wanted = _CHUNK_WORK // (2 * columns * network.parameter_count)
    return min(max(wanted, _CACHED_BYTES // size, 1), max(_MOST_BYTES // size, 1), _MOST_MODELS)


def _make_tiles(count: int, runs: Sequence[tuple[int, int, int]]) -> Iterator[Tile]:
    for start in range(0, count, _MOST_POINTS):
        stop = min(start + _MOST_POINTS, count)
        within = [(label, max(first, start), min(last, stop)) for label, first, last in runs]
        classes = tuple((label, slice(first - start, last - start)) for label, first, last in within if first < last)
        yield Tile(start, stop, classes)

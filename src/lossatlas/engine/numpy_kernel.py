"""The batched network in NumPy: close to what its matrix products and activations take.

A chunk of B models is evaluated as one: ``matrices [B, out, in+1] @ activations [B, in+1, N]``, the bias being the last
column of each matrix and the last row of the activations being ones, written in place into buffers that stay in cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from lossatlas.arrays import Float32, Floats
from lossatlas.networks import Network

#: Multiplications and additions of one chunk that are worth the twenty or so calls of NumPy it takes: most of all with
#: threads, which hand the GIL to and fro at each.
_CHUNK_WORK = 20_000_000
#: Activations of one layer and chunk, in bytes: what a second-level cache holds with the layer before it, if that is
#: work enough; and more than a share of the third-level one would be too much.
_CACHED_BYTES, _MOST_BYTES = 1024 * 1024, 2304 * 1024
_MOST_MODELS = 64
_MOST_POINTS = 2048


@dataclass(frozen=True)
class Tile:
    """A run of inputs that is evaluated at once: columns ``start:stop``, and where each class lies among them."""

    start: int
    stop: int
    classes: tuple[tuple[int, slice], ...]


class NumpyKernel:
    """Evaluates chunks of models of one network on the same inputs, on the calling thread.

    Its buffers make it good for one thread at a time. A model's result does not depend on the others in its chunk.

    Parameters
    ----------
    network
        The network all models share.
    inputs
        Inputs ``[features, N]``.
    runs
        ``(class, start, stop)`` of each run of columns of one true class; none where only logits are wanted.
    """

    def __init__(self, network: Network, inputs: Floats, runs: Sequence[tuple[int, int, int]] | None = None) -> None:
        self.network, self.count = network, inputs.shape[1]
        self._inputs = np.vstack([inputs, np.ones(self.count)]).astype(np.float32)
        classes = range(network.class_count)
        self._others = [[k for k in classes if k != label] for label in classes]
        self._tiles = list(_tiles(self.count, runs or ()))
        columns = max(tile.stop - tile.start for tile in self._tiles)
        #: How many models to hand over at a time.
        self.chunk = _chunk(network, columns)
        # [B, width + 1, N] for each hidden layer, the last row ones for good. Every other layer of one width shares its
        # buffer: what is written again and again stays in the cache.
        shared: dict[tuple[int, int], Float32] = {}
        self._buffers = [
            shared.setdefault((width, layer % 2), np.ones((self.chunk, width + 1, columns), np.float32))
            for layer, width in enumerate(network.layers[1:-1])
        ]
        self._skips = [network.has_skip(layer) for layer in range(len(self._buffers))]
        self._relative = np.empty((self.chunk, network.class_count - 1, columns), np.float32)

    def losses(self, packed: Floats) -> Float32:
        """Mean cross-entropy ``[B]`` of at most :attr:`chunk` packed models ``[B, P]``, in nats; inf on overflow."""
        models = np.asarray(packed, np.float32)
        total = np.zeros(len(models))
        with np.errstate(over="ignore", invalid="ignore"):  # a far corner may overflow: it shows as inf
            for tile in self._tiles:
                total += _cross_entropy_sums(self._relative_logits(models, tile))
            if np.isnan(total).any():  # inf - inf, unless a parameter was no number itself
                total[np.isnan(total) & ~np.isnan(models).any(axis=1)] = np.inf
            means: Float32 = (total / self.count).astype(np.float32)
        return means

    def logits(self, packed: Floats) -> Float32:
        """Logits ``[B, K, N]`` of at most :attr:`chunk` packed models ``[B, P]``."""
        matrices = self.network.matrices(np.asarray(packed, np.float32))
        result = np.empty((len(packed), self.network.class_count, self.count), np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            for tile in self._tiles:
                np.matmul(matrices[-1], self._hidden(matrices, tile), out=result[:, :, tile.start : tile.stop])
        return result

    def _relative_logits(self, models: Floats, tile: Tile) -> Floats:
        """Logits relative to the true class, d_k = z_k - z_true for each k ≠ true: ``[B, K - 1, columns]``."""
        matrices = self.network.matrices(models)
        hidden, last = self._hidden(matrices, tile), matrices[-1]
        relative = self._relative[: len(models), :, : tile.stop - tile.start]
        for label, columns in tile.classes:
            others = last[:, self._others[label]] - last[:, label : label + 1]
            np.matmul(others, hidden[:, :, columns], out=relative[:, :, columns])
        return relative

    def _hidden(self, matrices: list[Floats], tile: Tile) -> Floats:
        """Activations ``[B, width + 1, columns]`` of the last hidden layer (or the inputs), a row of ones below."""
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


def _cross_entropy_sums(relative: Floats) -> Floats:
    """Sum over columns of the cross-entropies ``[B]``, from relative logits ``[B, K - 1, N]``, which are overwritten.

    With logits relative to the true class, d_k = z_k - z_true, the loss is log(1 + Σ_{k≠true} exp d_k), computed as
    M + log1p(Σ exp(d_k - M) + expm1(-M)), M = max(0, max_k d_k): nothing overflows, and small losses keep all their
    digits. For two classes that is max(d, 0) + log1p(exp(-|d|)).
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
    """Overwrite x ≥ 0 with log(1 + x), to 3e-7 relative: NumPy's own where that is SIMD, else three times as fast.

    With u = fl(1 + x), log(1 + x) = log(u) + (x - (u - 1)) / u: the second term gives back what rounding u lost
    (Goldberg 1991, "What every computer scientist should know about floating-point arithmetic", theorem 4).
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
    """Whether NumPy runs float32 tanh and log1p with AVX-512 (X86_V4 and up): some ten times as fast as without."""
    [found] = np.lib.introspect.opt_func_info(func_name="^tanh$", signature="float32")["tanh"].values()
    return any(level in found["current"] for level in ("AVX512", "X86_V4"))


def _chunk(network: Network, columns: int) -> int:
    """How many models to evaluate at once, given the number of inputs."""
    size = 4 * columns * (max(network.layers[1:]) + 1)
    wanted = _CHUNK_WORK // (2 * columns * network.parameter_count)
    return min(max(wanted, _CACHED_BYTES // size, 1), max(_MOST_BYTES // size, 1), _MOST_MODELS)


def _tiles(count: int, runs: Sequence[tuple[int, int, int]]) -> Iterator[Tile]:
    for start in range(0, count, _MOST_POINTS):
        stop = min(start + _MOST_POINTS, count)
        within = [(label, max(first, start), min(last, stop)) for label, first, last in runs]
        classes = tuple((label, slice(first - start, last - start)) for label, first, last in within if first < last)
        yield Tile(start, stop, classes)

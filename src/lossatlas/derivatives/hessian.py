"""Hessian of the loss: exact products with vectors, and the whole matrix, both written out.

Products follow Pearlmutter (1994, "Fast exact multiplication by the Hessian", Neural Computation 6:147-160). His
operator R{x} is the change of x as theta moves along v: ∂x(theta + r·v)/∂r at r = 0. It obeys the rules of
differentiation, and R{∇L} = H v. So a product takes about as long as two gradients, whatever P.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np

from lossatlas.arrays import AnyArray, Float64, Floats, Integers
from lossatlas.derivatives.gradient import append_ones
from lossatlas.engine import softmax
from lossatlas.errors import LossAtlasError
from lossatlas.networks import Network

#: What a chunk of vectors may take while it is multiplied, in bytes: about what the second-level cache holds.
_CHUNK_BYTES = 2 * 1024 * 1024
#: Numbers per unit and point that multiplying one vector takes: R{Z}, R{H}, R{ε}, R{δ} and what is in between.
_NUMBERS_PER_UNIT = 6


def hessian_products(network: Network, packed: Floats, vectors: Floats, points: Floats, labels: Integers) -> Floats:
    """Products ``H v`` of the Hessian of the mean cross-entropy with vectors.

    Parameters
    ----------
    network
        The network all models share.
    packed
        ``[B, P]``, in the order of :meth:`Network.pack`; its dtype is the dtype of the computation. One model alone,
        ``[1, P]``, is multiplied with every vector, and goes forward and backward only once.
    vectors
        ``[B, P]``, or ``[V, P]`` where there is one model, in packed order.
    points, labels
        Inputs ``[N, features]`` and true classes ``[N]``.

    Returns
    -------
    Products ``[B, P]`` or ``[V, P]``, in packed order, of the dtype of ``packed``; not finite where theta is not, or
    where the dtype overflows. Memory stays bounded however many vectors there are.

    Raises
    ------
    LossAtlasError
        The models or the vectors do not fit.
    """
    if vectors.shape != (len(vectors), network.parameter_count) or len(packed) not in (1, len(vectors)):
        raise LossAtlasError(
            f"models {list(packed.shape)} and vectors {list(vectors.shape)} do not fit each other; "
            f"this network has {network.parameter_count} parameters"
        )
    result = np.empty(vectors.shape, packed.dtype)
    chunks = list(pairwise(chunk_edges(len(vectors), vectors_at_once(network, len(points), packed.itemsize))))
    if len(packed) == 1:
        hessian = Hessians(network, packed, points, labels)
        for start, stop in chunks:
            result[start:stop] = hessian.products(vectors[start:stop])
    else:
        for start, stop in chunks:
            hessians = Hessians(network, packed[start:stop], points, labels)
            result[start:stop] = hessians.products(vectors[start:stop])
    return result


def dense_hessian(network: Network, theta: Floats, points: Floats, labels: Integers) -> Float64:
    """Hessian ``[P, P]`` float64 of the mean cross-entropy of one model ``[P]``, in theta's order; exactly symmetric.

    Not finite where theta is not, or where float64 overflows.

    Notes
    -----
    theta meets a point only through the pre-activations Z_l = W_l A_{l-1}: to move the weight [i, j] of layer l by 1 is
    to move unit i of Z_l by A_{l-1}[j]. So P unit vectors need no more than one R-pass for each *unit*; with R_i for
    unit i of Z_l moved by 1 at every point n, the block of layers l ≤ m is

    ∂²L/∂W_l[i,j]∂W_m[k,q] = Σ_n A_{l-1}[j,n] (R_i{δ_m}[k,n] A_{m-1}[q,n] + δ_m[k,n] R_i{A_{m-1}}[q,n]).
    """
    hessians = Hessians(network, network.pack(np.asarray(theta, np.float64))[None], points, labels)
    packed = hessians.dense()
    return network.unpack(network.unpack(packed).T).astype(np.float64, copy=False)


def vectors_at_once(network: Network, points: int, itemsize: int = 8) -> int:
    """How many vectors (or models) to multiply at a time, so that what is in between stays in cache."""
    units = sum(network.layers[1:])
    return max(1, _CHUNK_BYTES // (_NUMBERS_PER_UNIT * units * points * itemsize))


def chunk_edges(count: int, most: int) -> list[int]:
    """Edges of chunks of ``most`` at most."""
    return [*range(0, count, most), count]


class Hessians:
    """The Hessians of a few models at one place each: what every product with them shares, computed once.

    Parameters
    ----------
    network
        The network all models share.
    packed
        ``[B, P]``, in packed order; its dtype is the dtype of the computation.
    points, labels
        Inputs ``[N, features]`` and true classes ``[N]``.

    Notes
    -----
    Forward, with A_l the activations H_l over a row of ones: Z_l = W_l A_{l-1}, H_l = f(Z_l), plus H_{l-1} where layer
    l has a skip. Backward, with p = softmax(Z_L) and ε_l = ∂L/∂H_l: δ_L = (p - onehot) / N, ε_{l-1} = W_lᵀ δ_l without
    its last row, plus ε_l where layer l has a skip, δ_l = ε_l ⊙ f'(Z_l).
    """

    def __init__(self, network: Network, packed: Floats, points: Floats, labels: Integers) -> None:
        self.network, self._count = network, len(points)
        self._matrices = network.matrices(packed)
        with np.errstate(over="ignore", invalid="ignore"):  # a model may be anywhere: what is not finite shows as such
            inputs = np.broadcast_to(points.T[None], (len(packed), *points.T.shape)).astype(packed.dtype)
            self._forward(inputs)
            self._probabilities[~np.isfinite(packed).all(axis=1)] = np.nan  # a saturated unit might hide it
            self._backward(labels)

    def _forward(self, inputs: Floats) -> None:
        network = self.network
        #: A_{l-1}, what each layer is given; f'(Z_l) and f''(Z_l) of the hidden ones; p
        self._given: list[Floats] = [append_ones(inputs)]
        self._slopes: list[Floats] = []
        self._bends: list[Floats] = []
        for layer, matrix in enumerate(self._matrices[:-1]):
            z = matrix @ self._given[layer]
            above = append_ones(z)
            units = above[:, :-1]
            network.activation.forward(units)
            self._slopes.append(network.activation.derivative(z, units))
            self._bends.append(network.activation.second_derivative(z, units))
            if network.has_skip(layer):
                units += self._given[layer][:, :-1]
            self._given.append(above)
        self._probabilities = softmax(self._matrices[-1] @ self._given[-1])

    def _backward(self, labels: Integers) -> None:
        """Keep δ_l for every layer, and turn f''(Z_l) into ε_l ⊙ f''(Z_l)."""
        delta = self._probabilities.copy()
        delta[:, labels, np.arange(self._count)] -= 1.0
        delta /= self._count
        self._deltas = [delta]
        above = delta  # of no layer yet: no skip leads into the last one
        for layer in range(len(self._matrices) - 1, 0, -1):
            epsilon = _weights(self._matrices[layer]).swapaxes(1, 2) @ self._deltas[0]
            if self.network.has_skip(layer):
                epsilon += above
            self._deltas.insert(0, epsilon * self._slopes[layer - 1])
            self._bends[layer - 1] *= epsilon
            above = epsilon

    def select(self, models: AnyArray) -> Hessians:
        """The Hessians of some of the models, by index or mask ``[B]``."""
        chosen = object.__new__(Hessians)
        chosen.network, chosen._count = self.network, self._count
        chosen._probabilities = self._probabilities[models]
        for name in ("_matrices", "_given", "_slopes", "_bends", "_deltas"):
            setattr(chosen, name, [array[models] for array in getattr(self, name)])
        return chosen

    def products(self, vectors: Floats) -> Floats:
        """``H v`` for one vector a model, ``[B, P]``, or for any ``[V, P]`` where there is one model; in packed order.

        Notes
        -----
        With V_l the vector's matrices: R{Z_l} = V_l A_{l-1} + W_l R{A_{l-1}}, R{A_l} = f'(Z_l) ⊙ R{Z_l} over zeros,
        R{δ_L} = p ⊙ (R{Z_L} - Σ_k p_k R{Z_L}_k) / N, R{∂L/∂W_l} = R{δ_l} A_{l-1}ᵀ + δ_l R{A_{l-1}}ᵀ,
        R{ε_{l-1}} = V_lᵀ δ_l + W_lᵀ R{δ_l}, R{δ_l} = R{ε_l} ⊙ f'(Z_l) + ε_l ⊙ f''(Z_l) ⊙ R{Z_l}, and skips as above.
        """
        changes = self.network.matrices(vectors.astype(self._probabilities.dtype, copy=False))
        result = np.empty(vectors.shape, self._probabilities.dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            direct = {layer: change @ self._given[layer] for layer, change in enumerate(changes)}
            moved_z, moved_h = self._move_forward(0, direct)
            direct = {
                layer: _weights(change).swapaxes(1, 2) @ self._deltas[layer]
                for layer, change in enumerate(changes)
                if layer
            }
            for layer, moved_delta in self._move_backward(0, moved_z, direct):
                gradient = self.network.matrices(result)[layer]
                np.matmul(moved_delta, self._given[layer].swapaxes(1, 2), out=gradient)
                if layer:
                    _weights(gradient)[...] += self._deltas[layer] @ moved_h[layer - 1].swapaxes(1, 2)
        return result

    def dense(self) -> Floats:
        """The Hessian ``[P, P]`` of one model, in packed order, exactly symmetric: see :func:`dense_hessian`."""
        parameters, edges = self.network.parameter_count, [0]
        for matrix in self._matrices:
            edges.append(edges[-1] + matrix[0].size)
        result = np.empty((parameters, parameters), self._probabilities.dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            for layer, start, stop in self._unit_chunks():
                fan_in = self._matrices[layer].shape[2]
                rows = slice(edges[layer] + start * fan_in, edges[layer] + stop * fan_in)
                for above, block in self._blocks(layer, start, stop):
                    result[rows, edges[above] : edges[above + 1]] = block
        for start, stop in pairwise(edges):
            result[stop:, start:stop] = result[start:stop, stop:].T
            within = result[start:stop, start:stop]
            within[...] = (within + within.T) / 2  # the two halves were summed in another order
        return result

    def trace(self) -> float:
        """Trace of the Hessian of one model, exactly: Σ_l Σ_i Σ_n R_i{δ_l}[i,n] Σ_j A_{l-1}[j,n]², a pass a unit."""
        total = 0.0
        with np.errstate(over="ignore", invalid="ignore"):
            for layer, start, stop in self._unit_chunks():
                moved_z, _ = self._move_forward(layer, {layer: self._units(layer, start, stop)})
                *_, (_, moved_delta) = self._move_backward(layer, moved_z, {})
                own = moved_delta[np.arange(stop - start), np.arange(start, stop)]
                total += float((own * np.square(self._given[layer][0]).sum(axis=0)).sum())
        return total

    def _blocks(self, layer: int, start: int, stop: int) -> Iterator[tuple[int, Floats]]:
        """Rows of units ``start:stop`` of a layer: ``(m, [rows, columns of layer m])`` for it and the layers above."""
        moved_z, moved_h = self._move_forward(layer, {layer: self._units(layer, start, stop)})
        given = self._given[layer][0]
        for above, moved_delta in self._move_backward(layer, moved_z, {}):
            block = _triple_products(given, moved_delta, self._given[above][0].T)
            if above > layer:
                weighted = (given[:, None] * self._deltas[above][0]).reshape(-1, self._count)
                products = weighted @ moved_h[above - 1].swapaxes(1, 2)
                block[..., :-1] += products.reshape(*block.shape[:-1], -1)
            yield above, block.reshape((stop - start) * len(given), -1)

    def _unit_chunks(self) -> Iterator[tuple[int, int, int]]:
        """``(layer, start, stop)`` of units to move at a time."""
        at_once = vectors_at_once(self.network, self._count)
        for layer, matrix in enumerate(self._matrices):
            yield from ((layer, *edges) for edges in pairwise(chunk_edges(matrix.shape[1], at_once)))

    def _units(self, layer: int, start: int, stop: int) -> Floats:
        """Z of a layer moved by 1 in one of its units ``start:stop``, at every point: ``[stop - start, out, 1]``."""
        return np.eye(stop - start, self._matrices[layer].shape[1], start, self._probabilities.dtype)[..., None]

    def _move_forward(self, first: int, direct: Mapping[int, Floats]) -> tuple[dict[int, Floats], dict[int, Floats]]:
        """R{Z_l} and R{H_l} from the ``first`` layer up, Z_l being moved by ``direct[l]`` and by the layers below."""
        moved_z: dict[int, Floats] = {}
        moved_h: dict[int, Floats] = {}
        for layer in range(first, len(self._matrices)):
            moves = [direct[layer]] if layer in direct else []
            if layer > first:
                moves.append(_weights(self._matrices[layer]) @ moved_h[layer - 1])
            moved_z[layer] = _sum(moves)
            if layer < len(self._matrices) - 1:
                moved_h[layer] = self._slopes[layer] * moved_z[layer]
                if self.network.has_skip(layer) and layer > first:
                    moved_h[layer] += moved_h[layer - 1]
        return moved_z, moved_h

    def _move_backward(
        self, first: int, moved_z: Mapping[int, Floats], direct: Mapping[int, Floats]
    ) -> Iterator[tuple[int, Floats]]:
        """``(l, R{δ_l})`` down to the ``first`` layer, ε_{l-1} being moved by ``direct[l]`` and by the layers above."""
        last = len(self._matrices) - 1
        p, moved = self._probabilities, moved_z[last]
        delta = p * (moved - (p * moved).sum(axis=1, keepdims=True)) / self._count
        yield last, delta
        epsilon = delta  # of no layer yet: no skip leads into the last one
        for layer in range(last, first, -1):
            moves = [_weights(self._matrices[layer]).swapaxes(1, 2) @ delta]
            if layer in direct:
                moves.append(direct[layer])
            if self.network.has_skip(layer):
                moves.append(epsilon)
            epsilon = _sum(moves)
            delta = epsilon * self._slopes[layer - 1]
            delta += self._bends[layer - 1] * moved_z[layer - 1]
            yield layer - 1, delta


def _sum(arrays: list[Floats]) -> Floats:
    return arrays[0] if len(arrays) == 1 else sum(arrays[1:], start=arrays[0])


def _weights(matrix: Floats) -> Floats:
    """Matrices ``[..., out, in + 1]`` without the bias, their last column."""
    return matrix[..., :-1]


def _triple_products(left: Floats, moved: Floats, right: Floats) -> Floats:
    """Σ_n left[j,n] moved[i,k,n] right[n,q] as ``[i, j, k, q]``, one i at a time."""
    shape = (len(moved), len(left), moved.shape[1], right.shape[1])
    result = np.empty(shape, right.dtype)
    for unit, block in zip(moved, result, strict=True):
        weighted = left[:, None] * unit
        np.matmul(weighted.reshape(-1, len(right)), right, out=block.reshape(-1, right.shape[1]))
    return result

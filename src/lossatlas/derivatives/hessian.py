"""The Hessian of the loss by explicit formulas: exact products with vectors, and the whole matrix.

Products follow Pearlmutter (1994, "Fast exact multiplication by the Hessian", Neural Computation 6:147-160). The
operator R{x} is the change of x when theta moves along v: ∂x(theta + r·v)/∂r at r = 0. It obeys the rules of
differentiation, and R{∇L} = H v. Therefore a product takes about as long as two gradients, for any P.
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

#: The memory in bytes that a chunk of vectors may use while it is multiplied: about the size of the second-level cache.
_CHUNK_BYTES = 2 * 1024 * 1024
#: How many numbers per unit and point one product needs: R{Z}, R{H}, R{ε}, R{δ} and intermediate results.
_NUMBERS_PER_UNIT = 6


def hessian_products(network: Network, packed: Floats, vectors: Floats, points: Floats, labels: Integers) -> Floats:
    """Compute products ``H v`` of the Hessian of the mean cross-entropy with vectors.

    Parameters
    ----------
    network
        The network that all models share.
    packed
        Models ``[B, P]``, in the order of :meth:`Network.pack`. Their dtype is the dtype of the computation. A single
        model ``[1, P]`` is multiplied with every vector, and its forward and backward passes are computed only once.
    vectors
        ``[B, P]``, or ``[V, P]`` if there is one model, of any real dtype, in packed order.
    points, labels
        Inputs ``[N, features]`` of any real dtype, and true classes ``[N]``, integers.

    Returns
    -------
    Floats
        Products ``[B, P]`` or ``[V, P]``, in packed order, of the dtype of ``packed``. They are not finite if theta is
        not finite or if the dtype overflows. The memory that is needed does not depend on the number of vectors.

    Raises
    ------
    LossAtlasError
        If models and vectors do not fit each other or the network.
    """
    if vectors.shape != (len(vectors), network.parameter_count) or len(packed) not in (1, len(vectors)):
        raise LossAtlasError(
            f"models {list(packed.shape)} and vectors {list(vectors.shape)} do not fit each other; "
            f"this network has {network.parameter_count} parameters"
        )
    result = np.empty(vectors.shape, packed.dtype)
    chunks = list(pairwise(find_chunk_edges(len(vectors), choose_chunk(network, len(points), packed.itemsize))))
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
    """Compute the whole Hessian of the mean cross-entropy of one model.

    Parameters
    ----------
    network
        The network.
    theta
        One model ``[P]``, in theta's order, of any real dtype.
    points, labels
        Inputs ``[N, features]`` of any real dtype, and true classes ``[N]``, integers.

    Returns
    -------
    Float64
        The Hessian ``[P, P]`` float64, in theta's order. It is exactly symmetric. It is not finite if theta is not
        finite or if float64 overflows.

    Notes
    -----
    Theta affects a point only through the pre-activations Z_l = W_l A_{l-1}: moving the weight [i, j] of layer l by 1
    moves unit i of Z_l by A_{l-1}[j]. Therefore products with all P unit vectors need only one R-pass for each *unit*.
    Let R_i be the operator for moving unit i of Z_l by 1 at every point n. Then the block of layers l ≤ m is

    ∂²L/∂W_l[i,j]∂W_m[k,q] = Σ_n A_{l-1}[j,n] (R_i{δ_m}[k,n] A_{m-1}[q,n] + δ_m[k,n] R_i{A_{m-1}}[q,n]).
    """
    hessians = Hessians(network, network.pack(np.asarray(theta, np.float64))[None], points, labels)
    packed = hessians.dense()
    return network.unpack(network.unpack(packed).T).astype(np.float64, copy=False)


def choose_chunk(network: Network, points: int, itemsize: int = 8) -> int:
    """Choose how many vectors (or models) to multiply at a time, so that intermediate results stay in the cache."""
    units = sum(network.layers[1:])
    return max(1, _CHUNK_BYTES // (_NUMBERS_PER_UNIT * units * points * itemsize))


def find_chunk_edges(count: int, most: int) -> list[int]:
    """Return the edges of chunks of at most ``most`` items."""
    return [*range(0, count, most), count]


class Hessians:
    """The Hessians of a few models. It computes once what all products with the Hessians share.

    Parameters
    ----------
    network
        The network that all models share.
    packed
        Models ``[B, P]``, in packed order. Their dtype is the dtype of the computation.
    points, labels
        Inputs ``[N, features]`` of any real dtype, and true classes ``[N]``, integers.

    Notes
    -----
    A_l is H_l with a row of ones below. In the forward pass, Z_l = W_l A_{l-1} and H_l = f(Z_l), plus H_{l-1} if layer
    l has a skip. In the backward pass, with p = softmax(Z_L) and ε_l = ∂L/∂H_l, δ_L = (p - onehot) / N,
    ε_{l-1} = W_lᵀ δ_l without its last row, plus ε_l if layer l has a skip, and δ_l = ε_l ⊙ f'(Z_l).
    """

    def __init__(self, network: Network, packed: Floats, points: Floats, labels: Integers) -> None:
        self.network, self._count = network, len(points)
        self._matrices = network.matrices(packed)
        with np.errstate(over="ignore", invalid="ignore"):  # models may be anywhere: results may be inf or NaN
            inputs = np.broadcast_to(points.T[None], (len(packed), *points.T.shape)).astype(packed.dtype)
            self._forward(inputs)
            self._probabilities[~np.isfinite(packed).all(axis=1)] = np.nan  # a saturated unit could hide a NaN
            self._backward(labels)

    def _forward(self, inputs: Floats) -> None:
        network = self.network
        # The inputs A_{l-1} of all layers, f'(Z_l) and f''(Z_l) of the hidden layers, and p
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
        """Compute δ_l for every layer, and turn f''(Z_l) into ε_l ⊙ f''(Z_l)."""
        delta = self._probabilities.copy()
        delta[:, labels, np.arange(self._count)] -= 1.0
        delta /= self._count
        self._deltas = [delta]
        above = delta  # the last layer has no skip, so this value is not used yet
        for layer in range(len(self._matrices) - 1, 0, -1):
            epsilon = _weights(self._matrices[layer]).swapaxes(1, 2) @ self._deltas[0]
            if self.network.has_skip(layer):
                epsilon += above
            self._deltas.insert(0, epsilon * self._slopes[layer - 1])
            self._bends[layer - 1] *= epsilon
            above = epsilon

    def select(self, models: AnyArray) -> Hessians:
        """Return the Hessians of some of the models. ``models`` holds their indices, or is a mask ``[B]`` bool."""
        chosen = object.__new__(Hessians)
        chosen.network, chosen._count = self.network, self._count
        chosen._probabilities = self._probabilities[models]
        for name in ("_matrices", "_given", "_slopes", "_bends", "_deltas"):
            setattr(chosen, name, [array[models] for array in getattr(self, name)])
        return chosen

    def products(self, vectors: Floats) -> Floats:
        """Compute products ``H v``.

        Parameters
        ----------
        vectors
            One vector per model, ``[B, P]``, or any number of vectors ``[V, P]`` for a single model; in packed order.

        Returns
        -------
        Floats
            Products of the shape of ``vectors``, in packed order, of the dtype of the models.

        Notes
        -----
        V_l are the matrices of the vector. R{Z_l} = V_l A_{l-1} + W_l R{A_{l-1}}, R{A_l} = f'(Z_l) ⊙ R{Z_l} with a row
        of zeros below, R{δ_L} = p ⊙ (R{Z_L} - Σ_k p_k R{Z_L}_k) / N, R{∂L/∂W_l} = R{δ_l} A_{l-1}ᵀ + δ_l R{A_{l-1}}ᵀ,
        R{ε_{l-1}} = V_lᵀ δ_l + W_lᵀ R{δ_l}, R{δ_l} = R{ε_l} ⊙ f'(Z_l) + ε_l ⊙ f''(Z_l) ⊙ R{Z_l}. Skips add the same
        terms as in the class's notes.
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
        """Compute the Hessian ``[P, P]`` of a single model, in packed order, as :func:`dense_hessian` describes it."""
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
            within[...] = (within + within.T) / 2  # the two halves were summed in different orders
        return result

    def trace(self) -> float:
        """Compute the exact trace of the Hessian of a single model, Σ_l Σ_i Σ_n R_i{δ_l}[i,n] Σ_j A_{l-1}[j,n]²."""
        total = 0.0
        with np.errstate(over="ignore", invalid="ignore"):
            for layer, start, stop in self._unit_chunks():
                moved_z, _ = self._move_forward(layer, {layer: self._units(layer, start, stop)})
                *_, (_, moved_delta) = self._move_backward(layer, moved_z, {})
                own = moved_delta[np.arange(stop - start), np.arange(start, stop)]
                total += float((own * np.square(self._given[layer][0]).sum(axis=0)).sum())
        return total

    def _blocks(self, layer: int, start: int, stop: int) -> Iterator[tuple[int, Floats]]:
        """Yield ``(m, block)`` for this layer and all layers m above: the rows of units ``start:stop``."""
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
        """Yield ``(layer, start, stop)`` for each chunk of units that are moved at a time."""
        at_once = choose_chunk(self.network, self._count)
        for layer, matrix in enumerate(self._matrices):
            yield from ((layer, *edges) for edges in pairwise(find_chunk_edges(matrix.shape[1], at_once)))

    def _units(self, layer: int, start: int, stop: int) -> Floats:
        """Return moves of Z by 1 for each of the units ``start:stop``, at every point: ``[stop - start, out, 1]``."""
        return np.eye(stop - start, self._matrices[layer].shape[1], start, self._probabilities.dtype)[..., None]

    def _move_forward(self, first: int, direct: Mapping[int, Floats]) -> tuple[dict[int, Floats], dict[int, Floats]]:
        """Compute R{Z_l} and R{H_l} from the ``first`` layer up. ``direct[l]`` and the layers below move Z_l."""
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
        """Yield ``(l, R{δ_l})`` down to the ``first`` layer. ``direct[l]`` and the layers above move ε_{l-1}."""
        last = len(self._matrices) - 1
        p, moved = self._probabilities, moved_z[last]
        delta = p * (moved - (p * moved).sum(axis=1, keepdims=True)) / self._count
        yield last, delta
        epsilon = delta  # the last layer has no skip, so this value is not used yet
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
    """Return matrices ``[..., out, in + 1]`` without their last column, which is the bias."""
    return matrix[..., :-1]


def _triple_products(left: Floats, moved: Floats, right: Floats) -> Floats:
    """Compute Σ_n left[j,n] moved[i,k,n] right[n,q] as ``[i, j, k, q]``, one i at a time."""
    shape = (len(moved), len(left), moved.shape[1], right.shape[1])
    result = np.empty(shape, right.dtype)
    for unit, block in zip(moved, result, strict=True):
        weighted = left[:, None] * unit
        np.matmul(weighted.reshape(-1, len(right)), right, out=block.reshape(-1, right.shape[1]))
    return result

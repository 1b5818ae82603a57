"""Computes the gradient of the loss for a batch of models by explicit backpropagation (Rumelhart et al. 1986)."""

from __future__ import annotations

import numpy as np

from lossatlas.arrays import Floats, Integers
from lossatlas.engine import softmax
from lossatlas.networks import Network


def gradients(network: Network, packed: Floats, points: Floats, labels: Integers) -> Floats:
    """Compute the gradient of the mean cross-entropy with respect to packed parameters.

    Parameters
    ----------
    network
        The network that all models share.
    packed
        Models ``[B, P]``, in the order of :meth:`Network.pack`. Their dtype is the dtype of the computation.
    points, labels
        Inputs ``[N, features]`` of any real dtype, and true classes ``[N]``, integers.

    Returns
    -------
    Floats
        Gradients ``[B, P]``, in packed order, of the dtype of ``packed``.

    Notes
    -----
    H_l is the output of layer l, A_l is H_l with a row of ones below, Z_l = W_l A_{l-1}, g_l = ∂L/∂H_l and
    δ_l = ∂L/∂Z_l. Then δ_L = g_L = (softmax(Z_L) - onehot) / N, ∂L/∂W_l = δ_l A_{l-1}ᵀ, g_{l-1} = W_lᵀ δ_l without its
    last row, and δ_{l-1} = g_{l-1} ⊙ f'(Z_{l-1}). If layer l has a skip, H_l = f(Z_l) + H_{l-1}, and g_l is added to
    g_{l-1} (He et al. 2016b, eq. 5).
    """
    matrices = network.matrices(packed)
    inputs = append_ones(points.T[None].astype(packed.dtype))
    pre_activations, activations, given = _forward(network, matrices, inputs)
    delta = softmax(pre_activations[-1])
    delta[:, labels, np.arange(len(labels))] -= 1.0
    delta /= len(labels)
    above = delta
    result = np.empty_like(packed)
    for layer in reversed(range(len(matrices))):
        network.matrices(result)[layer][...] = delta @ given[layer].swapaxes(1, 2)
        if layer:
            below = matrices[layer][:, :, :-1].swapaxes(1, 2) @ delta
            if network.has_skip(layer):
                below += above
            delta = network.activation.derivative(pre_activations[layer - 1], activations[layer - 1])
            delta *= below
            above = below
    return result


def append_ones(values: Floats) -> Floats:
    """Append a row of ones to values ``[B, n, N]``, which gives ``[B, n + 1, N]`` of the same dtype."""
    result = np.ones((values.shape[0], values.shape[1] + 1, values.shape[2]), values.dtype)
    result[:, :-1] = values
    return result


def _forward(
    network: Network, matrices: list[Floats], inputs: Floats
) -> tuple[list[Floats], list[Floats], list[Floats]]:
    """Compute the pre-activations of all layers, the activations of hidden layers, and the inputs of all layers."""
    pre_activations: list[Floats] = []
    activations: list[Floats] = []
    given: list[Floats] = [inputs]
    for layer, matrix in enumerate(matrices):
        pre_activations.append(matrix @ given[-1])
        if len(given) < len(matrices):
            above = append_ones(pre_activations[-1])
            units = above[:, :-1]
            network.activation.forward(units)
            if network.has_skip(layer):
                activations.append(units.copy())  # the derivative needs f(z) without the skip
                units += given[-1][:, :-1]
            else:
                activations.append(units)
            given.append(above)
    return pre_activations, activations, given

"""Loss and gradient of a batch of models, by reverse-mode differentiation written out (Rumelhart et al. 1986)."""

from __future__ import annotations

import numpy as np

from lossatlas.arrays import Floats, Integers
from lossatlas.engine import softmax
from lossatlas.networks import Network


def gradients(network: Network, packed: Floats, points: Floats, labels: Integers) -> Floats:
    """Gradient of the mean cross-entropy with respect to packed parameters.

    Parameters
    ----------
    network
        The network all models share.
    packed
        ``[B, P]``, in the order of :meth:`Network.pack`; its dtype is the dtype of the computation.
    points, labels
        Inputs ``[N, features]`` and true classes ``[N]``.

    Returns
    -------
    Gradients ``[B, P]``, in packed order.

    Notes
    -----
    With H_l what layer l gives, A_l the same over a row of ones, Z_l = W_l A_{l-1}, g_l = ∂L/∂H_l and δ_l = ∂L/∂Z_l:
    δ_L = g_L = (softmax(Z_L) - onehot) / N, ∂L/∂W_l = δ_l A_{l-1}ᵀ, g_{l-1} = W_lᵀ δ_l without its last row,
    δ_{l-1} = g_{l-1} ⊙ f'(Z_{l-1}). Where H_l = f(Z_l) + H_{l-1}, g_l is added to g_{l-1} (He et al. 2016b, eq. 5).
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
    """Values ``[B, n, N]`` with a row of ones below: ``[B, n + 1, N]``."""
    result = np.ones((values.shape[0], values.shape[1] + 1, values.shape[2]), values.dtype)
    result[:, :-1] = values
    return result


def _forward(
    network: Network, matrices: list[Floats], inputs: Floats
) -> tuple[list[Floats], list[Floats], list[Floats]]:
    """Pre-activations of each layer, activations of the hidden ones, what each layer was given (over a row of ones)."""
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
                activations.append(units.copy())  # the derivative takes f(z) alone
                units += given[-1][:, :-1]
            else:
                activations.append(units)
            given.append(above)
    return pre_activations, activations, given

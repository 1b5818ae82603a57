"""Random directions at the scale of the network: Li et al. 2018, "Visualizing the loss landscape of neural nets".

A step along a raw random direction means little: a ReLU network can be rescaled layer by layer without changing what
it computes, and the same step then is a larger or a smaller one (section 4). So each part of a direction takes the
length of the same part of theta.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from lossatlas.arrays import Float64, Floats
from lossatlas.networks import ParameterSpace

Normalization = Literal["none", "layer", "filter"]


def normalize(
    network: ParameterSpace, directions: Floats, theta: Floats, normalization: Normalization, biases: bool
) -> Float64:
    """Scale directions ``[D, P]`` part by part to the lengths of the parts of theta ``[P]``.

    ``d_j ← ‖θ_j‖ d_j / ‖d_j‖`` (section 4), where the parts j are, for ``"filter"``, the incoming weights of each unit
    (the paper's filters, for a fully connected layer) and, for ``"layer"``, each layer's weights together; ``"none"``
    leaves directions as they are.

    Parameters
    ----------
    biases
        False, as in the paper's plots: directions leave biases where they are. True: a bias belongs to its unit's (or
        its layer's) part, and is scaled with it.

    Returns
    -------
    ``[D, P]`` float64, in theta's order. A part of length zero, of a direction or of theta, stays zero.
    """
    result = np.array(directions, np.float64)
    if normalization == "none":
        return result
    packed, reference = network.pack(result), network.pack(np.asarray(theta, np.float64))
    scaled = np.zeros_like(packed)
    axes = (-1,) if normalization == "filter" else (-2, -1)
    for parts in zip(*(network.filters(vectors, biases) for vectors in (scaled, packed, reference)), strict=True):
        to, part, meant = parts
        lengths = np.sqrt((part**2).sum(axis=axes, keepdims=True))
        wanted = np.sqrt((meant**2).sum(axis=axes, keepdims=True))
        np.multiply(part, np.divide(wanted, lengths, out=np.zeros_like(lengths), where=lengths > 0), out=to)
    return network.unpack(scaled).astype(np.float64)

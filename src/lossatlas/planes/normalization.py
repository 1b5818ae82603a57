"""Scales random directions to a network (Li et al. 2018, "Visualizing the loss landscape of neural nets").

A step along a raw random direction means little: the layers of a ReLU network can be rescaled without changing its
function, and then the same step is relatively larger or smaller (section 4). Therefore each part of a direction gets
the length of the same part of theta.
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
    """Scale each part of directions to the length of the same part of theta: ``d_j ← ‖θ_j‖ d_j / ‖d_j‖`` (section 4).

    Parameters
    ----------
    network
        The space of the parameters.
    directions
        ``[D, P]``, in theta's order, of any real dtype.
    theta
        The parameters ``[P]`` that give the lengths, of any real dtype.
    normalization
        ``"filter"``: the parts are the incoming weights of each unit, which are the filters of the paper for a fully
        connected layer. ``"layer"``: the parts are the weights of each layer. ``"none"``: nothing is scaled.
    biases
        False, as in the plots of the paper, sets the biases of directions to 0. True makes a bias belong to the part of
        its unit or its layer.

    Returns
    -------
    Float64
        ``[D, P]`` float64, in theta's order. Parts of length zero, in a direction or in theta, become zero.
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

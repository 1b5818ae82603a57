"""Draws the parameters of freshly initialised models, which a function of the caller makes."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np
import torch

from lossatlas.arrays import Float64
from lossatlas.errors import PlaneError
from lossatlas.rng import Stream
from lossatlas.store import Tensor
from lossatlas.torch.parameters import flatten_parameters, layout_of, trained_parameters
from lossatlas.torch.undisturbed import same_random_state


def draw_parameters(
    make: Callable[[], torch.nn.Module] | None, layout: Sequence[Tensor], seed: int, stream: Stream
) -> Float64:
    """Call a function that makes a model, under a seed, and return the parameters ``[P]`` of the model.

    The generators of torch, Python and NumPy are seeded with ``2·seed`` for the first direction of a plane and with
    ``2·seed + 1`` for the second one. They are restored afterwards.

    Returns
    -------
    Float64
        The parameters.

    Raises
    ------
    PlaneError
        If there is no such function, or it makes another model than the recorded one.
    """
    if make is None:
        raise PlaneError(
            "a model alone does not say how it is initialised; use Gaussian directions, or cut this plane later with "
            "lossatlas cut, which takes the function that makes the model, as package.module:factory"
        )
    number = 2 * seed + (stream == Stream.DIRECTION_B)
    with same_random_state():
        torch.manual_seed(number % 2**63)
        random.seed(number)
        np.random.seed(number % 2**32)  # noqa: NPY002 (factories may draw from this one)
        made = make()
    if layout_of(trained_parameters(made)) != tuple(layout):
        raise PlaneError("the factory makes another model at its second call than at its first")
    return flatten_parameters(made).astype(np.float64)

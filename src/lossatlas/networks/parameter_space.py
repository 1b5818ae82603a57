"""The interface to the parameters of a model that planes need. Models of other libraries can implement it, too."""

from __future__ import annotations

from typing import Protocol

from lossatlas.arrays import Float64, Floats
from lossatlas.rng import Stream


class ParameterSpace(Protocol):
    """The space of the parameters of one model: flat vectors theta ``[P]``, and the filters in them.

    :class:`~lossatlas.networks.Network` implements it.
    """

    @property
    def parameter_count(self) -> int:
        """P, the length of theta."""

    def pack(self, theta: Floats) -> Floats:
        """Put theta ``[..., P]`` into packed order, in which losses are computed."""

    def unpack(self, packed: Floats) -> Floats:
        """Put packed parameters ``[..., P]`` back into the order of theta."""

    def filters(self, packed: Floats, biases: bool = False) -> list[Floats]:
        """Return views ``[..., units, inputs]`` of packed vectors ``[..., P]``: the incoming weights of each unit."""

    def draw_initial_theta(self, seed: int, stream: Stream) -> Float64:
        """Draw the parameters ``[P]`` of a freshly initialised model. It raises PlaneError if this is not possible."""

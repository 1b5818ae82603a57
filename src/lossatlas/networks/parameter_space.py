"""What planes need to know of a model's parameters, whatever model it is."""

from __future__ import annotations

from typing import Protocol

from lossatlas.arrays import Floats


class ParameterSpace(Protocol):
    """The space of one model's parameters: flat vectors theta ``[P]``, and the filters in them.

    :class:`~lossatlas.networks.Network` is one, and so is a model of another library.
    """

    @property
    def parameter_count(self) -> int:
        """P, the length of theta."""

    def pack(self, theta: Floats) -> Floats:
        """Bring theta ``[..., P]`` into the order that losses are computed in."""

    def unpack(self, packed: Floats) -> Floats:
        """Undo :meth:`pack`."""

    def filters(self, packed: Floats, biases: bool = False) -> list[Floats]:
        """Give views ``[..., units, inputs]`` into packed vectors: what leads to each unit, with its bias if asked."""

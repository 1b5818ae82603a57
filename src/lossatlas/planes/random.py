"""Planes along two random directions: the parameters of freshly initialised models, or Gaussian noise.

Two random directions in a space of many dimensions are nearly orthogonal, and are not changed. A step of 1 along the
parameters of a fresh model adds a whole untrained network to theta. :attr:`Directions.cosine` gives the exact angle.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from lossatlas.arrays import Float64
from lossatlas.config import Seed
from lossatlas.errors import PlaneError
from lossatlas.networks import ParameterSpace
from lossatlas.planes.normalization import Normalization, normalize
from lossatlas.planes.plane import Directions, Plane, PlaneConfig, Span, Trained
from lossatlas.rng import Draws, Stream

_STREAMS = (Stream.DIRECTION_A, Stream.DIRECTION_B)
_SCALE = {
    "none": "used as they are",
    "layer": "scaled layer by layer to the trained weights",
    "filter": "scaled unit by unit to the trained weights (Li et al. 2018)",
}
_HIDES = (
    "Where training went: of many directions it shows two at random, and the loss bends along them about as much as it "
    "does on average (tr(H)/P)."
)


class RandomPlane(PlaneConfig):
    """The plane along two random directions, which may be normalised."""

    seed: Seed = 0
    """The seed of the two directions."""
    normalization: Normalization = "none"
    """Whether to scale the directions to the trained weights, by unit (``filter``) or by ``layer``."""
    biases: bool = False
    """Whether normalised directions also move the biases."""
    moving: bool = True
    spans: Annotated[tuple[Span, ...], Field(min_length=1, max_length=16)] = (1.0, 0.1, 0.01)
    """Half the sides of the squares of (a, b). The first one is shown first."""

    title: ClassVar[str]
    origin: ClassVar[str]

    @property
    def label(self) -> str:
        """The kind, and the normalisation if there is one."""
        return self.kind if self.normalization == "none" else f"{self.kind}-{self.normalization}"

    @property
    def needs_training(self) -> bool:
        """Whether the directions depend on the training, which is true for normalised directions."""
        return self.normalization != "none"

    @abstractmethod
    def draw_vectors(self, network: ParameterSpace) -> Float64:
        """Draw the raw directions ``[2, P]``."""

    def draw(self, network: ParameterSpace, name: str | None = None) -> Directions:
        """Draw the directions, if they need not be scaled to the trained parameters."""
        if self.needs_training:
            return super().draw(network, name)
        return self._describe(self.draw_vectors(network), name)

    def lay(self, trained: Trained, name: str | None = None) -> Plane:
        """Draw the directions, and scale them to the trained parameters if they are normalised."""
        theta = trained.trajectory.weights[-1]
        raw = self.draw_vectors(trained.network)
        directions = normalize(trained.network, raw, theta, self.normalization, self.biases)
        return self._describe(directions, name).around(theta, trained.frame(None))

    def _describe(self, directions: Float64, name: str | None) -> Directions:
        title = self.title if self.normalization == "none" else f"{self.title}, {self.normalization}-normalised"
        still = "; biases stay where they are"
        if self.biases:  # biases do not scale like the weights of their unit, so a rescaled network looks different
            still = "; biases move too, so networks that compute the same may look different"
        if self.normalization == "none":
            still = ""
        what = f"Two random directions: {self.origin}, {_SCALE[self.normalization]}{still}."
        return Directions(
            name=name or self.label,
            kind=self.kind,
            title=title,
            what=what,
            hides=_HIDES,
            directions=np.ascontiguousarray(directions, np.float32),
            spans=self.spans,
            moving=self.moving,
            normalization=self.normalization,
            seed=self.seed,
        )


class FreshPlane(RandomPlane):
    """The plane along the parameters of two freshly initialised models."""

    kind: Literal["fresh"] = "fresh"
    title: ClassVar[str] = "Fresh models"
    origin: ClassVar[str] = "the parameters of two freshly initialised models"

    def draw_vectors(self, network: ParameterSpace) -> Float64:
        """Draw the initial parameters ``[2, P]`` of two models of this network."""
        first, second = (network.draw_initial_theta(self.seed, stream) for stream in _STREAMS)
        if np.array_equal(first, second):
            raise PlaneError(
                "two freshly initialised models have the same parameters: what makes them must neither seed the random "
                "generators nor load parameters"
            )
        return np.array([first, second])


class GaussianPlane(RandomPlane):
    """The plane along two directions of independent standard normals."""

    kind: Literal["gaussian"] = "gaussian"
    title: ClassVar[str] = "Gaussian"
    origin: ClassVar[str] = "independent standard normals"

    def draw_vectors(self, network: ParameterSpace) -> Float64:
        """Draw a standard normal ``[2, P]`` for every parameter, including biases."""
        return np.array([Draws(self.seed, stream).normal(network.parameter_count) for stream in _STREAMS])

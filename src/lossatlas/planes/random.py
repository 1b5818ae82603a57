"""Two random directions: the parameters of freshly initialised models, or Gaussian noise.

Two random directions in a space of many dimensions are nearly at right angles, and are used as they are: a step of 1
along a fresh model's adds a whole untrained network to theta. The plane says how far from orthonormal it is.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from lossatlas.arrays import Float64
from lossatlas.config import Seed
from lossatlas.errors import PlaneError
from lossatlas.networks import Network, ParameterSpace
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
    """Two random directions, perhaps normalised."""

    seed: Seed = 0
    """Of the two directions."""
    normalization: Normalization = "none"
    """Scale the directions to the trained weights, by unit (``filter``) or by ``layer``."""
    biases: bool = False
    """Whether normalised directions move the biases too."""
    moving: bool = True
    spans: Annotated[tuple[Span, ...], Field(min_length=1, max_length=16)] = (1.0, 0.1, 0.01)
    """Half-sides of the squares of (a, b) to cover, the one to show first being first."""

    title: ClassVar[str]
    origin: ClassVar[str]

    @property
    def label(self) -> str:
        """The kind, and the normalisation where there is one."""
        return self.kind if self.normalization == "none" else f"{self.kind}-{self.normalization}"

    @property
    def needs_training(self) -> bool:
        """Normalised directions take their lengths from the trained parameters."""
        return self.normalization != "none"

    @abstractmethod
    def draw_vectors(self, network: ParameterSpace) -> Float64:
        """Draw the raw directions ``[2, P]``."""

    def draw(self, network: ParameterSpace, name: str | None = None) -> Directions:
        """Draw the directions, unless they are to be scaled to the trained parameters."""
        if self.needs_training:
            return super().draw(network, name)
        return self._describe(self.draw_vectors(network), name)

    def lay(self, trained: Trained, name: str | None = None) -> Plane:
        """Draw the directions, and scale them to the trained parameters where that is asked for."""
        theta = trained.trajectory.weights[-1]
        raw = self.draw_vectors(trained.network)
        directions = normalize(trained.network, raw, theta, self.normalization, self.biases)
        return self._describe(directions, name).around(theta, trained.frame(None))

    def _describe(self, directions: Float64, name: str | None) -> Directions:
        title = self.title if self.normalization == "none" else f"{self.title}, {self.normalization}-normalised"
        still = "; biases stay where they are"
        if self.biases:  # their size is not that of their unit's weights, which a rescaling shows
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
    """Along the parameters of two freshly initialised models."""

    kind: Literal["fresh"] = "fresh"
    title: ClassVar[str] = "Fresh models"
    origin: ClassVar[str] = "the parameters of two freshly initialised models"

    def draw_vectors(self, network: ParameterSpace) -> Float64:
        """The initial parameters of two models of this network."""
        if not isinstance(network, Network):
            raise PlaneError("how this model is initialised is not known; take Gaussian directions instead")
        return np.array([network.draw_initial_theta(self.seed, stream) for stream in _STREAMS])


class GaussianPlane(RandomPlane):
    """Along standard normals, every parameter alike."""

    kind: Literal["gaussian"] = "gaussian"
    title: ClassVar[str] = "Gaussian"
    origin: ClassVar[str] = "independent standard normals"

    def draw_vectors(self, network: ParameterSpace) -> Float64:
        """A standard normal for every parameter, biases too."""
        return np.array([Draws(self.seed, stream).normal(network.parameter_count) for stream in _STREAMS])

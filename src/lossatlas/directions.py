"""Planes: a pair of directions in parameter space, along which a loss surface is cut.

The mission's directions are the parameters of two freshly initialised models. They are neither of length one nor
exactly at right angles, and are used as they are: a step of 1 along one adds a whole untrained network to theta. The
plane says how far from orthonormal it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, field_validator

from lossatlas.arrays import Float32, Floats
from lossatlas.config import Config, Seed
from lossatlas.errors import ConfigError
from lossatlas.network import Network
from lossatlas.rng import Stream

Span = Annotated[float, Field(gt=0, le=1000)]

#: |cos| beyond which two directions show a line rather than a plane.
_NEARLY_PARALLEL = 0.999


class PlaneConfig(Config):
    """Which plane to cut, how far to go in it, and how finely to sample it."""

    kind: Literal["fresh"] = "fresh"
    """``fresh``: the parameters of two freshly initialised models."""
    seed: Seed = 0
    """Of the two models."""
    spans: Annotated[tuple[Span, ...], Field(min_length=1, max_length=16)] = (1.0, 0.1, 0.01)
    """Half-sides of the squares of (a, b) to cover, the one to show first being first."""
    grid: Annotated[int, Field(ge=3, le=501)] = 41
    """Samples along each axis; odd, so that the centre is one of them."""

    @field_validator("grid")
    @classmethod
    def _odd(cls, grid: int) -> int:
        if grid % 2 == 0:
            raise ValueError(f"{grid} is even, and would leave out the centre; take {grid - 1} or {grid + 1}")
        return grid

    @field_validator("spans")
    @classmethod
    def _distinct(cls, spans: tuple[float, ...]) -> tuple[float, ...]:
        if len(set(spans)) < len(spans):
            raise ValueError(f"{spans} names a span twice")
        return spans


@dataclass(frozen=True)
class Plane:
    """Two directions in parameter space.

    Attributes
    ----------
    name
        Its folder in a run, unique there.
    kind
        How the directions were made.
    what
        One sentence for people.
    directions
        ``[2, P]`` float32: d_a and d_b.
    seed
        Of the directions, where they are random.
    """

    name: str
    kind: str
    what: str
    directions: Float32
    seed: int | None = None

    def __post_init__(self) -> None:
        """Refuse a pair of directions that does not span a plane."""
        lengths = np.linalg.norm(self.directions.astype(np.float64), axis=1)
        if not (lengths > 0).all() or abs(self.cosine) > _NEARLY_PARALLEL:
            raise ConfigError(
                [("planes", f"the directions (lengths {lengths[0]:g}, {lengths[1]:g}) do not span a plane")]
            )

    @property
    def cosine(self) -> float:
        """Cosine of the angle between d_a and d_b; 0 where they are at right angles."""
        a, b = self.directions.astype(np.float64)
        return float(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), np.finfo(float).tiny))

    @property
    def orthonormal(self) -> bool:
        """Whether distances in (a, b) are distances in parameter space: lengths 1 and cosine 0, to 1e-5."""
        directions = self.directions.astype(np.float64)
        return bool(np.allclose(directions @ directions.T, np.eye(2), atol=1e-5))

    def offsets(self, a: Floats, b: Floats) -> Floats:
        """Steps ``[..., P]`` away from the centre, ``a·d_a + b·d_b``, for a and b ``[...]``."""
        steps: Floats = a[..., None] * self.directions[0] + b[..., None] * self.directions[1]
        return steps


def make_plane(config: PlaneConfig, network: Network, name: str | None = None) -> Plane:
    """Draw the plane of a configuration, for one network."""
    streams = (Stream.DIRECTION_A, Stream.DIRECTION_B)
    fresh = [network.initial_theta(config.seed, stream) for stream in streams]
    return Plane(
        name=name or config.kind,
        kind=config.kind,
        what="Two random directions: the parameters of two freshly initialised models, used as they are.",
        directions=np.array(fresh, np.float32),
        seed=config.seed,
    )

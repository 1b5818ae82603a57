"""What a plane is, and what every kind of plane can be told."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from pydantic import Field, field_validator

from lossatlas.arrays import Float32, Float64, Floats, Integers
from lossatlas.config import Config
from lossatlas.errors import ConfigError, PlaneError
from lossatlas.network import Network
from lossatlas.training import Trajectory

Span = Annotated[float, Field(gt=0, le=1_000_000)]

#: |cos| beyond which two directions show a line rather than a plane.
_NEARLY_PARALLEL = 0.999


@dataclass(frozen=True)
class Trained:
    """What a plane may be laid through: a network, how it was trained, and other runs.

    Attributes
    ----------
    network, points, labels
        The network and its training points ``[N, features]`` and classes ``[N]``.
    trajectory
        Theta at every frame.
    theta_of
        Gives the trained parameters ``[P]`` of another run by its id.
    """

    network: Network
    points: Floats
    labels: Integers
    trajectory: Trajectory
    theta_of: Callable[[str], Floats]

    def frame(self, index: int | None) -> int:
        """A frame's index from 0; None is the last one.

        Raises
        ------
        ConfigError
            If training did not get that far.
        """
        count = len(self.trajectory.weights)
        if index is None:
            return count - 1
        if index >= count:
            raise ConfigError([("planes.frame", f"there is no frame {index}; this run has frames 0 to {count - 1}")])
        return index


@dataclass(frozen=True)
class Anchor:
    """A point that a plane was laid through: its name, and where it is in the plane."""

    name: str
    a: float
    b: float


@dataclass(frozen=True)
class Plane:
    """Two directions in parameter space, and what there is to say of them.

    Attributes
    ----------
    name
        Its folder in a run, unique there.
    kind, title
        How the directions were made: for code, and in a few words for people.
    what, hides
        One sentence each: what this slice shows, and what it does not.
    directions
        ``[2, P]`` float32: d_a and d_b.
    spans
        Half-sides of the squares of (a, b) that are shown, the one to show first being first.
    moving
        Whether a surface is cut around every frame's theta, or a single one around the centre.
    centre
        ``[P]`` float32: theta at (0, 0) of the fixed view; None until training has ended.
    centre_frame
        The frame that the centre is; None where it is none.
    normalization
        ``"none"``, ``"layer"`` or ``"filter"``.
    seed
        Of the directions, where they are random.
    eigenvalues
        Of the Hessian along d_a and d_b, where these are eigenvectors.
    anchors
        The points that it was laid through, where it was.
    """

    name: str
    kind: str
    title: str
    what: str
    hides: str
    directions: Float32
    spans: tuple[float, ...]
    moving: bool
    centre: Float32 | None = None
    centre_frame: int | None = None
    normalization: str = "none"
    seed: int | None = None
    eigenvalues: tuple[float, float] | None = None
    anchors: tuple[Anchor, ...] = field(default=())

    def __post_init__(self) -> None:
        """Refuse a pair of directions that does not span a plane."""
        directions = self.directions.astype(np.float64)
        lengths = np.linalg.norm(directions, axis=1)
        if not np.isfinite(directions).all():
            raise PlaneError(f"the directions of the plane {self.name!r} are not all finite numbers")
        if not (lengths > 0).all() or abs(self.cosine) > _NEARLY_PARALLEL:
            raise PlaneError(
                f"the directions of {self.name!r} (lengths {lengths[0]:g}, {lengths[1]:g}) do not span a plane"
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


class PlaneConfig(Config):
    """Which plane to cut, how far to go in it, and how finely to sample it. Each kind of plane is a subclass."""

    kind: str
    """How the directions are made."""
    spans: Annotated[tuple[Span, ...], Field(min_length=1, max_length=16)] | None = None
    """Half-sides of the squares of (a, b) to cover, the one to show first being first; left out, what fits."""
    grid: Annotated[int, Field(ge=3, le=501)] = 41
    """Samples along each axis; odd, so that the centre is one of them."""
    moving: bool = False
    """Cut a surface around every frame's parameters, not only around the plane's centre."""
    test_frames: bool = False
    """Where the plane moves, cut the surface of the test points for every frame too; around the centre it always is."""
    nonconvexity: Annotated[int, Field(ge=3, le=101)] | None = None
    """Samples along each axis at which to measure the Hessian's extreme eigenvalues; left out, none. Slow."""

    @field_validator("grid", "nonconvexity")
    @classmethod
    def _odd(cls, grid: int | None) -> int | None:
        if grid is not None and grid % 2 == 0:
            raise ValueError(f"{grid} is even, and would leave out the centre; take {grid - 1} or {grid + 1}")
        return grid

    @field_validator("spans")
    @classmethod
    def _distinct(cls, spans: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if spans is not None and len(set(spans)) < len(spans):
            raise ValueError(f"{spans} names a span twice")
        return spans

    @property
    def label(self) -> str:
        """What the plane is called in a run, unless another one has that name: ``fresh``, ``gaussian-filter``."""
        return self.kind

    @property
    def needs_training(self) -> bool:
        """Whether the directions depend on the trained network: then they are made when training has ended."""
        return True

    @abstractmethod
    def lay(self, name: str, network: Network, trained: Trained | None) -> Plane:
        """Make the plane. ``trained`` is None while the network trains, for kinds that do not need it.

        Raises
        ------
        PlaneError
            If this training leaves no such plane.
        ConfigError
            If what it is to be laid through is not there.
        """

    def plane(
        self,
        name: str,
        title: str,
        what: str,
        hides: str,
        directions: Floats,
        fitting: Sequence[float] = (),
        **more: Any,
    ) -> Plane:
        """Put a plane together; its spans are those of this configuration, or else what fits."""
        return Plane(
            name=name,
            kind=self.kind,
            title=title,
            what=what,
            hides=hides,
            directions=np.ascontiguousarray(directions, np.float32),
            spans=tuple(self.spans or fitting),
            moving=self.moving,
            **more,
        )


def orthonormal_pair(first: Float64, second: Float64) -> Float64:
    """Turn two vectors ``[P]`` into an orthonormal pair ``[2, P]`` by Gram and Schmidt, the second step done twice.

    Twice is enough (Giraud et al. 2005, "The loss of orthogonality in the Gram-Schmidt process"): vectors that nearly
    agree would otherwise leave a second direction that leans.
    """
    a = first / np.linalg.norm(first)
    b = second - (second @ a) * a
    b -= (b @ a) * a
    length = np.linalg.norm(b)
    if not length > 1e-9 * np.linalg.norm(second):
        raise PlaneError("the three points lie on one line, and span no plane")
    return np.stack([a, b / length])

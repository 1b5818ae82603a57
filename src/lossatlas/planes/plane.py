"""What directions and a plane are, and the settings that all kinds of planes have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, field_validator

from lossatlas.arrays import Float32, Float64, Floats, Integers
from lossatlas.config import Config
from lossatlas.curvature import extreme_eigenpairs
from lossatlas.errors import LossAtlasError, PlaneError
from lossatlas.networks import Network, ParameterSpace
from lossatlas.planes.projection import find_spans
from lossatlas.training import Trajectory

Span = Annotated[float, Field(gt=0, le=1_000_000)]

#: |cos| beyond which two directions show a line rather than a plane.
_NEARLY_PARALLEL = 0.999
#: A direction shorter than this is none: float32 could not hold the multiple of it that it takes to get anywhere.
_SHORTEST = 1e-30


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
    gram
        ``[F, F]`` float64: products of ``theta_f - theta_last`` with one another, where the trajectory is too long to
        be decomposed itself; see :func:`~lossatlas.planes.blocks.compute_gram_matrix`.
    """

    network: ParameterSpace
    points: Floats
    labels: Integers
    trajectory: Trajectory
    theta_of: Callable[[str], Floats]
    gram: Float64 | None = None

    def frame(self, index: int | None) -> int:
        """A frame's index from 0; None is the last one.

        Raises
        ------
        PlaneError
            If training did not get that far.
        """
        count = len(self.trajectory.weights)
        if index is None:
            return count - 1
        if index >= count:
            raise PlaneError(f"there is no frame {index}: training was recorded up to frame {count - 1}")
        return index

    def eigenpairs(self, theta: Floats, which: Literal["largest", "both"]) -> tuple[Float64, Float64]:
        """Two extreme eigenvalues ``[2]`` and eigenvectors ``[2, P]`` of the training loss's Hessian at theta ``[P]``.

        Raises
        ------
        PlaneError
            If the Hessian has no such directions, or none that is known.
        """
        if not isinstance(self.network, Network):
            raise PlaneError("the Hessian of this model is not known")
        try:
            return extreme_eigenpairs(self.network, theta, self.points, self.labels, count=2, which=which)
        except LossAtlasError as error:  # a Hessian of zeros, or one that is not finite
            raise PlaneError(str(error)) from error


@dataclass(frozen=True)
class Anchor:
    """A point that a plane was laid through: its name, and where it is in the plane."""

    name: str
    a: float
    b: float


@dataclass(frozen=True)
class Directions:
    """Two directions in parameter space, and what there is to say of them. With a centre they are a :class:`Plane`.

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
        Whether a surface is cut around every frame's theta, or a single one around the centre of the plane.
    normalization
        ``"none"``, ``"layer"`` or ``"filter"``.
    seed
        Of the directions, where they are random.
    """

    name: str
    kind: str
    title: str
    what: str
    hides: str
    directions: Float32
    spans: tuple[float, ...]
    moving: bool
    normalization: str = "none"
    seed: int | None = None

    def __post_init__(self) -> None:
        """Refuse a pair of directions that does not span a plane."""
        refuse_a_line(self.name, self.directions)

    @property
    def cosine(self) -> float:
        """Cosine of the angle between d_a and d_b; 0 where they are at right angles."""
        return _cosine(self.directions)

    @property
    def orthonormal(self) -> bool:
        """Whether distances in (a, b) are distances in parameter space: lengths 1 and cosine 0, to 1e-5."""
        directions = self.directions.astype(np.float64)
        return bool(np.allclose(directions @ directions.T, np.eye(2), atol=1e-5))

    def offsets(self, a: Floats, b: Floats) -> Floats:
        """Steps ``[..., P]`` away from the centre, ``a·d_a + b·d_b``, for a and b ``[...]``."""
        steps: Floats = a[..., None] * self.directions[0] + b[..., None] * self.directions[1]
        return steps

    def around(self, centre: Float32, frame: int | None = None) -> Plane:
        """Give these directions a centre ``[P]`` float32, perhaps a frame's parameters: a plane."""
        own = {field.name: getattr(self, field.name) for field in fields(Directions)}
        return Plane(**own, centre=centre, centre_frame=frame)


@dataclass(frozen=True, kw_only=True)
class Plane(Directions):
    """Two directions in parameter space and the point that they lead away from.

    Attributes
    ----------
    centre
        ``[P]`` float32: theta at (0, 0) of the fixed view.
    centre_frame
        The frame that the centre is; None where it is none.
    eigenvalues
        Of the Hessian along d_a and d_b, where these are eigenvectors.
    anchors
        The points that it was laid through, where it was.
    """

    centre: Float32
    centre_frame: int | None
    eigenvalues: tuple[float, float] | None = None
    anchors: tuple[Anchor, ...] = ()


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
    def _refuse_even(cls, grid: int | None) -> int | None:
        if grid is not None and grid % 2 == 0:
            raise ValueError(f"{grid} is even, and would leave out the centre; take {grid - 1} or {grid + 1}")
        return grid

    @field_validator("spans")
    @classmethod
    def _refuse_repeats(cls, spans: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if spans is not None and len(set(spans)) < len(spans):
            raise ValueError(f"{spans} names a span twice")
        return spans

    @property
    def label(self) -> str:
        """What the plane is called in a run, unless another one has that name: ``fresh``, ``gaussian-filter``."""
        return self.kind

    @property
    def needs_training(self) -> bool:
        """Whether the directions depend on the trained network. If not, :meth:`draw` makes them before the training."""
        return True

    @property
    def references(self) -> tuple[str, ...]:
        """Ids of the other runs that it goes through."""
        return ()

    @property
    def frames(self) -> tuple[int, ...]:
        """Indices of the frames that it names."""
        return ()

    def check(self, network: ParameterSpace) -> None:
        """Refuse before the training what can never be laid in this network.

        Raises
        ------
        ConfigError
            If what it is to be laid along does not fit.
        """

    def draw(self, network: ParameterSpace, name: str | None = None) -> Directions:
        """Make the directions before the training, for kinds that do not depend on it.

        Parameters
        ----------
        network
            Whose parameters they are directions of.
        name
            What to call them; left out, :attr:`label`.

        Raises
        ------
        PlaneError
            If the directions depend on the training (:attr:`needs_training`).
        """
        raise PlaneError(f"the directions of {name or self.label!r} depend on the training; lay the plane after it")

    @abstractmethod
    def lay(self, trained: Trained, name: str | None = None) -> Plane:
        """Lay the plane through a training that has ended.

        Parameters
        ----------
        trained
            What it is laid through.
        name
            What to call it; left out, :attr:`label`.

        Raises
        ------
        PlaneError
            If this training leaves no such plane.
        ConfigError
            If what it is to be laid through is not there.
        """

    def plane(
        self, name: str | None, directions: Floats, shown: Sequence[Floats], *, centre: Float32, **described: Any
    ) -> Plane:
        """Put a plane together; its spans are those of this configuration, or fit the points ``shown``, each [n, P]."""
        kept = np.ascontiguousarray(directions, np.float32)
        name = name or self.label
        refuse_a_line(name, kept)
        spans = self.spans or find_spans(kept, shown, centre)
        return Plane(
            name=name, kind=self.kind, directions=kept, spans=spans, moving=self.moving, centre=centre, **described
        )


def refuse_a_line(name: str, directions: Float32) -> None:
    """Refuse two directions ``[2, P]`` that span no plane.

    Raises
    ------
    PlaneError
        Naming the plane.
    """
    if not np.isfinite(directions).all():
        raise PlaneError(f"the directions of the plane {name!r} are not all finite numbers")
    a, b = np.linalg.norm(directions.astype(np.float64), axis=1)
    if min(a, b) < _SHORTEST or abs(_cosine(directions)) > _NEARLY_PARALLEL:
        raise PlaneError(f"the directions of {name!r} (lengths {a:g}, {b:g}) do not span a plane")


def _cosine(directions: Float32) -> float:
    a, b = directions.astype(np.float64)
    return float(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), np.finfo(float).tiny))


def orthonormal_pair(first: Float64, second: Float64) -> Float64:
    """Turn two vectors ``[P]`` into an orthonormal pair ``[2, P]`` by Gram and Schmidt, the second step done twice.

    Twice is enough (Giraud et al. 2005, "The loss of orthogonality in the Gram-Schmidt process"): vectors that nearly
    agree would otherwise leave a second direction that leans.

    Raises
    ------
    PlaneError
        If both lie on one line, but for what float32 rounds.
    """
    if not first.any():
        raise PlaneError("the first two points are one and the same, and span no plane")
    a = first / np.linalg.norm(first)
    b = second - (second @ a) * a
    b -= (b @ a) * a
    length = np.linalg.norm(b)
    if not length > 1e-6 * np.linalg.norm(second):
        raise PlaneError("the three points lie on one line, and span no plane")
    return np.stack([a, b / length])

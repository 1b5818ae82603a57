"""The classes of directions and planes, and the settings that all kinds of planes share."""

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
from lossatlas.planes.projection import find_spans, fit_spans
from lossatlas.training import Trajectory

Span = Annotated[float, Field(gt=0, le=1_000_000)]

#: If |cos| of two directions is larger, they span a line and not a plane.
_NEARLY_PARALLEL = 0.999
#: Shorter directions are refused, because float32 could not hold the large multiples of them that would be needed.
_SHORTEST = 1e-30


@dataclass(frozen=True)
class Trained:
    """A training from which planes can be made.

    Attributes
    ----------
    network, points, labels
        The network, its training points ``[N, features]`` and their classes ``[N]``.
    trajectory
        Theta at every frame.
    theta_of
        A function that returns the final parameters ``[P]`` of another run by its id.
    gram
        ``[F, F]`` float64: the products of ``theta_f - theta_last`` with one another, if the trajectory is too long to
        be decomposed; see :func:`~lossatlas.planes.blocks.compute_gram_matrix`.
    """

    network: ParameterSpace
    points: Floats
    labels: Integers
    trajectory: Trajectory
    theta_of: Callable[[str], Floats]
    gram: Float64 | None = None

    def frame(self, index: int | None) -> int:
        """Check the index of a frame.

        Parameters
        ----------
        index
            The index from 0; None means the last frame.

        Returns
        -------
        int
            The index from 0.

        Raises
        ------
        PlaneError
            If training was not recorded up to this frame.
        """
        count = len(self.trajectory.weights)
        if index is None:
            return count - 1
        if index >= count:
            raise PlaneError(f"there is no frame {index}: training was recorded up to frame {count - 1}")
        return index

    def eigenpairs(self, theta: Floats, which: Literal["largest", "both"]) -> tuple[Float64, Float64]:
        """Compute two extreme eigenvalues of the Hessian of the training loss, and their eigenvectors.

        Parameters
        ----------
        theta
            One model ``[P]``, in theta's order, of any real dtype.
        which
            ``"largest"`` or ``"both"``; see :func:`~lossatlas.curvature.extreme_eigenpairs`.

        Returns
        -------
        tuple
            Eigenvalues ``[2]`` and eigenvectors ``[2, P]``, float64.

        Raises
        ------
        PlaneError
            If the Hessian is zero, is not finite, or cannot be computed for this kind of model.
        """
        if not isinstance(self.network, Network):
            raise PlaneError("the Hessian of this model is not known")
        try:
            return extreme_eigenpairs(self.network, theta, self.points, self.labels, count=2, which=which)
        except LossAtlasError as error:  # the Hessian is zero or not finite
            raise PlaneError(str(error)) from error


@dataclass(frozen=True)
class Anchor:
    """A point that a plane goes through: its name, and its coordinates (a, b) in the plane."""

    name: str
    a: float
    b: float


@dataclass(frozen=True)
class Directions:
    """Two directions in parameter space, with their description. Together with a centre, they are a :class:`Plane`.

    Attributes
    ----------
    name
        The name, which is unique in a run and is also the name of a folder.
    kind, title
        The kind of the directions in code, and a short title for people.
    what, hides
        One sentence that says what surfaces along these directions show, and one that says what they do not show.
    directions
        ``[2, P]`` float32: d_a and d_b.
    spans
        Half the sides of the squares of (a, b). The first one is shown first.
    moving
        Whether there is a surface around every frame, or only one around the centre of the plane.
    normalization
        ``"none"``, ``"layer"`` or ``"filter"``.
    seed
        The seed of random directions.
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
        """Refuse two directions that do not span a plane."""
        refuse_line(self.name, self.directions)

    @property
    def cosine(self) -> float:
        """The cosine of the angle between d_a and d_b; 0 if they are at right angles."""
        return _compute_cosine(self.directions)

    @property
    def orthonormal(self) -> bool:
        """Whether distances in (a, b) are distances in parameter space: both lengths are 1 and the cosine is 0."""
        directions = self.directions.astype(np.float64)
        return bool(np.allclose(directions @ directions.T, np.eye(2), atol=1e-5))

    def offsets(self, a: Floats, b: Floats) -> Floats:
        """Compute steps ``[..., P]`` from the centre, ``a·d_a + b·d_b``, for a and b ``[...]``."""
        steps: Floats = a[..., None] * self.directions[0] + b[..., None] * self.directions[1]
        return steps

    def around(self, centre: Float32, frame: int | None = None) -> Plane:
        """Make the plane along these directions around a centre ``[P]`` float32, which may be the theta of a frame."""
        own = {field.name: getattr(self, field.name) for field in fields(Directions)}
        return Plane(**own, centre=centre, centre_frame=frame)


@dataclass(frozen=True, kw_only=True)
class Plane(Directions):
    """Two directions in parameter space, and a centre.

    Attributes
    ----------
    centre
        ``[P]`` float32: theta at (a, b) = (0, 0).
    centre_frame
        The frame whose theta is the centre; None if the centre is not a frame.
    eigenvalues
        The eigenvalues of the Hessian for d_a and d_b, if these are eigenvectors.
    anchors
        The points that the plane goes through, if it was made from points.
    """

    centre: Float32
    centre_frame: int | None
    eigenvalues: tuple[float, float] | None = None
    anchors: tuple[Anchor, ...] = ()


class PlaneConfig(Config):
    """The settings of a plane and of its surfaces. Each kind of plane is a subclass."""

    kind: str
    """The kind of plane, which says how the directions are made."""
    spans: Annotated[tuple[Span, ...], Field(min_length=1, max_length=16)] | None = None
    """Half the sides of the squares of (a, b). The first one is shown first. By default, they fit the path."""
    grid: Annotated[int, Field(ge=3, le=501)] = 41
    """The number of samples along each axis. It is odd, so that the centre is a sample."""
    moving: bool = False
    """Whether to compute a surface around every frame, and not only around the centre of the plane."""
    test_frames: bool = False
    """Whether to compute the surface of the test points around every frame too, if the plane moves."""
    nonconvexity: Annotated[int, Field(ge=3, le=101)] | None = None
    """The number of samples along each axis of the map of non-convexity, which is slow. By default, there is none."""

    @field_validator("grid", "nonconvexity")
    @classmethod
    def _refuse_even(cls, grid: int | None) -> int | None:
        if grid is not None and grid % 2 == 0:
            raise ValueError(f"{grid} is even and would leave out the centre; give {grid - 1} or {grid + 1}")
        return grid

    @field_validator("spans")
    @classmethod
    def _refuse_repeats(cls, spans: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if spans is not None and len(set(spans)) < len(spans):
            raise ValueError(f"{spans} names a span twice")
        return spans

    @property
    def label(self) -> str:
        """The name of the plane in a run, such as ``gaussian-filter``, unless another plane has the same name."""
        return self.kind

    @property
    def needs_training(self) -> bool:
        """Whether the directions depend on the trained network. If not, :meth:`draw` makes them before the training."""
        return True

    @property
    def references(self) -> tuple[str, ...]:
        """The ids of other runs that the plane goes through."""
        return ()

    @property
    def frames(self) -> tuple[int, ...]:
        """The indices of frames that the settings name."""
        return ()

    def check(self, network: ParameterSpace) -> None:
        """Refuse, before the training, settings that do not fit a network.

        Raises
        ------
        ConfigError
            If the directions do not fit the network.
        """

    def draw(self, network: ParameterSpace, name: str | None = None) -> Directions:
        """Make the directions before the training, for kinds that do not depend on it.

        Parameters
        ----------
        network
            The space of the parameters.
        name
            The name of the directions; by default, :attr:`label`.

        Raises
        ------
        PlaneError
            If the directions depend on the training (:attr:`needs_training`).
        """
        raise PlaneError(f"the directions of {name or self.label!r} depend on the training; lay the plane after it")

    def coefficients(self, trained: Trained) -> Float64 | None:
        """Return coefficients ``[2, F]``, if the directions are sums over the frames of a training with a Gram matrix.

        Returns
        -------
        Float64 or None
            The coefficients, each with the sum 0.

        Raises
        ------
        PlaneError
            If the frames do not span a plane.
        """
        return None

    @abstractmethod
    def lay(self, trained: Trained, name: str | None = None) -> Plane:
        """Make the plane from a training that has ended.

        Parameters
        ----------
        trained
            The training.
        name
            The name of the plane; by default, :attr:`label`.

        Returns
        -------
        Plane
            The plane.

        Raises
        ------
        PlaneError
            If the plane cannot be made from this training.
        ConfigError
            If another run that the plane goes through is missing.
        """

    def plane(
        self,
        name: str | None,
        directions: Floats,
        shown: Sequence[Floats],
        *,
        centre: Float32,
        coordinates: Floats | None = None,
        **described: Any,
    ) -> Plane:
        """Make a plane. Its spans come from this configuration, or fit all points of ``shown``, each ``[n, P]``.

        If the coordinates ``[n, 2]`` of these points are known, they are not projected.

        Returns
        -------
        Plane
            The plane.
        """
        kept = np.ascontiguousarray(directions, np.float32)
        name = name or self.label
        refuse_line(name, kept)
        if self.spans is not None:
            spans = self.spans
        elif coordinates is not None:
            spans = fit_spans(kept, coordinates, centre)
        else:
            spans = find_spans(kept, shown, centre)
        return Plane(
            name=name, kind=self.kind, directions=kept, spans=spans, moving=self.moving, centre=centre, **described
        )


def refuse_line(name: str, directions: Float32) -> None:
    """Refuse two directions ``[2, P]`` that do not span a plane.

    Raises
    ------
    PlaneError
        If the directions are not finite, or do not span a plane. The message contains ``name``.
    """
    if not np.isfinite(directions).all():
        raise PlaneError(f"the directions of the plane {name!r} are not all finite numbers")
    a, b = np.linalg.norm(directions.astype(np.float64), axis=1)
    if min(a, b) < _SHORTEST or abs(_compute_cosine(directions)) > _NEARLY_PARALLEL:
        raise PlaneError(f"the directions of {name!r} (lengths {a:g}, {b:g}) do not span a plane")


def _compute_cosine(directions: Float32) -> float:
    a, b = directions.astype(np.float64)
    return float(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), np.finfo(float).tiny))


def make_orthonormal(first: Float64, second: Float64) -> Float64:
    """Turn two vectors into an orthonormal pair by the method of Gram and Schmidt.

    The second step is done twice, because the directions would not be orthogonal if the vectors are nearly parallel.
    Twice is enough (Giraud et al. 2005, "The loss of orthogonality in the Gram-Schmidt process").

    Parameters
    ----------
    first, second
        Vectors ``[P]`` float64.

    Returns
    -------
    Float64
        Directions ``[2, P]`` float64.

    Raises
    ------
    PlaneError
        If both vectors lie on one line, within the rounding of float32.
    """
    if not first.any():
        raise PlaneError("the first two points are equal, so the points do not span a plane")
    a = first / np.linalg.norm(first)
    b = second - (second @ a) * a
    b -= (b @ a) * a
    length = np.linalg.norm(b)
    if not length > 1e-6 * np.linalg.norm(second):
        raise PlaneError("the three points lie on one line and do not span a plane")
    return np.stack([a, b / length])

"""The plane through three points in parameter space: frames of this run, or the ends of other runs."""

from __future__ import annotations

import re
from typing import Any, Literal

import numpy as np
from pydantic import field_validator

from lossatlas.arrays import Float64, Floats
from lossatlas.errors import ConfigError
from lossatlas.planes.blocks import combine_frames, split_frames
from lossatlas.planes.gram import find_farthest_by_gram, make_orthonormal_by_gram, project_by_gram
from lossatlas.planes.plane import Anchor, Plane, PlaneConfig, Trained, make_orthonormal
from lossatlas.planes.projection import project

_REFERENCE = re.compile(r"start|end|far|frame:\d+|run:[a-z0-9][a-z0-9-]*")


class ThroughPlane(PlaneConfig):
    """The plane through three points (Garipov et al. 2018, "Loss surfaces, mode connectivity", appendix A.1).

    The first point is the centre. d_a points to the second point, and d_b is orthogonal to d_a and points towards the
    third one. The section along d_a is the linear interpolation of Goodfellow et al. (2015, "Qualitatively
    characterizing neural network optimization problems").
    """

    kind: Literal["through"] = "through"
    points: tuple[str, str, str] = ("end", "start", "far")
    """The three points. Each is ``start``, ``end``, ``frame:N``, ``run:ID`` (the end of another run) or ``far``, which
    means the frame that is farthest from the line through the first two points."""

    @field_validator("points", mode="before")
    @classmethod
    def _count_points(cls, points: Any) -> Any:
        """Refuse another number of points with a message that is clearer than pydantic's."""
        given = [points] if isinstance(points, str) else points
        if isinstance(given, list | tuple) and len(given) != 3:
            raise ValueError(
                f"{', '.join(map(str, given)) or 'nothing'} is not three points; give three, such as end,start,far"
            )
        return points

    @field_validator("points")
    @classmethod
    def _refuse_unknown(cls, points: tuple[str, str, str]) -> tuple[str, str, str]:
        for point in points:
            if not _REFERENCE.fullmatch(point):
                raise ValueError(f"{point!r} is not a point; give start, end, far, frame:N or run:ID")
        if "far" in points[:2] or len(set(points)) < 3:
            raise ValueError(f"{', '.join(points)} are not three points; only the third may be far")
        return points

    @property
    def references(self) -> tuple[str, ...]:
        """The ids of other runs that the plane goes through."""
        return tuple(point.removeprefix("run:") for point in self.points if point.startswith("run:"))

    @property
    def frames(self) -> tuple[int, ...]:
        """The indices of frames that are points."""
        return tuple(int(point.removeprefix("frame:")) for point in self.points if point.startswith("frame:"))

    def lay(self, trained: Trained, name: str | None = None) -> Plane:
        """Make the plane through the three points."""
        weights = trained.trajectory.weights
        if trained.gram is not None and (frames := self._find_frames(trained, trained.gram)) is not None:
            return self._lay_by_gram(trained, trained.gram, frames, name)
        centre, second = (_find_theta(point, trained) for point in self.points[:2])
        third = (
            _find_farthest(centre, second, weights) if self.points[2] == "far" else _find_theta(self.points[2], trained)
        )
        directions = make_orthonormal(second - centre, third - centre)
        vectors = np.stack([centre, second, third])
        places = project(directions, vectors, centre).coordinates
        return self.plane(
            name,
            directions,
            (weights, vectors),
            centre=centre.astype(np.float32),
            centre_frame=_find_frame(self.points[0], trained),
            **self._describe(trained, places),
        )

    def coefficients(self, trained: Trained) -> Float64 | None:
        """Return the coefficients of the directions, if all points are frames of a training with a Gram matrix."""
        frames = None if trained.gram is None else self._find_frames(trained, trained.gram)
        return None if frames is None or trained.gram is None else make_orthonormal_by_gram(trained.gram, frames)

    def _find_frames(self, trained: Trained, gram: Float64) -> tuple[int, int, int] | None:
        """Return the three frames, if all points are frames of the training."""
        if self.references:
            return None
        centre, second = (_find_frame(point, trained) or 0 for point in self.points[:2])
        if self.points[2] == "far":
            return centre, second, find_farthest_by_gram(gram, centre, second)
        return centre, second, _find_frame(self.points[2], trained) or 0

    def _lay_by_gram(self, trained: Trained, gram: Float64, frames: tuple[int, int, int], name: str | None) -> Plane:
        coefficients, weights = make_orthonormal_by_gram(gram, frames), trained.trajectory.weights
        coordinates = project_by_gram(gram, coefficients, frames[0]).coordinates
        return self.plane(
            name,
            combine_frames(weights, coefficients),
            (),
            coordinates=coordinates,
            centre=np.asarray(weights[frames[0]], np.float32),
            centre_frame=frames[0],
            **self._describe(trained, coordinates[list(frames)]),
        )

    def _describe(self, trained: Trained, places: Float64) -> dict[str, Any]:
        words = [_describe_point(point, trained) for point in self.points]
        return {
            "title": f"{words[0].capitalize()}, {words[1]}, {words[2]}",
            "what": f"The plane through three points: {words[0]} (the centre), {words[1]} (along a), and {words[2]}.",
            "hides": "Everything off the plane: what lies between its points on a straight line may be passed on a "
            "curve.",
            "anchors": tuple(
                Anchor(word, float(a), float(b)) for word, (a, b) in zip(words, places.tolist(), strict=True)
            ),
        }


def _find_frame(point: str, trained: Trained) -> int | None:
    """Return the frame that a point means; None if the point belongs to another run."""
    if point.startswith("run:"):
        return None
    return trained.frame({"start": 0, "end": None}[point] if ":" not in point else int(point.partition(":")[2]))


def _find_theta(point: str, trained: Trained) -> Float64:
    frame = _find_frame(point, trained)
    theta = trained.theta_of(point.removeprefix("run:")) if frame is None else trained.trajectory.weights[frame]
    if theta.shape != (trained.network.parameter_count,):
        fault = f"{point} has {theta.size} parameters, and this network {trained.network.parameter_count}"
        raise ConfigError([("points", fault)])
    return np.asarray(theta, np.float64)


def _find_farthest(centre: Float64, second: Float64, weights: Floats) -> Float64:
    along = (second - centre) / max(float(np.linalg.norm(second - centre)), np.finfo(float).tiny)
    distances = [
        np.linalg.norm(steps - np.outer(steps @ along, along), axis=1)
        for steps in (weights[frames] - centre for frames in split_frames(weights))
    ]
    return np.asarray(weights[int(np.concatenate(distances).argmax())], np.float64)


def _describe_point(point: str, trained: Trained) -> str:
    if point.startswith("frame:"):
        return f"epoch {trained.trajectory.epochs[_find_frame(point, trained) or 0]}"
    if point.startswith("run:"):
        return f"the end of {point.removeprefix('run:')}"
    return {"start": "the start", "end": "the end", "far": "the farthest frame"}[point]

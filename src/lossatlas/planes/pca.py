"""The plane along the first two principal components (PCA) of the trajectory, which contains most of the path."""

from __future__ import annotations

from typing import Literal

import numpy as np

from lossatlas.arrays import Float64, Floats
from lossatlas.errors import PlaneError
from lossatlas.planes.blocks import combine_frames, find_right_vectors, find_singular_values
from lossatlas.planes.gram import project_by_gram
from lossatlas.planes.plane import Plane, PlaneConfig, Trained

_NO_PLANE = "the path is a line or a point, and PCA finds no plane in it: record more frames"


class PcaPlane(PlaneConfig):
    """The plane along the first two principal components of the trajectory (Lorch 2016; Li et al. 2018, section 7)."""

    kind: Literal["pca"] = "pca"

    def coefficients(self, trained: Trained) -> Float64 | None:
        """Return the coefficients of the principal components, if there is a Gram matrix."""
        return None if trained.gram is None else principal_coefficients(trained.gram)

    def lay(self, trained: Trained, name: str | None = None) -> Plane:
        """Make the plane along the principal components, through the end of the trajectory."""
        weights, coordinates = trained.trajectory.weights, None
        found = self.coefficients(trained)
        if trained.gram is None or found is None:
            directions = principal_directions(weights)
        else:
            directions = combine_frames(weights, found)
            coordinates = project_by_gram(trained.gram, found, len(weights) - 1).coordinates
        return self.plane(
            name,
            directions,
            (weights,),
            title="PCA of the path",
            what="The two directions in which the parameters travelled farthest: the plane that holds most of the "
            "path.",
            hides="Every direction in which training did not go, steep ones among them; and even a random walk looks "
            "like a path here.",
            coordinates=coordinates,
            centre=weights[-1],
            centre_frame=len(weights) - 1,
        )


def principal_directions(weights: Floats) -> Float64:
    """Compute the first two principal components of a trajectory.

    They are the leading right singular vectors of the trajectory minus its mean. They point from the first frame to the
    last one.

    Parameters
    ----------
    weights
        The trajectory ``[F, P]``, of any real dtype.

    Returns
    -------
    Float64
        Orthonormal directions ``[2, P]`` float64.

    Raises
    ------
    PlaneError
        If the frames do not span a plane.
    """
    u, lengths = find_singular_values(weights)
    if len(lengths) < 2 or not lengths[1] > 1e-6 * lengths[0]:
        raise PlaneError(_NO_PLANE)
    travel = u[-1, :2] - u[0, :2]
    directions: Float64 = find_right_vectors(weights, u[:, :2], lengths[:2])
    return directions * np.where(travel < 0, -1.0, 1.0)[:, None]


def principal_coefficients(gram: Float64) -> Float64:
    """Compute the first two principal components as sums over the frames, ``d_i = Σ_f c_if theta_f``.

    They follow from the products of the frames: the left singular vectors of the centred trajectory C are the
    eigenvectors of C Cᵀ, and the right ones are Cᵀ u / s. This loses half of the digits. Therefore the products are
    those of ``theta_f - theta_last``; see :func:`~lossatlas.planes.blocks.compute_gram_matrix`.

    Parameters
    ----------
    gram
        The products ``[F, F]`` float64.

    Returns
    -------
    Float64
        Coefficients ``[2, F]`` float64. The components are orthonormal and point from the first frame to the last one.

    Raises
    ------
    PlaneError
        If the frames do not span a plane.
    """
    count = len(gram)
    centring = np.eye(count) - 1.0 / count
    values, vectors = np.linalg.eigh(centring @ gram @ centring)
    if count < 2 or not values[-2] > 1e-10 * values[-1]:
        raise PlaneError(_NO_PLANE)
    u = vectors[:, [-1, -2]].T
    coefficients: Float64 = u @ centring / np.sqrt(values[[-1, -2]])[:, None]
    return coefficients * np.where(u[:, -1] < u[:, 0], -1.0, 1.0)[:, None]

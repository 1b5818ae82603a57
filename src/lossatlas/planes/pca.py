"""The plane that holds as much of the path as a plane can: PCA of the trajectory."""

from __future__ import annotations

from typing import Literal

import numpy as np

from lossatlas.arrays import Float64, Floats
from lossatlas.errors import PlaneError
from lossatlas.networks import Network
from lossatlas.planes.blocks import right_vectors, singular_values
from lossatlas.planes.plane import Plane, PlaneConfig, Trained


class PcaPlane(PlaneConfig):
    """Along the first two principal components of the recorded parameters (Lorch 2016; Li et al. 2018, section 7)."""

    kind: Literal["pca"] = "pca"

    def lay(self, name: str, network: Network, trained: Trained | None) -> Plane:
        """Find the components of the trajectory; the plane goes through its end."""
        assert trained
        weights = trained.trajectory.weights
        directions = principal_directions(weights)
        return self.plane(
            name,
            "PCA of the path",
            "The two directions in which the parameters travelled farthest: the plane that holds most of the path.",
            "Every direction in which training did not go, steep ones among them; and even a random walk looks like a "
            "path here.",
            directions,
            shown=(weights,),
            centre=weights[-1],
            centre_frame=len(weights) - 1,
        )


def principal_directions(weights: Floats) -> Float64:
    """First two principal components ``[2, P]`` of a trajectory ``[F, P]``, orthonormal, pointing along the travel.

    They are the leading right singular vectors of the trajectory less its mean. The sign is that of the way from the
    first frame to the last.

    Raises
    ------
    PlaneError
        If the frames span no plane.
    """
    u, lengths = singular_values(weights)
    if len(lengths) < 2 or not lengths[1] > 1e-6 * lengths[0]:
        raise PlaneError("the path is a line or a point, and PCA finds no plane in it: record more frames")
    travel = u[-1, :2] - u[0, :2]
    directions: Float64 = right_vectors(weights, u[:, :2], lengths[:2])
    return directions * np.where(travel < 0, -1.0, 1.0)[:, None]

"""Compares Hessian planes with the dense Hessian of PyTorch in float64."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from lossatlas.engine import Evaluator
from lossatlas.errors import PlaneError
from lossatlas.landscape import loss_surfaces
from lossatlas.planes import HessianPlane, project
from lossatlas.runs import RunConfig
from tests.conftest import network_of
from tests.planes.trained import make_training, train_network
from tests.support.oracles import torch_hessian

Which = Literal["largest", "both"]


@pytest.mark.parametrize("frame", [None, 0, 3])
@pytest.mark.parametrize("which", ["largest", "both"])
@pytest.mark.parametrize("classes", [2, 3])
def test_eigenvectors_renormalised_until_they_are_none(which: Which, frame: int | None, classes: int) -> None:
    """The directions are eigenvectors of length 1, with the eigenvalues in the description of the plane."""
    network = network_of(4, 3, classes=classes)
    ended = train_network(network)
    plane = HessianPlane(eigenvalues=which, frame=frame).lay(ended)
    index = 5 if frame is None else frame
    assert plane.centre_frame == index
    assert (plane.centre == ended.trajectory.weights[index]).all()
    hessian = torch_hessian(network, plane.centre, ended.points, ended.labels)
    values = np.linalg.eigvalsh(hessian)
    expected = (values[-1], values[0]) if which == "both" else (values[-1], values[-2])
    assert plane.eigenvalues == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert plane.orthonormal
    for direction, value in zip(plane.directions.astype(np.float64), expected, strict=True):
        np.testing.assert_allclose(hessian @ direction, value * direction, atol=1e-5 * values[-1])


@pytest.mark.parametrize("frame", [None, 2])
@pytest.mark.parametrize("which", ["largest", "both"])
def test_the_surface_curves_along_its_axes_as_the_eigenvalues_say(which: Which, frame: int | None) -> None:
    """Second differences of the surface's middle row (along a) and middle column (along b) equal the eigenvalues."""
    network = network_of(4, 3)
    ended = train_network(network)
    plane = HessianPlane(eigenvalues=which, frame=frame).lay(ended)
    assert plane.eigenvalues is not None
    step = 0.02
    loss = loss_surfaces(Evaluator(network, ended.points, ended.labels), plane, plane.centre, (2 * step,), 5)[0].loss
    row, column = loss[2].astype(np.float64), loss[:, 2].astype(np.float64)
    weights = np.array([-1, 16, -30, 16, -1]) / (12 * step**2)  # exact up to the sixth derivative
    # errors of about 1e-7 from float32 losses of 0.5, and from thetas rounded to float32, divided by step²
    assert weights @ row == pytest.approx(plane.eigenvalues[0], abs=3e-3)
    assert weights @ column == pytest.approx(plane.eigenvalues[1], abs=3e-3)
    assert abs(plane.eigenvalues[0] - plane.eigenvalues[1]) > 0.03  # otherwise transposed axes would not be noticed


def test_surface_centred_elsewhere_than_its_marker__the_path_passes_the_middle_at_the_plane_s_frame() -> None:
    network = network_of(4, 3)
    ended = train_network(network)
    plane = HessianPlane(frame=3).lay(ended)
    path = project(plane.directions, ended.trajectory.weights, plane.centre)
    assert path.coordinates[3].tolist() == [0, 0]
    assert path.residual[3] == 0
    assert np.linalg.norm(path.coordinates[5]) > 0
    assert np.abs(path.coordinates).max() < plane.spans[0]
    assert f"epoch {ended.trajectory.epochs[3]}" in plane.title


def test_a_hessian_of_zeros_has_no_plane() -> None:
    """It is zero if every softmax is saturated, rightly or wrongly, as after a divergence."""
    network = network_of(activation="relu")
    theta = np.full((2, 6), 1e20)
    theta[:, 1::2] *= -1
    with pytest.raises(PlaneError, match="the Hessian is zero here"):
        HessianPlane().lay(make_training(network, theta))


def test_a_frame_that_training_did_not_reach_has_no_plane_and_one_that_is_not_planned_is_refused() -> None:
    network = network_of(4)
    with pytest.raises(PlaneError, match="there is no frame 6: training was recorded up to frame 5"):
        HessianPlane(frame=6).lay(train_network(network))
    planes = [{}, {"kind": "hessian", "frame": 6}]
    assert RunConfig.from_mapping({"planes": planes, "training": {"epochs": 6, "frames": 50}}).planes[1].frames == (6,)
    for training in ({"epochs": 5, "frames": 50}, {"epochs": 50, "frames": 6}):
        with pytest.raises(ValueError, match=r"planes\.1: there will be no frame 6: 6 are recorded, from 0 to 5"):
            RunConfig.from_mapping({"planes": planes, "training": training})

"""Compares paths that are computed from the Gram matrix with projections of the whole parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lossatlas.arrays import Float32, Float64
from lossatlas.errors import PlaneError
from lossatlas.planes import (
    PcaPlane,
    ThroughPlane,
    Trained,
    compute_gram_matrix,
    principal_coefficients,
    principal_directions,
    project,
    project_by_gram,
)
from lossatlas.planes.gram import make_orthonormal_by_gram
from lossatlas.training import Outcome, Trajectory
from tests.conftest import network_of


def walk(frames: int, parameters: int) -> Float32:
    """Make a training far from the origin, whose steps are small compared with theta."""
    rng = np.random.default_rng(0)
    steps = np.cumsum(rng.normal(size=(frames, parameters)) * np.linspace(1, 0.1, frames)[:, None], axis=0)
    return (3 * rng.normal(size=parameters) + 0.03 * steps).astype(np.float32)


def test_the_path_in_the_pca_plane_is_that_of_a_qr_decomposition() -> None:
    weights = walk(16, 14_122)
    gram = compute_gram_matrix(weights)
    coefficients = principal_coefficients(gram)
    directions = principal_directions(weights)
    sums = coefficients @ (weights.astype(np.float64) - weights[-1])
    cosines = (sums * directions).sum(axis=1) / np.linalg.norm(sums, axis=1) / np.linalg.norm(directions, axis=1)
    assert cosines == pytest.approx([1, 1], abs=1e-13)
    found, expected = project_by_gram(gram, coefficients, 15), project(directions, weights, weights[-1])
    reach = np.abs(expected.coordinates).max()
    assert np.abs(found.coordinates - expected.coordinates).max() < 1e-8 * reach
    assert np.abs(found.residual - expected.residual).max() < 1e-8 * reach
    assert found.explained_variance == pytest.approx(expected.explained_variance, abs=1e-12)
    assert found.residual[-1] == 0


def test_the_path_in_any_plane_of_frames_equals_a_projection() -> None:
    """The directions have other lengths than 1 and no right angle, and the centre is not the last frame."""
    weights = walk(9, 700)
    coefficients = np.random.default_rng(1).normal(size=(2, 9)) * [[1.0], [1e-3]]
    coefficients -= coefficients.mean(axis=1, keepdims=True)
    directions = coefficients @ weights.astype(np.float64)
    found = project_by_gram(compute_gram_matrix(weights), coefficients, 3)
    expected = project(directions, weights, weights[3])
    assert np.allclose(found.coordinates, expected.coordinates, rtol=1e-7, atol=1e-7)
    assert np.allclose(found.residual, expected.residual, atol=1e-6)
    assert found.explained_variance == pytest.approx(expected.explained_variance, abs=1e-9)


def trained(weights: Float32, gram: Float64 | None) -> Trained:
    network = network_of(4)
    trajectory = Trajectory(tuple(range(len(weights))), weights, {}, np.empty((len(weights), 0), np.uint8), Outcome())
    unknown: Any = None
    return Trained(network, np.empty((0, 2)), np.empty(0, np.int64), trajectory, unknown, gram)


@pytest.mark.parametrize(
    "config",
    [
        PcaPlane(),
        ThroughPlane(),
        ThroughPlane(points=("frame:2", "end", "start")),
        ThroughPlane(points=("start", "frame:3", "far")),
    ],
)
def test_planes_are_the_same_with_and_without_the_gram_matrix(config: Any) -> None:
    weights = walk(7, network_of(4).parameter_count)
    with_gram = config.lay(trained(weights, compute_gram_matrix(weights)))
    without = config.lay(trained(weights, None))
    assert np.allclose(with_gram.directions, without.directions, atol=1e-6)
    assert with_gram.spans == without.spans
    assert (with_gram.centre_frame, with_gram.title, with_gram.what) == (
        without.centre_frame,
        without.title,
        without.what,
    )
    assert np.array_equal(with_gram.centre, without.centre)
    places, expected = ([(anchor.a, anchor.b) for anchor in plane.anchors] for plane in (with_gram, without))
    assert np.allclose(places, expected, atol=1e-6)
    assert config.coefficients(trained(weights, None)) is None


def test_three_frames_on_a_line_span_no_plane() -> None:
    step = np.random.default_rng(0).normal(size=50)
    weights = np.stack([step * factor for factor in (0.0, 1.0, 3.0, 0.0)]).astype(np.float32)
    gram = compute_gram_matrix(weights)
    with pytest.raises(PlaneError, match="lie on one line"):
        make_orthonormal_by_gram(gram, (0, 1, 2))
    with pytest.raises(PlaneError, match="the first two points are equal"):
        make_orthonormal_by_gram(gram, (0, 3, 1))

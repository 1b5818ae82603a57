"""Tests planes along the principal components of a path, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from lossatlas.errors import PlaneError
from lossatlas.planes import PcaPlane, principal_directions, project
from tests.conftest import network_of
from tests.planes.trained import make_training, train_network


@given(st.integers(0, 1000), st.sampled_from([(3, 40), (12, 200), (40, 6), (9, 9), (200, 12)]))
def test_components_coordinates_and_shares_are_those_of_scikit_learn(seed: int, shape: tuple[int, int]) -> None:
    """This holds for fewer frames than parameters, and for more."""
    weights = np.cumsum(np.random.default_rng(seed).normal(size=shape), axis=0)
    pca = PCA(2, svd_solver="full").fit(weights)
    directions = principal_directions(weights)
    np.testing.assert_allclose(directions @ directions.T, np.eye(2), atol=1e-12)
    signs = np.sign((directions * pca.components_).sum(axis=1))
    np.testing.assert_allclose(directions, signs[:, None] * pca.components_, atol=1e-7)

    path = project(directions, weights, weights.mean(axis=0))
    np.testing.assert_allclose(path.coordinates, signs * pca.transform(weights), atol=1e-6)
    np.testing.assert_allclose((path.coordinates**2).sum(axis=0) / (shape[0] - 1), pca.explained_variance_, rtol=1e-9)
    assert path.explained_variance == pytest.approx(pca.explained_variance_ratio_[:2].sum(), rel=1e-9)


@given(st.integers(0, 1000))
def test_components_point_along_the_travel(seed: int) -> None:
    weights = np.cumsum(np.random.default_rng(seed).normal(size=(7, 30)), axis=0)
    assert (principal_directions(weights) @ (weights[-1] - weights[0]) >= 0).all()


def test_the_plane_goes_through_the_end_and_its_share_is_scikit_learn_s() -> None:
    network = network_of(5, 4)
    ended = train_network(network)
    weights = ended.trajectory.weights
    plane = PcaPlane().lay(ended)
    assert (plane.centre == weights[-1]).all()
    assert (plane.centre_frame, plane.orthonormal) == (5, True)
    path = project(plane.directions, weights, plane.centre)
    ratios = PCA().fit(weights.astype(np.float64)).explained_variance_ratio_
    assert path.explained_variance == pytest.approx(ratios[:2].sum(), rel=1e-6)  # directions are float32
    assert path.coordinates[-1].tolist() == [0, 0]
    assert np.abs(path.coordinates).max() < plane.spans[0]
    again = PcaPlane().lay(ended)
    assert again.directions.tobytes() == plane.directions.tobytes()


@pytest.mark.parametrize("frames", [[0.0], [0.0, 1.0], [0.0, 1.0, 2.5], [1.0, 1.0, 1.0]])
def test_a_path_that_is_a_point_or_a_line_has_no_plane(frames: list[float]) -> None:
    network = network_of()
    along = np.outer(frames, np.arange(1.0, network.parameter_count + 1))
    with pytest.raises(PlaneError, match="a line or a point"):
        PcaPlane().lay(make_training(network, along))


def test_callers_arrays_left_changed__the_weights_stay_as_they_were() -> None:
    weights = np.random.default_rng(0).normal(size=(5, 20))
    before = weights.copy()
    principal_directions(weights)
    assert (weights == before).all()

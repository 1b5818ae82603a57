"""Compares the path on a plane with SciPy, frame by frame, and tests what a random walk would show there."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
import scipy.linalg  # type: ignore[import-untyped]
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from lossatlas.arrays import Float64
from lossatlas.planes import blocks, compute_random_walk_variance, find_spans, project
from lossatlas.training import frame_epochs


def oblique(rng: np.random.Generator, count: int, angle: float, lengths: tuple[float, float]) -> Float64:
    """Return two directions of these lengths with this angle between them, in ``count`` dimensions."""
    e1, e2 = np.linalg.qr(rng.normal(size=(count, 2)))[0].T
    return np.array([lengths[0] * e1, lengths[1] * (math.cos(angle) * e1 + math.sin(angle) * e2)])


PLANES = st.builds(
    lambda seed, count, angle, first, second: oblique(
        np.random.default_rng(seed), count, angle, (10.0**first, 10.0**second)
    ),
    st.integers(0, 1000),
    st.integers(3, 60),
    st.floats(0.05, math.pi - 0.05),  # |cos| up to 0.999
    st.integers(-3, 3),
    st.integers(-3, 3),
)


@given(PLANES, st.integers(0, 1000), st.integers(1, 8))
def test_paths_projected_wrongly_on_oblique_axes__they_are_the_least_squares_solution(
    directions: Float64, seed: int, frames: int
) -> None:
    rng = np.random.default_rng(seed)
    centre, *weights = rng.normal(size=(frames + 1, directions.shape[1]))
    path = project(directions, np.array(weights), centre)
    assert path.coordinates.shape == (frames, 2)
    assert path.coordinates.dtype == path.residual.dtype == np.float64
    for theta, found, residual in zip(weights, path.coordinates, path.residual, strict=True):
        expected, *_ = scipy.linalg.lstsq(directions.T, theta - centre, lapack_driver="gelsy")
        np.testing.assert_allclose(
            found * np.linalg.norm(directions, axis=1), expected * np.linalg.norm(directions, axis=1), atol=1e-9
        )
        off = theta - (centre + found[0] * directions[0] + found[1] * directions[1])
        assert np.linalg.norm(off) == pytest.approx(residual, rel=1e-9)
        for direction in directions:  # the nearest point: the difference is orthogonal to the plane
            assert abs(off @ direction) < 1e-9 * np.linalg.norm(direction) * np.linalg.norm(theta - centre)


@given(PLANES, st.floats(-100, 100), st.floats(-100, 100), st.floats(0, 10), st.integers(0, 1000))
def test_coordinates_and_residual_are_those_that_theta_was_made_from(
    directions: Float64, a: float, b: float, height: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    lengths = np.linalg.norm(directions, axis=1)
    a, b = a / lengths[0], b / lengths[1]
    centre, normal = rng.normal(size=(2, directions.shape[1]))
    normal -= np.linalg.lstsq(directions.T, normal, rcond=None)[0] @ directions
    assume(np.linalg.norm(normal) > 1e-3)
    theta = centre + a * directions[0] + b * directions[1] + height * normal / np.linalg.norm(normal)
    path = project(directions, theta[None], centre)
    np.testing.assert_allclose(path.coordinates[0] * lengths, np.array([a, b]) * lengths, atol=1e-8)
    assert path.residual[0] == pytest.approx(height, abs=1e-8)


def test_products_with_oblique_directions_differ_from_the_path() -> None:
    """The tests above notice the wrong formulas, which are products with d and products with d / |d|²."""
    rng = np.random.default_rng(0)
    directions = oblique(rng, 20, 1.0, (2.0, 0.5))
    theta = rng.normal(size=20)
    found = project(directions, theta[None], np.zeros(20)).coordinates[0]
    for wrong in (directions @ theta, directions @ theta / (directions**2).sum(axis=1)):
        assert np.abs(wrong - found).max() > 0.1


def test_a_direction_much_shorter_than_the_other_is_one_all_the_same() -> None:
    e1, e2, e3 = np.eye(3)
    path = project(np.array([e1, 1e-18 * e2]), (3 * e1 + 2 * e2 + e3)[None], np.zeros(3))
    np.testing.assert_allclose(path.coordinates, [[3, 2e18]], rtol=1e-12)
    assert path.residual[0] == pytest.approx(1, rel=1e-12)


def test_a_path_is_the_same_in_blocks_of_any_number_of_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    directions, weights = oblique(rng, 1001, 0.3, (1, 1e-4)), rng.normal(size=(9, 1001)).cumsum(axis=0)
    whole = project(directions, weights, weights[-1])
    for numbers in (9 * 500, 9 * 7):  # the last block has one column, and none has 1,001
        monkeypatch.setattr(blocks, "BLOCK", numbers)
        found = project(directions, weights, weights[-1])
        np.testing.assert_allclose(found.coordinates * (1, 1e-4), whole.coordinates * (1, 1e-4), atol=1e-12 * 100)
        np.testing.assert_allclose(found.residual, whole.residual, rtol=1e-12, atol=1e-10)
        assert found.explained_variance == pytest.approx(whole.explained_variance, rel=1e-12)


def test_a_path_of_many_parameters_takes_little_memory() -> None:
    weights, directions = np.zeros((3, 3_000_000), np.float32), np.ones((2, 3_000_000), np.float32)
    directions[1, ::2] = weights[0] = 2
    tracemalloc.start()
    project(directions, weights, weights[-1])
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 10 * 8 * blocks.BLOCK  # ten blocks; 40 MB for each vector of all parameters would be 240 MB and more


@given(PLANES, st.integers(0, 1000), st.integers(2, 8))
def test_explained_variance_is_the_share_of_what_lies_along_the_plane(
    directions: Float64, seed: int, frames: int
) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(frames, directions.shape[1])) + 5
    basis = scipy.linalg.orth(directions.T / np.linalg.norm(directions, axis=1))  # [P, 2]
    mean = sum(weights) / frames
    within = sum(((theta - mean) @ basis) @ ((theta - mean) @ basis) for theta in weights)
    total = sum((theta - mean) @ (theta - mean) for theta in weights)
    for centre in (weights[-1], np.zeros(directions.shape[1])):  # this holds for any centre of the plane
        assert project(directions, weights, centre).explained_variance == pytest.approx(within / total, rel=1e-9)


def test_a_trajectory_that_does_not_move_has_no_explained_variance() -> None:
    path = project(np.eye(2, 5), np.ones((3, 5)), np.zeros(5))
    assert path.explained_variance == 0
    np.testing.assert_allclose(path.residual, math.sqrt(3))


def test_callers_arrays_left_changed__all_stay_as_they_were() -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape) for shape in ((2, 7), (4, 7), (7,))]
    before = [array.copy() for array in arrays]
    project(*arrays)
    find_spans(arrays[0], [arrays[1]], arrays[2])
    assert all((array == kept).all() for array, kept in zip(arrays, before, strict=True))


# random walks -----------------------------------------------------------------------------------------------------


def test_a_long_random_walk_puts_608_and_152_percent_into_two_components() -> None:
    """The shares are 6 / (π² k²) for k = 1 and 2 (Antognini and Sohl-Dickstein 2018, section 2)."""
    limit = 6 / math.pi**2 * (1 + 1 / 4)
    assert limit == pytest.approx(0.608 + 0.152, abs=5e-4)
    assert compute_random_walk_variance(range(1000)) == pytest.approx(limit, abs=1e-3)
    errors = [abs(compute_random_walk_variance(range(frames)) - limit) for frames in (50, 100, 200)]
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize(("epochs", "frames"), [(200, 30), (200, 201), (60, 5)])
def test_a_simulated_walk_recorded_at_uneven_epochs_has_the_computed_share(epochs: int, frames: int) -> None:
    recorded = list(frame_epochs(epochs, frames))
    steps = np.random.default_rng(1).normal(size=(epochs, 10_000))
    walk = np.concatenate([np.zeros((1, 10_000)), np.cumsum(steps, axis=0)])[recorded]
    simulated = PCA(2, svd_solver="full").fit(walk).explained_variance_ratio_.sum()
    # The error is of the order 1/sqrt(10,000).
    assert compute_random_walk_variance(recorded) == pytest.approx(simulated, abs=0.01)


@pytest.mark.parametrize(("epochs", "share"), [([0], 0.0), ([0, 1], 1.0), ([0, 7, 30], 1.0)])
def test_a_walk_of_up_to_three_points_lies_in_a_plane(epochs: list[int], share: float) -> None:
    assert compute_random_walk_variance(epochs) == pytest.approx(share, abs=1e-12)


# spans ------------------------------------------------------------------------------------------------------------


@given(PLANES, st.integers(0, 1000), st.floats(0.3, 1000))
def test_the_whole_path_lies_inside_the_first_span_and_fills_a_good_part_of_it(
    directions: Float64, seed: int, spread: float
) -> None:
    rng = np.random.default_rng(seed)
    centre, *steps = rng.normal(size=(7, directions.shape[1]))
    points = centre + spread * np.array(steps)
    spans = find_spans(directions, [points], centre)
    reach = np.abs(project(directions, points, centre).coordinates).max()
    assert reach * 1.1 < spans[0]
    least = 0.05 * np.linalg.norm(centre) / np.linalg.norm(directions, axis=1).max()
    assert spans[0] < 1.4 * max(reach, least)
    assert list(spans) == sorted(set(spans), reverse=True)
    assert all(float(f"{span:.2g}") == span for span in spans)


def test_a_very_short_path_gets_a_span_of_five_percent_of_theta() -> None:
    e1, e2, e3 = np.eye(3)
    assert find_spans(np.array([e1, e2]), [np.array([8 * e3, 4 * e3])], 8 * e3)[0] == pytest.approx(0.4)
    assert find_spans(np.array([2 * e1, e2]), [(8 * e3)[None]], 8 * e3)[0] == pytest.approx(0.2)
    assert find_spans(np.array([e1, e2]), [np.zeros((1, 3))], np.zeros(3))[0] > 0

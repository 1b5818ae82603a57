from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossatlas.arrays import AnyArray
from lossatlas.directions import FreshPlane, Plane
from lossatlas.errors import ConfigError, PlaneError
from lossatlas.rng import Stream
from tests.conftest import network_of
from tests.conftest import plane_of as any_plane


def plane_of(*directions: AnyArray) -> Plane:
    return any_plane(np.array(directions))


@given(st.integers(0, 2**53 - 1), st.sampled_from([(), (3,), (8, 8)]))
def test_directions_are_two_freshly_initialised_models(seed: int, hidden: tuple[int, ...]) -> None:
    network = network_of(*hidden)
    plane = FreshPlane(seed=seed).lay("fresh", network, None)
    fresh = [network.initial_theta(seed, stream) for stream in (Stream.DIRECTION_A, Stream.DIRECTION_B)]
    assert plane.directions.dtype == np.float32
    assert (plane.directions == np.array(fresh, np.float32)).all()
    assert (plane.name, plane.kind, plane.seed) == ("fresh", "fresh", seed)


@given(st.integers(0, 2**53 - 1))
def test_no_direction_is_the_start_of_the_model_of_the_same_seed(seed: int) -> None:
    network = network_of(6, 5)
    start = network.initial_theta(seed).astype(np.float32)
    for direction in FreshPlane(seed=seed).lay("fresh", network, None).directions:
        cosine = direction @ start / (np.linalg.norm(direction) * np.linalg.norm(start))
        assert abs(cosine) < 0.9


@given(st.integers(0, 2**53 - 1))
def test_two_random_directions_of_cosine_099(seed: int) -> None:
    """Random directions in P dimensions are nearly at right angles: |cos| is of the order 1/sqrt(P)."""
    network = network_of(16, 16)
    plane = FreshPlane(seed=seed).lay("fresh", network, None)
    assert abs(plane.cosine) < 6 / math.sqrt(network.parameter_count)


def test_cosine_and_orthonormality() -> None:
    e1, e2 = np.eye(5)[:2]
    assert plane_of(e1, e2).cosine == 0
    assert plane_of(e1, e2).orthonormal
    assert not plane_of(e1, 2 * e2).orthonormal
    assert plane_of(3 * e1, -2 * e2).cosine == 0
    oblique = plane_of(e1, math.cos(1.0) * e1 + math.sin(1.0) * e2)
    assert oblique.cosine == pytest.approx(math.cos(1.0), rel=1e-6)
    assert not oblique.orthonormal
    assert plane_of(e1, -e1 + e2).cosine == pytest.approx(-math.sqrt(0.5), rel=1e-6)


def test_the_cosine_of_tiny_directions_does_not_underflow() -> None:
    e1, e2 = np.eye(5)[:2]
    assert plane_of(1e-25 * e1, 1e-25 * (e1 + e2)).cosine == pytest.approx(math.sqrt(0.5), rel=1e-6)


@pytest.mark.parametrize("second", [[1, 2, 3], [-2, -4, -6], [1.0001, 2, 3], [0, 0, 0]])
def test_a_plane_that_is_a_line_is_refused(second: list[float]) -> None:
    with pytest.raises(PlaneError, match="do not span a plane"):
        plane_of(np.array([1, 2, 3]), np.array(second))


def test_offsets_are_a_times_the_first_plus_b_times_the_second() -> None:
    plane = plane_of(np.array([1, 0, 2]), np.array([0, 10, 5]))
    a, b = np.array([[0.5, -1.0]]), np.array([[2.0, 3.0]])
    assert plane.offsets(a, b).tolist() == [[[0.5, 20.0, 11.0], [-1.0, 30.0, 13.0]]]


@pytest.mark.parametrize("grid", [4, 100, 500])
def test_an_even_grid_is_refused_with_its_neighbours(grid: int) -> None:
    with pytest.raises(ConfigError, match=f"grid: {grid} is even.*take {grid - 1} or {grid + 1}"):
        FreshPlane(grid=grid)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"kind": "pcb"}, "kind"),
        ({"seed": -1}, "seed"),
        ({"spans": []}, "spans"),
        ({"spans": [1.0, 0.0]}, "spans.1"),
        ({"spans": [1_000_001]}, "spans.0"),
        ({"spans": [1, 1]}, "spans"),
        ({"spans": list(range(1, 18))}, "spans"),
        ({"grid": 1}, "grid"),
        ({"grid": 503}, "grid"),
        ({"range": 2}, "range"),
    ],
)
def test_out_of_range_values_are_refused_by_name(values: dict[str, object], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        FreshPlane.from_mapping(values)
    assert [name for name, _ in caught.value.faults] == [field]

"""Tests the geometry and the settings that all kinds of planes share."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossatlas.arrays import AnyArray
from lossatlas.errors import ConfigError, PlaneError
from lossatlas.planes import KINDS, Directions, FreshPlane, GaussianPlane, HessianPlane, PcaPlane, name_planes
from lossatlas.planes.plane import make_orthonormal
from lossatlas.runs import RunConfig
from tests.conftest import plane_of as any_plane


def plane_of(*directions: AnyArray) -> Directions:
    return any_plane(np.array(directions))


def test_a_plane_knows_the_cosine_of_its_directions_and_whether_they_are_orthonormal() -> None:
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


@pytest.mark.parametrize("second", [[1, 2, 3], [-2, -4, -6], [1.0001, 2, 3], [0, 0, 0], [0, 0, 1e-31]])
def test_a_plane_that_is_a_line_is_refused(second: list[float]) -> None:
    with pytest.raises(PlaneError, match="do not span a plane"):
        plane_of(np.array([1, 2, 3]), np.array(second))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_silently_replaced__directions_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(PlaneError, match="not all finite"):
        plane_of(np.array([1, 2, value]), np.array([1, 0, 0]))


@given(st.integers(0, 1000), st.sampled_from([1.0, 1e-2, 1e-4]), st.floats(1e-3, 1e3), st.integers(2, 400))
def test_a_plane_that_is_a_line_from_a_wrong_gram_schmidt(seed: int, off: float, scale: float, count: int) -> None:
    """The pair is orthonormal to 1e-12 even for nearly parallel vectors, and both vectors lie in its plane."""
    first, other = np.random.default_rng(seed).normal(size=(2, count)) * scale
    second = -3 * first + off * other
    pair = make_orthonormal(first, second)
    np.testing.assert_allclose(pair @ pair.T, np.eye(2), atol=1e-12)
    assert pair[0] @ first == pytest.approx(np.linalg.norm(first), rel=1e-12)
    assert pair[1] @ second > 0
    for vector in (first, second):
        np.testing.assert_allclose((pair @ vector) @ pair, vector, atol=1e-11 * float(np.linalg.norm(vector)))


@pytest.mark.parametrize(
    ("first", "second", "fault"),
    [
        ([0, 0, 0], [1, 2, 3], "first two points are equal"),
        ([0, 0, 0], [0, 0, 0], "first two points are equal"),
        ([1, 2, 3], [0, 0, 0], "on one line"),
        ([1, 2, 3], [2, 4, 6], "on one line"),
        ([1, 2, 3], [2, 4, 6 + 1e-6], "on one line"),
    ],
)
def test_points_on_a_line_have_no_orthonormal_pair(first: list[float], second: list[float], fault: str) -> None:
    with pytest.raises(PlaneError, match=fault):
        make_orthonormal(np.array(first, np.float64), np.array(second, np.float64))


def test_planes_of_one_label_are_numbered() -> None:
    gaussian, fresh = GaussianPlane(normalization="filter"), FreshPlane()
    configs = [fresh, gaussian, fresh, PcaPlane(), gaussian, HessianPlane(eigenvalues="largest"), fresh, HessianPlane()]
    assert name_planes(configs) == [
        "fresh",
        "gaussian-filter",
        "fresh-2",
        "pca",
        "gaussian-filter-2",
        "hessian-largest",
        "fresh-3",
        "hessian",
    ]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "file"])
def test_a_plane_without_a_kind_is_fresh_and_others_have_their_kind(kind: str) -> None:
    assert RunConfig.from_mapping({"planes": [{}]}).planes == (FreshPlane(),)
    plane = RunConfig.from_mapping({"planes": [{"kind": kind}]}).planes[0]
    assert type(plane) is KINDS[kind]
    assert plane.kind == kind
    assert RunConfig(planes=(plane,)).planes == (plane,)


@pytest.mark.parametrize("plane", [3, None, "fresh", ["fresh"], True])
def test_a_plane_that_is_no_table_of_settings_is_refused(plane: object) -> None:
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_mapping({"planes": [{}, plane]})
    assert [name for name, _ in caught.value.faults] == ["planes.1"]


def test_offsets_are_a_times_the_first_plus_b_times_the_second() -> None:
    plane = plane_of(np.array([1, 0, 2]), np.array([0, 10, 5]))
    a, b = np.array([[0.5, -1.0]]), np.array([[2.0, 3.0]])
    assert plane.offsets(a, b).tolist() == [[[0.5, 20.0, 11.0], [-1.0, 30.0, 13.0]]]


@pytest.mark.parametrize("grid", [4, 100, 500])
def test_an_even_grid_is_refused_with_its_neighbours(grid: int) -> None:
    with pytest.raises(ConfigError, match=f"grid: {grid} is even.*give {grid - 1} or {grid + 1}"):
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

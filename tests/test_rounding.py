"""Tests stored losses: they are near the exact ones, keep their order, have fewer bits, and add no extrema."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage  # type: ignore[import-untyped]

from lossatlas.arrays import Float32, Float64
from lossatlas.engine import Evaluator
from lossatlas.landscape import loss_surfaces, surface_rows, surfaces_around
from lossatlas.landscape.rounding import OF_LOSS, OF_VARIATION, find_simplest_within, round_losses
from lossatlas.planes import FreshPlane
from lossatlas.runs import Run
from tests.conftest import network_of, plane_of, some_models

TINY = float(np.finfo(np.float32).tiny)
POSITIVE = st.floats(TINY, float(np.finfo(np.float32).max), width=32)


@st.composite
def surfaces(draw: st.DrawFn) -> Float32:
    """Draw 7 × 7 surfaces at all heights, from flat to steep: some differ only in the last bits, some by decades."""
    height = draw(st.floats(1e-6, 20.0))
    relief = draw(st.floats(-8.0, 3.0))
    shape = draw(hnp.arrays(np.float64, (7, 7), elements=st.floats(-0.9, 1.0)))
    varied: Float64 = height * (1.0 + np.where(shape > 0, 10.0**relief, min(1.0, 10.0**relief)) * shape)
    return varied.astype(np.float32)


def variation_of(surface: Float32) -> float:
    return float(np.abs(surface.astype(np.float64) - float(surface[3, 3])).max())


def round_surface(surface: Float32) -> Float32:
    return round_losses(surface, surface[3, 3], np.float64(variation_of(surface)))


def extrema(surface: Float32) -> tuple[int, int]:
    """Count the minima and maxima: connected cells of one value whose neighbours are all higher, or all lower."""
    found = []
    for heights in (surface, -surface):
        cells = [ndimage.label(heights == value, np.ones((3, 3)))[0] for value in np.unique(heights)]
        lowest = ndimage.minimum_filter(heights, 3, mode="nearest")
        found.append(sum((heights == lowest)[each == k].all() for each in cells for k in range(1, each.max() + 1)))
    return found[0], found[1]


@given(surfaces())
def test_a_stored_loss_is_within_a_ten_thousandth_of_the_variation_and_of_few_of_itself(surface: Float32) -> None:
    error = np.abs(round_surface(surface).astype(np.float64) - surface)
    assert error.max() <= OF_VARIATION * variation_of(surface) * (1 + 1e-12)
    assert (error <= OF_LOSS * surface.astype(np.float64)).all()


@given(surfaces())
def test_rounding_keeps_order_and_each_loss_on_its_side_of_the_centre_which_is_exact(surface: Float32) -> None:
    kept, centre = round_surface(surface), surface[3, 3]
    order = np.argsort(surface, axis=None, kind="stable")
    assert (np.diff(kept.ravel()[order]) >= 0).all()
    assert kept[3, 3] == centre
    assert ((kept < centre) <= (surface < centre)).all()
    assert ((kept > centre) <= (surface > centre)).all()


@given(surfaces())
def test_rounding_adds_no_minimum_and_no_maximum(surface: Float32) -> None:
    assert np.all(np.array(extrema(round_surface(surface))) <= extrema(surface))


@pytest.mark.parametrize("relief", [1e-3, 1e-4, 3e-6])
def test_a_flat_bowl_off_the_centre_keeps_its_one_minimum_and_no_needle_stands_in_it(relief: float) -> None:
    a, b = np.meshgrid(*[np.linspace(-1, 1, 41)] * 2)
    bowl = (0.40012345 * (1 + relief * ((a - 0.5) ** 2 + (b + 0.3) ** 2))).astype(np.float32)
    kept = round_losses(bowl, bowl[20, 20], np.float64(np.abs(bowl.astype(np.float64) - float(bowl[20, 20])).max()))
    assert extrema(kept)[0] == extrema(bowl)[0]
    around = kept[19:22, 19:22].astype(np.float64) - float(kept[20, 20])
    assert around.min() < 0 < around.max()  # the centre lies on a slope, as before


@given(POSITIVE, st.integers(0, 2**16))
def test_stored_losses_have_the_most_trailing_zeros_within_the_tolerance(loss: float, reach: int) -> None:
    word = int(np.float32(loss).view(np.uint32))
    low, high = max(0, word - reach % 61), min(word + reach % 47, 0x7F7FFFFF)
    ends = np.array([low, high], np.uint32).view(np.float32).astype(np.float64)
    found = int(find_simplest_within(ends[:1], ends[1:])[0].view(np.uint32))
    assert low <= found <= high
    assert found & -found == max(each & -each for each in range(low, high + 1) if each) or found == low == 0


def test_a_steep_surface_has_half_of_its_bits_zeroed_and_a_flat_one_keeps_those_it_needs() -> None:
    steep = np.random.default_rng(0).lognormal(sigma=3, size=(41, 41)).astype(np.float32)
    words = round_losses(steep, steep[20, 20], np.float64(steep.max())).view(np.uint32)
    zeros = np.log2((words & -words.astype(np.int64)).astype(np.float64))
    assert zeros[zeros > 0].min() >= 11
    assert np.median(zeros) >= 12


def test_nan_silently_replaced__rounding_keeps_what_is_not_finite_and_zero() -> None:
    special = np.array([np.inf, np.nan, 0.0], np.float32)
    for centre, variation in product((0.0, 0.4, np.inf), (1.0, 0.0, np.inf)):
        assert round_losses(special, np.float32(centre), np.float64(variation)).tobytes() == special.tobytes()
    largest = np.array([np.finfo(np.float32).max], np.float32)
    assert np.isfinite(round_losses(largest, np.float32(1), np.float64(np.inf))).all()


def test_rounding_leaves_its_argument_alone_and_keeps_the_shape() -> None:
    losses = np.random.default_rng(1).random((2, 3, 4), np.float32)
    before = losses.copy()
    assert round_losses(losses, losses[:, :1, :1], np.ones((2, 1, 1))).shape == (2, 3, 4)
    assert (losses == before).all()


def exact_surfaces(run: Run) -> Float64:
    """Compute the surfaces ``[span, frame, b, a]`` of the engine, without rounding."""
    evaluator = Evaluator(run.setup.network, *run.setup.dataset.train)
    plane = run.planes[0]
    found = [loss_surfaces(evaluator, plane, theta, plane.spans, 9) for theta in run.trajectory.weights]
    return np.array([[surface.loss for surface in frame] for frame in found], np.float64).swapaxes(0, 1)


def test_every_stored_surface_is_as_near_to_the_exact_one_as_its_own_variation_asks(small_run: Run) -> None:
    exact, kept = exact_surfaces(small_run), small_run.loss_surface["fresh"]
    varies = np.abs(exact - exact[:, :, 4:5, 4:5]).max(axis=(2, 3))
    assert (np.abs(kept - exact).max(axis=(2, 3)) <= OF_VARIATION * varies * (1 + 1e-9)).all()
    assert np.abs(kept / exact - 1).max() <= OF_LOSS
    assert (kept[:, :, 4, 4] == exact[:, :, 4, 4]).all()
    assert (kept != exact).any()


def test_rows_are_rounded_as_the_whole_surface_is(small_run: Run) -> None:
    evaluator = Evaluator(small_run.setup.network, *small_run.setup.dataset.train)
    plane, theta = small_run.planes[0], small_run.trajectory.weights[2]
    whole = surfaces_around(evaluator, plane, theta, 9).reshape(-1, 9)
    for rows in (range(1), range(4, 5), range(7, 12), range(17, 18)):
        assert surface_rows(evaluator, plane, theta, 9, rows).tobytes() == whole[rows.start : rows.stop].tobytes()


def test_surfaces_with_overflowing_corners_are_stored_as_well() -> None:
    network = network_of(5, activation="relu")
    points = np.random.default_rng(0).normal(size=(30, 2)).astype(np.float32)
    evaluator = Evaluator(network, points, np.arange(30) % 2)
    directions = FreshPlane().draw(network).directions
    for spans in ((1e25,), (1.0, 1e25)):
        surface = surfaces_around(evaluator, plane_of(directions, spans), some_models(network, 1)[0], 5)
        assert np.isinf(surface[-1, 0, 0])
        assert np.isfinite(surface[:, 2, 2]).all()
        assert not np.isnan(surface).any()

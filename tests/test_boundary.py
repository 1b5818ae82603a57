from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossatlas.errors import ConfigError
from lossatlas.landscape import BoundaryConfig, InputGrid, boundary_evaluator, decision_boundary, input_grid
from tests.conftest import network_of, some_models
from tests.support.oracles import torch_probabilities


def oblong() -> InputGrid:
    """Make a grid with fewer rows than columns, and with another range on each axis."""
    return InputGrid(np.linspace(-3, 1, 11, dtype=np.float32), np.linspace(5, 7, 4, dtype=np.float32))


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_non_square_grid_scrambled__each_cell_is_torchs_softmax_there(classes: int, activation: str) -> None:
    network = network_of(6, 5, activation=activation, classes=classes)
    grid, theta = oblong(), some_models(network, 1, scale=2.0)[0]
    boundary = decision_boundary(boundary_evaluator(network, grid), grid, theta)
    assert boundary.predicted_class.shape == boundary.confidence.shape == grid.shape == (4, 11)
    assert (boundary.predicted_class.dtype.name, boundary.confidence.dtype.name) == ("uint8", "float32")
    for row, y in enumerate(grid.y):
        for column, x in enumerate(grid.x):
            probabilities = torch_probabilities(network, theta, np.array([[x, y]]))[0]
            assert boundary.confidence[row, column] == pytest.approx(probabilities.max(), abs=2e-6)
            best = probabilities[boundary.predicted_class[row, column]]
            assert best == pytest.approx(probabilities.max(), abs=2e-6)


def test_axes_transposed__rows_are_the_second_feature() -> None:
    """A model that depends only on the second feature (class 1 where y > 6) gives stripes along x."""
    network = network_of()
    theta = np.array([0, -1, 0, 1, 6, -6], np.float32)  # logits -y + 6 and y - 6
    grid = oblong()
    boundary = decision_boundary(boundary_evaluator(network, grid), grid, theta)
    assert (boundary.predicted_class == (grid.y > 6)[:, None]).all()
    expected = 1 / (1 + np.exp(-2 * np.abs(grid.y.astype(float) - 6)))
    np.testing.assert_allclose(boundary.confidence, np.broadcast_to(expected[:, None], grid.shape), rtol=2e-6)


def test_grid_points_go_row_by_row() -> None:
    grid = InputGrid(np.array([0, 1, 2], np.float32), np.array([10, 20], np.float32))
    assert grid.points.tolist() == [[0, 10], [1, 10], [2, 10], [0, 20], [1, 20], [2, 20]]


@given(st.integers(0, 1000), st.integers(2, 40), st.floats(0, 2))
def test_the_grid_covers_the_data_and_the_margin(seed: int, resolution: int, margin: float) -> None:
    points = np.random.default_rng(seed).normal(size=(30, 2)) * [1, 5] + [3, -2]
    grid = input_grid(points, BoundaryConfig(resolution=resolution, margin=margin))
    for axis, values in enumerate((grid.x, grid.y)):
        low, high = points[:, axis].min(), points[:, axis].max()
        room = margin * (high - low)
        assert values.shape == (resolution,)
        assert values.dtype == np.float32
        assert (np.diff(values) > 0).all()
        np.testing.assert_allclose([values[0], values[-1]], [low - room, high + room], rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(np.diff(values), (high - low + 2 * room) / (resolution - 1), rtol=1e-3)


@given(st.integers(0, 500), st.integers(2, 5), st.sampled_from([0.0, 1.0, 1e3]))
def test_confidence_lies_between_chance_and_certainty(seed: int, classes: int, scale: float) -> None:
    network = network_of(4, classes=classes)
    theta = some_models(network, 1, seed, scale)[0]
    grid = oblong()
    boundary = decision_boundary(boundary_evaluator(network, grid), grid, theta)
    rounding = classes * np.finfo(np.float32).eps
    assert boundary.confidence.min() >= 1 / classes - rounding
    assert boundary.confidence.max() <= 1
    assert boundary.predicted_class.max() < classes


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"resolution": 1}, "resolution"),
        ({"resolution": 1001}, "resolution"),
        ({"margin": -0.1}, "margin"),
        ({"margin": 2.1}, "margin"),
        ({"zoom": 1}, "zoom"),
    ],
)
def test_out_of_range_values_are_refused_by_name(values: dict[str, object], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        BoundaryConfig.from_mapping(values)
    assert [name for name, _ in caught.value.faults] == [field]

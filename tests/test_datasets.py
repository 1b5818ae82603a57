from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]
from sklearn.datasets import load_breast_cancer, load_iris

from lossatlas.arrays import Float64, Integers
from lossatlas.datasets import SOURCES, Dataset, DatasetConfig, load_dataset
from lossatlas.errors import ConfigError

NAMES = sorted(SOURCES)
DRAWN = sorted(name for name, source in SOURCES.items() if not source.is_real)


def original(dataset: Dataset) -> Float64:
    return dataset.points * dataset.scale + dataset.mean


def count_points(points: Float64, labels: Integers) -> Counter[tuple[float, ...]]:
    """Count each point with its class. Rounding removes the errors of undoing the scale."""
    rows = zip(points.tolist(), labels.tolist(), strict=True)
    return Counter((*(round(value, 9) for value in row), label) for row, label in rows)


def draw_points(name: str, noise: float, points: int = 400, seed: int = 2) -> tuple[Float64, Float64]:
    """Draw points in the dataset's own units, and their labels."""
    dataset = load_dataset(DatasetConfig(name=name, noise=noise, points=points, seed=seed))
    return original(dataset), dataset.labels.astype(float)


@pytest.mark.parametrize("name", NAMES)
def test_a_dataset_has_the_stated_shapes_dtypes_classes_and_split(name: str) -> None:
    config = DatasetConfig(name=name, points=90, test_fraction=0.3, seed=1)
    dataset = load_dataset(config)
    source = SOURCES[name]
    assert dataset.points.shape == (90, 2)
    arrays = (dataset.points, dataset.labels, dataset.split)
    assert [array.dtype.name for array in arrays] == ["float64", "int64", "uint8"]
    assert dataset.split.tolist() == [0] * 63 + [1] * 27
    assert (dataset.name, dataset.title) == (name, source.title)
    assert dataset.class_count == len(source.class_names) >= 2
    for points, labels in (dataset.train, dataset.test):
        assert len(points) == len(labels)
        assert set(labels.tolist()) == set(range(dataset.class_count))
    assert np.concatenate([dataset.train[0], dataset.test[0]]).tolist() == dataset.points.tolist()


@pytest.mark.parametrize("name", NAMES)
def test_points_are_standardised_by_the_training_points_alone(name: str) -> None:
    dataset = load_dataset(DatasetConfig(name=name, points=100, seed=4))
    train = dataset.train[0]
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(train.std(axis=0), 1, rtol=1e-12)
    assert np.abs(dataset.test[0].mean(axis=0)).min() > 1e-6  # the test points have no influence
    own = original(dataset)[dataset.split == 0]
    np.testing.assert_allclose(dataset.mean, own.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(dataset.scale, own.std(axis=0), rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_has_the_same_bits_and_another_one_others(name: str) -> None:
    first, again, other = (load_dataset(DatasetConfig(name=name, points=60, seed=seed)) for seed in (8, 8, 9))
    assert first.points.tobytes() == again.points.tobytes()
    assert first.labels.tobytes() == again.labels.tobytes()
    assert first.points.tobytes() != other.points.tobytes()


def test_without_noise_moons_lie_on_two_half_circles() -> None:
    points, labels = draw_points("moons", 0.0)
    upper, lower = points[labels == 0], points[labels == 1]
    np.testing.assert_allclose(np.hypot(*upper.T), 1, rtol=1e-12)
    np.testing.assert_allclose(np.hypot(*(lower - [1.0, 0.5]).T), 1, rtol=1e-12)
    assert upper[:, 1].min() > -1e-12
    assert lower[:, 1].max() < 0.5 + 1e-12
    # the points cover both half circles: the angles are uniform on (0, π)
    assert stats.kstest(np.arctan2(upper[:, 1], upper[:, 0]) / np.pi, "uniform").pvalue > 1e-3
    assert stats.kstest(np.arctan2(0.5 - lower[:, 1], 1 - lower[:, 0]) / np.pi, "uniform").pvalue > 1e-3


def test_without_noise_circles_have_radius_one_and_a_half() -> None:
    points, labels = draw_points("circles", 0.0)
    np.testing.assert_allclose(np.hypot(*points.T), np.where(labels == 0, 1.0, 0.5), rtol=1e-12)
    turns = np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi) + 0.5
    assert stats.kstest(turns, "uniform").pvalue > 1e-3


@pytest.mark.parametrize(("name", "arms", "turns"), [("spirals", 2, 1.25), ("arms", 3, 0.75)])
def test_without_noise_spirals_are_archimedean(name: str, arms: int, turns: float) -> None:
    points, labels = draw_points(name, 0.0)
    radius = np.hypot(*points.T)
    assert 0.1 <= radius.min() < 0.12
    assert 0.98 < radius.max() <= 1.0
    behind = np.arctan2(points[:, 1], points[:, 0]) - 2 * np.pi * (turns * radius + labels / arms)
    np.testing.assert_allclose(np.exp(1j * behind), 1, atol=1e-11)


def test_without_noise_blobs_and_corners_are_their_centres() -> None:
    points, labels = draw_points("blobs", 0.0)
    np.testing.assert_allclose(points, np.stack([2 * labels - 1] * 2, axis=1), rtol=1e-12)
    points, labels = draw_points("corners", 0.0)
    np.testing.assert_allclose(np.abs(points), 1, rtol=1e-12)
    assert (labels == (points[:, 0] * points[:, 1] < 0)).all()
    assert len({tuple(np.sign(point)) for point in points}) == 4


def test_without_noise_the_checkerboards_classes_are_its_squares() -> None:
    points, labels = draw_points("checkerboard", 0.0, points=2000)
    assert points.min() > 0
    assert points.max() < 4
    # Undoing the scale could move points across an edge.
    on_an_edge = np.abs(points - np.rint(points)).min(axis=1) < 1e-12
    squares = np.floor(points)
    assert (labels == squares.sum(axis=1) % 2)[~on_an_edge].all()
    counts = np.unique(squares, axis=0, return_counts=True)[1]
    assert len(counts) == 16
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("name", DRAWN)
def test_noise_is_a_normal_of_the_stated_spread_added_to_the_same_points(name: str) -> None:
    count, noise = 4000, 0.25
    added: Float64 = (draw_points(name, noise, count)[0] - draw_points(name, 0.0, count)[0]) / noise
    # standard error of a standard deviation: σ / sqrt(2 n)
    assert np.abs(added.std(axis=0) - 1).max() < 4 / math.sqrt(2 * count)
    assert np.abs(added.mean(axis=0)).max() < 4 / math.sqrt(count)
    assert abs(np.corrcoef(*added.T).ravel()[1]) < 4 / math.sqrt(count)
    assert stats.kstest(added.ravel(), "norm").pvalue > 1e-3


@pytest.mark.parametrize("name", DRAWN)
def test_drawn_classes_are_balanced(name: str) -> None:
    dataset = load_dataset(DatasetConfig(name=name, points=601))
    counts = np.bincount(dataset.labels)
    if name == "checkerboard":  # its classes depend on where the points fall
        assert stats.chisquare(counts).pvalue > 1e-3
    else:
        assert counts.max() - counts.min() <= (2 if name == "corners" else 1)


@pytest.mark.parametrize(
    ("name", "loader", "features"),
    [
        ("iris", load_iris, ["petal length (cm)", "petal width (cm)"]),
        ("cancer", load_breast_cancer, ["worst radius", "worst concave points"]),
    ],
)
@pytest.mark.parametrize("points", [50, None])
def test_measured_points_are_rows_of_scikit_learns_table(
    name: str, loader: Any, features: list[str], points: int | None
) -> None:
    table = loader()
    columns = [list(table.feature_names).index(feature) for feature in features]
    rows = count_points(table.data[:, columns], table.target)
    dataset = load_dataset(DatasetConfig(name=name) if points is None else DatasetConfig(name=name, points=points))
    assert list(dataset.feature_names) == features
    assert [str(target) for target in table.target_names] == list(dataset.class_names)
    ours = count_points(original(dataset), dataset.labels)
    assert ours.total() == (min(512, len(table.target)) if points is None else points)
    assert ours <= rows  # the points are rows of the table, and none occurs more often than there


@given(
    st.sampled_from(NAMES),
    st.integers(8, 40),
    st.floats(0.1, 0.6),
    st.integers(0, 2**53 - 1),
    st.sampled_from([0, None]),
)
def test_any_possible_dataset_is_finite_and_standardised(
    name: str, points: int, fraction: float, seed: int, noise: float | None
) -> None:
    values = {"name": name, "points": points, "test_fraction": fraction, "seed": seed, "noise": noise}
    try:
        config = DatasetConfig.from_mapping(values)
    except ConfigError:
        kept = round(points * fraction)
        assert not 2 <= kept <= points - 4
        return
    dataset = load_dataset(config)
    assert np.isfinite(dataset.points).all()
    assert (dataset.scale > 0).all()
    np.testing.assert_allclose(dataset.train[0].mean(axis=0), 0, atol=1e-9)


@pytest.mark.parametrize("seed", [9, 21, 83])
def test_a_feature_that_never_varies_divides_by_nothing(seed: int) -> None:
    """With so few points and no noise, all training points lie in one blob, and the standard deviation is 0."""
    dataset = load_dataset(DatasetConfig(name="blobs", points=8, noise=0, seed=seed))
    assert len(set(dataset.train[1].tolist())) == 1
    assert (dataset.train[0] == 0).all()
    assert (dataset.scale == 1).all()
    assert set(np.abs(original(dataset)).ravel().tolist()) == {1.0}


def test_defaults_come_from_the_source() -> None:
    for name, source in SOURCES.items():
        config = DatasetConfig(name=name)
        assert config.noise == source.default_noise
        assert config.points == min(512, source.available or 512)
        assert DatasetConfig.from_mapping({"name": name, "noise": None}) == config
    assert load_dataset("iris").points.shape == (150, 2)


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"name": "swirl"}, "", "there is no dataset 'swirl'; there are moons, blobs, "),
        ({"name": None}, "", "there is no dataset None"),
        ({"points": 7}, "points", "7 is not allowed"),
        ({"points": 20_001}, "points", "20001 is not allowed"),
        ({"points": 10.5}, "points", "10.5 is not allowed"),
        ({"points": "many"}, "points", "'many' is not allowed"),
        ({"noise": -0.1}, "noise", "-0.1 is not allowed"),
        ({"noise": 10.5}, "noise", "10.5 is not allowed"),
        ({"noise": math.nan}, "noise", "nan is not allowed"),
        ({"noise": math.inf}, "noise", "inf is not allowed"),
        ({"test_fraction": 0}, "test_fraction", "0 is not allowed"),
        ({"test_fraction": 1}, "test_fraction", "1 is not allowed"),
        ({"seed": -1}, "seed", "-1 is not allowed"),
        ({"seed": 2**53}, "seed", f"{2**53} is not allowed"),
        ({"size": 9}, "size", "there is no such setting"),
        ({"name": "iris", "noise": 0.5}, "", "noise 0.5 is not allowed: iris is measured data; remove noise"),
        ({"name": "iris", "points": 512.0}, "", "512 points are not allowed: iris has 150; give 150 or fewer"),
        ({"name": "cancer", "points": 1000}, "", "1000 points are not allowed: cancer has 569; give 569 or fewer"),
        (
            {"points": 10, "test_fraction": 0.9},
            "",
            "test_fraction 0.9 of 10 points leaves 1 to train on and 9 to test on; leave at least 4 and 2",
        ),
        ({"points": 10, "test_fraction": 0.1}, "", "leaves 9 to train on and 1 to test on"),
    ],
)
def test_impossible_datasets_are_refused_with_a_reason(values: dict[str, object], field: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        DatasetConfig.from_mapping(values)
    assert len(caught.value.faults) == 1
    named, said = caught.value.faults[0]
    assert named == field
    assert message in said

"""Tests planes along random directions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossatlas.errors import PlaneError
from lossatlas.planes import FreshPlane, GaussianPlane, normalize
from lossatlas.planes.normalization import Normalization
from lossatlas.rng import Stream
from tests.conftest import network_of, some_models
from tests.planes.trained import make_training, train_network

Kind = type[FreshPlane] | type[GaussianPlane]
KINDS = pytest.mark.parametrize("kind", [FreshPlane, GaussianPlane])


@given(st.integers(0, 2**53 - 1), st.sampled_from([(), (3,), (8, 8)]))
def test_directions_are_two_freshly_initialised_models(seed: int, hidden: tuple[int, ...]) -> None:
    network = network_of(*hidden)
    plane = FreshPlane(seed=seed).draw(network)
    fresh = [network.draw_initial_theta(seed, stream) for stream in (Stream.DIRECTION_A, Stream.DIRECTION_B)]
    assert plane.directions.dtype == np.float32
    assert (plane.directions == np.array(fresh, np.float32)).all()
    assert (plane.name, plane.kind, plane.seed) == ("fresh", "fresh", seed)


@given(st.integers(0, 2**53 - 1))
def test_no_direction_is_the_start_of_the_model_of_the_same_seed(seed: int) -> None:
    network = network_of(6, 5)
    start = network.draw_initial_theta(seed).astype(np.float32)
    for direction in FreshPlane(seed=seed).draw(network).directions:
        cosine = direction @ start / (np.linalg.norm(direction) * np.linalg.norm(start))
        assert abs(cosine) < 0.9


@given(
    st.integers(0, 2**53 - 1),
    st.sampled_from([FreshPlane, GaussianPlane]),
    st.sampled_from(["none", "layer", "filter"]),
    st.booleans(),
)
def test_two_random_directions_of_cosine_099__they_are_nearly_orthogonal(
    seed: int, kind: Kind, normalization: Normalization, biases: bool
) -> None:
    """They are nearly orthogonal, and not nearly parallel: |cos| is of the order 1/sqrt(P) in P dimensions."""
    network = network_of(16, 16)
    ended = make_training(network, some_models(network, 1))
    plane = kind(seed=seed, normalization=normalization, biases=biases).lay(ended)
    assert abs(plane.cosine) < 6 / math.sqrt(network.parameter_count)
    assert not plane.orthonormal  # they are not scaled, and the plane says so


def test_gaussian_directions_move_every_parameter_alike() -> None:
    network = network_of(40, 40)
    directions = GaussianPlane(seed=1).draw(network).directions.astype(np.float64)
    count = network.parameter_count
    assert abs(directions.mean()) < 5 / math.sqrt(2 * count)
    for parameter in network.parameters:
        part = directions[:, parameter.offset : parameter.offset + parameter.size]
        assert (part**2).mean() == pytest.approx(1, abs=5 * math.sqrt(2 / part.size))
    assert ((directions**2).mean(axis=1)) == pytest.approx(1, abs=5 * math.sqrt(2 / count))


@KINDS
@pytest.mark.parametrize("normalization", ["layer", "filter"])
@pytest.mark.parametrize("biases", [False, True])
def test_normalised_directions_have_the_lengths_of_the_last_frame_s_theta(
    kind: Kind, normalization: Normalization, biases: bool
) -> None:
    network = network_of(5, 4)
    ended = train_network(network)
    config = kind(seed=2, normalization=normalization, biases=biases)
    plane = config.lay(ended)
    theta = ended.trajectory.weights[-1]
    assert config.needs_training
    with pytest.raises(PlaneError, match=f"'{config.label}' depend on the training; lay the plane after it"):
        config.draw(network)
    expected = normalize(network, config.draw_vectors(network), theta, normalization, biases)
    assert (plane.directions == expected.astype(np.float32)).all()
    assert plane.normalization == normalization
    assert normalization in plane.title
    assert ("biases stay where they are" in plane.what) == (not biases)
    assert ("biases move too" in plane.what) == biases  # if biases move, the slice is not invariant, and it says so


@KINDS
def test_raw_directions_need_no_training_and_do_not_depend_on_it(kind: Kind) -> None:
    network = network_of(5, 4)
    ended = train_network(network)
    before, after = kind(seed=3).draw(network), kind(seed=3).lay(ended)
    assert not kind(seed=3).needs_training
    assert (before.directions == after.directions).all()
    assert before.what == after.what
    assert not hasattr(before, "centre")
    assert (after.centre == ended.trajectory.weights[-1]).all()
    assert after.centre_frame == len(ended.trajectory.weights) - 1
    assert vars(before.around(after.centre, after.centre_frame)).keys() == vars(after).keys()


@KINDS
def test_two_identical_calls_differ__equal_seeds_give_equal_bits(kind: Kind) -> None:
    ended = train_network(network_of(5, 4))
    config = kind(seed=4, normalization="filter")
    first, second = (config.lay(ended) for _ in range(2))
    assert first.directions.tobytes() == second.directions.tobytes()
    assert (config.with_values(seed=5).lay(ended).directions != first.directions).any()


def test_a_theta_of_zeros_leaves_no_normalised_plane() -> None:
    network = network_of(3)
    ended = make_training(network, np.zeros((2, network.parameter_count)))
    with pytest.raises(PlaneError, match="do not span a plane"):
        GaussianPlane(normalization="filter").lay(ended)

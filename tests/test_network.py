from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossatlas.errors import ConfigError
from lossatlas.networks import ACTIVATIONS, ModelConfig, Network
from lossatlas.rng import Stream
from tests.conftest import network_of
from tests.support.oracles import philox_doubles, torch_logits

NETWORKS = st.builds(
    lambda inputs, hidden, classes, name, residual: Network((inputs, *hidden, classes), ACTIVATIONS[name], residual),
    st.integers(1, 4),
    st.lists(st.integers(1, 7), max_size=4) | st.lists(st.sampled_from([3, 4]), max_size=5),
    st.integers(2, 5),
    st.sampled_from(sorted(ACTIVATIONS)),
    st.booleans(),
)


@given(NETWORKS)
def test_the_layout_covers_theta_exactly_once(network: Network) -> None:
    hits = np.zeros(network.parameter_count, int)
    for parameter in network.parameters:
        assert parameter.size == math.prod(parameter.shape)
        hits[parameter.offset : parameter.offset + parameter.size] += 1
    assert (hits == 1).all()
    sizes = zip(network.layers[:-1], network.layers[1:], strict=True)
    assert network.parameter_count == sum(fan_out * (fan_in + 1) for fan_in, fan_out in sizes)


def test_the_layout_names_weight_and_bias_of_each_layer_in_turn() -> None:
    assert [(p.name, p.shape, p.offset) for p in network_of(3, 4, classes=5).parameters] == [
        ("layers.0.weight", (3, 2), 0),
        ("layers.0.bias", (3,), 6),
        ("layers.1.weight", (4, 3), 9),
        ("layers.1.bias", (4,), 21),
        ("layers.2.weight", (5, 4), 25),
        ("layers.2.bias", (5,), 45),
    ]


@given(NETWORKS, st.lists(st.integers(1, 3), max_size=2))
def test_packing_is_a_permutation_and_unpacking_its_inverse(network: Network, batch: list[int]) -> None:
    assert sorted(network.packing.tolist()) == list(range(network.parameter_count))
    theta = np.random.default_rng(0).normal(size=(*batch, network.parameter_count))
    assert (network.unpack(network.pack(theta)) == theta).all()
    assert (network.pack(network.unpack(theta)) == theta).all()


@given(NETWORKS)
def test_matrices_are_views_that_hold_each_weight_with_its_bias_beside_it(network: Network) -> None:
    theta = np.random.default_rng(1).normal(size=(3, network.parameter_count))
    packed = network.pack(theta)
    tensors = {p.name: theta[:, p.offset : p.offset + p.size].reshape(3, *p.shape) for p in network.parameters}
    matrices = network.matrices(packed)
    assert len(matrices) == len(network.layers) - 1
    for number, matrix in enumerate(matrices):
        assert np.shares_memory(matrix, packed)
        assert (matrix[:, :, :-1] == tensors[f"layers.{number}.weight"]).all()
        assert (matrix[:, :, -1] == tensors[f"layers.{number}.bias"]).all()


@given(NETWORKS)
def test_logits_by_the_layout_are_those_of_the_torch_model(network: Network) -> None:
    """The one sentence of the format, ``activation(weight @ x + bias)``, plus x where both it and the layer below are
    hidden layers of one width of a residual network, read literally, is what torch computes."""
    rng = np.random.default_rng(2)
    theta = rng.normal(size=network.parameter_count)
    points = rng.normal(size=(6, network.layers[0]))
    values = points.T
    for weight, bias in zip(network.parameters[::2], network.parameters[1::2], strict=True):
        matrix = theta[weight.offset : weight.offset + weight.size].reshape(weight.shape)
        x, values = values, matrix @ values + theta[bias.offset : bias.offset + bias.size, None]
        if weight is not network.parameters[-2]:
            network.activation.forward(values)
            if network.residual and weight is not network.parameters[0] and len(x) == len(values):
                values += x
    expected = torch_logits(network, theta, points).detach().numpy().T
    np.testing.assert_allclose(values, expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(
    ("layers", "skips"),
    [
        ((2, 2), [False]),
        # There are no skips from the inputs or to the logits, even if the widths are equal.
        ((2, 2, 2), [False, False]),
        ((3, 3, 3, 3), [False, True, False]),
        ((2, 5, 5, 4, 4, 4, 2), [False, True, False, True, True, False]),
        ((2, 5, 6, 5, 2), [False] * 4),
    ],
)
def test_skips_lead_from_hidden_layers_to_hidden_layers_of_the_same_width(
    layers: tuple[int, ...], skips: list[bool]
) -> None:
    numbers = range(len(layers) - 1)
    plain, residual = (Network(layers, ACTIVATIONS["relu"], twin) for twin in (False, True))
    assert [residual.has_skip(number) for number in numbers] == skips
    assert not any(plain.has_skip(number) for number in numbers)


@given(NETWORKS, st.integers(0, 100))
def test_residual_twins_start_from_the_same_theta(network: Network, seed: int) -> None:
    plain, residual = (Network(network.layers, network.activation, twin) for twin in (False, True))
    assert (plain.draw_initial_theta(seed) == residual.draw_initial_theta(seed)).all()


@pytest.mark.parametrize(
    ("activation", "limits"),
    [
        ("tanh", [math.sqrt(6 / 9), math.sqrt(6 / 12), math.sqrt(6 / 8)]),
        ("relu", [math.sqrt(6 / 2), math.sqrt(6 / 7), math.sqrt(6 / 8)]),
    ],
)
def test_initial_theta_is_the_oracles_uniforms_within_the_limits_and_biases_zero(
    activation: str, limits: list[float]
) -> None:
    network = network_of(7, 5, activation=activation, classes=3)
    doubles = philox_doubles(31, Stream.WEIGHTS)
    theta = network.draw_initial_theta(31)
    assert theta.dtype == np.float64
    for number, limit in enumerate(limits):
        weight, bias = network.parameters[2 * number : 2 * number + 2]
        expected = [-limit + 2 * limit * next(doubles) for _ in range(weight.size)]
        np.testing.assert_allclose(theta[weight.offset : weight.offset + weight.size], expected, rtol=1e-12, atol=1e-15)
        assert (theta[bias.offset : bias.offset + bias.size] == 0).all()


@pytest.mark.parametrize(("activation", "variance"), [("tanh", 2 / 400), ("gelu", 2 / 200)])
def test_initial_weights_have_the_variance_of_their_source(activation: str, variance: float) -> None:
    network = network_of(200, 200, activation=activation)
    weight = network.parameters[2]
    values = network.draw_initial_theta(0)[weight.offset : weight.offset + weight.size]
    # the kurtosis of a uniform is 9/5, so the standard error of its variance is σ² sqrt(0.8 / n)
    assert abs(values.var() / variance - 1) < 4 * math.sqrt(0.8 / weight.size)


def test_streams_and_seeds_start_differently() -> None:
    network = network_of(4)
    starts = [network.draw_initial_theta(seed, s) for seed in (0, 1) for s in (Stream.WEIGHTS, Stream.DIRECTION_A)]
    assert len({start.tobytes() for start in starts}) == 4
    assert (network.draw_initial_theta(0) == starts[0]).all()


@pytest.mark.parametrize(
    ("hidden", "activation", "title"),
    [
        ((16, 16), "tanh", "2 × 16 tanh"),
        ((4,), "gelu", "1 × 4 GELU"),
        ((7, 5), "relu", "7-5 ReLU"),
        ((), "tanh", "logistic regression"),
    ],
)
def test_a_title_names_the_layers_and_the_activation(hidden: tuple[int, ...], activation: str, title: str) -> None:
    assert ModelConfig(hidden=hidden, activation=activation).title == title


def test_the_title_of_a_residual_model_says_so() -> None:
    assert ModelConfig(hidden=(8, 8, 8), activation="relu", residual=True).title == "3 × 8 ReLU residual"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"hidden": [0]}, "hidden.0"),
        ({"hidden": [4, 1025]}, "hidden.1"),
        ({"hidden": [1] * 33}, "hidden"),
        ({"hidden": [2.5]}, "hidden.0"),
        ({"activation": "swish"}, "activation"),
        ({"residual": "perhaps"}, "residual"),
        ({"residual": [1]}, "residual"),
        ({"width": 3}, "width"),
    ],
)
def test_an_impossible_model_is_refused_by_the_name_of_its_field(values: dict[str, object], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ModelConfig.from_mapping(values)
    assert [name for name, _ in caught.value.faults] == [field]


def test_an_unknown_activation_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="there is no activation 'swish'; there are tanh, relu, sigmoid, gelu"):
        ModelConfig(activation="swish")

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax, logsumexp  # type: ignore[import-untyped]

from lossatlas.arrays import AnyArray, Float32, Float64, Integers
from lossatlas.engine import Evaluator, evaluator, softmax
from lossatlas.networks import ACTIVATIONS, Network
from tests.conftest import network_of, some_models
from tests.support.oracles import torch_losses, torch_probabilities

#: Hidden layers, and whether the network is residual: all, some, only the last, or none of the layers have skips.
MODELS: list[tuple[tuple[int, ...], bool]] = [
    *((hidden, False) for hidden in [(), (7,), (6, 5), (5, 4, 6), (4, 5, 4, 3)]),
    *((hidden, True) for hidden in [(), (7,), (6, 5), (5, 5), (4, 4, 4, 4), (3, 3, 5, 5, 2), (7, 4, 4)]),
]
#: The tolerance for five float32 layers of sums of at most eight products: 40 roundings of 6e-8 each, and a margin.
FLOAT32 = 5e-6


@pytest.fixture(autouse=True, params=["numpy", "wasm"])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test of this file with both kernels."""
    monkeypatch.setattr(evaluator, "_choose_kernel", lambda _network: request.param)


def data(classes: int, count: int = 37, seed: int = 0) -> tuple[Float64, Integers]:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(count, 2)).astype(np.float32).astype(np.float64)  # these numbers are exact in float32
    return points, rng.integers(0, classes, count)  # the labels are not sorted


def linear_with_logits(logits: AnyArray, labels: AnyArray) -> float:
    """Make a model with given logits: it has no hidden layer, all weights are 0, and the biases are the logits."""
    network = network_of(classes=len(logits))
    theta = np.concatenate([np.zeros(2 * len(logits)), logits]).astype(np.float32)
    return float(Evaluator(network, np.zeros((len(labels), 2)), labels).losses(theta[None])[0])


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize(("hidden", "residual"), MODELS)
def test_losses_and_probabilities_are_torchs(
    hidden: tuple[int, ...], residual: bool, classes: int, activation: str
) -> None:
    network = network_of(*hidden, activation=activation, residual=residual, classes=classes)
    models = some_models(network, 3)
    points, labels = data(classes)
    evaluator = Evaluator(network, points, labels)
    losses, probabilities = evaluator.losses(models), evaluator.probabilities(models)
    assert losses.dtype == probabilities.dtype == np.float32
    np.testing.assert_allclose(losses, torch_losses(network, models, points, labels), rtol=FLOAT32)
    for theta, ours in zip(models, probabilities, strict=True):
        np.testing.assert_allclose(ours.T, torch_probabilities(network, theta, points), atol=FLOAT32)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("count", [2047, 2048, 2049, 5000])
def test_more_points_than_a_tile_are_all_counted_once_and_in_their_place(count: int, classes: int) -> None:
    network = network_of(6, classes=classes)
    models = some_models(network, 2)
    points, labels = data(classes, count)
    evaluator = Evaluator(network, points, labels)
    # these float32 losses are summed pairwise, which adds log2(2048) roundings
    np.testing.assert_allclose(evaluator.losses(models), torch_losses(network, models, points, labels), rtol=FLOAT32)
    expected = np.array([torch_probabilities(network, theta, points) for theta in models])
    np.testing.assert_allclose(evaluator.probabilities(models).swapaxes(1, 2), expected, atol=FLOAT32)
    predicted = evaluator.probabilities(models).argmax(axis=1)
    decided = np.sort(expected, axis=2)[:, :, -1] - np.sort(expected, axis=2)[:, :, -2] > FLOAT32
    assert decided.mean() > 0.99
    assert (predicted == expected.argmax(axis=2))[decided].all()


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("hidden", [(), (33,), (9, 8), (9, 9, 9)])
def test_two_identical_calls_differ__bits_depend_neither_on_threads_nor_on_the_batch(
    hidden: tuple[int, ...], classes: int
) -> None:
    network = network_of(*hidden, residual=len(hidden) == 3, classes=classes)
    points, labels = data(classes, 500)
    one, two = (Evaluator(network, points, labels, threads=threads) for threads in (1, 2))
    models = some_models(network, 3 * one.chunk + 1)  # this is not a multiple of the chunk
    losses = one.losses(models)
    assert (two.losses(models) == losses).all()
    assert (one.losses(models) == losses).all()
    alone = np.concatenate([one.losses(theta[None]) for theta in models])
    assert (alone == losses).all()
    assert (one.losses(models[::-1]) == losses[::-1]).all()
    probabilities = one.probabilities(models)
    assert (two.probabilities(models) == probabilities).all()
    assert (one.probabilities(models[-1:])[0] == probabilities[-1]).all()


@given(
    st.integers(1, 9),
    st.integers(2, 6),
    st.sampled_from([name for name in sorted(ACTIVATIONS) if name != "sigmoid"]),  # f(0) = 0
    st.integers(0, 1000),
)
def test_residual_layers_of_zeros_pass_the_first_activation_through_unchanged(
    width: int, depth: int, activation: str, seed: int
) -> None:
    """The deep network equals, to the last bit, the one with a single hidden layer and the same outer matrices."""
    deep = network_of(*[width] * depth, activation=activation, residual=True)
    shallow = network_of(width, activation=activation)
    points, labels = data(2, 40, seed)
    alone = some_models(shallow, 3, seed)
    first = deep.parameters[2].offset
    models = np.zeros((3, deep.parameter_count), np.float32)
    models[:, :first], models[:, first - shallow.parameter_count :] = alone[:, :first], alone[:, first:]
    ours, theirs = Evaluator(deep, points, labels), Evaluator(shallow, points, labels)
    assert (ours.logits(models) == theirs.logits(alone)).all()
    assert (ours.losses(models) == theirs.losses(alone)).all()


@pytest.mark.parametrize("hidden", [(), (6,), (6, 5), (5, 6, 5, 6)])
def test_without_two_equal_widths_in_a_row_residual_changes_no_bit(hidden: tuple[int, ...]) -> None:
    points, labels = data(3)
    plain, residual = (network_of(*hidden, residual=twin, classes=3) for twin in (False, True))
    models = some_models(plain, 4)
    assert (Evaluator(plain, points, labels).losses(models) == Evaluator(residual, points, labels).losses(models)).all()


def test_skips_change_the_loss_where_there_are_any() -> None:
    points, labels = data(3)
    plain, residual = (network_of(5, 5, residual=twin, classes=3) for twin in (False, True))
    models = some_models(plain, 4)
    losses = [Evaluator(network, points, labels).losses(models) for network in (plain, residual)]
    assert (np.abs(losses[1] - losses[0]) > 0.01).all()


def test_without_models_there_are_no_losses() -> None:
    network = network_of(3)
    points, labels = data(2)
    assert Evaluator(network, points, labels).losses(np.empty((0, network.parameter_count))).shape == (0,)


def test_models_on_demand_are_requested_once_each_in_chunks() -> None:
    network = network_of(5)
    points, labels = data(2)
    evaluator = Evaluator(network, points, labels, threads=2)
    models = some_models(network, 2 * evaluator.chunk + 3)
    asked: list[tuple[int, int]] = []

    def write(start: int, stop: int, out: Float32) -> None:
        asked.append((start, stop))
        out[...] = network.pack(models[start:stop])

    losses = evaluator.losses_of(len(models), write)
    assert (losses == evaluator.losses(models)).all()
    assert max(stop - start for start, stop in asked) <= evaluator.chunk
    assert sorted(i for start, stop in asked for i in range(start, stop)) == list(range(len(models)))


@given(st.integers(0, 10_000), st.sampled_from([2, 3]))
def test_the_order_of_the_points_does_not_matter(seed: int, classes: int) -> None:
    network = network_of(5, classes=classes)
    models = some_models(network, 2, seed=seed % 7)
    points, labels = data(classes, 60, seed)
    order = np.random.default_rng(seed).permutation(60)
    straight, mixed = Evaluator(network, points, labels), Evaluator(network, points[order], labels[order])
    np.testing.assert_allclose(straight.losses(models), mixed.losses(models), rtol=FLOAT32)
    np.testing.assert_allclose(straight.probabilities(models)[:, :, order], mixed.probabilities(models), atol=FLOAT32)


@given(st.integers(2, 5), st.integers(0, 1000))
def test_renaming_the_classes_renames_the_logits(classes: int, seed: int) -> None:
    """Cross-entropy treats all classes alike: permuting labels and logits together changes nothing."""
    network = network_of(classes=classes)
    rng = np.random.default_rng(seed)
    points, labels = data(classes, 30, seed)
    weight, bias = rng.normal(size=(classes, 2)), rng.normal(size=classes)
    order = rng.permutation(classes)
    models = [np.concatenate([w.ravel(), b]) for w, b in ((weight, bias), (weight[order], bias[order]))]
    renamed = np.argsort(order)[labels]
    first = Evaluator(network, points, labels).losses(models[0][None])
    second = Evaluator(network, points, renamed).losses(models[1][None])
    np.testing.assert_allclose(first, second, rtol=FLOAT32)


@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=2, max_size=5), st.data())
def test_extreme_logits_are_stable(logits: list[float], draw: st.DataObject) -> None:
    label = draw.draw(st.integers(0, len(logits) - 1))
    expected = -float(log_softmax(np.array(logits))[label])
    # a difference of two logits of up to 1e4 has an error of 2e4 · 2⁻²⁴ ≈ 1.2e-3, in which smaller losses are lost
    rounding = 2 * max(map(abs, logits)) * float(np.finfo(np.float32).eps)
    ours = linear_with_logits(np.array(logits), np.array([label, label]))
    assert ours >= 0
    assert ours == pytest.approx(expected, rel=FLOAT32, abs=rounding)


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("margin", [0.0, 1.0, 5.0, 10.0, 15.0, 20.0, 25.0, 27.631])
def test_tiny_losses_keep_their_digits(margin: float, classes: int) -> None:
    """This holds for losses from log K down to 1e-12, while ``log(softmax)`` in float32 is 0 below 1e-7."""
    logits = np.zeros(classes, np.float32)
    logits[1] = margin
    expected = math.log1p((classes - 1) * math.exp(-float(logits[1])))
    assert linear_with_logits(logits, np.array([1])) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_tiny_loss_of_a_hidden_network_is_torchs(classes: int) -> None:
    network = network_of(4, classes=classes)
    theta = np.zeros(network.parameter_count, np.float32)
    weight, bias = network.parameters[:2]
    theta[weight.offset : weight.offset + weight.size] = 3.0
    theta[bias.offset : bias.offset + bias.size] = 1.0
    last = network.parameters[2]
    theta[last.offset : last.offset + 4] = 5.0  # the last bias makes class 0 more probable
    points = np.abs(data(classes)[0])
    labels = np.zeros(len(points), np.int64)
    expected = torch_losses(network, theta[None], points, labels)
    assert expected[0] < 1e-7
    np.testing.assert_allclose(Evaluator(network, points, labels).losses(theta[None]), expected, rtol=1e-5)


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_nan_silently_replaced__overflow_is_infinite_and_only_a_nan_parameter_is_nan(
    activation: str, classes: int, residual: bool
) -> None:
    network = network_of(8, 8, 8, 8, activation=activation, residual=residual, classes=classes)
    points, labels = data(classes)
    models = some_models(network, 3)
    models[1] *= np.float32(1e30)
    models[2, 5] = np.nan
    losses = Evaluator(network, points, labels).losses(models)
    assert np.isfinite(losses[0])
    bounded = activation in {"tanh", "sigmoid"}  # the last layer's weights of 1e30 alone stay within float32
    if bounded:
        np.testing.assert_allclose(losses[1], torch_losses(network, models[1:2], points, labels)[0], rtol=FLOAT32)
    else:
        assert losses[1] == np.inf
    assert np.isnan(losses[2])


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_the_loss_is_infinite_where_one_wrong_logit_is(classes: int) -> None:
    largest = float(np.finfo(np.float32).max)
    logits = np.zeros(classes)
    logits[0], logits[1] = largest, -largest
    assert linear_with_logits(logits, np.array([1])) == np.inf
    assert linear_with_logits(logits, np.array([0])) == 0.0


@given(st.integers(2, 6), st.integers(0, 100))
def test_softmax_is_scipys(classes: int, seed: int) -> None:
    logits = np.random.default_rng(seed).normal(scale=50, size=(2, classes, 9))
    expected = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
    np.testing.assert_allclose(softmax(logits), expected, rtol=1e-12, atol=1e-300)


def test_a_tie_goes_to_the_lowest_class() -> None:
    network = network_of(classes=4)
    evaluator = Evaluator(network, np.zeros((3, 2)))
    assert not evaluator.logits(np.zeros((2, network.parameter_count))).any()
    assert (evaluator.probabilities(np.zeros((1, network.parameter_count))) == 0.25).all()


def test_callers_arrays_left_changed__all_stay_as_they_were() -> None:
    network = network_of(6, 5, activation="gelu", classes=3)
    models: Float32 = some_models(network, 4)
    points, labels = data(3)
    before: list[AnyArray] = [models.copy(), points.copy(), labels.copy()]
    error_state = np.geterr()
    evaluator = Evaluator(network, points, labels)
    evaluator.losses(models)
    evaluator.probabilities(models)
    after: list[AnyArray] = [models, points, labels]
    for array, copy in zip(after, before, strict=True):
        assert np.array_equal(array, copy)
    assert np.geterr() == error_state


def test_parameters_of_every_grid_point_held__memory_does_not_grow_with_the_models() -> None:
    """Memory does not grow with the number of models, because chunks are small for any number of points and units."""
    for hidden, count in (((1024,), 2000), ((4,), 10), ((16, 16), 500)):
        network: Network = network_of(*hidden)
        points, labels = data(2, count)
        evaluator = Evaluator(network, points, labels)
        chunk = evaluator.chunk
        # NumPy stores the activations of a chunk; the other kernel those of sixteen points, and the chunk's parameters
        per_model = (max(hidden) + 1) * count if evaluator.kernel == "numpy" else network.parameter_count
        assert 1 <= chunk <= 256
        assert chunk == 1 or chunk * per_model * 4 <= 2.5 * 1024 * 1024


def test_the_chosen_kernel_is_available(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    small, wide = network_of(16, 16, activation="tanh"), network_of(100, activation="tanh")
    for fast_tanh, available, expected in ((True, True, "numpy"), (False, False, "numpy"), (False, True, "wasm")):
        monkeypatch.setattr(evaluator, "numpy_has_avx512", lambda found=fast_tanh: found)
        monkeypatch.setattr("lossatlas.engine.wasm_kernel.can_run", lambda found=available: found)
        assert Evaluator(small, np.zeros((4, 2))).kernel == expected
        assert Evaluator(wide, np.zeros((4, 2))).kernel == "numpy"

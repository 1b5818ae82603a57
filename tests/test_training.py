from __future__ import annotations

import math
import pickle
from itertools import islice, pairwise
from typing import Any, Literal

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from lossatlas.arrays import Float64
from lossatlas.datasets import Dataset, DatasetConfig, load_dataset
from lossatlas.errors import CancelledError, ConfigError
from lossatlas.networks import Network
from lossatlas.rng import Stream
from lossatlas.training import (
    METRICS,
    OPTIMIZERS,
    Snapshot,
    State,
    Training,
    TrainingConfig,
    Trajectory,
    frame_epochs,
    train,
)
from tests.conftest import network_of
from tests.support.oracles import (
    flat,
    philox_doubles,
    torch_logits,
    torch_losses,
    torch_model,
    torch_optimizer,
)

SHAPES = st.tuples(st.integers(1, 3000), st.integers(2, 400))
HOPELESS = TrainingConfig(optimizer="sgd", learning_rate=1000, epochs=60, frames=20, batch_size="full")


def moons(points: int = 40, **values: Any) -> Dataset:
    return load_dataset(DatasetConfig(points=points, **values))


# which epochs are recorded ----------------------------------------------------------------------------------------


@given(SHAPES)
def test_frames_go_from_the_untrained_model_to_the_last_epoch(shape: tuple[int, int]) -> None:
    epochs, frames = shape
    chosen = frame_epochs(epochs, frames)
    assert chosen[0] == 0
    assert chosen[-1] == epochs
    assert len(chosen) == min(frames, epochs + 1)
    assert all(earlier < later for earlier, later in pairwise(chosen))


@given(SHAPES)
def test_frames_are_dense_early_and_sparser_later(shape: tuple[int, int]) -> None:
    chosen = frame_epochs(*shape)
    gaps = np.diff(chosen)
    assert gaps[0] == gaps.min()
    # each is rounded to a whole epoch, so a gap may fall short of the one before by one, and by no more
    assert all(later >= earlier - 1 for earlier, later in pairwise(gaps.tolist()))
    if len(chosen) > 2 and shape[0] >= 4 * len(chosen):
        assert gaps[-1] > gaps[0]


@pytest.mark.parametrize(
    ("epochs", "frames", "expected"),
    [
        (1, 2, (0, 1)),
        (1, 1000, (0, 1)),
        (5, 6, (0, 1, 2, 3, 4, 5)),
        (100, 2, (0, 100)),
        (100, 3, (0, 25, 100)),
        (100, 11, (0, 1, 4, 9, 16, 25, 36, 49, 64, 81, 100)),
        (10, 8, (0, 1, 2, 3, 4, 5, 7, 10)),
    ],
)
def test_frames_are_at_the_epochs_of_known_schedules(epochs: int, frames: int, expected: tuple[int, ...]) -> None:
    assert frame_epochs(epochs, frames) == expected


# what is learnt ---------------------------------------------------------------------------------------------------


def train_slowly(network: Network, dataset: Dataset, config: TrainingConfig) -> dict[int, Float64]:
    """Train in torch, float64, from the same start, with the same batches: theta after every epoch."""
    points, labels = (torch.from_numpy(part) for part in dataset.train)
    doubles = philox_doubles(config.seed, Stream.BATCHES)
    model = torch_model(network, network.draw_initial_theta(config.seed))
    optimizer = torch_optimizer(
        config.optimizer, list(model.parameters()), config.learning_rate, config.momentum, config.weight_decay
    )
    thetas = {0: flat(network, list(model.parameters()))}
    size = len(points) if config.batch_size == "full" else config.batch_size
    for epoch in range(1, config.epochs + 1):
        order = list(range(len(points)))
        if size < len(points):
            keys = list(islice(doubles, len(points)))
            order.sort(key=keys.__getitem__)
        for start in range(0, len(order), size):
            batch = order[start : start + size]
            optimizer.zero_grad()
            loss: Any = torch.nn.functional.cross_entropy(model(points[batch]), labels[batch])
            loss.backward()
            optimizer.step()
        thetas[epoch] = flat(network, list(model.parameters()))
    return thetas


@pytest.mark.parametrize(("hidden", "residual"), [((5, 4), False), ((4, 4, 4), True)])
@pytest.mark.parametrize("batch_size", [7, "full"])
@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_a_short_training_is_torchs(optimizer: str, batch_size: Any, hidden: tuple[int, ...], residual: bool) -> None:
    dataset = moons(30, seed=2) if batch_size == 7 else load_dataset(DatasetConfig(name="arms", points=40))
    network = network_of(*hidden, residual=residual, classes=dataset.class_count)
    config = TrainingConfig(
        optimizer=optimizer, batch_size=batch_size, epochs=12, frames=6, weight_decay=0.01, seed=3, learning_rate=0.02
    )
    expected = train_slowly(network, dataset, config)
    trajectory = train(network, dataset, config)
    assert trajectory.epochs == frame_epochs(12, 6)
    for epoch, theta in zip(trajectory.epochs, trajectory.weights, strict=True):
        # float32's half ulp of what float64 gives; 1e-9 for the two float64s' ways
        np.testing.assert_allclose(theta, expected[epoch], rtol=2**-24, atol=1e-9, err_msg=f"epoch {epoch}")


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
def test_recorded_metrics_are_those_of_the_recorded_theta(activation: str, residual: bool) -> None:
    dataset = load_dataset(DatasetConfig(name="arms", points=60, seed=1))
    network = network_of(6, 6, activation=activation, residual=residual, classes=3)
    trajectory = train(network, dataset, TrainingConfig(epochs=9, frames=5, batch_size=8))
    for part, (points, labels) in (("train", dataset.train), ("test", dataset.test)):
        np.testing.assert_allclose(
            trajectory.metrics[f"{part}_loss"], torch_losses(network, trajectory.weights, points, labels), rtol=5e-6
        )
    for frame, theta in enumerate(trajectory.weights):
        predicted = torch_logits(network, theta, dataset.points).argmax(dim=1).numpy()
        assert (trajectory.predicted_class[frame] == predicted).all()
        right = predicted == dataset.labels
        assert trajectory.metrics["train_accuracy"][frame] == right[dataset.split == 0].mean()
        assert trajectory.metrics["test_accuracy"][frame] == right[dataset.split == 1].mean()


@pytest.mark.parametrize(("name", "best"), [("moons", 0.25), ("blobs", 0.25), ("corners", 0.25), ("circles", 0.25)])
def test_the_loss_falls_where_there_is_something_to_learn(name: str, best: float) -> None:
    dataset = load_dataset(DatasetConfig(name=name, points=120))
    trajectory = train(network_of(12), dataset, TrainingConfig(epochs=80, frames=5, learning_rate=0.05))
    losses = trajectory.metrics["train_loss"]
    assert losses[-1] < best < math.log(2) * 0.5
    assert losses[-1] < losses[0] / 2
    assert trajectory.metrics["test_accuracy"][-1] > 0.85


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_deep_twins_start_from_the_same_theta_and_both_train(activation: str) -> None:
    """Twenty layers of eight, with skips and without: equal weights at first, finite throughout, and both learn.

    Nothing scales the skips down, and each ReLU layer about doubles the square of what it passes on: twenty of them
    start at losses of thousands, and come down from there.
    """
    dataset = moons(100)
    twins = [network_of(*[8] * 20, activation=activation, residual=residual) for residual in (False, True)]
    plain, residual = (train(network, dataset, TrainingConfig(epochs=40, frames=5)) for network in twins)
    assert (plain.weights[0] == residual.weights[0]).all()
    for trajectory in (plain, residual):
        assert trajectory.outcome.status == "completed"
        assert all(np.isfinite(values).all() for values in trajectory.metrics.values())
        assert trajectory.metrics["train_loss"][-1] < 0.8 * trajectory.metrics["train_loss"][0]


def test_two_identical_calls_differ__the_same_arguments_give_the_same_bits() -> None:
    dataset, network = moons(), network_of(5)
    config = TrainingConfig(epochs=6, frames=4, batch_size=7)
    first, again = train(network, dataset, config), train(network, dataset, config)
    other = train(network, dataset, config.with_values(seed=1))
    assert first.weights.tobytes() == again.weights.tobytes()
    assert all((first.metrics[name] == again.metrics[name]).all() for name in METRICS)
    assert first.weights.tobytes() != other.weights.tobytes()


def test_bits_do_not_depend_on_the_threads_of_the_matrix_product() -> None:
    dataset, network = moons(2000), network_of(64, 64)
    config = TrainingConfig(epochs=2, frames=2, batch_size="full")
    trained = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            trained.append(train(network, dataset, config).weights.tobytes())
    assert trained[0] == trained[1]


def test_recording_more_frames_changes_nothing_but_their_number() -> None:
    dataset, network = moons(), network_of(5)
    few, many = (train(network, dataset, TrainingConfig(epochs=8, frames=n, batch_size=9)) for n in (3, 9))
    places = [many.epochs.index(epoch) for epoch in few.epochs]
    assert (many.weights[places] == few.weights).all()


def test_a_batch_of_all_the_points_is_the_full_batch() -> None:
    dataset, network = moons(), network_of(5)
    sizes: list[Any] = ["full", len(dataset.train[0]), 20_000]
    trained = [train(network, dataset, TrainingConfig(epochs=3, frames=4, batch_size=s)).weights for s in sizes]
    assert all((weights == trained[0]).all() for weights in trained)


def test_frame_zero_is_the_untrained_model() -> None:
    network = network_of(5)
    trajectory = train(network, moons(), TrainingConfig(epochs=1, frames=2, seed=12))
    assert (trajectory.weights[0] == network.draw_initial_theta(12).astype(np.float32)).all()


# what can go wrong ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def diverged() -> Trajectory:
    return train(network_of(8, 8, 8, activation="relu"), moons(), HOPELESS)


def test_divergence_ends_at_the_last_finite_frame_and_says_the_epoch(diverged: Trajectory) -> None:
    outcome = diverged.outcome
    planned = frame_epochs(HOPELESS.epochs, HOPELESS.frames)
    assert outcome.status == "diverged"
    assert outcome.epoch is not None
    assert outcome.message is not None
    assert 1 <= len(diverged.epochs) < len(planned)
    assert diverged.epochs == planned[: len(diverged.epochs)]
    assert diverged.epochs[-1] < outcome.epoch <= planned[len(diverged.epochs)]
    assert f"diverged at epoch {outcome.epoch}" in outcome.message
    assert "learning rate 1000" in outcome.message


def test_everything_recorded_of_a_diverged_training_is_finite(diverged: Trajectory) -> None:
    assert np.isfinite(diverged.weights).all()
    assert all(np.isfinite(values).all() for values in diverged.metrics.values())
    assert {len(values) for values in diverged.metrics.values()} == {len(diverged.epochs)}


def test_theta_beyond_float32_is_divergence_too() -> None:
    """Float64 would continue up to 1e308, but a training whose values cannot be recorded has diverged."""
    network = network_of(activation="linear")
    config = TrainingConfig(optimizer="sgd", learning_rate=10_000, weight_decay=10, epochs=30, frames=31)
    outcome = train(network, moons(), config).outcome
    assert outcome.status == "diverged"
    assert outcome.epoch is not None
    assert outcome.epoch < 30


def test_a_training_that_ends_well_says_nothing() -> None:
    outcome = train(network_of(3), moons(), TrainingConfig(epochs=2, frames=2)).outcome
    assert (outcome.status, outcome.epoch, outcome.message) == ("completed", None, None)


@pytest.mark.parametrize("stop_after", [0, 1, 4])
def test_cancellation_is_checked_every_epoch_and_ends_training(stop_after: int) -> None:
    asked = 0

    def is_cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > stop_after

    seen: list[Snapshot] = []
    training = Training(network_of(3), moons(), TrainingConfig(epochs=10, frames=3), is_cancelled)
    with pytest.raises(CancelledError, match=f"cancelled at epoch {stop_after}"):
        seen.extend(training)
    assert asked == stop_after + 1
    assert [snapshot.epoch for snapshot in seen] == [epoch for epoch in frame_epochs(10, 3) if epoch < stop_after]


def test_callers_state_left_changed__it_stays_as_it_was() -> None:
    """Neither the dataset nor NumPy's error state is touched, also while a training is between two frames."""
    dataset, before = moons(), np.geterr()
    points = dataset.points.copy()
    training = iter(Training(network_of(3), dataset, TrainingConfig(epochs=3, frames=4)))
    for _ in range(3):
        next(training)
        assert np.geterr() == before
    assert (dataset.points == points).all()


def test_snapshots_are_kept_apart() -> None:
    snapshots = list(Training(network_of(3), moons(), TrainingConfig(epochs=3, frames=4)))
    assert len({snapshot.theta.tobytes() for snapshot in snapshots}) == 4
    assert [snapshot.theta.dtype for snapshot in snapshots] == [np.float32] * 4


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("learning_rate", 0),
        ("learning_rate", 10_001),
        ("learning_rate", math.inf),
        ("momentum", 1),
        ("momentum", -0.1),
        ("batch_size", 0),
        ("batch_size", 20_001),
        ("batch_size", "half"),
        ("weight_decay", -1),
        ("weight_decay", 11),
        ("epochs", 0),
        ("epochs", 1_000_001),
        ("epochs", 2.5),
        ("frames", 1),
        ("frames", 1001),
        ("seed", -1),
        ("optimizer", "lion"),
        ("epoch", 3),
    ],
)
def test_out_of_range_values_are_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        TrainingConfig.from_mapping({field: value})
    assert [name for name, _ in caught.value.faults] == [field]
    if field not in {"optimizer", "epoch"}:
        assert f"{value!r} is not allowed" in str(caught.value)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("batch_size", [7, "full"])
def test_a_training_continued_from_its_state_ends_with_the_same_bits(
    optimizer: str, batch_size: int | Literal["full"]
) -> None:
    dataset = moons(45, seed=2)
    config = TrainingConfig(optimizer=optimizer, batch_size=batch_size, epochs=20, frames=8, weight_decay=0.01, seed=4)
    network = network_of(5, 3)
    whole = train(network, dataset, config)
    snapshots: list[Snapshot] = []
    state: State | None = None
    parts = 0
    while len(snapshots) < len(whole.epochs):
        training = Training(network, dataset, config, state=state)
        snapshots += islice(training, 3)
        state = pickle.loads(pickle.dumps(training.state))
        assert state.epoch == snapshots[-1].epoch
        parts += 1
    found = Trajectory.of(snapshots, training.outcome)
    assert parts == 3
    assert found.epochs == whole.epochs
    assert found.weights.tobytes() == whole.weights.tobytes()
    assert list(Training(network, dataset, config, state=state)) == []


def test_a_training_can_be_iterated_twice() -> None:
    training = Training(network_of(3), moons(), TrainingConfig(epochs=3, frames=4, batch_size=8))
    first, second = ([snapshot.theta.tobytes() for snapshot in training] for _ in range(2))
    assert first == second
    assert len(set(first)) == 4

"""Trains a network and records theta at selected epochs, with losses and accuracies.

Training runs in float64. Theta is recorded in float32, and every recorded number is computed by the engine from this
float32 theta. Therefore the centre of a surface, the decision boundary and the metrics belong to the same model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, field_validator

from lossatlas.arrays import Float32, Float64, Integers, UInt8
from lossatlas.config import Config, Seed
from lossatlas.datasets import Dataset
from lossatlas.derivatives import gradients
from lossatlas.engine import Evaluator, one_blas_thread
from lossatlas.errors import CancelledError
from lossatlas.networks import Network
from lossatlas.rng import Draws, Stream
from lossatlas.training.optimizers import OPTIMIZERS

#: Larger logits mean divergence: float32 would soon overflow near the data, and the boundary could not be drawn.
_LARGEST_LOGIT = 1e30

METRICS = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")


class TrainingConfig(Config):
    """The settings of a training."""

    optimizer: str = "adam"
    """One of :data:`lossatlas.training.OPTIMIZERS`."""
    learning_rate: Annotated[float, Field(gt=0, le=10_000)] = 0.01
    """The step size η."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """The momentum of the optimisers momentum and nesterov. The others ignore it."""
    batch_size: Annotated[int, Field(ge=1, le=20_000)] | Literal["full"] = 32
    """The number of points per step, or ``"full"`` for all points, which is gradient descent without batches."""
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.0
    """The factor λ of the L2 penalty (decoupled for AdamW)."""
    epochs: Annotated[int, Field(ge=1, le=1_000_000)] = 300
    """How often training sees every point."""
    frames: Annotated[int, Field(ge=2, le=1000)] = 80
    """The largest number of epochs that are recorded; see :func:`frame_epochs`."""
    seed: Seed = 0
    """The seed of the initial weights and of the order of the points."""

    @field_validator("optimizer")
    @classmethod
    def _refuse_unknown(cls, name: str) -> str:
        if name not in OPTIMIZERS:
            raise ValueError(f"there is no optimizer {name!r}; there are {', '.join(OPTIMIZERS)}")
        return name


@dataclass(frozen=True)
class Metrics:
    """The quality of one model: mean cross-entropy in nats, and the share of points that are classified correctly."""

    train_loss: float
    test_loss: float
    train_accuracy: float
    test_accuracy: float


@dataclass(frozen=True)
class Snapshot:
    """One recorded epoch.

    Attributes
    ----------
    epoch
        The epoch; 0 is the untrained model.
    theta
        The parameters ``[P]`` float32.
    metrics
        The losses and accuracies of this theta.
    predicted_class
        ``[N]`` uint8: the predicted class of every point of the dataset.
    """

    epoch: int
    theta: Float32
    metrics: Metrics
    predicted_class: UInt8


@dataclass(frozen=True)
class Outcome:
    """How training ended.

    Attributes
    ----------
    status
        ``"completed"``, or ``"diverged"`` if a number was no longer finite.
    epoch, message
        The epoch at which training diverged, and a message about it; None if it did not diverge.
    """

    status: Literal["completed", "diverged"] = "completed"
    epoch: int | None = None
    message: str | None = None


@dataclass(frozen=True)
class State:
    """The state of a training. Any process can continue from it, and gets the same bits.

    Attributes
    ----------
    epoch
        How many epochs are done.
    theta
        The parameters ``[P]`` float64, in packed order.
    optimizer
        The state of the optimiser, :attr:`lossatlas.training.optimizers.Optimizer.state`.
    """

    epoch: int
    theta: Float64
    optimizer: dict[str, Any]


@dataclass(frozen=True)
class Trajectory:
    """The record of a whole training.

    Attributes
    ----------
    epochs
        The epoch of each of F frames, increasing from 0.
    weights
        ``[F, P]`` float32: theta at every frame.
    metrics
        Arrays ``[F]`` float64, by the names of :data:`METRICS`.
    predicted_class
        ``[F, N]`` uint8: the predicted class of every point of the dataset.
    outcome
        How training ended.
    """

    epochs: tuple[int, ...]
    weights: Float32
    metrics: dict[str, Float64]
    predicted_class: UInt8
    outcome: Outcome

    @classmethod
    def of(cls, snapshots: list[Snapshot], outcome: Outcome) -> Trajectory:
        """Make the record of a training from its snapshots."""
        return cls(
            epochs=tuple(snapshot.epoch for snapshot in snapshots),
            weights=np.stack([snapshot.theta for snapshot in snapshots]),
            metrics={name: np.array([getattr(s.metrics, name) for s in snapshots]) for name in METRICS},
            predicted_class=np.stack([snapshot.predicted_class for snapshot in snapshots]),
            outcome=outcome,
        )


def frame_epochs(epochs: int, frames: int) -> tuple[int, ...]:
    """Choose which epochs to record: more at the beginning than later, and always epoch 0 and the last epoch.

    Frame i of n falls on epoch ``E (i / (n-1))²``. Frames never share an epoch, so the first frames fall on consecutive
    epochs.

    Parameters
    ----------
    epochs
        E, the number of epochs of the training.
    frames
        The largest number of epochs to record.

    Returns
    -------
    tuple
        The epochs, in ascending order.
    """
    frames = min(frames, epochs + 1)
    chosen = [0]
    for frame in range(1, frames):
        chosen.append(max(chosen[-1] + 1, round(epochs * (frame / (frames - 1)) ** 2)))
    return tuple(chosen)


class Training:
    """One training as an iterable of snapshots. After the last snapshot, :attr:`outcome` says how it ended.

    Parameters
    ----------
    network, dataset, config
        The network to train, the points to train on, and the settings.
    cancelled
        A function that is called once per epoch. If it returns True, training ends with :class:`CancelledError`.
    state
        The state to continue from, with the first snapshot after it; by default, training starts from the beginning.
    """

    def __init__(
        self,
        network: Network,
        dataset: Dataset,
        config: TrainingConfig,
        cancelled: Callable[[], bool] = lambda: False,
        state: State | None = None,
    ) -> None:
        self.network, self.dataset, self.config = network, dataset, config
        self.epochs = frame_epochs(config.epochs, config.frames)
        self.outcome = Outcome()
        self._cancelled = cancelled
        self._start = state
        self._rewind()
        self._evaluators = [Evaluator(network, *part, threads=1) for part in (dataset.train, dataset.test)]
        self._predictor = Evaluator(network, dataset.points, threads=1)

    def __iter__(self) -> Iterator[Snapshot]:
        """Yield a snapshot for every epoch of :attr:`epochs`, as long as all numbers are finite."""
        recorded = set(self.epochs)
        for epoch, packed in self._iterate_epochs():
            if self._cancelled():
                raise CancelledError(f"training was cancelled at epoch {epoch}")
            wanted = epoch in recorded
            snapshot = self._take_snapshot(epoch, packed) if wanted and np.isfinite(packed).all() else None
            if snapshot:
                yield snapshot
            elif wanted or not np.isfinite(packed).all():
                self.outcome = self._describe_divergence(epoch)
                return

    @property
    def state(self) -> State:
        """The state after the snapshot that was yielded last."""
        return State(self._epoch, self._theta.copy(), self._optimizer.state)

    def _rewind(self) -> None:
        config, start = self.config, self._start
        self._optimizer = OPTIMIZERS[config.optimizer](config.learning_rate, config.momentum, config.weight_decay)
        if start:
            self._optimizer.resume(start.optimizer)
        theta = start.theta if start else self.network.pack(self.network.draw_initial_theta(config.seed))
        self._theta: Float64 = np.array(theta, np.float64)
        self._epoch = start.epoch if start else 0

    def _iterate_epochs(self) -> Iterator[tuple[int, Float64]]:
        """Yield each epoch and its packed theta ``[P]`` float64, which is one array that is updated in place."""
        config, (points, labels) = self.config, self.dataset.train
        size = len(points) if config.batch_size == "full" else min(config.batch_size, len(points))
        self._rewind()
        order = Draws(config.seed, Stream.BATCHES)
        order.skip(self._epoch * len(points))  # has no effect without batches, because no order is drawn then
        theta = self._theta
        if self._start is None:
            yield 0, theta
        while self._epoch < config.epochs:
            # An overflow is noticed at the end of the epoch.
            with one_blas_thread, np.errstate(over="ignore", invalid="ignore"):
                for batch in _iterate_batches(len(points), size, order):
                    gradient = gradients(self.network, theta[None], points[batch], labels[batch])[0]
                    self._optimizer.step(theta, gradient)
            self._epoch += 1
            yield self._epoch, theta  # outside of errstate, which would otherwise apply to the caller too

    def _take_snapshot(self, epoch: int, packed: Float64) -> Snapshot | None:
        """Make the snapshot of packed theta ``[P]`` float64; None if float32 can no longer hold its logits."""
        with np.errstate(over="ignore"):  # an overflow of float32 counts as divergence, too
            theta = self.network.unpack(packed).astype(np.float32)
        losses = [float(evaluator.losses(theta[None])[0]) for evaluator in self._evaluators]
        logits = self._predictor.logits(theta[None])[0]
        if not (np.isfinite(losses).all() and np.abs(logits).max() <= _LARGEST_LOGIT):
            return None
        predicted = logits.argmax(axis=0).astype(np.uint8)
        right = predicted == self.dataset.labels
        shares = [float(right[self.dataset.split == part].mean()) for part in (0, 1)]
        return Snapshot(epoch, theta, Metrics(*losses, *shares), predicted)

    def _describe_divergence(self, epoch: int) -> Outcome:
        message = (
            f"Training diverged at epoch {epoch}: a number stopped being finite. "
            f"The learning rate {self.config.learning_rate:g} is probably too high for "
            f"{OPTIMIZERS[self.config.optimizer].title} here; try a tenth of it."
        )
        return Outcome("diverged", epoch, message)


def train(network: Network, dataset: Dataset, config: TrainingConfig | Mapping[str, Any] | None = None) -> Trajectory:
    """Train a network on a dataset and record it. Equal arguments give equal bits on the same machine."""
    training = Training(network, dataset, TrainingConfig.from_mapping({} if config is None else config))
    snapshots = list(training)
    return Trajectory.of(snapshots, training.outcome)


def _iterate_batches(count: int, size: int, order: Draws) -> Iterator[slice | Integers]:
    if size == count:
        yield slice(None)  # all points, because their order would change only the rounding
        return
    shuffled = order.permutation(count)
    for start in range(0, count, size):
        yield shuffled[start : start + size]

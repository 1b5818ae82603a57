"""Training, and the record of it: theta at a schedule of epochs, with the losses and accuracies there.

Training runs in float64. What is recorded is float32, and every recorded number is that of the float32 theta as the
engine evaluates it: the centre of a surface, the boundary and the readouts all speak of the very same model.
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

#: Beyond it float32 is about to overflow, within the data or a little outside: the boundary could not be drawn.
_LARGEST_LOGIT = 1e30

METRICS = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")


class TrainingConfig(Config):
    """How to learn."""

    optimizer: str = "adam"
    """One of :data:`lossatlas.training.OPTIMIZERS`."""
    learning_rate: Annotated[float, Field(gt=0, le=10_000)] = 0.01
    """Step size η."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Of the optimisers momentum and nesterov; others have none."""
    batch_size: Annotated[int, Field(ge=1, le=20_000)] | Literal["full"] = 32
    """Points a step, or ``"full"`` for all of them: gradient descent proper."""
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Factor λ of the L2 penalty (decoupled for AdamW)."""
    epochs: Annotated[int, Field(ge=1, le=1_000_000)] = 300
    """Times that training sees every point."""
    frames: Annotated[int, Field(ge=2, le=1000)] = 80
    """At most how many epochs are recorded; see :func:`frame_epochs`."""
    seed: Seed = 0
    """Of the initial weights and of the order of the points."""

    @field_validator("optimizer")
    @classmethod
    def _refuse_unknown(cls, name: str) -> str:
        if name not in OPTIMIZERS:
            raise ValueError(f"there is no optimizer {name!r}; there are {', '.join(OPTIMIZERS)}")
        return name


@dataclass(frozen=True)
class Metrics:
    """How good one model is: mean cross-entropy in nats, and the share of points classified right."""

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
        0 is the untrained model.
    theta
        ``[P]`` float32.
    metrics
        Of this theta.
    predicted_class
        ``[N]`` uint8, for every point of the dataset.
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
        ``"completed"``, or ``"diverged"`` where a number stopped being finite.
    epoch, message
        When it diverged, and what to say of it; None where it did not.
    """

    status: Literal["completed", "diverged"] = "completed"
    epoch: int | None = None
    message: str | None = None


@dataclass(frozen=True)
class State:
    """Where a training stands: all that it takes to go on to the same bits, in this process or in another.

    Attributes
    ----------
    epoch
        How many are done.
    theta
        ``[P]`` float64, packed as the engine packs it.
    optimizer
        :attr:`lossatlas.training.optimizers.Optimizer.state`.
    """

    epoch: int
    theta: Float64
    optimizer: dict[str, Any]


@dataclass(frozen=True)
class Trajectory:
    """A whole training, recorded.

    Attributes
    ----------
    epochs
        The epoch of each of F frames, increasing from 0.
    weights
        ``[F, P]`` float32: theta at every frame.
    metrics
        Each ``[F]`` float64, by the names of :data:`METRICS`.
    predicted_class
        ``[F, N]`` uint8, for every point of the dataset.
    outcome
        How it ended.
    """

    epochs: tuple[int, ...]
    weights: Float32
    metrics: dict[str, Float64]
    predicted_class: UInt8
    outcome: Outcome

    @classmethod
    def of(cls, snapshots: list[Snapshot], outcome: Outcome) -> Trajectory:
        """Put snapshots together."""
        return cls(
            epochs=tuple(snapshot.epoch for snapshot in snapshots),
            weights=np.stack([snapshot.theta for snapshot in snapshots]),
            metrics={name: np.array([getattr(s.metrics, name) for s in snapshots]) for name in METRICS},
            predicted_class=np.stack([snapshot.predicted_class for snapshot in snapshots]),
            outcome=outcome,
        )


def frame_epochs(epochs: int, frames: int) -> tuple[int, ...]:
    """Choose which epochs to record: dense early, sparser later, always the first (0) and the last.

    Frame i of n falls on epoch ``E (i / (n-1))²``, but no two on one: the first ones are consecutive epochs.
    """
    frames = min(frames, epochs + 1)
    chosen = [0]
    for frame in range(1, frames):
        chosen.append(max(chosen[-1] + 1, round(epochs * (frame / (frames - 1)) ** 2)))
    return tuple(chosen)


class Training:
    """One training as an iterable of snapshots; after the last one, :attr:`outcome` tells how it ended.

    Parameters
    ----------
    network, dataset, config
        What learns, from what, and how.
    cancelled
        Asked once an epoch; True ends the training with :class:`CancelledError`.
    state
        Go on from there, with the first snapshot after it; by default from the start.
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
        """Yield a snapshot for every epoch of :attr:`epochs`, up to the last finite one."""
        recorded = set(self.epochs)
        for epoch, packed in self._thetas():
            if self._cancelled():
                raise CancelledError(f"training was cancelled at epoch {epoch}")
            wanted = epoch in recorded
            snapshot = self._snapshot(epoch, packed) if wanted and np.isfinite(packed).all() else None
            if snapshot:
                yield snapshot
            elif wanted or not np.isfinite(packed).all():
                self.outcome = self._divergence(epoch)
                return

    @property
    def state(self) -> State:
        """Where it stands after the snapshot that was yielded last."""
        return State(self._epoch, self._theta.copy(), self._optimizer.state)

    def _rewind(self) -> None:
        config, start = self.config, self._start
        self._optimizer = OPTIMIZERS[config.optimizer](config.learning_rate, config.momentum, config.weight_decay)
        if start:
            self._optimizer.resume(start.optimizer)
        theta = start.theta if start else self.network.pack(self.network.draw_initial_theta(config.seed))
        self._theta: Float64 = np.array(theta, np.float64)
        self._epoch = start.epoch if start else 0

    def _thetas(self) -> Iterator[tuple[int, Float64]]:
        """Each epoch and its packed theta ``[P]``, from the untrained one on; the same array, updated in place."""
        config, (points, labels) = self.config, self.dataset.train
        size = len(points) if config.batch_size == "full" else min(config.batch_size, len(points))
        self._rewind()
        order = Draws(config.seed, Stream.BATCHES)
        order.skip(self._epoch * len(points))  # without batches there is no order, and nothing is drawn
        theta = self._theta
        if self._start is None:
            yield 0, theta
        while self._epoch < config.epochs:
            # what overflows is noticed at the end of the epoch
            with one_blas_thread, np.errstate(over="ignore", invalid="ignore"):
                for batch in _batches(len(points), size, order):
                    gradient = gradients(self.network, theta[None], points[batch], labels[batch])[0]
                    self._optimizer.step(theta, gradient)
            self._epoch += 1
            yield self._epoch, theta  # outside: an errstate open across a yield would be the caller's too

    def _snapshot(self, epoch: int, packed: Float64) -> Snapshot | None:
        """Record theta; None where float32 can no longer hold what the network says."""
        with np.errstate(over="ignore"):  # what float32 cannot hold is divergence too
            theta = self.network.unpack(packed).astype(np.float32)
        losses = [float(evaluator.losses(theta[None])[0]) for evaluator in self._evaluators]
        logits = self._predictor.logits(theta[None])[0]
        if not (np.isfinite(losses).all() and np.abs(logits).max() <= _LARGEST_LOGIT):
            return None
        predicted = logits.argmax(axis=0).astype(np.uint8)
        right = predicted == self.dataset.labels
        shares = [float(right[self.dataset.split == part].mean()) for part in (0, 1)]
        return Snapshot(epoch, theta, Metrics(*losses, *shares), predicted)

    def _divergence(self, epoch: int) -> Outcome:
        message = (
            f"Training diverged at epoch {epoch}: a number stopped being finite. "
            f"The learning rate {self.config.learning_rate:g} is probably too high for "
            f"{OPTIMIZERS[self.config.optimizer].title} here; try a tenth of it."
        )
        return Outcome("diverged", epoch, message)


def train(network: Network, dataset: Dataset, config: TrainingConfig | Mapping[str, Any] | None = None) -> Trajectory:
    """Train a network on a dataset and record it. The same arguments give the same bits on the same machine."""
    training = Training(network, dataset, TrainingConfig.from_mapping({} if config is None else config))
    snapshots = list(training)
    return Trajectory.of(snapshots, training.outcome)


def _batches(count: int, size: int, order: Draws) -> Iterator[slice | Integers]:
    if size == count:
        yield slice(None)  # every point: the order would change nothing but the rounding
        return
    shuffled = order.permutation(count)
    for start in range(0, count, size):
        yield shuffled[start : start + size]

"""Provides trainings for tests of planes: a real training, and any given trajectory."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lossatlas.arrays import AnyArray, Floats
from lossatlas.datasets import DatasetConfig, load_dataset
from lossatlas.networks import Network
from lossatlas.planes import Trained
from lossatlas.training import METRICS, Outcome, TrainingConfig, Trajectory, train


def train_network(network: Network, references: Mapping[str, Floats] | None = None, **training: object) -> Trained:
    """Train a network on forty points for twelve epochs, six of which are recorded."""
    dataset = load_dataset(DatasetConfig(name="arms" if network.class_count == 3 else "moons", points=40, seed=3))
    config = TrainingConfig.from_mapping({"epochs": 12, "frames": 6, "batch_size": 8, **training})
    return Trained(network, *dataset.train, train(network, dataset, config), (references or {}).__getitem__)


def make_training(network: Network, weights: AnyArray) -> Trained:
    """Make a training whose recorded parameters are ``[F, P]``, with one frame per epoch."""
    points, labels = load_dataset(DatasetConfig(points=40, seed=3)).train
    frames = len(weights)
    metrics = {name: np.zeros(frames) for name in METRICS}
    predicted = np.zeros((frames, 40), np.uint8)
    trajectory = Trajectory(tuple(range(frames)), np.asarray(weights, np.float32), metrics, predicted, Outcome())
    return Trained(network, points, labels, trajectory, dict[str, Floats]().__getitem__)

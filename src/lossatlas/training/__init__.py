"""Trains networks and records the training: the optimisers, and theta at selected epochs."""

from lossatlas.training.optimizers import OPTIMIZERS
from lossatlas.training.training import (
    METRICS,
    Metrics,
    Outcome,
    Snapshot,
    State,
    Training,
    TrainingConfig,
    Trajectory,
    frame_epochs,
    train,
)

__all__ = [
    "METRICS",
    "Metrics",
    "OPTIMIZERS",
    "Outcome",
    "Snapshot",
    "State",
    "Training",
    "TrainingConfig",
    "Trajectory",
    "frame_epochs",
    "train",
]

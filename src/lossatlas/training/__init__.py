"""Training a network, and the record of it: optimisers, and theta at a schedule of epochs."""

from lossatlas.training.optimizers import OPTIMIZERS
from lossatlas.training.training import (
    METRICS,
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

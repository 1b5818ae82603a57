"""The functions that workers call. They are plain functions of plain data, so they can run on any machine.

Their arguments and results are the canonical text of a configuration, arrays, numbers and text. A result depends on
nothing else, and the loss of a model depends only on the model. Therefore a run has the same bits for any division into
parts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from lossatlas.arrays import AnyArray, Float32, Floats
from lossatlas.building.records import Stretch
from lossatlas.building.worker_program import is_cancelled, report
from lossatlas.curvature import Curvature
from lossatlas.runs import (
    ArrayStep,
    Computation,
    Evaluators,
    LaidPlane,
    Run,
    RunConfig,
    Setup,
    compute_run,
    lay_plane,
    measure_curvature,
)
from lossatlas.training import State, Training, Trajectory


def compute_whole_run(canonical: str, references: Mapping[str, Floats]) -> dict[str, Any]:
    """Compute a whole run, and return the fields that make a :class:`lossatlas.runs.Run`, except its setup, by name."""
    return _list_fields(compute_run(_make_setup(canonical).config, threads=1, references=references))


def _list_fields(run: Run) -> dict[str, Any]:
    return {field.name: getattr(run, field.name) for field in fields(Run) if field.init and field.name != "setup"}


def report_run(canonical: str, references: Mapping[str, Floats], threads: int | None) -> dict[str, Any]:
    """Compute a whole run as :func:`compute_whole_run` does, and report each frame and stage. It can be cancelled."""
    computation = Computation(_make_setup(canonical), threads, cancelled=is_cancelled, references=references)
    frames = []
    for frame in computation:
        frames.append(frame)
        report(frame)
    return _list_fields(computation.finish(frames, report))


def train_stretch(canonical: str, state: State | None, frames: int) -> Stretch:
    """Continue training from a state, or from the start, and record up to ``frames`` frames."""
    setup = _make_setup(canonical)
    training = Training(setup.network, setup.dataset, setup.config.training, is_cancelled, state=state)
    snapshots = tuple(islice(training, frames))
    ended = len(snapshots) < frames or snapshots[-1].epoch == setup.config.training.epochs
    return Stretch(snapshots, training.outcome, None if ended else training.state)


def lay_plane_of_run(
    canonical: str,
    name: str,
    trajectory: Trajectory | StoredTrajectory,
    references: Mapping[str, Floats],
    threads: int | None = 1,
) -> LaidPlane | str:
    """Make one plane of a run from its training, or return the reason why this is not possible."""
    if isinstance(trajectory, StoredTrajectory):
        trajectory = trajectory.open()
    return lay_plane(Evaluators(_make_setup(canonical), threads), name, trajectory, references)


@dataclass(frozen=True)
class StoredTrajectory:
    """A trajectory for a worker on the same machine, which maps its weights from a file.

    Attributes
    ----------
    fields
        All fields of the trajectory except its weights.
    path
        The file of the weights.
    """

    fields: Mapping[str, Any]
    path: Path

    @classmethod
    def of(cls, trajectory: Trajectory, path: Path) -> StoredTrajectory:
        """Describe a trajectory whose weights are in a file."""
        return cls({name: value for name, value in vars(trajectory).items() if name != "weights"}, path)

    def open(self) -> Trajectory:
        """Return the trajectory."""
        return Trajectory(weights=np.lib.format.open_memmap(self.path, mode="r"), **self.fields)


def compute_piece(
    canonical: str, step: ArrayStep, thetas: Float32, rows: range, threads: int | None = 1
) -> tuple[AnyArray, ...]:
    """Compute some rows of a step's arrays, around some models ``[n, P]``."""
    return step.compute(Evaluators(_make_setup(canonical), threads), thetas, rows)


def measure_curvature_of_run(canonical: str, theta: Float32) -> Curvature:
    """Measure the curvature of the training loss at one model ``[P]``."""
    return measure_curvature(_make_setup(canonical), theta)


@lru_cache(maxsize=2)
def _make_setup(canonical: str) -> Setup:
    """Make the setup of a run. It is cached, because a worker computes many parts of the same run."""
    return Setup.of(RunConfig.from_mapping(json.loads(canonical)))

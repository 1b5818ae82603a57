"""What workers are asked to compute of a run: plain functions of plain data, wherever they are called.

What crosses between processes is the canonical text of a configuration, arrays, numbers and text. A part depends on
nothing else, and every model's loss on nothing but the model: a run has the same bits whatever it was cut into.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from itertools import islice
from typing import Any

from lossatlas.arrays import AnyArray, Float32, Floats
from lossatlas.building.records import Stretch
from lossatlas.curvature import Curvature
from lossatlas.runs import (
    ArrayStep,
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
    """Compute all of a run: every field that :class:`lossatlas.runs.Run` is made of but its setup, by name."""
    run = compute_run(_setup(canonical).config, threads=1, references=references)
    return {field.name: getattr(run, field.name) for field in fields(Run) if field.init and field.name != "setup"}


def train_stretch(canonical: str, state: State | None, frames: int) -> Stretch:
    """Train on from a state, or from the start, until up to ``frames`` frames more are recorded."""
    setup = _setup(canonical)
    training = Training(setup.network, setup.dataset, setup.config.training, state=state)
    snapshots = tuple(islice(training, frames))
    ended = len(snapshots) < frames or snapshots[-1].epoch == setup.config.training.epochs
    return Stretch(snapshots, training.outcome, None if ended else training.state)


def lay_plane_of_run(
    canonical: str, name: str, trajectory: Trajectory, references: Mapping[str, Floats]
) -> LaidPlane | str:
    """Lay one plane of a run through its training; where that cannot be done, say why."""
    return lay_plane(Evaluators(_setup(canonical), threads=1), name, trajectory, references)


def compute_piece(canonical: str, step: ArrayStep, thetas: Float32, rows: range) -> tuple[AnyArray, ...]:
    """Compute some rows of a step's arrays, around some models ``[n, P]``."""
    return step.compute(Evaluators(_setup(canonical), threads=1), thetas, rows)


def measure_curvature_of_run(canonical: str, theta: Float32) -> Curvature:
    """Measure the curvature of the training loss at one model ``[P]``."""
    return measure_curvature(_setup(canonical), theta)


@lru_cache(maxsize=2)
def _setup(canonical: str) -> Setup:
    """Cached, as many parts of one run come to one worker."""
    return Setup.of(RunConfig.from_mapping(json.loads(canonical)))

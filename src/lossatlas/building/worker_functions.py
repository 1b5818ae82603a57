"""The functions that workers call. They are plain functions of plain data, so they can run on any machine.

Their arguments and results are the canonical text of a configuration, arrays, numbers and text. A result depends on
nothing else, and the loss of a model depends only on the model. Therefore a run has the same bits for any division into
parts.
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
    """Compute a whole run, and return the fields that make a :class:`lossatlas.runs.Run`, except its setup, by name."""
    run = compute_run(_make_setup(canonical).config, threads=1, references=references)
    return {field.name: getattr(run, field.name) for field in fields(Run) if field.init and field.name != "setup"}


def train_stretch(canonical: str, state: State | None, frames: int) -> Stretch:
    """Continue training from a state, or from the start, and record up to ``frames`` frames."""
    setup = _make_setup(canonical)
    training = Training(setup.network, setup.dataset, setup.config.training, state=state)
    snapshots = tuple(islice(training, frames))
    ended = len(snapshots) < frames or snapshots[-1].epoch == setup.config.training.epochs
    return Stretch(snapshots, training.outcome, None if ended else training.state)


def lay_plane_of_run(
    canonical: str, name: str, trajectory: Trajectory, references: Mapping[str, Floats]
) -> LaidPlane | str:
    """Make one plane of a run from its training, or return the reason why this is not possible."""
    return lay_plane(Evaluators(_make_setup(canonical), threads=1), name, trajectory, references)


def compute_piece(canonical: str, step: ArrayStep, thetas: Float32, rows: range) -> tuple[AnyArray, ...]:
    """Compute some rows of a step's arrays, around some models ``[n, P]``."""
    return step.compute(Evaluators(_make_setup(canonical), threads=1), thetas, rows)


def measure_curvature_of_run(canonical: str, theta: Float32) -> Curvature:
    """Measure the curvature of the training loss at one model ``[P]``."""
    return measure_curvature(_make_setup(canonical), theta)


@lru_cache(maxsize=2)
def _make_setup(canonical: str) -> Setup:
    """Make the setup of a run. It is cached, because a worker computes many parts of the same run."""
    return Setup.of(RunConfig.from_mapping(json.loads(canonical)))

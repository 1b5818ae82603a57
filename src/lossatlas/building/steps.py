"""The parts that a run is computed in, wherever they are: plain functions of plain data, run by the workers of a build.

What crosses between processes is the canonical text of a configuration, arrays, numbers and text. A part depends on
nothing else, and every model's loss on nothing but the model: a run has the same bits whatever it was cut into.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from itertools import islice
from typing import Any, Literal

import numpy as np

from lossatlas.arrays import AnyArray, Float32, Float64, Floats, UInt8
from lossatlas.curvature import Curvature, curvature_at
from lossatlas.engine import Evaluator
from lossatlas.errors import PlaneError
from lossatlas.landscape import boundary_evaluator, nonconvexity_over, path_on, surface_rows
from lossatlas.planes import Anchor, Path, Plane, Trained
from lossatlas.runs import Run, RunConfig, Setup, boundary_of, compute_run, laid, theta_among
from lossatlas.training import METRICS, Outcome, Snapshot, State, Training, Trajectory

_OPTIMIZER = "optimizer."


@dataclass(frozen=True)
class Stretch:
    """Some frames of a training.

    Attributes
    ----------
    snapshots
        They alone; none where training ended before the next.
    outcome
        How training ended, if it has.
    state
        From which the next stretch goes on; None where there is none.
    """

    snapshots: tuple[Snapshot, ...]
    outcome: Outcome
    state: State | None

    @property
    def note(self) -> dict[str, Any]:
        """What there is to keep of it beside :attr:`arrays`, as plain JSON data."""
        return {
            "epochs": [snapshot.epoch for snapshot in self.snapshots],
            "metrics": {name: [getattr(one.metrics, name) for one in self.snapshots] for name in METRICS},
            "outcome": asdict(self.outcome),
            "epoch": self.state.epoch if self.state else None,
        }

    @property
    def arrays(self) -> dict[str, AnyArray]:
        """``weights`` ``[frame, P]``, ``point_predicted_class`` ``[frame, N]``, and the state, where there are any."""
        found: dict[str, AnyArray] = {}
        if self.snapshots:
            found["weights"] = np.stack([snapshot.theta for snapshot in self.snapshots])
            found["point_predicted_class"] = np.stack([snapshot.predicted_class for snapshot in self.snapshots])
        if self.state:
            found["theta"] = self.state.theta
            found |= {f"{_OPTIMIZER}{name}": np.asarray(value) for name, value in self.state.optimizer.items()}
        return found


def state_of(note: dict[str, Any], arrays: Mapping[str, AnyArray]) -> State:
    """The state that a stretch ended with, from what was kept of it."""
    optimizer = {name.removeprefix(_OPTIMIZER): value for name, value in arrays.items() if name.startswith(_OPTIMIZER)}
    numbers = {name: value if value.ndim else value.item() for name, value in optimizer.items()}
    return State(note["epoch"], arrays["theta"], numbers)


@dataclass(frozen=True)
class LaidPlane:
    """A plane, and the path on it.

    Attributes
    ----------
    plane
        With its centre.
    path
        The trajectory projected on it.
    path_loss
        ``[F]`` float64: training loss at each projected point.
    """

    plane: Plane
    path: Path
    path_loss: Float64

    @property
    def note(self) -> dict[str, Any]:
        """What there is to keep of it beside :attr:`arrays`, as plain JSON data."""
        plane = {key: value for key, value in asdict(self.plane).items() if key not in ("directions", "centre")}
        return {"plane": plane, "explained_variance": self.path.explained_variance}

    @property
    def arrays(self) -> dict[str, AnyArray]:
        """Directions and centre, and the path."""
        assert self.plane.centre is not None
        return {
            "directions": self.plane.directions,
            "centre": np.asarray(self.plane.centre),
            "path": self.path.coordinates,
            "residual": self.path.residual,
            "path_loss": self.path_loss,
        }

    @classmethod
    def of(cls, note: dict[str, Any], arrays: Mapping[str, AnyArray]) -> LaidPlane:
        """Make it again from what was kept of it."""
        plain = dict(note["plane"])
        eigenvalues = plain.pop("eigenvalues")
        plane = Plane(
            **{**plain, "spans": tuple(plain["spans"]), "anchors": tuple(Anchor(**one) for one in plain["anchors"])},
            eigenvalues=None if eigenvalues is None else (eigenvalues[0], eigenvalues[1]),
            directions=arrays["directions"],
            centre=arrays["centre"],
        )
        path = Path(arrays["path"], arrays["residual"], note["explained_variance"])
        return cls(plane, path, arrays["path_loss"])


def whole_run(canonical: str, references: Mapping[str, Floats]) -> dict[str, Any]:
    """Compute all of a run: every field of :class:`lossatlas.runs.Run` but its setup, by name."""
    run = compute_run(_setup(canonical).config, threads=1, references=references)
    return {field.name: getattr(run, field.name) for field in fields(Run) if field.name != "setup"}


def train_stretch(canonical: str, state: State | None, frames: int) -> Stretch:
    """Train on from a state, or from the start, until at most so many frames more are recorded."""
    setup = _setup(canonical)
    training = Training(setup.network, setup.dataset, setup.config.training, state=state)
    snapshots = tuple(islice(training, frames))
    ended = len(snapshots) < frames or snapshots[-1].epoch == setup.config.training.epochs
    return Stretch(snapshots, training.outcome, None if ended else training.state)


def boundaries(canonical: str, thetas: Float32) -> tuple[UInt8, UInt8]:
    """Predicted class and confidence, ``[F, H, W]`` each, of models ``[F, P]``."""
    setup = _setup(canonical)
    evaluator = boundary_evaluator(setup.network, setup.grid, threads=1)
    found = [boundary_of(evaluator, setup.grid, theta) for theta in thetas]
    return np.stack([classes for classes, _ in found]), np.stack([confidence for _, confidence in found])


def lay_plane(canonical: str, name: str, trajectory: Trajectory, references: Mapping[str, Floats]) -> LaidPlane | str:
    """Lay one plane of a run through its training; where that cannot be done, say why."""
    setup = _setup(canonical)
    trained = Trained(setup.network, *setup.dataset.train, trajectory, theta_among(references))
    try:
        plane = laid(setup, name, trained)
    except PlaneError as error:
        return str(error)
    path, path_loss = path_on(Evaluator(setup.network, *setup.dataset.train, threads=1), plane, trajectory.weights)
    return LaidPlane(plane, path, path_loss)


def surfaces(canonical: str, points: Literal["train", "test"], plane: Plane, centres: Float32, rows: range) -> Float32:
    """Some rows of the surfaces around some models ``[F, P]``: ``[F, len(rows), a]``, of train or test points."""
    setup = _setup(canonical)
    part = setup.dataset.train if points == "train" else setup.dataset.test
    evaluator = Evaluator(setup.network, *part, threads=1)
    grid = setup.plane_configs[plane.name].grid
    return np.stack([surface_rows(evaluator, plane, centre, grid, rows) for centre in centres])


def nonconvexity(canonical: str, plane: Plane, rows: range) -> Float32:
    """Some rows ``[len(rows), samples]`` of a plane's map of non-convexity."""
    setup = _setup(canonical)
    samples = setup.plane_configs[plane.name].nonconvexity
    assert samples
    return nonconvexity_over(setup.network, plane, *setup.dataset.train, samples, rows)


def curvature(canonical: str, theta: Float32) -> Curvature:
    """Of the training loss, at one model ``[P]``."""
    setup = _setup(canonical)
    return curvature_at(setup.network, theta, *setup.dataset.train)


@lru_cache(maxsize=2)
def _setup(canonical: str) -> Setup:
    """Cached, as many parts of one run come to one worker."""
    return Setup.of(RunConfig.from_mapping(json.loads(canonical)))

"""Turns results of parts of a run into plain JSON data and arrays that can be stored, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lossatlas.arrays import AnyArray
from lossatlas.curvature import Curvature
from lossatlas.planes import Anchor, Path, Plane
from lossatlas.runs import LaidPlane
from lossatlas.training import METRICS, Outcome, Snapshot, State

_OPTIMIZER = "optimizer."


@dataclass(frozen=True)
class Record:
    """The stored results of a part.

    Attributes
    ----------
    note
        Plain JSON data.
    arrays
        Arrays by name; None if there are none.
    """

    note: Any
    arrays: Mapping[str, AnyArray] | None = None


@dataclass(frozen=True)
class Stretch:
    """Some consecutive frames of a training.

    Attributes
    ----------
    snapshots
        The snapshots of these frames; none if training ended before the first of them.
    outcome
        How training ended, if it has ended.
    state
        The state that the next stretch continues from; None if training has ended.
    """

    snapshots: tuple[Snapshot, ...]
    outcome: Outcome
    state: State | None


def record_stretch(stretch: Stretch) -> Record:
    """Make the record of a stretch, with the arrays ``weights`` ``[frame, P]`` and ``point_predicted_class``."""
    snapshots, state = stretch.snapshots, stretch.state
    arrays: dict[str, AnyArray] = {}
    if snapshots:
        arrays["weights"] = np.stack([snapshot.theta for snapshot in snapshots])
        arrays["point_predicted_class"] = np.stack([snapshot.predicted_class for snapshot in snapshots])
    if state:
        arrays["theta"] = state.theta
        arrays |= {f"{_OPTIMIZER}{name}": np.asarray(value) for name, value in state.optimizer.items()}
    note = {
        "epochs": [snapshot.epoch for snapshot in snapshots],
        "metrics": {name: [getattr(one.metrics, name) for one in snapshots] for name in METRICS},
        "outcome": asdict(stretch.outcome),
        "epoch": state.epoch if state else None,
    }
    return Record(note, arrays)


def restore_state(record: Record) -> State:
    """Restore the state at the end of a stretch from its record."""
    arrays = record.arrays or {}
    optimizer = {name.removeprefix(_OPTIMIZER): value for name, value in arrays.items() if name.startswith(_OPTIMIZER)}
    numbers = {name: value if value.ndim else value.item() for name, value in optimizer.items()}
    return State(record.note["epoch"], arrays["theta"], numbers)


def record_plane(laid: LaidPlane | str) -> Record:
    """Make the record of a plane with its path, or of the reason why there is no plane."""
    if isinstance(laid, str):
        return Record({"left_out": laid})
    plane = {key: value for key, value in asdict(laid.plane).items() if key not in ("directions", "centre")}
    arrays: dict[str, AnyArray] = {
        "directions": laid.plane.directions,
        "centre": np.asarray(laid.plane.centre),
        "path": laid.path.coordinates,
        "residual": laid.path.residual,
        "path_loss": laid.path_loss,
    }
    return Record({"plane": plane, "explained_variance": laid.path.explained_variance}, arrays)


def restore_plane(record: Record) -> LaidPlane | str:
    """Restore a plane with its path, or the reason why there is none, from a record."""
    if "left_out" in record.note:
        return str(record.note["left_out"])
    arrays = record.arrays or {}
    plain = dict(record.note["plane"])
    eigenvalues = plain.pop("eigenvalues")
    plane = Plane(
        **{**plain, "spans": tuple(plain["spans"]), "anchors": tuple(Anchor(**one) for one in plain["anchors"])},
        eigenvalues=None if eigenvalues is None else (eigenvalues[0], eigenvalues[1]),
        directions=arrays["directions"],
        centre=arrays["centre"],
    )
    path = Path(arrays["path"], arrays["residual"], record.note["explained_variance"])
    return LaidPlane(plane, path, arrays["path_loss"])


def record_curvature(curvature: Curvature) -> Record:
    """Make the record of the curvature at one model."""
    note = {key: value for key, value in vars(curvature).items() if key != "spectrum"}
    return Record(note, None if curvature.spectrum is None else {"spectrum": curvature.spectrum})


def restore_curvature(record: Record) -> Curvature:
    """Restore the curvature at one model from its record."""
    return Curvature(**record.note, spectrum=None if record.arrays is None else record.arrays["spectrum"])

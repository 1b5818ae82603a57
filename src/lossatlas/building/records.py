"""What parts of a run leave beside its arrays: plain JSON data and arrays, from which they can be made again."""

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
    """What is kept of a part.

    Attributes
    ----------
    note
        Plain JSON data.
    arrays
        Arrays by name; None where there are none.
    """

    note: Any
    arrays: Mapping[str, AnyArray] | None = None


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


def record_stretch(stretch: Stretch) -> Record:
    """Keep ``weights`` ``[frame, P]``, ``point_predicted_class`` ``[frame, N]``, and the state, where there are any."""
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
    """Make the state again that a stretch ended with."""
    arrays = record.arrays or {}
    optimizer = {name.removeprefix(_OPTIMIZER): value for name, value in arrays.items() if name.startswith(_OPTIMIZER)}
    numbers = {name: value if value.ndim else value.item() for name, value in optimizer.items()}
    return State(record.note["epoch"], arrays["theta"], numbers)


def record_plane(laid: LaidPlane | str) -> Record:
    """Keep a plane with its path; or why there is none."""
    if isinstance(laid, str):
        return Record({"left_out": laid})
    plane = {key: value for key, value in asdict(laid.plane).items() if key not in ("directions", "centre")}
    assert laid.plane.centre is not None
    arrays: dict[str, AnyArray] = {
        "directions": laid.plane.directions,
        "centre": np.asarray(laid.plane.centre),
        "path": laid.path.coordinates,
        "residual": laid.path.residual,
        "path_loss": laid.path_loss,
    }
    return Record({"plane": plane, "explained_variance": laid.path.explained_variance}, arrays)


def restore_plane(record: Record) -> LaidPlane | str:
    """Make it again."""
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
    """Keep the curvature at one model."""
    note = {key: value for key, value in vars(curvature).items() if key != "spectrum"}
    return Record(note, None if curvature.spectrum is None else {"spectrum": curvature.spectrum})


def restore_curvature(record: Record) -> Curvature:
    """Make it again."""
    return Curvature(**record.note, spectrum=None if record.arrays is None else record.arrays["spectrum"])

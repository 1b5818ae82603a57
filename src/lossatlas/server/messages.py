"""The bodies of the events of a computation, in the form that docs/run-format.md gives."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from lossatlas.arrays import AnyArray
from lossatlas.runs import Frame, Setup, Stage
from lossatlas.store import describe_start, start_arrays


def manifest_body(setup: Setup, epochs: Iterable[int]) -> dict[str, Any]:
    """The manifest of the run to be, with all planned epochs and the arrays that do not depend on training."""
    return {**describe_start(setup, list(epochs)), "data": _encode(start_arrays(setup))}


def frame_body(frame: Frame, total: int) -> dict[str, Any]:
    """Describe one of ``total`` frames, with everything that is drawn of it."""
    return {
        "frame": frame.index,
        "epoch": frame.snapshot.epoch,
        "done": frame.index + 1,
        "total": total,
        "metrics": asdict(frame.snapshot.metrics),
        "data": _encode(frame_arrays(frame)),
    }


def frame_arrays(frame: Frame) -> dict[str, AnyArray]:
    """The arrays of one frame, by the paths of the arrays that they are a slice of."""
    return {
        "predicted_class": frame.predicted_class,
        "confidence": frame.confidence,
        "point_predicted_class": frame.snapshot.predicted_class,
        **{f"planes/{name}/loss_surface": surface for name, surface in frame.loss_surface.items()},
    }


def stage_body(stage: Stage) -> dict[str, Any]:
    """A step of the work that follows training."""
    return asdict(stage)


def done_body(run_id: str, outcome: Mapping[str, Any], epochs: Iterable[int]) -> dict[str, Any]:
    """The run is stored; these are its final frames."""
    return {"run": run_path(run_id), "outcome": dict(outcome), "frames": list(epochs)}


def run_path(run_id: str) -> str:
    """Where the page finds a stored run, relative to itself."""
    return f"data/runs/{run_id}/run.json"


def _encode(arrays: Mapping[str, AnyArray]) -> dict[str, str]:
    return {name: _base64(array) for name, array in arrays.items()}


def _base64(array: AnyArray) -> str:
    """Raw values in C order, little-endian on every machine."""
    little = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
    return b64encode(np.ascontiguousarray(little).data).decode("ascii")

"""Makes the bodies of the events of a computation, which docs/run-format.md describes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from lossatlas.arrays import AnyArray
from lossatlas.runs import Frame, Setup, Stage
from lossatlas.store import describe_start, start_arrays


def describe_manifest(setup: Setup, epochs: Iterable[int]) -> dict[str, Any]:
    """Make the manifest of a run before its training, with all planned epochs and the arrays that are known."""
    return {**describe_start(setup, list(epochs)), "data": start_arrays(setup)}


def describe_frame(frame: Frame, total: int) -> dict[str, Any]:
    """Describe one of ``total`` frames, with all arrays that the page draws."""
    return {
        "frame": frame.index,
        "epoch": frame.snapshot.epoch,
        "done": frame.index + 1,
        "total": total,
        "metrics": asdict(frame.snapshot.metrics),
        "data": list_frame_arrays(frame),
    }


def list_frame_arrays(frame: Frame) -> dict[str, AnyArray]:
    """Return the arrays of one frame by the paths of the arrays of the run that contain them."""
    return {
        "predicted_class": frame.predicted_class,
        "confidence": frame.confidence,
        "point_predicted_class": frame.snapshot.predicted_class,
        **{f"planes/{name}/loss_surface": surface for name, surface in frame.loss_surface.items()},
    }


def describe_stage(stage: Stage) -> dict[str, Any]:
    """Describe a step of the work after training."""
    return asdict(stage)


def describe_end(run_id: str, outcome: Mapping[str, Any], epochs: Iterable[int]) -> dict[str, Any]:
    """Describe a run that has been stored, with its outcome and the epochs of its frames."""
    return {"run": find_run_path(run_id), "outcome": dict(outcome), "frames": list(epochs)}


def find_run_path(run_id: str) -> str:
    """Return the path of the manifest of a stored run, relative to the page."""
    return f"data/runs/{run_id}/run.json"

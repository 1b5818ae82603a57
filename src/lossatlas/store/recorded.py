"""Makes the manifests of recorded runs, and writes these runs (docs/run-format.md, version 2)."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from lossatlas.arrays import AnyArray, Float64
from lossatlas.curvature import TrainingCurvature
from lossatlas.runs import CONFIDENCE_STEP, RecordedRun, Run
from lossatlas.store.durable import open_synced, write_array
from lossatlas.store.manifest import (
    FORMAT,
    RECORDED_VERSION,
    ArraySpec,
    describe_curvature_numbers,
    describe_run,
    list_arrays,
)
from lossatlas.store.recorded_planes import RecordedPlane
from lossatlas.store.recording import Recording
from lossatlas.store.write import explain_write_errors, run_folder
from lossatlas.training import METRICS

_GRAM = ArraySpec("gram", "float64", ("frame", "frame"), "products of theta_frame - theta_last with one another")
#: Arrays of a plane that a recorded run does not contain, because they follow from the parameters in the recording.
_LEFT_TO_THE_RECORDING = ("directions", "centre")


@dataclass(frozen=True)
class BoundaryPart:
    """The predictions of a recorded model over a plane of inputs.

    Attributes
    ----------
    kind
        ``samples`` means the plane through three samples, and ``inputs`` means the plane of the only two inputs.
    equal
        Whether distances along both axes can be compared, so that both need the same scale in a picture.
    anchors
        The names of the three samples, in the order of ``points``.
    features
        The names of both axes.
    arrays
        ``points``, ``labels``, ``split``, ``point_predicted_class``, ``grid_x``, ``grid_y``, ``predicted_class``,
        ``confidence``, and ``anchor_images`` if the samples are pictures.
    """

    kind: str
    equal: bool
    anchors: tuple[str, ...]
    features: tuple[str, str]
    arrays: Mapping[str, AnyArray]


@dataclass(frozen=True)
class RecordedParts:
    """Everything that was computed from a recording.

    Attributes
    ----------
    recording
        The recording.
    planes
        For each plane its arrays, its configuration, and the recipe of its directions (docs/run-format.md, version 2).
    left_out
        The reason why a plane could not be made, by the name of the plane.
    gram
        ``[F, F]`` float64: see :func:`lossatlas.planes.compute_gram_matrix`.
    curvature
        The curvature along the training; None if it was not measured.
    boundary
        The predictions over a plane of inputs; None if there is no such plane.
    classes
        The names of the classes; empty if the model does not predict classes.
    batchnorm
        The statistics with which BatchNorm normalises for surfaces of ``train`` and ``test``; None without BatchNorm.
    """

    recording: Recording
    planes: Sequence[RecordedPlane]
    left_out: Mapping[str, str]
    gram: Float64
    curvature: TrainingCurvature | None
    boundary: BoundaryPart | None
    classes: Sequence[str]


def describe_recorded(parts: RecordedParts) -> RecordedRun:
    """Make the recorded run, with its manifest, from everything that was computed."""
    recording, about = parts.recording, parts.recording.about
    sizes = {"frame": len(recording.frames)}
    arrays: dict[str, AnyArray] = {"gram": parts.gram}
    entries = {"gram": _GRAM.entry("gram.npy", sizes)}
    if parts.boundary:
        arrays |= parts.boundary.arrays
        entries |= {name: _entry_of(name, array) for name, array in parts.boundary.arrays.items()}
    epochs, loss = [frame.epoch for frame in recording.frames], str(about["loss"]["name"])
    for plane in parts.planes:
        arrays |= {f"planes/{plane.name}/{name}": array for name, array in plane.arrays(whole=False).items()}
    points = parts.boundary.arrays["points"] if parts.boundary else np.empty((0, 2))
    manifest = {
        **_head(recording),
        "dataset": {
            "name": "recorded",
            "title": about["name"],
            "features": [{"name": n, "mean": 0.0, "scale": 1.0} for n in (parts.boundary or _NOWHERE).features],
            "classes": list(parts.classes),
            "train_points": len(points),
            "test_points": 0,
            "samples": about["samples"],
        },
        "model": about["model"],
        "frames": epochs,
        **_metrics_of(recording),
        "outcome": {"status": "completed"},
        "parameters": [{"name": t.name, "shape": list(t.shape), "offset": t.offset} for t in recording.parameters],
        "boundary": parts.boundary
        and {"kind": parts.boundary.kind, "equal": parts.boundary.equal, "anchors": list(parts.boundary.anchors)},
        "arrays": entries,
        "planes": [plane.describe(epochs, loss, plane.name, whole=False) for plane in parts.planes],
        "left_out": [{"name": name, "why": why} for name, why in parts.left_out.items()],
    }
    if parts.curvature is not None:
        manifest["curvature"] = {
            **describe_curvature_numbers(parts.curvature),
            "parameters": about["model"]["trainable"],
            "stability": None,
            "stability_formula": None,
        }
    manifest["config"]["planes"] = [plane.config.model_dump(mode="json") for plane in parts.planes]
    return RecordedRun(json.loads(json.dumps(manifest, allow_nan=False)), arrays)


def describe_adopted(run: Run, recording: Recording) -> RecordedRun:
    """Make the recorded run of a model that the engine of this package can evaluate. It contains the weights."""
    manifest = describe_run(run)
    config = {key: manifest["config"][key] for key in ("planes", "boundary", "curvature")}
    samples = recording.about["samples"]
    manifest |= {
        **_head(recording),
        "dataset": {**manifest["dataset"], "name": "recorded", "title": recording.about["name"], "samples": samples},
        "model": {**manifest["model"], "title": run.setup.config.model.title},
        "boundary": {"kind": "inputs", "equal": False, "anchors": []},
    }
    manifest["config"] |= config
    for key in ("stability", "stability_formula"):  # the optimiser is not known
        if "curvature" in manifest:
            manifest["curvature"][key] = None
    return RecordedRun(json.loads(json.dumps(manifest, allow_nan=False)), list_arrays(run))


def save_recorded(run: RecordedRun, data: Path | str) -> Path:
    """Write a recorded run into a data folder. It replaces an earlier run of the same recording.

    The run is written into a temporary folder that is then renamed. The recording itself does not change.

    Returns
    -------
    Path
        The folder of the run.

    Raises
    ------
    DataFolderError
        If the folder cannot be written.
    """
    data = Path(data)
    folder = run_folder(data, run.id)
    unfinished = folder.with_name(f".unfinished-{os.getpid()}-{uuid.uuid4().hex[:8]}")
    try:
        with explain_write_errors(data):
            for name, array in run.arrays.items():
                path = unfinished / f"{name}.npy"
                path.parent.mkdir(parents=True, exist_ok=True)
                with open_synced(path) as file:
                    write_array(file, array)
            with open_synced(unfinished / "run.json") as file:
                file.write(json.dumps(run.manifest, ensure_ascii=False, allow_nan=False, indent=1).encode())
            if folder.exists():
                folder.rename(unfinished.with_name(f"{unfinished.name}-before"))
            unfinished.rename(folder)
    finally:
        for path in (unfinished, unfinished.with_name(f"{unfinished.name}-before")):
            shutil.rmtree(path, ignore_errors=True)
    return folder


def _head(recording: Recording) -> dict[str, Any]:
    about = recording.about
    return {
        "format": FORMAT,
        "format_version": RECORDED_VERSION,
        "source": "recorded",
        "id": recording.id,
        "title": f"{about['name']} · {about['model']['title']}",
        "config": {"recording": recording.id, "planes": [], "boundary": {}, "curvature": {}},
        "versions": {**about["versions"], "lossatlas": version("lossatlas"), "torch": about["torch"]},
        "loss": {"name": about["loss"]["name"], "unit": "nats" if "CrossEntropy" in about["loss"]["name"] else ""},
    }


def _metrics_of(recording: Recording) -> dict[str, Any]:
    rows = {name: [frame.metrics.get(name) for frame in recording.frames] for name in (*METRICS, *_IN_USE)}
    return {"metrics": {name: rows[name] for name in METRICS}, "in_use": {name: rows[name] for name in _IN_USE}}


#: The names of the losses with BatchNorm's running statistics.
_IN_USE = ("eval_train_loss", "eval_test_loss")
_NOWHERE = BoundaryPart("none", False, (), ("", ""), {})


_AXES = {
    "points": ("point", "feature"),
    "labels": ("point",),
    "split": ("point",),
    "point_predicted_class": ("frame", "point"),
    "grid_x": ("x",),
    "grid_y": ("y",),
    "predicted_class": ("frame", "y", "x"),
    "confidence": ("frame", "y", "x"),
    "anchor_images": ("point", "row", "column", "channel"),
}


def _entry_of(name: str, array: AnyArray) -> dict[str, Any]:
    what = "the pictures of the anchors, black to white" if name == "anchor_images" else name.replace("_", " ")
    scale = CONFIDENCE_STEP if name == "confidence" else None
    spec = ArraySpec(name, str(array.dtype), _AXES[name], what, scale)
    return spec.entry(f"{name}.npy", dict(zip(_AXES[name], array.shape, strict=True)))

"""Makes the manifests of recorded runs, and writes these runs (docs/run-format.md, version 2)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from lossatlas.arrays import AnyArray, Float32, Float64, UInt8
from lossatlas.curvature import TrainingCurvature
from lossatlas.runs import CONFIDENCE_STEP, RecordedRun, Run
from lossatlas.store.durable import open_synced, sync_tree, write_array
from lossatlas.store.folders import replace_folder
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
from lossatlas.store.write import claim_unfinished, run_folder, write_manifest
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
        ``inputs`` means the plane of the only two inputs, ``projection`` that of their two principal components, onto
        which all samples are projected, and ``samples`` the plane through three samples.
    equal
        Whether distances along both axes can be compared, so that both need the same scale in a picture.
    anchors
        The names of the three samples, in the order of ``points``; empty for the other kinds.
    features
        The names of both axes.
    arrays
        ``points``, ``labels``, ``split``, ``point_predicted_class``, ``grid_x``, ``grid_y``, ``predicted_class``,
        ``confidence``, ``margin``, and ``anchor_images`` if the samples are pictures.
    explained_variance
        The share of the samples' variance that lies in the plane of a projection; None for the other kinds.
    """

    kind: str
    equal: bool
    anchors: tuple[str, ...]
    features: tuple[str, str]
    arrays: Mapping[str, AnyArray]
    explained_variance: float | None = None

    @property
    def classes(self) -> list[int]:
        """The classes that occur: as the class of a sample, or as a prediction."""
        found = [np.unique(self.arrays[name]) for name in ("labels", "predicted_class")]
        return [int(number) for number in np.unique(np.concatenate(found))]

    def describe(self) -> dict[str, Any]:
        """Make its entry in the manifest."""
        return {
            "kind": self.kind,
            "equal": self.equal,
            "anchors": list(self.anchors),
            "classes": self.classes,
            "explained_variance": self.explained_variance,
        }


@dataclass(frozen=True)
class SampleLossPart:
    """The loss of each sample at every frame.

    Attributes
    ----------
    losses
        ``[F, N]`` float32.
    split
        ``[N]`` uint8: 0 for training samples, 1 for test samples.
    """

    losses: Float32
    split: UInt8


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
    sample_losses
        The loss of each sample, which is drawn in place of a boundary; None if it was not measured.
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
    sample_losses: SampleLossPart | None
    classes: Sequence[str]


def describe_recorded(parts: RecordedParts) -> RecordedRun:
    """Make the recorded run, with its manifest, from everything that was computed."""
    recording, about = parts.recording, parts.recording.about
    sizes = {"frame": len(recording.frames)}
    arrays: dict[str, AnyArray] = {"gram": parts.gram}
    entries = {"gram": _GRAM.entry("gram.npy", sizes)}
    right = _arrays_of_right_plot(parts)
    arrays |= right
    entries |= {name: _entry_of(name, array) for name, array in right.items()}
    epochs, loss = [frame.epoch for frame in recording.frames], str(about["loss"]["name"])
    for plane in parts.planes:
        arrays |= {f"planes/{plane.name}/{name}": array for name, array in plane.arrays(whole=False).items()}
    split = parts.boundary.arrays["split"] if parts.boundary else np.empty(0)
    manifest = {
        **_head(recording),
        "dataset": {
            "name": "recorded",
            "title": about["name"],
            "features": [{"name": n, "mean": 0.0, "scale": 1.0} for n in (parts.boundary or _NOWHERE).features],
            "classes": list(parts.classes),
            "train_points": int((split == 0).sum()),
            "test_points": int((split == 1).sum()),
            "samples": about["samples"],
        },
        "model": about["model"],
        "frames": epochs,
        **_metrics_of(recording),
        "outcome": {"status": "completed"},
        "parameters": [{"name": t.name, "shape": list(t.shape), "offset": t.offset} for t in recording.parameters],
        "boundary": parts.boundary and parts.boundary.describe(),
        "arrays": entries,
        "planes": [plane.describe(epochs, loss, plane.name, whole=False) for plane in parts.planes],
        "left_out": [{"name": name, "why": why} for name, why in parts.left_out.items()],
    }
    if parts.curvature is not None:
        manifest["curvature"] = _describe_curvature(parts.curvature, about["model"]["trainable"])
    manifest["config"]["planes"] = [plane.config.model_dump(mode="json") for plane in parts.planes]
    return RecordedRun(json.loads(json.dumps(manifest, allow_nan=False)), arrays)


def _arrays_of_right_plot(parts: RecordedParts) -> Mapping[str, AnyArray]:
    if parts.boundary:
        return parts.boundary.arrays
    if parts.sample_losses:
        return {"sample_loss": parts.sample_losses.losses, "sample_split": parts.sample_losses.split}
    return {}


def _describe_curvature(curvature: TrainingCurvature, parameters: int) -> dict[str, Any]:
    numbers = describe_curvature_numbers(curvature)
    return {**numbers, "parameters": parameters, "stability": None, "stability_formula": None}


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
    arrays = list_arrays(run)
    if not samples["test"]:
        _leave_out_test(manifest, arrays, int(samples["train"]))
    manifest["config"] |= config
    for key in ("stability", "stability_formula"):  # the optimiser is not known
        if "curvature" in manifest:
            manifest["curvature"][key] = None
    return RecordedRun(json.loads(json.dumps(manifest, allow_nan=False)), arrays)


#: Arrays with one part a point, and the axis that counts the points.
_OF_POINTS = {"points": 0, "labels": 0, "split": 0, "point_predicted_class": 1}


def _leave_out_test(manifest: dict[str, Any], arrays: dict[str, AnyArray], train: int) -> None:
    """Leave out what was computed of test samples where there are none: the engine was given the training samples."""
    for name, axis in _OF_POINTS.items():
        arrays[name] = arrays[name].take(range(train), axis)
        manifest["arrays"][name]["shape"][axis] = train
    manifest["dataset"]["test_points"] = 0
    for name in ("test_loss", "test_accuracy"):
        manifest["metrics"][name] = [None] * len(manifest["frames"])
    for plane in manifest["planes"]:
        plane["arrays"].pop("test_loss_surface", None)
        arrays.pop(f"planes/{plane['name']}/test_loss_surface", None)


def save_recorded(run: RecordedRun, data: Path | str) -> Path:
    """Write a recorded run into a data folder. It replaces an earlier run of the same recording.

    The run is written into a temporary folder that is then exchanged with the earlier one, so that readers always see a
    whole run. The recording itself does not change.

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
    with claim_unfinished(data) as claimed:
        unfinished = claimed / "run"
        for name, array in run.arrays.items():
            path = unfinished / f"{name}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            with open_synced(path) as file:
                write_array(file, array)
        write_manifest(unfinished, run.manifest)
        sync_tree(unfinished)
        replace_folder(unfinished, folder, claimed)
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
    "margin": ("frame", "y", "x"),
    "anchor_images": ("point", "row", "column", "channel"),
    "sample_loss": ("frame", "sample"),
    "sample_split": ("sample",),
}
#: What arrays are, where their names do not say it.
_WHAT = {
    "anchor_images": "the pictures of the anchors, black to white",
    "margin": "difference of the two largest logits, as 0.01 * 10000 ** (byte / 255)",
    "sample_loss": "the loss of each sample with the parameters and buffers of each frame",
    "sample_split": "0: a training sample, 1: a test sample",
}
#: The least difference of logits that a byte can hold, and the ratio of the greatest to it.
LEAST_MARGIN, MARGIN_RATIO = 0.01, 1e4


def _entry_of(name: str, array: AnyArray) -> dict[str, Any]:
    what = _WHAT.get(name, name.replace("_", " "))
    scale = CONFIDENCE_STEP if name == "confidence" else None
    spec = ArraySpec(name, str(array.dtype), _AXES[name], what, scale)
    return spec.entry(f"{name}.npy", dict(zip(_AXES[name], array.shape, strict=True)))

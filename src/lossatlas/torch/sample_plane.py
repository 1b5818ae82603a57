"""Computes what a model predicts over the plane through three of its samples, which is its decision boundary there.

This is the plane through three images of Somepalli et al. (2022, "Can neural nets learn the same model twice?
Investigating reproducibility and double descent from the decision boundary perspective", section 3), with a margin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from lossatlas.arrays import AnyArray, Float32, Float64, UInt8
from lossatlas.errors import PlaneError
from lossatlas.runs import CONFIDENCE_STEP
from lossatlas.store import BoundaryPart, Recording
from lossatlas.torch.model import TorchModel
from lossatlas.torch.undisturbed import measuring

#: The margin around the three samples, as a share of their extent, and the number of grid points along the longer axis.
_MARGIN = 0.5
_RESOLUTION = 60
#: The number of inputs that are evaluated at a time.
_BATCH = 128
#: The number of classes that one byte can distinguish.
_MOST_CLASSES = 256


@dataclass(frozen=True)
class SamplePlane:
    """The plane through three inputs.

    Attributes
    ----------
    anchors
        ``[3, …]`` float32: the inputs.
    labels
        ``[3]``: their classes.
    axes
        ``[2, D]`` float64, orthonormal: the first points from the first anchor to the second.
    places
        ``[3, 2]`` float64: the coordinates of the anchors on the plane. The first anchor is the origin.
    x, y
        ``[W]`` and ``[H]`` float32: the coordinates of the grid, with the same step along both axes.
    """

    anchors: Float32
    labels: AnyArray
    axes: Float64
    places: Float64
    x: Float32
    y: Float32

    def inputs(self) -> Float32:
        """Compute the inputs of all H·W points of the grid, row by row."""
        a, b = (values.ravel() for values in np.meshgrid(self.x, self.y))
        steps = np.stack([a, b], axis=1).astype(np.float64) @ self.axes
        flat = self.anchors[0].ravel() + steps
        inputs: Float32 = flat.reshape(-1, *self.anchors.shape[1:]).astype(np.float32)
        return inputs


def lay_through_samples(model: TorchModel) -> SamplePlane:
    """Make the plane through one training sample of each of three classes. If there are fewer, classes repeat.

    Returns
    -------
    SamplePlane
        The plane with its grid.

    Raises
    ------
    PlaneError
        If the samples are not arrays of real numbers with one class each, or the three samples lie on one line.
    """
    pairs = [batch.data for batch in model.train if model.loss.has_outputs]
    fits = pairs and all(_is_pair(inputs, targets) for inputs, targets in pairs)
    if not fits:
        raise PlaneError("the samples are not arrays of numbers with a class each, so there is no plane of inputs")
    inputs = torch.cat([pair[0] for pair in pairs]).cpu().numpy().astype(np.float32)
    labels = torch.cat([pair[1] for pair in pairs]).cpu().numpy()
    if inputs[0].size < 3:
        raise PlaneError("the inputs have too few numbers for a plane through three of them")
    chosen = _choose(labels)
    anchors = inputs[chosen]
    away = anchors.reshape(len(anchors), -1).astype(np.float64)
    away = away - away[0]
    along = np.linalg.norm(away[1])
    second = away[2] - (away[2] @ away[1]) * away[1] / max(along**2, 1e-30)
    if along == 0 or np.linalg.norm(second) < 1e-6 * max(along, np.linalg.norm(away[2])):
        raise PlaneError("the three samples lie on one line")
    axes = np.stack([away[1] / along, second / np.linalg.norm(second)])
    places = away @ axes.T
    x, y = _grid(places)
    return SamplePlane(anchors, labels[chosen], axes, places, x, y)


def predict_over(plane: SamplePlane, model: TorchModel, recording: Recording, classes: list[str]) -> BoundaryPart:
    """Predict the classes over the plane at every frame, with the buffers of that frame.

    Returns
    -------
    BoundaryPart
        Classes and confidences, as they are stored.
    """
    inputs = torch.from_numpy(plane.inputs())
    frames, shape = len(recording.frames), (len(plane.y), len(plane.x))
    predicted = np.empty((frames, *shape), np.uint8)
    confidence = np.empty((frames, *shape), np.uint8)
    of_anchors = np.empty((frames, 3), np.uint8)
    for frame in range(frames):
        model.move_to(recording.theta(frame))
        model.set_buffers(recording.buffers_at(frame))
        found, sure = _predict(model, inputs)
        predicted[frame], confidence[frame] = found.reshape(shape), sure.reshape(shape)
        of_anchors[frame], _ = _predict(model, torch.from_numpy(plane.anchors))
    arrays: dict[str, AnyArray] = {
        "points": plane.places.astype(np.float32),
        "labels": plane.labels.astype(np.uint8),
        "split": np.zeros(3, np.uint8),
        "point_predicted_class": of_anchors,
        "grid_x": plane.x,
        "grid_y": plane.y,
        "predicted_class": predicted,
        "confidence": confidence,
    }
    if (images := _images(plane.anchors)) is not None:
        arrays["anchor_images"] = images
    names = tuple(f"a sample of class {classes[int(label)]}" for label in plane.labels)
    return BoundaryPart("samples", True, names, ("from the first sample to the second", "to the third"), arrays)


def _is_pair(inputs: object, targets: object) -> bool:
    return (
        isinstance(inputs, torch.Tensor)
        and isinstance(targets, torch.Tensor)
        and inputs.is_floating_point()
        and inputs.ndim > 1
        and bool(inputs.isfinite().all())
        and targets.ndim == 1
        and not targets.is_floating_point()
        and int(targets.min()) >= 0
        and int(targets.max()) < _MOST_CLASSES
    )


def _choose(labels: AnyArray) -> list[int]:
    """Choose the first sample of each of the first three classes. If there are fewer classes, add further samples."""
    firsts = [int(np.flatnonzero(labels == label)[0]) for label in np.unique(labels)[:3]]
    others = [number for number in range(len(labels)) if number not in firsts]
    if len(labels) < 3:
        raise PlaneError("there are fewer than three samples")
    return [*firsts, *others][:3]


def _grid(places: Float64) -> tuple[Float32, Float32]:
    low, high = places.min(axis=0), places.max(axis=0)
    room = _MARGIN * (high - low).max() / 2
    step = float((high - low + 2 * room).max() / (_RESOLUTION - 1))
    x, y = (np.arange(a - room, b + room + step / 2, step).astype(np.float32) for a, b in zip(low, high, strict=True))
    return x, y


def _predict(model: TorchModel, inputs: torch.Tensor) -> tuple[UInt8, UInt8]:
    found, sure = [], []
    with torch.no_grad(), measuring():
        for part in torch.split(inputs, _BATCH):
            probabilities = torch.softmax(model.module(part.to(model.device, model.dtype)), dim=1)
            confidence, predicted = probabilities.max(dim=1)
            found.append(predicted.cpu().numpy().astype(np.uint8))
            sure.append(np.rint(confidence.cpu().double().numpy() / CONFIDENCE_STEP).astype(np.uint8))
    return np.concatenate(found), np.concatenate(sure)


def _images(anchors: Float32) -> UInt8 | None:
    """Turn the anchors into pictures ``[3, rows, columns, channels]`` on one scale; None if they are not pictures."""
    if anchors.ndim != 4 or anchors.shape[1] not in (1, 3):
        return None
    low, high = float(anchors.min()), float(anchors.max())
    scaled = np.rint(255 * (anchors - low) / max(high - low, 1e-30)).astype(np.uint8)
    return np.ascontiguousarray(scaled.transpose(0, 2, 3, 1))

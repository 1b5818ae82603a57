"""Computes the predictions of a recorded model on a plane of inputs, at every frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from lossatlas.arrays import AnyArray, Float32, Float64, UInt8
from lossatlas.runs import CONFIDENCE_STEP
from lossatlas.store import LEAST_MARGIN, MARGIN_RATIO, BoundaryPart, Recording
from lossatlas.torch.input_plane import InputPlane
from lossatlas.torch.model import TorchModel
from lossatlas.torch.undisturbed import measuring

#: The number of inputs that are evaluated at a time.
_BATCH = 128


@dataclass(frozen=True)
class _Predictions:
    """Predicted classes ``[N]``, their probabilities, and the difference between their logit and the second largest."""

    classes: UInt8
    confidence: UInt8
    margin: UInt8


def predict_over(plane: InputPlane, model: TorchModel, recording: Recording) -> BoundaryPart:
    """Predict classes on the plane and for its samples at every frame, with the buffers of that frame.

    Returns
    -------
    The predictions in their stored form.
    """
    grid, samples = torch.from_numpy(plane.grid_inputs()), torch.from_numpy(plane.inputs)
    on_grid, of_samples = [], []
    for frame in range(len(recording.frames)):
        model.move_to(recording.theta(frame))
        model.set_buffers(recording.buffers_at(frame))
        on_grid.append(_predict(model, grid))
        of_samples.append(_predict(model, samples).classes)
    shape = (len(on_grid), len(plane.y), len(plane.x))
    arrays: dict[str, AnyArray] = {
        "points": plane.places.astype(np.float32),
        "labels": plane.labels.astype(np.uint8),
        "split": plane.split.astype(np.uint8),
        "point_predicted_class": np.stack(of_samples),
        "grid_x": plane.x,
        "grid_y": plane.y,
        "predicted_class": np.stack([found.classes for found in on_grid]).reshape(shape),
        "confidence": np.stack([found.confidence for found in on_grid]).reshape(shape),
        "margin": np.stack([found.margin for found in on_grid]).reshape(shape),
    }
    is_through = plane.kind == "samples"
    if is_through and (images := make_images(plane.inputs)) is not None:
        arrays["anchor_images"] = images
    return BoundaryPart(
        kind=plane.kind,
        equal=plane.kind != "inputs",
        anchors=tuple(f"a sample of class {int(label)}" for label in plane.labels) if is_through else (),
        features=plane.names,
        arrays=arrays,
        explained_variance=plane.variance,
    )


def encode_margins(margins: Float64) -> UInt8:
    """Write differences of logits as bytes: byte k stands for ``LEAST_MARGIN · MARGIN_RATIO^(k / 255)``."""
    shares = np.log(np.maximum(margins, LEAST_MARGIN) / LEAST_MARGIN) / np.log(MARGIN_RATIO)
    encoded: UInt8 = np.rint(255 * np.clip(shares, 0, 1)).astype(np.uint8)
    return encoded


def make_images(inputs: Float32) -> UInt8 | None:
    """Turn inputs into pictures ``[N, rows, columns, channels]`` on one scale; return None if they are no pictures."""
    if inputs.ndim != 4 or inputs.shape[1] not in (1, 3):
        return None
    low, high = float(inputs.min()), float(inputs.max())
    scaled = np.rint(255 * (inputs - low) / max(high - low, 1e-30)).astype(np.uint8)
    return np.ascontiguousarray(scaled.transpose(0, 2, 3, 1))


def _predict(model: TorchModel, inputs: torch.Tensor) -> _Predictions:
    found = []
    with torch.no_grad(), measuring():
        for part in torch.split(inputs, _BATCH):
            logits = model.module(part.to(model.device, model.dtype)).double()
            odds, predicted = torch.softmax(logits, dim=1).max(dim=1)
            two = logits.topk(2, dim=1).values
            found.append([each.cpu().numpy() for each in (predicted, odds, two[:, 0] - two[:, 1])])
    classes, *others = (np.concatenate(column) for column in zip(*found, strict=True))
    confidence, margins = (np.nan_to_num(each, posinf=1e30) for each in others)  # infinite logits have neither
    return _Predictions(
        classes.astype(np.uint8), np.rint(confidence / CONFIDENCE_STEP).astype(np.uint8), encode_margins(margins)
    )

"""Makes planes of inputs on which the predictions of a recorded model are shown, for inputs of any kind.

Two inputs have their own plane. For tables of a few columns it is the plane of the two principal components, onto
which all samples are projected. For images and long vectors it is the plane through three samples (Somepalli et al.
2022, "Can neural nets learn the same model twice? Investigating reproducibility and double descent from the decision
boundary perspective", section 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import torch

from lossatlas.arrays import AnyArray, Float32, Float64
from lossatlas.errors import PlaneError
from lossatlas.landscape import input_grid
from lossatlas.torch.model import TorchModel
from lossatlas.torch.samples import Batch

Kind: TypeAlias = Literal["inputs", "projection", "samples"]
#: The margin around the points, as a share of their extent. Three samples need a larger one than many points.
_MARGIN = {"projection": 0.2, "samples": 0.5}
#: The number of grid points along the longer axis.
_RESOLUTION = 80
#: The largest number of columns of a table. Longer inputs are treated as vectors.
_MOST_COLUMNS = 20
#: The number of classes that a byte can distinguish.
_MOST_CLASSES = 256


@dataclass(frozen=True)
class InputPlane:
    """A plane of inputs, with a grid on it and the samples that are drawn there.

    Attributes
    ----------
    kind
        ``inputs``: two inputs; ``projection``: two principal components; ``samples``: through three samples.
    origin, axes
        ``[D]`` and ``[2, D]`` float64: the input at (x, y) is ``origin + x · axes[0] + y · axes[1]``.
    inputs
        ``[N, …]`` float32: the samples that are drawn.
    labels, split
        ``[N]``: their classes, and 0 for training samples or 1 for test samples.
    places
        ``[N, 2]`` float64: their places in the plane.
    x, y
        ``[W]`` and ``[H]``: the coordinates of the grid.
    names
        The names of both axes.
    variance
        The share of the samples' variance that lies in the plane of a projection; else None.
    """

    kind: Kind
    origin: Float64
    axes: Float64
    inputs: Float32
    labels: AnyArray
    split: AnyArray
    places: Float64
    x: Float32
    y: Float32
    names: tuple[str, str]
    variance: float | None = None

    def grid_inputs(self) -> Float32:
        """Compute the inputs at all H·W points of the grid, row by row."""
        x, y = (values.ravel() for values in np.meshgrid(self.x, self.y))
        flat = self.origin + np.stack([x, y], axis=1).astype(np.float64) @ self.axes
        inputs: Float32 = flat.reshape(-1, *self.inputs.shape[1:]).astype(np.float32)
        return inputs


def lay_plane_of_inputs(model: TorchModel) -> InputPlane:
    """Make the plane of inputs that suits the samples of a model.

    Returns
    -------
    The plane, with a grid on it.

    Raises
    ------
    PlaneError
        If samples are not arrays of real numbers with a class each, or span no plane.
    """
    inputs, labels, split = _samples_of(model)
    features = inputs[0].size
    if features < 2:
        raise PlaneError("the inputs are single numbers, so there is no plane of them")
    if inputs.ndim == 2 and features == 2:
        return _lay_over_two(inputs, labels, split)
    if inputs.ndim == 2 and features <= _MOST_COLUMNS:
        return _lay_along_components(inputs, labels, split)
    return _lay_through_samples(inputs[split == 0], labels[split == 0])


def _samples_of(model: TorchModel) -> tuple[Float32, AnyArray, AnyArray]:
    """Join all samples: inputs ``[N, …]``, classes ``[N]``, and 0 or 1 for the training or test samples ``[N]``."""
    parts = [_join(batches) for batches in (model.train, model.test) if batches] if model.loss.has_outputs else []
    if not parts or any(part is None for part in parts):
        raise PlaneError("the samples are not arrays of numbers with a class each, so there is no plane of inputs")
    inputs, labels = zip(*(part for part in parts if part is not None), strict=True)
    split = np.repeat([0, 1][: len(labels)], [len(part) for part in labels]).astype(np.uint8)
    return np.concatenate(inputs), np.concatenate(labels), split


def _join(batches: Sequence[Batch]) -> tuple[Float32, AnyArray] | None:
    pairs = [batch.data for batch in batches]
    if not all(_is_pair(inputs, targets) for inputs, targets in pairs):
        return None
    inputs, targets = (torch.cat(list(column)).cpu() for column in zip(*pairs, strict=True))
    return inputs.numpy().astype(np.float32), targets.numpy()


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


def _lay_over_two(inputs: Float32, labels: AnyArray, split: AnyArray) -> InputPlane:
    grid = input_grid(inputs)
    names = ("first input", "second input")
    places = inputs.astype(np.float64)
    return InputPlane("inputs", np.zeros(2), np.eye(2), inputs, labels, split, places, grid.x, grid.y, names)


def _lay_along_components(inputs: Float32, labels: AnyArray, split: AnyArray) -> InputPlane:
    # The plane goes through the mean of the training samples, along their two principal components. Columns are divided
    # by their standard deviation, because a column's unit says nothing about its importance.
    train = inputs[split == 0].astype(np.float64)
    mean, scale = train.mean(axis=0), train.std(axis=0)
    scale[scale == 0] = 1.0
    _, spread, components = np.linalg.svd((train - mean) / scale, full_matrices=False)
    if len(spread) < 2 or spread[1] < 1e-6 * max(spread[0], 1e-30):
        raise PlaneError("the samples lie on one line")
    axes = components[:2] * np.sign(components[[0, 1], np.abs(components[:2]).argmax(axis=1)])[:, None]
    places = (inputs.astype(np.float64) - mean) / scale @ axes.T
    x, y = _lay_grid(places, _MARGIN["projection"])
    shares = spread**2 / (spread**2).sum()
    first, second = (
        f"{which} principal component of {len(mean)} inputs ({100 * share:.0f} %)"
        for which, share in zip(("first", "second"), shares, strict=False)
    )
    return InputPlane(
        "projection",
        mean,
        axes * scale,
        inputs,
        labels,
        split,
        places,
        x,
        y,
        (first, second),
        variance=float(shares[:2].sum()),
    )


def _lay_through_samples(inputs: Float32, labels: AnyArray) -> InputPlane:
    """Make the plane through one training sample of each of three classes. With two classes, one has two samples."""
    chosen = _choose(labels)
    anchors = inputs[chosen]
    flat = anchors.reshape(len(anchors), -1).astype(np.float64)
    away = flat - flat[0]
    along = np.linalg.norm(away[1])
    second = away[2] - (away[2] @ away[1]) * away[1] / max(along**2, 1e-30)
    if along == 0 or np.linalg.norm(second) < 1e-6 * max(along, np.linalg.norm(away[2])):
        raise PlaneError("the three samples lie on one line")
    axes = np.stack([away[1] / along, second / np.linalg.norm(second)])
    places = away @ axes.T
    x, y = _lay_grid(places, _MARGIN["samples"])
    names = ("from the first sample to the second", "to the third")
    return InputPlane("samples", flat[0], axes, anchors, labels[chosen], np.zeros(3, np.uint8), places, x, y, names)


def _choose(labels: AnyArray) -> list[int]:
    """Choose the first sample of each of the first three classes, and further samples if there are fewer classes."""
    firsts = [int(np.flatnonzero(labels == label)[0]) for label in np.unique(labels)[:3]]
    others = [number for number in range(len(labels)) if number not in firsts]
    if len(labels) < 3:
        raise PlaneError("there are fewer than three samples")
    return [*firsts, *others][:3]


def _lay_grid(places: Float64, margin: float) -> tuple[Float32, Float32]:
    """Make a grid with the same step along both axes."""
    low, high = places.min(axis=0), places.max(axis=0)
    room = margin * (high - low).max() / 2
    step = float((high - low + 2 * room).max() / (_RESOLUTION - 1))
    x, y = (np.arange(a - room, b + room + step / 2, step).astype(np.float32) for a, b in zip(low, high, strict=True))
    return x, y

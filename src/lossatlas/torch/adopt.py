"""Recognises PyTorch models that equal a network of this package, so that the page can evaluate their parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import torch

from lossatlas.arrays import AnyArray, Floats
from lossatlas.datasets import Dataset
from lossatlas.engine import Evaluator
from lossatlas.landscape import input_grid
from lossatlas.networks import ACTIVATIONS, Network
from lossatlas.planes import PlaneConfig, name_planes
from lossatlas.runs import Computation, Run, RunConfig, Setup
from lossatlas.store import Recording
from lossatlas.torch.model import TorchModel
from lossatlas.training import Metrics, Outcome, Snapshot

#: The logits of both may differ by this share of the largest one, because float32 sums depend on the order.
_ALIKE = 1e-4
#: The number of classes that one byte can distinguish.
_MOST_CLASSES = 256


def network_of(model: TorchModel, recording: Recording) -> Network | None:
    """Find the network of this package that computes the same as a model.

    The layers of the model must be linear with biases, from two inputs to one logit per class, and its loss must be the
    mean cross-entropy. The activation between the layers is not read from the code of the model. Instead, each one is
    tried: at the first and the last frame, the logits of all samples must agree.

    Returns
    -------
    Network or None
        The network; None if there is no such network.
    """
    layers = _sizes(model)
    pairs = [batch.data for batch in (*model.train, *model.test)]
    if layers is None or not model.loss.has_outputs or model.loss.name not in ("CrossEntropyLoss", "cross_entropy"):
        return None
    if not _is_plain(model) or not all(_are_points(pair) for pair in pairs):
        return None
    inputs = torch.cat([pair[0] for pair in pairs])
    for name in ("tanh", "relu", "sigmoid", "gelu", "linear"):
        for residual in (False, True):
            network = Network(layers, ACTIVATIONS[name], residual)
            if all(_is_alike(network, model, recording.theta(frame), inputs) for frame in (0, -1)):
                return network
    return None


def compute_adopted(
    network: Network, model: TorchModel, recording: Recording, planes: Sequence[PlaneConfig], curvature: int
) -> Run:
    """Compute all arrays of the run with the engine of this package.

    Returns
    -------
    Run
        The run. Its configuration does not say how it was trained, because that is not known.
    """
    epochs = [frame.epoch for frame in recording.frames]
    config = RunConfig.from_mapping(
        {
            "model": {
                "hidden": network.layers[1:-1],
                "activation": network.activation.name,
                "residual": network.residual,
            },
            "training": {"epochs": max(epochs[-1], 1), "frames": max(len(epochs), 2)},
            "planes": [plane.model_dump() for plane in planes],
            "curvature": {"frames": curvature},
        }
    )
    dataset = _dataset(network, model, recording)
    early = tuple(
        plane.draw(network, name)
        for name, plane in zip(name_planes(config.planes), config.planes, strict=True)
        if not plane.needs_training
    )
    setup = Setup(config, dataset, network, early, input_grid(dataset.points, config.boundary))
    computation = Computation(setup, training=_Snapshots(network, dataset, recording))
    return computation.finish(list(computation))


class _Snapshots:
    """The frames of a recording in the form of a training, as :class:`lossatlas.runs.Computation` needs it."""

    outcome = Outcome()

    def __init__(self, network: Network, dataset: Dataset, recording: Recording) -> None:
        self._recording, self._dataset = recording, dataset
        self.epochs = tuple(frame.epoch for frame in recording.frames)
        self._evaluators = [Evaluator(network, *part) for part in (dataset.train, dataset.test) if len(part[0])]
        self._predictor = Evaluator(network, dataset.points)

    def __iter__(self) -> Iterator[Snapshot]:
        labels, split = self._dataset.labels, self._dataset.split
        for number, frame in enumerate(self._recording.frames):
            theta = np.array(self._recording.theta(number), np.float32)
            losses = [float(evaluator.losses(theta[None])[0]) for evaluator in self._evaluators]
            predicted = self._predictor.logits(theta[None])[0].argmax(axis=0).astype(np.uint8)
            shares = [float((predicted == labels)[split == part].mean()) for part in (0, 1)]
            yield Snapshot(frame.epoch, theta, Metrics(losses[0], losses[-1], shares[0], shares[-1]), predicted)


def _sizes(model: TorchModel) -> tuple[int, ...] | None:
    """Return the sizes of the layers, if theta consists of the weight and the bias of each layer; else None."""
    shapes = [tensor.shape for tensor in model.layout]
    if len(shapes) % 2 or model.buffer_layout:
        return None
    weights, biases = shapes[::2], shapes[1::2]
    if any(len(weight) != 2 or bias != weight[:1] for weight, bias in zip(weights, biases, strict=True)):
        return None
    if any(below[0] != above[1] for below, above in pairwise(weights)) or weights[0][1] != 2:
        return None
    layers = (2, *(weight[0] for weight in weights))
    return layers if 2 <= layers[-1] <= _MOST_CLASSES and max(layers[1:]) <= 1024 and len(layers) <= 34 else None


def _is_plain(model: TorchModel) -> bool:
    """Return whether the loss of the samples is their mean cross-entropy, at the current parameters of the model."""
    pairs = [batch.data for batch in model.train]
    with torch.no_grad():
        inputs, targets = torch.cat([pair[0] for pair in pairs]), torch.cat([pair[1] for pair in pairs])
        if not _are_points((inputs, targets)) or int(targets.min()) < 0:
            return False
        logits = model.module(inputs)
        if logits.ndim != 2 or logits.shape[1] <= int(targets.max()):
            return False
        expected = float(torch.nn.functional.cross_entropy(logits, targets))
        return bool(np.isclose(float(model.mean_loss(model.train)), expected, rtol=1e-4))


def _are_points(pair: object) -> bool:
    if not isinstance(pair, list | tuple) or not all(isinstance(part, torch.Tensor) for part in pair):
        return False
    inputs, targets = pair
    return inputs.ndim == 2 and inputs.shape[1] == 2 and targets.ndim == 1 and not targets.is_floating_point()


def _is_alike(network: Network, model: TorchModel, theta: Floats, inputs: torch.Tensor) -> bool:
    model.move_to(theta)
    with torch.no_grad():
        expected = model.module(inputs).cpu().numpy().T
    found = Evaluator(network, inputs.cpu().numpy()).logits(np.array(theta, np.float32)[None])[0]
    if found.shape != expected.shape or not np.isfinite(expected).all():
        return False
    return bool(np.abs(found - expected).max() <= _ALIKE * max(np.abs(expected).max(), 1e-6))


def _dataset(network: Network, model: TorchModel, recording: Recording) -> Dataset:
    parts: list[tuple[AnyArray, AnyArray]] = []
    for batches in (model.train, model.test or model.train):  # the training samples replace missing test samples
        inputs, targets = zip(*(batch.data for batch in batches), strict=True)
        parts.append((torch.cat(inputs).cpu().numpy(), torch.cat(targets).cpu().numpy()))
    return Dataset(
        name="recorded",
        title=str(recording.about["name"]),
        feature_names=("first input", "second input"),
        class_names=tuple(f"class {number}" for number in range(network.class_count)),
        points=np.concatenate([points for points, _ in parts]).astype(np.float64),
        labels=np.concatenate([labels for _, labels in parts]).astype(np.int64),
        split=np.repeat([0, 1], [len(points) for points, _ in parts]).astype(np.uint8),
        mean=np.zeros(2),
        scale=np.ones(2),
    )

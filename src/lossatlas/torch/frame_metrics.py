"""Measures the losses and accuracies of one frame of a recording."""

from __future__ import annotations

import math

import torch

from lossatlas.torch.model import Evaluation, TorchModel
from lossatlas.torch.undisturbed import measuring


def measure_metrics(model: TorchModel) -> dict[str, float | None]:
    """Measure losses and accuracies of a model at its current theta, with its current buffers.

    ``train_loss`` uses the statistics of each batch and ``test_loss`` those of the training samples, as surfaces do.
    The losses with the model's own running statistics, as in use, are ``eval_train_loss`` and ``eval_test_loss``.
    Without BatchNorm they equal the first two.

    Returns
    -------
    The numbers by name. A number that is not known or not finite is None.
    """
    results = [
        model.evaluate(batches) if batches else Evaluation(math.nan, None, None)
        for batches in (model.train, model.test)
    ]
    losses = [result.loss for result in results]
    if model.normalises:
        with torch.no_grad(), measuring(), model.statistics("refreshed"):
            losses[0] = float(model.refresh())
            losses[1] = float(model.mean_loss(model.test)) if model.test else math.nan
    values = {
        "train_loss": losses[0],
        "test_loss": losses[1],
        "train_accuracy": results[0].accuracy,
        "test_accuracy": results[1].accuracy,
        "eval_train_loss": results[0].loss,
        "eval_test_loss": results[1].loss,
    }
    return {name: None if v is None or not math.isfinite(v) else v for name, v in values.items()}

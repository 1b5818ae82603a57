"""Evaluates a PyTorch model for planes and spectra: the losses of many thetas, and products with the Hessian."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from lossatlas.arrays import AnyArray, Float32, Float64, Floats
from lossatlas.checks import check_models
from lossatlas.torch.memory_of_batches import compute_within_memory
from lossatlas.torch.model import Statistics, TorchModel
from lossatlas.torch.samples import Batch
from lossatlas.torch.undisturbed import measuring


class TorchLosses:
    """Computes the mean losses of many thetas on fixed samples. It satisfies :class:`lossatlas.engine.LossEvaluator`.

    Parameters
    ----------
    model
        The model that is evaluated.
    split
        The samples: ``train`` or ``test``.
    statistics
        The statistics that BatchNorm uses.
    """

    def __init__(self, model: TorchModel, split: Literal["train", "test"], statistics: Statistics = "batch") -> None:
        self.network = model
        self._split, self._kind = split, statistics
        self._batches = list(model.train if split == "train" else model.test)

    def losses(self, models: Floats) -> Float32:
        """Compute the mean loss ``[B]`` of models ``[B, P]``; infinite where it is not a number."""
        models = check_models(models, self.network.parameter_count)
        found = self._empty(len(models))
        with self._evaluation_mode():
            for number, theta in enumerate(models):
                self.network.move_to(theta)
                found[number] = self._loss()
        return _read_losses(found)

    def losses_along(self, centre: Floats, directions: Floats, a: Floats, b: Floats) -> Float32:
        """Compute the mean loss ``[n]`` at ``centre + a·d_a + b·d_b`` for a and b ``[n]``.

        Nothing is copied between the device and this process until all losses are computed.

        Returns
        -------
        ndarray
            The losses, float32. A loss of NaN becomes infinite.
        """
        found = self._empty(len(a))
        origin, along = self.network.vector(centre), self.network.vector(directions)
        # All points of a row begin at the same vector, so that each move passes over the parameters only once.
        row, start = 0.0, origin
        with self._evaluation_mode():
            for number, (first, second) in enumerate(zip(np.asarray(a).tolist(), np.asarray(b).tolist(), strict=True)):
                if second != row:
                    row, start = second, torch.add(origin, along[1], alpha=second) if second else origin
                self.network.move_along(start, along[0], first)
                found[number] = self._loss()
        return _read_losses(found)

    @contextmanager
    def _evaluation_mode(self) -> Iterator[None]:
        with torch.no_grad(), measuring(), self.network.statistics(self._kind):
            yield

    def _empty(self, count: int) -> torch.Tensor:
        return torch.empty(count, dtype=torch.float32, device=self.network.device)

    def _loss(self) -> torch.Tensor:
        if self._kind == "refreshed" and self.network.normalises:
            self.network.refresh()
        return compute_within_memory(self.network, self._batches, self.network.mean_loss)


class TorchHessian:
    """The Hessian of the training loss at one theta, as an operator: products take two backward passes per batch.

    It satisfies :class:`lossatlas.curvature.Operators` for one model.

    Parameters
    ----------
    model, theta
        The model, and its parameters ``[P]``.
    statistics
        What BatchNorm normalises with.
    tensors
        The indices in the layout of the tensors of a diagonal block; by default, it is the whole Hessian.

    Attributes
    ----------
    statistics
        What BatchNorm normalises with.
    size
        The number of rows.
    """

    def __init__(
        self,
        model: TorchModel,
        theta: Floats,
        statistics: Statistics = "batch",
        tensors: Sequence[int] | None = None,
    ) -> None:
        self._model, self._theta, self.statistics, self._tensors = model, np.array(theta), statistics, tensors
        self._batches = list(model.train)
        chosen = model.layout if tensors is None else [model.layout[number] for number in tensors]
        self.size = sum(tensor.size for tensor in chosen)

    def products(self, vectors: Floats) -> Float64:
        """Compute one product per vector, in the model's precision: ``Hv = ∇(∇L · v)`` (Pearlmutter 1994).

        Attention is computed in its plain form, because the fused forms have no second derivative.

        Returns
        -------
        The products ``[1, P]`` with vectors ``[1, P]``.
        """
        model = self._model
        model.move_to(self._theta)
        kind: Statistics = "batch" if self.statistics == "refreshed" else self.statistics
        with measuring(), model.statistics(kind), sdpa_kernel(SDPBackend.MATH), torch.enable_grad():
            return np.stack([self._product(model.split(model.vector(vector), self._tensors)) for vector in vectors])

    def _product(self, direction: Sequence[torch.Tensor]) -> Float64:
        def multiply(batches: list[Batch]) -> torch.Tensor:
            parts = (_in_float64(self._model.product(batch, direction, self._tensors)) for batch in batches)
            return sum(parts, start=torch.zeros(()))

        return np.asarray(compute_within_memory(self._model, self._batches, multiply).cpu())

    def select(self, models: AnyArray) -> TorchHessian:
        """Return the operator itself, since a mask ``[1]`` can only select this one."""
        return self


def _in_float64(vector: torch.Tensor) -> torch.Tensor:
    """Convert to float64, on the CPU if the device has no float64."""
    return (vector.cpu() if vector.device.type == "mps" else vector).to(torch.float64)


def _read_losses(losses: torch.Tensor) -> Float32:
    """Read losses from the device. A loss of NaN becomes infinite."""
    found: Float32 = losses.cpu().numpy()
    return np.where(np.isnan(found), np.float32(np.inf), found)

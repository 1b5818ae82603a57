"""Copies a PyTorch model, so that the copy can be moved to any theta and its losses can be measured there.

Only the copy is used, so that a training that continues is not disturbed. The parameters of the copy are views into one
flat vector. Therefore a move to another theta is a single addition, which is much faster than a forward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

from lossatlas.arrays import AnyArray, Float32, Float64, Floats
from lossatlas.checks import check_theta
from lossatlas.errors import DataError, PlaneError
from lossatlas.rng import Stream
from lossatlas.torch.copied_module import copy_module
from lossatlas.torch.initial_parameters import draw_parameters
from lossatlas.torch.parameters import (
    flatten,
    flatten_parameters,
    frame_buffers,
    layout_of,
    refuse_shards,
    trained_parameters,
    unwrap,
)
from lossatlas.torch.samples import Batch, LossFunction
from lossatlas.torch.undisturbed import measuring

#: The statistics that BatchNorm uses: ``batch``, those of each batch, as in training;
#: ``refreshed``, those of the training samples at the same theta; ``running``, those in the model's buffers.
Statistics: TypeAlias = Literal["batch", "refreshed", "running"]
_Norm: TypeAlias = _BatchNorm | _InstanceNorm


class TorchModel:
    """A copy of a model that can be moved to any theta. It satisfies :class:`lossatlas.networks.ParameterSpace`.

    Parameters
    ----------
    model
        Any module. It is copied and does not change.
    loss
        The loss of a batch.
    train, test
        The fixed samples.
    dtype
        The dtype of computations; by default that of the model, but float32 for a model of 16 bits, whose small steps
        would vanish.
    device
        The device of computations; by default that of the model.

    Raises
    ------
    DataError
        If the model cannot be copied, is sharded, or has no trainable parameters.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        loss: LossFunction,
        train: Sequence[Batch],
        test: Sequence[Batch] = (),
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | None = None,
    ) -> None:
        refuse_shards(model)
        original = trained_parameters(model)
        first = next(iter(original.values()))
        self.dtype = dtype or (torch.float64 if first.dtype == torch.float64 else torch.float32)
        self.device = device or first.device
        self.module = copy_module(model).to(self.device, self.dtype).eval()
        self.layout = layout_of(original)
        self._parameters = list(trained_parameters(self.module).values())
        self._buffers = frame_buffers(self.module)
        self.buffer_layout = layout_of(self._buffers)
        self._norms: list[_Norm] = [
            module
            for module in self.module.modules()
            if isinstance(module, _BatchNorm | _InstanceNorm) and module.running_mean is not None
        ]
        self.loss = loss
        #: A function that makes a freshly initialised model of this class, if the caller gave one.
        self.make: Callable[[], torch.nn.Module] | None = None
        #: The compiled module that :meth:`mean_loss` calls, if there is one.
        self.compiled: torch.nn.Module | None = None
        self.train = [batch.to(self.device, self.dtype) for batch in train]
        self.test = [batch.to(self.device, self.dtype) for batch in test]
        self._flat = torch.empty(self.parameter_count, dtype=self.dtype, device=self.device)
        with torch.no_grad():
            for tensor, parameter in zip(self.layout, self._parameters, strict=True):
                view = self._flat[tensor.offset : tensor.offset + tensor.size].view(tensor.shape)
                parameter.data = view.copy_(parameter.data)
                parameter.grad = None

    # the methods of a ParameterSpace

    @property
    def parameter_count(self) -> int:
        """The length P of theta."""
        return self.layout[-1].offset + self.layout[-1].size

    def pack(self, theta: Floats) -> Floats:
        """Return theta unchanged, because this model uses no other order of its numbers."""
        return theta

    def unpack(self, packed: Floats) -> Floats:
        """Return theta unchanged."""
        return packed

    def filters(self, packed: Floats, biases: bool = False) -> list[Floats]:
        """Return the weights that lead to each unit: a filter of a convolution, or a row of a linear layer.

        Biases and the scales of normalising layers have one axis and are no filters (Li et al. 2018, section 4).

        Returns
        -------
        A view ``[..., units, inputs]`` into ``[..., P]`` for each tensor of two axes or more.

        Raises
        ------
        PlaneError
            If biases are wanted, because they are not stored next to the weights of their units.
        """
        if biases:
            raise PlaneError("the biases of this model cannot be scaled with its filters; leave biases=True out")
        return [
            packed[..., t.offset : t.offset + t.size].reshape(*packed.shape[:-1], t.shape[0], -1)
            for t in self.layout
            if len(t.shape) > 1
        ]

    def draw_initial_theta(self, seed: int, stream: Stream) -> Float64:
        """Draw the parameters ``[P]`` of a freshly initialised model. It raises PlaneError if no function makes one."""
        return draw_parameters(self.make, self.layout, seed, stream)

    # where it stands

    @property
    def normalises(self) -> bool:
        """Whether the model has layers that normalise with statistics, such as BatchNorm."""
        return bool(self._norms)

    def move_to(self, theta: Floats) -> None:
        """Move the copy to theta ``[P]``."""
        values = check_theta(theta, self.parameter_count)
        with torch.no_grad():
            self._flat.copy_(torch.from_numpy(np.array(values)))

    def move_along(self, start: torch.Tensor, direction: torch.Tensor, step: float) -> None:
        """Move the copy to ``start + step·direction``, and exactly to the start if the step is 0."""
        with torch.no_grad():
            if step == 0:
                self._flat.copy_(start)
            else:
                torch.add(start, direction, alpha=step, out=self._flat)

    def vector(self, values: Floats) -> torch.Tensor:
        """Turn an array into a tensor on the copy's device, in its precision."""
        return torch.from_numpy(np.array(values)).to(self.device, self.dtype)

    def set_buffers(self, values: Floats) -> None:
        """Set the buffers of the copy to those of a frame ``[B]``."""
        for tensor, buffer in zip(self.buffer_layout, self._buffers.values(), strict=True):
            part = torch.from_numpy(np.array(values[tensor.offset : tensor.offset + tensor.size]))
            buffer.copy_(part.view(tensor.shape))

    def buffers(self) -> Float64:
        """Return the current buffers ``[B]`` of the copy, float64."""
        return flatten(self._buffers)

    def follow(self, model: torch.nn.Module) -> Float32:
        """Copy the current parameters and buffers of the model.

        Returns
        -------
        Theta ``[P]``, rounded to float32.

        Raises
        ------
        DataError
            If other parameters take a gradient than at the start.
        """
        if layout_of(trained_parameters(model)) != self.layout:
            raise DataError("other parameters take a gradient now than when the recording began; record them anew")
        theta = flatten_parameters(model)
        inner, own = unwrap(model), dict(self.module.named_parameters())
        with torch.no_grad():
            for name, parameter in inner.named_parameters():
                if not parameter.requires_grad and name in own:
                    own[name].copy_(parameter)
            for name, buffer in frame_buffers(model).items():
                if name in self._buffers:
                    self._buffers[name].copy_(buffer)
        self.move_to(theta)
        return theta

    def differs_in_fixed_parameters(self, model: torch.nn.Module) -> bool:
        """Return whether parameters of the model that take no gradient have changed since they were last copied."""
        own = dict(self.module.named_parameters())
        return any(
            name in own and not torch.equal(own[name], parameter.to(own[name]))
            for name, parameter in unwrap(model).named_parameters()
            if not parameter.requires_grad
        )

    # what it computes

    def mean_loss(self, batches: Sequence[Batch]) -> torch.Tensor:
        """Compute the mean loss of samples as a tensor, with the current statistics."""
        module = self.module if self.compiled is None else self.compiled
        total = torch.zeros((), device=self.device, dtype=self.dtype)
        # There is one operation per batch. Several on single numbers would cost a small model a tenth of its time.
        for batch in batches:
            value, weight = self.loss.weigh(self.loss.of(module, batch.data), batch)
            total = torch.add(total, value, alpha=weight)
        return total

    def _loss_of(self, batch: Batch, module: torch.nn.Module | None = None) -> torch.Tensor:
        return self.loss.mean(self.loss.of(self.module if module is None else module, batch.data), batch)

    def is_measured(self) -> bool:
        """Return whether the loss has a gradient with respect to this model, which one of another model has not."""
        with measuring(), torch.enable_grad():
            loss = self._loss_of(batch := self.train[0])
            if not batch.counted:  # its loss is the constant 0
                return True
            if not loss.requires_grad:
                return False
            try:
                found = torch.autograd.grad(loss, self._parameters, allow_unused=True)
            except RuntimeError:  # some layers have no derivative, such as cuDNN's recurrent layers in eval mode
                return True
        return any(part is not None for part in found)

    def split(self, vector: torch.Tensor, tensors: Sequence[int] | None = None) -> list[torch.Tensor]:
        """Split a vector ``[P]`` into tensors of the shapes of the parameters; or ``[p]``, for some of them."""
        chosen = self.layout if tensors is None else [self.layout[number] for number in tensors]
        parts = torch.split(vector, [tensor.size for tensor in chosen])
        return [part.view(tensor.shape) for part, tensor in zip(parts, chosen, strict=True)]

    def product(
        self, batch: Batch, direction: Sequence[torch.Tensor], tensors: Sequence[int] | None = None
    ) -> torch.Tensor:
        """Multiply the Hessian of a batch's loss by a direction ``[P]``. Parameters that the loss ignores give 0.

        With ``tensors`` (indices in the layout), the matrix is the block of the Hessian for these alone: ``[p]``.

        Returns
        -------
        Tensor
            The product.
        """
        grad = torch.autograd.grad
        chosen = self._parameters if tensors is None else [self._parameters[number] for number in tensors]
        first = grad(self._loss_of(batch), chosen, create_graph=True, allow_unused=True)
        used = [(g, v) for g, v in zip(first, direction, strict=True) if g is not None and g.requires_grad]
        if not used:
            return self._flat.new_zeros(sum(parameter.numel() for parameter in chosen))
        slope = sum(((g * v).sum() for g, v in used), start=torch.zeros((), device=self.device, dtype=self.dtype))
        second = grad(slope, chosen, allow_unused=True, materialize_grads=True)
        return torch.cat([each.reshape(-1) for each in second]).detach()

    @contextmanager
    def statistics(self, kind: Statistics) -> Iterator[None]:
        """Normalise with these statistics in the block, and restore the buffers at its end.

        With ``refreshed``, :meth:`refresh` has to be called for every theta.
        """
        names = ("running_mean", "running_var", "num_batches_tracked", "track_running_stats", "momentum")
        before = [{name: getattr(norm, name) for name in names} for norm in self._norms]
        try:
            for norm in self._norms if kind != "running" else ():
                if kind == "batch":
                    norm.running_mean = norm.running_var = None
                    norm.track_running_stats = False
                else:
                    for name in names[:3]:
                        setattr(norm, name, getattr(norm, name).clone())
            yield
        finally:
            for norm, values in zip(self._norms, before, strict=True):
                for name, value in values.items():
                    setattr(norm, name, value)

    def refresh(self) -> torch.Tensor:
        """Compute the statistics of the training samples, and return the loss with the statistics of each batch.

        The result is the plain mean over all batches. A norm with ``momentum=None`` computes this too, but it reads its
        counter from the device for every batch.

        Returns
        -------
        Tensor
            The loss.
        """
        hooks = [norm.register_forward_pre_hook(_AverageOverCalls()) for norm in self._norms]
        for norm in self._norms:
            norm.reset_running_stats()
            norm.train()
        try:
            return sum((self._loss_of(batch) for batch in self.train), start=torch.zeros((), device=self.device))
        finally:
            for norm, hook in zip(self._norms, hooks, strict=True):
                norm.eval()
                hook.remove()

    def outputs(self) -> int:
        """Count the logits of the model; 0 if its outputs are not logits."""
        with torch.no_grad(), measuring():
            found = self.module(self.train[0].data[0])
        return found.shape[1] if isinstance(found, torch.Tensor) and found.ndim == 2 else 0

    def evaluate(self, batches: Sequence[Batch]) -> Evaluation:
        """Measure the predictions for samples, with the statistics in the buffers, as when the model is used."""
        total, classes, right, count = 0.0, [], 0, 0
        with torch.no_grad(), measuring():
            for batch in batches:
                if not self.loss.has_outputs:
                    total += float(self._loss_of(batch))
                    continue
                inputs, targets = batch.data
                outputs = self.module(inputs)
                total += float(self.loss.mean(self.loss.of(FixedOutputs(outputs), (inputs, targets)), batch))
                if _are_classes(outputs, targets):
                    predicted = outputs.argmax(dim=1)
                    classes.append(predicted.cpu().numpy())
                    right += int((predicted == targets).sum())
                    count += len(targets)
        return Evaluation(total, np.concatenate(classes) if classes else None, right / count if count else None)


class _AverageOverCalls:
    """A hook of a norm. The k-th call gets the weight 1/k, so that the statistics become the mean over all calls."""

    def __init__(self) -> None:
        self._calls = 0

    def __call__(self, norm: Any, _: Any) -> None:
        self._calls += 1
        norm.momentum = 1 / self._calls


@dataclass(frozen=True)
class Evaluation:
    """The loss and the predictions of a model for samples.

    Attributes
    ----------
    loss
        The mean loss.
    classes
        ``[N]``: the predicted class of each sample; None if the outputs are not classes.
    accuracy
        The share of samples whose class is predicted correctly.
    """

    loss: float
    classes: AnyArray | None
    accuracy: float | None


class FixedOutputs(torch.nn.Module):
    """A module that returns outputs that were computed before, so that a loss function uses the same outputs."""

    def __init__(self, outputs: Any) -> None:
        super().__init__()
        self._outputs = outputs

    def forward(self, _: Any) -> Any:
        """Return the outputs."""
        return self._outputs


def _are_classes(outputs: Any, targets: Any) -> bool:
    """Return whether outputs are logits ``[N, K]`` and targets are classes ``[N]``."""
    if not isinstance(outputs, torch.Tensor) or not isinstance(targets, torch.Tensor):
        return False
    whole = not (targets.is_floating_point() or targets.is_complex())
    return outputs.ndim == 2 and targets.ndim == 1 and whole and outputs.shape[1] > 1

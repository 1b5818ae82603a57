"""Reads theta from any PyTorch model: which tensors it holds, in which order, and under which names."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from lossatlas.arrays import Float32, Float64
from lossatlas.errors import DataError
from lossatlas.store import Tensor, lay_out

#: ``torch.compile`` puts this before the names of a module's tensors.
_COMPILED = "_orig_mod."


def unwrap(model: torch.nn.Module) -> torch.nn.Module:
    """Return the model inside the wrappers of ``torch.compile`` and of data-parallel training."""
    while True:
        if isinstance(inner := getattr(model, "_orig_mod", None), torch.nn.Module):
            model = inner
        elif isinstance(model, torch.nn.parallel.DistributedDataParallel | torch.nn.DataParallel):
            model = model.module
        else:
            return model


def plain_name(name: str) -> str:
    """Remove what compiling puts into a tensor's name. ``module.`` stays: a model may have a part of that name."""
    return name.replace(_COMPILED, "")


def refuse_other_objects(model: object) -> None:
    """Refuse what is no module, such as a class or an optimiser.

    Raises
    ------
    DataError
        If it is no module.
    """
    if isinstance(model, type):
        raise DataError(f"model is the class {model.__name__}; give an instance of it")
    if not isinstance(model, torch.nn.Module):
        raise DataError(f"model is a {type(model).__name__}, and no torch.nn.Module; give the module that is trained")


def refuse_shards(model: torch.nn.Module) -> None:
    """Refuse a model of which this process has only a part.

    Raises
    ------
    DataError
        If the model is sharded, or a parameter has no shape yet or is complex.
    """
    for module in model.modules():
        if type(module).__name__ in ("FullyShardedDataParallel", "FSDP"):
            raise DataError(_SHARDED.format("FSDP"))
    for name, parameter in model.named_parameters():
        if any(base.__name__ == "DTensor" for base in type(parameter.data).__mro__):
            raise DataError(_SHARDED.format("FSDP, or another layout of DTensor"))
        if hasattr(parameter, "ds_id"):
            raise DataError(_SHARDED.format("DeepSpeed ZeRO-3"))
        if isinstance(parameter, torch.nn.parameter.UninitializedParameter):
            raise DataError(f"the parameter {name} has no shape yet; pass one batch through the model before recording")
        if parameter.is_meta:
            raise DataError(f"the parameter {name} has no values yet (device meta); materialize the model first")
        if parameter.is_complex():
            raise DataError(f"the parameter {name} is {parameter.dtype}; real parameters are recorded only")


_SHARDED = (
    "this model is sharded ({}): each process has a part of its parameters, and none can evaluate the loss alone. "
    "Record it from full checkpoints instead, with lossatlas.torch.from_checkpoints"
)


def trained_parameters(model: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    """Find the parameters that a training may change, which take a gradient. A tied parameter occurs once.

    Returns
    -------
    dict
        The parameters by name.

    Raises
    ------
    DataError
        If there are no such parameters.
    """
    found = {plain_name(name): p for name, p in unwrap(model).named_parameters() if p.requires_grad}
    if not found:
        raise DataError("no parameter of this model takes a gradient (requires_grad), so there is nothing to record")
    return found


def frame_buffers(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Find the buffers that a training may change, by name: real numbers and counts. A shared buffer occurs once."""
    named = unwrap(model).named_buffers()
    return {plain_name(name): buffer for name, buffer in named if not buffer.is_complex()}


def layout_of(tensors: Mapping[str, torch.Tensor]) -> tuple[Tensor, ...]:
    """Make the layout of named tensors in one flat vector."""
    return lay_out([(name, tuple(tensor.shape)) for name, tensor in tensors.items()])


def flatten(tensors: Mapping[str, torch.Tensor]) -> Float64:
    """Copy tensors into one flat vector, float64."""
    parts = [tensor.detach().to("cpu", torch.float64).reshape(-1) for tensor in tensors.values()]
    return np.asarray(torch.cat(parts)) if parts else np.empty(0)


def flatten_parameters(model: torch.nn.Module) -> Float32:
    """Copy the current parameters ``[P]`` of a model."""
    tensors = list(trained_parameters(model).values())
    theta = torch.empty(sum(tensor.numel() for tensor in tensors), dtype=torch.float32)
    start = 0
    with torch.no_grad():
        for tensor in tensors:
            theta[start : start + tensor.numel()].copy_(tensor.detach().reshape(-1))
            start += tensor.numel()
    return np.asarray(theta.numpy(), np.float32)

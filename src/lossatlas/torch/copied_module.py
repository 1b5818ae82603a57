"""Copies a module, so that its copy is evaluated and a training that continues is not disturbed."""

from __future__ import annotations

import copy

import torch

from lossatlas.errors import DataError
from lossatlas.torch.parameters import unwrap
from lossatlas.torch.undisturbed import same_random_state


def copy_module(model: torch.nn.Module) -> torch.nn.Module:
    """Copy the module inside its wrappers, without what other libraries put around its ``forward``.

    Returns
    -------
    torch.nn.Module
        The copy.

    Raises
    ------
    DataError
        If it cannot be copied.
    """
    try:
        with same_random_state():
            copied = copy.deepcopy(unwrap(model))
    except Exception as error:  # modules may define how they are copied, and may raise anything
        raise DataError(
            f"{type(unwrap(model)).__name__} cannot be copied ({error}), and losses are measured on a copy, so that "
            "the training is not disturbed; give its class a __deepcopy__"
        ) from error
    for module in copied.modules():
        # Compiling or mixed precision may have replaced ``forward`` by a function that calls the original module.
        if "_original_forward" in vars(module):  # Accelerate keeps the original ``forward`` under this name
            module.forward = vars(module)["_original_forward"]
        if "forward" in vars(module) and getattr(module.forward, "__self__", None) is not module:
            del module.forward
        if isinstance(module, torch.nn.Embedding | torch.nn.EmbeddingBag):
            module.sparse = False  # sparse gradients have no second derivative
    return copied

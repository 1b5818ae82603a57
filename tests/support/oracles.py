"""Contains slow and obvious implementations to compare with: PyTorch in float64, and plain Python loops.

Nothing here may use the engine, the gradients, the optimisers or the packing of lossatlas. Only the description of a
network (its layer sizes and the layout of theta, which the run format publishes) is taken from it.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from lossatlas.arrays import AnyArray, Float64
from lossatlas.networks import Network

TORCH_ACTIVATIONS: dict[str, torch.nn.Module] = {
    "tanh": torch.nn.Tanh(),
    "relu": torch.nn.ReLU(),
    "sigmoid": torch.nn.Sigmoid(),
    "gelu": torch.nn.GELU(approximate="tanh"),
    "linear": torch.nn.Identity(),
}


# networks ---------------------------------------------------------------------------------------------------------


class Skip(torch.nn.Module):
    """A hidden layer with an identity skip: ``x + activation(linear(x))`` (He et al. 2016)."""

    def __init__(self, layer: torch.nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layer(x)  # type: ignore[no-any-return]


def torch_model(network: Network, theta: AnyArray) -> torch.nn.Sequential:
    """Build the float64 PyTorch model with the tensors that the layout of theta names."""
    sizes, activation = network.layers, TORCH_ACTIVATIONS[network.activation.name]
    linears = [torch.nn.Linear(*pair, dtype=torch.float64) for pair in pairwise(sizes)]
    modules: list[torch.nn.Module] = [torch.nn.Sequential(linear, activation) for linear in linears[:-1]]
    if network.residual:
        hidden = sizes[1:-1]
        for number in range(1, len(hidden)):
            if hidden[number - 1] == hidden[number]:
                modules[number] = Skip(modules[number])
    model = torch.nn.Sequential(*modules, linears[-1])
    with torch.no_grad():
        for parameter in network.parameters:
            _, layer, kind = parameter.name.split(".")
            values = np.asarray(theta, np.float64)[parameter.offset : parameter.offset + math.prod(parameter.shape)]
            getattr(linears[int(layer)], kind).copy_(torch.from_numpy(values.reshape(parameter.shape).copy()))
    return model


def flat(network: Network, tensors: Sequence[torch.Tensor]) -> Float64:
    """Join tensors, in the order of ``model.parameters()``, into theta."""
    theta = np.full(sum(math.prod(p.shape) for p in network.parameters), np.nan)
    for parameter, tensor in zip(network.parameters, tensors, strict=True):
        values = tensor.detach().numpy().ravel()
        theta[parameter.offset : parameter.offset + values.size] = values
    return theta


def torch_logits(network: Network, theta: AnyArray, points: AnyArray) -> torch.Tensor:
    """Compute the logits ``[N, K]``."""
    logits: torch.Tensor = torch_model(network, theta)(torch.from_numpy(np.asarray(points, np.float64)))
    return logits


def torch_loss(network: Network, theta: AnyArray, points: AnyArray, labels: AnyArray) -> float:
    """Compute the mean cross-entropy of one model."""
    logits = torch_logits(network, theta, points).detach()
    return float(torch.nn.functional.cross_entropy(logits, torch.from_numpy(np.asarray(labels, np.int64))))


def torch_losses(network: Network, models: AnyArray, points: AnyArray, labels: AnyArray) -> Float64:
    """Compute the mean cross-entropy ``[B]`` of models, one after another."""
    return np.array([torch_loss(network, theta, points, labels) for theta in models])


def torch_probabilities(network: Network, theta: AnyArray, points: AnyArray) -> Float64:
    """Compute the class probabilities ``[N, K]``."""
    probabilities: Float64 = torch.softmax(torch_logits(network, theta, points), dim=1).detach().numpy()
    return probabilities


def torch_gradient(network: Network, theta: AnyArray, points: AnyArray, labels: AnyArray) -> Float64:
    """Compute the gradient of the mean cross-entropy, in theta's order."""
    model = torch_model(network, theta)
    logits = model(torch.from_numpy(np.asarray(points, np.float64)))
    torch.nn.functional.cross_entropy(logits, torch.from_numpy(np.asarray(labels, np.int64))).backward()  # type: ignore[no-untyped-call]
    return flat(network, [p.grad for p in model.parameters() if p.grad is not None])


def torch_optimizer(
    name: str, parameters: Sequence[torch.Tensor], learning_rate: float, momentum: float, weight_decay: float
) -> torch.optim.Optimizer:
    """Make the optimiser of ``torch.optim`` with this name, with torch's default constants."""
    kind: Any
    kind, extra = {
        "sgd": (torch.optim.SGD, {}),
        "momentum": (torch.optim.SGD, {"momentum": momentum}),
        "nesterov": (torch.optim.SGD, {"momentum": momentum, "nesterov": True}),
        "rmsprop": (torch.optim.RMSprop, {}),
        "adam": (torch.optim.Adam, {}),
        "adamw": (torch.optim.AdamW, {}),
    }[name]
    optimizer: torch.optim.Optimizer = kind(parameters, lr=learning_rate, weight_decay=weight_decay, **extra)
    return optimizer


# random numbers ---------------------------------------------------------------------------------------------------

_WORD = (1 << 64) - 1


def philox4x64(counter: Sequence[int], key: Sequence[int], rounds: int = 10) -> list[int]:
    """Compute four words from a counter and a key (Salmon et al. 2011, section 3.3) in Python's integers."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(rounds):
        high0, low0 = divmod(0xD2E7470EE14C6C93 * c0, 1 << 64)
        high1, low1 = divmod(0xCA5A826395121157 * c2, 1 << 64)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & _WORD, (k1 + 0xBB67AE8584CAA73B) & _WORD
    return [c0, c1, c2, c3]


def philox_words(seed: int, stream: int) -> Iterator[int]:
    """Compute the words of one stream: four words for each of the counters 1, 2, 3, …"""
    counter = 0
    while True:
        counter += 1
        yield from philox4x64((counter, 0, 0, 0), (seed, stream))


def philox_doubles(seed: int, stream: int) -> Iterator[float]:
    """Compute doubles in [0, 1): the upper 53 bits of each word, divided by 2⁵³."""
    return ((word >> 11) / 2**53 for word in philox_words(seed, stream))


# curvature --------------------------------------------------------------------------------------------------------


def torch_loss_of_theta(network: Network, points: AnyArray, labels: AnyArray) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return the mean cross-entropy as a function of theta, a float64 tensor ``[P]``. It includes skips."""
    inputs, classes = torch.from_numpy(np.asarray(points, np.float64)), torch.from_numpy(np.asarray(labels, np.int64))
    sizes, activation = network.layers, TORCH_ACTIVATIONS[network.activation.name]

    def loss(theta: torch.Tensor) -> torch.Tensor:
        hidden, start = inputs, 0
        for number, (fan_in, fan_out) in enumerate(pairwise(sizes)):
            end = start + fan_out * fan_in
            logits = hidden @ theta[start:end].reshape(fan_out, fan_in).T + theta[end : end + fan_out]
            start = end + fan_out
            skips = network.residual and number > 0 and fan_in == fan_out
            hidden = activation(logits) + hidden if skips else activation(logits)
        return torch.nn.functional.cross_entropy(logits, classes)

    return loss


def torch_hessian(network: Network, theta: AnyArray, points: AnyArray, labels: AnyArray) -> Float64:
    """Compute the Hessian ``[P, P]`` of the mean cross-entropy by forward over reverse differentiation."""
    loss = torch_loss_of_theta(network, points, labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch warns about its own torch.jit.script
        hessian: Float64 = torch.func.hessian(loss)(torch.from_numpy(np.asarray(theta, np.float64))).numpy()
    return hessian

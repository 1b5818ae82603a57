"""The optimisers. Their steps are equal to those of ``torch.optim`` with its default constants.

Each optimiser keeps its own state and updates theta in place: ``optimizer.step(theta, gradient)``. The order of the
parameters does not matter, because every rule is elementwise. Weight decay adds ``weight_decay * theta`` to the
gradient (an L2 penalty), except for AdamW, which decouples it from the gradient.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from lossatlas.arrays import Float64


class Optimizer(ABC):
    """A rule that moves theta against the gradient.

    Parameters
    ----------
    learning_rate, momentum, weight_decay
        η, μ and λ in the formulas. A rule without momentum ignores μ.
    """

    title: ClassVar[str]

    def __init__(self, learning_rate: float, momentum: float, weight_decay: float) -> None:
        self.learning_rate, self.momentum, self.weight_decay = learning_rate, momentum, weight_decay

    @property
    def state(self) -> dict[str, Any]:
        """The state that earlier steps have left: arrays ``[P]`` float64 and numbers, by name."""
        return {name: value for name, value in vars(self).items() if name.startswith("_")}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Continue from the :attr:`state` of another optimiser of the same class."""
        vars(self).update(state)

    @abstractmethod
    def step(self, theta: Float64, gradient: Float64) -> None:
        """Update theta ``[P]`` float64 in place, given the gradient ``[P]`` float64 at theta."""

    def _penalise(self, theta: Float64, gradient: Float64) -> Float64:
        return gradient + self.weight_decay * theta if self.weight_decay else gradient


class Sgd(Optimizer):
    """Gradient descent: θ ← θ - η g."""

    title: ClassVar[str] = "SGD"

    def step(self, theta: Float64, gradient: Float64) -> None:
        theta -= self.learning_rate * self._penalise(theta, gradient)


class Momentum(Optimizer):
    """Gradient descent with momentum: v ← μ v + g, θ ← θ - η v (Polyak 1964). The first v is the first gradient."""

    title: ClassVar[str] = "momentum"
    _velocity: Float64 | None = None

    def step(self, theta: Float64, gradient: Float64) -> None:
        theta -= self.learning_rate * self._accelerate(self._penalise(theta, gradient))

    def _accelerate(self, gradient: Float64) -> Float64:
        self._velocity = gradient if self._velocity is None else self.momentum * self._velocity + gradient
        return self._velocity


class Nesterov(Momentum):
    """Nesterov's momentum: v ← μ v + g, θ ← θ - η (g + μ v) (Nesterov 1983, as in Sutskever et al. 2013)."""

    title: ClassVar[str] = "Nesterov"

    def _accelerate(self, gradient: Float64) -> Float64:
        return gradient + self.momentum * super()._accelerate(gradient)


class RmsProp(Optimizer):
    """RMSprop: s ← ρ s + (1 - ρ) g², θ ← θ - η g / (√s + ε), ρ = 0.99 (Hinton 2012, Coursera lecture 6e)."""

    title: ClassVar[str] = "RMSprop"
    _SMOOTHING, _EPSILON = 0.99, 1e-8
    _square: Float64 | None = None

    def step(self, theta: Float64, gradient: Float64) -> None:
        gradient = self._penalise(theta, gradient)
        before = np.zeros_like(theta) if self._square is None else self._square
        self._square = self._SMOOTHING * before + (1.0 - self._SMOOTHING) * gradient * gradient
        theta -= self.learning_rate * gradient / (np.sqrt(self._square) + self._EPSILON)


class Adam(Optimizer):
    """Adam: m ← β₁ m + (1-β₁) g, s ← β₂ s + (1-β₂) g², θ ← θ - η m̂ / (√ŝ + ε) (Kingma and Ba 2015, algorithm 1)."""

    title: ClassVar[str] = "Adam"
    _BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8
    _steps = 0
    _mean: Float64 | float = 0.0
    _square: Float64 | float = 0.0

    def step(self, theta: Float64, gradient: Float64) -> None:
        self._move(theta, self._penalise(theta, gradient))

    def _move(self, theta: Float64, gradient: Float64) -> None:
        self._steps += 1
        self._mean = self._BETA_1 * self._mean + (1.0 - self._BETA_1) * gradient
        self._square = self._BETA_2 * self._square + (1.0 - self._BETA_2) * gradient * gradient
        step_size = self.learning_rate / (1.0 - self._BETA_1**self._steps)
        root = np.sqrt(self._square) / np.sqrt(1.0 - self._BETA_2**self._steps)
        theta -= step_size * self._mean / (root + self._EPSILON)


class AdamW(Adam):
    """AdamW: θ ← (1 - η λ) θ, then a step of Adam without penalty (Loshchilov and Hutter 2019, algorithm 2)."""

    title: ClassVar[str] = "AdamW"

    def step(self, theta: Float64, gradient: Float64) -> None:
        theta *= 1.0 - self.learning_rate * self.weight_decay
        self._move(theta, gradient)


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": Sgd,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "rmsprop": RmsProp,
    "adam": Adam,
    "adamw": AdamW,
}

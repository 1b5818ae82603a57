"""Fully connected networks whose parameters are one flat vector, theta.

A ``Network`` describes layers but holds no parameters. Functions that evaluate a network take theta ``[..., P]``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
from pydantic import Field, field_validator

from lossatlas.arrays import Float64, Floats, Integers
from lossatlas.config import Config
from lossatlas.networks.activations import ACTIVATIONS, Activation
from lossatlas.rng import Draws, Stream

Width = Annotated[int, Field(ge=1, le=1024)]


class ModelConfig(Config):
    """The size and the activation of the hidden layers."""

    hidden: Annotated[tuple[Width, ...], Field(max_length=32)] = (16, 16)
    """Width of each hidden layer. A network without hidden layers is logistic regression."""
    activation: str = "tanh"
    """One of :data:`lossatlas.networks.ACTIVATIONS`."""
    residual: bool = False
    """Identity skips between hidden layers of equal width (He et al. 2016): ``h ← activation(W h + b) + h``."""

    @field_validator("hidden", mode="before")
    @classmethod
    def _refuse_text(cls, hidden: Any) -> Any:
        """Refuse text and single numbers, and suggest the list that was probably meant."""
        if isinstance(hidden, str | int | float) and not isinstance(hidden, bool):
            widths = ", ".join(re.findall(r"\d+", str(hidden))) or "16, 16"
            raise ValueError(f"{hidden!r} is not allowed: give a list of widths, as in hidden = [{widths}]")
        return hidden

    @field_validator("activation")
    @classmethod
    def _refuse_unknown(cls, name: str) -> str:
        if name not in ACTIVATIONS:
            raise ValueError(f"there is no activation {name!r}; there are {', '.join(ACTIVATIONS)}")
        return name

    @property
    def title(self) -> str:
        """A short title, such as ``2 × 16 tanh``, ``7-5 ReLU`` or ``logistic regression``."""
        if not self.hidden:
            return "logistic regression"
        if len(set(self.hidden)) == 1:
            sizes = f"{len(self.hidden)} × {self.hidden[0]}"
        else:
            sizes = "-".join(map(str, self.hidden))
        return f"{sizes} {ACTIVATIONS[self.activation].title}{' residual' if self.residual else ''}"


@dataclass(frozen=True)
class Parameter:
    """One named tensor inside theta. It is ``theta[offset : offset + prod(shape)]``, in C order."""

    name: str
    shape: tuple[int, ...]
    offset: int

    @property
    def size(self) -> int:
        """The number of its elements."""
        return int(np.prod(self.shape))


@dataclass(frozen=True)
class Network:
    """The layer sizes and the activation of a fully connected network.

    Layer l computes ``activation(weight_l @ x + bias_l)``, and adds x if it has a skip connection. The last layer has
    no activation and computes K logits.

    Attributes
    ----------
    layers
        The sizes of all layers from the input to the K logits, such as ``(2, 16, 16, 2)``.
    activation
        The activation function, which is applied after every layer but the last.
    residual
        Whether the network has skip connections; see :meth:`has_skip`.
    """

    layers: tuple[int, ...]
    activation: Activation
    residual: bool = False

    @classmethod
    def of(cls, config: ModelConfig, inputs: int, classes: int) -> Network:
        """Make the network of a configuration, with ``inputs`` features and ``classes`` logits."""
        return cls((inputs, *config.hidden, classes), ACTIVATIONS[config.activation], config.residual)

    def has_skip(self, layer: int) -> bool:
        """Return whether weight layer ``layer``, counted from 0, adds its input to its output.

        It does so in residual networks, between two hidden layers of the same width.

        Parameters
        ----------
        layer
            The index of the layer.

        Returns
        -------
        bool
            Whether the layer has a skip connection.
        """
        hidden_to_hidden = 0 < layer < len(self.layers) - 2
        return self.residual and hidden_to_hidden and self.layers[layer] == self.layers[layer + 1]

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The tensors in theta: the weight ``[out, in]`` and the bias ``[out]`` of each layer, in order."""
        found: list[Parameter] = []
        offset = 0
        for number, (fan_in, fan_out) in enumerate(pairwise(self.layers)):
            for kind, shape in (("weight", (fan_out, fan_in)), ("bias", (fan_out,))):
                found.append(Parameter(f"layers.{number}.{kind}", shape, offset))
                offset += found[-1].size
        return tuple(found)

    @property
    def parameter_count(self) -> int:
        """P, the length of theta."""
        return self.parameters[-1].offset + self.parameters[-1].size

    @property
    def class_count(self) -> int:
        """K, the number of logits."""
        return self.layers[-1]

    @cached_property
    def packing(self) -> Integers:
        """The order ``[P]`` of packed parameters: ``theta[..., packing]`` is *packed*.

        In packed order, a layer is one matrix ``[out, in + 1]`` with the bias in its last column. A single matrix
        product with inputs that end with a row of ones applies both weights and bias.
        """
        places = [
            np.concatenate([_find_places(weight), _find_places(bias)[:, None]], axis=1).ravel()
            for weight, bias in zip(self.parameters[::2], self.parameters[1::2], strict=True)
        ]
        return np.concatenate(places)

    def pack(self, theta: Floats) -> Floats:
        """Put theta ``[..., P]`` into packed order. This is linear, so directions can be packed in the same way."""
        return np.take(theta, self.packing, axis=-1)

    def unpack(self, packed: Floats) -> Floats:
        """Put packed parameters ``[..., P]`` back into the order of theta."""
        return np.take(packed, self._unpacking, axis=-1)

    def matrices(self, packed: Floats) -> list[Floats]:
        """Return one view ``[..., out, in + 1]`` per layer of packed parameters ``[..., P]``."""
        views, start = [], 0
        for fan_in, fan_out in pairwise(self.layers):
            stop = start + fan_out * (fan_in + 1)
            views.append(packed[..., start:stop].reshape(*packed.shape[:-1], fan_out, fan_in + 1))
            start = stop
        return views

    def filters(self, packed: Floats, biases: bool = False) -> list[Floats]:
        """Return one view ``[..., out, in]`` per layer of packed parameters ``[..., P]``; ``in + 1`` with biases."""
        return [matrix if biases else matrix[..., :-1] for matrix in self.matrices(packed)]

    def draw_initial_theta(self, seed: int, stream: Stream = Stream.WEIGHTS) -> Float64:
        """Draw initial parameters: uniform weights with a width that suits the activation, and biases of 0.

        The last layer leads to the softmax, so its weights follow Glorot and Bengio (2010) for any activation.

        Parameters
        ----------
        seed, stream
            The seed and the stream of the random numbers.

        Returns
        -------
        Float64
            Parameters ``[P]``, float64, in theta's order.
        """
        draws, theta = Draws(seed, stream), np.zeros(self.parameter_count)
        weights = self.parameters[::2]
        for weight in weights:
            fan_out, fan_in = weight.shape
            activation = ACTIVATIONS["linear"] if weight is weights[-1] else self.activation
            limit = activation.find_initial_limit(fan_in, fan_out)
            values = draws.uniform(weight.size, low=-limit, high=limit)
            theta[weight.offset : weight.offset + weight.size] = values
        return theta

    @cached_property
    def _unpacking(self) -> Integers:
        return np.argsort(self.packing)


def _find_places(parameter: Parameter) -> Integers:
    return parameter.offset + np.arange(parameter.size).reshape(parameter.shape)

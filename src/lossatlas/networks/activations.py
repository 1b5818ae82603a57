"""The activation functions, and the derivatives that training and curvature need.

The functions work in place on whole batches. GELU is computed in the tanh form of Hendrycks and Gimpel (2016, section
2), because any language has tanh and computes it fast. It differs from the form with erf by at most 5e-4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from lossatlas.arrays import Floats

#: ``forward(z)`` overwrites pre-activations of any shape with activations.
Forward: TypeAlias = Callable[[Floats], Any]
#: ``derivative(z, h)`` returns dh/dz, or d²h/dz², as a new array. It takes the pre-activations and the activations.
Derivative: TypeAlias = Callable[[Floats, Floats], Floats]

_GELU_SCALE = float(np.sqrt(2.0 / np.pi))
_GELU_CUBIC = 0.044715


@dataclass(frozen=True)
class Activation:
    """A function of one real number, applied to each unit of a hidden layer.

    Attributes
    ----------
    name, title
        The name in code, and the name for people.
    forward, derivative, second_derivative
        See :data:`Forward` and :data:`Derivative`. ReLU has no derivatives at 0, and both are set to 0 there.
    initialisation
        How initial weights are drawn: uniformly in ±sqrt(6 / fan). For ``"glorot"``, fan = fan_in + fan_out (Glorot
        and Bengio 2010, eq. 16). For ``"he"``, fan = fan_in, which gives the variance 2 / fan_in of He et al. (2015,
        eq. 10).
    """

    name: str
    title: str
    forward: Forward
    derivative: Derivative
    second_derivative: Derivative
    initialisation: str

    def find_initial_limit(self, fan_in: int, fan_out: int) -> float:
        """Return half the width of the uniform distribution that the initial weights of a layer are drawn from."""
        fan = fan_in if self.initialisation == "he" else fan_in + fan_out
        return float(np.sqrt(6.0 / fan))


def _tanh(z: Floats) -> None:
    np.tanh(z, out=z)


def _tanh_derivative(_z: Floats, h: Floats) -> Floats:
    return 1.0 - h * h


def _tanh_second_derivative(_z: Floats, h: Floats) -> Floats:
    return -2.0 * h * (1.0 - h * h)


def _relu(z: Floats) -> None:
    np.maximum(z, 0.0, out=z)


def _relu_derivative(_z: Floats, h: Floats) -> Floats:
    return (h > 0.0).astype(h.dtype)


def _sigmoid(z: Floats) -> None:
    """Compute 1 / (1 + e⁻ᶻ) as ½ (1 + tanh(z / 2)), which never overflows and uses the fast tanh."""
    z *= 0.5
    np.tanh(z, out=z)
    z += 1.0
    z *= 0.5


def _sigmoid_derivative(_z: Floats, h: Floats) -> Floats:
    return h * (1.0 - h)


def _sigmoid_second_derivative(_z: Floats, h: Floats) -> Floats:
    second: Floats = h * (1.0 - h) * (1.0 - 2.0 * h)
    return second


def _gelu_gate(z: Floats) -> Floats:
    return np.tanh(_GELU_SCALE * z * (1.0 + _GELU_CUBIC * z * z))


def _gelu(z: Floats) -> None:
    gate = _gelu_gate(z)
    gate += 1.0
    z *= gate
    z *= 0.5


def _gelu_derivative(z: Floats, _h: Floats) -> Floats:
    gate = _gelu_gate(z)
    slope = _GELU_SCALE * (1.0 + 3.0 * _GELU_CUBIC * z * z)
    return 0.5 * (1.0 + gate) + 0.5 * z * (1.0 - gate * gate) * slope


def _gelu_second_derivative(z: Floats, _h: Floats) -> Floats:
    """Compute (1 - g²) (u' + ½ z u'' - z g u'²) with g = tanh(u), where u' + ½ z u'' = √(2/π) (1 + 6 · 0.044715 z²)."""
    gate = _gelu_gate(z)
    slope = _GELU_SCALE * (1.0 + 3.0 * _GELU_CUBIC * z * z)
    return (1.0 - gate * gate) * (_GELU_SCALE * (1.0 + 6.0 * _GELU_CUBIC * z * z) - z * gate * slope * slope)


def _linear(_z: Floats) -> None:
    pass


def _linear_derivative(_z: Floats, h: Floats) -> Floats:
    return np.ones_like(h)


def _no_second_derivative(_z: Floats, h: Floats) -> Floats:
    return np.zeros_like(h)


ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Activation("tanh", "tanh", _tanh, _tanh_derivative, _tanh_second_derivative, "glorot"),
        Activation("relu", "ReLU", _relu, _relu_derivative, _no_second_derivative, "he"),
        Activation("sigmoid", "sigmoid", _sigmoid, _sigmoid_derivative, _sigmoid_second_derivative, "glorot"),
        Activation("gelu", "GELU", _gelu, _gelu_derivative, _gelu_second_derivative, "he"),
        Activation("linear", "linear", _linear, _linear_derivative, _no_second_derivative, "glorot"),
    )
}

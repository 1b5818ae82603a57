from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lossatlas.arrays import Float64, Floats
from lossatlas.networks import ACTIVATIONS
from tests.support.oracles import TORCH_ACTIVATIONS

NAMES = sorted(ACTIVATIONS)
VALUES = np.concatenate([np.linspace(-8, 8, 1601), [-1e4, -50.0, -20.0, 0.0, 20.0, 50.0, 1e4]])


def value(name: str, z: Float64) -> Float64:
    h = z.copy()
    ACTIVATIONS[name].forward(h)
    return h


def test_every_activation_has_its_torch_counterpart() -> None:
    assert TORCH_ACTIVATIONS.keys() == ACTIVATIONS.keys()
    assert all(name == activation.name for name, activation in ACTIVATIONS.items())


@pytest.mark.parametrize("name", NAMES)
def test_values_and_derivatives_are_torchs(name: str) -> None:
    z = torch.tensor(VALUES, requires_grad=True)
    h = TORCH_ACTIVATIONS[name](z)
    h.sum().backward()
    assert z.grad is not None
    ours = value(name, VALUES)
    np.testing.assert_allclose(ours, h.detach().numpy(), rtol=1e-12, atol=1e-15)
    derivative = ACTIVATIONS[name].derivative(VALUES, ours)
    # the error of GELU's 1 - gate² is eps, which is multiplied by up to z · slope < 100
    np.testing.assert_allclose(derivative, z.grad.numpy(), rtol=1e-12, atol=100 * np.finfo(float).eps)


@pytest.mark.parametrize("name", NAMES)
@given(z=hnp.arrays(np.float64, 20, elements=st.floats(-6, 6)))
def test_the_derivative_is_the_slope(name: str, z: Float64) -> None:
    step = 1e-5
    if name == "relu":
        z = z[np.abs(z) > step]  # ReLU has no derivative at 0
    slope = (value(name, z + step) - value(name, z - step)) / (2 * step)
    # truncation: step²/6 · |f'''| < 1e-10; rounding: eps · 6 / step ≈ 1.3e-10
    np.testing.assert_allclose(ACTIVATIONS[name].derivative(z, value(name, z)), slope, atol=5e-10)


@pytest.mark.parametrize("name", NAMES)
def test_second_derivatives_are_torchs(name: str) -> None:
    z = torch.tensor(VALUES, requires_grad=True)
    [slope] = torch.autograd.grad(TORCH_ACTIVATIONS[name](z).sum(), z, create_graph=True)
    expected = np.zeros_like(VALUES)
    if slope.requires_grad:  # for the identity it is a constant
        expected = torch.autograd.grad(slope.sum(), z)[0].numpy()
    ours = ACTIVATIONS[name].second_derivative(VALUES, value(name, VALUES))
    # the error of GELU's 1 - gate² is eps, which is multiplied by up to z · slope² < 1e4
    np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e4 * np.finfo(float).eps)


@pytest.mark.parametrize("name", NAMES)
@given(z=hnp.arrays(np.float64, 20, elements=st.floats(-6, 6)))
def test_the_second_derivative_is_the_slope_of_the_derivative(name: str, z: Float64) -> None:
    step = 1e-5
    if name == "relu":
        z = z[np.abs(z) > step]
    ahead, behind = z + step, z - step
    derivative = ACTIVATIONS[name].derivative
    slope = (derivative(ahead, value(name, ahead)) - derivative(behind, value(name, behind))) / (2 * step)
    # truncation: step²/6 · |h⁗| < 1e-10; rounding: a few eps of the derivative / step ≈ 1e-10
    np.testing.assert_allclose(ACTIVATIONS[name].second_derivative(z, value(name, z)), slope, atol=5e-10)


@pytest.mark.parametrize("name", NAMES)
def test_forward_works_in_place_on_float32_views(name: str) -> None:
    whole = np.full((3, 5, 7), 9.0, np.float32)
    z = np.linspace(-4, 4, 3 * 4 * 7).reshape(3, 4, 7)
    whole[:, :-1] = z
    ACTIVATIONS[name].forward(whole[:, :-1])
    assert whole.dtype == np.float32
    assert (whole[:, -1] == 9).all()
    # a few float32 roundings of |z| ≤ 4
    np.testing.assert_allclose(whole[:, :-1], value(name, z), rtol=2e-6, atol=3e-7)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_derivatives_keep_the_dtype_and_their_arguments(name: str, dtype: type) -> None:
    z: Floats = np.linspace(-3, 3, 11).astype(dtype)
    h = z.copy()
    ACTIVATIONS[name].forward(h)
    before = z.copy(), h.copy()
    assert ACTIVATIONS[name].derivative(z, h).dtype == dtype
    assert ACTIVATIONS[name].second_derivative(z, h).dtype == dtype
    assert (z == before[0]).all()
    assert (h == before[1]).all()


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_saturation_neither_overflows_nor_warns(name: str) -> None:
    extreme = np.array([-3e38, 3e38], np.float32)
    ACTIVATIONS[name].forward(extreme)
    assert extreme.tolist() == [-1.0 if name == "tanh" else 0.0, 1.0]


def test_tanh_gelu_is_within_its_stated_distance_of_the_one_with_erf() -> None:
    exact = np.array([0.5 * z * (1 + math.erf(z / math.sqrt(2))) for z in VALUES])
    distance = np.abs(value("gelu", VALUES) - exact).max()
    assert 4e-4 < distance < 5e-4


@pytest.mark.parametrize(
    ("name", "limit"), [("tanh", 6 / 30), ("sigmoid", 6 / 30), ("linear", 6 / 30), ("relu", 6 / 10), ("gelu", 6 / 10)]
)
def test_initial_limit_is_glorots_or_hes(name: str, limit: float) -> None:
    assert ACTIVATIONS[name].find_initial_limit(10, 20) == pytest.approx(math.sqrt(limit), rel=1e-15)

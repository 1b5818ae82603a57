from __future__ import annotations

import numpy as np
import pytest
import torch

from lossatlas.training import OPTIMIZERS
from tests.support.oracles import torch_optimizer


@pytest.mark.parametrize("weight_decay", [0.0, 0.05])
@pytest.mark.parametrize(
    ("name", "momentum"), [(name, m) for name in sorted(OPTIMIZERS) for m in (0.4, 0.9)] + [("momentum", 0.0)]
)
def test_each_of_twenty_steps_is_that_of_torch(name: str, momentum: float, weight_decay: float) -> None:
    rng = np.random.default_rng(0)
    theta = rng.normal(size=30)
    tensor = torch.tensor(theta, requires_grad=True)
    ours = OPTIMIZERS[name](0.03, momentum, weight_decay)
    theirs = torch_optimizer(name, [tensor], 0.03, momentum, weight_decay)
    for step in range(20):
        gradient = rng.normal(size=30) * 10.0 ** rng.integers(-6, 3, 30)
        gradient[step] = 0.0
        tensor.grad = torch.tensor(gradient)
        theirs.step()
        ours.step(theta, gradient.copy())
        np.testing.assert_allclose(theta, tensor.detach().numpy(), rtol=1e-12, atol=1e-12, err_msg=f"step {step}")


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_steps_change_theta_in_place_and_leave_the_gradient_alone(name: str) -> None:
    optimizer = OPTIMIZERS[name](0.1, 0.9, 0.01)
    theta = np.arange(1.0, 6.0)
    same, before = theta, theta.copy()
    gradients = [np.array([1.0, -1.0, 2.0, 0.5, -3.0]), np.array([0.1, 0.2, 0.3, 0.4, 0.5])]
    for gradient in gradients:
        kept = gradient.copy()
        optimizer.step(theta, gradient)
        assert (gradient == kept).all()
    assert theta is same
    assert (theta != before).all()


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_two_optimizers_share_no_state(name: str) -> None:
    def run() -> list[float]:
        optimizer, theta = OPTIMIZERS[name](0.1, 0.9, 0.0), np.ones(3)
        for number in range(4):
            optimizer.step(theta, np.array([1.0, 2.0, -1.0]) * number)
        values: list[float] = theta.tolist()
        return values

    assert run() == run()


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_a_quadratic_bowl_is_descended(name: str) -> None:
    optimizer = OPTIMIZERS[name](0.05, 0.9, 0.0)
    theta = np.array([2.0, -1.5])
    for _ in range(300):
        optimizer.step(theta, np.array([1.0, 3.0]) * theta)
    assert np.abs(theta).max() < 0.05

"""Compares planes, surfaces and spectra of PyTorch models with slow loops of plain PyTorch in float64."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import lossatlas.torch as lat
from lossatlas.arrays import Float64
from lossatlas.curvature import extreme_pairs, find_extremes
from lossatlas.landscape import loss_surfaces, path_on
from lossatlas.networks import ParameterSpace
from lossatlas.planes import GaussianPlane, compute_gram_matrix, normalize, principal_coefficients, principal_directions
from tests.conftest import plane_of
from tests.own_models.trainings import convolutional, images, shuffling, train

Loss = Callable[[torch.nn.Module], torch.Tensor]


def trained_model(bias: bool = True) -> torch.nn.Sequential:
    torch.manual_seed(0)
    model = convolutional(bias=bias)
    train(model, shuffling(images()), 3)
    return model


def as_ours(model: torch.nn.Module, batch_size: int = 48, **options: Any) -> lat.TorchModel:
    loss = lat.LossFunction.make(torch.nn.CrossEntropyLoss(), None)
    batches = lat.take_samples([images().tensors], 48, batch_size, loss)
    return lat.TorchModel(model, loss, batches, batches, **options)


def theta_of(model: torch.nn.Module) -> Float64:
    return np.concatenate([p.detach().double().numpy().ravel() for p in model.parameters()])


def at(model: torch.nn.Module, theta: Float64) -> torch.nn.Module:
    """Return a float64 copy of a model with the parameters ``theta``."""
    moved = copy.deepcopy(model).double()
    torch.nn.utils.vector_to_parameters(torch.from_numpy(theta), moved.parameters())
    return moved.eval()


def slow_loss(model: torch.nn.Module, kind: str) -> float:
    """Compute the mean cross-entropy of all images in one batch, with the statistics of ``kind``."""
    inputs, labels = images().tensors
    norm = model[1]  # type: ignore[index]
    if kind == "batch":
        norm.train()
    if kind == "refreshed":
        norm.train()
        norm.momentum = 1.0  # the statistics of the single batch replace the earlier ones
        model(inputs.double())
        norm.eval()
    with torch.no_grad():
        return float(torch.nn.functional.cross_entropy(model(inputs.double()), labels))


@pytest.mark.parametrize("kind", ["batch", "refreshed", "running"])
def test_a_surface_is_that_of_a_plain_loop(kind: Any) -> None:
    model = trained_model()
    ours = as_ours(model, dtype=torch.float64)
    theta, rng = theta_of(model), np.random.default_rng(1)
    plane = plane_of(rng.normal(size=(2, len(theta))) * 0.3)
    [surface] = loss_surfaces(lat.TorchLosses(ours, "test", kind), plane, theta, 0.7, 5)
    expected = [
        [
            slow_loss(at(model, theta + a * plane.directions[0] + b * plane.directions[1]), kind)
            for a in surface.coordinates
        ]
        for b in surface.coordinates
    ]
    assert np.allclose(surface.loss, expected, rtol=5e-6)
    assert len({round(float(value), 5) for value in surface.loss.ravel()}) > 20


def test_batches_weigh_by_their_samples() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 3))
    inputs, labels = images().tensors
    ours = as_ours(model, batch_size=5)
    with torch.no_grad():
        expected = float(torch.nn.functional.cross_entropy(model(inputs), labels))
    assert lat.TorchLosses(ours, "train").losses(theta_of(model)[None]) == pytest.approx(expected, rel=1e-6)


def test_convolutions_times_ten_before_batch_norm_leave_the_surface() -> None:
    """Networks that compute the same function have the same filter-normalised surface (Dinh et al. 2017)."""
    surfaces: dict[tuple[str, int], Any] = {}
    kinds: tuple[Any, ...] = ("batch", "refreshed", "running")
    for kind in kinds:
        for factor in (1, 10):
            model: Any = trained_model(bias=False)
            ours = as_ours(model)
            with torch.no_grad():
                model[0].weight *= factor
            theta = theta_of(model)
            space: ParameterSpace = ours
            directions = normalize(space, GaussianPlane(seed=4).draw_vectors(space), theta, "filter", biases=False)
            evaluator = lat.TorchLosses(ours, "train", kind)
            [surface] = loss_surfaces(evaluator, plane_of(directions), theta.astype(np.float32), 1.0, 5)
            surfaces[kind, factor] = surface.loss
    for kind in ("batch", "refreshed"):
        assert np.allclose(surfaces[kind, 1], surfaces[kind, 10], rtol=1e-3)
        assert np.ptp(surfaces[kind, 1]) > 0.1
    assert not np.allclose(surfaces["running", 1], surfaces["running", 10], rtol=0.1)


def test_filters_are_convolutions_and_rows_and_neither_biases_nor_scales() -> None:
    model = trained_model()
    ours, theta = as_ours(model), theta_of(model)
    drawn = np.random.default_rng(0).normal(size=(2, len(theta)))
    scaled = normalize(ours, drawn, theta, "filter", biases=False)
    for direction, raw in zip(scaled, drawn, strict=True):
        start = 0
        for parameter in model.parameters():
            part, own = (v[start : start + parameter.numel()].reshape(parameter.shape) for v in (direction, raw))
            start += parameter.numel()
            if parameter.ndim == 1:
                assert not part.any()
                continue
            for row, given, filter_ in zip(part, own, parameter.detach().double().numpy(), strict=True):
                assert np.linalg.norm(row) == pytest.approx(np.linalg.norm(filter_))
                assert np.allclose(row / np.linalg.norm(row), given / np.linalg.norm(given))


def slow_hessian(model: torch.nn.Module, loss: Loss) -> Float64:
    """Compute the whole Hessian in float64 by autograd, row by row."""
    moved = copy.deepcopy(model).double()
    parameters = list(moved.parameters())
    flat = torch.cat([g.reshape(-1) for g in torch.autograd.grad(loss(moved), parameters, create_graph=True)])
    rows = [
        torch.cat(
            [r.reshape(-1) for r in torch.autograd.grad(g, parameters, retain_graph=True, materialize_grads=True)]
        )
        for g in flat
    ]
    return torch.stack(rows).numpy().astype(np.float64)


def test_hessian_products_ends_and_eigenvectors_are_those_of_the_whole_matrix() -> None:
    model = trained_model()
    inputs, labels = images().tensors

    def loss(network: Any) -> torch.Tensor:
        network.eval()
        network[1].train()
        found: torch.Tensor = torch.nn.functional.cross_entropy(network(inputs.double()), labels)
        return found

    matrix = slow_hessian(model, loss)
    theta, ours = theta_of(model), as_ours(model, dtype=torch.float64)
    operator, start = lat.TorchHessian(ours, theta), np.random.default_rng(0).normal(size=len(theta))
    vector = np.random.default_rng(1).normal(size=(1, len(theta)))
    assert np.allclose(operator.products(vector)[0], matrix @ vector[0], atol=1e-9)
    values, vectors = np.linalg.eigh(matrix)
    smallest, largest = find_extremes(operator, 1, start, 1e-4)
    assert (smallest[0], largest[0]) == pytest.approx((values[0], values[-1]), abs=1e-5 * values[-1])
    for which, ends in (("both", [-1, 0]), ("largest", [-1, -2])):
        found, pair = extreme_pairs(operator, start, 1e-5, which)  # type: ignore[arg-type]
        assert found == pytest.approx(values[ends], abs=1e-6 * values[-1])
        assert np.abs(np.sum(pair * vectors[:, ends].T, axis=1)) == pytest.approx([1, 1], abs=1e-4)
        few, _ = extreme_pairs(operator, start, 1e-3, which, most=16)  # type: ignore[arg-type]
        assert few == pytest.approx(values[ends], abs=1e-3 * values[-1])


class Attention(torch.nn.Module):
    """A model with one layer of attention over four tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.out = torch.nn.Linear(9, 8), torch.nn.Linear(8, 3)
        self.attend = torch.nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.embed(x.reshape(-1, 4, 9))
        mixed, _ = self.attend(tokens, tokens, tokens, need_weights=False)
        found: torch.Tensor = self.out(mixed.mean(dim=1))
        return found


def test_attention_has_a_hessian() -> None:
    torch.manual_seed(0)
    model = Attention()
    theta, ours = theta_of(model), as_ours(model, dtype=torch.float64)
    step, vector = 1e-5, np.random.default_rng(0).normal(size=(1, len(theta)))
    inputs, labels = images().tensors

    def gradient(where: Float64) -> Float64:
        moved = at(model, where).train()
        torch.nn.functional.cross_entropy(moved(inputs.double()), labels).backward()  # type: ignore[no-untyped-call]
        return np.concatenate([p.grad.numpy().ravel() for p in moved.parameters() if p.grad is not None])

    difference = (gradient(theta + step * vector[0]) - gradient(theta - step * vector[0])) / (2 * step)
    assert np.allclose(lat.TorchHessian(ours, theta).products(vector)[0], difference, atol=1e-6)


def test_principal_components_follow_from_the_gram_matrix() -> None:
    rng = np.random.default_rng(0)
    weights = (rng.normal(size=700) + np.cumsum(rng.normal(size=(9, 700)), axis=0) * 0.1).astype(np.float32)
    gram = compute_gram_matrix(weights)
    away = weights.astype(np.float64) - weights[-1]
    assert np.allclose(gram, away @ away.T, rtol=1e-12)
    coefficients = principal_coefficients(gram)
    expected = principal_directions(weights)
    assert np.allclose(coefficients @ weights.astype(np.float64), expected, atol=1e-7)
    assert np.allclose(coefficients.sum(axis=1), 0, atol=1e-12)


def test_the_path_of_a_model_is_evaluated_where_it_lies() -> None:
    model = trained_model()
    ours = as_ours(model)
    theta = theta_of(model).astype(np.float32)
    weights = np.stack([theta * factor for factor in (0.5, 0.8, 1.0)]).astype(np.float32)
    plane = plane_of(np.random.default_rng(0).normal(size=(2, len(theta)))).around(theta)
    path, losses = path_on(lat.TorchLosses(ours, "train"), plane, weights)
    where = theta + path.coordinates @ plane.directions.astype(np.float64)
    assert losses == pytest.approx([slow_loss(at(model, point), "batch") for point in where], rel=1e-5)

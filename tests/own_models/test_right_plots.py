"""Compares the right plot of recorded models, which depends on their task, with plain PyTorch and NumPy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lossatlas.torch as lat
from lossatlas.runs import RecordedRun
from lossatlas.store import Gallery, open_stored, run_folder
from tests.own_models.test_model import at
from tests.own_models.trainings import train

CROSS_ENTROPY = torch.nn.CrossEntropyLoss()
PLANES: Any = ({"kind": "pca", "grid": 5},)


def record(data: Path, model: torch.nn.Module, *given: Any, step: Any = None, **options: Any) -> Any:
    """Record three frames of a training, and return the run and the model at each frame."""
    seen = []
    with lat.Recorder(model, *given, data=data, planes=PLANES, curvature=0, **options) as recorder:
        for frame in range(3):
            if frame:
                step()
                recorder.snapshot()
            seen.append(
                at(model, np.concatenate([p.detach().numpy().ravel() for p in model.parameters()]).astype(float))
            )
    run = open_stored(run_folder(data, next(iter(Gallery(data).ids()))))
    assert isinstance(run, RecordedRun)
    return run, seen


def table(count: int, columns: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Make points whose columns have different units, and their classes."""
    generator = torch.Generator().manual_seed(columns)
    points = torch.randn(count, columns, generator=generator) * torch.logspace(-1, 3, columns) + 7
    points[:, 0] += 0.3 * (points[:, 1] - 7) / 5
    return points, (torch.arange(count) % 3)


def test_a_table_is_shown_on_the_plane_of_its_principal_components(tmp_path: Path) -> None:
    inputs, labels = table(60, 5)
    model = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.ReLU(), torch.nn.Linear(4, 3))
    parts = [(inputs[:40], labels[:40])], [(inputs[40:], labels[40:])]
    run, seen = record(tmp_path, model, CROSS_ENTROPY, *parts, name="table", step=lambda: train(model, parts[0], 1))
    boundary, arrays, dataset = run.manifest["boundary"], run.arrays, run.manifest["dataset"]
    assert (boundary["kind"], boundary["equal"], boundary["anchors"]) == ("projection", True, [])
    assert (dataset["train_points"], dataset["test_points"]) == (40, 20)
    assert arrays["split"].tolist() == [0] * 40 + [1] * 20
    assert arrays["labels"].tolist() == labels.tolist()

    values = inputs.double().numpy()
    mean, scale = values[:40].mean(axis=0), values[:40].std(axis=0)
    eigenvalues, vectors = np.linalg.eigh(np.corrcoef(values[:40].T))  # the columns have variance 1
    assert boundary["explained_variance"] == pytest.approx(eigenvalues[-2:].sum() / eigenvalues.sum())
    basis = vectors[:, [-1, -2]] * np.sign(vectors[np.abs(vectors[:, [-1, -2]]).argmax(axis=0), [-1, -2]])
    assert arrays["points"] == pytest.approx((values - mean) / scale @ basis, abs=1e-4)
    with torch.no_grad():
        for frame, network in enumerate(seen):
            assert arrays["point_predicted_class"][frame].tolist() == network(inputs.double()).argmax(1).tolist()
        for row, column in ((0, 0), (17, 40), (len(arrays["grid_y"]) - 1, 3)):
            place = np.array([arrays["grid_x"][column], arrays["grid_y"][row]], np.float64)
            logits = seen[2](torch.from_numpy(mean + scale * (basis @ place))[None])[0]
            assert arrays["predicted_class"][2, row, column] == int(logits.argmax())
            first, second = logits.topk(2).values.tolist()
            margin = 0.01 * 1e4 ** (arrays["margin"][2, row, column] / 255)
            assert margin == pytest.approx(min(max(first - second, 0.01), 100), rel=0.02)
    steps = np.concatenate([np.diff(arrays["grid_x"]), np.diff(arrays["grid_y"])])
    assert np.allclose(steps, steps[0], rtol=1e-3)
    occurring = set(arrays["labels"].tolist()) | set(np.unique(arrays["predicted_class"]).tolist())
    assert boundary["classes"] == sorted(occurring)


def test_two_inputs_are_shown_on_their_own_plane_for_any_model(tmp_path: Path) -> None:
    inputs, labels = table(30, 2)
    model = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.LeakyReLU(), torch.nn.Linear(4, 3))
    run, seen = record(
        tmp_path,
        model,
        CROSS_ENTROPY,
        [(inputs, labels)],
        name="two",
        step=lambda: train(model, [(inputs, labels)], 1),
    )
    assert "weights" not in run.arrays
    assert (run.manifest["boundary"]["kind"], run.manifest["boundary"]["equal"]) == ("inputs", False)
    assert run.arrays["points"] == pytest.approx(inputs.numpy(), rel=1e-6)
    x, y = run.arrays["grid_x"][80], run.arrays["grid_y"][11]
    place = torch.tensor([[float(x), float(y)]], dtype=torch.float64)
    odds = torch.softmax(seen[1](place), dim=1)[0].detach()
    assert run.arrays["predicted_class"][1, 11, 80] == int(odds.argmax())
    assert run.arrays["confidence"][1, 11, 80] / 255 == pytest.approx(float(odds.max()), abs=0.004)


@pytest.mark.parametrize(("budget", "kept"), [(60.0, (30, 20)), (1e-6, (4, 4))], ids=["all", "the fewest"])
def test_a_regression_keeps_the_loss_of_each_sample_for_which_there_is_time(
    tmp_path: Path, budget: float, kept: tuple[int, int]
) -> None:
    inputs = torch.linspace(-1, 1, 50)[:, None].repeat(1, 3)
    targets = inputs[:, :1] ** 2
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step() -> None:
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(inputs), targets).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    pairs = [(inputs[:30], targets[:30])], [(inputs[30:], targets[30:])]
    run, seen = record(
        tmp_path, model, torch.nn.MSELoss(), *pairs, name="curve", step=step, batch_size=16, budget=budget
    )
    assert run.manifest["boundary"] is None
    assert run.arrays["sample_split"].tolist() == [0] * kept[0] + [1] * kept[1]
    with torch.no_grad():
        expected = np.stack([((net(inputs.double()) - targets) ** 2)[:, 0].numpy() for net in seen])
    samples = [*range(kept[0]), *range(30, 30 + kept[1])]
    assert run.arrays["sample_loss"] == pytest.approx(expected[:, samples], rel=1e-4, abs=1e-7)
    assert expected[:, :30].mean(axis=1) == pytest.approx(run.metrics["train_loss"], rel=1e-5)


def test_a_language_model_keeps_the_mean_over_the_tokens_of_each_text(tmp_path: Path) -> None:
    texts = torch.randint(0, 7, (12, 9), generator=torch.Generator().manual_seed(0))
    model = torch.nn.Sequential(torch.nn.Embedding(7, 5), torch.nn.Linear(5, 7))

    def loss(network: torch.nn.Module, batch: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = CROSS_ENTROPY(network(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
        return found

    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)

    def step() -> None:
        optimizer.zero_grad()
        loss(model, texts).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    run, seen = record(tmp_path, model, None, [texts], loss=loss, name="texts", step=step)
    expected = [[float(loss(network, texts[i : i + 1]).detach()) for i in range(12)] for network in seen]
    assert run.arrays["sample_loss"] == pytest.approx(np.array(expected), rel=1e-4)


def test_losses_of_samples_are_left_out_if_the_loss_is_not_their_mean(tmp_path: Path) -> None:
    values = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def contrast(network: torch.nn.Module, batch: torch.Tensor) -> torch.Tensor:
        return torch.exp(-torch.cdist(network(batch), network(batch))).mean()

    def step() -> None:
        optimizer.zero_grad()
        contrast(model, values).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    run, _ = record(tmp_path, model, None, [values], loss=contrast, name="contrast", step=step)
    assert run.manifest["boundary"] is None
    assert "sample_loss" not in run.arrays


def test_an_adopted_network_without_test_samples_has_no_test_losses(tmp_path: Path) -> None:
    inputs, labels = table(30, 2)
    model = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3))
    pairs = [(inputs, labels)]
    run, _ = record(tmp_path, model, CROSS_ENTROPY, pairs, name="ours", step=lambda: train(model, pairs, 1))
    assert "weights" in run.arrays
    assert (run.manifest["dataset"]["train_points"], run.manifest["dataset"]["test_points"]) == (30, 0)
    assert run.arrays["split"].tolist() == [0] * 30
    assert run.arrays["points"].shape == (30, 2)
    assert run.arrays["point_predicted_class"].shape == (3, 30)
    assert np.isnan(run.metrics["test_loss"]).all()
    assert not any("test_loss_surface" in name for name in run.arrays)

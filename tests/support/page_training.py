"""Runs trainings as the page does, in a module or in its worker, and the same trainings in Python."""

from __future__ import annotations

from typing import Any

import numpy as np
from playwright.sync_api import Page

from lossatlas.arrays import Float64
from lossatlas.datasets import Dataset, DatasetConfig, load_dataset
from lossatlas.networks import Network
from lossatlas.training import Snapshot, Training, TrainingConfig
from tests.support.pages import until
from tests.web.test_engine import describe_network


def some_data(classes: int, points: int = 60) -> Dataset:
    """Draw an odd number of training points, so that the last batch of 32 is smaller."""
    name = {2: "moons", 3: "arms"}[classes]
    return load_dataset(DatasetConfig(name=name, points=points, test_fraction=0.25, seed=2))


def sample(points: Float64, labels: Any) -> dict[str, Any]:
    return {"points": points.ravel().tolist(), "labels": labels.tolist()}


def task(network: Network, dataset: Dataset, config: TrainingConfig, **more: Any) -> dict[str, Any]:
    """Describe a training as the page receives it."""
    samples = {"train": sample(*dataset.train), "test": sample(*dataset.test)}
    return {"network": describe_network(network), "config": config.model_dump(), "samples": samples, **more}


TRAIN = """async (tasks) => {
    const {createTraining} = await import('/compute/engine/training.js');
    return tasks.map(({network, config, samples, theta}) => {
        const training = createTraining({network, config, theta, ...samples.train});
        const thetas = [[...training.theta]];
        while (!training.isFinished) {
            training.step();
            thetas.push([...training.theta]);
        }
        return thetas;
    });
}"""


def python_thetas(network: Network, dataset: Dataset, config: TrainingConfig) -> Float64:
    """Train in Python, and return theta ``[epoch, P]`` in float64, beginning with the untrained one."""
    return np.array([network.unpack(theta.copy()) for _, theta in Training(network, dataset, config)._iterate_epochs()])


CREATE = """async () => {
    const {createTrainer} = await import('/compute/engine/trainer_client.js');
    window.news = [];
    window.errors = [];
    window.trainer?.close();
    window.trainer = createTrainer({
        onNews: ({status, message, dead, advice, record, fresh}) => {
            window.record = record;
            window.news.push({status, message, dead, advice, fresh, at: performance.now()});
        },
        onError: (message) => window.errors.push(message),
    });
}"""


RECORD = """() => {
    const {epochs, metrics, theta, stride} = window.record;
    return {epochs, metrics, stride, weights: epochs.map((_, row) => [...theta(row)])};
}"""


def open_trainer(page: Page, given: dict[str, Any]) -> None:
    page.evaluate(CREATE)
    page.evaluate("(task) => { window.trainer.open(task); }", given)
    wait_for(page, "ready")


def wait_for(page: Page, *statuses: str) -> None:
    until(page, "(wanted) => wanted.includes(window.news.at(-1)?.status)", list(statuses))


def train_to_end(page: Page, given: dict[str, Any]) -> dict[str, Any]:
    """Run a training to its end, and return its record."""
    open_trainer(page, given)
    page.evaluate("() => window.trainer.start()")
    wait_for(page, "finished", "diverged")
    assert page.evaluate("() => window.errors") == []
    found: dict[str, Any] = page.evaluate(RECORD)
    return found


def python_snapshots(network: Network, dataset: Dataset, config: TrainingConfig) -> tuple[list[Snapshot], Training]:
    """Train in Python with every epoch recorded, as the page does."""
    training = Training(network, dataset, config.model_copy(update={"frames": config.epochs + 1}))
    return list(training), training

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from threadpoolctl import threadpool_limits

from lossatlas.arrays import AnyArray, Float32
from lossatlas.networks import ModelConfig, Network
from lossatlas.planes import Directions
from lossatlas.runs import Run, RunConfig, compute_run
from lossatlas.store import save_run
from tests.support.large_runs import TINY, WHOLE, InTurn, built, config_of
from tests.support.order import place_of

# The examples are the same every time, so that a failure can be repeated. A slow machine is no failure: no deadline.
settings.register_profile(
    "lossatlas",
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("lossatlas")
# Threads of BLAS wait for each other in a loop. Beside other processes of tests, this takes several times the work.
torch.set_num_threads(1)
threadpool_limits(1, user_api="blas")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests, so that all processes have tests until the end, and tests of a module can share a document."""
    modules = {item.path: number for number, item in enumerate(items)}
    items.sort(key=lambda item: (place_of(item)[0], modules[item.path], *place_of(item)[1:]))


#: A run that takes milliseconds. No two of its axes have the same length, so that no test can confuse them.
SMALL: dict[str, Any] = {
    "dataset": {"name": "moons", "points": 40, "test_fraction": 0.25, "seed": 3},
    "model": {"hidden": [5, 4], "activation": "tanh"},
    "training": {"epochs": 12, "frames": 6, "batch_size": 8, "seed": 5},
    "boundary": {"resolution": 13},
    "planes": [{"seed": 7, "spans": [1.0, 0.1], "grid": 9}],
}


def small_config(**parts: dict[str, Any]) -> RunConfig:
    """Return the small configuration with some values changed."""
    return RunConfig.from_mapping(
        {
            name: [{**SMALL["planes"][0], **parts.get("planes", {})}]
            if name == "planes"
            else {**SMALL[name], **parts.get(name, {})}
            for name in SMALL
        }
    )


def diverging_config() -> RunConfig:
    """Return a configuration whose steps multiply every weight by -999, which overflows float32 after 13 epochs."""
    return small_config(
        model={"activation": "relu"},
        training={
            "optimizer": "sgd",
            "learning_rate": 1000,
            "weight_decay": 1,
            "epochs": 60,
            "frames": 20,
            "batch_size": "full",
        },
    )


@pytest.fixture(scope="session")
def small_run() -> Run:
    return compute_run(small_config())


@pytest.fixture(scope="session")
def other_run() -> Run:
    """Return a run with the network and points of the planar run, trained from another start."""
    from tests.support.planar import other_config

    return compute_run(other_config())


@pytest.fixture(scope="session")
def planar(other_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a small run with planes of every kind."""
    from tests.support.planar import planar_run

    return planar_run(tmp_path_factory.mktemp("vectors") / "vectors.npy", other_run)


@pytest.fixture
def stored(small_run: Run, tmp_path: Path) -> Path:
    """Store the small run, and return its folder."""
    return save_run(small_run, tmp_path / "data")


def plane_of(directions: AnyArray, spans: tuple[float, ...] = (1.0,)) -> Directions:
    """Make a ``Directions`` object from any two directions ``[2, P]``."""
    return Directions("any", "any", "Any", "Shows.", "Hides.", np.asarray(directions, np.float32), spans, moving=True)


def network_of(
    *hidden: int, activation: str = "tanh", residual: bool = False, inputs: int = 2, classes: int = 2
) -> Network:
    return Network.of(ModelConfig(hidden=hidden, activation=activation, residual=residual), inputs, classes)


def some_models(network: Network, count: int, seed: int = 0, scale: float = 1.0) -> Float32:
    """Draw models ``[count, P]`` with weights and biases that are all different from zero."""
    fresh = np.array([network.draw_initial_theta(seed + number) for number in range(count)])
    biases = np.random.default_rng(seed).normal(scale=0.3, size=fresh.shape)
    return (scale * (fresh + biases)).astype(np.float32)


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return built(tmp_path_factory.mktemp("whole"), [config_of()], WHOLE, executor=InTurn())


@pytest.fixture(scope="session")
def undisturbed(whole: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Counter[str]:
    """Count the calls of each kind when the same run is computed in tiny parts."""
    executor = InTurn()
    assert built(tmp_path_factory.mktemp("parts"), [config_of()], TINY, executor=executor) == whole
    assert min(executor.calls.values()) > 2
    assert executor.calls["compute_piece"] > 40
    return executor.calls

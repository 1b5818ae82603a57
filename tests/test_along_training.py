from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossatlas.curvature import CurvatureConfig, spread_frames, stability_formula
from lossatlas.curvature.along_training import stability_limit
from lossatlas.runs import Run, compute_run
from lossatlas.training import OPTIMIZERS, TrainingConfig
from tests.support.oracles import torch_hessian


def config_of(**values: object) -> TrainingConfig:
    return TrainingConfig.from_mapping({"batch_size": "full", **values})


def grows(config: TrainingConfig, sharpness: float) -> bool:
    """Return whether 3,000 steps on ½ λ x² lead far away from 0, and not towards it."""
    optimizer = OPTIMIZERS[config.optimizer](config.learning_rate, config.momentum, config.weight_decay)
    x = np.array([1.0])
    for _ in range(3000):
        optimizer.step(x, sharpness * x)
        if abs(x[0]) > 1e9:
            return True
    assert abs(x[0]) < 1e-6
    return False


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("learning_rate", [0.001, 0.3, 5.0])
@pytest.mark.parametrize(
    ("optimizer", "momentum"),
    [("sgd", 0.9), *((name, beta) for name in ("momentum", "nesterov") for beta in (0.0, 0.3, 0.5, 0.9))],
)
def test_just_below_the_limit_gradient_descent_converges_and_just_above_it_does_not(
    optimizer: str, momentum: float, learning_rate: float, weight_decay: float
) -> None:
    config = config_of(optimizer=optimizer, momentum=momentum, learning_rate=learning_rate, weight_decay=weight_decay)
    limit = stability_limit(config, 30)
    assert limit is not None
    assert not grows(config, 0.99 * limit)
    assert grows(config, 1.01 * limit)


def test_the_limit_of_plain_gradient_descent_is_two_over_the_step() -> None:
    assert stability_limit(config_of(optimizer="sgd", learning_rate=0.05), 30) == pytest.approx(40)


@pytest.mark.parametrize(
    ("values", "formula"),
    [
        ({"optimizer": "sgd"}, "2/η"),
        ({"optimizer": "sgd", "weight_decay": 0.3}, "2/η − λ"),
        ({"optimizer": "momentum", "momentum": 0.9}, "2(1 + β)/η"),
        ({"optimizer": "momentum", "momentum": 0.4, "weight_decay": 0.3}, "2(1 + β)/η − λ"),
        ({"optimizer": "nesterov", "momentum": 0.9}, "2(1 + β)/((1 + 2β)η)"),
    ],
)
def test_the_formula_gives_the_limit(values: dict[str, object], formula: str) -> None:
    config = config_of(learning_rate=0.5, **values)
    assert stability_formula(config) == formula
    python = formula.replace("−", "-").replace("2β", "2*β").replace("2(", "2*(").replace(")η", ")*η")
    names = {"η": config.learning_rate, "β": config.momentum, "λ": config.weight_decay}
    assert stability_limit(config, 30) == pytest.approx(eval(python, names))


def test_an_optimiser_without_a_limit_has_no_formula() -> None:
    assert [stability_formula(config_of(optimizer=name)) for name in ("rmsprop", "adam", "adamw")] == [None] * 3


@pytest.mark.parametrize("batch_size", ["full", 30, 31])
def test_a_batch_of_every_point_is_a_full_batch(batch_size: object) -> None:
    assert stability_limit(config_of(optimizer="sgd", batch_size=batch_size), 30) is not None


@pytest.mark.parametrize(
    "values",
    [
        {"optimizer": "adam"},
        {"optimizer": "adamw"},
        {"optimizer": "rmsprop"},
        {"optimizer": "sgd", "batch_size": 29},
        {"optimizer": "momentum", "batch_size": 1},
        {"optimizer": "adamw", "weight_decay": 0.01},
    ],
)
def test_there_is_no_limit_where_the_theory_gives_none(values: dict[str, object]) -> None:
    assert stability_limit(config_of(**values), 30) is None


@given(st.integers(1, 1000), st.integers(2, 1000))
def test_frames_are_spread_evenly_from_the_first_to_the_last(count: int, most: int) -> None:
    frames = spread_frames(count, most)
    assert len(frames) == len(set(frames)) == min(count, most)
    assert (frames[0], frames[-1]) == (0, count - 1)
    gaps = np.diff(frames)
    assert gaps.size == 0 or (gaps.min() >= 1 and gaps.max() - gaps.min() <= 1)


def test_a_single_frame_is_the_last_one_and_zero_frames_are_none(small_run: Run) -> None:
    assert spread_frames(7, 1) == (6,)
    assert spread_frames(7, 0) == ()
    found = [
        compute_run(small_run.setup.config.with_values(curvature=CurvatureConfig(frames=frames))).curvature
        for frames in (0, 1)
    ]
    assert found[0] is None
    assert found[1] is not None
    assert found[1].frames == (5,)


def test_curvature_along_the_training_is_that_of_torchs_hessians(small_run: Run) -> None:
    curvature = small_run.curvature
    assert curvature is not None
    assert curvature.spectrum is not None
    assert curvature.negative is not None
    assert curvature.frames == tuple(range(6))
    for number, frame in enumerate(curvature.frames):
        theta = small_run.trajectory.weights[frame].astype(np.float64)
        hessian = torch_hessian(small_run.setup.network, theta, *small_run.setup.dataset.train)
        values = np.linalg.eigvalsh(hessian)
        assert curvature.largest[number] == pytest.approx(values[-1], rel=1e-9)
        assert curvature.smallest[number] == pytest.approx(values[0], rel=1e-9)
        assert curvature.trace[number] == pytest.approx(np.trace(hessian), rel=1e-9)
        scaled = np.linalg.eigvalsh(np.diag(np.abs(theta)) @ hessian @ np.diag(np.abs(theta)))
        assert curvature.adaptive_sharpness[number] == pytest.approx(scaled[-1], rel=1e-9)
        np.testing.assert_allclose(curvature.spectrum[number], values, atol=1e-6 * values[-1])
        assert curvature.negative[number] == (values < -1e-9 * values[-1]).sum()
    assert curvature.trace_error.tolist() == [0.0] * 6
    assert curvature.stability is None  # there is no limit for a training in batches

"""Tests input that people give by mistake: it is understood, or refused with a reason before any computation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lossatlas as la
from lossatlas.errors import ConfigError, DataError
from lossatlas.runs import Computation, RunConfig, Setup

SMALL = {"dataset": {"points": 40}, "model": {"hidden": [3]}, "training": {"epochs": 3, "frames": 3}}
SETUP = Setup.of(RunConfig.from_mapping(SMALL))
NETWORK = SETUP.network
POINTS, LABELS = SETUP.dataset.train
THETA = NETWORK.draw_initial_theta(0)[None]
EVALUATOR = la.Evaluator(NETWORK, POINTS, LABELS)


@pytest.mark.parametrize(
    "labels", [LABELS, LABELS.astype(bool), LABELS.astype(float), LABELS.tolist()], ids=["int", "bool", "float", "list"]
)
def test_classes_from_0_are_taken_whatever_their_type(labels: Any) -> None:
    assert la.Evaluator(NETWORK, POINTS, labels).losses(THETA) == EVALUATOR.losses(THETA)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS + 1, "labels are 1, 2, but they must be the classes 0 to 1; numpy.unique"),
        (2 * LABELS - 1, "labels are -1, 1, but they must be the classes 0 to 1"),
        (LABELS + 99, "labels are 99, 100, but"),
        (np.array(["no", "yes"])[LABELS], "labels are 'no', 'yes', but"),
        (np.where(LABELS == 1, np.nan, 0.0), "labels are 0.0, nan, but"),
        (LABELS + 0.5, "labels are 0.5, 1.5, but"),
        (np.eye(2)[LABELS], r"labels have the shape \[20, 2\] and may be one-hot rows; give labels.argmax"),
        (LABELS[:, None], r"labels have the shape \[20, 1\]; give an array \[N\]"),
        (LABELS[:-1], "there are 19 labels for 20 points; give one label per point"),
    ],
)
def test_other_labels_are_refused_with_the_way_to_number_them(labels: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        la.Evaluator(NETWORK, POINTS, labels)


def nan_in_row_3() -> Any:
    points = POINTS.copy()
    points[3, 1] = np.nan
    return points


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (nan_in_row_3(), "1 of 20 points are not finite numbers up to 1e.30: row 3, column 1 is nan"),
        (POINTS * 1e200, "are not finite numbers up to"),
        (POINTS.T, r"points have the shape \[2, 20\] \(is it transposed\?\); give an array \[N, 2\]"),
        (POINTS[0], r"points have the shape \[2\]; give an array \[N, 2\]"),
        (POINTS[:0], "points are empty"),
        (POINTS.astype(str), "must be real numbers"),
        (POINTS * 1j, "must be real numbers"),
        ([[1.0, 2.0], [3.0]], "rows of different lengths"),
    ],
)
def test_arrays_that_are_no_points_are_refused(points: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        la.Evaluator(NETWORK, points)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: EVALUATOR.losses(THETA[0]), r"models are float64 \[17\].*for a single model give theta\[None\]"),
        (lambda: EVALUATOR.losses(THETA[:, :5]), r"models are float64 \[1, 5\], but they must be numbers \[B, 17\]"),
        (lambda: EVALUATOR.logits(THETA[0]), r"give theta\[None\]"),
        (lambda: la.Evaluator(NETWORK, POINTS).losses(THETA), "has no labels, so it has no loss"),
        (
            lambda: la.loss_surfaces(EVALUATOR, SETUP.directions[0], THETA, [1.0], 5),
            r"the centre is .*give one of these vectors, such as theta\[0\]",
        ),
        (lambda: la.loss_surfaces(EVALUATOR, SETUP.directions[0], THETA[0], [], 5), "spans are"),
        (lambda: la.loss_surfaces(EVALUATOR, SETUP.directions[0], THETA[0], [np.nan], 5), "spans are"),
        (lambda: la.decision_boundary(EVALUATOR, SETUP.grid, THETA[0]), "has other points than the grid"),
        (lambda: la.input_grid(np.empty((0, 2))), "points are empty"),
    ],
)
def test_other_arrays_are_refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        call()


def test_a_dict_is_a_configuration_wherever_one_is_expected() -> None:
    quick = {**SMALL, "planes": [{"grid": 5}], "boundary": {"resolution": 5}, "curvature": {"frames": 0}}
    assert la.compute_run(quick).id == RunConfig.from_mapping(quick).id
    assert la.load_dataset({"name": "blobs", "points": 30}).points.shape == (30, 2)
    assert la.input_grid(POINTS, {"resolution": 7}).shape == (7, 7)
    assert len(la.train(NETWORK, SETUP.dataset, {"epochs": 2, "frames": 2}).epochs) == 2
    for wrong in (3, "moons", object()):
        with pytest.raises(ConfigError, match="give a RunConfig, or"):
            la.compute_run(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.ones((2, 16)) * [[1], [-2]], r"holds float64 \[2, 16\]; two directions are real numbers \[2, 17\]"),
        (np.ones((2, 17)), "do not span a plane"),
        (np.zeros((2, 17)), "do not span a plane"),
    ],
)
def test_a_file_of_directions_that_do_not_fit_is_refused_before_the_training(
    tmp_path: Path, rows: Any, message: str
) -> None:
    np.save(tmp_path / "rows.npy", rows)
    planes = [{"kind": "pca"}, {"kind": "file", "file": str(tmp_path / "rows.npy")}]
    setup = Setup.of(RunConfig.from_mapping({**SMALL, "planes": planes}))
    with pytest.raises(ConfigError, match=message) as caught:
        Computation(setup)
    assert caught.value.faults[0][0] == "planes.1.file"


def test_parameters_of_another_network_are_refused_before_the_training() -> None:
    planes = [{"kind": "through", "points": ["end", "start", "run:other"]}]
    setup = Setup.of(RunConfig.from_mapping({**SMALL, "planes": planes}))
    for theta in (np.zeros(5), np.full(17, np.nan)):
        with pytest.raises(ConfigError, match="this network takes finite ones"):
            Computation(setup, references={"other": theta})

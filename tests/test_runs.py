from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given

from lossatlas.errors import CancelledError
from lossatlas.landscape import boundary_evaluator, decision_boundary
from lossatlas.landscape.rounding import OF_LOSS
from lossatlas.runs import CONFIDENCE_STEP, Computation, Frame, Run, RunConfig, Setup, compute_run
from tests.conftest import diverging_config, small_config
from tests.support.oracles import torch_loss
from tests.test_config import CONFIGS

# identity ---------------------------------------------------------------------------------------------------------


def test_the_default_id_never_changes() -> None:
    # Another id is a change of the run format: stored runs would be computed again, and links to them would break.
    assert RunConfig().id == "moons-16x16-tanh-798ca296"
    assert hashlib.sha256(RunConfig().canonical.encode()).hexdigest()[:8] == RunConfig().id[-8:]


@given(CONFIGS, CONFIGS)
def test_ids_differ_exactly_where_configurations_do(first: RunConfig, second: RunConfig) -> None:
    assert (first.id == second.id) == (first == second)


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("dataset", {"noise": 0.16}),
        ("dataset", {"seed": 4}),
        ("model", {"hidden": [4, 5]}),
        ("training", {"learning_rate": 0.0100001}),
        ("training", {"batch_size": "full"}),
        ("boundary", {"margin": 0.2}),
        ("planes", {"spans": [0.1, 1.0]}),
        ("planes", {"seed": 8}),
    ],
)
def test_each_value_changes_the_id(part: str, values: dict[str, object]) -> None:
    assert small_config(**{part: values}).id != small_config().id


@pytest.mark.parametrize(
    ("name", "hidden", "start"),
    [
        ("moons", [16, 16], "moons-16x16-tanh-"),
        ("iris", [], "iris-none-tanh-"),
        ("arms", [3] * 9, "arms-3x3x3x3x3x3x3x3-"),
    ],
)
def test_an_id_says_dataset_and_model(name: str, hidden: list[int], start: str) -> None:
    config = RunConfig.from_mapping({"dataset": {"name": name}, "model": {"hidden": hidden}})
    assert config.id.startswith(start)


def test_the_way_a_number_is_written_does_not_matter() -> None:
    written: list[dict[str, object]] = [{"planes": [{"spans": [1, 0.1]}]}, {"planes": [{"spans": (1.0, 0.1)}]}]
    assert len({RunConfig.from_mapping(values).id for values in written}) == 1


# a whole run ------------------------------------------------------------------------------------------------------


def test_a_run_has_the_stated_shapes_and_dtypes(small_run: Run) -> None:
    frames, spans = 6, 2
    trajectory, setup = small_run.trajectory, small_run.setup
    assert len(trajectory.epochs) == frames
    assert trajectory.weights.shape == (frames, setup.network.parameter_count)
    assert trajectory.predicted_class.shape == (frames, 40)
    assert small_run.predicted_class.shape == small_run.confidence.shape == (frames, 13, 13)
    assert small_run.predicted_class.dtype == small_run.confidence.dtype == np.uint8
    assert {name: loss.shape for name, loss in small_run.loss_surface.items()} == {"fresh": (spans, frames, 9, 9)}
    assert small_run.loss_surface["fresh"].dtype == np.float32
    assert setup.title == "Half moons · 5-4 tanh"
    assert small_run.id == small_config().id


def test_surface_centred_elsewhere_than_its_marker__the_stored_centre_is_the_recorded_loss(small_run: Run) -> None:
    loss = small_run.loss_surface["fresh"]
    for span in range(loss.shape[0]):
        assert (loss[span, :, 4, 4] == small_run.trajectory.metrics["train_loss"]).all()


def test_axes_transposed__stored_surfaces_are_torchs(small_run: Run) -> None:
    setup = small_run.setup
    d_a, d_b = setup.directions[0].directions.astype(np.float64)
    points, labels = setup.dataset.train
    values = np.linspace(-1, 1, 9)
    for span, width in enumerate(setup.directions[0].spans):
        for j, i in ((0, 8), (8, 0), (2, 7), (5, 3)):
            theta = small_run.trajectory.weights[3] + width * (values[i] * d_a + values[j] * d_b)
            expected = torch_loss(setup.network, theta, points, labels)
            # the losses are computed in float32 and then rounded
            assert small_run.loss_surface["fresh"][span, 3, j, i] == pytest.approx(expected, rel=OF_LOSS + 1e-5)


def test_stored_boundaries_are_those_of_the_stored_weights(small_run: Run) -> None:
    setup = small_run.setup
    evaluator = boundary_evaluator(setup.network, setup.grid)
    for frame, theta in enumerate(small_run.trajectory.weights):
        boundary = decision_boundary(evaluator, setup.grid, theta)
        assert (boundary.predicted_class == small_run.predicted_class[frame]).all()
        distance = np.abs(small_run.confidence[frame] * CONFIDENCE_STEP - boundary.confidence)
        assert distance.max() <= CONFIDENCE_STEP / 2 + 1e-7


def test_frames_come_one_by_one_and_make_the_run(small_run: Run) -> None:
    seen: list[Frame] = []
    run = compute_run(small_config(), threads=1, on_frame=seen.append)
    assert [frame.index for frame in seen] == list(range(6))
    assert [frame.snapshot.epoch for frame in seen] == list(run.trajectory.epochs)
    for frame in seen:
        assert (frame.loss_surface["fresh"] == run.loss_surface["fresh"][:, frame.index]).all()
        assert (frame.snapshot.theta == run.trajectory.weights[frame.index]).all()
    assert run.loss_surface["fresh"].tobytes() == small_run.loss_surface["fresh"].tobytes()


def test_a_diverged_run_ends_at_its_last_finite_frame() -> None:
    run = compute_run(diverging_config())
    frames = len(run.trajectory.epochs)
    assert run.trajectory.outcome.status == "diverged"
    assert run.loss_surface["fresh"].shape[1] == len(run.predicted_class) == len(run.trajectory.weights) == frames < 20
    assert not np.isnan(run.loss_surface["fresh"]).any()


def test_a_computation_can_be_cancelled() -> None:
    computation = iter(Computation(Setup.of(small_config()), cancelled=lambda: True))
    with pytest.raises(CancelledError, match="epoch 0"):
        next(computation)

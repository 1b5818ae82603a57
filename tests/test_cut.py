"""Compares every number that is computed for a plane with PyTorch, one model after another."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lossatlas.arrays import AnyArray, Float64
from lossatlas.engine import Evaluator
from lossatlas.errors import ConfigError, PlaneError
from lossatlas.landscape import Cut, nonconvexity_over, path_on, surfaces_around
from lossatlas.landscape.rounding import OF_LOSS
from lossatlas.networks import Network
from lossatlas.planes import Plane
from lossatlas.runs import Computation, Run, RunConfig, Setup, Stage, compute_run
from lossatlas.store import describe_run
from tests.conftest import SMALL, diverging_config, network_of, some_models
from tests.support.oracles import torch_hessian, torch_loss
from tests.support.planar import NAMES

#: The tolerance for stored losses, which are computed in float32 and then rounded.
ROUNDED = OF_LOSS + 1e-5


def at(plane: Plane, a: float, b: float, centre: AnyArray | None = None) -> Float64:
    """Compute theta at (a, b) in float64."""
    start = plane.centre if centre is None else centre
    d_a, d_b = plane.directions.astype(np.float64)
    theta: Float64 = start.astype(np.float64) + a * d_a + b * d_b
    return theta


def with_centre(directions: AnyArray, centre: AnyArray, spans: tuple[float, ...] = (1.0,)) -> Plane:
    return Plane(
        "any", "any", "Any", "Shows.", "Hides.", np.asarray(directions, np.float32), spans, moving=False,
        centre=np.asarray(centre, np.float32), centre_frame=None,
    )  # fmt: skip


# a run with planes of every kind ----------------------------------------------------------------------------------


def test_every_plane_of_the_configuration_is_in_the_run(planar: Run) -> None:
    assert tuple(plane.name for plane in planar.planes) == NAMES
    assert planar.left_out == {}
    assert [plane.centre_frame for plane in planar.planes] == [5, 5, 5, 3, 5, None, 5]
    for cut, config in zip(planar.cuts, planar.setup.config.planes, strict=True):
        spans, grid = len(cut.plane.spans), config.grid
        assert cut.loss_surface.shape == (spans, 6 if config.moving else 1, grid, grid)
        assert cut.test_loss_surface.shape == (spans, 6 if config.moving and config.test_frames else 1, grid, grid)
        assert cut.path.coordinates.shape == (6, 2)
        assert cut.path_loss.shape == cut.path.residual.shape == (6,)
        assert np.isfinite(cut.path_loss).all()


@pytest.mark.parametrize("name", NAMES)
def test_surface_centred_elsewhere_than_its_marker__each_centre_is_a_recorded_loss(
    planar: Run, other_run: Run, name: str
) -> None:
    """It is that of the centre's frame or run for fixed planes, and of each frame for moving ones, to the last bit."""
    cut = planar.cuts[NAMES.index(name)]
    middle = cut.grid // 2
    for split, surface in (("train_loss", cut.loss_surface), ("test_loss", cut.test_loss_surface)):
        recorded = planar.trajectory.metrics[split]
        if surface.shape[1] > 1:
            expected = recorded
        elif cut.plane.centre_frame is None:
            expected = other_run.trajectory.metrics[split][-1:]
        else:
            expected = recorded[[cut.plane.centre_frame]]
        assert (surface[:, :, middle, middle] == expected).all(), split


@pytest.mark.parametrize("name", NAMES)
def test_path_in_another_frame_of_reference_than_the_surface__it_passes_the_centre_at_its_frame(
    planar: Run, name: str
) -> None:
    cut = planar.cuts[NAMES.index(name)]
    plane, frame = cut.plane, cut.plane.centre_frame
    if frame is None:
        assert (cut.path.residual[:-1] > 0).all()
        return
    assert (plane.centre == planar.trajectory.weights[frame]).all()
    assert cut.path.coordinates[frame].tolist() == [0, 0]
    assert cut.path.residual[frame] == 0
    assert cut.path_loss[frame] == planar.trajectory.metrics["train_loss"][frame]


@pytest.mark.parametrize("name", NAMES)
def test_path_in_another_frame_of_reference_than_the_surface__its_loss_is_that_of_the_plane_s_own_points(
    planar: Run, name: str
) -> None:
    """It is computed at (a, b) without interpolation, and equals the recorded loss if the residual is 0."""
    cut = planar.cuts[NAMES.index(name)]
    points, labels = planar.setup.dataset.train
    for frame, (a, b) in enumerate(cut.path.coordinates.tolist()):
        expected = torch_loss(planar.setup.network, at(cut.plane, a, b), points, labels)
        assert cut.path_loss[frame] == pytest.approx(expected, rel=1e-5)
        theta = planar.trajectory.weights[frame].astype(np.float64)
        assert cut.path.residual[frame] == pytest.approx(math.dist(theta, at(cut.plane, a, b)), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_axes_transposed__both_surfaces_are_torchs_cell_by_cell(planar: Run, name: str) -> None:
    cut = planar.cuts[NAMES.index(name)]
    dataset = planar.setup.dataset
    for (points, labels), surface in ((dataset.train, cut.loss_surface), (dataset.test, cut.test_loss_surface)):
        moving = surface.shape[1] > 1
        for span, width in enumerate(cut.plane.spans):
            values = width * np.linspace(-1, 1, cut.grid)
            for frame, j, i in ((0, 0, cut.grid - 1), (-1, cut.grid - 1, 0), (0, 1, 2), (-1, 2, 0)):
                centre = planar.trajectory.weights[frame] if moving else None
                theta = at(cut.plane, values[i], values[j], centre)
                expected = torch_loss(planar.setup.network, theta, points, labels)
                assert surface[span, frame, j, i] == pytest.approx(expected, rel=ROUNDED)


def test_the_last_surface_of_a_moving_plane_is_the_one_around_its_centre(planar: Run) -> None:
    evaluator = Evaluator(planar.setup.network, *planar.setup.dataset.train)
    for cut in planar.cuts:
        around = surfaces_around(evaluator, cut.plane, cut.plane.centre, cut.grid)
        assert (cut.loss_surface[:, -1] == around).all()


def test_path_in_another_frame_of_reference__a_grid_point_under_a_frame_has_that_frame_s_loss() -> None:
    """The start lies at (|start - end|, 0) in the plane through both, which is on the edge of a grid with that span."""
    before = compute_run(RunConfig.from_mapping({**SMALL, "planes": [{"kind": "through"}]}))
    span = float(np.linalg.norm(np.subtract(*before.trajectory.weights[[0, -1]].astype(np.float64))))
    run = compute_run(RunConfig.from_mapping({**SMALL, "planes": [{"kind": "through", "spans": [span], "grid": 9}]}))
    cut = run.cuts[0]
    assert cut.path.coordinates[0] == pytest.approx([span, 0], abs=1e-6)
    recorded = run.trajectory.metrics["train_loss"][0]
    assert cut.path_loss[0] == pytest.approx(recorded, rel=1e-6)
    assert cut.loss_surface[0, 0, 4, 8] == pytest.approx(recorded, rel=ROUNDED)
    others = np.delete(cut.loss_surface[0, 0].ravel(), 4 * 9 + 8)
    assert np.abs(others / recorded - 1).min() > 2 * ROUNDED  # no other grid point has this loss


def test_explained_variance_kept_silent__the_manifest_has_it_and_the_residuals(planar: Run) -> None:
    """The manifest says how much of the path each plane contains, and the distance of each frame from the plane."""
    manifest = describe_run(planar)
    weights = planar.trajectory.weights.astype(np.float64)
    total = ((weights - weights.mean(axis=0)) ** 2).sum()
    for entry, cut in zip(manifest["planes"], planar.cuts, strict=True):
        assert {"path", "residual", "path_loss"} <= entry["arrays"].keys()
        assert (entry["random_walk"] is not None) == (entry["kind"] == "pca")
        basis = np.linalg.qr(cut.plane.directions.astype(np.float64).T)[0]
        within = ((weights - weights.mean(axis=0)) @ basis) ** 2
        assert entry["explained_variance"] == pytest.approx(within.sum() / total, rel=1e-9)
        assert entry["cosine"] == cut.plane.cosine
        assert entry["what"]
        assert entry["hides"]
    shares = {entry["name"]: entry["explained_variance"] for entry in manifest["planes"]}
    assert max(shares, key=lambda name: shares[name]) == "pca"  # no plane contains more


def test_two_identical_calls_differ(planar: Run, other_run: Run) -> None:
    again = compute_run(
        planar.setup.config, threads=1, references={other_run.id: other_run.trajectory.weights[-1].copy()}
    )
    for ours, theirs in zip(planar.cuts, again.cuts, strict=True):
        for name in ("loss_surface", "test_loss_surface", "path_loss", "nonconvexity"):
            first, second = getattr(ours, name), getattr(theirs, name)
            assert (first is None and second is None) or first.tobytes() == second.tobytes(), name
        assert ours.plane.directions.tobytes() == theirs.plane.directions.tobytes()
        assert ours.path.coordinates.tobytes() == theirs.path.coordinates.tobytes()
        assert ours.plane.spans == theirs.plane.spans


def test_callers_arrays_left_changed__all_stay_as_they_were(planar: Run) -> None:
    evaluator = Evaluator(planar.setup.network, *planar.setup.dataset.train)
    for plane in planar.planes:
        weights, centre, directions = planar.trajectory.weights.copy(), plane.centre.copy(), plane.directions.copy()
        surfaces_around(evaluator, plane, plane.centre, 5)
        path_on(evaluator, plane, planar.trajectory.weights)
        assert (planar.trajectory.weights == weights).all()
        assert (plane.centre == centre).all()
        assert (plane.directions == directions).all()


# non-convexity ----------------------------------------------------------------------------------------------------


def tiny(seed: int = 0) -> tuple[Network, Plane, Float64, AnyArray]:
    """Make a network of 12 parameters, a plane, and points."""
    network = network_of(2)
    rng = np.random.default_rng(seed)
    points, labels = rng.normal(size=(20, 2)), rng.integers(0, 2, 20)
    return network, with_centre(rng.normal(size=(2, 12)), some_models(network, 1, seed)[0], (0.7, 9.0)), points, labels


def test_the_map_of_nonconvexity_is_the_ratio_of_torchs_extreme_eigenvalues() -> None:
    network, plane, points, labels = tiny()
    found = nonconvexity_over(network, plane, points, labels, 5)
    assert (found.shape, found.dtype.name) == ((5, 5), "float32")
    values = 0.7 * np.linspace(-1, 1, 5)
    expected = np.empty((5, 5))
    for j, b in enumerate(values):
        for i, a in enumerate(values):
            eigenvalues = np.linalg.eigvalsh(torch_hessian(network, at(plane, a, b), points, labels))
            expected[j, i] = eigenvalues[0] / eigenvalues[-1]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert np.abs(expected - expected.T).max() > 0.05  # otherwise a transposed map would not be noticed
    assert make_cut(plane, found).nonconvex_share == (expected < -0.05).mean()


def make_cut(plane: Plane, nonconvexity: AnyArray | None) -> Cut:
    surface = np.zeros((2, 1, 3, 3), np.float32)
    path = path_on(Evaluator(network_of(2), np.zeros((2, 2)), np.zeros(2, np.int64)), plane, np.zeros((1, 12)))
    return Cut(plane, 3, surface, surface, *path, nonconvexity)


def test_nan_silently_replaced__where_there_is_no_finite_hessian_the_map_says_so() -> None:
    network, plane, points, labels = tiny()
    centre = np.zeros(12)
    directions = np.zeros((2, 12))
    directions[0, 0] = directions[1, 1] = 1.0
    far = with_centre(directions, centre, (1e38,))
    found = nonconvexity_over(network, far, points * 1e300, labels, 3)
    assert np.isnan(found).any()
    known = np.array([[np.nan, -0.2], [0.0, -1e6]], np.float32)
    assert make_cut(plane, known).nonconvex_share == 2 / 3
    assert make_cut(plane, np.full((3, 3), np.nan, np.float32)).nonconvex_share is None
    assert make_cut(plane, None).nonconvex_share is None


def test_a_plateau_is_neither_convex_nor_not() -> None:
    """If every softmax is saturated and right, all eigenvalues are 0, and so is the map."""
    network, _, points, _ = tiny()
    labels = np.zeros(len(points), np.int64)
    centre = np.zeros(12)
    centre[-2:] = 1e4, -1e4
    directions = np.eye(2, 12)
    assert (nonconvexity_over(network, with_centre(directions, centre), points, labels, 3) == 0).all()


def test_a_point_without_positive_curvature_is_as_far_from_convex_as_possible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network, plane, points, labels = tiny()
    ends = np.array([-1.0, -2.0, 0.0, np.nan, -1.0, -0.5, 1.0, -3.0, 0.0])
    tops = np.array([-0.5, 0.0, 0.0, np.nan, 1e-300, 2.0, 1.0, 1.0, 4.0])
    monkeypatch.setattr("lossatlas.landscape.cut.extreme_eigenvalues", lambda *_: (ends, tops))
    found = nonconvexity_over(network, plane, points, labels, 3).ravel()
    np.testing.assert_array_equal(found, np.array([-1e6, -1e6, 0, np.nan, -1e6, -0.25, 1, -3, 0], np.float32))


# what training leaves no way to lay -------------------------------------------------------------------------------

AFTER = [{}, {"kind": "pca"}, {"kind": "through"}, {"kind": "hessian"}, {"kind": "gaussian", "normalization": "layer"}]


def test_a_run_of_one_epoch_leaves_pca_out_and_says_why() -> None:
    stages: list[Stage] = []
    config = RunConfig.from_mapping({**SMALL, "planes": AFTER, "training": {"epochs": 1}})
    computation = Computation(Setup.of(config))
    run = computation.finish(list(computation), stages.append)
    assert list(run.loss_surface) == ["fresh", "hessian", "gaussian-layer"]
    assert run.left_out.keys() == {"pca", "through"}
    assert "a line or a point" in run.left_out["pca"]
    assert "on one line" in run.left_out["through"]
    assert [(stage.done, stage.total) for stage in stages] == [(number, 6) for number in range(1, 7)]


def test_a_diverged_run_keeps_the_planes_that_can_be_made() -> None:
    """Planes through frames that were not reached are left out."""
    late = [{"kind": "hessian", "frame": 19}, {"kind": "through", "points": ["end", "start", "frame:18"]}]
    config = diverging_config().with_values(planes=[*AFTER, *late])
    run = compute_run(config)
    assert run.trajectory.outcome.status == "diverged"
    assert "there is no frame 19" in run.left_out["hessian-2"]
    assert "there is no frame 18" in run.left_out["through-2"]
    for cut in run.cuts:
        assert not np.isnan(cut.loss_surface).any()
        assert not np.isnan(cut.path_loss).any()
        middle = cut.grid // 2
        assert (cut.loss_surface[:, -1, middle, middle] == run.trajectory.metrics["train_loss"][-1]).all()
    assert {cut.plane.name for cut in run.cuts} | run.left_out.keys() == set(run.setup.plane_configs)


def test_a_run_that_leaves_no_plane_at_all_is_an_error_that_says_why() -> None:
    config = RunConfig.from_mapping({**SMALL, "planes": AFTER[1:3], "training": {"epochs": 1}})
    with pytest.raises(PlaneError, match=r"a line or a point.*on one line"):
        compute_run(config)


def test_a_missing_run_is_reported_before_training(planar: Run) -> None:
    missing = planar.setup.config.references[0]
    with pytest.raises(ConfigError, match=rf"planes\.5\.points: there is no run {missing} for the plane to go through"):
        Computation(planar.setup)


def test_settings_that_do_not_fit_are_named_by_their_plane(planar: Run) -> None:
    other = planar.setup.config.references[0]
    said = rf"planes\.5\.points: {other} has parameters \[3\], and this network takes finite ones \[49\]"
    with pytest.raises(ConfigError, match=said):
        compute_run(planar.setup.config, references={other: np.zeros(3, np.float32)})

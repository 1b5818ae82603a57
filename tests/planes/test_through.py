"""Tests planes through three points."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lossatlas.engine import Evaluator
from lossatlas.errors import ConfigError, PlaneError
from lossatlas.landscape import loss_surfaces
from lossatlas.planes import ThroughPlane
from lossatlas.runs import RunConfig
from tests.conftest import network_of, some_models
from tests.planes.trained import make_training, train_network
from tests.support.oracles import torch_loss

NETWORK = network_of(5, 4)


@pytest.mark.parametrize(
    ("points", "frames"),
    [
        (("end", "start", "frame:2"), (5, 0, 2)),
        (("frame:3", "end", "start"), (3, 5, 0)),
        (("start", "run:other", "end"), (0, None, 5)),
        (("run:other", "start", "end"), (None, 0, 5)),
    ],
)
def test_the_plane_goes_through_its_three_points(
    points: tuple[str, str, str], frames: tuple[int | None, int | None, int | None]
) -> None:
    other = some_models(NETWORK, 1, 9)[0]
    ended = train_network(NETWORK, {"other": other})
    plane = ThroughPlane(points=points).lay(ended)
    assert plane.orthonormal
    assert plane.centre_frame == frames[0]
    d_a, d_b = plane.directions.astype(np.float64)
    for frame, anchor in zip(frames, plane.anchors, strict=True):
        theta = other if frame is None else ended.trajectory.weights[frame]
        found = plane.centre + anchor.a * d_a + anchor.b * d_b
        np.testing.assert_allclose(found, theta, atol=1e-6 * float(np.linalg.norm(theta)))  # directions are float32
        assert max(abs(anchor.a), abs(anchor.b)) < plane.spans[0]
    first, second, third = plane.anchors
    assert (first.a, first.b) == (0, 0)
    assert second.a > 0
    assert abs(second.b) < 1e-6 * second.a
    assert third.b > 0
    assert ("the end of other" in {anchor.name for anchor in plane.anchors}) == (None in frames)


def test_far_is_the_frame_farthest_from_the_line_by_brute_force() -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        weights = rng.normal(size=(7, NETWORK.parameter_count)).astype(np.float32)
        plane = ThroughPlane(points=("end", "start", "far")).lay(make_training(NETWORK, weights))
        end, start = weights[-1].astype(np.float64), weights[0].astype(np.float64)
        distances = []
        for theta in weights.astype(np.float64):
            share = (theta - end) @ (start - end) / ((start - end) @ (start - end))
            distances.append(math.dist(theta, end + share * (start - end)))
        assert plane.anchors[2].b == pytest.approx(max(distances), rel=1e-6)


def test_the_section_along_a_is_the_linear_interpolation_of_goodfellow() -> None:
    """It is L((1 - α) θ_end + α θ_start) for α from -1 to 1 (Goodfellow et al. 2015), computed in PyTorch."""
    ended = train_network(NETWORK)
    start, end = ended.trajectory.weights[[0, -1]].astype(np.float64)
    plane = ThroughPlane(spans=(math.dist(start, end),)).lay(ended)
    evaluator = Evaluator(NETWORK, ended.points, ended.labels)
    loss = loss_surfaces(evaluator, plane, plane.centre, plane.spans, 11)[0].loss
    for alpha, found in zip(np.linspace(-1, 1, 11), loss[5], strict=True):
        theta = (1 - alpha) * end + alpha * start
        assert found == pytest.approx(torch_loss(NETWORK, theta, ended.points, ended.labels), rel=1e-5)
    assert np.ptp(loss[5]) > 0.1


@pytest.mark.parametrize(
    "points",
    [
        ["end", "start"],
        ["end", "start", "far", "frame:1"],
        ["end", "far", "start"],
        ["far", "end", "start"],
        ["end", "end", "start"],
        ["end", "start", "moon"],
        ["end", "start", "frame:-1"],
        ["end", "start", "frame:"],
        ["end", "start", "run:"],
        ["end", "start", "run:../x"],
        ["end", "start", "END"],
    ],
)
def test_anything_but_three_points_is_refused(points: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        ThroughPlane.from_mapping({"points": points})
    assert {field.split(".")[0] for field, _ in caught.value.faults} == {"points"}


@pytest.mark.parametrize("points", [("end", "frame:5", "start"), ("end", "start", "frame:0"), ("end", "start", "far")])
def test_points_that_are_the_same_or_on_a_line_span_no_plane(points: tuple[str, str, str]) -> None:
    line = np.outer(np.arange(6), some_models(NETWORK, 1)[0])
    with pytest.raises(PlaneError, match="do not span a plane"):
        ThroughPlane(points=points).lay(make_training(NETWORK, line))


def test_a_run_of_another_size_is_refused_with_both_sizes() -> None:
    ended = train_network(NETWORK, {"other": some_models(network_of(3), 1)[0]})
    with pytest.raises(ConfigError, match="points: run:other has 17 parameters, and this network 49"):
        ThroughPlane(points=("end", "start", "run:other")).lay(ended)


def test_a_plane_names_the_runs_and_the_frames_that_it_goes_through() -> None:
    plane = ThroughPlane(points=("frame:4", "run:a-1", "run:b-2"))
    assert (plane.references, plane.frames) == (("a-1", "b-2"), (4,))
    assert RunConfig(planes=(plane,)).references == ("a-1", "b-2")
    with pytest.raises(ConfigError, match=r"planes\.0: there will be no frame 4"):
        RunConfig.from_mapping({"planes": [plane.model_dump()], "training": {"frames": 4}})

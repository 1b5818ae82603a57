"""Tests the public names, and compares what a run computes with slow loops over its parameters."""

from __future__ import annotations

import ast
import doctest
import re
import struct
import subprocess
import sys
import zlib
from base64 import b64decode
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import lossatlas
from lossatlas.errors import ConfigError, DataError
from lossatlas.planes import FreshPlane
from lossatlas.runs import Run, RunConfig, compute_run
from tests.support.oracles import torch_loss


@pytest.fixture(scope="module")
def run() -> Run:
    return compute_run(
        RunConfig(
            dataset={"name": "moons", "points": 60},
            model={"hidden": (5,)},
            training={"epochs": 12, "frames": 5},
            planes=({"kind": "fresh", "grid": 5, "moving": True}, {"kind": "pca", "grid": 5}),
        )
    )


def test_type_checkers_find_each_public_name_where_the_table_says() -> None:
    [block] = [node for node in ast.parse(Path(lossatlas.__file__).read_text("utf-8")).body if isinstance(node, ast.If)]
    imported = {
        (alias.name, alias.asname, node.module)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == {(name, name, f"lossatlas.{home}") for name, home in lossatlas._HOMES.items()}


def test_all_public_names_come_with_a_star() -> None:
    scope: dict[str, object] = {}
    exec("from lossatlas import *", scope)
    assert scope.keys() - {"__builtins__"} == set(lossatlas.__all__)


@pytest.mark.parametrize("name", lossatlas.__all__)
def test_examples_of_public_names_are_true(name: str) -> None:
    finder, runner = doctest.DocTestFinder(exclude_empty=True), doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for each in finder.find(getattr(lossatlas, name), name):
        runner.run(each)
    assert runner.summarize(verbose=False).failed == 0


def test_a_run_has_examples() -> None:
    examples = [example for each in doctest.DocTestFinder().find(Run, "Run") for example in each.examples]
    assert len(examples) >= 3


@pytest.mark.parametrize("points", ["train", "test"])
@pytest.mark.parametrize(("plane", "frame"), [("fresh", 2), ("pca", -1), ("pca", 0)])
def test_a_surface_is_the_loss_of_each_model_on_the_plane(run: Run, plane: str, frame: int, points: str) -> None:
    surface = run.surface(plane, frame=frame, span=0.7, grid=5, points=points)  # type: ignore[arg-type]
    network, dataset = run.setup.network, run.setup.dataset
    inputs, labels = dataset.train if points == "train" else dataset.test
    a_axis, b_axis = run.plane(plane).plane.directions.astype(np.float64)
    theta = run.trajectory.weights[frame].astype(np.float64)
    np.testing.assert_allclose(surface.coordinates, [-0.7, -0.35, 0, 0.35, 0.7])
    for j, b in enumerate(surface.coordinates):
        for i, a in enumerate(surface.coordinates):
            expected = torch_loss(network, theta + a * a_axis + b * b_axis, inputs, labels)
            assert surface.loss[j, i] == pytest.approx(expected, rel=2e-5)


def test_the_centre_has_the_recorded_loss_and_custom_planes_are_allowed(run: Run) -> None:
    drawn = FreshPlane(seed=7).draw(run.setup.network, "drawn")
    for frame, recorded in enumerate(run.trajectory.metrics["train_loss"]):
        assert run.surface(drawn, frame=frame, grid=3).centre == pytest.approx(recorded, rel=1e-6)
    fixed = run.surface("pca", frame=None, grid=5)
    stored = run.plane("pca")
    assert fixed.span == stored.plane.spans[0]
    np.testing.assert_allclose(fixed.loss, stored.loss_surface[0, 0], rtol=1e-3)


def test_a_boundary_is_that_which_is_stored(run: Run) -> None:
    for frame in range(len(run.trajectory.weights)):
        found = run.boundary(frame)
        np.testing.assert_array_equal(found.predicted_class, run.predicted_class[frame])
        np.testing.assert_allclose(found.confidence, run.confidence[frame] / 255, atol=0.51 / 255)
    np.testing.assert_array_equal(run.boundary().predicted_class, run.predicted_class[-1])


def test_the_plane_that_is_shown_first_is_the_usual_one(run: Run) -> None:
    assert run.plane() is run.cuts[0]
    assert run.plane("pca").path.coordinates.shape == (5, 2)
    np.testing.assert_array_equal(run.surface(grid=3).loss, run.surface("fresh", grid=3).loss)


def test_errors_name_what_a_run_does_not_have(run: Run) -> None:
    with pytest.raises(DataError, match="this run has no plane 'hessian'; it has fresh, pca"):
        run.surface("hessian")
    with pytest.raises(DataError, match="there is no frame 5; the run has frames 0 to 4"):
        run.boundary(5)
    with pytest.raises(DataError, match="points is 'all'; give 'train' or 'test'"):
        run.surface(points="all")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="the directions 'drawn' have no centre; give a frame"):
        run.surface(FreshPlane().draw(run.setup.network, "drawn"), frame=None)
    with pytest.raises(ConfigError, match="10 is not allowed: give an odd number"):
        run.surface("pca", grid=10)


def decode_png(data: bytes) -> np.ndarray:
    """Decode a PNG by its specification to ``[H, W, 3]``: it has one IDAT chunk, and its rows have no filter."""
    width, height = struct.unpack(">II", data[16:24])
    at = data.index(b"IDAT")
    [size] = struct.unpack(">I", data[at - 4 : at])
    rows = np.frombuffer(zlib.decompress(data[at + 4 : at + 4 + size]), np.uint8).reshape(height, 1 + 3 * width)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, 3)


def test_a_run_shows_itself_in_a_notebook(run: Run) -> None:
    shown = run._repr_html_()
    root = ElementTree.fromstring(re.sub(r"<(br|img[^>]*)>", r"<\1/>", shown))
    text = "".join(root.itertext())
    assert run.setup.title in text
    assert f"{run.trajectory.metrics['train_loss'][-1]:.3g}" in text
    pictures = root.findall(".//img")
    assert [bool(each.get("alt")) for each in pictures] == [True, True]
    surface, boundary = (decode_png(b64decode(each.get("src", "").split(",")[1])) for each in pictures)
    # The darkest cell has the lowest loss, with b upwards; the colours differ where the classes differ.
    loss = run.loss_surface["fresh"][0, -1][::-1]
    assert np.unravel_index(surface.sum(axis=-1).argmin(), loss.shape) == np.unravel_index(loss.argmin(), loss.shape)
    blue = boundary[..., 2].astype(int) >= boundary[..., 0]
    np.testing.assert_array_equal(blue, run.predicted_class[-1][::-1] == 0)
    assert len(root.findall(".//polyline")) == 2


def test_figures_hold_the_arrays_that_they_draw(run: Run) -> None:
    [trace] = run.plot_surface("pca", frame=2, span=0.5, grid=7).data
    surface = run.surface("pca", frame=2, span=0.5, grid=7)
    np.testing.assert_array_equal(trace.x, surface.coordinates)
    np.testing.assert_allclose(trace.z, surface.loss)
    np.testing.assert_allclose(10 ** np.asarray(trace.surfacecolor), surface.loss, rtol=1e-6)
    ticks = 10.0 ** np.asarray(trace.colorbar.tickvals)
    np.testing.assert_allclose(ticks, [float(text) for text in trace.colorbar.ticktext])
    assert surface.loss.min() <= min(ticks) < max(ticks) <= surface.loss.max()

    figure = run.plot_boundary(0)
    regions, *classes = figure.data
    np.testing.assert_array_equal(regions.z, run.predicted_class[0])
    dataset = run.setup.dataset
    assert [trace.name for trace in classes] == list(dataset.class_names)
    shown = np.concatenate([np.stack([trace.x, trace.y], axis=1) for trace in classes])
    given = np.concatenate([(dataset.points * dataset.scale + dataset.mean)[dataset.labels == k] for k in range(2)])
    np.testing.assert_allclose(shown, given)
    # The values are in the units of the data.
    assert min(regions.x) < shown[:, 0].min() < shown[:, 0].max() < max(regions.x)
    assert figure.layout.title.text == f"{run.setup.title} · epoch 0"

    train, test = run.plot_curves().data
    np.testing.assert_allclose(train.y, run.trajectory.metrics["train_loss"])
    np.testing.assert_allclose(test.y, run.trajectory.metrics["test_loss"])
    np.testing.assert_array_equal(train.x, run.trajectory.epochs)


def test_without_plotly_a_figure_says_how_to_get_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(lossatlas.LossAtlasError, match=r'pip install "lossatlas\[plot\]"'):
        run.plot_curves()


def test_the_package_is_a_command() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "lossatlas", "--help"], check=True, capture_output=True, text=True
    ).stdout
    assert "serve" in printed

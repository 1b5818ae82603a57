"""Compares what is computed from a recording, and the resulting run, with plain PyTorch."""

from __future__ import annotations

import json
import pickle
import webbrowser
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import lossatlas.torch as lat
from lossatlas.cli.commands import commands
from lossatlas.errors import DataError, RunDamagedError
from lossatlas.planes import principal_directions
from lossatlas.runs import RecordedRun
from lossatlas.server import show
from lossatlas.store import Gallery, open_run, read_manifest, run_folder
from lossatlas.torch import curvature_of_frames, plane_cutter
from tests.own_models.test_model import as_ours, at, slow_loss
from tests.own_models.trainings import convolutional, images, shuffling, train
from tests.server.live import get

CROSS_ENTROPY = torch.nn.CrossEntropyLoss()
PLANES: Any = (
    {"kind": "gaussian", "normalization": "filter", "spans": (0.5,), "grid": 5},
    {"kind": "pca", "grid": 5},
    {"kind": "hessian", "grid": 5},
    {"kind": "fresh", "grid": 5},
)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, lat.Recorder]:
    """Record a convolutional network, and return the data folder and the recorder."""
    torch.manual_seed(3)
    model, data = convolutional(), tmp_path_factory.mktemp("network")
    loader = [images().tensors]  # one batch has the statistics of all samples
    options: Any = {"planes": PLANES, "curvature": 2, "data": data, "name": "small CNN", "batch_size": 48}
    with lat.Recorder(model, CROSS_ENTROPY, loader, loader, **options) as recorder:
        train(model, shuffling(images()), 3, recorder.snapshot)
    return data, recorder


@pytest.fixture(scope="module")
def layered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[torch.nn.Module], Any]:
    """Record a network of linear layers on two inputs; return the folder, the model at each frame, and the points."""
    torch.manual_seed(0)
    data = tmp_path_factory.mktemp("layered")
    points = torch.randn(60, 2)
    labels = (points[:, 0] * points[:, 1] > 0).long()
    model = torch.nn.Sequential(torch.nn.Linear(2, 6), torch.nn.ReLU(), torch.nn.Linear(6, 5), torch.nn.ReLU())
    model.append(torch.nn.Linear(5, 2))
    seen = [at(model, flat(model))]
    parts = [(points[:40], labels[:40])], [(points[40:], labels[40:])]
    options: Any = {"data": data, "name": "quadrants", "curvature": 2, "planes": PLANES}
    with lat.Recorder(model, CROSS_ENTROPY, *parts, **options) as recorder:
        train(model, parts[0], 4, lambda: seen.append(recorded(model, recorder)))
    return data, seen, parts


def recorded(model: torch.nn.Module, recorder: lat.Recorder) -> torch.nn.Module:
    """Take a snapshot, and return a copy of the model."""
    recorder.snapshot()
    return at(model, flat(model))


def flat(model: torch.nn.Module) -> Any:
    return np.concatenate([p.detach().double().numpy().ravel() for p in model.parameters()])


def only_run(data: Path) -> RecordedRun:
    [run_id] = Gallery(data).ids()
    return cast(RecordedRun, open_run(run_folder(data, run_id)))


def test_a_plain_network_becomes_a_run_that_the_page_can_evaluate(layered: Any) -> None:
    data, models, (train_part, test_part) = layered
    run = only_run(data)
    assert (run.manifest["format_version"], run.manifest["source"]) == (2, "recorded")
    assert run.manifest["model"]["layers"] == [2, 6, 5, 2]
    assert run.manifest["model"]["activation"] == "relu"
    assert run.arrays["weights"].shape == (5, 6 * 3 + 5 * 7 + 2 * 6)
    assert run.planes == ("gaussian-filter", "pca", "hessian", "fresh")
    for part, name in ((train_part, "train_loss"), (test_part, "test_loss")):
        [(points, labels)] = part
        expected = [float(CROSS_ENTROPY(model(points.double()), labels).detach()) for model in models]
        assert np.abs(run.metrics[name] - expected).max() < 1e-6
    with torch.no_grad():
        logits = models[-1](train_part[0][0].double())
    assert (run.arrays["point_predicted_class"][-1, :40] == logits.argmax(1).numpy()).all()
    assert "training" not in run.manifest["config"]


def test_its_surfaces_are_those_of_torch(layered: Any) -> None:
    data, models, (train_part, _) = layered
    run, [(points, labels)] = only_run(data), train_part
    plane = run.plane("pca")
    [span, *_], weights = run.manifest["planes"][1]["spans"], run.arrays["weights"].astype(np.float64)
    for j, i in ((0, 0), (1, 3), (2, 2), (4, 1)):
        a, b = span * plane["coordinates"][[i, j]]
        model = at(models[-1], weights[-1] + np.array([a, b]) @ plane["directions"].astype(np.float64))
        with torch.no_grad():
            expected = float(CROSS_ENTROPY(model(points.double()), labels))
        assert plane["loss_surface"][0, 0, j, i] == pytest.approx(expected, rel=1e-3)


def test_both_tiers_compute_the_same_planes_paths_and_spectra(layered: Any, tmp_path: Path) -> None:
    """The same recording becomes a run by the engine of this package, and, without a boundary, by PyTorch."""
    data, models, parts = layered
    ours = only_run(data)
    model = torch.nn.Sequential(torch.nn.Linear(2, 6), torch.nn.ReLU(), torch.nn.Linear(6, 5), torch.nn.ReLU())
    model.append(torch.nn.Linear(5, 2))
    options: Any = {"data": tmp_path, "curvature": 2, "planes": PLANES[:3], "boundary": "none"}
    with lat.Recorder(model, CROSS_ENTROPY, *parts, **options) as recorder:
        recorder.begin()
        for number, seen in enumerate(models):
            model.load_state_dict(seen.state_dict())
            recorder.snapshot(number)
    theirs = only_run(tmp_path)
    assert "layers" in ours.manifest["model"]
    assert "layers" not in theirs.manifest["model"]
    assert np.array_equal(np.array(recorder.recording.weights[:]), ours.arrays["weights"])
    for number, name in enumerate(("gaussian-filter", "pca", "hessian")):
        a, b = (run.plane(name) for run in (ours, theirs))
        one, other = (run.manifest["planes"][number] for run in (ours, theirs))
        # An eigenvector has no sign. Its largest component is made positive, and two may be nearly as large.
        turns = [1, 1] if name != "hessian" else np.sign((a["path"] * b["path"]).sum(axis=0)).astype(int).tolist()
        b = {**b, "path": b["path"] * turns}
        for array in ("loss_surface", "test_loss_surface"):
            turned = b[array][..., :: turns[1], :: turns[0]]
            assert turned == pytest.approx(a[array], rel=2e-3), (name, array)
        assert b["path_loss"] == pytest.approx(a["path_loss"], rel=2e-3)
        reach = np.linalg.norm(a["path"], axis=1).max()
        assert np.abs(b["path"] - a["path"]).max() < 1e-4 * reach, name
        assert np.abs(b["residual"] - a["residual"]).max() < 1e-4 * reach, name
        assert other["explained_variance"] == pytest.approx(one["explained_variance"], abs=1e-4)
        if name == "hessian":
            assert other["eigenvalues"] == pytest.approx(one["eigenvalues"], rel=2e-3)
    one, other = (run.manifest["curvature"] for run in (ours, theirs))
    assert one["frames"] == other["frames"]
    for end in ("largest", "smallest"):
        assert other[end] == pytest.approx(one[end], abs=0.02 * max(one["largest"]))
    for a, b, error in zip(one["trace"], other["trace"], other["trace_error"], strict=True):
        assert abs(a - b) < 5 * error + 1e-3 * abs(a)


def test_a_recorded_run_keeps_gram_matrix_and_recipes_and_no_parameters(network: Any) -> None:
    data, recorder = network
    run = only_run(data)
    assert [verdict.fault for verdict in Gallery(data).verify()] == [None]
    assert run.manifest["format_version"] == 2
    assert run.planes == ("gaussian-filter", "pca", "hessian")
    assert [entry["name"] for entry in run.manifest["left_out"]] == ["fresh"]
    assert "Gaussian" in run.manifest["left_out"][0]["why"]
    assert not [name for name in run.arrays if name.endswith(("weights", "directions", "centre"))]
    weights = np.array(recorder.recording.weights[:])
    away = weights.astype(np.float64) - weights[-1]
    assert np.allclose(run.arrays["gram"], away @ away.T)
    recipe = np.array(run.manifest["planes"][1]["recipe"]["coefficients"])
    assert np.allclose(recipe @ weights.astype(np.float64), principal_directions(weights), atol=1e-5)
    path = run.plane("pca")["path"]
    assert np.allclose(path, away @ principal_directions(weights).T, atol=1e-4)


def test_every_centre_is_the_recorded_loss_and_test_losses_are_with_refreshed_statistics(network: Any) -> None:
    data, recorder = network
    run = only_run(data)
    moving = run.plane("gaussian-filter")["loss_surface"]
    assert moving.shape == (1, 4, 5, 5)
    assert moving[0, :, 2, 2] == pytest.approx(run.metrics["train_loss"], rel=1e-6)
    last = at(convolutional(), np.array(recorder.recording.theta(-1), np.float64))
    assert run.metrics["train_loss"][-1] == pytest.approx(slow_loss(last, "batch"), rel=1e-5)
    assert run.metrics["test_loss"][-1] == pytest.approx(slow_loss(last, "refreshed"), rel=1e-5)
    assert run.plane("pca")["test_loss_surface"][0, 0, 2, 2] == pytest.approx(run.metrics["test_loss"][-1], rel=1e-5)
    assert run.manifest["planes"][0]["batchnorm"] == {"train": "batch", "test": "refreshed"}
    assert run.manifest["in_use"]["eval_train_loss"][0] != run.manifest["metrics"]["train_loss"][0]


def test_curvature_is_that_of_the_whole_matrix(network: Any) -> None:
    data, recorder = network
    curvature = only_run(data).manifest["curvature"]
    theta = np.array(recorder.recording.theta(-1), np.float64)
    operator = lat.TorchHessian(as_ours(convolutional(), dtype=torch.float64), theta)
    matrix = np.concatenate([operator.products(row[None]) for row in np.eye(len(theta))])
    values = np.linalg.eigvalsh((matrix + matrix.T) / 2)
    assert curvature["frames"] == [0, 3]
    assert curvature["largest"][-1] == pytest.approx(values[-1], rel=0.02)
    assert curvature["smallest"][-1] == pytest.approx(values[0], abs=0.02 * values[-1])
    assert abs(curvature["trace"][-1] - values.sum()) < 5 * curvature["trace_error"][-1]
    assert curvature["adaptive_sharpness"] == [None, None]
    assert curvature["stability"] is None


def test_every_hessian_uses_running_statistics_if_they_are_requested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def noted(*given: Any) -> lat.TorchHessian:
        hessian = lat.TorchHessian(*given)
        seen.append(hessian.statistics)
        return hessian

    monkeypatch.setattr(plane_cutter, "TorchHessian", noted)
    monkeypatch.setattr(curvature_of_frames, "TorchHessian", noted)
    loader = [images().tensors]
    options: Any = {"planes": ({"kind": "hessian", "grid": 5},), "curvature": 1, "boundary": "none"}
    model = convolutional()
    with lat.Recorder(model, CROSS_ENTROPY, loader, data=tmp_path, batchnorm="running", **options) as recorder:
        train(model, shuffling(images()), 2, recorder.snapshot)
    assert seen == ["running", "running"]  # one is for the plane, and one for the curvature


def test_the_boundary_goes_through_three_samples_at_one_scale(network: Any) -> None:
    data, recorder = network
    run = only_run(data)
    arrays, boundary = run.arrays, run.manifest["boundary"]
    assert (boundary["kind"], boundary["equal"]) == ("samples", True)
    assert arrays["labels"].tolist() == [0, 1, 2]
    assert arrays["anchor_images"].shape == (3, 6, 6, 1)
    steps = np.concatenate([np.diff(arrays["grid_x"]), np.diff(arrays["grid_y"])])
    assert np.allclose(steps, steps[0], rtol=1e-4)
    pictures = images().tensors[0][:3].double()
    a, b, c = (picture.ravel().numpy() for picture in pictures)
    along = (b - a) / np.linalg.norm(b - a)
    across = (c - a) - ((c - a) @ along) * along
    across /= np.linalg.norm(across)
    assert arrays["points"][1] == pytest.approx([np.linalg.norm(b - a), 0], abs=1e-5)
    assert arrays["points"][2] == pytest.approx([(c - a) @ along, (c - a) @ across], abs=1e-5)
    model = at(convolutional(), np.array(recorder.recording.theta(2), np.float64))
    start, recording = 0, recorder.recording
    for tensor, buffer in zip(recording.buffers, model.buffers(), strict=True):
        values = recording.buffers_at(2)[start : start + tensor.size]
        buffer.copy_(torch.from_numpy(np.array(values)).reshape(tensor.shape))
        start += tensor.size
    for row, column in ((0, 0), (10, 33), (40, 5)):
        x, y = arrays["grid_x"][column], arrays["grid_y"][row]
        point = torch.from_numpy((a + float(x) * along + float(y) * across).reshape(1, 1, 6, 6))
        with torch.no_grad():
            odds = torch.softmax(model(point), dim=1)[0]
        assert arrays["predicted_class"][2, row, column] == int(odds.argmax())
        assert arrays["confidence"][2, row, column] / 255 == pytest.approx(float(odds.max()), abs=0.004)


def test_finishing_a_recording_again_replaces_its_run(network: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, loader = convolutional(), [images().tensors]
    options: Any = {"planes": PLANES[:1], "curvature": 0, "boundary": "none", "data": tmp_path, "batchnorm": "running"}
    with lat.Recorder(model, CROSS_ENTROPY, loader, **options) as recorder:
        recorder.snapshot()
    assert only_run(tmp_path).epochs == (0, 1)
    recorder.snapshot()
    recorder.finish()
    run = only_run(tmp_path)
    assert run.epochs == (0, 1, 2)
    assert run.manifest["boundary"] is None
    assert "test_loss_surface" not in run.plane()
    assert run.manifest["metrics"]["test_loss"] == [None] * 3


def test_another_model_than_the_recorded_one_is_refused(network: Any) -> None:
    _, recorder = network
    from lossatlas.torch.plane_cutter import refuse_another_model

    # The recorded parameters make it the recorded model.
    refuse_another_model(recorder.recording, as_ours(convolutional()))
    other = as_ours(convolutional(), batch_size=7)
    with pytest.raises(DataError, match="not the model, or not the data, that was recorded"):
        refuse_another_model(recorder.recording, other)


def test_the_command_line_handles_recorded_runs(network: Any, layered: Any) -> None:
    for data in (network[0], layered[0]):
        run = only_run(data)
        for command in (["list"], ["info", run.id], ["verify"]):
            result = CliRunner().invoke(commands, [*command, "--data", str(data)])
            assert result.exit_code == 0, result.output
            assert run.title in result.output or "1 of 1 runs are sound" in result.output
    [entry] = Gallery(network[0]).index()["runs"]
    assert (entry["source"], entry["title"]) == ("recorded", "small CNN · Sequential")


def test_nothing_in_a_run_folder_is_executed(network: Any, tmp_path: Path) -> None:
    import shutil

    class Attack:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "executed",)

    [run_id] = Gallery(network[0]).ids()
    folder = shutil.copytree(run_folder(network[0], run_id), tmp_path / "data" / "runs" / run_id)
    manifest = read_manifest(folder)
    (folder / "gram.npy").write_bytes(pickle.dumps(Attack()))
    with pytest.raises(RunDamagedError, match=r"gram\.npy"):
        open_run(folder)
    np.save(folder / "gram.npy", np.array([Attack()], dtype=object), allow_pickle=True)
    with pytest.raises(RunDamagedError, match=r"gram\.npy"):
        open_run(folder)
    manifest["arrays"]["gram"]["file"] = "../../../secret.npy"
    (folder / "run.json").write_text(json.dumps(manifest))
    with pytest.raises(RunDamagedError, match="outside the run"):
        open_run(folder)
    assert not (tmp_path / "executed").exists()
    result = CliRunner().invoke(commands, ["verify", "--data", str(tmp_path / "data")])
    assert result.exit_code == 1
    assert "keep a recorded one" in result.output + result.stderr


def test_a_recorded_run_is_shown_from_its_gallery_and_from_memory(
    layered: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _url: True)
    data, _, _ = layered
    run = only_run(data)
    assert run.folder == run_folder(data, run.id).resolve()
    for given in (run_folder(data, run.id), run, replace(run, folder=None)):
        viewer = show(given, plane="pca", frame=-1)
        address, _, query = viewer.url.partition("?")
        assert query == f"run={run.id}&plane=pca&epoch={run.epochs[-1]}"
        assert run.id in [entry["id"] for entry in get(f"{address}data/index.json").json()["runs"]]
        assert get(f"{address}data/runs/{run.id}/run.json").json() == run.manifest
        viewer.close()
    with pytest.raises(DataError, match="no plane 'nowhere'; it has gaussian-filter"):
        show(run, plane="nowhere")

"""Tests that further planes are cut with the recorded model only, and that hostile folders do no harm."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lossatlas.torch as lat
from lossatlas.errors import DataError, DataFolderError, PlaneError
from lossatlas.runs import RecordedRun
from lossatlas.site import export_site
from lossatlas.store import Gallery, open_stored, recorded_planes, run_folder
from lossatlas.store import write as store_write
from lossatlas.torch import plane_cutter
from tests.own_models.test_model import as_ours, at, slow_loss, theta_of
from tests.own_models.test_refinement import compiling
from tests.own_models.trainings import convolutional, images, shuffling, train
from tests.test_cli import lossatlas

CROSS_ENTROPY = torch.nn.CrossEntropyLoss()
PLANES: Any = ({"kind": "pca", "grid": 5}, {"kind": "gaussian", "normalization": "filter", "spans": (0.5,), "grid": 5})
MAKERS = (Path(__file__).parent / "factories.py").read_text()


def record(data: Path, **options: Any) -> str:
    torch.manual_seed(3)
    model, loader = convolutional(), [images().tensors]
    whole: Any = {"planes": PLANES, "curvature": 0, "name": "small CNN", "batch_size": 48, "data": data, **options}
    with lat.Recorder(model, CROSS_ENTROPY, loader, loader, **whole) as recorder:
        train(model, shuffling(images()), 3, recorder.snapshot)
    [run_id] = Gallery(data).ids()
    return run_id


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Provide a data folder with a recorded run, which no test changes."""
    data = tmp_path_factory.mktemp("recorded")
    return data, record(data)


@pytest.fixture
def place(recorded: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str]:
    """Copy the data folder into a working folder that contains a module of factories."""
    data, run_id = recorded
    (tmp_path / "makers.py").write_text(MAKERS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "makers", raising=False)
    return shutil.copytree(data, tmp_path / "data"), run_id


def cut(run_id: str, *arguments: str, data: str = "data") -> Any:
    return lossatlas("cut", run_id, "--data", data, *arguments)


def open_recorded(data: Path, run_id: str) -> RecordedRun:
    found = open_stored(run_folder(data, run_id))
    assert isinstance(found, RecordedRun)
    return found


def digest(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_planes_are_added_whose_losses_are_those_of_torch(place: tuple[Path, str]) -> None:
    data, run_id = place
    before = digest(data / "runs")
    planes = ["--plane", "through:end,start,frame:1", "--plane", "gaussian", "--plane-seed", "5", "--spans", "0.4,0.1"]
    done = cut(run_id[:9], *planes, "--model", "makers:make", "--grid", "5")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["through", "gaussian", str(run_folder(Path("data"), run_id))]
    run = open_recorded(data, run_id)
    assert run.planes == ("pca", "gaussian-filter", "through", "gaussian")
    after = digest(data / "runs")
    assert {name: after[name] for name in before if not name.endswith("run.json")} == {
        name: value for name, value in before.items() if not name.endswith("run.json")
    }
    thetas = [np.load(file).astype(np.float64) for file in sorted((data / "recordings" / run_id).glob("theta-*.npy"))]
    ends = thetas[0] - thetas[-1]
    along = ends / np.linalg.norm(ends)
    other = thetas[1] - thetas[-1]
    across = other - (other @ along) * along
    across /= np.linalg.norm(across)
    plane, [span] = run.plane("through"), [0.4]
    assert plane["loss_surface"].shape == (2, 1, 5, 5)
    for j, i in ((0, 0), (1, 3), (4, 2)):
        a, b = span * plane["coordinates"][[i, j]]
        expected = slow_loss(at(convolutional(), thetas[-1] + a * along + b * across), "batch")
        assert plane["loss_surface"][0, 0, j, i] == pytest.approx(expected, rel=1e-3)
    for name in ("through", "gaussian"):
        assert run.plane(name)["loss_surface"][:, 0, 2, 2] == pytest.approx(run.metrics["train_loss"][-1], rel=1e-7)
        assert run.plane(name)["test_loss_surface"][0, 0, 2, 2] == pytest.approx(run.metrics["test_loss"][-1], rel=1e-7)
    assert [verdict.fault for verdict in Gallery(data).verify()] == [None]


def test_fresh_directions_are_two_models_of_the_factory_and_surfaces_along_them_are_those_of_torch(
    place: tuple[Path, str],
) -> None:
    data, run_id = place
    options = ["--plane", "fresh", "--plane-seed", "3", "--grid", "3", "--spans", "1,0.1", "--model"]
    before, generator = digest(data / "runs"), torch.get_rng_state()
    done = cut(run_id, *options, "makers:seeded")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "must neither seed the random generators nor load parameters" in done.stderr
    assert digest(data / "runs") == before
    done = cut(run_id, *options, "makers:make")
    assert done.returncode == 0, done.stderr
    fresh = []
    for seed in (6, 7):
        torch.manual_seed(seed)
        fresh.append(theta_of(convolutional()))
    run = open_recorded(data, run_id)
    entry, plane = run.manifest["planes"][-1], run.plane("fresh")
    assert np.array_equal(
        np.load(data / "recordings" / run_id / entry["recipe"]["vectors"]), np.array(fresh, np.float32)
    )
    assert (entry["kind"], entry["seed"], entry["normalization"]) == ("fresh", 3, "none")
    thetas = [np.load(file).astype(np.float64) for file in sorted((data / "recordings" / run_id).glob("theta-*.npy"))]
    assert plane["loss_surface"].shape == (2, 4, 3, 3)
    for frame, zoom, (j, i) in ((0, 0, (0, 2)), (3, 0, (2, 1)), (1, 1, (0, 0))):
        a, b = (1, 0.1)[zoom] * plane["coordinates"][[i, j]]
        expected = slow_loss(at(convolutional(), thetas[frame] + a * fresh[0] + b * fresh[1]), "batch")
        assert plane["loss_surface"][zoom, frame, j, i] == pytest.approx(expected, rel=1e-3)
    assert plane["loss_surface"][:, :, 1, 1] == pytest.approx(np.tile(run.metrics["train_loss"], (2, 1)), rel=1e-6)
    torch.set_rng_state(generator)
    options_of_python: Any = {"data": data, "grid": 3, "replace": True}
    lat.cut(run_id, ["fresh-filter"], lambda: (convolutional(), CROSS_ENTROPY), **options_of_python)
    assert torch.equal(torch.get_rng_state(), generator)
    with pytest.raises(PlaneError, match="a model alone does not say how it is initialised"):
        lat.cut(run_id, ["fresh"], convolutional(), CROSS_ENTROPY, **options_of_python)
    assert open_recorded(data, run_id).planes == ("pca", "gaussian-filter", "fresh", "fresh-filter")
    assert [verdict.fault for verdict in Gallery(data).verify()] == [None]


def test_a_second_plane_of_the_same_name_is_refused_or_replaces_the_first_or_gets_another_name(
    place: tuple[Path, str],
) -> None:
    data, run_id = place
    before = digest(data / "runs")
    done = cut(run_id, "--plane", "pca", "--model", "makers:make")
    assert done.returncode == 1
    assert done.stderr == ("Error: --plane: the run has a plane 'pca' already; give --replace, or --name for another\n")
    assert digest(data / "runs") == before
    assert cut(run_id, "--plane", "pca", "--name", "wide", "--grid", "3", "--model", "makers:make").returncode == 0
    done = cut(run_id, "--plane", "pca", "--replace", "--grid", "7", "--model", "makers:make")
    assert done.returncode == 0, done.stderr
    run = open_recorded(data, run_id)
    assert run.planes == ("pca", "gaussian-filter", "wide")
    shapes = [run.plane(name)["loss_surface"].shape[-1] for name in run.planes]
    assert shapes == [7, 5, 3]
    assert len(list((run_folder(data, run_id) / "planes").iterdir())) == 3
    exported = export_site(Gallery(data), data / "site").site / "data" / "runs" / run_id
    planes = json.loads((exported / "run.json").read_bytes())["planes"]  # names of files differ in an export
    assert [plane["name"] for plane in planes] == ["pca", "gaussian-filter", "wide"]
    assert all((exported / array["file"]).is_file() for plane in planes for array in plane["arrays"].values())


@pytest.mark.parametrize(
    ("factory", "sentence"),
    [
        ("makers:other_data", None),  # the recording's own samples are used
        ("makers:alone", "--loss: there is none; give package.module:function, or let the factory return it too"),
        ("makers:doubled", "was recorded: this is not the model, or not the data, that was recorded"),
        ("makers:other_model", "with other parameters (0.bias, 0.weight, 1.bias, …): this is not the model"),
        ("makers:other_order", "of a model with other parameters (their order): this is not the model"),
        ("makers:nothing", "makers:nothing() returns a NoneType, and no torch.nn.Module; return (model, loss_fn,"),
        ("makers:fails", "makers:fails() failed: FileNotFoundError: no weights here"),
        ("makers:number", "makers:number is a int, and no function that can be called"),
        ("makers:absent", "makers has no 'absent'; it has make, seeded, alone, whole, named"),
        ("elsewhere.models:make", "there is no module 'elsewhere', neither installed nor in this folder"),
        ("broken:make", "broken cannot be imported: ZeroDivisionError: division by zero"),
        ("needy:make", "needy cannot be imported, because it needs 'absent_library', which is not installed"),
        ("makers.py:make", "'makers.py:make' is a file; give its module, as makers:make"),
        ("makers", "'makers' is not of the form package.module:name"),
    ],
)
def test_anything_but_the_recorded_model_gives_one_line_and_changes_nothing(
    place: tuple[Path, str], factory: str, sentence: str | None
) -> None:
    data, run_id = place
    Path("broken.py").write_text("1 / 0")
    Path("needy.py").write_text("import absent_library")
    before = digest(data)
    done = cut(run_id, "--plane", "through", "--grid", "3", "--model", factory)
    if sentence is None:
        assert done.returncode == 0, done.stderr
        return
    assert done.returncode == 1
    assert sentence in done.stderr
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert digest(data) == before


def test_both_losses_are_named_where_they_differ(place: tuple[Path, str]) -> None:
    data, run_id = place
    first = open_recorded(data, run_id).metrics["train_loss"][0]
    done = cut(run_id, "--plane", "through", "--model", "makers:doubled")
    assert f"at epoch 0 the train loss is {2 * first:g}, and {first:g} was recorded" in done.stderr


def test_the_command_line_takes_a_loss_and_refuses_wrong_settings(place: tuple[Path, str]) -> None:
    _, run_id = place
    model = ["--plane", "through", "--grid", "3", "--model", "makers:alone"]
    for number, loss in enumerate(("torch.nn:CrossEntropyLoss", "torch.nn.functional:cross_entropy")):
        done = cut(run_id, *model, "--loss", loss, "--name", f"number-{number}")
        assert done.returncode == 0, done.stderr
    for arguments, sentence in (
        (["--loss", "makers:number"], "--loss: makers:number is a int, and no function of (output, target)"),
        (["--loss", "torch.nn:CrossEntropyLoss", "--device", "cuda:77"], "the device 'cuda:77' cannot be used ("),
        (["--loss", "torch.nn:CrossEntropyLoss", "--grid", "4"], "grid: 4 is even and would leave out the centre"),
        (["--loss", "torch.nn:CrossEntropyLoss", "--plane", "through:start"], "start is not three points"),
        (["--loss", "torch.nn:CrossEntropyLoss", "--name", "../x"], "'../x' can be the name of one plane, and 2"),
        (["--loss", "torch.nn:CrossEntropyLoss", "--plane", "round"], "there is no plane 'round'; there are fresh"),
    ):
        more = ["--plane", "pca"] if "--name" in arguments else []
        done = cut(run_id, *model, *more, *arguments)
        assert (done.returncode, sentence in done.stderr) == (1, True), done.stderr
    assert cut("nothing", *model).returncode == 1
    assert cut(run_id, "--model", "makers:make").returncode == 2  # --plane is missing


def test_the_command_compiles_the_model_where_it_pays(place: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    data, run_id = place
    compiling(monkeypatch, torch.nn.Sequential)  # it wraps the model, and is said to halve the time
    done = cut(run_id, "--plane", "through", "--grid", "3", "--model", "makers:make", "--compile")
    assert done.returncode == 0, done.stderr
    assert open_recorded(data, run_id).manifest["planes"][-1]["evaluation"] == {"device": "cpu", "compiled": True}


def test_no_command_changes_or_deletes_a_recording_or_its_run(place: tuple[Path, str]) -> None:
    """This is also true of a run whose files are damaged: it cannot be computed again."""
    data, run_id = place
    folders = data / "recordings", run_folder(data, run_id)
    (folders[1] / "gram.npy").write_bytes(b"damaged")
    before = [digest(folder) for folder in folders]
    small = ["--hidden", "3", "--epochs", "2", "--frames", "2", "--plane", "fresh", "--grid", "3"]
    for command, code in (
        (["list"], 0),
        (["info", run_id], None),
        (["verify"], 1),
        (["train", "--dataset", "moons", *small], 0),
        (["export", "site"], None),
        (["verify"], 1),
    ):
        done = lossatlas(command[0], *command[1:], "--data", "data")
        assert code is None or done.returncode == code, (command, done.stderr)
        assert command[0] != "verify" or "keep a recorded one's" in done.stdout + done.stderr
    Gallery(data).write_index()
    assert [digest(folder) for folder in folders] == before
    assert len(Gallery(data).ids()) == 2


def test_a_recipe_gives_the_directions_and_a_hessian_plane_is_cut_again_from_its_vectors(
    place: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, run_id = place
    recording = data / "recordings" / run_id
    options: Any = {"loss_fn": CROSS_ENTROPY, "data": data}
    lat.cut(
        run_id,
        ["hessian", {"kind": "through", "points": ("start", "frame:2", "far")}],
        convolutional(),
        grid=5,
        **options,
    )
    run = open_recorded(data, run_id)
    hessian, through = (plane["recipe"] for plane in run.manifest["planes"][-2:])
    vectors = np.load(recording / hessian["vectors"])
    last = np.load(sorted(recording.glob("theta-*.npy"))[-1]).astype(np.float64)
    hessian_at = lat.TorchHessian(as_ours(convolutional(), dtype=torch.float64), last)
    for vector, value in zip(vectors, run.manifest["planes"][-2]["eigenvalues"], strict=True):
        product = hessian_at.products(vector.astype(np.float64)[None])[0]
        assert np.linalg.norm(product - value * vector) < 0.02 * abs(run.manifest["planes"][-2]["eigenvalues"][0])
    thetas = np.stack([np.load(file) for file in sorted(recording.glob("theta-*.npy"))]).astype(np.float64)
    directions = np.array(through["coefficients"]) @ thetas
    assert directions @ directions.T == pytest.approx(np.eye(2), abs=1e-6)
    path = run.plane("through")["path"]
    assert path[2] == pytest.approx([np.linalg.norm(thetas[2] - thetas[0]), 0], abs=1e-6)
    assert path == pytest.approx((thetas - thetas[0]) @ directions.T, abs=1e-6)

    def refused(*_: Any) -> Any:
        raise AssertionError("the vectors are there")

    monkeypatch.setattr(plane_cutter, "extreme_pairs", refused)
    monkeypatch.setattr(
        plane_cutter, "project", refused
    )  # planes of sums over frames need no projection of all parameters
    lat.cut(run_id, ["pca"], convolutional(), replace=True, grid=3, **options)
    monkeypatch.undo()
    monkeypatch.setattr(plane_cutter, "extreme_pairs", refused)
    before = run.plane("hessian")
    lat.cut(run_id, ["hessian"], convolutional(), replace=True, grid=9, **options)
    after = open_recorded(data, run_id).plane("hessian")
    assert np.array_equal(after["loss_surface"][:, :, ::2, ::2], before["loss_surface"])
    assert np.array_equal(after["path"], before["path"])


def test_samples_that_were_not_kept_come_from_the_factory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "makers", raising=False)
    (tmp_path / "makers.py").write_text(MAKERS)
    run_id = record(tmp_path / "data", keep_samples=False)
    done = cut(run_id, "--plane", "through", "--model", "makers:make")
    assert done.returncode == 1
    assert (
        "keeps no samples of train, so they have to be given: let the factory return train_loader too, which gives the "
        "48 samples" in done.stderr
    )
    done = cut(run_id, "--plane", "through", "--model", "makers:other_data")
    assert "this is not the model, or not the data, that was recorded" in done.stderr
    done = cut(run_id, "--plane", "through", "--grid", "3", "--model", "makers:with_loaders")
    assert done.returncode == 0, done.stderr
    names = lat.cut(run_folder(tmp_path / "data", run_id), ["hessian"], "makers:named", grid=3)
    assert names == ("hessian",)
    run = open_recorded(tmp_path / "data", run_id)
    assert run.plane("hessian")["loss_surface"].shape == (3, 1, 3, 3)


def test_readers_see_the_old_run_or_the_new_one_and_remains_of_a_killed_process_are_deleted(
    place: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, run_id = place
    model, folder = convolutional(), run_folder(data, run_id)
    before, seen, write = digest(folder), [], store_write.write_text

    def killed(path: Path, text: str) -> None:
        raise KeyboardInterrupt

    def watched(path: Path, text: str) -> None:
        seen.append(open_recorded(data, run_id).planes)
        write(path, text)
        seen.append(open_recorded(data, run_id).planes)

    whole: Any = {"loss_fn": CROSS_ENTROPY, "grid": 3}
    monkeypatch.setattr(recorded_planes, "write_text", killed)
    with pytest.raises(KeyboardInterrupt):
        lat.cut(folder, ["through"], model, **whole)
    assert {name: value for name, value in digest(folder).items() if name in before} == before
    assert open_recorded(data, run_id).planes == ("pca", "gaussian-filter")
    assert (folder / "planes" / "through").is_dir()
    monkeypatch.setattr(recorded_planes, "write_text", watched)
    lat.cut(open_recorded(data, run_id), [{"kind": "pca"}], model, replace=True, **whole)
    assert seen == [("pca", "gaussian-filter")] * 2
    assert not (folder / "planes" / "through").exists()
    assert open_recorded(data, run_id).plane("pca")["loss_surface"].shape[-1] == 3


def test_a_run_is_cut_by_one_process_and_only_if_its_recording_is_unchanged(place: tuple[Path, str]) -> None:
    from filelock import FileLock

    data, run_id = place
    whole: Any = {"loss_fn": CROSS_ENTROPY, "grid": 3, "data": data}
    with (
        FileLock(data / "recordings" / run_id / ".cut.lock"),
        pytest.raises(DataFolderError, match="another process is cutting"),
    ):
        lat.cut(run_id, ["through"], convolutional(), **whole)
    log = data / "recordings" / run_id / "frames.jsonl"
    frames = [json.loads(line) for line in log.read_text().splitlines()]
    unknown = [{**frame, "metrics": dict.fromkeys(frame["metrics"])} for frame in frames]
    whole_log = log.read_text()
    log.write_text("".join(f"{json.dumps(frame)}\n" for frame in unknown))
    with pytest.raises(DataError, match=r"no loss of .* is finite at its first or last frame"):
        lat.cut(run_id, ["through"], convolutional(), **whole)
    log.write_text(whole_log)
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(DataError, match="has other frames than the run"):
        lat.cut(run_id, ["through"], convolutional(), **whole)


def test_nothing_in_a_hostile_run_or_recording_is_imported_or_executed(place: tuple[Path, str]) -> None:
    data, run_id = place
    run, recording = run_folder(data, run_id), data / "recordings" / run_id
    Path("evil.py").write_text("open('executed', 'w')\ndef make():\n    open('executed', 'w')\n")

    class Attack:
        def __reduce__(self) -> Any:
            return Path.touch, (Path("executed").resolve(),)

    for path in (run / "run.json", recording / "recording.json"):
        values = json.loads(path.read_text())
        names = ("factory", "make", "import", "__import__", "module", "loss_fn", "__reduce__")
        for holder in (values, values["model"], values["loss"], values["samples" if "samples" in values else "config"]):
            holder |= dict.fromkeys(names, "evil:make")
        values["loss"]["name"] = values["model"]["title"] = "evil:make"
        for plane in values.get("planes", []):
            plane["recipe"] = {"factory": "evil:make", "vectors": "../../../../evil.py"}
        path.write_text(json.dumps(values))
    (recording / "evil.pkl").write_bytes(pickle.dumps(Attack()))
    (recording / "work" / "0").mkdir(parents=True)
    (recording / "vectors").mkdir(exist_ok=True)
    for name in ("work/0/pca.npz", "vectors/evil.npy"):
        (recording / name).write_bytes(pickle.dumps(Attack()))
    done = cut(run_id, "--plane", "hessian", "--plane", "through", "--grid", "3", "--model", "makers:make")
    assert done.returncode == 0, done.stderr
    np.save(recording / "samples" / "train_inputs.npy", np.array([Attack()], dtype=object), allow_pickle=True)
    done = cut(run_id, "--plane", "gaussian", "--grid", "3", "--model", "makers:make")
    assert (done.returncode, "train_inputs.npy" in done.stderr) == (1, True)
    for vectors in sorted((recording / "vectors").glob("*.npy")):
        np.save(vectors, np.array([Attack()], dtype=object), allow_pickle=True)
    (recording / "samples" / "train_inputs.npy").unlink()
    done = cut(run_id, "--plane", "hessian", "--replace", "--grid", "3", "--model", "makers:with_loaders")
    assert done.returncode == 0, done.stderr
    (recording / sorted(path.name for path in recording.glob("theta-*.npy"))[0]).write_bytes(pickle.dumps(Attack()))
    done = cut(run_id, "--plane", "gaussian", "--grid", "3", "--model", "makers:with_loaders")
    assert done.returncode == 1
    assert not Path("executed").exists()
    assert "evil" not in sys.modules


def test_a_plane_of_a_network_that_the_page_evaluates_keeps_its_directions(tmp_path: Path) -> None:
    torch.manual_seed(0)
    points = torch.randn(40, 2)
    pair = points, (points[:, 0] * points[:, 1] > 0).long()
    model = torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2))
    options: Any = {"data": tmp_path, "name": "quadrants", "curvature": 0, "planes": [{"kind": "pca", "grid": 5}]}
    with lat.Recorder(model, CROSS_ENTROPY, [pair], [pair], **options) as recorder:
        train(model, [pair], 3, recorder.snapshot)
    [run_id] = Gallery(tmp_path).ids()
    moving = {"kind": "gaussian", "normalization": "filter", "moving": True, "spans": (0.5,)}
    assert lat.cut(run_id, [moving, "through"], model, CROSS_ENTROPY, data=tmp_path, grid=3) == (
        "gaussian-filter",
        "through",
    )
    run = open_recorded(tmp_path, run_id)
    assert run.planes == ("pca", "gaussian-filter", "through")
    plane, weights = run.plane("gaussian-filter"), run.arrays["weights"].astype(np.float64)
    assert plane["loss_surface"].shape == (1, 4, 3, 3)
    directions = plane["directions"].astype(np.float64)
    for frame, (j, i) in ((0, (0, 2)), (2, (1, 0))):
        a, b = 0.5 * plane["coordinates"][[i, j]]
        moved = at(model, weights[frame] + a * directions[0] + b * directions[1])
        with torch.no_grad():
            expected = float(CROSS_ENTROPY(moved(pair[0].double()), pair[1]))
        assert plane["loss_surface"][0, frame, j, i] == pytest.approx(expected, rel=1e-3)
    assert plane["loss_surface"][0, :, 1, 1] == pytest.approx(run.metrics["train_loss"], rel=1e-6)
    assert [verdict.fault for verdict in Gallery(tmp_path).verify()] == [None]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_a_plane_cut_on_a_gpu_is_that_of_a_cpu(place: tuple[Path, str]) -> None:
    data, run_id = place
    for device in ("cpu", "cuda"):
        choices = ["--plane", "gaussian", "--plane-seed", "5", "--grid", "5", "--name", device, "--device", device]
        done = cut(run_id, *choices, "--model", "makers:make")
        assert done.returncode == 0, done.stderr
    run = open_recorded(data, run_id)
    for surface in ("loss_surface", "test_loss_surface"):
        np.testing.assert_allclose(run.plane("cuda")[surface], run.plane("cpu")[surface], rtol=1e-3)
    manifest = json.loads((run_folder(data, run_id) / "run.json").read_text())
    assert '"device": "cuda"' in json.dumps(manifest)

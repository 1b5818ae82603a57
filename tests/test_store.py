from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lossatlas.store.write
from lossatlas.arrays import AnyArray
from lossatlas.errors import DataFolderError, RunDamagedError, RunError, RunNotFoundError, RunVersionError
from lossatlas.landscape import Cut
from lossatlas.planes import KINDS
from lossatlas.runs import Run, RunConfig, compute_run
from lossatlas.store import Gallery, open_run, remove_unfinished, run_folder, save_run, write_text
from lossatlas.store.manifest import list_arrays
from tests.conftest import SMALL, diverging_config, small_config

FORMAT_PAGE = Path(__file__).parents[1] / "docs" / "run-format.md"

#: dtype, axes and shape of each file of the small run, as docs/run-format.md has them: P = 15 + 24 + 10 = 49.
LAYOUT: dict[str, tuple[str, list[str], list[int]]] = {
    "weights.npy": ("float32", ["frame", "parameter"], [6, 49]),
    "points.npy": ("float32", ["point", "feature"], [40, 2]),
    "labels.npy": ("uint8", ["point"], [40]),
    "split.npy": ("uint8", ["point"], [40]),
    "point_predicted_class.npy": ("uint8", ["frame", "point"], [6, 40]),
    "grid_x.npy": ("float32", ["x"], [13]),
    "grid_y.npy": ("float32", ["y"], [13]),
    "predicted_class.npy": ("uint8", ["frame", "y", "x"], [6, 13, 13]),
    "confidence.npy": ("uint8", ["frame", "y", "x"], [6, 13, 13]),
    "planes/fresh/directions.npy": ("float32", ["direction", "parameter"], [2, 49]),
    "planes/fresh/coordinates.npy": ("float64", ["grid"], [9]),
    "planes/fresh/loss_surface.npy": ("float32", ["span", "frame", "b", "a"], [2, 6, 9, 9]),
    "planes/fresh/test_loss_surface.npy": ("float32", ["span", "centre", "b", "a"], [2, 1, 9, 9]),
    "planes/fresh/path.npy": ("float64", ["frame", "coordinate"], [6, 2]),
    "planes/fresh/residual.npy": ("float64", ["frame"], [6]),
    "planes/fresh/path_loss.npy": ("float64", ["frame"], [6]),
    "spectrum.npy": ("float32", ["curvature_frame", "parameter"], [6, 49]),
}


def manifest_of(folder: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return manifest


def rewrite(folder: Path, manifest: Any) -> None:
    (folder / "run.json").write_text(json.dumps(manifest), encoding="utf-8")


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


# round trip -------------------------------------------------------------------------------------------------------


def facts(cut: Cut) -> dict[str, Any]:
    """Everything of a plane that is no array."""
    plane = {key: value for key, value in vars(cut.plane).items() if key not in ("directions", "centre")}
    return {
        **plane,
        "cosine": cut.plane.cosine,
        "grid": cut.grid,
        "explained_variance": cut.path.explained_variance,
        "nonconvex_share": cut.nonconvex_share,
    }


def assert_same(run: Run, again: Run) -> None:
    ours, theirs = list_arrays(run), list_arrays(again)
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        assert array.dtype == theirs[name].dtype, name
        assert array.tobytes() == theirs[name].tobytes(), name
    assert again.setup.config == run.setup.config
    assert again.setup.network == run.setup.network
    assert again.trajectory.epochs == run.trajectory.epochs
    assert again.trajectory.outcome == run.trajectory.outcome
    for metric, values in run.trajectory.metrics.items():
        assert again.trajectory.metrics[metric].tobytes() == values.tobytes()
    assert (again.setup.dataset.mean == run.setup.dataset.mean).all()
    assert (again.setup.dataset.scale == run.setup.dataset.scale).all()
    assert again.left_out == run.left_out
    for ours_of_one, theirs_of_one in zip(run.cuts, again.cuts, strict=True):
        assert facts(ours_of_one) == facts(theirs_of_one)
    assert (again.curvature is None) == (run.curvature is None)
    if run.curvature and again.curvature:
        for key, value in vars(run.curvature).items():
            np.testing.assert_array_equal(getattr(again.curvature, key), value, err_msg=key)
    assert (again.id, again.setup.title) == (run.id, run.setup.title)


def test_a_run_comes_back_bit_by_bit(small_run: Run, stored: Path) -> None:
    assert_same(small_run, open_run(stored))


@pytest.mark.parametrize(
    "parts",
    [
        {"dataset": {"name": "iris", "points": 60}, "model": {"hidden": []}},
        {"dataset": {"name": "arms", "noise": 0}, "model": {"hidden": [3, 3, 3], "activation": "gelu"}},
        {"model": {"hidden": [4, 4, 5], "residual": True}},
        {"model": {"hidden": [6] * 14, "activation": "relu"}, "planes": {"spans": [1000.0]}},  # overflows to inf
    ],
    ids=["logistic regression on iris", "three classes", "residual", "infinite losses"],
)
def test_any_run_comes_back_bit_by_bit(parts: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    run = compute_run(small_config(**parts))
    assert_same(run, open_run(save_run(run, tmp_path)))
    assert np.isinf(run.loss_surface["fresh"]).any() == (parts.get("planes") is not None)


def test_a_run_with_planes_of_every_kind_comes_back_bit_by_bit(planar: Run, tmp_path: Path) -> None:
    folder = save_run(planar, tmp_path)
    again = open_run(folder)
    assert_same(planar, again)
    assert {cut.plane.kind for cut in again.cuts} == set(KINDS)
    for ours, theirs in zip(planar.planes, again.planes, strict=True):
        assert ours.centre.tobytes() == theirs.centre.tobytes()
    assert files_in(folder) == {f"{name}.npy" for name in list_arrays(planar)} | {"run.json"}
    shapes = {
        plane["name"]: [plane["arrays"][name]["shape"][1] for name in ("loss_surface", "test_loss_surface")]
        for plane in manifest_of(folder)["planes"]
    }
    assert shapes == {
        "fresh": [6, 6],
        "gaussian-filter": [1, 1],
        "pca": [6, 6],
        "hessian": [1, 1],
        "through": [1, 1],
        "through-2": [1, 1],
        "file": [6, 1],
    }


def test_planes_that_were_left_out_are_left_out_when_it_is_reopened(tmp_path: Path) -> None:
    planes = [{"kind": "pca"}, {}, {"kind": "through"}, {"kind": "hessian"}]
    run = compute_run(RunConfig.from_mapping({**SMALL, "planes": planes, "training": {"epochs": 1}}))
    folder = save_run(run, tmp_path)
    again = open_run(folder)
    assert_same(run, again)
    assert [plane.name for plane in again.planes] == ["fresh", "hessian"]
    reasons = {entry["name"]: entry["why"] for entry in manifest_of(folder)["left_out"]}
    assert reasons == run.left_out
    assert reasons.keys() == {"pca", "through"}


@pytest.mark.parametrize("everywhere", [False, True])
def test_nan_silently_replaced__a_map_with_nan_comes_back_as_it_is(
    everywhere: bool, planar: Run, tmp_path: Path
) -> None:
    cut = planar.cuts[3]
    assert cut.nonconvexity is not None
    holes = np.full_like(cut.nonconvexity, np.nan) if everywhere else with_nan(cut.nonconvexity.copy())
    cuts = (*planar.cuts[:3], replace(cut, nonconvexity=holes), *planar.cuts[4:])
    folder = save_run(replace(planar, cuts=cuts), tmp_path)
    assert_same(replace(planar, cuts=cuts), open_run(folder))
    share = manifest_of(folder)["planes"][3]["nonconvexity"]["share"]
    assert (share is None) == everywhere


def test_a_diverged_run_with_every_plane_is_stored_and_reopened(tmp_path: Path) -> None:
    planes = [{}, {"kind": "pca", "nonconvexity": 3}, {"kind": "hessian"}, {"kind": "through", "moving": True}]
    run = compute_run(diverging_config().with_values(planes=planes))
    assert run.trajectory.outcome.status == "diverged"
    assert_same(run, open_run(save_run(run, tmp_path)))


def test_a_diverged_run_is_stored_and_reopened(tmp_path: Path) -> None:
    run = compute_run(diverging_config())
    assert run.trajectory.outcome.status == "diverged"
    folder = save_run(run, tmp_path)
    assert_same(run, open_run(folder))
    outcome = manifest_of(folder)["outcome"]
    assert outcome["status"] == "diverged"
    assert str(outcome["epoch"]) in outcome["message"]


def test_a_residual_run_says_so_and_is_another_run_than_its_plain_twin(tmp_path: Path) -> None:
    plain, residual = (small_config(model={"hidden": [4, 4], "residual": twin}) for twin in (False, True))
    assert plain.id != residual.id
    folder = save_run(compute_run(residual), tmp_path)
    model = manifest_of(folder)["model"]
    assert (model["residual"], model["title"]) == (True, "2 × 4 tanh residual")
    assert open_run(folder).setup.network.residual


def test_saving_again_keeps_what_is_there(small_run: Run, stored: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in stored.rglob("*")}
    assert save_run(small_run, stored.parents[1]) == stored
    assert {path: path.stat().st_mtime_ns for path in stored.rglob("*")} == before


def test_opened_arrays_are_mapped_and_read_only(stored: Path) -> None:
    run = open_run(stored)
    with pytest.raises(ValueError, match="read-only"):
        run.trajectory.weights[0, 0] = 1.0


# the format -------------------------------------------------------------------------------------------------------


def test_the_files_are_those_of_the_format_and_no_others(stored: Path) -> None:
    assert stored.name == small_config().id
    assert files_in(stored) == {"run.json", *LAYOUT}
    assert files_in(stored.parents[1]) == {f"runs/{stored.name}/{name}" for name in ("run.json", *LAYOUT)}


def test_every_array_has_the_dtype_shape_and_axes_of_the_format(stored: Path) -> None:
    manifest = manifest_of(stored)
    entries = [*manifest["arrays"].items()]
    for plane in manifest["planes"]:
        entries += plane["arrays"].items()
    described = {entry["file"]: (entry["dtype"], entry["axes"], entry["shape"]) for _, entry in entries}
    assert described == LAYOUT
    for name, entry in entries:
        array = np.load(stored / entry["file"], allow_pickle=False)
        assert (str(array.dtype), list(array.shape)) == (entry["dtype"], entry["shape"])
        assert array.flags.c_contiguous
        assert entry["file"].endswith(f"{name}.npy")
        assert entry["what"]
    assert manifest["arrays"]["confidence"]["scale_factor"] == 1 / 255
    assert [name for name, entry in entries if "scale_factor" in entry] == ["confidence"]


def test_the_manifest_says_what_the_format_says(stored: Path) -> None:
    manifest = manifest_of(stored)
    metrics, versions, dataset = (manifest.pop(key) for key in ("metrics", "versions", "dataset"))
    manifest.pop("arrays")
    (plane,) = manifest.pop("planes")
    curvature = manifest.pop("curvature")
    assert manifest.pop("left_out") == []
    assert manifest.pop("config") == {
        "dataset": {**SMALL["dataset"], "noise": 0.15},
        "model": {**SMALL["model"], "residual": False},
        "training": {
            "optimizer": "adam",
            "learning_rate": 0.01,
            "momentum": 0.9,
            "weight_decay": 0.0,
            **SMALL["training"],
        },
        "boundary": {**SMALL["boundary"], "margin": 0.1},
        "planes": [
            {
                "kind": "fresh",
                "normalization": "none",
                "biases": False,
                "moving": True,
                "test_frames": False,
                "nonconvexity": None,
                **SMALL["planes"][0],
            }
        ],
        "curvature": {"frames": 40},
    }
    assert manifest == {
        "format": "lossatlas-run",
        "format_version": 1,
        "id": stored.name,
        "title": "Half moons · 5-4 tanh",
        "model": {
            "title": "5-4 tanh",
            "layers": [2, 5, 4, 2],
            "activation": "tanh",
            "residual": False,
            "parameters": 49,
        },
        "frames": [0, 1, 2, 4, 8, 12],
        "outcome": {"status": "completed"},
        "parameters": [
            {"name": "layers.0.weight", "shape": [5, 2], "offset": 0},
            {"name": "layers.0.bias", "shape": [5], "offset": 10},
            {"name": "layers.1.weight", "shape": [4, 5], "offset": 15},
            {"name": "layers.1.bias", "shape": [4], "offset": 35},
            {"name": "layers.2.weight", "shape": [2, 4], "offset": 39},
            {"name": "layers.2.bias", "shape": [2], "offset": 47},
        ],
    }
    assert versions.keys() == {"lossatlas", "numpy"}
    assert metrics.keys() == {"train_loss", "test_loss", "train_accuracy", "test_accuracy"}
    assert {len(values) for values in metrics.values()} == {6}
    assert dataset.keys() == {"name", "title", "features", "classes", "train_points", "test_points"}
    assert (dataset["train_points"], dataset["test_points"]) == (30, 10)
    assert [feature.keys() for feature in dataset["features"]] == [{"name", "mean", "scale"}] * 2
    plane.pop("arrays")
    assert plane.keys() == list_documented("An entry of `planes`:") - {"arrays"}
    assert curvature.keys() == list_documented("not finite):")
    assert curvature["frames"] == [0, 1, 2, 3, 4, 5]
    assert (plane["moving"], plane["centre_frame"], plane["random_walk"], plane["anchors"]) == (True, 5, None, [])
    assert curvature["parameters"] == 49
    assert (plane["name"], plane["seed"], plane["spans"], plane["orthonormal"]) == ("fresh", 7, [1.0, 0.1], False)


def list_documented(section: str, column: int = 0) -> set[str]:
    """Names in code marks in one column of the tables between a heading (or sentence) and the next."""
    text = FORMAT_PAGE.read_text(encoding="utf-8").split(section, 1)[1]
    table = text.split("\n\n", 2)[1]
    rows = [line.split("|") for line in table.splitlines()[2:]]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row[column + 1])}


def test_the_page_of_the_format_names_every_key_and_array(stored: Path) -> None:
    manifest = manifest_of(stored)
    assert list_documented("## `run.json`") == manifest.keys()
    assert list_documented("Arrays of a run") == manifest["arrays"].keys()
    assert list_documented("Arrays of a plane") - {"centre", "nonconvexity"} == manifest["planes"][0]["arrays"].keys()


@pytest.mark.parametrize(
    ("name", "model"),
    [("moons", {}), ("arms", {}), ("moons", {"hidden": [4, 4, 5, 5, 5], "residual": True})],
    ids=["moons", "arms", "residual"],
)
def test_a_reader_needs_nothing_but_the_files(name: str, model: dict[str, Any], tmp_path: Path) -> None:
    """Rebuild the network from JSON and arrays alone, as a reader in another language would."""
    config = small_config(dataset={"name": name, "noise": 0.1}, training={"seed": 1}, model=model)
    folder = save_run(compute_run(config), tmp_path)
    manifest = manifest_of(folder)
    array = {key: np.load(folder / entry["file"]) for key, entry in manifest["arrays"].items()}
    tensors = {
        part["name"]: array["weights"][:, part["offset"] : part["offset"] + int(np.prod(part["shape"]))]
        .reshape(-1, *part["shape"])
        .astype(np.float64)
        for part in manifest["parameters"]
    }
    assert manifest["model"]["activation"] == "tanh"

    def logits(frame: int, points: AnyArray) -> AnyArray:
        values = points.T.astype(np.float64)
        sizes = manifest["model"]["layers"]
        depth = len(sizes) - 1
        for layer in range(depth):
            x = values
            values = tensors[f"layers.{layer}.weight"][frame] @ x
            values += tensors[f"layers.{layer}.bias"][frame][:, None]
            values = np.tanh(values) if layer < depth - 1 else values
            hidden_to_hidden = 0 < layer < depth - 1
            if manifest["model"]["residual"] and hidden_to_hidden and sizes[layer] == sizes[layer + 1]:
                values += x
        return values

    def loss(frame: int, part: int) -> float:
        own = array["split"] == part
        z = logits(frame, array["points"][own])
        z -= z.max(axis=0)
        return float(np.mean(np.log(np.exp(z).sum(axis=0)) - z[array["labels"][own], np.arange(own.sum())]))

    columns, rows = np.meshgrid(array["grid_x"], array["grid_y"])
    for frame in range(len(manifest["frames"])):
        assert manifest["metrics"]["train_loss"][frame] == pytest.approx(loss(frame, 0), rel=5e-6)
        assert manifest["metrics"]["test_loss"][frame] == pytest.approx(loss(frame, 1), rel=5e-6)
        predicted = logits(frame, array["points"]).argmax(axis=0)
        assert (array["point_predicted_class"][frame] == predicted).all()
        right = (predicted == array["labels"])[array["split"] == 1]
        assert manifest["metrics"]["test_accuracy"][frame] == right.mean()
        over_grid = logits(frame, np.stack([columns.ravel(), rows.ravel()], axis=1))
        assert (array["predicted_class"][frame].ravel() == over_grid.argmax(axis=0)).all()
        probability = np.exp(over_grid - over_grid.max(axis=0))
        confidence = (probability / probability.sum(axis=0)).max(axis=0)
        stored = array["confidence"][frame].ravel() * manifest["arrays"]["confidence"]["scale_factor"]
        np.testing.assert_allclose(stored, confidence, atol=0.5 / 255 + 1e-5)
    for number, feature in enumerate(manifest["dataset"]["features"]):
        own = array["points"][:, number].astype(np.float64) * feature["scale"] + feature["mean"]
        assert own[array["split"] == 0].mean() == pytest.approx(feature["mean"], abs=1e-6)


# damage -----------------------------------------------------------------------------------------------------------


def replace_array(name: str, make: Callable[[AnyArray], AnyArray]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        np.save(folder / name, make(np.load(folder / name)))

    return damage


def write_content(name: str, content: bytes | Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content(path.read_bytes()))

    return damage


def edit_manifest(edit: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        manifest = manifest_of(folder)
        edit(manifest)
        rewrite(folder, manifest)

    return damage


def pickle_file(name: str) -> Callable[[Path], None]:
    return lambda folder: np.save(folder / name, np.array([{"a": 1}], dtype=object), allow_pickle=True)


def a_folder(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return damage


def archive() -> bytes:
    target = io.BytesIO()
    np.savez(target, weights=np.zeros(3))
    return target.getvalue()


def with_nan(array: AnyArray) -> AnyArray:
    array[tuple(0 for _ in array.shape)] = np.nan
    return array


DAMAGE: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "array missing": (lambda f: (f / "weights.npy").unlink(), "weights.npy", "the file is missing"),
    "plane missing": (lambda f: shutil.rmtree(f / "planes"), "planes/fresh/directions.npy", "the file is missing"),
    "manifest missing": (lambda f: (f / "run.json").unlink(), "run.json", "the file is missing"),
    "array a folder": (a_folder("split.npy"), "split.npy", "not a NumPy array, or cut short"),
    "array cut short": (write_content("weights.npy", lambda b: b[:-1]), "weights.npy", "cut short"),
    "array cut in its header": (write_content("weights.npy", lambda b: b[:40]), "weights.npy", "cut short"),
    "array empty": (write_content("labels.npy", b""), "labels.npy", "cut short"),
    "array foreign": (write_content("labels.npy", b"\x89PNG\r\n\x1a\n" * 20), "labels.npy", "not a NumPy array"),
    "array an archive": (write_content("labels.npy", archive()), "labels.npy", "not a NumPy array"),
    "array a broken archive": (write_content("labels.npy", b"PK\x03\x04 nothing"), "labels.npy", "not a NumPy array"),
    "array a pickle": (pickle_file("points.npy"), "points.npy", "not a NumPy array"),
    "other shape": (
        replace_array("weights.npy", lambda a: a[:-1]),
        "weights.npy",
        r"holds float32 \[5, 49\].*\[6, 49\]",
    ),
    "transposed": (replace_array("points.npy", lambda a: a.T), "points.npy", r"holds float32 \[2, 40\].*\[40, 2\]"),
    "other dtype": (replace_array("points.npy", lambda a: a.astype("f8")), "points.npy", "holds float64"),
    "other byte order": (replace_array("points.npy", lambda a: a.astype(">f4")), "points.npy", "holds >f4"),
    "NaN in weights": (replace_array("weights.npy", with_nan), "weights.npy", "NaN"),
    "NaN in a surface": (
        replace_array("planes/fresh/loss_surface.npy", with_nan),
        "planes/fresh/loss_surface.npy",
        "NaN",
    ),
    "a class there is not": (replace_array("labels.npy", lambda a: a + 1), "labels.npy", "holds class 2 of 2"),
    "a prediction there is not": (
        replace_array("predicted_class.npy", lambda a: a + 200),
        "predicted_class.npy",
        "holds class 20[01] of 2",
    ),
    "manifest cut short": (write_content("run.json", lambda b: b[: len(b) // 2]), "run.json", "not readable as JSON"),
    "manifest not text": (write_content("run.json", b"\xff\xfe\x00"), "run.json", "not readable as JSON"),
    "manifest a list": (write_content("run.json", b"[1, 2]"), "run.json", "not the manifest of a run"),
    "manifest foreign": (write_content("run.json", b'{"name": "left-pad"}'), "run.json", "not the manifest of a run"),
    "version no number": (edit_manifest(lambda m: m.update(format_version="1")), "run.json", "format_version is '1'"),
    "version zero": (edit_manifest(lambda m: m.update(format_version=0)), "run.json", "format_version is 0"),
    "config missing": (edit_manifest(lambda m: m.pop("config")), "run.json", "config"),
    "config not valid": (
        edit_manifest(lambda m: m["config"]["training"].update(epochs=0)),
        "run.json",
        "training.epochs",
    ),
    "config another's": (
        edit_manifest(lambda m: m["config"]["training"].update(seed=99)),
        "run.json",
        "has the id moons-",
    ),
    "id another's": (edit_manifest(lambda m: m.update(id="moons-4-tanh-00000000")), "run.json", "'id' does not agree"),
    "layers others": (edit_manifest(lambda m: m["model"].update(layers=[2, 5, 5, 2])), "run.json", "does not agree"),
    "layers none": (edit_manifest(lambda m: m["model"].update(layers=[])), "run.json", "incomplete or inconsistent"),
    "parameters moved": (edit_manifest(lambda m: m["parameters"][1].update(offset=11)), "run.json", "'parameters'"),
    "metrics too short": (edit_manifest(lambda m: m["metrics"]["test_loss"].pop()), "run.json", "metrics"),
    "metrics NaN": (edit_manifest(lambda m: m["metrics"].update(test_loss=[float("nan")] * 6)), "run.json", "NaN"),
    "metrics without one": (edit_manifest(lambda m: m["metrics"].pop("test_loss")), "run.json", "test_loss"),
    "metrics null": (edit_manifest(lambda m: m["metrics"].update(test_loss=[None] * 6)), "run.json", "'metrics'"),
    "frames out of order": (edit_manifest(lambda m: m.update(frames=[0, 2, 1, 4, 8, 12])), "run.json", "frames"),
    "frames none": (edit_manifest(lambda m: m.update(frames=[])), "run.json", "incomplete or inconsistent"),
    "outcome unheard of": (edit_manifest(lambda m: m["outcome"].update(status="fine")), "run.json", "outcome"),
    "planes none": (edit_manifest(lambda m: m["planes"].clear()), "run.json", "incomplete or inconsistent"),
    "spans others": (
        edit_manifest(lambda m: m["planes"][0].update(spans=[2.0, 0.1])),
        "run.json",
        "incomplete or inconsistent",
    ),
    "kind another": (
        edit_manifest(lambda m: m["planes"][0].update(kind="gaussian")),
        "run.json",
        "kind or moving of fresh",
    ),
    "not moving": (edit_manifest(lambda m: m["planes"][0].update(moving=False)), "run.json", "kind or moving of fresh"),
    "planes left out": (
        edit_manifest(lambda m: m["left_out"].append({"name": "fresh", "why": "so"})),
        "run.json",
        "incomplete or inconsistent",
    ),
    "directions a line": (
        replace_array("planes/fresh/directions.npy", lambda a: a[[0, 0]]),
        "planes",
        "'fresh'.* do not span a plane",
    ),
    "directions infinite": (
        replace_array("planes/fresh/directions.npy", lambda a: np.full_like(a, np.inf)),
        "planes",
        "'fresh' are not all finite",
    ),
    "NaN in the path": (replace_array("planes/fresh/path.npy", with_nan), "planes/fresh/path.npy", "NaN"),
    "centre at no frame": (
        edit_manifest(lambda m: m["planes"][0].update(centre_frame=6)),
        "run.json",
        "incomplete or inconsistent",
    ),
    "arrays without one": (edit_manifest(lambda m: m["arrays"].pop("split")), "run.json", "incomplete or inconsistent"),
    "file outside": (
        edit_manifest(lambda m: m["arrays"]["split"].update(file="../../../secret.npy")),
        "run.json",
        "names a file outside the run",
    ),
    "file absolute": (
        edit_manifest(lambda m: m["arrays"]["split"].update(file="/dev/null")),
        "run.json",
        "names a file outside the run",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_one_error_that_names_file_and_fault(name: str, stored: Path) -> None:
    damage, file, fault = DAMAGE[name]
    damage(stored)
    with pytest.raises(RunDamagedError, match=fault) as caught:
        open_run(stored)
    assert caught.value.path == stored / file
    assert str(caught.value) == f"{stored / file}: {caught.value.fault}"
    assert "\n" not in caught.value.fault


def test_a_link_out_of_the_run_is_not_followed(stored: Path, tmp_path: Path) -> None:
    (stored / "split.npy").rename(tmp_path / "split.npy")
    (stored / "split.npy").symlink_to(tmp_path / "split.npy")
    with pytest.raises(RunDamagedError, match="outside the run"):
        open_run(stored)


def test_a_newer_version_is_refused_as_such(stored: Path) -> None:
    edit_manifest(lambda m: m.update(format_version=2))(stored)
    with pytest.raises(RunVersionError, match=r"run\.json: format version 2 is newer than 1.*upgrade"):
        open_run(stored)


def test_a_renamed_folder_is_noticed(stored: Path) -> None:
    moved = stored.rename(stored.with_name("moons-5x4-tanh-00000000"))
    with pytest.raises(RunDamagedError, match=f"has the id {stored.name}, but the folder is named {moved.name}"):
        open_run(moved)


def test_additions_of_a_newer_version_are_ignored(small_run: Run, stored: Path) -> None:
    edit_manifest(lambda m: (m.update(hessian="soon"), m["versions"].update(lossatlas="9.9.9")))(stored)
    assert_same(small_run, open_run(stored))


@pytest.mark.parametrize("run_id", ["", ".", "..", "../secret", "a/b", "Moons", "moons\n", "-moons", "m" * 129])
def test_a_text_that_is_no_id_names_no_folder(run_id: str, tmp_path: Path) -> None:
    with pytest.raises(RunNotFoundError, match="is no id of a run"):
        run_folder(tmp_path, run_id)


def test_a_run_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RunNotFoundError, match="there is no run moons-4"):
        open_run(tmp_path / "moons-4")


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in plain data, the containers too."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, below in inner for place in leaves(below, (*path, key)))]


JSON_VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from([[], {}, [[]], [{}], {"a": []}, "../..", "weights.npy", "run.json", "float32"]),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.data())
def test_no_change_of_one_value_makes_anything_but_a_run_or_a_run_error(draw: st.DataObject, stored: Path) -> None:
    original = (stored / "run.json").read_text(encoding="utf-8")
    try:
        manifest: Any = json.loads(original)
        *path, last = draw.draw(st.sampled_from(leaves(manifest)[1:]))
        place = manifest
        for step in path:
            place = place[step]
        place[last] = draw.draw(JSON_VALUES)
        rewrite(stored, manifest)
        try:
            run = open_run(stored)
        except RunError:
            return
        assert run.trajectory.weights.shape == (6, 49)
        assert all(values.shape == (6,) for values in run.trajectory.metrics.values())
    finally:
        (stored / "run.json").write_text(original, encoding="utf-8")


# writing ----------------------------------------------------------------------------------------------------------

CHILD = """
import json, os, signal, sys
from lossatlas.runs import compute_run
from lossatlas.landscape import Cut
from lossatlas.planes import KINDS
from lossatlas.runs import RunConfig
import lossatlas.store.durable as durable
import lossatlas.store.write as store

config, data, moment = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3])
run = compute_run(RunConfig.from_mapping(config), threads=1)
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
calls = 0

def to_disk(descriptor):
    global calls
    calls += 1
    if calls == moment:
        die()

durable._sync = to_disk
if moment == 0:  # all is written, and nothing is in its place yet
    store._move_into_place = die
print("ready", flush=True)
sys.stdin.readline()
store.save_run(run, data)
"""


def child(data: Path, moment: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, small_config().canonical, str(data), str(moment)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_process_killed_while_it_writes_leaves_no_run(small_run: Run, tmp_path: Path) -> None:
    data = tmp_path / "data"
    # the first array, one of a plane, the last array, the manifest, and just before the rename
    moments = (1, 7, len(LAYOUT), len(LAYOUT) + 1, 0)
    processes = [child(data, moment) for moment in moments]
    for process in processes:
        process.communicate("go\n", timeout=60)
        assert process.returncode == -signal.SIGKILL
    gallery = Gallery(data)
    assert gallery.ids() == []
    assert gallery.index()["runs"] == []
    assert list(gallery.verify()) == []
    assert small_run.id not in gallery
    assert len(list((data / "runs").iterdir())) == len(moments)
    assert remove_unfinished(data) == len(moments)
    assert list((data / "runs").iterdir()) == []
    assert_same(small_run, gallery.open(gallery.save(small_run).name))


def test_two_processes_that_save_the_same_run_both_succeed(small_run: Run, tmp_path: Path) -> None:
    processes = [child(tmp_path, -1) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:  # both go from here at once
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [small_run.id]
    assert_same(small_run, open_run(tmp_path / "runs" / small_run.id))


def test_the_slower_of_two_savers_finds_the_run_in_its_place(
    small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    appear = lossatlas.store.write._move_into_place

    def overtaken(unfinished: Path, folder: Path) -> None:
        shutil.copytree(unfinished, folder)  # somebody else was faster
        appear(unfinished, folder)

    monkeypatch.setattr(lossatlas.store.write, "_move_into_place", overtaken)
    folder = save_run(small_run, tmp_path)
    assert_same(small_run, open_run(folder))
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_unfinished_folders_of_live_processes_are_kept(tmp_path: Path) -> None:
    own = tmp_path / "runs" / f".unfinished-{os.getpid()}-abc"
    own.mkdir(parents=True)
    assert remove_unfinished(tmp_path) == 0
    assert own.is_dir()


def test_foreign_folders_are_kept(tmp_path: Path) -> None:
    foreign = tmp_path / "runs" / ".unfinished-business"
    foreign.mkdir(parents=True)
    assert remove_unfinished(tmp_path) == 0
    assert foreign.is_dir()


def test_a_data_folder_that_is_a_file(small_run: Run, tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.write_text("mine")
    with pytest.raises(DataFolderError, match=f"{file} is a file, not a folder; give another folder$"):
        save_run(small_run, file)
    with pytest.raises(DataFolderError, match="is a file"):
        Gallery(file)
    with pytest.raises(DataFolderError, match="cannot write into"):
        save_run(small_run, file / "below")
    assert file.read_text() == "mine"


@pytest.mark.parametrize("call", range(1, len(LAYOUT) + 2))
def test_a_disk_that_is_full_leaves_nothing_half_written(
    call: int, small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def full(_descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(lossatlas.store.durable, "_sync", full)
    with pytest.raises(DataFolderError, match=r"cannot write into .* \(No space left on device\); give another"):
        save_run(small_run, tmp_path)
    assert calls == call
    assert list((tmp_path / "runs").iterdir()) == []


def test_every_file_reaches_the_disk_before_the_run_appears(
    small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: dict[int, int] = {}  # size when it was synced, by inode

    def note(descriptor: int) -> None:
        assert not (tmp_path / "runs" / small_run.id).exists()
        file = os.fstat(descriptor)
        synced[file.st_ino] = file.st_size

    monkeypatch.setattr(lossatlas.store.durable, "_sync", note)
    folder = save_run(small_run, tmp_path)
    files = [(folder / name).stat() for name in files_in(folder)]
    assert synced == {file.st_ino: file.st_size for file in files}  # each of them, and whole


def test_text_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "index.json"
    write_text(path, "old")

    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        with pytest.raises(OSError, match="Input/output"):
            write_text(path, "new")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["index.json"]
    write_text(path, "θ")
    assert path.read_text(encoding="utf-8") == "θ"


def test_saving_leaves_the_run_as_it_was(small_run: Run, tmp_path: Path) -> None:
    before = {name: array.tobytes() for name, array in list_arrays(small_run).items()}
    save_run(small_run, tmp_path)
    assert {name: array.tobytes() for name, array in list_arrays(small_run).items()} == before


def test_other_wordings_and_additions_of_another_version_are_no_damage(stored: Path) -> None:
    def reword(manifest: dict[str, Any]) -> None:
        manifest["title"] = manifest["arrays"]["points"]["what"] = manifest["planes"][0]["what"] = "said otherwise"
        manifest["arrays"]["hessian"] = {**manifest["arrays"]["points"], "file": "hessian.npy"}
        manifest["planes"][0]["cosine"] += 1e-9  # another machine's last digit

    edit_manifest(reword)(stored)
    assert open_run(stored).id == stored.name


@pytest.mark.parametrize(
    "content", [b"[" * 200_000, b'{"format": 1e999}', b'{"format": ' + b"9" * 5000 + b"}"], ids=["deep", "inf", "long"]
)
def test_json_that_breaks_readers_is_damage(content: bytes, stored: Path) -> None:
    (stored / "run.json").write_bytes(content)
    with pytest.raises(RunDamagedError, match="not readable as JSON"):
        open_run(stored)

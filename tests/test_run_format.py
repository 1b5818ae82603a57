"""Tests that a stored run has exactly the files that docs/run-format.md describes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossatlas.arrays import AnyArray
from lossatlas.runs import compute_run
from lossatlas.store import save_run
from tests.conftest import SMALL, small_config
from tests.support.stored_runs import LAYOUT, files_in, manifest_of

FORMAT_PAGE = Path(__file__).parents[1] / "docs" / "run-format.md"


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
    manifest.pop("sha256")
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
    """Return the names in backticks in one column of the tables between two headings or sentences."""
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

"""Lists the files of the small run, reads and rewrites its manifest, and compares two runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from lossatlas.arrays import AnyArray
from lossatlas.landscape import Cut
from lossatlas.runs import Run
from lossatlas.store.manifest import list_arrays

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


def facts(cut: Cut) -> dict[str, Any]:
    """Return all properties of a plane that are not arrays."""
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


def with_nan(array: AnyArray) -> AnyArray:
    array[tuple(0 for _ in array.shape)] = np.nan
    return array

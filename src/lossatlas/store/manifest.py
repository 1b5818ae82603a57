"""Makes the manifest of a run, ``run.json``, which describes every file with its shape and meaning."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from lossatlas.arrays import AnyArray, Float64
from lossatlas.curvature import TrainingCurvature, stability_formula
from lossatlas.datasets import Dataset
from lossatlas.landscape import NONCONVEX, Cut, unit_coordinates
from lossatlas.planes import Directions, Plane, PlaneConfig, compute_random_walk_variance
from lossatlas.runs import CONFIDENCE_STEP, Run, Setup
from lossatlas.training import METRICS, Outcome

FORMAT = "lossatlas-run"
FORMAT_VERSION = 1
#: The version of the manifests of recorded runs. Computed runs keep version 1.
RECORDED_VERSION = 2


@dataclass(frozen=True)
class ArraySpec:
    """One array of the format: its name, its dtype, the names of its axes, and a description of its content."""

    name: str
    dtype: str
    axes: tuple[str, ...]
    what: str
    scale_factor: float | None = None

    def entry(self, file: str, sizes: dict[str, int]) -> dict[str, Any]:
        """Make the entry of the array in a manifest, given the size of each axis."""
        entry: dict[str, Any] = {
            "file": file,
            "dtype": self.dtype,
            "shape": [sizes[axis] for axis in self.axes],
            "axes": list(self.axes),
            "what": self.what,
        }
        return entry if self.scale_factor is None else {**entry, "scale_factor": self.scale_factor}


RUN_ARRAYS = (
    ArraySpec("weights", "float32", ("frame", "parameter"), "the trajectory: theta at every frame"),
    ArraySpec("points", "float32", ("point", "feature"), "standardised inputs, training points first"),
    ArraySpec("labels", "uint8", ("point",), "true class of each point"),
    ArraySpec("split", "uint8", ("point",), "0 for a training point, 1 for a test point"),
    ArraySpec("point_predicted_class", "uint8", ("frame", "point"), "class predicted for each point"),
    ArraySpec("grid_x", "float32", ("x",), "first input of the boundary's columns, standardised"),
    ArraySpec("grid_y", "float32", ("y",), "second input of the boundary's rows, standardised"),
    ArraySpec("predicted_class", "uint8", ("frame", "y", "x"), "class predicted at (grid_x[x], grid_y[y])"),
    ArraySpec("confidence", "uint8", ("frame", "y", "x"), "probability of the predicted class", CONFIDENCE_STEP),
)
#: The arrays that may contain NaN where a number does not exist. NaN in any other array means damage.
MAY_BE_NAN = ("nonconvexity",)
SPECTRUM = ArraySpec("spectrum", "float32", ("curvature_frame", "parameter"), "eigenvalues of the Hessian, ascending")


def plane_arrays(config: PlaneConfig, *, centre: bool = False, trained: bool = True) -> tuple[ArraySpec, ...]:
    """Specify the arrays of a plane.

    Parameters
    ----------
    config
        The configuration of the plane.
    centre
        Whether the centre is stored, because it is not the parameters of a frame.
    trained
        False for the arrays that exist while the network trains.

    Returns
    -------
    tuple
        The specifications of the arrays.
    """
    around = "frame" if config.moving else "centre"
    test_around = "frame" if config.moving and config.test_frames else "centre"
    what = "mean {} cross-entropy (nats) at {} + a d_a + b d_b, rounded to 1e-4 of its variation; centre exact"
    place = {"frame": "theta_frame", "centre": "the centre"}
    specs = [
        ArraySpec("directions", "float32", ("direction", "parameter"), "d_a and d_b"),
        ArraySpec("coordinates", "float64", ("grid",), "sampled a, and b, as multiples of the span"),
        ArraySpec("loss_surface", "float32", ("span", around, "b", "a"), what.format("training", place[around])),
    ]
    if not trained:
        return tuple(specs)
    specs += [
        ArraySpec(
            "test_loss_surface", "float32", ("span", test_around, "b", "a"), what.format("test", place[test_around])
        ),
        ArraySpec("path", "float64", ("frame", "coordinate"), "(a, b) of each frame's theta, by least squares"),
        ArraySpec("residual", "float64", ("frame",), "distance of each frame's theta from the plane"),
        ArraySpec("path_loss", "float64", ("frame",), "training loss on the plane at (a, b) of each frame"),
    ]
    if centre:
        specs.append(ArraySpec("centre", "float32", ("parameter",), "theta at a = b = 0"))
    if config.nonconvexity:
        what = "least over largest eigenvalue of the Hessian, on an even grid over the first span; NaN: not finite"
        specs.append(ArraySpec("nonconvexity", "float32", ("nb", "na"), what))
    return tuple(specs)


def describe(  # noqa: PLR0913 (one argument for each part of the manifest)
    setup: Setup,
    epochs: list[int],
    metrics: dict[str, list[float]],
    outcome: dict[str, Any],
    planes: list[dict[str, Any]],
    curvature: TrainingCurvature | None = None,
    left_out: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Make the manifest of a run that is finished or still being computed; ``planes`` are the entries of its planes."""
    config, network = setup.config, setup.network
    sizes = sizes_of(setup, len(epochs), curvature)
    specs = RUN_ARRAYS if curvature is None or curvature.spectrum is None else (*RUN_ARRAYS, SPECTRUM)
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "id": config.id,
        "title": setup.title,
        "config": config.model_dump(mode="json"),
        "versions": {"lossatlas": version("lossatlas"), "numpy": np.__version__},
        "dataset": _describe_dataset(setup.dataset),
        "model": {
            "title": config.model.title,
            "layers": list(network.layers),
            "activation": network.activation.name,
            "residual": network.residual,
            "parameters": network.parameter_count,
        },
        "frames": epochs,
        "metrics": metrics,
        "outcome": outcome,
        "parameters": [
            {"name": parameter.name, "shape": list(parameter.shape), "offset": parameter.offset}
            for parameter in network.parameters
        ],
        "arrays": {spec.name: spec.entry(f"{spec.name}.npy", sizes) for spec in specs},
        "planes": planes,
        "left_out": [{"name": name, "why": why} for name, why in (left_out or {}).items()],
        **({} if curvature is None else {"curvature": _describe_curvature(curvature, setup)}),
    }


def _describe_dataset(dataset: Dataset) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "title": dataset.title,
        "features": [
            {"name": name, "mean": float(mean), "scale": float(scale)}
            for name, mean, scale in zip(dataset.feature_names, dataset.mean, dataset.scale, strict=True)
        ],
        "classes": list(dataset.class_names),
        "train_points": int((dataset.split == 0).sum()),
        "test_points": int((dataset.split == 1).sum()),
    }


def describe_start(setup: Setup, epochs: list[int]) -> dict[str, Any]:
    """Make the manifest of a run before its training, with all planned frames and the planes that need no training."""
    sizes, configs = sizes_of(setup, len(epochs)), setup.plane_configs
    planes = [
        describe_plane(
            directions, configs[directions.name], sizes, plane_arrays(configs[directions.name], trained=False)
        )
        for directions in setup.directions
        if directions.moving
    ]
    return describe(setup, epochs, {name: [] for name in METRICS}, {"status": "running"}, planes)


def describe_run(run: Run) -> dict[str, Any]:
    """Make the manifest of a finished run."""
    trajectory = run.trajectory
    metrics = {name: trajectory.metrics[name].tolist() for name in METRICS}
    planes = [describe_cut(run, cut) for cut in run.cuts]
    outcome = describe_outcome(trajectory.outcome)
    return describe(run.setup, list(trajectory.epochs), metrics, outcome, planes, run.curvature, run.left_out)


def describe_cut(run: Run, cut: Cut) -> dict[str, Any]:
    """Make the entry of one plane of a finished run."""
    plane, config = cut.plane, run.setup.plane_configs[cut.plane.name]
    sizes = sizes_of(run.setup, len(run.trajectory.epochs), run.curvature)
    return {
        **describe_plane(plane, config, sizes, plane_arrays(config, centre=plane.centre_frame is None)),
        "explained_variance": cut.path.explained_variance,
        "random_walk": compute_random_walk_variance(run.trajectory.epochs) if plane.kind == "pca" else None,
        "nonconvexity": None
        if cut.nonconvexity is None
        else {
            "share": cut.nonconvex_share,
            "threshold": NONCONVEX,
            "grid": config.nonconvexity,
            "span": plane.spans[0],
        },
    }


def sizes_of(setup: Setup, frames: int, curvature: TrainingCurvature | None = None) -> dict[str, int]:
    """Return the size of each axis that several arrays of a run share."""
    return {
        "frame": frames,
        "parameter": setup.network.parameter_count,
        "point": len(setup.dataset.points),
        "feature": setup.dataset.points.shape[1],
        "y": setup.grid.shape[0],
        "x": setup.grid.shape[1],
        "curvature_frame": 0 if curvature is None else len(curvature.frames),
        "direction": 2,
        "coordinate": 2,
        "centre": 1,
    }


def describe_outcome(outcome: Outcome) -> dict[str, Any]:
    """Make the entry that says how training ended. It leaves out keys without a value."""
    return {key: value for key, value in asdict(outcome).items() if value is not None}


def list_arrays(run: Run) -> dict[str, AnyArray]:
    """Return every array of a run by its path without ``.npy``, such as ``planes/fresh/loss_surface``."""
    trajectory = run.trajectory
    arrays: dict[str, AnyArray] = {
        **static_arrays(run.setup),
        "weights": trajectory.weights,
        "point_predicted_class": trajectory.predicted_class,
        "predicted_class": run.predicted_class,
        "confidence": run.confidence,
    }
    if run.curvature is not None and run.curvature.spectrum is not None:
        arrays["spectrum"] = run.curvature.spectrum
    for cut in run.cuts:
        arrays |= {f"planes/{cut.plane.name}/{name}": array for name, array in list_arrays_of_cut(cut).items()}
    return arrays


def list_arrays_of_cut(cut: Cut) -> dict[str, AnyArray]:
    """Return every array of a plane by name."""
    plane = cut.plane
    arrays: dict[str, AnyArray] = {
        "directions": plane.directions,
        "coordinates": unit_coordinates(cut.grid),
        "loss_surface": cut.loss_surface,
        "test_loss_surface": cut.test_loss_surface,
        "path": cut.path.coordinates,
        "residual": cut.path.residual,
        "path_loss": cut.path_loss,
    }
    if plane.centre_frame is None:
        arrays["centre"] = plane.centre
    if cut.nonconvexity is not None:
        arrays["nonconvexity"] = cut.nonconvexity
    return arrays


def static_arrays(setup: Setup) -> dict[str, AnyArray]:
    """Return the arrays that do not depend on training, by their paths."""
    dataset = setup.dataset
    return {
        "points": dataset.points.astype(np.float32),
        "labels": dataset.labels.astype(np.uint8),
        "split": dataset.split,
        "grid_x": setup.grid.x,
        "grid_y": setup.grid.y,
    }


def start_arrays(setup: Setup) -> dict[str, AnyArray]:
    """Return the static arrays, and the coordinates of planes whose surfaces are computed during training."""
    moving = [directions.name for directions in setup.directions if directions.moving]
    grids = {name: setup.plane_configs[name].grid for name in moving}
    coordinates = {f"planes/{name}/coordinates": unit_coordinates(grid) for name, grid in grids.items()}
    return static_arrays(setup) | coordinates


def describe_plane(
    plane: Directions, config: PlaneConfig, sizes: dict[str, int], specs: tuple[ArraySpec, ...]
) -> dict[str, Any]:
    """Describe a plane, or its directions, which have no centre yet."""
    laid = plane if isinstance(plane, Plane) else None
    grid, samples = config.grid, config.nonconvexity or 0
    own = {**sizes, "span": len(plane.spans), "grid": grid, "b": grid, "a": grid, "nb": samples, "na": samples}
    return {
        "name": plane.name,
        "kind": plane.kind,
        "title": plane.title,
        "what": plane.what,
        "hides": plane.hides,
        "seed": plane.seed,
        "normalization": plane.normalization,
        "moving": plane.moving,
        "centre_frame": laid.centre_frame if laid else None,
        "cosine": plane.cosine,
        "orthonormal": plane.orthonormal,
        "spans": list(plane.spans),
        "eigenvalues": list(laid.eigenvalues) if laid and laid.eigenvalues else None,
        "anchors": [asdict(anchor) for anchor in (laid.anchors if laid else ())],
        "arrays": {spec.name: spec.entry(f"planes/{plane.name}/{spec.name}.npy", own) for spec in specs},
    }


def _describe_curvature(curvature: TrainingCurvature, setup: Setup) -> dict[str, Any]:
    return {
        **describe_curvature_numbers(curvature),
        "parameters": setup.network.parameter_count,
        "stability": curvature.stability,
        "stability_formula": None if curvature.stability is None else stability_formula(setup.config.training),
    }


def describe_curvature_numbers(curvature: TrainingCurvature) -> dict[str, Any]:
    """Describe the measured numbers of the Hessian as plain JSON data."""
    estimated = bool(curvature.trace_error.any())
    return {
        "frames": list(curvature.frames),
        "largest": _list_numbers(curvature.largest),
        "smallest": _list_numbers(curvature.smallest),
        "trace": _list_numbers(curvature.trace),
        "trace_error": _list_numbers(curvature.trace_error) if estimated else None,
        "adaptive_sharpness": _list_numbers(curvature.adaptive_sharpness),
        "negative": None if curvature.negative is None else curvature.negative.tolist(),
    }


def _list_numbers(values: Float64) -> list[float | None]:
    """Convert an array ``[N]`` to a list, with None in place of NaN, because JSON has no NaN."""
    return [value if math.isfinite(value) else None for value in values.tolist()]

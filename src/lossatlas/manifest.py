"""What a run says of itself: ``run.json``, from which a reader learns every file, shape and meaning."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from lossatlas.arrays import AnyArray
from lossatlas.directions import Plane
from lossatlas.runs import CONFIDENCE_STEP, Run, Setup
from lossatlas.surface import unit_coordinates
from lossatlas.training import METRICS, Outcome

FORMAT = "lossatlas-run"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class ArraySpec:
    """One array of the format: its name, dtype, the names of its axes, and what it holds."""

    name: str
    dtype: str
    axes: tuple[str, ...]
    what: str
    scale_factor: float | None = None

    def entry(self, file: str, sizes: dict[str, int]) -> dict[str, Any]:
        """Describe the array as a manifest does, with sizes by axis."""
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
PLANE_ARRAYS = (
    ArraySpec("directions", "float32", ("direction", "parameter"), "d_a and d_b"),
    ArraySpec("coordinates", "float64", ("grid",), "sampled a, and b, as multiples of the span"),
    ArraySpec(
        "loss_surface",
        "float32",
        ("span", "frame", "b", "a"),
        "mean training cross-entropy (nats) at theta_frame + a d_a + b d_b, to 12 significant bits; centre exact",
    ),
)


def describe(
    setup: Setup, epochs: list[int], metrics: dict[str, list[float]], outcome: dict[str, Any]
) -> dict[str, Any]:
    """Make the manifest of a run, finished or to be."""
    config, dataset, network = setup.config, setup.dataset, setup.network
    sizes = {
        "frame": len(epochs),
        "parameter": network.parameter_count,
        "point": len(dataset.points),
        "feature": dataset.points.shape[1],
        "y": setup.grid.shape[0],
        "x": setup.grid.shape[1],
    }
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "id": config.id,
        "title": setup.title,
        "config": config.model_dump(mode="json"),
        "versions": {"lossatlas": version("lossatlas"), "numpy": np.__version__},
        "dataset": {
            "name": dataset.name,
            "title": dataset.title,
            "features": [
                {"name": name, "mean": float(mean), "scale": float(scale)}
                for name, mean, scale in zip(dataset.feature_names, dataset.mean, dataset.scale, strict=True)
            ],
            "classes": list(dataset.class_names),
            "train_points": int((dataset.split == 0).sum()),
            "test_points": int((dataset.split == 1).sum()),
        },
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
        "arrays": {spec.name: spec.entry(f"{spec.name}.npy", sizes) for spec in RUN_ARRAYS},
        "planes": [
            _plane(plane, spans=list(part.spans), sizes={**sizes, "grid": part.grid})
            for plane, part in zip(setup.planes, config.planes, strict=True)
        ],
    }


def describe_run(run: Run) -> dict[str, Any]:
    """Make the manifest of a finished run."""
    trajectory = run.trajectory
    metrics = {name: trajectory.metrics[name].tolist() for name in METRICS}
    return describe(run.setup, list(trajectory.epochs), metrics, outcome_entry(trajectory.outcome))


def outcome_entry(outcome: Outcome) -> dict[str, Any]:
    """How training ended, without the keys that have nothing to say."""
    return {key: value for key, value in asdict(outcome).items() if value is not None}


def arrays_of(run: Run) -> dict[str, AnyArray]:
    """Every array of a run by its path without ``.npy``: ``weights``, ``planes/fresh/loss_surface``."""
    trajectory = run.trajectory
    arrays: dict[str, AnyArray] = {
        **static_arrays(run.setup),
        "weights": trajectory.weights,
        "point_predicted_class": trajectory.predicted_class,
        "predicted_class": run.predicted_class,
        "confidence": run.confidence,
    }
    for plane in run.setup.planes:
        arrays[f"planes/{plane.name}/directions"] = plane.directions
        arrays[f"planes/{plane.name}/loss_surface"] = run.loss_surface[plane.name]
    return arrays


def static_arrays(setup: Setup) -> dict[str, AnyArray]:
    """Return the arrays that do not depend on training, by the same paths."""
    dataset = setup.dataset
    coordinates = {
        f"planes/{plane.name}/coordinates": unit_coordinates(part.grid)
        for plane, part in zip(setup.planes, setup.config.planes, strict=True)
    }
    return {
        "points": dataset.points.astype(np.float32),
        "labels": dataset.labels.astype(np.uint8),
        "split": dataset.split,
        "grid_x": setup.grid.x,
        "grid_y": setup.grid.y,
        **coordinates,
    }


def _plane(plane: Plane, spans: list[float], sizes: dict[str, int]) -> dict[str, Any]:
    grid = sizes["grid"]
    own = {**sizes, "direction": 2, "span": len(spans), "b": grid, "a": grid}
    return {
        "name": plane.name,
        "kind": plane.kind,
        "what": plane.what,
        "seed": plane.seed,
        "centre": "the theta of each frame",
        "cosine": plane.cosine,
        "orthonormal": plane.orthonormal,
        "spans": spans,
        "arrays": {spec.name: spec.entry(f"planes/{plane.name}/{spec.name}.npy", own) for spec in PLANE_ARRAYS},
    }

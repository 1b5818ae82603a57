"""Makes ``catalog.json``, which lists the choices on the page, and the data files that the page ships with."""

from __future__ import annotations

import json
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from lossatlas.datasets import SOURCES, DatasetConfig, Source, load_dataset
from lossatlas.networks import ACTIVATIONS
from lossatlas.planes import KINDS
from lossatlas.rng import Draws, Stream
from lossatlas.runs import RunConfig
from lossatlas.showcase import OPENING, gallery_configs
from lossatlas.site.constants import describe_constants

_THUMBNAIL_POINTS = 120
_DECIMALS = 2


def describe_catalog(compute: bool, default: RunConfig | None = None) -> dict[str, Any]:
    """Describe the datasets, the activations, the default configuration, and the constants that the page needs.

    Parameters
    ----------
    compute
        Whether a server computes runs that the gallery lacks.
    default
        The configuration that the page opens with, and whose other settings apply to a chosen dataset and model; by
        default, :data:`OPENING`.

    Returns
    -------
    dict
        The content of ``catalog.json``.
    """
    default = default or OPENING
    samples = {config.dataset.name: config.dataset for config in gallery_configs(tuple(SOURCES), [()], default)}
    thumbnails = json.loads(files("lossatlas").joinpath("web", "thumbnails.json").read_text(encoding="utf-8"))
    return {
        "version": version("lossatlas"),
        "compute": compute,
        "default": default.model_dump(mode="json"),
        "activations": [{"name": activation.name, "title": activation.title} for activation in ACTIVATIONS.values()],
        "datasets": [
            {
                "name": source.name,
                "title": source.title,
                "summary": source.summary,
                "features": list(source.feature_names),
                "classes": list(source.class_names),
                "noise": source.default_noise,
                "config": samples[source.name].model_dump(mode="json"),
                "thumbnail": thumbnails[source.name],
            }
            for source in SOURCES.values()
        ],
        "constants": describe_constants(),
    }


def draw_thumbnails() -> dict[str, dict[str, list[float]]]:
    """Draw some standardised and rounded points of every dataset, with their labels.

    ``web/thumbnails.json`` contains them, because scikit-learn takes a second to load for two of the datasets.

    Returns
    -------
    dict
        Lists ``x``, ``y`` and ``label`` by the name of the dataset.
    """
    return {name: _draw_thumbnail(name) for name in SOURCES}


def list_measured_points() -> dict[str, dict[str, Any]]:
    """List all points of every measured dataset, in their original units and order.

    ``web/compute/datasets/measured.json`` contains them. The page chooses and splits them as :func:`load_dataset` does,
    so that it can train on them without a run and without a server.

    Returns
    -------
    dict
        The title, the names and the points of each dataset, by its name.
    """
    return {
        source.name: _describe_measured(source, source.available) for source in SOURCES.values() if source.available
    }


def _describe_measured(source: Source, count: int) -> dict[str, Any]:
    points, labels = source.sample(count, 0.0, Draws(0, Stream.POINTS))
    x, y = points.T.tolist()
    return {
        "title": source.title,
        "features": list(source.feature_names),
        "classes": list(source.class_names),
        "x": x,
        "y": y,
        "label": labels.tolist(),
    }


def list_default_settings() -> dict[str, Any]:
    """List the default settings of a run, of each dataset, and of each kind of plane without required settings.

    ``web/features/share/defaults.json`` contains them. The page uses them to write the Python code of a run.

    Returns
    -------
    dict
        The settings, under the keys ``run``, ``datasets`` and ``planes``.
    """
    return {
        "run": RunConfig().model_dump(mode="json"),
        "datasets": {name: DatasetConfig(name=name).model_dump(mode="json") for name in SOURCES},
        "planes": {
            kind: plane(kind=kind).model_dump(mode="json")
            for kind, plane in KINDS.items()
            if not any(setting.is_required() for setting in plane.model_fields.values())
        },
    }


def _draw_thumbnail(name: str) -> dict[str, list[float]]:
    dataset = load_dataset(DatasetConfig(name=name, points=_THUMBNAIL_POINTS))
    x, y = dataset.points.round(_DECIMALS).T.tolist()
    return {"x": x, "y": y, "label": dataset.labels.tolist()}

"""What the page offers to choose from (``catalog.json``), and the data files that the page ships with."""

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
    """Describe datasets, activations, the default configuration, and the constants that the page has from the package.

    Parameters
    ----------
    compute
        Whether there is a server that computes what the gallery lacks.
    default
        What the page opens on, and what a choice of dataset and model is trained like; :data:`OPENING` if not given.
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
    """Some points of every dataset, standardised and rounded, with their labels.

    They are kept in ``web/thumbnails.json``, since two of the datasets take scikit-learn a second to load.
    """
    return {name: _thumbnail(name) for name in SOURCES}


def measured_points() -> dict[str, dict[str, Any]]:
    """All points of every measured dataset, in their own units and in the order of their source.

    Kept in ``web/compute/datasets/measured.json``, from which the page chooses and splits them as
    :func:`load_dataset` does: so it can train on them where the gallery has no run of theirs, and where there is no
    server.
    """
    return {source.name: _measured(source, source.available) for source in SOURCES.values() if source.available}


def _measured(source: Source, count: int) -> dict[str, Any]:
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


def default_settings() -> dict[str, Any]:
    """What a configuration need not say: of a run, of each dataset, of each kind of plane that needs no setting.

    Kept in ``web/features/share/defaults.json``, from which the page writes the Python of a run.
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


def _thumbnail(name: str) -> dict[str, list[float]]:
    dataset = load_dataset(DatasetConfig(name=name, points=_THUMBNAIL_POINTS))
    x, y = dataset.points.round(_DECIMALS).T.tolist()
    return {"x": x, "y": y, "label": dataset.labels.tolist()}

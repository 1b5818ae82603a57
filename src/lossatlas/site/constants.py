"""Collects the constants of the package that the page also needs. The page reads them from ``catalog.json``."""

from __future__ import annotations

from typing import Any

from lossatlas.checks import LARGEST
from lossatlas.config import Config
from lossatlas.datasets import DatasetConfig
from lossatlas.datasets.own import FEATURES, LEAST_PER_CLASS
from lossatlas.landscape import BoundaryConfig
from lossatlas.networks import ModelConfig, Network
from lossatlas.planes import FreshPlane
from lossatlas.runs.notebook import CLASS_COLOURS, VIRIDIS
from lossatlas.store.manifest import RECORDED_VERSION
from lossatlas.tables.columns import MAX_CLASSES
from lossatlas.tables.table import MOST_POINTS
from lossatlas.tables.words import LONGEST_NAME
from lossatlas.training import OPTIMIZERS, TrainingConfig

#: The page does not evaluate networks with more parameters, because answers during a drag would take too long.
MOST_PARAMETERS = 5_000


def describe_constants() -> dict[str, Any]:
    """Collect the constants in groups. ``Constants`` in ``web/model/constants.js`` describes each of them."""
    usual = DatasetConfig()
    return {
        "format_version": RECORDED_VERSION,
        "most_parameters": MOST_PARAMETERS,
        "optimizers": [{"name": name, "title": optimizer.title} for name, optimizer in OPTIMIZERS.items()],
        "bounds": {
            name: _read_bounds(TrainingConfig, name)
            for name in ("learning_rate", "batch_size", "weight_decay", "epochs", "frames")
        },
        "defaults": {
            "points": usual.points,
            "test_fraction": usual.test_fraction,
            "boundary": BoundaryConfig().model_dump(mode="json"),
        },
        "fresh_plane": _describe_fresh_plane(),
        "own_data": {
            "features": list(FEATURES),
            "classes": MAX_CLASSES,
            "points": MOST_POINTS,
            "points_per_class": LEAST_PER_CLASS,
            "coordinate": LARGEST,
            "name_length": LONGEST_NAME,
        },
        "colours": {
            "losses": VIRIDIS.astype(int).tolist(),
            "classes": CLASS_COLOURS.astype(int).tolist(),
        },
    }


def _read_bounds(config: type[Config], name: str) -> dict[str, float]:
    """Read the smallest and the largest number of a setting from its schema. A smallest number of 0 may be excluded."""
    schema = config.model_json_schema()["properties"][name]
    number = next(part for part in schema.get("anyOf", [schema]) if "maximum" in part)
    return {"least": number.get("minimum", number.get("exclusiveMinimum")), "most": number["maximum"]}


def _describe_fresh_plane() -> dict[str, Any]:
    """Describe the plane along two fresh models, which the page makes itself if it trains."""
    config = FreshPlane()
    directions = config.draw(Network.of(ModelConfig(), inputs=2, classes=2))
    description = {name: getattr(directions, name) for name in ("name", "kind", "title", "what", "hides")}
    return {**description, "seed": config.seed, "spans": list(directions.spans), "grid": config.grid}

"""The configuration of a run: one training and everything to compute from it, and the id that follows from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from lossatlas.config import Config
from lossatlas.curvature import CurvatureConfig
from lossatlas.datasets import DatasetConfig
from lossatlas.errors import ConfigError
from lossatlas.landscape import BoundaryConfig
from lossatlas.networks import ModelConfig, Network
from lossatlas.planes import (
    AnyPlane,
    FreshPlane,
    GaussianPlane,
    HessianPlane,
    PcaPlane,
    PlaneConfig,
    plane_names,
)
from lossatlas.training import TrainingConfig

#: What a run may take in memory, of the arrays that grow with its frames.
MOST_BYTES = 2 * 10**9
#: As many spans as :func:`~lossatlas.planes.fitting_spans` finds.
_USUAL_SPANS = range(3)
#: The plane that the page shows first; then those that researchers ask for, around the trained network.
DEFAULT_PLANES = (FreshPlane(), GaussianPlane(normalization="filter", moving=False), PcaPlane(), HessianPlane())


class RunConfig(Config):
    """One training and everything to compute from it. Every part has a default, so ``RunConfig()`` is a whole run."""

    dataset: DatasetConfig = DatasetConfig()
    """Which points to learn from."""
    model: ModelConfig = ModelConfig()
    """Size and activation of the hidden layers."""
    training: TrainingConfig = TrainingConfig()
    """How to learn."""
    boundary: BoundaryConfig = BoundaryConfig()
    """Where the input plane is sampled."""
    planes: Annotated[tuple[AnyPlane, ...], Field(min_length=1, max_length=16)] = DEFAULT_PLANES
    """Which planes to cut the loss along; the first is shown first."""
    curvature: CurvatureConfig = CurvatureConfig()
    """How often to measure the Hessian."""

    @property
    def canonical(self) -> str:
        """The whole configuration as JSON, keys sorted, no spaces: equal text for equal configurations."""
        return canonical_text(self.model_dump(mode="json"))

    @property
    def id(self) -> str:
        """Dataset, model, and 8 hex digits of the SHA-256 of :attr:`canonical`: ``moons-16x16-tanh-3f2a9c1b``."""
        return run_id(self.model_dump(mode="json"))

    @model_validator(mode="after")
    def _refuse_too_large(self) -> RunConfig:
        if self.size > MOST_BYTES:
            raise ValueError(
                f"this run would take {self.size / 1e9:.1f} GB, and {MOST_BYTES / 1e9:.1f} GB are allowed: "
                "give fewer frames, a smaller grid or resolution, fewer spans, or smaller hidden layers"
            )
        return self

    @model_validator(mode="after")
    def _refuse_missing_frames(self) -> RunConfig:
        frames = min(self.training.frames, self.training.epochs + 1)
        for number, plane in enumerate(self.planes):
            if late := [frame for frame in plane.frames if frame >= frames]:
                fault = f"there will be no frame {late[0]}: {frames} are recorded, from 0 to {frames - 1}"
                raise ConfigError([(f"planes.{number}", fault)])
        return self

    @property
    def references(self) -> tuple[str, ...]:
        """Ids of the other runs that planes of this one go through."""
        return tuple(run for plane in self.planes for run in plane.references)

    @property
    def classes(self) -> int:
        """K, of the dataset."""
        return self.dataset.class_count

    @property
    def size(self) -> int:
        """Bytes of the arrays that grow with the frames, all frames together."""
        frames = min(self.training.frames, self.training.epochs + 1)
        parameters = Network.of(self.model, 2, self.classes).parameter_count
        surfaces = sum(
            4 * len(plane.spans or _USUAL_SPANS) * plane.grid**2 * (1 + plane.test_frames)
            for plane in self.planes
            if plane.moving
        )
        return frames * (surfaces + 2 * self.boundary.resolution**2 + self.dataset.points + 4 * parameters)


def plane_configs(config: RunConfig) -> dict[str, PlaneConfig]:
    """The planes of a configuration by the names they have in the run, in their order."""
    return dict(zip(plane_names(config.planes), config.planes, strict=True))


def canonical_text(config: Mapping[str, Any]) -> str:
    """A configuration as JSON, keys sorted, no spaces: equal text for equal configurations."""
    return json.dumps(config, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def run_id(config: Mapping[str, Any]) -> str:
    """The id of the run of a whole configuration, as :attr:`RunConfig.id` describes it, from plain data."""
    digest = hashlib.sha256(canonical_text(config).encode()).hexdigest()[:8]
    model = config["model"]
    hidden = "x".join(map(str, model["hidden"][:8])) or "none"
    return f"{config['dataset']['name']}-{hidden}-{model['activation']}-{digest}"

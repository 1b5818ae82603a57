"""The configuration of a run, which says what to train and what to compute, and the id of the run."""

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
    name_planes,
)
from lossatlas.training import TrainingConfig

#: The largest size in bytes of the arrays of a run that grow with its frames.
MOST_BYTES = 2 * 10**9
#: :func:`~lossatlas.planes.find_spans` finds this many spans.
_USUAL_SPANS = range(3)
#: The default planes. The page shows the first one; the others are planes around the trained network.
DEFAULT_PLANES = (FreshPlane(), GaussianPlane(normalization="filter", moving=False), PcaPlane(), HessianPlane())


class RunConfig(Config):
    """The settings of one training and of everything that is computed from it. Every setting has a default."""

    dataset: DatasetConfig = DatasetConfig()
    """The points to learn from."""
    model: ModelConfig = ModelConfig()
    """The size and the activation of the hidden layers."""
    training: TrainingConfig = TrainingConfig()
    """The settings of the training."""
    boundary: BoundaryConfig = BoundaryConfig()
    """The grid of inputs for decision boundaries."""
    planes: Annotated[tuple[AnyPlane, ...], Field(min_length=1, max_length=16)] = DEFAULT_PLANES
    """The planes on which the loss is computed. The page shows the first one first."""
    curvature: CurvatureConfig = CurvatureConfig()
    """How often the Hessian is measured."""

    @property
    def canonical(self) -> str:
        """The configuration as JSON with sorted keys and without spaces. Equal configurations have equal text."""
        return write_canonical(self.model_dump(mode="json"))

    @property
    def id(self) -> str:
        """The id: dataset, model, and 8 hex digits of a hash of the settings, as in ``moons-16x16-tanh-3f2a9c1b``."""
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
        """The ids of the other runs that planes of this run go through."""
        return tuple(run for plane in self.planes for run in plane.references)

    @property
    def classes(self) -> int:
        """K, the number of classes of the dataset."""
        return self.dataset.class_count

    @property
    def size(self) -> int:
        """The size in bytes of the arrays that grow with the frames."""
        frames = min(self.training.frames, self.training.epochs + 1)
        parameters = Network.of(self.model, 2, self.classes).parameter_count
        surfaces = sum(
            4 * len(plane.spans or _USUAL_SPANS) * plane.grid**2 * (1 + plane.test_frames)
            for plane in self.planes
            if plane.moving
        )
        return frames * (surfaces + 2 * self.boundary.resolution**2 + self.dataset.points + 4 * parameters)


def plane_configs(config: RunConfig) -> dict[str, PlaneConfig]:
    """Return the planes of a configuration by their names in the run, in order."""
    return dict(zip(name_planes(config.planes), config.planes, strict=True))


def write_canonical(config: Mapping[str, Any]) -> str:
    """Write a configuration as JSON with sorted keys and without spaces, so that equal ones have equal text."""
    return json.dumps(config, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def run_id(config: Mapping[str, Any]) -> str:
    """Make the id of a run from a whole configuration as plain data; see :attr:`RunConfig.id`."""
    digest = hashlib.sha256(write_canonical(config).encode()).hexdigest()[:8]
    model = config["model"]
    hidden = "x".join(map(str, model["hidden"][:8])) or "none"
    return f"{config['dataset']['name']}-{hidden}-{model['activation']}-{digest}"

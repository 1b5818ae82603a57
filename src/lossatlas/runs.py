"""From a configuration to a run: everything the atlas shows of one training.

config → setup (dataset, network, planes, grid) → frames, one by one, while it trains → run
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from lossatlas.arrays import Float32, UInt8
from lossatlas.boundary import BoundaryConfig, InputGrid, boundary_evaluator, decision_boundary, input_grid
from lossatlas.config import Config
from lossatlas.datasets import SOURCES, Dataset, DatasetConfig, load_dataset
from lossatlas.directions import Plane, PlaneConfig, make_plane
from lossatlas.engine import Evaluator
from lossatlas.network import ModelConfig, Network
from lossatlas.surface import loss_surfaces
from lossatlas.training import Outcome, Snapshot, Training, TrainingConfig, Trajectory

#: Significant bits that a stored loss keeps (of float32's 24): within 1.3e-4 of itself, at half the bytes compressed.
LOSS_BITS = 12
#: What a run may take in memory, of the arrays that grow with its frames.
MOST_BYTES = 2 * 10**9
#: A stored confidence is a whole number of these.
CONFIDENCE_STEP = 1.0 / 255.0


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
    planes: Annotated[tuple[PlaneConfig, ...], Field(min_length=1, max_length=1)] = (PlaneConfig(),)
    """Which planes to cut the loss along."""

    @property
    def canonical(self) -> str:
        """The whole configuration as JSON, keys sorted, no spaces: equal text for equal configurations."""
        return canonical_text(self.model_dump(mode="json"))

    @property
    def id(self) -> str:
        """Dataset, model, and 8 hex digits of the SHA-256 of :attr:`canonical`: ``moons-16x16-tanh-3f2a9c1b``."""
        return run_id(self.model_dump(mode="json"))

    @model_validator(mode="after")
    def _of_a_size_to_hold(self) -> RunConfig:
        if self.size > MOST_BYTES:
            raise ValueError(
                f"this run would take {self.size / 1e9:.1f} GB, and {MOST_BYTES / 1e9:.1f} GB are allowed: "
                "give fewer frames, a smaller grid or resolution, fewer spans, or smaller hidden layers"
            )
        return self

    @property
    def size(self) -> int:
        """Bytes of the arrays that grow with the frames, all frames together."""
        frames = min(self.training.frames, self.training.epochs + 1)
        parameters = Network.of(self.model, 2, len(SOURCES[self.dataset.name].class_names)).parameter_count
        surfaces = sum(4 * len(plane.spans) * plane.grid**2 for plane in self.planes)
        return frames * (surfaces + 2 * self.boundary.resolution**2 + self.dataset.points + 4 * parameters)


def canonical_text(config: Mapping[str, Any]) -> str:
    """A configuration as JSON, keys sorted, no spaces: equal text for equal configurations."""
    return json.dumps(config, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def run_id(config: Mapping[str, Any]) -> str:
    """The id of the run of a whole configuration, as :attr:`RunConfig.id` describes it, from plain data."""
    digest = hashlib.sha256(canonical_text(config).encode()).hexdigest()[:8]
    model = config["model"]
    hidden = "x".join(map(str, model["hidden"][:8])) or "none"
    return f"{config['dataset']['name']}-{hidden}-{model['activation']}-{digest}"


@dataclass(frozen=True)
class Setup:
    """What is known of a run before it trains.

    Attributes
    ----------
    config, dataset, network
        What is trained, and on what.
    planes
        One for each of ``config.planes``, in their order.
    grid
        Where boundaries are sampled.
    """

    config: RunConfig
    dataset: Dataset
    network: Network
    planes: tuple[Plane, ...]
    grid: InputGrid

    @classmethod
    def of(cls, config: RunConfig) -> Setup:
        """Draw the points, lay out the network, draw the directions."""
        dataset = load_dataset(config.dataset)
        network = Network.of(config.model, dataset.points.shape[1], dataset.class_count)
        planes = tuple(make_plane(plane, network) for plane in config.planes)
        return cls(config, dataset, network, planes, input_grid(dataset.points, config.boundary))

    @property
    def title(self) -> str:
        """For people: ``Half moons · 2 × 16 tanh``."""
        return f"{self.dataset.title} · {self.config.model.title}"


@dataclass(frozen=True)
class Frame:
    """Everything computed of one recorded epoch, at the precision it is stored in.

    Attributes
    ----------
    index
        0 for the untrained model.
    snapshot
        Theta, metrics and predicted classes of the points.
    predicted_class, confidence
        ``[H, W]`` uint8 each; confidence in steps of :data:`CONFIDENCE_STEP`.
    loss_surface
        ``[span, b, a]`` float32 for each plane, by its name.
    """

    index: int
    snapshot: Snapshot
    predicted_class: UInt8
    confidence: UInt8
    loss_surface: dict[str, Float32]


@dataclass(frozen=True)
class Run:
    """One configuration trained once, with everything that was computed from it.

    Attributes
    ----------
    setup
        Configuration, dataset, network, planes and input grid.
    trajectory
        Theta and metrics at every frame, and how training ended.
    predicted_class, confidence
        ``[frame, y, x]`` uint8, over ``setup.grid``; probability = confidence × :data:`CONFIDENCE_STEP`.
    loss_surface
        ``[span, frame, b, a]`` float32 for each plane, by its name.
    """

    setup: Setup
    trajectory: Trajectory
    predicted_class: UInt8
    confidence: UInt8
    loss_surface: dict[str, Float32]

    @property
    def id(self) -> str:
        """The id of its configuration."""
        return self.setup.config.id

    @classmethod
    def of(cls, setup: Setup, frames: list[Frame], outcome: Outcome) -> Run:
        """Put frames together."""
        return cls(
            setup=setup,
            trajectory=Trajectory.of([frame.snapshot for frame in frames], outcome),
            predicted_class=np.stack([frame.predicted_class for frame in frames]),
            confidence=np.stack([frame.confidence for frame in frames]),
            loss_surface={
                plane.name: np.stack([frame.loss_surface[plane.name] for frame in frames], axis=1)
                for plane in setup.planes
            },
        )


class Computation:
    """The work of one run, as an iterable of frames: each is yielded as soon as training reaches it.

    Parameters
    ----------
    setup
        What to compute.
    threads
        For the surfaces; by default one a core. The numbers do not depend on it.
    cancelled
        Asked once an epoch; True ends it with ``CancelledError``.
    """

    def __init__(self, setup: Setup, threads: int | None = None, cancelled: Callable[[], bool] = lambda: False) -> None:
        self.setup = setup
        self.training = Training(setup.network, setup.dataset, setup.config.training, cancelled)
        self._train_loss = Evaluator(setup.network, *setup.dataset.train, threads=threads)
        self._boundary = boundary_evaluator(setup.network, setup.grid, threads=threads)

    def __iter__(self) -> Iterator[Frame]:
        """Train, and yield a frame for every recorded epoch."""
        for index, snapshot in enumerate(self.training):
            yield self._frame(index, snapshot)

    @property
    def outcome(self) -> Outcome:
        """How training ended; meaningful after the last frame."""
        return self.training.outcome

    def _frame(self, index: int, snapshot: Snapshot) -> Frame:
        boundary = decision_boundary(self._boundary, self.setup.grid, snapshot.theta)
        surfaces = {
            plane.name: self._surfaces(plane, config, snapshot)
            for plane, config in zip(self.setup.planes, self.setup.config.planes, strict=True)
        }
        confidence = np.rint(boundary.confidence / CONFIDENCE_STEP).astype(np.uint8)
        return Frame(index, snapshot, boundary.predicted_class, confidence, surfaces)

    def _surfaces(self, plane: Plane, config: PlaneConfig, snapshot: Snapshot) -> Float32:
        surfaces = loss_surfaces(self._train_loss, plane, snapshot.theta, config.spans, config.grid)
        losses = rounded(np.stack([surface.loss for surface in surfaces]))
        losses[:, config.grid // 2, config.grid // 2] = snapshot.metrics.train_loss  # the centre stays exact
        return losses


def compute_run(
    config: RunConfig | None = None,
    *,
    threads: int | None = None,
    on_frame: Callable[[Frame], None] | None = None,
) -> Run:
    """Train a configuration and compute everything there is to see of it.

    Parameters
    ----------
    config
        The default configuration where it is left out.
    threads
        For the surfaces; by default one a core.
    on_frame
        Called with each frame as it is finished.
    """
    setup = Setup.of(config or RunConfig())
    computation = Computation(setup, threads)
    frames = []
    for frame in computation:
        frames.append(frame)
        if on_frame:
            on_frame(frame)
    return Run.of(setup, frames, computation.outcome)


def rounded(losses: Float32, bits: int = LOSS_BITS) -> Float32:
    """Losses with so many significant bits, rounded to nearest; infinities and NaN as they are.

    Zeroed low bits compress away while the array stays plain float32 (Zender 2016, "Bit Grooming", section 3; the
    rounding variant of Delaunay et al. 2019).
    """
    dropped = 24 - bits
    words = losses.view(np.uint32)
    kept = (words + np.uint32(1 << (dropped - 1))) & np.uint32((0xFFFFFFFF << dropped) & 0xFFFFFFFF)
    return np.where(np.isfinite(losses), kept.view(np.float32), losses)

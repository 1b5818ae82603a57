"""What a run is: what is known of it before it trains, and everything that is shown of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from lossatlas.arrays import AnyArray, Float32, UInt8
from lossatlas.curvature import TrainingCurvature
from lossatlas.datasets import Dataset, load_dataset
from lossatlas.engine import Evaluator
from lossatlas.errors import DataError
from lossatlas.landscape import (
    Cut,
    DecisionBoundary,
    InputGrid,
    LossSurface,
    boundary_evaluator,
    decision_boundary,
    input_grid,
    loss_surfaces,
)
from lossatlas.networks import Network
from lossatlas.planes import Directions, Plane, PlaneConfig, name_planes
from lossatlas.runs.run_config import RunConfig, plane_configs
from lossatlas.training import Snapshot, Trajectory

if TYPE_CHECKING:
    from lossatlas.runs.plots import Figure

#: A stored confidence is a whole number of these.
CONFIDENCE_STEP = 1.0 / 255.0


@dataclass(frozen=True)
class Setup:
    """What is known of a run before it trains.

    Attributes
    ----------
    config, dataset, network
        What is trained, and on what.
    directions
        Those of the planes whose directions do not depend on the training, in their order.
    grid
        Where boundaries are sampled.
    """

    config: RunConfig
    dataset: Dataset
    network: Network
    directions: tuple[Directions, ...]
    grid: InputGrid

    @classmethod
    def of(cls, config: RunConfig) -> Setup:
        """Draw the points, lay out the network, draw the directions."""
        dataset = load_dataset(config.dataset)
        network = Network.of(config.model, dataset.points.shape[1], dataset.class_count)
        directions = tuple(
            plane.draw(network, name)
            for name, plane in zip(name_planes(config.planes), config.planes, strict=True)
            if not plane.needs_training
        )
        return cls(config, dataset, network, directions, input_grid(dataset.points, config.boundary))

    @property
    def plane_configs(self) -> dict[str, PlaneConfig]:
        """The configuration of each plane of the run, by its name."""
        return plane_configs(self.config)

    @property
    def title(self) -> str:
        """For people: ``Half moons · 2 × 16 tanh``."""
        return f"{self.dataset.title} · {self.config.model.title}"


@dataclass(frozen=True)
class Frame:
    """Everything computed of one recorded epoch while the network trains, at the precision it is stored in.

    Attributes
    ----------
    index
        0 for the untrained model.
    snapshot
        Theta, metrics and predicted classes of the points.
    arrays
        By path and shaped as the run's, which are these of all frames joined, with this frame alone: the boundary, and
        the surfaces along directions that move with the frames and do not depend on the training.
    """

    index: int
    snapshot: Snapshot
    arrays: Mapping[str, AnyArray]

    @property
    def predicted_class(self) -> UInt8:
        """``[H, W]`` uint8, over the input grid."""
        boundary: UInt8 = self.arrays["predicted_class"][0]
        return boundary

    @property
    def confidence(self) -> UInt8:
        """``[H, W]`` uint8, in steps of :data:`CONFIDENCE_STEP`."""
        steps: UInt8 = self.arrays["confidence"][0]
        return steps

    @property
    def loss_surface(self) -> dict[str, Float32]:
        """``[span, b, a]`` float32 of the training points, by the plane's name."""
        paths = [path.split("/") for path in self.arrays]
        names = [path[1] for path in paths if path[-1] == "loss_surface"]
        return {name: self.arrays[f"planes/{name}/loss_surface"][:, 0] for name in names}


@dataclass(frozen=True)
class Run:
    """One configuration trained once, with everything that was computed from it.

    Attributes
    ----------
    setup
        Configuration, dataset, network and input grid.
    trajectory
        Theta and metrics at every frame, and how training ended.
    predicted_class, confidence
        ``[frame, y, x]`` uint8, over ``setup.grid``; probability = confidence × :data:`CONFIDENCE_STEP`.
    cuts
        The planes with their surfaces, in the order of ``setup.config.planes``.
    curvature
        Of the Hessian along the training; None where it was not asked for.
    left_out
        Why a plane could not be laid through this training, by its name.
    folder
        Where it is stored: the folder that it was opened from, or was last saved into; None where it is only in memory,
        as a copy with other values (``dataclasses.replace``) is.
    """

    setup: Setup
    trajectory: Trajectory
    predicted_class: UInt8
    confidence: UInt8
    cuts: tuple[Cut, ...]
    curvature: TrainingCurvature | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = field(default=None, init=False, repr=False, compare=False)

    def note_folder(self, folder: Path) -> None:
        """Note where the run is stored. That is no part of what the run is, so the only thing of it that changes."""
        object.__setattr__(self, "folder", folder.resolve())

    @property
    def id(self) -> str:
        """The id of its configuration."""
        return self.setup.config.id

    @property
    def planes(self) -> tuple[Plane, ...]:
        """The planes of its cuts."""
        return tuple(cut.plane for cut in self.cuts)

    @property
    def loss_surface(self) -> dict[str, Float32]:
        """``[span, frame, b, a]`` for each plane, by its name."""
        return {cut.plane.name: cut.loss_surface for cut in self.cuts}

    def plane(self, name: str | None = None) -> Cut:
        """Give a plane of this run with everything that was computed of it: surfaces, path, non-convexity.

        Parameters
        ----------
        name
            One of ``[plane.name for plane in run.planes]``; left out, the plane that is shown first.

        Raises
        ------
        DataError
            If the run has no plane of this name.

        >>> from lossatlas import RunConfig, compute_run
        >>> run = compute_run(RunConfig(training={"epochs": 4, "frames": 3}, planes=({"kind": "pca", "grid": 5},)))
        >>> run.plane("pca").path.coordinates.shape
        (3, 2)
        """
        if name is None:
            return self.cuts[0]
        for cut in self.cuts:
            if cut.plane.name == name:
                return cut
        known = ", ".join(plane.name for plane in self.planes)
        reason = f": {self.left_out[name]}" if name in self.left_out else ""
        raise DataError(f"this run has no plane {name!r}{reason}; it has {known}")

    def surface(
        self,
        plane: str | Directions | None = None,
        *,
        frame: int | None = -1,
        span: float | None = None,
        grid: int = 51,
        points: Literal["train", "test"] = "train",
    ) -> LossSurface:
        """Compute the loss along a plane around the parameters of a frame.

        Parameters
        ----------
        plane
            The name of one of the run's planes, or any directions of its network; left out, the plane that is shown
            first.
        frame
            The frame in whose parameters the centre is, from the end where it is negative; None for the plane's own
            centre.
        span
            Half the side of the square of (a, b); left out, the plane's first.
        grid
            Samples along each axis, an odd number.
        points
            Whose loss: of the training points or of the test points.

        Raises
        ------
        ConfigError
            If the grid is even, or smaller than 3.
        DataError
            If there is no such plane, frame or set of points, or the plane is one of another network.

        >>> from lossatlas import RunConfig, compute_run
        >>> run = compute_run(RunConfig(training={"epochs": 4, "frames": 3}, planes=({"kind": "pca", "grid": 5},)))
        >>> surface = run.surface("pca", frame=0, span=0.5, grid=21)
        >>> surface.loss.shape, bool(abs(surface.centre - run.trajectory.metrics["train_loss"][0]) < 1e-6)
        ((21, 21), True)
        """
        if points not in ("train", "test"):
            raise DataError(f"points is {points!r}; take 'train' or 'test'")
        chosen = plane if isinstance(plane, Directions) else self.plane(plane).plane
        if frame is not None:
            centre = self._theta(frame)
        elif isinstance(chosen, Plane):
            centre = chosen.centre
        else:
            raise DataError(f"the directions {chosen.name!r} have no centre; name a frame")
        dataset = self.setup.dataset
        evaluator = Evaluator(self.setup.network, *(dataset.train if points == "train" else dataset.test))
        [surface] = loss_surfaces(evaluator, chosen, centre, chosen.spans[0] if span is None else span, grid)
        return surface

    def boundary(self, frame: int = -1) -> DecisionBoundary:
        """Predict over the run's input grid with the network of a frame, from the end where it is negative.

        Raises
        ------
        DataError
            If there is no such frame.

        >>> from lossatlas import RunConfig, compute_run
        >>> run = compute_run(RunConfig(training={"epochs": 4, "frames": 3}, planes=({"kind": "pca", "grid": 5},)))
        >>> bool((run.boundary(1).predicted_class == run.predicted_class[1]).all())
        True
        """
        network, grid = self.setup.network, self.setup.grid
        return decision_boundary(boundary_evaluator(network, grid), grid, self._theta(frame))

    def plot_surface(
        self,
        plane: str | Directions | None = None,
        *,
        frame: int | None = -1,
        span: float | None = None,
        grid: int = 51,
    ) -> Figure:
        """Draw :meth:`surface` in three dimensions, with Plotly.

        Raises
        ------
        MissingExtraError
            If Plotly is not installed, which is the extra ``lossatlas[plot]``.
        """
        from lossatlas.runs.plots import draw_surface

        surface = self.surface(plane, frame=frame, span=span, grid=grid)
        return draw_surface(surface, self._title_at(frame))

    def plot_boundary(self, frame: int = -1) -> Figure:
        """Draw :meth:`boundary` and the data on it, with Plotly.

        Raises
        ------
        MissingExtraError
            If Plotly is not installed, which is the extra ``lossatlas[plot]``.
        """
        from lossatlas.runs.plots import draw_boundary

        return draw_boundary(self.boundary(frame), self.setup.dataset, self._title_at(frame))

    def plot_curves(self) -> Figure:
        """Draw the losses over the epochs, with Plotly.

        Raises
        ------
        MissingExtraError
            If Plotly is not installed, which is the extra ``lossatlas[plot]``.
        """
        from lossatlas.runs.plots import draw_curves

        return draw_curves(self.trajectory, self.setup.title)

    def _title_at(self, frame: int | None) -> str:
        return self.setup.title if frame is None else f"{self.setup.title} · epoch {self.trajectory.epochs[frame]}"

    def _repr_html_(self) -> str:
        """Show the run in a notebook: title, numbers, small pictures."""
        from lossatlas.runs.notebook import make_html  # only notebooks need it

        confidence = (self.confidence[-1] * CONFIDENCE_STEP).astype(np.float32)
        boundary = DecisionBoundary(self.setup.grid, self.predicted_class[-1], confidence)
        parameters = self.setup.network.parameter_count
        return make_html(self.setup.title, parameters, self.trajectory, self.cuts[0], boundary)

    def _theta(self, frame: int) -> Float32:
        weights = self.trajectory.weights
        if not -len(weights) <= frame < len(weights):
            raise DataError(f"there is no frame {frame}; the run has frames 0 to {len(weights) - 1}")
        theta: Float32 = weights[frame]
        return theta

"""The classes of runs: ``Setup`` is known before the training, a ``Frame`` is one epoch, and ``Run`` is the result."""

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

#: Stored confidences are multiples of this number.
CONFIDENCE_STEP = 1.0 / 255.0


@dataclass(frozen=True)
class Setup:
    """The parts of a run that are known before its training.

    Attributes
    ----------
    config, dataset, network
        The configuration, the points, and the network.
    directions
        The directions of the planes that do not depend on the training, in their order.
    grid
        The grid of inputs for decision boundaries.
    """

    config: RunConfig
    dataset: Dataset
    network: Network
    directions: tuple[Directions, ...]
    grid: InputGrid

    @classmethod
    def of(cls, config: RunConfig) -> Setup:
        """Make the setup of a configuration: draw the points, make the network, and draw the directions."""
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
        """A title for people, such as ``Half moons · 2 × 16 tanh``."""
        return f"{self.dataset.title} · {self.config.model.title}"


@dataclass(frozen=True)
class Frame:
    """Everything that is computed for one recorded epoch during the training, in the stored precision.

    Attributes
    ----------
    index
        The index of the frame; 0 is the untrained model.
    snapshot
        Theta, metrics, and the predicted classes of the points.
    arrays
        The arrays of the run by path, with this frame only: the boundary, and the surfaces along directions that do
        not depend on the training, if there is a surface around every frame.
    """

    index: int
    snapshot: Snapshot
    arrays: Mapping[str, AnyArray]

    @property
    def predicted_class(self) -> UInt8:
        """The predicted classes ``[H, W]`` uint8 on the grid of inputs."""
        boundary: UInt8 = self.arrays["predicted_class"][0]
        return boundary

    @property
    def confidence(self) -> UInt8:
        """The confidences ``[H, W]`` uint8 on the grid of inputs, in steps of :data:`CONFIDENCE_STEP`."""
        steps: UInt8 = self.arrays["confidence"][0]
        return steps

    @property
    def loss_surface(self) -> dict[str, Float32]:
        """The training-loss surfaces ``[span, b, a]`` float32, by the name of the plane."""
        paths = [path.split("/") for path in self.arrays]
        names = [path[1] for path in paths if path[-1] == "loss_surface"]
        return {name: self.arrays[f"planes/{name}/loss_surface"][:, 0] for name in names}


@dataclass(frozen=True)
class Run:
    """One configuration that was trained once, with everything that was computed from it.

    Attributes
    ----------
    setup
        The configuration, the dataset, the network and the grid of inputs.
    trajectory
        Theta and metrics at every frame, and how training ended.
    predicted_class, confidence
        ``[frame, y, x]`` uint8 on ``setup.grid``. The probability is confidence × :data:`CONFIDENCE_STEP`.
    cuts
        The planes with their surfaces, in the order of ``setup.config.planes``.
    curvature
        The Hessian at some frames; None if it was not requested.
    left_out
        The reason why a plane could not be made from this training, by the name of the plane.
    folder
        The folder from which the run was opened, or into which it was last saved. It is None if the run is only in
        memory, for example for a changed copy (``dataclasses.replace``).
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
        """Set the folder of the run. It is the only attribute that can change, because it is not part of the result."""
        object.__setattr__(self, "folder", folder.resolve())

    @property
    def id(self) -> str:
        """The id of the configuration."""
        return self.setup.config.id

    @property
    def planes(self) -> tuple[Plane, ...]:
        """The planes of the run, without their surfaces."""
        return tuple(cut.plane for cut in self.cuts)

    @property
    def loss_surface(self) -> dict[str, Float32]:
        """The training-loss surfaces ``[span, frame, b, a]`` float32, by the name of the plane."""
        return {cut.plane.name: cut.loss_surface for cut in self.cuts}

    def plane(self, name: str | None = None) -> Cut:
        """Return a plane with its arrays: surfaces, path, and non-convexity.

        Parameters
        ----------
        name
            One of ``[plane.name for plane in run.planes]``; by default, the first plane.

        Returns
        -------
        Cut
            The plane with its arrays.

        Raises
        ------
        DataError
            If the run has no plane with this name.

        Examples
        --------
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
        """Compute the loss on a plane around the parameters of a frame.

        Parameters
        ----------
        plane
            The name of a plane of the run, or any directions of its network; by default, the first plane.
        frame
            The index of the frame whose theta is the centre; a negative index counts from the end. None means the
            centre of the plane.
        span
            Half the side of the square of (a, b); by default, the first span of the plane.
        grid
            The number of samples along each axis, which must be odd.
        points
            The points of the loss: ``"train"`` or ``"test"``.

        Returns
        -------
        LossSurface
            The surface.

        Raises
        ------
        ConfigError
            If the grid is even, or smaller than 3.
        DataError
            If there is no such plane, frame or set of points, or the plane belongs to another network.

        Examples
        --------
        >>> from lossatlas import RunConfig, compute_run
        >>> run = compute_run(RunConfig(training={"epochs": 4, "frames": 3}, planes=({"kind": "pca", "grid": 5},)))
        >>> surface = run.surface("pca", frame=0, span=0.5, grid=21)
        >>> surface.loss.shape, bool(abs(surface.centre - run.trajectory.metrics["train_loss"][0]) < 1e-6)
        ((21, 21), True)
        """
        if points not in ("train", "test"):
            raise DataError(f"points is {points!r}; give 'train' or 'test'")
        chosen = plane if isinstance(plane, Directions) else self.plane(plane).plane
        if frame is not None:
            centre = self._find_theta(frame)
        elif isinstance(chosen, Plane):
            centre = chosen.centre
        else:
            raise DataError(f"the directions {chosen.name!r} have no centre; give a frame")
        dataset = self.setup.dataset
        evaluator = Evaluator(self.setup.network, *(dataset.train if points == "train" else dataset.test))
        [surface] = loss_surfaces(evaluator, chosen, centre, chosen.spans[0] if span is None else span, grid)
        return surface

    def boundary(self, frame: int = -1) -> DecisionBoundary:
        """Predict the classes on the grid of inputs with the network of a frame.

        Parameters
        ----------
        frame
            The index of the frame; a negative index counts from the end.

        Returns
        -------
        DecisionBoundary
            The predictions.

        Raises
        ------
        DataError
            If there is no such frame.

        Examples
        --------
        >>> from lossatlas import RunConfig, compute_run
        >>> run = compute_run(RunConfig(training={"epochs": 4, "frames": 3}, planes=({"kind": "pca", "grid": 5},)))
        >>> bool((run.boundary(1).predicted_class == run.predicted_class[1]).all())
        True
        """
        network, grid = self.setup.network, self.setup.grid
        return decision_boundary(boundary_evaluator(network, grid), grid, self._find_theta(frame))

    def plot_surface(
        self,
        plane: str | Directions | None = None,
        *,
        frame: int | None = -1,
        span: float | None = None,
        grid: int = 51,
    ) -> Figure:
        """Draw :meth:`surface` in three dimensions with Plotly.

        Parameters
        ----------
        plane, frame, span, grid
            The same as those of :meth:`surface`.

        Returns
        -------
        Figure
            The figure.

        Raises
        ------
        MissingExtraError
            If Plotly is not installed (``pip install "lossatlas[plot]"``).
        """
        from lossatlas.runs.plots import draw_surface

        surface = self.surface(plane, frame=frame, span=span, grid=grid)
        return draw_surface(surface, self._make_title(frame))

    def plot_boundary(self, frame: int = -1) -> Figure:
        """Draw :meth:`boundary` and the data with Plotly.

        Parameters
        ----------
        frame
            The index of the frame; a negative index counts from the end.

        Returns
        -------
        Figure
            The figure.

        Raises
        ------
        MissingExtraError
            If Plotly is not installed (``pip install "lossatlas[plot]"``).
        """
        from lossatlas.runs.plots import draw_boundary

        return draw_boundary(self.boundary(frame), self.setup.dataset, self._make_title(frame))

    def plot_curves(self) -> Figure:
        """Draw the losses over the epochs with Plotly.

        Returns
        -------
        Figure
            The figure.

        Raises
        ------
        MissingExtraError
            If Plotly is not installed (``pip install "lossatlas[plot]"``).
        """
        from lossatlas.runs.plots import draw_curves

        return draw_curves(self.trajectory, self.setup.title)

    def _make_title(self, frame: int | None) -> str:
        return self.setup.title if frame is None else f"{self.setup.title} · epoch {self.trajectory.epochs[frame]}"

    def _repr_html_(self) -> str:
        """Return HTML that shows the run in a notebook: title, numbers, and small pictures."""
        from lossatlas.runs.notebook import make_html  # only notebooks need it

        confidence = (self.confidence[-1] * CONFIDENCE_STEP).astype(np.float32)
        boundary = DecisionBoundary(self.setup.grid, self.predicted_class[-1], confidence)
        parameters = self.setup.network.parameter_count
        return make_html(self.setup.title, parameters, self.trajectory, self.cuts[0], boundary)

    def _find_theta(self, frame: int) -> Float32:
        weights = self.trajectory.weights
        if not -len(weights) <= frame < len(weights):
            raise DataError(f"there is no frame {frame}; the run has frames 0 to {len(weights) - 1}")
        theta: Float32 = weights[frame]
        return theta

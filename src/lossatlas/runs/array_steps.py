"""The steps that compute the arrays of a run: boundaries, loss surfaces, and maps of non-convexity.

Each step can be computed in pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import ClassVar, Literal, Protocol

import numpy as np

from lossatlas.arrays import AnyArray, Float32
from lossatlas.engine import Evaluator
from lossatlas.landscape import boundary_evaluator, decision_boundary, nonconvexity_over, surface_rows
from lossatlas.planes import Directions, Plane
from lossatlas.runs.run import CONFIDENCE_STEP, Setup

#: The dtype and the shape of an array of a run.
Layout = tuple[str, tuple[int, ...]]


class Evaluators:
    """The evaluators of one run. Each is made when it is first needed.

    Parameters
    ----------
    setup
        The setup with the network, the points and the grid of inputs.
    threads
        The number of threads of each evaluator; by default, one per core. The numbers do not depend on it.
    """

    def __init__(self, setup: Setup, threads: int | None = None) -> None:
        self.setup, self._threads = setup, threads

    @cached_property
    def train(self) -> Evaluator:
        """The evaluator of the training points."""
        return Evaluator(self.setup.network, *self.setup.dataset.train, threads=self._threads)

    @cached_property
    def test(self) -> Evaluator:
        """The evaluator of the test points."""
        return Evaluator(self.setup.network, *self.setup.dataset.test, threads=self._threads)

    @cached_property
    def boundary(self) -> Evaluator:
        """The evaluator of the grid of inputs."""
        return boundary_evaluator(self.setup.network, self.setup.grid, threads=self._threads)


@dataclass(frozen=True)
class Block:
    """Consecutive elements of one array of a run.

    Attributes
    ----------
    array
        The path of the array without ``.npy``; see :func:`lossatlas.store.manifest.list_arrays`.
    start
        The index of the first element. Missing axes are 0. The other elements follow in C order.
    values
        The elements, of any shape and of the dtype of the array.
    """

    array: str
    start: tuple[int, ...]
    values: AnyArray

    def place_in(self, shape: Sequence[int]) -> int:
        """Return how many elements of an array of this shape come before the block."""
        return int(np.ravel_multi_index((*self.start, *[0] * (len(shape) - len(self.start))), tuple(shape)))


class ArrayStep(Protocol):
    """A step that computes arrays of a run in pieces: a few frames, or a few rows of a frame.

    A step is plain data, so that it can be sent to the worker that computes a piece of it.
    """

    @property
    def name(self) -> str:
        """The name of the step, which is unique in its run."""

    @property
    def rows(self) -> int:
        """The number of rows of one frame."""

    @property
    def every_frame(self) -> bool:
        """Whether the arrays are computed for every frame, and not only once."""

    @property
    def frame_axis(self) -> int:
        """The axis of its arrays that counts frames."""

    def layout(self, frames: int) -> dict[str, Layout]:
        """Return dtype and shape of its arrays by path. ``frames`` is 1 if they are computed only once."""

    def thetas(self, weights: Float32) -> Float32:
        """Return the models ``[frames, P]`` that the arrays belong to, given a trajectory ``[F, P]``."""

    def cost(self, setup: Setup) -> tuple[float, float]:
        """Estimate the work (models × points × parameters) and the bytes of one row."""

    def compute(self, evaluators: Evaluators, thetas: Float32, rows: range) -> tuple[AnyArray, ...]:
        """Compute some rows for models ``[n, P]``. Return one array for each array of the layout."""

    def blocks(self, first: int, rows: range, found: tuple[AnyArray, ...]) -> list[Block]:
        """Make blocks of the computed rows; ``first`` is the frame of the first model."""


@dataclass(frozen=True)
class Boundaries:
    """The predicted classes and confidences on the grid of inputs ``[H, W]``, in stored form."""

    height: int
    width: int
    name: ClassVar[str] = "boundaries"
    rows: ClassVar[int] = 1  # because a whole boundary is little work
    every_frame: ClassVar[bool] = True
    frame_axis: ClassVar[int] = 0

    def thetas(self, weights: Float32) -> Float32:
        return weights

    def layout(self, frames: int) -> dict[str, Layout]:
        return dict.fromkeys(("predicted_class", "confidence"), ("uint8", (frames, self.height, self.width)))

    def cost(self, setup: Setup) -> tuple[float, float]:
        return self.height * self.width * setup.network.parameter_count, 2 * self.height * self.width

    def compute(self, evaluators: Evaluators, thetas: Float32, rows: range) -> tuple[AnyArray, ...]:
        found = [decision_boundary(evaluators.boundary, evaluators.setup.grid, theta) for theta in thetas]
        steps = [np.rint(boundary.confidence / CONFIDENCE_STEP).astype(np.uint8) for boundary in found]
        return np.stack([boundary.predicted_class for boundary in found]), np.stack(steps)

    def blocks(self, first: int, rows: range, found: tuple[AnyArray, ...]) -> list[Block]:
        return [Block(array, (first,), values) for array, values in zip(self.layout(1), found, strict=True)]


@dataclass(frozen=True)
class Surfaces:
    """The loss surfaces along two directions, of the training or the test points, for all spans.

    They are computed around every frame, or only around a centre ``[P]`` if it is given. Rows are counted through all
    spans.
    """

    directions: Directions
    grid: int
    split: Literal["train", "test"]
    centre: Float32 | None
    frame_axis: ClassVar[int] = 1

    @property
    def every_frame(self) -> bool:
        return self.centre is None

    @property
    def name(self) -> str:
        return f"surfaces-{self.directions.name}-{self.split}"

    @property
    def rows(self) -> int:
        return len(self.directions.spans) * self.grid

    @property
    def array(self) -> str:
        """The path of its array."""
        return f"planes/{self.directions.name}/{'loss_surface' if self.split == 'train' else 'test_loss_surface'}"

    def layout(self, frames: int) -> dict[str, Layout]:
        return {self.array: ("float32", (len(self.directions.spans), frames, self.grid, self.grid))}

    def thetas(self, weights: Float32) -> Float32:
        return weights if self.centre is None else self.centre[None]

    def cost(self, setup: Setup) -> tuple[float, float]:
        points = setup.dataset.train if self.split == "train" else setup.dataset.test
        return self.grid * len(points[0]) * setup.network.parameter_count, 4 * self.grid

    def compute(self, evaluators: Evaluators, thetas: Float32, rows: range) -> tuple[AnyArray, ...]:
        evaluator = evaluators.train if self.split == "train" else evaluators.test
        return (np.stack([surface_rows(evaluator, self.directions, theta, self.grid, rows) for theta in thetas]),)

    def blocks(self, first: int, rows: range, found: tuple[AnyArray, ...]) -> list[Block]:
        [losses] = found  # [frame, row, a]
        edges = [rows.start, *range((rows.start // self.grid + 1) * self.grid, rows.stop, self.grid), rows.stop]
        return [
            Block(
                self.array,
                (start // self.grid, frame, start % self.grid),
                values[start - rows.start : stop - rows.start],
            )
            for frame, values in enumerate(losses, start=first)
            for start, stop in pairwise(edges)
        ]


@dataclass(frozen=True)
class Nonconvexity:
    """The map of non-convexity over a plane around its centre."""

    plane: Plane
    samples: int
    every_frame: ClassVar[bool] = False
    frame_axis: ClassVar[int] = 0

    @property
    def name(self) -> str:
        return f"nonconvexity-{self.plane.name}"

    @property
    def rows(self) -> int:
        return self.samples

    def layout(self, frames: int) -> dict[str, Layout]:
        return {f"planes/{self.plane.name}/nonconvexity": ("float32", (self.samples, self.samples))}

    def thetas(self, weights: Float32) -> Float32:
        return self.plane.centre[None]

    def cost(self, setup: Setup) -> tuple[float, float]:
        return np.inf, 4 * self.samples  # infinite, so that each row is computed separately

    def compute(self, evaluators: Evaluators, thetas: Float32, rows: range) -> tuple[AnyArray, ...]:
        setup = evaluators.setup
        return (nonconvexity_over(setup.network, self.plane, *setup.dataset.train, self.samples, rows),)

    def blocks(self, first: int, rows: range, found: tuple[AnyArray, ...]) -> list[Block]:
        return [Block(array, (rows.start,), values) for array, values in zip(self.layout(1), found, strict=True)]

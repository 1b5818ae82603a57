"""Steps that compute arrays of a run, in any pieces: boundaries, loss surfaces, maps of non-convexity."""

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

#: An array of a run as it is laid out: its dtype, and its shape.
Layout = tuple[str, tuple[int, ...]]


class Evaluators:
    """The evaluators of one run, each made when it is first needed.

    Parameters
    ----------
    setup
        Network, points and input grid.
    threads
        Of each; by default one a core. The numbers do not depend on it.
    """

    def __init__(self, setup: Setup, threads: int | None = None) -> None:
        self.setup, self._threads = setup, threads

    @cached_property
    def train(self) -> Evaluator:
        """Of the training points."""
        return Evaluator(self.setup.network, *self.setup.dataset.train, threads=self._threads)

    @cached_property
    def test(self) -> Evaluator:
        """Of the test points."""
        return Evaluator(self.setup.network, *self.setup.dataset.test, threads=self._threads)

    @cached_property
    def boundary(self) -> Evaluator:
        """Of the input grid."""
        return boundary_evaluator(self.setup.network, self.setup.grid, threads=self._threads)


@dataclass(frozen=True)
class Block:
    """Numbers for one array of a run.

    Attributes
    ----------
    array
        Its path without ``.npy``, as of :func:`lossatlas.store.manifest.list_arrays`.
    start
        Index of the first element; left-out axes are 0. The others follow it in C order.
    values
        The elements, of any shape and of the array's dtype.
    """

    array: str
    start: tuple[int, ...]
    values: AnyArray

    def place_in(self, shape: Sequence[int]) -> int:
        """How many elements of an array of this shape come before the block."""
        return int(np.ravel_multi_index((*self.start, *[0] * (len(shape) - len(self.start))), tuple(shape)))


class ArrayStep(Protocol):
    """Arrays of a run, computed in any pieces: a few frames, or a few rows of a frame.

    A step is plain data, so that it can travel to the worker that computes a piece of it.
    """

    @property
    def name(self) -> str:
        """Unique in its run."""

    @property
    def rows(self) -> int:
        """How many rows the numbers of one frame have."""

    @property
    def every_frame(self) -> bool:
        """Whether it is computed around every frame's theta, and not only once."""

    @property
    def frame_axis(self) -> int:
        """Which axis of its arrays is the frames'."""

    def layout(self, frames: int) -> dict[str, Layout]:
        """Dtype and shape of each of its arrays, by path; ``frames`` is 1 where it is computed only once."""

    def thetas(self, weights: Float32) -> Float32:
        """The models ``[frames, P]`` that it is computed around, of a trajectory ``[F, P]``."""

    def cost(self, setup: Setup) -> tuple[float, float]:
        """What a row takes: models × points × parameters, and bytes."""

    def compute(self, evaluators: Evaluators, thetas: Float32, rows: range) -> tuple[AnyArray, ...]:
        """Compute some rows around some of the models: one array for each of the layout."""

    def blocks(self, first: int, rows: range, found: tuple[AnyArray, ...]) -> list[Block]:
        """Say where those numbers belong, ``first`` being the frame of the first model."""


@dataclass(frozen=True)
class Boundaries:
    """Predicted class and confidence over the input grid ``[H, W]``, as they are stored."""

    height: int
    width: int
    name: ClassVar[str] = "boundaries"
    rows: ClassVar[int] = 1  # a whole boundary is little work
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
    """Loss surfaces along two directions, of the training or the test points, for all spans.

    They are cut around every frame, or where there is a centre ``[P]`` around that alone. Rows are counted through all
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
        """The path of its one array."""
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
    """The map of where the loss is not convex, over a plane around its centre."""

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
        return np.inf, 4 * self.samples  # eigenvalues of many Hessians: a row is a piece of work

    def compute(self, evaluators: Evaluators, thetas: Float32, rows: range) -> tuple[AnyArray, ...]:
        setup = evaluators.setup
        return (nonconvexity_over(setup.network, self.plane, *setup.dataset.train, self.samples, rows),)

    def blocks(self, first: int, rows: range, found: tuple[AnyArray, ...]) -> list[Block]:
        return [Block(array, (rows.start,), values) for array, values in zip(self.layout(1), found, strict=True)]

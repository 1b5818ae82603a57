"""Computes the surfaces of recorded planes: first all on coarse grids, and then finer ones until the time ends.

The points of a coarse grid are points of the finer ones (11 ⊂ 21 ⊂ 41), so none is computed twice. The loss at a point
depends only on the point. Therefore the numbers are the same for any division into parts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

from lossatlas.arrays import AnyArray, Float32, Float64, Integers
from lossatlas.landscape import unit_coordinates
from lossatlas.planes import Plane
from lossatlas.torch.finished_parts import FinishedParts

Split: TypeAlias = Literal["train", "test"]
#: About how many seconds a part takes. A process that is killed loses the work of at most one part.
PART_SECONDS = 2.0
#: The coarsest grid on the way to a finer one has at least this many samples along each axis.
_COARSEST = 11


def nested_grids(grid: int) -> tuple[int, ...]:
    """Return the grids that lead to a grid, from the coarsest one; each contains the points of the one before it."""
    found, half = [grid], grid // 2
    while factor := next((n for n in (2, 3, 5, 7) if half % n == 0 and 2 * (half // n) + 1 >= _COARSEST), None):
        half //= factor
        found.append(2 * half + 1)
    return tuple(reversed(found))


@dataclass(frozen=True)
class Task:
    """Some points of the surfaces of one plane.

    Attributes
    ----------
    plane
        The plane.
    split
        The samples whose loss is computed.
    frames
        ``[n]``: the frame around which each point lies.
    a, b
        ``[n]`` float64: the coordinates of each point.
    part
        The name under which the losses are stored.
    first
        The place of the first point among those of its level.
    """

    plane: Plane
    split: Split
    frames: Integers
    a: Float64
    b: Float64
    part: str
    first: int


#: Computes tasks, and yields each with its losses ``[n]`` float32 and the seconds that it took, in any order.
Compute: TypeAlias = Callable[[Iterable[Task]], Iterator[tuple[Task, Float32, float]]]


@dataclass
class PlaneSurfaces:
    """The surfaces of one plane, as far as they have been computed.

    Attributes
    ----------
    plane
        The plane.
    around
        The frames of the surfaces of each split.
    grids
        The numbers of samples along an axis, from the coarsest grid to the finest one.
    key
        The beginning of the names of the parts. It differs for planes of the same name.
    losses
        ``[frame, span, G, G]`` float32 for each split, on the finest grid.
    reached
        The number of grids that are complete.
    """

    plane: Plane
    around: dict[Split, tuple[int, ...]]
    grids: tuple[int, ...]
    key: str
    losses: dict[Split, Float32] = field(init=False)
    reached: int = 0

    def __post_init__(self) -> None:
        """Allocate the losses of the finest grid."""
        finest, spans = self.grids[-1], len(self.plane.spans)
        self.losses = {
            split: np.full((len(frames), spans, finest, finest), np.nan, np.float32)
            for split, frames in self.around.items()
        }

    def count(self, level: int) -> int:
        """Return the number of points that a level adds."""
        surfaces = sum(len(frames) for frames in self.around.values()) * len(self.plane.spans)
        return surfaces * (self.grids[level] ** 2 - (self.grids[level - 1] ** 2 if level else 0))

    def result(self, split: Split) -> Float32:
        """Return the surfaces ``[frame, span, g, g]`` on the finest grid that is complete."""
        step = (self.grids[-1] - 1) // (self.grids[self.reached - 1] - 1)
        return self.losses[split][..., ::step, ::step]

    def places(self, level: int, split: Split) -> tuple[Integers, ...]:
        """Return the indices ``(frame, span, j, i)``, each ``[n]``, of the points that a level adds to a split."""
        finest = self.grids[-1]
        on = np.arange(0, finest, (finest - 1) // (self.grids[level] - 1))
        j, i = (values.ravel() for values in np.meshgrid(on, on, indexing="ij"))
        if level:
            before = (finest - 1) // (self.grids[level - 1] - 1)
            new = (j % before != 0) | (i % before != 0)
            j, i = j[new], i[new]
        frames, spans = len(self.around[split]), len(self.plane.spans)
        frame = np.repeat(np.arange(frames), spans * len(j))
        span = np.tile(np.repeat(np.arange(spans), len(j)), frames)
        return frame, span, np.tile(j, frames * spans), np.tile(i, frames * spans)


class Refinement:
    """Computes the surfaces of several planes, from coarse to fine.

    Parameters
    ----------
    compute
        The function that computes losses.
    parts
        The store of finished parts; None to store none.
    seconds
        About how many seconds the loss at one point takes.
    budget
        The number of seconds that the surfaces may take. The coarsest grids are always computed.
    on_points
        A function that is called with the number of finished points whenever some are finished.
    """

    def __init__(
        self,
        compute: Compute,
        parts: FinishedParts | None,
        seconds: float,
        budget: float,
        on_points: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._compute, self._parts, self._budget, self._on_points = compute, parts, budget, on_points
        self._seconds, self._spent, self._points = max(seconds, 1e-9), 0.0, 0

    def run(self, planes: Sequence[PlaneSurfaces]) -> None:
        """Compute one level after another of all planes, until the budget ends."""
        for level in range(max(len(plane.grids) for plane in planes)):
            for plane in planes:
                if plane.reached != level or level == len(plane.grids):
                    continue
                one = self._spent / self._points if self._points else self._seconds
                if level and self._spent + plane.count(level) * one > self._budget:
                    continue
                self._compute_level(plane, level)
                plane.reached += 1

    def _compute_level(self, plane: PlaneSurfaces, level: int) -> None:
        tasks: list[Task] = []
        places = {split: plane.places(level, split) for split in plane.around}
        values = {split: np.full(len(where[0]), np.nan, np.float32) for split, where in places.items()}
        done = {split: np.zeros(len(where[0]), bool) for split, where in places.items()}
        for split, where in places.items():
            name = f"{plane.key}.{split}.{plane.grids[level]}"
            self._restore(name, values[split], done[split])
            tasks += self._divide(plane, split, where, name, done[split])
        for task, losses, seconds in self._compute(tasks):
            values[task.split][task.first : task.first + len(losses)] = losses
            if self._parts is not None:
                self._parts.put(task.part, _record(task.first, losses, seconds))
            self._count(len(losses), seconds)
        for split, where in places.items():
            plane.losses[split][where] = values[split]

    def _restore(self, name: str, values: Float32, done: AnyArray) -> None:
        for found in self._parts.starting_with(f"{name}.") if self._parts is not None else ():
            if not _is_part(found):
                continue
            first, losses, seconds = int(found["first"]), found["losses"], float(found["seconds"])
            if first >= 0 and first + len(losses) <= len(values):
                values[first : first + len(losses)] = losses
                done[first : first + len(losses)] = True
                self._count(len(losses), seconds)

    def _divide(
        self, plane: PlaneSurfaces, split: Split, where: Sequence[Integers], name: str, done: AnyArray
    ) -> list[Task]:
        """Divide the points that are not finished into tasks of about :data:`PART_SECONDS`."""
        frame, span, j, i = where
        scale, unit = np.array(plane.plane.spans, np.float64)[span], unit_coordinates(plane.grids[-1])
        frames, a, b = np.array(plane.around[split])[frame], scale * unit[i], scale * unit[j]
        most = max(1, int(PART_SECONDS / self._seconds))
        tasks = []
        for first, stop in _find_gaps(done):
            for start in range(first, stop, most):
                rows = slice(start, min(start + most, stop))
                part = f"{name}.{start:012d}"
                tasks.append(Task(plane.plane, split, frames[rows], a[rows], b[rows], part, start))
        return tasks

    def _count(self, points: int, seconds: float) -> None:
        self._points += points
        self._spent += seconds
        self._on_points(self._points)


def _record(first: int, losses: Float32, seconds: float) -> dict[str, Any]:
    return {"first": np.array(first), "losses": losses, "seconds": np.array(seconds)}


def _is_part(found: Mapping[str, AnyArray]) -> bool:
    """Return whether arrays from a file have the form that :func:`_record` gives them, since files may be foreign."""
    kinds = {name: (array.dtype.kind, array.ndim) for name, array in found.items()}
    return kinds == {"first": ("i", 0), "losses": ("f", 1), "seconds": ("f", 0)}


def _find_gaps(done: AnyArray) -> list[tuple[int, int]]:
    """Return the ranges ``(first, stop)`` in which nothing is done."""
    edges = np.flatnonzero(np.diff(np.concatenate([[True], done, [True]]).astype(np.int8)))
    return [(int(first), int(stop)) for first, stop in edges.reshape(-1, 2)]


def in_this_process(losses_of: Callable[[Task], Float32]) -> Compute:
    """Make a function that computes tasks one after another in this process."""

    def compute(tasks: Iterable[Task]) -> Iterator[tuple[Task, Float32, float]]:
        for task in tasks:
            began = time.perf_counter()
            losses = losses_of(task)
            yield task, losses, time.perf_counter() - began

    return compute

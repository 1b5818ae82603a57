"""Large runs: computed in many parts, each of which is on disk as soon as it is there.

So memory does not grow with the run, and a part that is finished is never computed again. Only the process that builds
writes; those that compute need no files in common with it.

    training, stretch by stretch ─▶ boundaries, some frames a part
                                 ─▶ curvature, a frame a part
                                 ─▶ each plane and the path on it ─▶ its surfaces, some frames or rows a part
                                                                  ─▶ its map of non-convexity, a row a part
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lossatlas.arrays import Float32, Floats, UInt8
from lossatlas.building import steps
from lossatlas.building.checkpoint import Block, Staging
from lossatlas.building.estimate import STEP_WORK, Sizes
from lossatlas.building.steps import LaidPlane, Stretch, state_of
from lossatlas.building.task import Part
from lossatlas.curvature import Curvature, TrainingCurvature, spread_frames
from lossatlas.errors import PlaneError
from lossatlas.landscape import Cut
from lossatlas.runs import Run, RunConfig, Setup, check_planes
from lossatlas.training import METRICS, Outcome, State, Trajectory, frame_epochs

Kind = Literal["train", "test"]
#: A trajectory of more than so many times what a part holds stays where it is.
_FEW = 3


class RunInParts:
    """A run that is computed in many parts, each of which is on disk as soon as it is there.

    Parameters
    ----------
    config, data, references
        What to compute, where to, and where the runs ended that its planes go through.
    sizes
        How large its parts are to be.
    """

    def __init__(self, config: RunConfig, data: Path, references: Mapping[str, Floats], sizes: Sizes) -> None:
        self._config, self._references, self._sizes = config, references, sizes
        self._canonical = config.canonical
        self._setup = Setup.of(config)
        check_planes(self._setup, references)
        self._staging = Staging(data, config)
        self._laid: dict[str, LaidPlane] = {}

    def begin(self) -> list[Part]:
        """Take up what is there."""
        return self._lacking([self._training(0)])

    def accept(self, part: Part, result: Any) -> list[Part]:
        """Store it; the part is in the record when this returns."""
        part.store(result)
        return self._lacking(part.then())

    def finish(self) -> None:
        """Put what is on disk together, and into its place."""
        cuts = tuple(self._cut(name) for name in self._setup.plane_configs if name not in self._left_out)
        if not cuts:
            raise PlaneError("; ".join(self._left_out.values()))
        run = Run(
            setup=self._setup,
            trajectory=self._trajectory,
            predicted_class=self._staging.array("predicted_class"),
            confidence=self._staging.array("confidence"),
            cuts=cuts,
            curvature=self._curvature(),
            left_out=self._left_out,
        )
        self._staging.publish(run)

    def _lacking(self, candidates: list[Part]) -> list[Part]:
        """Those of some parts that are not there, and in place of those that are, the ones that come after them."""
        found: list[Part] = []
        for part in candidates:
            found += self._lacking(part.then()) if part.name in self._staging else [part]
        return found

    # training -------------------------------------------------------------------------------------------------------

    def _stretches(self) -> list[int]:
        """How many frames each part of training records."""
        training, parameters = self._config.training, self._setup.network.parameter_count
        epochs = frame_epochs(training.epochs, training.frames)
        work = STEP_WORK * len(self._setup.dataset.train[0]) * parameters
        most = max(1, int(self._sizes.part_bytes // (4 * parameters)))
        counts = [1]
        spent = 0.0
        for before, epoch in pairwise(epochs):
            spent += (epoch - before) * work
            if counts[-1] >= most or spent > self._sizes.part_work:
                counts.append(0)
                spent = float((epoch - before) * work)
            counts[-1] += 1
        return counts

    def _training(self, number: int) -> Part:
        name = f"training-{number}"
        frames = self._stretches()[number]

        def store(stretch: Stretch) -> None:
            self._staging.finish_part(name, note=stretch.note, arrays=stretch.arrays)

        def then() -> list[Part]:
            return (
                self._after_training() if self._staging.notes[name]["epoch"] is None else [self._training(number + 1)]
            )

        return Part(
            name, steps.train_stretch, lambda: (self._canonical, self._state_after(number - 1), frames), store, then
        )

    def _state_after(self, number: int) -> State | None:
        if number < 0:
            return None
        name = f"training-{number}"
        return state_of(self._staging.notes[name], self._staging.arrays_of(name))

    def _after_training(self) -> list[Part]:
        self._trajectory = self._gathered()
        frames = spread_frames(len(self._trajectory.epochs), self._config.curvature.frames)
        return [
            *(self._plane(name) for name in self._setup.plane_configs),
            *self._boundaries(),
            *(self._curvature_at(frame) for frame in frames),
        ]

    def _gathered(self) -> Trajectory:
        """The stretches put together, on disk."""
        staging = self._staging
        names = [name for name in staging.notes if name.startswith("training-")]
        notes = [staging.notes[name] for name in names]
        counts = [len(note["epochs"]) for note in notes]
        shape = (sum(counts), self._setup.network.parameter_count)
        staging.lay_out("weights", "float32", shape)
        staging.lay_out("point_predicted_class", "uint8", (shape[0], len(self._setup.dataset.points)))
        for name, frame in zip(names, accumulate(counts, initial=0), strict=False):
            if f"gathered-{name}" not in staging:
                arrays = staging.arrays_of(name)
                both = [key for key in ("weights", "point_predicted_class") if key in arrays]
                staging.finish_part(f"gathered-{name}", [Block(key, (frame,), arrays[key]) for key in both])
            staging.drop_arrays_of(name)
        return Trajectory(
            epochs=tuple(epoch for note in notes for epoch in note["epochs"]),
            weights=np.asarray(staging.array("weights")),
            metrics={name: np.array([value for note in notes for value in note["metrics"][name]]) for name in METRICS},
            predicted_class=np.asarray(staging.array("point_predicted_class")),
            outcome=Outcome(**notes[-1]["outcome"]),
        )

    # boundaries and curvature ---------------------------------------------------------------------------------------

    def _boundaries(self) -> Iterator[Part]:
        height, width = self._setup.grid.shape
        frames = len(self._trajectory.epochs)
        for name in ("predicted_class", "confidence"):
            self._staging.lay_out(name, "uint8", (frames, height, width))
        work = height * width * self._setup.network.parameter_count
        step = self._frames_a_part(work, 2 * height * width)
        for start, stop in pairwise([*range(0, frames, step), frames]):
            yield self._boundaries_of(slice(start, stop))

    def _boundaries_of(self, frames: slice) -> Part:
        name = f"boundaries-{frames.start}"

        def store(found: tuple[UInt8, UInt8]) -> None:
            both = zip(("predicted_class", "confidence"), found, strict=True)
            self._staging.finish_part(name, [Block(array, (frames.start,), values) for array, values in both])

        return Part(name, steps.boundaries, lambda: (self._canonical, self._trajectory.weights[frames]), store)

    def _curvature_at(self, frame: int) -> Part:
        name = f"curvature-{frame}"

        def store(found: Curvature) -> None:
            note = {key: value for key, value in vars(found).items() if key != "spectrum"}
            note["has_spectrum"] = found.spectrum is not None
            arrays = None if found.spectrum is None else {"spectrum": found.spectrum}
            self._staging.finish_part(name, note=note, arrays=arrays)

        return Part(name, steps.curvature, lambda: (self._canonical, self._trajectory.weights[frame]), store)

    def _curvature(self) -> TrainingCurvature | None:
        frames = spread_frames(len(self._trajectory.epochs), self._config.curvature.frames)
        found = []
        for frame in frames:
            note = dict(self._staging.notes[f"curvature-{frame}"])
            known = note.pop("has_spectrum")
            spectrum = self._staging.arrays_of(f"curvature-{frame}")["spectrum"] if known else None
            found.append(Curvature(**note, spectrum=spectrum))
        points = len(self._setup.dataset.train[0])
        return TrainingCurvature.of(frames, found, self._config.training, points) if found else None

    # planes ---------------------------------------------------------------------------------------------------------

    @property
    def _left_out(self) -> dict[str, str]:
        notes = {name: self._staging.notes[f"plane-{name}"] for name in self._setup.plane_configs}
        return {name: note["left_out"] for name, note in notes.items() if "left_out" in note}

    def _plane(self, name: str) -> Part:
        part = f"plane-{name}"

        def store(found: LaidPlane | str) -> None:
            if isinstance(found, str):
                self._staging.finish_part(part, note={"left_out": found})
            else:
                self._staging.finish_part(part, note=found.note, arrays=found.arrays)

        def then() -> list[Part]:
            if "left_out" in self._staging.notes[part]:
                return []
            return [*self._surfaces(name), *self._nonconvexity(name)]

        def arguments() -> tuple[Any, ...]:
            return self._canonical, name, self._trajectory, self._references

        # the trajectory travels to few workers at a time, and a long one to none: here it is a file that is mapped
        here = (
            self._setup.plane_configs[name].kind == "file"
            or self._trajectory.weights.nbytes > _FEW * self._sizes.part_bytes
        )
        return Part(part, steps.lay_plane, arguments, store, then, here)

    def _laid_plane(self, name: str) -> LaidPlane:
        if name not in self._laid:
            part = f"plane-{name}"
            self._laid[name] = LaidPlane.of(self._staging.notes[part], self._staging.arrays_of(part))
        return self._laid[name]

    def _surfaces(self, name: str) -> Iterator[Part]:
        config, plane = self._setup.plane_configs[name], self._laid_plane(name).plane
        kinds: tuple[tuple[Kind, bool], ...] = (
            ("train", plane.moving),
            ("test", plane.moving and config.test_frames),
        )
        for kind, every in kinds:
            frames = len(self._trajectory.epochs) if every else 1
            shape = (len(plane.spans), frames, config.grid, config.grid)
            self._staging.lay_out(_surface_array(name, kind), "float32", shape)
            for chosen, rows in self._cut_up(kind, frames, shape[0] * config.grid, config.grid):
                yield self._surfaces_of(name, kind, every, chosen, rows)

    def _cut_up(self, kind: Kind, frames: int, rows: int, grid: int) -> Iterator[tuple[slice, range]]:
        """Frames and rows of each part: several whole frames, or some rows of one."""
        points = getattr(self._setup.dataset, kind)[0]
        a_row = grid * len(points) * self._setup.network.parameter_count
        some = max(1, int(min(self._sizes.part_work // a_row, self._sizes.part_bytes // (4 * grid))))
        if some < rows:
            for frame in range(frames):
                for start, stop in pairwise([*range(0, rows, some), rows]):
                    yield slice(frame, frame + 1), range(start, stop)
            return
        step = self._frames_a_part(rows * a_row, 4 * rows * grid)
        for start, stop in pairwise([*range(0, frames, step), frames]):
            yield slice(start, stop), range(rows)

    def _surfaces_of(self, name: str, kind: Kind, every: bool, frames: slice, rows: range) -> Part:
        part = f"surfaces-{name}-{kind}-{frames.start}-{rows.start}"
        grid = self._setup.plane_configs[name].grid

        def arguments() -> tuple[Any, ...]:
            plane = self._laid_plane(name).plane
            assert plane.centre is not None
            centres = self._trajectory.weights[frames] if every else plane.centre[None]
            return self._canonical, kind, plane, centres, rows

        def store(losses: Float32) -> None:
            array = _surface_array(name, kind)
            blocks = [
                Block(array, (span, frame, j), losses[frame - frames.start, first : first + count])
                for frame in range(frames.start, frames.stop)
                for span, j, first, count in _by_span(rows, grid)
            ]
            self._staging.finish_part(part, blocks)

        return Part(part, steps.surfaces, arguments, store)

    def _nonconvexity(self, name: str) -> Iterator[Part]:
        samples = self._setup.plane_configs[name].nonconvexity
        if samples:
            self._staging.lay_out(f"planes/{name}/nonconvexity", "float32", (samples, samples))
            yield from (self._nonconvexity_of(name, row) for row in range(samples))

    def _nonconvexity_of(self, name: str, row: int) -> Part:
        part = f"nonconvexity-{name}-{row}"

        def store(ratios: Float32) -> None:
            self._staging.finish_part(part, [Block(f"planes/{name}/nonconvexity", (row,), ratios)])

        def arguments() -> tuple[Any, ...]:
            return self._canonical, self._laid_plane(name).plane, range(row, row + 1)

        return Part(part, steps.nonconvexity, arguments, store)

    def _cut(self, name: str) -> Cut:
        laid, config = self._laid_plane(name), self._setup.plane_configs[name]
        return Cut(
            plane=laid.plane,
            grid=config.grid,
            loss_surface=self._staging.array(_surface_array(name, "train")),
            test_loss_surface=self._staging.array(_surface_array(name, "test")),
            path=laid.path,
            path_loss=laid.path_loss,
            nonconvexity=self._staging.array(f"planes/{name}/nonconvexity") if config.nonconvexity else None,
        )

    def _frames_a_part(self, work: float, size: float) -> int:
        """How many frames of so much work and so many bytes make a part; their thetas travel with it."""
        size += 4 * self._setup.network.parameter_count
        return max(1, int(min(self._sizes.part_work // work, self._sizes.part_bytes // size)))


def _surface_array(plane: str, kind: Kind) -> str:
    return f"planes/{plane}/{'loss_surface' if kind == 'train' else 'test_loss_surface'}"


def _by_span(rows: range, grid: int) -> Iterator[tuple[int, int, int, int]]:
    """Cut rows that are counted through all spans at the spans: ``(span, first row in it, place in rows, count)``."""
    row = rows.start
    while row < rows.stop:
        span, j = divmod(row, grid)
        count = min(grid - j, rows.stop - row)
        yield span, j, row - rows.start, count
        row += count

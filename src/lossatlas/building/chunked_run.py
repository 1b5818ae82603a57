"""Computes a run in many parts, each of which is stored on disk as soon as it is finished.

Therefore memory does not grow with the run, and a finished part is never computed again. Only the process that builds
writes files, and workers need no access to them. :mod:`lossatlas.runs.steps` says which steps there are; this module
divides them into parts:

    training, stretch by stretch ─▶ boundaries, some frames per part
                                 ─▶ curvature, one frame per part
                                 ─▶ each plane and the path on it ─▶ its surfaces, some frames or rows per part
                                                                  ─▶ its map of non-convexity, one row per part
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from lossatlas.arrays import AnyArray, Floats
from lossatlas.building.checkpoint import Checkpoint
from lossatlas.building.estimate import STEP_WORK, Sizes
from lossatlas.building.records import (
    Stretch,
    record_curvature,
    record_plane,
    record_stretch,
    restore_curvature,
    restore_plane,
    restore_state,
)
from lossatlas.building.task import Part
from lossatlas.building.worker_functions import (
    StoredTrajectory,
    compute_piece,
    lay_plane_of_run,
    measure_curvature_of_run,
    train_stretch,
)
from lossatlas.curvature import Curvature
from lossatlas.runs import (
    ArrayStep,
    Block,
    Frame,
    LaidPlane,
    RunConfig,
    Setup,
    assemble_run,
    check_planes,
    choose_curvature_frames,
    list_frame_steps,
    list_plane_steps,
    list_run_steps,
)
from lossatlas.training import METRICS, Metrics, Outcome, Snapshot, State, Trajectory, frame_epochs

#: A trajectory of more than this many times ``part_bytes`` is not sent to workers.
_FEW = 3


class ChunkedRun:
    """A run that is computed in many parts, each of which is stored on disk as soon as it is finished.

    Parameters
    ----------
    config, data
        The configuration of the run, and the data folder.
    references
        The final parameters ``[P]`` of the runs that its planes go through, by their ids.
    sizes
        The sizes of the parts. A run that was begun with other sizes continues with those.
    threads
        The number of threads of each worker; None means one per core.
    local
        Whether workers can read the data folder.
    """

    def __init__(
        self,
        config: RunConfig,
        data: Path,
        references: Mapping[str, Floats],
        sizes: Sizes,
        *,
        threads: int | None = 1,
        local: bool = False,
    ) -> None:
        self._config, self._references, self._threads, self._local = config, references, threads, local
        self._canonical = config.canonical
        self.setup = self._setup = Setup.of(config)
        check_planes(self._setup, references)
        self._checkpoint = Checkpoint(data, config, sizes)
        self._sizes = self._checkpoint.sizes
        self._laid: dict[str, LaidPlane | str] = {}
        self._trajectory: Trajectory | None = None
        self._frame_steps = list_frame_steps(self._setup)
        self._arrays: dict[str, AnyArray] = {}

    def begin(self) -> list[Part]:
        """Read the parts that are finished, and return those that can be computed now."""
        return self._find_unfinished([self._make_training_part(0)])

    def accept(self, part: Part, result: Any) -> list[Part]:
        """Store the result of a part, and return the parts that can be computed now."""
        part.store(result)
        return self._find_unfinished(part.list_next())

    def finish(self) -> None:
        """Combine the parts into the run, and move it to its final folder."""
        frames = choose_curvature_frames(self._setup, self.frame_count)
        curvatures = [restore_curvature(self._checkpoint.record_of(f"curvature-{frame}")) for frame in frames]
        planes = {name: self._find_plane(name) for name in self._setup.plane_configs}
        run = assemble_run(self._setup, self.trajectory, planes, self._checkpoint.array, curvatures)
        self._checkpoint.publish(run)

    @property
    def trajectory(self) -> Trajectory:
        """The whole training. It is known when all its parts are finished."""
        if self._trajectory is None:
            raise RuntimeError("the training has not ended")
        return self._trajectory

    @property
    def frame_count(self) -> int:
        """The number of frames. It is known when all parts of the training are finished."""
        return len(self.trajectory.epochs)

    def frame(self, index: int) -> Frame:
        """Return a frame whose parts are finished. Its arrays are mapped from the disk."""
        at = slice(index, index + 1)
        arrays = {
            path: self._map(path)[(slice(None),) * step.frame_axis + (at,)]
            for step in self._frame_steps
            for path in step.layout(1)
        }
        trajectory = self.trajectory
        metrics = Metrics(**{name: float(values[index]) for name, values in trajectory.metrics.items()})
        theta, classes = trajectory.weights[index], trajectory.predicted_class[index]
        return Frame(index, Snapshot(trajectory.epochs[index], theta, metrics, classes), arrays)

    def _map(self, path: str) -> AnyArray:
        """Map an array, also after :meth:`finish` has moved its file."""
        if path not in self._arrays:
            self._arrays[path] = self._checkpoint.array(path)
        return self._arrays[path]

    def _find_unfinished(self, candidates: list[Part]) -> list[Part]:
        """Replace finished parts by the parts that follow them, until all are unfinished."""
        found: list[Part] = []
        for part in candidates:
            found += self._find_unfinished(part.list_next()) if part.name in self._checkpoint else [part]
        return found

    # training -------------------------------------------------------------------------------------------------------

    def _plan_stretches(self) -> list[int]:
        """Return how many frames each part of the training records."""
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

    def _make_training_part(self, number: int) -> Part:
        name = f"training-{number}"
        frames = self._plan_stretches()[number]

        def store(stretch: Stretch) -> None:
            self._checkpoint.finish_part(name, record=record_stretch(stretch))

        def list_next() -> list[Part]:
            has_ended = self._checkpoint.notes[name]["epoch"] is None
            return self._list_later_parts() if has_ended else [self._make_training_part(number + 1)]

        def arguments() -> tuple[Any, ...]:
            return self._canonical, self._restore_state_after(number - 1), frames

        stretch = number + 1, len(self._plan_stretches())
        return Part(name, train_stretch, arguments, store, list_next, frame=-1, stretch=stretch)

    def _restore_state_after(self, number: int) -> State | None:
        return restore_state(self._checkpoint.record_of(f"training-{number}")) if number >= 0 else None

    def _list_later_parts(self) -> list[Part]:
        self._trajectory = self._gather_training()
        frames = choose_curvature_frames(self._setup, self.frame_count)
        return [
            *(self._make_plane_part(name) for name in self._setup.plane_configs),
            *(part for step in list_run_steps(self._setup) for part in self._make_pieces(step)),
            *(self._make_curvature_part(frame) for frame in frames),
        ]

    def _gather_training(self) -> Trajectory:
        """Combine the parts of the training on disk."""
        checkpoint = self._checkpoint
        names = [name for name in checkpoint.notes if name.startswith("training-")]
        notes = [checkpoint.notes[name] for name in names]
        counts = [len(note["epochs"]) for note in notes]
        shape = (sum(counts), self._setup.network.parameter_count)
        checkpoint.lay_out("weights", "float32", shape)
        checkpoint.lay_out("point_predicted_class", "uint8", (shape[0], len(self._setup.dataset.points)))
        for name, frame in zip(names, accumulate(counts, initial=0), strict=False):
            if f"gathered-{name}" not in checkpoint:
                arrays = checkpoint.record_of(name).arrays or {}
                both = [key for key in ("weights", "point_predicted_class") if key in arrays]
                checkpoint.finish_part(f"gathered-{name}", [Block(key, (frame,), arrays[key]) for key in both])
            checkpoint.drop_arrays_of(name)
        return Trajectory(
            epochs=tuple(epoch for note in notes for epoch in note["epochs"]),
            weights=np.asarray(checkpoint.array("weights")),
            metrics={name: np.array([value for note in notes for value in note["metrics"][name]]) for name in METRICS},
            predicted_class=np.asarray(checkpoint.array("point_predicted_class")),
            outcome=Outcome(**notes[-1]["outcome"]),
        )

    # arrays, in pieces ----------------------------------------------------------------------------------------------

    def _make_pieces(self, step: ArrayStep) -> Iterator[Part]:
        frames = self.frame_count if step.every_frame else 1
        for array, (dtype, shape) in step.layout(frames).items():
            self._checkpoint.lay_out(array, dtype, shape)
        for some, rows in self._divide(step, frames):
            yield self._make_piece(step, some, rows)

    def _divide(self, step: ArrayStep, frames: int) -> Iterator[tuple[slice, range]]:
        """Yield the frames and the rows of each part: several whole frames, or some rows of one frame."""
        work, size = step.cost(self._setup)
        some = max(1, int(min(self._sizes.part_work // work, self._sizes.part_bytes // size)))
        if some < step.rows:
            for frame in range(frames):
                for start, stop in pairwise([*range(0, step.rows, some), step.rows]):
                    yield slice(frame, frame + 1), range(start, stop)
            return
        a_frame = step.rows * size + 4 * self._setup.network.parameter_count  # its theta is sent with it
        several = max(1, int(min(self._sizes.part_work // (step.rows * work), self._sizes.part_bytes // a_frame)))
        for start, stop in pairwise([*range(0, frames, several), frames]):
            yield slice(start, stop), range(step.rows)

    def _make_piece(self, step: ArrayStep, frames: slice, rows: range) -> Part:
        name = f"{step.name}-{frames.start}-{rows.start}"

        def arguments() -> tuple[Any, ...]:
            return self._canonical, step, step.thetas(self.trajectory.weights)[frames], rows, self._threads

        def store(found: tuple[AnyArray, ...]) -> None:
            self._checkpoint.finish_part(name, step.blocks(frames.start, rows, found))

        shown = {path for each in self._frame_steps for path in each.layout(1)}
        frame = frames.start if shown.issuperset(step.layout(1)) else None
        return Part(name, compute_piece, arguments, store, frame=frame)

    # curvature and planes -------------------------------------------------------------------------------------------

    def _make_curvature_part(self, frame: int) -> Part:
        name = f"curvature-{frame}"

        def store(found: Curvature) -> None:
            self._checkpoint.finish_part(name, record=record_curvature(found))

        return Part(name, measure_curvature_of_run, lambda: (self._canonical, self.trajectory.weights[frame]), store)

    def _make_plane_part(self, name: str) -> Part:
        part = f"plane-{name}"

        def store(found: LaidPlane | str) -> None:
            self._checkpoint.finish_part(part, record=record_plane(found))

        def list_next() -> list[Part]:
            laid = self._find_plane(name)
            if isinstance(laid, str):
                return []
            return [piece for step in list_plane_steps(self._setup, laid.plane) for piece in self._make_pieces(step)]

        # A long trajectory is not sent to workers. They map the file that contains it, if they can read it.
        is_long = self.trajectory.weights.nbytes > _FEW * self._sizes.part_bytes

        def arguments() -> tuple[Any, ...]:
            trajectory: Trajectory | StoredTrajectory = self.trajectory
            if is_long and self._local:
                trajectory = StoredTrajectory.of(self.trajectory, self._checkpoint.path_of("weights"))
            return self._canonical, name, trajectory, self._references, self._threads

        here = self._setup.plane_configs[name].kind == "file" or (is_long and not self._local)
        frame = -1 if name in {directions.name for directions in self._setup.directions} else None
        return Part(part, lay_plane_of_run, arguments, store, list_next, here, frame, is_plane=True)

    def _find_plane(self, name: str) -> LaidPlane | str:
        if name not in self._laid:
            self._laid[name] = restore_plane(self._checkpoint.record_of(f"plane-{name}"))
        return self._laid[name]

"""Computes a run in many parts, each of which is stored on disk as soon as it is finished.

Therefore memory does not grow with the run, and a finished part is never computed again. Only the process that builds
writes files, and workers need no access to them. :mod:`lossatlas.runs.steps` says which steps there are; this module
divides them into parts:

    training, stretch by stretch ─▶ boundaries, some frames a part
                                 ─▶ curvature, a frame a part
                                 ─▶ each plane and the path on it ─▶ its surfaces, some frames or rows a part
                                                                  ─▶ its map of non-convexity, a row a part
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
    compute_piece,
    lay_plane_of_run,
    measure_curvature_of_run,
    train_stretch,
)
from lossatlas.curvature import Curvature
from lossatlas.runs import (
    ArrayStep,
    Block,
    LaidPlane,
    RunConfig,
    Setup,
    assemble_run,
    check_planes,
    choose_curvature_frames,
    list_plane_steps,
    list_run_steps,
)
from lossatlas.training import METRICS, Outcome, State, Trajectory, frame_epochs

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
        The sizes of the parts.
    """

    def __init__(self, config: RunConfig, data: Path, references: Mapping[str, Floats], sizes: Sizes) -> None:
        self._config, self._references, self._sizes = config, references, sizes
        self._canonical = config.canonical
        self._setup = Setup.of(config)
        check_planes(self._setup, references)
        self._checkpoint = Checkpoint(data, config)
        self._laid: dict[str, LaidPlane | str] = {}

    def begin(self) -> list[Part]:
        """Read the parts that are finished, and return those that can be computed now."""
        return self._find_unfinished([self._make_training_part(0)])

    def accept(self, part: Part, result: Any) -> list[Part]:
        """Store the result of a part, and return the parts that can be computed now."""
        part.store(result)
        return self._find_unfinished(part.list_next())

    def finish(self) -> None:
        """Combine the parts into the run, and move it to its final folder."""
        frames = choose_curvature_frames(self._setup, len(self._trajectory.epochs))
        curvatures = [restore_curvature(self._checkpoint.record_of(f"curvature-{frame}")) for frame in frames]
        planes = {name: self._find_plane(name) for name in self._setup.plane_configs}
        run = assemble_run(self._setup, self._trajectory, planes, self._checkpoint.array, curvatures)
        self._checkpoint.publish(run)

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

        return Part(
            name,
            train_stretch,
            lambda: (self._canonical, self._restore_state_after(number - 1), frames),
            store,
            list_next,
        )

    def _restore_state_after(self, number: int) -> State | None:
        return restore_state(self._checkpoint.record_of(f"training-{number}")) if number >= 0 else None

    def _list_later_parts(self) -> list[Part]:
        self._trajectory = self._gather_training()
        frames = choose_curvature_frames(self._setup, len(self._trajectory.epochs))
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
        frames = len(self._trajectory.epochs) if step.every_frame else 1
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
        a_frame = step.rows * size + 4 * self._setup.network.parameter_count  # its theta travels with it
        several = max(1, int(min(self._sizes.part_work // (step.rows * work), self._sizes.part_bytes // a_frame)))
        for start, stop in pairwise([*range(0, frames, several), frames]):
            yield slice(start, stop), range(step.rows)

    def _make_piece(self, step: ArrayStep, frames: slice, rows: range) -> Part:
        name = f"{step.name}-{frames.start}-{rows.start}"

        def arguments() -> tuple[Any, ...]:
            return self._canonical, step, step.thetas(self._trajectory.weights)[frames], rows

        def store(found: tuple[AnyArray, ...]) -> None:
            self._checkpoint.finish_part(name, step.blocks(frames.start, rows, found))

        return Part(name, compute_piece, arguments, store)

    # curvature and planes -------------------------------------------------------------------------------------------

    def _make_curvature_part(self, frame: int) -> Part:
        name = f"curvature-{frame}"

        def store(found: Curvature) -> None:
            self._checkpoint.finish_part(name, record=record_curvature(found))

        return Part(name, measure_curvature_of_run, lambda: (self._canonical, self._trajectory.weights[frame]), store)

    def _make_plane_part(self, name: str) -> Part:
        part = f"plane-{name}"

        def store(found: LaidPlane | str) -> None:
            self._checkpoint.finish_part(part, record=record_plane(found))

        def list_next() -> list[Part]:
            laid = self._find_plane(name)
            if isinstance(laid, str):
                return []
            return [piece for step in list_plane_steps(self._setup, laid.plane) for piece in self._make_pieces(step)]

        def arguments() -> tuple[Any, ...]:
            return self._canonical, name, self._trajectory, self._references

        # A long trajectory is not sent to workers, because this process can map the file that contains it.
        here = (
            self._setup.plane_configs[name].kind == "file"
            or self._trajectory.weights.nbytes > _FEW * self._sizes.part_bytes
        )
        return Part(part, lay_plane_of_run, arguments, store, list_next, here)

    def _find_plane(self, name: str) -> LaidPlane | str:
        if name not in self._laid:
            self._laid[name] = restore_plane(self._checkpoint.record_of(f"plane-{name}"))
        return self._laid[name]

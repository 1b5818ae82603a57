"""Computes a run in memory from its configuration: the frames while it trains, and everything else afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from lossatlas.arrays import AnyArray, Float32, Floats
from lossatlas.curvature import Curvature
from lossatlas.errors import CancelledError
from lossatlas.runs.array_steps import ArrayStep, Evaluators
from lossatlas.runs.run import Frame, Run, Setup
from lossatlas.runs.run_config import RunConfig
from lossatlas.runs.steps import (
    LaidPlane,
    assemble_run,
    check_planes,
    choose_curvature_frames,
    lay_plane,
    list_frame_steps,
    list_plane_steps,
    measure_curvature,
)
from lossatlas.training import Outcome, Snapshot, Training, Trajectory


@dataclass(frozen=True)
class Stage:
    """The progress of the work after training: the step that was just done, and the numbers of done and all steps."""

    what: str
    done: int
    total: int


class RecordedTraining(Protocol):
    """A training, as a sequence of snapshots that begins with the untrained network."""

    @property
    def epochs(self) -> tuple[int, ...]:
        """The epochs that are recorded."""

    @property
    def outcome(self) -> Outcome:
        """How the training ended. It is known after the last snapshot."""

    def __iter__(self) -> Iterator[Snapshot]:
        """Yield the snapshots in order."""


class Computation:
    """The computation of one run. It is an iterable of frames; call :meth:`finish` after the last frame.

    Parameters
    ----------
    setup
        The run to compute.
    threads
        The number of threads that compute surfaces; by default, one per core. The numbers do not depend on it.
    cancelled
        A function that is called repeatedly. If it returns True, the computation ends with ``CancelledError``.
    references
        The final parameters ``[P]`` of the other runs that planes go through, by their ids.
    training
        A training that has ended, to be used instead of the one that the setup describes.

    Raises
    ------
    ConfigError
        If a plane goes through a run that is not among the references.
    """

    def __init__(
        self,
        setup: Setup,
        threads: int | None = None,
        cancelled: Callable[[], bool] = lambda: False,
        references: Mapping[str, Floats] | None = None,
        training: RecordedTraining | None = None,
    ) -> None:
        self.setup = setup
        self.training = training or Training(setup.network, setup.dataset, setup.config.training, cancelled)
        self._evaluators = Evaluators(setup, threads)
        self._of_each_frame = list_frame_steps(setup)
        self._cancelled = cancelled
        self._references = references or {}
        check_planes(setup, self._references)

    def __iter__(self) -> Iterator[Frame]:
        """Train, and yield a frame for every recorded epoch as soon as training reaches it."""
        for index, snapshot in enumerate(self.training):
            arrays: dict[str, AnyArray] = {}
            for step in self._of_each_frame:
                arrays |= self._compute(step, snapshot.theta[None])
            yield Frame(index, snapshot, arrays)

    @property
    def outcome(self) -> Outcome:
        """How training ended. It is known after the last frame."""
        return self.training.outcome

    def finish(self, frames: list[Frame], on_stage: Callable[[Stage], None] = lambda _: None) -> Run:
        """Compute everything that needs the finished training, and make the run.

        Parameters
        ----------
        frames
            All frames.
        on_stage
            A function that is called after each step.

        Returns
        -------
        Run
            The run.

        Raises
        ------
        ConfigError
            If the points or directions of a plane do not fit this network.
        PlaneError
            If none of the planes can be made from this training.
        """
        trajectory = Trajectory.of([frame.snapshot for frame in frames], self.outcome)
        arrays = self._join_frames(frames)
        planes: dict[str, LaidPlane | str] = {}
        total = len(self.setup.plane_configs) + 1
        for number, name in enumerate(self.setup.plane_configs, start=1):
            laid = planes[name] = self._cut_plane(name, trajectory, arrays)
            on_stage(Stage(f"{name}, left out" if isinstance(laid, str) else laid.plane.title, number, total))
        curvatures = self._measure_curvatures(trajectory)
        on_stage(Stage("Curvature", total, total))
        return assemble_run(self.setup, trajectory, planes, arrays.__getitem__, curvatures)

    def _cut_plane(self, name: str, trajectory: Trajectory, arrays: dict[str, AnyArray]) -> LaidPlane | str:
        """Make a plane, and compute those of its arrays that do not exist yet."""
        self._check_cancelled()
        laid = lay_plane(self._evaluators, name, trajectory, self._references)
        for step in list_plane_steps(self.setup, laid.plane) if isinstance(laid, LaidPlane) else ():
            if not step.layout(1).keys() <= arrays.keys():
                arrays |= self._compute(step, step.thetas(trajectory.weights))
        return laid

    def _measure_curvatures(self, trajectory: Trajectory) -> list[Curvature]:
        found = []
        for frame in choose_curvature_frames(self.setup, len(trajectory.epochs)):
            self._check_cancelled()
            found.append(measure_curvature(self.setup, trajectory.weights[frame]))
        return found

    def _join_frames(self, frames: list[Frame]) -> dict[str, AnyArray]:
        """Join the arrays of all frames."""
        return {
            path: np.concatenate([frame.arrays[path] for frame in frames], axis=step.frame_axis)
            for step in self._of_each_frame
            for path in step.layout(1)
        }

    def _compute(self, step: ArrayStep, thetas: Float32) -> dict[str, AnyArray]:
        """Compute the arrays of a step around models ``[n, P]``, one after another."""
        layout = step.layout(len(thetas))
        arrays: dict[str, AnyArray] = {path: np.empty(shape, dtype) for path, (dtype, shape) in layout.items()}
        rows = range(step.rows)
        for frame in range(len(thetas)):
            self._check_cancelled()
            found = step.compute(self._evaluators, thetas[frame : frame + 1], rows)
            for block in step.blocks(frame, rows, found):
                array, start = arrays[block.array], block.place_in(arrays[block.array].shape)
                array.reshape(-1)[start : start + block.values.size] = block.values.ravel()
        return arrays

    def _check_cancelled(self) -> None:
        if self._cancelled():
            raise CancelledError("the computation was cancelled")


def compute_run(
    config: RunConfig | Mapping[str, Any] | None = None,
    *,
    threads: int | None = None,
    references: Mapping[str, Floats] | None = None,
    on_frame: Callable[[Frame], None] | None = None,
) -> Run:
    """Train a configuration, and compute its planes, boundaries and curvature.

    Parameters
    ----------
    config
        The configuration, or its settings as a dict; by default, the default configuration.
    threads
        The number of threads that compute surfaces; by default, one per core.
    references
        The final parameters ``[P]`` of the other runs that planes go through, by their ids
        (:attr:`RunConfig.references`).
    on_frame
        A function that is called with each frame as soon as it is finished.

    Returns
    -------
    Run
        The run.

    Raises
    ------
    ConfigError
        If a setting is not valid, or does not fit another one. It is raised before training starts.
    """
    whole = RunConfig.from_mapping({} if config is None else config)
    computation = Computation(Setup.of(whole), threads, references=references)
    frames = []
    for frame in computation:
        frames.append(frame)
        if on_frame:
            on_frame(frame)
    return computation.finish(frames)

"""From a configuration to a run: everything the atlas shows of one training.

config → setup (dataset, network, input grid, planes that need no training) → frames, one by one, while it trains
→ the planes that do, the path on every plane, curvature → run
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lossatlas.arrays import Float32, Floats, UInt8
from lossatlas.curvature import curvature_along
from lossatlas.engine import Evaluator, one_blas_thread
from lossatlas.errors import CancelledError, ConfigError, PlaneError
from lossatlas.landscape import (
    Cut,
    InputGrid,
    boundary_evaluator,
    decision_boundary,
    nonconvexity_over,
    path_on,
    surfaces_around,
)
from lossatlas.planes import Plane, PlaneConfig, Trained
from lossatlas.runs.run import CONFIDENCE_STEP, Frame, Run, RunConfig, Setup
from lossatlas.training import Outcome, Snapshot, Training, Trajectory


@dataclass(frozen=True)
class Stage:
    """How far the work after training has come: what was just done, and how many of how many steps."""

    what: str
    done: int
    total: int


class Computation:
    """The work of one run: an iterable of frames, each yielded as soon as training reaches it; then :meth:`finish`.

    Parameters
    ----------
    setup
        What to compute.
    threads
        For the surfaces; by default one a core. The numbers do not depend on it.
    cancelled
        Asked again and again; True ends it with ``CancelledError``.
    references
        Trained parameters ``[P]`` of the other runs that planes go through, by id.

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
    ) -> None:
        self.setup = setup
        self.training = Training(setup.network, setup.dataset, setup.config.training, cancelled)
        self._train = Evaluator(setup.network, *setup.dataset.train, threads=threads)
        self._test = Evaluator(setup.network, *setup.dataset.test, threads=threads)
        self._boundary = boundary_evaluator(setup.network, setup.grid, threads=threads)
        self._cancelled = cancelled
        self._references = references or {}
        check_planes(setup, self._references)

    def __iter__(self) -> Iterator[Frame]:
        """Train, and yield a frame for every recorded epoch."""
        for index, snapshot in enumerate(self.training):
            yield self._frame(index, snapshot)

    @property
    def outcome(self) -> Outcome:
        """How training ended; meaningful after the last frame."""
        return self.training.outcome

    def finish(self, frames: list[Frame], on_stage: Callable[[Stage], None] = lambda _: None) -> Run:
        """Compute what can be computed only of a finished training, and put the run together.

        Parameters
        ----------
        frames
            All of them.
        on_stage
            Called after each step.

        Raises
        ------
        ConfigError
            If what a plane is to be laid through does not fit this network.
        PlaneError
            If none of the planes can be laid through this training.
        """
        trajectory = Trajectory.of([frame.snapshot for frame in frames], self.outcome)
        configs = self.setup.plane_configs
        total = len(configs) + 1
        trained = Trained(self.setup.network, *self.setup.dataset.train, trajectory, theta_among(self._references))
        cuts: list[Cut] = []
        left_out: dict[str, str] = {}
        for number, (name, config) in enumerate(configs.items(), start=1):
            self._check_cancelled()
            try:
                plane = laid(self.setup, name, trained)
            except PlaneError as error:  # no path to speak of, say, in a training of one epoch
                left_out[name] = str(error)
                on_stage(Stage(f"{name}, left out", number, total))
                continue
            except ConfigError as error:
                raise _at_plane(number - 1, error) from None
            cuts.append(self._cut(config, plane, frames, trajectory))
            on_stage(Stage(plane.title, number, total))
        if not cuts:
            raise PlaneError("; ".join(left_out.values()))
        self._check_cancelled()
        curvature = curvature_along(
            self.setup.network,
            self.setup.dataset,
            trajectory,
            self.setup.config.curvature,
            self.setup.config.training,
            self._check_cancelled,
        )
        on_stage(Stage("Curvature", total, total))
        return Run(
            setup=self.setup,
            trajectory=trajectory,
            predicted_class=np.stack([frame.predicted_class for frame in frames]),
            confidence=np.stack([frame.confidence for frame in frames]),
            cuts=tuple(cuts),
            curvature=curvature,
            left_out=left_out,
        )

    def _cut(self, config: PlaneConfig, plane: Plane, frames: list[Frame], trajectory: Trajectory) -> Cut:
        assert plane.centre is not None
        path, path_loss = path_on(self._train, plane, trajectory.weights)
        return Cut(
            plane=plane,
            grid=config.grid,
            loss_surface=self._surfaces(
                self._train, config, plane, trajectory, [f.loss_surface.get(plane.name) for f in frames], plane.moving
            ),
            test_loss_surface=self._surfaces(
                self._test,
                config,
                plane,
                trajectory,
                [f.test_loss_surface.get(plane.name) for f in frames],
                plane.moving and config.test_frames,
            ),
            path=path,
            path_loss=path_loss,
            nonconvexity=None
            if config.nonconvexity is None
            else nonconvexity_over(self.setup.network, plane, *self.setup.dataset.train, config.nonconvexity),
        )

    def _surfaces(
        self,
        evaluator: Evaluator,
        config: PlaneConfig,
        plane: Plane,
        trajectory: Trajectory,
        known: list[Float32 | None],
        every: bool,
    ) -> Float32:
        """Surfaces ``[span, frame, b, a]``: around every frame, unless known already, or around the one centre."""
        assert plane.centre is not None
        if not every:
            return surfaces_around(evaluator, plane, plane.centre, config.grid)[:, None]
        surfaces = []
        for theta, surface in zip(trajectory.weights, known, strict=True):
            self._check_cancelled()
            surfaces.append(surfaces_around(evaluator, plane, theta, config.grid) if surface is None else surface)
        return np.stack(surfaces, axis=1)

    def _frame(self, index: int, snapshot: Snapshot) -> Frame:
        predicted_class, confidence = boundary_of(self._boundary, self.setup.grid, snapshot.theta)
        configs = self.setup.plane_configs
        moving = [plane for plane in self.setup.planes if plane.moving]
        return Frame(
            index,
            snapshot,
            predicted_class,
            confidence,
            {
                plane.name: surfaces_around(self._train, plane, snapshot.theta, configs[plane.name].grid)
                for plane in moving
            },
            {
                plane.name: surfaces_around(self._test, plane, snapshot.theta, configs[plane.name].grid)
                for plane in moving
                if configs[plane.name].test_frames
            },
        )

    def _check_cancelled(self) -> None:
        if self._cancelled():
            raise CancelledError("the computation was cancelled")


def check_planes(setup: Setup, references: Mapping[str, Floats]) -> None:
    """Refuse before the training, rather than after it, what no plane can be laid through.

    Raises
    ------
    ConfigError
        If a plane goes through a run that is not among the references, or along directions that do not fit the network.
    """
    expected = (setup.network.parameter_count,)
    for number, plane in enumerate(setup.config.planes):
        try:
            plane.check(setup.network)
            theta_of = theta_among(references)
            for run in plane.references:
                theta = np.asarray(theta_of(run))
                if theta.shape != expected or not np.isfinite(theta).all():
                    fault = (
                        f"{run} has parameters {list(theta.shape)}, and this network takes finite ones {list(expected)}"
                    )
                    raise ConfigError([("points", fault)])
        except ConfigError as error:
            raise _at_plane(number, error) from None


def _at_plane(number: int, error: ConfigError) -> ConfigError:
    """The faults of one plane, seen from the whole configuration."""
    return ConfigError([(f"planes.{number}.{field}", message) for field, message in error.faults])


def boundary_of(evaluator: Evaluator, grid: InputGrid, theta: Floats) -> tuple[UInt8, UInt8]:
    """Predicted class and confidence ``[H, W]`` of a model ``[P]``, as they are stored."""
    boundary = decision_boundary(evaluator, grid, theta)
    return boundary.predicted_class, np.rint(boundary.confidence / CONFIDENCE_STEP).astype(np.uint8)


def laid(setup: Setup, name: str, trained: Trained) -> Plane:
    """Lay a plane of a run, with its centre: the trained theta for those that could be laid before training.

    Raises
    ------
    PlaneError
        If it cannot be laid through this training.
    ConfigError
        If what it goes through is not there.
    """
    plane = next((plane for plane in setup.planes if plane.name == name), None)
    if plane is None:
        with one_blas_thread:  # the last digits may depend on how many there are
            plane = setup.plane_configs[name].lay(name, setup.network, trained)
    if plane.centre is not None:
        return plane
    last = trained.frame(None)
    return replace(plane, centre=trained.trajectory.weights[last], centre_frame=last)


def theta_among(references: Mapping[str, Floats]) -> Callable[[str], Floats]:
    """Where other runs ended, by id; one that is not there is the configuration's fault."""

    def theta_of(run: str) -> Floats:
        if run not in references:
            raise ConfigError([("points", f"there is no run {run} to lay the plane through; compute it first")])
        return references[run]

    return theta_of


def compute_run(
    config: RunConfig | Mapping[str, Any] | None = None,
    *,
    threads: int | None = None,
    references: Mapping[str, Floats] | None = None,
    on_frame: Callable[[Frame], None] | None = None,
) -> Run:
    """Train a configuration and compute everything there is to see of it.

    Parameters
    ----------
    config
        The default configuration where it is left out; a dict of settings will do.
    threads
        For the surfaces; by default one a core.
    references
        Trained parameters ``[P]`` of the other runs that planes go through, by id (:attr:`RunConfig.references`).
    on_frame
        Called with each frame as it is finished.

    Raises
    ------
    ConfigError
        If a setting is not valid, or does not fit another; before anything is trained.
    """
    whole = RunConfig.from_mapping({} if config is None else config)
    computation = Computation(Setup.of(whole), threads, references=references)
    frames = []
    for frame in computation:
        frames.append(frame)
        if on_frame:
            on_frame(frame)
    return computation.finish(frames)

"""The steps that make a run: which there are, and what each one needs.

    a frame's theta ─▶ its boundary, and its surfaces in planes that need no training
    the training    ─▶ each plane, and the path on it ─▶ its surfaces, and its map of non-convexity
                    ─▶ the curvature at some frames

Two executors take these steps. ``Computation`` (``compute.py``) does so in memory, the first ones while the network
trains; ``ChunkedRun`` (``building/chunked_run.py``) has workers compute pieces, and writes these to disk. A piece has
the same bits whoever computes it, and whatever the run was cut into.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lossatlas.arrays import AnyArray, Float64, Floats
from lossatlas.curvature import Curvature, TrainingCurvature, curvature_at, spread_frames
from lossatlas.engine import one_blas_thread
from lossatlas.errors import ConfigError, PlaneError
from lossatlas.landscape import Cut, path_on
from lossatlas.planes import Directions, Path, Plane, Trained
from lossatlas.runs.array_steps import ArrayStep, Boundaries, Evaluators, Nonconvexity, Surfaces
from lossatlas.runs.run import Run, Setup
from lossatlas.training import Trajectory

_SPLITS: tuple[Literal["train"], Literal["test"]] = ("train", "test")


def steps_of_run(setup: Setup) -> list[ArrayStep]:
    """Which arrays there are to compute of a run, apart from its planes."""
    return [Boundaries(*setup.grid.shape)]


def steps_of_plane(setup: Setup, plane: Plane) -> list[ArrayStep]:
    """Which arrays there are to compute of a plane."""
    config = setup.plane_configs[plane.name]
    steps = _surfaces_of_frames(setup, plane)
    moving = {step.split for step in steps}
    fixed = [Surfaces(plane, config.grid, split, plane.centre) for split in _SPLITS if split not in moving]
    return [*steps, *fixed, *([Nonconvexity(plane, config.nonconvexity)] if config.nonconvexity else [])]


def steps_of_each_frame(setup: Setup) -> list[ArrayStep]:
    """Which of all these need nothing but a frame's theta: they can be computed while the network trains."""
    surfaces = [step for directions in setup.directions for step in _surfaces_of_frames(setup, directions)]
    return [*steps_of_run(setup), *surfaces]


def _surfaces_of_frames(setup: Setup, directions: Directions) -> list[Surfaces]:
    """The surfaces along some directions that are cut around every frame: those of the training points come first."""
    config = setup.plane_configs[directions.name]
    splits = (_SPLITS if config.test_frames else _SPLITS[:1]) if directions.moving else ()
    return [Surfaces(directions, config.grid, split, None) for split in splits]


def curvature_frames(setup: Setup, frames: int) -> tuple[int, ...]:
    """At which of the recorded frames the Hessian is measured."""
    return spread_frames(frames, setup.config.curvature.frames)


def measure_curvature(setup: Setup, theta: Floats) -> Curvature:
    """Measure the Hessian of the training loss at one model ``[P]``."""
    return curvature_at(setup.network, theta, *setup.dataset.train)


@dataclass(frozen=True)
class LaidPlane:
    """A plane that was laid through a training, and the path on it.

    Attributes
    ----------
    plane
        Directions and centre.
    path
        The trajectory projected on it.
    path_loss
        ``[F]`` float64: training loss at each projected point.
    """

    plane: Plane
    path: Path
    path_loss: Float64


def lay_plane(
    evaluators: Evaluators, name: str, trajectory: Trajectory, references: Mapping[str, Floats]
) -> LaidPlane | str:
    """Lay one plane of a run through its training, and project the path on it; where there is no such plane, say why.

    Raises
    ------
    ConfigError
        If what it goes through is not there.
    """
    setup = evaluators.setup
    trained = Trained(setup.network, *setup.dataset.train, trajectory, _theta_among(references))
    try:
        with one_blas_thread:  # the last digits may depend on how many there are
            plane = setup.plane_configs[name].lay(trained, name)
    except PlaneError as error:  # no path to speak of, say, in a training of one epoch
        return str(error)
    except ConfigError as error:
        raise _at_plane(list(setup.plane_configs).index(name), error) from None
    return LaidPlane(plane, *path_on(evaluators.train, plane, trajectory.weights))


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
            theta_of = _theta_among(references)
            for run in plane.references:
                theta = np.asarray(theta_of(run))
                if theta.shape != expected or not np.isfinite(theta).all():
                    fault = (
                        f"{run} has parameters {list(theta.shape)}, and this network takes finite ones {list(expected)}"
                    )
                    raise ConfigError([("points", fault)])
        except ConfigError as error:
            raise _at_plane(number, error) from None


def put_together(
    setup: Setup,
    trajectory: Trajectory,
    planes: Mapping[str, LaidPlane | str],
    arrays: Callable[[str], AnyArray],
    curvatures: Sequence[Curvature],
) -> Run:
    """Make the run of what all its steps gave.

    Parameters
    ----------
    setup, trajectory
        What was computed, and its training.
    planes
        What :func:`lay_plane` gave for each plane, by name, in their order.
    arrays
        Gives the arrays of the steps by path.
    curvatures
        Those at :func:`curvature_frames`.

    Raises
    ------
    PlaneError
        If none of the planes could be laid.
    """
    left_out = {name: plane for name, plane in planes.items() if isinstance(plane, str)}
    cuts = tuple(_cut(setup, laid, arrays) for laid in planes.values() if isinstance(laid, LaidPlane))
    if not cuts:
        raise PlaneError("; ".join(left_out.values()))
    frames = curvature_frames(setup, len(trajectory.epochs))
    points = len(setup.dataset.train[0])
    return Run(
        setup=setup,
        trajectory=trajectory,
        predicted_class=arrays("predicted_class"),
        confidence=arrays("confidence"),
        cuts=cuts,
        curvature=TrainingCurvature.of(frames, curvatures, setup.config.training, points) if frames else None,
        left_out=left_out,
    )


def _cut(setup: Setup, laid: LaidPlane, arrays: Callable[[str], AnyArray]) -> Cut:
    plane, config = laid.plane, setup.plane_configs[laid.plane.name]
    return Cut(
        plane=plane,
        grid=config.grid,
        loss_surface=arrays(f"planes/{plane.name}/loss_surface"),
        test_loss_surface=arrays(f"planes/{plane.name}/test_loss_surface"),
        path=laid.path,
        path_loss=laid.path_loss,
        nonconvexity=arrays(f"planes/{plane.name}/nonconvexity") if config.nonconvexity else None,
    )


def _at_plane(number: int, error: ConfigError) -> ConfigError:
    """The faults of one plane, seen from the whole configuration."""
    return ConfigError([(f"planes.{number}.{field}", message) for field, message in error.faults])


def _theta_among(references: Mapping[str, Floats]) -> Callable[[str], Floats]:
    """Where other runs ended, by id; one that is not there is the configuration's fault."""

    def theta_of(run: str) -> Floats:
        if run not in references:
            raise ConfigError([("points", f"there is no run {run} to lay the plane through; compute it first")])
        return references[run]

    return theta_of

"""Lists the steps that make a run, and what each step needs.

    theta of a frame ─▶ its boundary, and its surfaces along directions that need no training
    the training     ─▶ each plane, and the path on it ─▶ its surfaces, and its map of non-convexity
                     ─▶ the curvature at some frames

Two executors run these steps. ``Computation`` (``compute.py``) works in memory, and runs the first steps while the
network trains. ``ChunkedRun`` (``building/chunked_run.py``) lets workers compute pieces, and writes them to disk. A
piece has the same bits for any executor and any division of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lossatlas.arrays import AnyArray, Float64, Floats
from lossatlas.curvature import Curvature, TrainingCurvature, curvature_at, spread_frames, stability_limit
from lossatlas.engine import one_blas_thread
from lossatlas.errors import ConfigError, PlaneError
from lossatlas.landscape import Cut, path_on
from lossatlas.planes import Directions, Path, Plane, Trained
from lossatlas.runs.array_steps import ArrayStep, Boundaries, Evaluators, Nonconvexity, Surfaces
from lossatlas.runs.run import Run, Setup
from lossatlas.training import Trajectory

_SPLITS: tuple[Literal["train"], Literal["test"]] = ("train", "test")


def list_run_steps(setup: Setup) -> list[ArrayStep]:
    """List the steps that compute the arrays of a run, except those of its planes."""
    return [Boundaries(*setup.grid.shape)]


def list_plane_steps(setup: Setup, plane: Plane) -> list[ArrayStep]:
    """List the steps that compute the arrays of a plane."""
    config = setup.plane_configs[plane.name]
    steps = _list_frame_surfaces(setup, plane)
    moving = {step.split for step in steps}
    fixed = [Surfaces(plane, config.grid, split, plane.centre) for split in _SPLITS if split not in moving]
    return [*steps, *fixed, *([Nonconvexity(plane, config.nonconvexity)] if config.nonconvexity else [])]


def list_frame_steps(setup: Setup) -> list[ArrayStep]:
    """List the steps that need only the theta of a frame, so that they can run while the network trains."""
    surfaces = [step for directions in setup.directions for step in _list_frame_surfaces(setup, directions)]
    return [*list_run_steps(setup), *surfaces]


def _list_frame_surfaces(setup: Setup, directions: Directions) -> list[Surfaces]:
    """List the surfaces along directions that are computed around every frame, first those of the training points."""
    config = setup.plane_configs[directions.name]
    splits = (_SPLITS if config.test_frames else _SPLITS[:1]) if directions.moving else ()
    return [Surfaces(directions, config.grid, split, None) for split in splits]


def choose_curvature_frames(setup: Setup, frames: int) -> tuple[int, ...]:
    """Choose the recorded frames at which the Hessian is measured."""
    return spread_frames(frames, setup.config.curvature.frames)


def measure_curvature(setup: Setup, theta: Floats) -> Curvature:
    """Measure the Hessian of the training loss at one model ``[P]``."""
    return curvature_at(setup.network, theta, *setup.dataset.train)


@dataclass(frozen=True)
class LaidPlane:
    """A plane that was made from a training, and the path on it.

    Attributes
    ----------
    plane
        The plane.
    path
        The trajectory, projected on the plane.
    path_loss
        ``[F]`` float64: the training loss at each projected point.
    """

    plane: Plane
    path: Path
    path_loss: Float64


def lay_plane(
    evaluators: Evaluators, name: str, trajectory: Trajectory, references: Mapping[str, Floats]
) -> LaidPlane | str:
    """Make one plane of a run from its training, and project the path on it.

    Parameters
    ----------
    evaluators
        The evaluators of the run.
    name
        The name of the plane.
    trajectory
        The training.
    references
        The final parameters ``[P]`` of the runs that the plane goes through, by their ids.

    Returns
    -------
    LaidPlane or str
        The plane, or the reason why it cannot be made from this training.

    Raises
    ------
    ConfigError
        If a run that the plane goes through is missing.
    """
    setup = evaluators.setup
    trained = Trained(setup.network, *setup.dataset.train, trajectory, _make_theta_of(references))
    try:
        with one_blas_thread:  # the last digits could depend on the number of threads
            plane = setup.plane_configs[name].lay(trained, name)
    except PlaneError as error:  # for example, a training of one epoch has no path
        return str(error)
    except ConfigError as error:
        raise ConfigError(_add_plane(list(setup.plane_configs).index(name), error)) from None
    return LaidPlane(plane, *path_on(evaluators.train, plane, trajectory.weights))


def check_planes(setup: Setup, references: Mapping[str, Floats]) -> None:
    """Check, before the training, that the planes of a run can be made.

    Parameters
    ----------
    setup
        The setup of the run.
    references
        The final parameters ``[P]`` of the runs that its planes go through, by their ids.

    Raises
    ------
    ConfigError
        If a plane goes through a run that is not among the references, or along directions that do not fit the network.
    """
    expected = (setup.network.parameter_count,)
    for number, plane in enumerate(setup.config.planes):
        try:
            plane.check(setup.network)
            theta_of = _make_theta_of(references)
            for run in plane.references:
                theta = np.asarray(theta_of(run))
                if theta.shape != expected or not np.isfinite(theta).all():
                    fault = (
                        f"{run} has parameters {list(theta.shape)}, and this network takes finite ones {list(expected)}"
                    )
                    raise ConfigError([("points", fault)])
        except ConfigError as error:
            raise ConfigError(_add_plane(number, error)) from None


def assemble_run(
    setup: Setup,
    trajectory: Trajectory,
    planes: Mapping[str, LaidPlane | str],
    arrays: Callable[[str], AnyArray],
    curvatures: Sequence[Curvature],
) -> Run:
    """Make the run from the results of all steps.

    Parameters
    ----------
    setup, trajectory
        The setup of the run, and its training.
    planes
        The results of :func:`lay_plane` by the names of the planes, in order.
    arrays
        A function that returns an array of the steps by its path.
    curvatures
        The curvatures at :func:`choose_curvature_frames`.

    Returns
    -------
    Run
        The run.

    Raises
    ------
    PlaneError
        If none of the planes could be made.
    """
    left_out = {name: plane for name, plane in planes.items() if isinstance(plane, str)}
    cuts = tuple(_make_cut(setup, laid, arrays) for laid in planes.values() if isinstance(laid, LaidPlane))
    if not cuts:
        raise PlaneError("; ".join(left_out.values()))
    frames = choose_curvature_frames(setup, len(trajectory.epochs))
    points = len(setup.dataset.train[0])
    return Run(
        setup=setup,
        trajectory=trajectory,
        predicted_class=arrays("predicted_class"),
        confidence=arrays("confidence"),
        cuts=cuts,
        curvature=(
            TrainingCurvature.of(frames, curvatures, stability_limit(setup.config.training, points)) if frames else None
        ),
        left_out=left_out,
    )


def _make_cut(setup: Setup, laid: LaidPlane, arrays: Callable[[str], AnyArray]) -> Cut:
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


def _add_plane(number: int, error: ConfigError) -> list[tuple[str, str]]:
    """Return the faults of one plane with paths that start at the whole configuration."""
    return [(f"planes.{number}.{field}", message) for field, message in error.faults]


def _make_theta_of(references: Mapping[str, Floats]) -> Callable[[str], Floats]:
    """Make a function that returns the final parameters of other runs, and raises ConfigError for missing runs."""

    def theta_of(run: str) -> Floats:
        if run not in references:
            raise ConfigError([("points", f"there is no run {run} for the plane to go through; compute it first")])
        return references[run]

    return theta_of

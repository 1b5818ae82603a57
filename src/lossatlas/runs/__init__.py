"""A run: one configuration, trained once, with everything that is computed from it."""

from lossatlas.runs.array_steps import ArrayStep, Block, Evaluators
from lossatlas.runs.compute import Computation, Stage, compute_run
from lossatlas.runs.run import CONFIDENCE_STEP, Frame, Run, Setup
from lossatlas.runs.run_config import DEFAULT_PLANES, RunConfig, plane_configs, run_id
from lossatlas.runs.steps import (
    LaidPlane,
    check_planes,
    curvature_frames,
    lay_plane,
    measure_curvature,
    put_together,
    steps_of_each_frame,
    steps_of_plane,
    steps_of_run,
)

__all__ = [
    "CONFIDENCE_STEP",
    "DEFAULT_PLANES",
    "ArrayStep",
    "Block",
    "Computation",
    "Evaluators",
    "Frame",
    "LaidPlane",
    "Run",
    "RunConfig",
    "Setup",
    "Stage",
    "check_planes",
    "compute_run",
    "curvature_frames",
    "lay_plane",
    "measure_curvature",
    "plane_configs",
    "put_together",
    "run_id",
    "steps_of_each_frame",
    "steps_of_plane",
    "steps_of_run",
]

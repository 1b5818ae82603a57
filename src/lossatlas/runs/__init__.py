"""Runs: a run is one configuration that was trained once, with everything that was computed from it."""

from lossatlas.runs.array_steps import ArrayStep, Block, Evaluators
from lossatlas.runs.compute import Computation, Stage, compute_run
from lossatlas.runs.recorded import RecordedRun
from lossatlas.runs.run import CONFIDENCE_STEP, Frame, Run, Setup
from lossatlas.runs.run_config import DEFAULT_PLANES, RunConfig, plane_configs, run_id
from lossatlas.runs.steps import (
    LaidPlane,
    assemble_run,
    check_planes,
    choose_curvature_frames,
    lay_plane,
    list_frame_steps,
    list_plane_steps,
    list_run_steps,
    measure_curvature,
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
    "RecordedRun",
    "Run",
    "RunConfig",
    "Setup",
    "Stage",
    "check_planes",
    "compute_run",
    "choose_curvature_frames",
    "lay_plane",
    "measure_curvature",
    "plane_configs",
    "assemble_run",
    "run_id",
    "list_frame_steps",
    "list_plane_steps",
    "list_run_steps",
]

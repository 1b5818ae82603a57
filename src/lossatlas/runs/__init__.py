"""A run: one configuration, trained once, with everything that is computed from it."""

from lossatlas.runs.compute import Computation, Stage, boundary_of, check_planes, compute_run, laid, theta_among
from lossatlas.runs.run import CONFIDENCE_STEP, DEFAULT_PLANES, Frame, Run, RunConfig, Setup, plane_configs, run_id

__all__ = [
    "CONFIDENCE_STEP",
    "Computation",
    "DEFAULT_PLANES",
    "Frame",
    "Run",
    "RunConfig",
    "Setup",
    "Stage",
    "boundary_of",
    "check_planes",
    "compute_run",
    "laid",
    "plane_configs",
    "run_id",
    "theta_among",
]

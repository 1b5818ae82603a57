"""Estimates the work and the memory of a run, and decides whether the run is computed in parts."""

from __future__ import annotations

from dataclasses import dataclass

from lossatlas.networks import Network
from lossatlas.planes import FilePlane
from lossatlas.runs import RunConfig

#: A run with more work (see :func:`estimate_work`) or more bytes is computed in parts. This work takes about a minute
#: and a half on one core; the default run takes a twentieth of it.
LARGE_WORK, LARGE_BYTES = 1e12, 64 * 2**20
#: The approximate work and bytes of one part. The work takes some seconds on one core.
PART_WORK, PART_BYTES = 1e11, 16 * 2**20
#: A step of training takes about as long as this many evaluations: one forward pass, and two for the backward pass.
STEP_WORK = 3
_USUAL_SPANS = 3


@dataclass(frozen=True)
class Sizes:
    """The sizes beyond which runs are computed in parts, and the sizes of the parts. Results do not depend on them."""

    large_work: float = LARGE_WORK
    large_bytes: float = LARGE_BYTES
    part_work: float = PART_WORK
    part_bytes: float = PART_BYTES

    def needs_parts(self, config: RunConfig) -> bool:
        """Return whether a run is computed in parts: it is large, or it needs a file of this machine."""
        needs_a_file = any(isinstance(plane, FilePlane) for plane in config.planes)
        return needs_a_file or estimate_work(config) > self.large_work or config.size > self.large_bytes


def estimate_work(config: RunConfig) -> float:
    """Estimate the work of a run: models × points × parameters. An epoch of training counts as three models."""
    frames = min(config.training.frames, config.training.epochs + 1)
    parameters = Network.of(config.model, 2, config.classes).parameter_count
    models = sum(
        len(plane.spans or range(_USUAL_SPANS)) * plane.grid**2 * (frames if plane.moving else 1)
        for plane in config.planes
    )
    return float(models + STEP_WORK * config.training.epochs) * config.dataset.points * parameters

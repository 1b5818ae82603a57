"""How much work and memory a run takes, and from which size on it is computed in parts."""

from __future__ import annotations

from dataclasses import dataclass

from lossatlas.networks import Network
from lossatlas.planes import FilePlane
from lossatlas.runs import RunConfig

#: Beyond so much work (see :func:`work_of`), or so many bytes, a run is computed in parts: about a minute and a half
#: of one core. The default run is a twentieth of it.
LARGE_WORK, LARGE_BYTES = 1e12, 64 * 2**20
#: What one part is to be, about: some seconds of one core, and what a worker holds of it.
PART_WORK, PART_BYTES = 1e11, 16 * 2**20
#: A step of training takes about as long as this many evaluations: one forwards, and two for the way back.
STEP_WORK = 3
_USUAL_SPANS = 3


@dataclass(frozen=True)
class Sizes:
    """Which runs are computed in parts, and how large a part is to be: work and bytes. Bits do not depend on it."""

    large_work: float = LARGE_WORK
    large_bytes: float = LARGE_BYTES
    part_work: float = PART_WORK
    part_bytes: float = PART_BYTES

    def in_parts(self, config: RunConfig) -> bool:
        """Whether a run is large, or needs a file of this machine."""
        needs_a_file = any(isinstance(plane, FilePlane) for plane in config.planes)
        return needs_a_file or work_of(config) > self.large_work or config.size > self.large_bytes


def work_of(config: RunConfig) -> float:
    """Estimate a run's work: models evaluated × points × parameters; an epoch of training counts as three models."""
    frames = min(config.training.frames, config.training.epochs + 1)
    parameters = Network.of(config.model, 2, config.classes).parameter_count
    models = sum(
        len(plane.spans or range(_USUAL_SPANS)) * plane.grid**2 * (frames if plane.moving else 1)
        for plane in config.planes
    )
    return float(models + STEP_WORK * config.training.epochs) * config.dataset.points * parameters

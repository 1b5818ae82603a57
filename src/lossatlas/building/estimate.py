"""Estimates the work and the memory of a run, which decide whether it needs parts, and whether a server accepts it.

The unit of work is one parameter of one model at one point: 1e10 of them take about a second on one core.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lossatlas.curvature.eigenvalues import DENSE_LIMIT
from lossatlas.curvature.lanczos import MOST_VECTORS
from lossatlas.errors import RunTooLargeError
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
#: A step of training takes at least as long as this much work, however small the network and the batch are.
_STEP_OVERHEAD = 5e5
#: How many products with a Hessian its extreme eigenvalues take, and how many evaluations a product takes.
_PRODUCTS, _PRODUCT_WORK = 100, 6
#: How many numbers of 8 bytes the training takes for each parameter, and the surfaces that are being computed.
_TRAINING_VECTORS = 8
#: How many numbers of 8 bytes a gradient keeps for each unit and each point of a batch, and a Hessian for each point.
#: They bound what was measured: 280 MB for 8,000 points of 2,048 units, and 794 MB for 4,000 points of 512 units.
_GRADIENT_NUMBERS, _HESSIAN_NUMBERS = 3, 44
#: The memory of a process that computes the smallest run.
_PROCESS_BYTES = 1e8
#: The manifest and the small arrays of a run take about this many bytes.
_MANIFEST_BYTES = 64 * 1024
#: The most that a server computes for a run: some hours on one core, and the memory of a small machine.
MOST_WORK, MOST_MEMORY = 1e14, 4e9


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


@dataclass(frozen=True)
class Limits:
    """The largest work (see :func:`estimate_total_work`) and memory in bytes of a run that a server computes."""

    work: float = MOST_WORK
    memory: float = MOST_MEMORY

    def check(self, config: RunConfig) -> None:
        """Refuse a run that would exceed a limit.

        Parameters
        ----------
        config
            The configuration of the run.

        Raises
        ------
        RunTooLargeError
            If the run would exceed a limit.
        """
        estimates = (
            ("work", estimate_total_work(config), self.work),
            ("memory", estimate_memory(config), self.memory),
        )
        if exceeded := [each for each in estimates if each[1] > each[2]]:
            raise RunTooLargeError(exceeded)


def estimate_work(config: RunConfig) -> float:
    """Estimate the work of a run: models × points × parameters. An epoch of training counts as three models."""
    models = sum(
        len(plane.spans or range(_USUAL_SPANS)) * plane.grid**2 * (_count_frames(config) if plane.moving else 1)
        for plane in config.planes
    )
    return float(models + STEP_WORK * config.training.epochs) * config.dataset.points * _count_parameters(config)


def estimate_total_work(config: RunConfig) -> float:
    """Estimate the work of a run with what :func:`estimate_work` leaves out: boundaries, Hessians, and small steps."""
    training, points, parameters = config.training, config.dataset.points, _count_parameters(config)
    steps = training.epochs * math.ceil(points / _find_batch(config))
    hessians = min(config.curvature.frames, _count_frames(config))
    hessians += sum((plane.kind == "hessian") + (plane.nonconvexity or 0) ** 2 for plane in config.planes)
    # Lanczos makes each vector orthogonal to all others; a whole matrix is decomposed.
    products, algebra = _PRODUCTS, float(_PRODUCTS * MOST_VECTORS * parameters)
    if parameters <= DENSE_LIMIT:
        products, algebra = sum(config.model.hidden) + config.classes, float(parameters**3)
    return (
        estimate_work(config)
        + float(_PRODUCT_WORK * products * hessians) * points * parameters
        + algebra * hessians
        + float(_count_frames(config) * config.boundary.resolution**2) * parameters
        + steps * _STEP_OVERHEAD
    )


def estimate_stored_bytes(config: RunConfig) -> float:
    """Estimate the bytes that a run takes when it is stored."""
    parameters = _count_parameters(config)
    surfaces = sum(
        2 * 4 * len(plane.spans or range(_USUAL_SPANS)) * plane.grid**2 for plane in config.planes if not plane.moving
    )
    return float(config.size + surfaces + 3 * 4 * parameters * len(config.planes) + _MANIFEST_BYTES)


def estimate_memory(config: RunConfig) -> float:
    """Estimate the bytes that a run takes in memory: its arrays, and the vectors of its training and its Hessians."""
    parameters = _count_parameters(config)
    needs_hessians = config.curvature.frames or any(
        plane.kind == "hessian" or plane.nonconvexity for plane in config.planes
    )
    vectors, units = _TRAINING_VECTORS, sum(config.model.hidden) + config.classes
    activations = _GRADIENT_NUMBERS * _find_batch(config)
    if needs_hessians:
        vectors += parameters if parameters <= DENSE_LIMIT else MOST_VECTORS
        activations = max(activations, _HESSIAN_NUMBERS * config.dataset.points)
    return estimate_stored_bytes(config) + float(8 * (parameters * vectors + units * activations)) + _PROCESS_BYTES


def _find_batch(config: RunConfig) -> int:
    size = config.training.batch_size
    return config.dataset.points if size == "full" else min(size, config.dataset.points)


def _count_frames(config: RunConfig) -> int:
    return min(config.training.frames, config.training.epochs + 1)


def _count_parameters(config: RunConfig) -> int:
    return Network.of(config.model, 2, config.classes).parameter_count

"""Curvature along the training, and the line at which gradient descent is stable no longer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from lossatlas.arrays import Float32, Float64, Floats, Integers
from lossatlas.config import Config
from lossatlas.curvature import Curvature, curvature_of
from lossatlas.datasets import Dataset
from lossatlas.errors import LossAtlasError
from lossatlas.network import Network
from lossatlas.training import TrainingConfig, Trajectory


class CurvatureConfig(Config):
    """How often to measure the Hessian."""

    frames: Annotated[int, Field(ge=0, le=1000)] = 40
    """At how many frames, at most; 0 for none."""


@dataclass(frozen=True)
class TrainingCurvature:
    """The Hessian of the training loss at some frames: M of them.

    Attributes
    ----------
    frames
        Their indices, increasing; the first and the last frame are among them.
    largest, smallest
        ``[M]`` float64: extreme eigenvalues; NaN where the Hessian is not finite. The largest is the sharpness.
    trace, trace_error
        ``[M]`` float64: the sum of all eigenvalues, and the standard error where it is an estimate, else 0.
    adaptive_sharpness
        ``[M]`` float64: largest eigenvalue of diag|θ| H diag|θ|, which rescaling a ReLU network leaves as it is.
    negative
        ``[M]``: how many eigenvalues are negative; None for networks too large to count.
    spectrum
        ``[M, P]`` float32: all eigenvalues, ascending; None for networks too large.
    stability
        The sharpness beyond which gradient descent is not stable; None for other optimisers.
    """

    frames: tuple[int, ...]
    largest: Float64
    smallest: Float64
    trace: Float64
    trace_error: Float64
    adaptive_sharpness: Float64
    negative: Integers | None
    spectrum: Float32 | None
    stability: float | None


def spread_frames(count: int, most: int) -> tuple[int, ...]:
    """At most ``most`` of ``count`` frames, evenly spread, the first and the last among them."""
    if most == 0:
        return ()
    return tuple(np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int)).tolist())


def stability_limit(config: TrainingConfig, points: int) -> float | None:
    """Largest sharpness at which gradient descent on a quadratic is stable; None where the theory is silent.

    2/η for gradient descent; 2(1 + β)/η with momentum; 2(1 + β)/(η(1 + 2β)) with Nesterov's (Cohen et al. 2021,
    "Gradient descent on neural networks typically occurs at the edge of stability", equation 1 and appendix B). With
    batches, weight decay or an adaptive step there is no such line.
    """
    full = config.batch_size == "full" or config.batch_size >= points
    if not full or config.weight_decay:
        return None
    beta = config.momentum
    factors = {"sgd": 1.0, "momentum": 1.0 + beta, "nesterov": (1.0 + beta) / (1.0 + 2.0 * beta)}
    return 2.0 * factors[config.optimizer] / config.learning_rate if config.optimizer in factors else None


def curvature_along(
    network: Network,
    dataset: Dataset,
    trajectory: Trajectory,
    config: CurvatureConfig,
    training: TrainingConfig,
    on_frame: Callable[[], None] = lambda: None,
) -> TrainingCurvature | None:
    """Measure the Hessian of the training loss along a trajectory; None where none was asked for."""
    frames = spread_frames(len(trajectory.weights), config.frames)
    if not frames:
        return None
    points, labels = dataset.train
    found = []
    for frame in frames:
        found.append(_measured(network, trajectory.weights[frame], points, labels))
        on_frame()
    spectra = [one.spectrum for one in found if one.spectrum is not None and np.isfinite(one.spectrum).all()]
    counts = [one.negative_count for one in found if one.negative_count is not None]
    return TrainingCurvature(
        frames=frames,
        largest=np.array([one.largest for one in found]),
        smallest=np.array([one.smallest for one in found]),
        trace=np.array([one.trace for one in found]),
        trace_error=np.array([one.trace_error or 0.0 for one in found]),
        adaptive_sharpness=np.array([one.adaptive_sharpness for one in found]),
        negative=np.array(counts) if len(counts) == len(frames) else None,
        spectrum=np.stack(spectra).astype(np.float32) if len(spectra) == len(frames) else None,
        stability=stability_limit(training, len(points)),
    )


def _measured(network: Network, theta: Floats, points: Floats, labels: Integers) -> Curvature:
    """Curvature at one frame; NaN where the Lanczos method found no end, which is no reason to lose the run."""
    try:
        return curvature_of(network, theta, points, labels)
    except LossAtlasError:
        unknown = float("nan")
        return Curvature(network.parameter_count, unknown, unknown, unknown, None, unknown, None, None)

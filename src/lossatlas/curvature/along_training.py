"""The curvature at some frames of a training, and the largest sharpness at which gradient descent is stable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from lossatlas.arrays import Float32, Float64, Floats, Integers
from lossatlas.config import Config
from lossatlas.curvature.summary import Curvature, curvature_of
from lossatlas.engine import one_blas_thread
from lossatlas.errors import LossAtlasError
from lossatlas.networks import Network
from lossatlas.training import TrainingConfig


class CurvatureConfig(Config):
    """The settings that say how often the Hessian is measured."""

    frames: Annotated[int, Field(ge=0, le=1000)] = 40
    """The largest number of frames at which it is measured: 0 means none, and 1 means the last frame."""


@dataclass(frozen=True)
class TrainingCurvature:
    """The Hessian of the training loss at M frames.

    Attributes
    ----------
    frames
        The M indices of the frames, in ascending order. They contain the last frame, and also the first one if M > 1.
    largest, smallest
        ``[M]`` float64: the extreme eigenvalues; NaN if the Hessian is not finite. The largest one is the sharpness.
    trace, trace_error
        ``[M]`` float64: the sum of all eigenvalues, and its standard error. The error is 0 if the trace is exact.
    adaptive_sharpness
        ``[M]`` float64: the largest eigenvalue of diag|θ| H diag|θ|. Rescaling a ReLU network does not change it.
    negative
        ``[M]`` integers: the number of negative eigenvalues; None if the network is too large.
    spectrum
        ``[M, P]`` float32: all eigenvalues, ascending; None if the network is too large.
    stability
        The largest sharpness at which gradient descent is stable; None if there is none. See :func:`stability_limit`.
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

    @classmethod
    def of(cls, frames: tuple[int, ...], found: Sequence[Curvature], stability: float | None) -> TrainingCurvature:
        """Combine the curvatures at the frames of a training, and its stability bound if that is known."""
        known = [one.spectrum for one in found if one.spectrum is not None and np.isfinite(one.spectrum).all()]
        with np.errstate(over="ignore"):  # numbers that float32 cannot hold become inf, like losses
            spectra = [spectrum.astype(np.float32) for spectrum in known]
        counts = [one.negative_count for one in found if one.negative_count is not None]
        return cls(
            frames=frames,
            largest=np.array([one.largest for one in found]),
            smallest=np.array([one.smallest for one in found]),
            trace=np.array([one.trace for one in found]),
            trace_error=np.array([one.trace_error or 0.0 for one in found]),
            adaptive_sharpness=np.array([one.adaptive_sharpness for one in found]),
            negative=np.array(counts) if len(counts) == len(frames) else None,
            spectrum=np.stack(spectra) if len(spectra) == len(frames) else None,
            stability=stability,
        )


def spread_frames(count: int, most: int) -> tuple[int, ...]:
    """Choose up to ``most`` of ``count`` frames, evenly spread from the first to the last; a single one is the last."""
    if most < 2:
        return (count - 1,) * most
    return tuple(np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int)).tolist())


#: For each optimiser, η times the largest curvature of a quadratic on which it is stable, given β, and the formula.
_BOUNDS: dict[str, tuple[Callable[[float], float], str]] = {
    "sgd": (lambda beta: 2.0, "2/η"),
    "momentum": (lambda beta: 2.0 * (1.0 + beta), "2(1 + β)/η"),
    "nesterov": (lambda beta: 2.0 * (1.0 + beta) / (1.0 + 2.0 * beta), "2(1 + β)/((1 + 2β)η)"),
}


def stability_limit(config: TrainingConfig, points: int) -> float | None:
    """Return the largest sharpness at which gradient descent on a quadratic is stable.

    The limit is 2/η for gradient descent, 2(1 + β)/η with momentum, and 2(1 + β)/((1 + 2β)η) with Nesterov's momentum
    (Cohen et al. 2021, "Gradient descent on neural networks typically occurs at the edge of stability", equation 1 and
    appendix B). Weight decay λ adds a penalty ½ λ |θ|², which adds λ to every eigenvalue of the function that is
    minimised. Therefore λ is subtracted from the limit of the training loss. If the limit is negative, the penalty
    alone is unstable.

    There is no such limit with batches. There is none for RMSprop, Adam and AdamW either, because their stability
    depends on the largest eigenvalue of the *preconditioned* Hessian (Cohen et al. 2022, "Adaptive gradient methods at
    the edge of stability").

    Parameters
    ----------
    config
        The settings of the training.
    points
        The number of training points.

    Returns
    -------
    float or None
        The limit; None if there is none.
    """
    full = config.batch_size == "full" or config.batch_size >= points
    if not full or config.optimizer not in _BOUNDS:
        return None
    times_rate, _ = _BOUNDS[config.optimizer]
    return times_rate(config.momentum) / config.learning_rate - config.weight_decay


def stability_formula(config: TrainingConfig) -> str | None:
    """Return the formula of :func:`stability_limit` in η, β and λ; None for optimisers without a limit."""
    if config.optimizer not in _BOUNDS:
        return None
    return _BOUNDS[config.optimizer][1] + (" − λ" if config.weight_decay else "")


def curvature_at(network: Network, theta: Floats, points: Floats, labels: Integers) -> Curvature:
    """Compute the curvature at theta ``[P]``, for points ``[N, 2]`` and labels ``[N]``; NaN if Lanczos fails."""
    try:
        with one_blas_thread:  # the last digits could depend on the number of threads
            return curvature_of(network, theta, points, labels)
    except LossAtlasError:
        unknown = float("nan")
        return Curvature(network.parameter_count, unknown, unknown, unknown, None, unknown, None, None)

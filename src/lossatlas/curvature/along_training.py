"""Curvature at some frames of a training, and the sharpness beyond which gradient descent is not stable."""

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
    """How often to measure the Hessian."""

    frames: Annotated[int, Field(ge=0, le=1000)] = 40
    """At how many frames, at most; 0 for none, 1 for the last one."""


@dataclass(frozen=True)
class TrainingCurvature:
    """The Hessian of the training loss at some frames: M of them.

    Attributes
    ----------
    frames
        Their indices, increasing; the last frame is among them, and the first, unless there is one only.
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
        The sharpness beyond which gradient descent is not stable, see :func:`stability_limit`; None where none is.
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
    def of(
        cls, frames: tuple[int, ...], found: Sequence[Curvature], training: TrainingConfig, points: int
    ) -> TrainingCurvature:
        """Put together what was found at each frame of a training on ``points`` training points."""
        known = [one.spectrum for one in found if one.spectrum is not None and np.isfinite(one.spectrum).all()]
        with np.errstate(over="ignore"):  # infinite where float32 cannot hold it, as losses are
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
            stability=stability_limit(training, points),
        )


def spread_frames(count: int, most: int) -> tuple[int, ...]:
    """At most ``most`` of ``count`` frames, evenly spread, the first and the last among them; of one, the last."""
    if most < 2:
        return (count - 1,) * most
    return tuple(np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int)).tolist())


#: Optimiser → the curvature beyond which it overshoots on a quadratic, times η, given β; and its formula.
_BOUNDS: dict[str, tuple[Callable[[float], float], str]] = {
    "sgd": (lambda beta: 2.0, "2/η"),
    "momentum": (lambda beta: 2.0 * (1.0 + beta), "2(1 + β)/η"),
    "nesterov": (lambda beta: 2.0 * (1.0 + beta) / (1.0 + 2.0 * beta), "2(1 + β)/((1 + 2β)η)"),
}


def stability_limit(config: TrainingConfig, points: int) -> float | None:
    """Largest sharpness at which gradient descent on a quadratic is stable; None where the theory is silent.

    2/η for gradient descent; 2(1 + β)/η with momentum; 2(1 + β)/((1 + 2β)η) with Nesterov's (Cohen et al. 2021,
    "Gradient descent on neural networks typically occurs at the edge of stability", equation 1 and appendix B). Weight
    decay λ of these three is a penalty ½ λ |θ|², which adds λ to every eigenvalue of what is descended on, so that the
    training loss's own may reach λ less: so much is subtracted. Below 0, the penalty alone is too much.

    With batches there is no such line. Nor is there one for the sharpness with RMSprop, Adam or AdamW: what they have
    is a bound on the largest eigenvalue of the *preconditioned* Hessian, which is another number (Cohen et al. 2022,
    "Adaptive gradient methods at the edge of stability").
    """
    full = config.batch_size == "full" or config.batch_size >= points
    if not full or config.optimizer not in _BOUNDS:
        return None
    times_rate, _ = _BOUNDS[config.optimizer]
    return times_rate(config.momentum) / config.learning_rate - config.weight_decay


def stability_formula(config: TrainingConfig) -> str | None:
    """The formula of :func:`stability_limit`, in η, β and λ; None for optimisers that have none."""
    if config.optimizer not in _BOUNDS:
        return None
    return _BOUNDS[config.optimizer][1] + (" − λ" if config.weight_decay else "")


def curvature_at(network: Network, theta: Floats, points: Floats, labels: Integers) -> Curvature:
    """Curvature at one frame; NaN where the Lanczos method found no end, which is no reason to lose the run."""
    try:
        with one_blas_thread:  # the last digits may depend on how many there are
            return curvature_of(network, theta, points, labels)
    except LossAtlasError:
        unknown = float("nan")
        return Curvature(network.parameter_count, unknown, unknown, unknown, None, unknown, None, None)

"""Summarises the curvature of the loss at one model in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from lossatlas.arrays import Float64, Floats, Integers
from lossatlas.curvature.eigenvalues import DENSE_LIMIT, Scaled, draw_lanczos_start
from lossatlas.curvature.lanczos import Operators, find_extremes
from lossatlas.derivatives import Hessians, dense_hessian, find_chunk_edges
from lossatlas.engine import one_blas_thread
from lossatlas.errors import LossAtlasError
from lossatlas.networks import Network
from lossatlas.rng import Draws, Stream

#: A spectrum of more parameters is refused, because the matrix alone would take more than 200 MB.
SPECTRUM_LIMIT = 5_000
#: An eigenvalue counts as negative below ``-NEGATIVE · max |λ|``. The softmax makes some eigenvalues 0 at every model;
#: their errors are about P · 1e-16 · max |λ| (LAPACK Users' Guide, section 4.7: p(P) · ε · max |λ|).
NEGATIVE = 1e-10
#: Up to this many units (hidden units and logits), the trace is exact. It takes a third of a product for each unit.
EXACT_TRACE_UNITS = 512
#: The number of Rademacher vectors for the trace, and how many of them are drawn at a time.
PROBES = 128
_PROBES_AT_ONCE = 16
#: The tolerance of the Lanczos iterations in this module.
_TOLERANCE = 1e-8


@dataclass(frozen=True)
class Curvature:
    """A description of the Hessian H of the training loss at one model. Numbers are NaN if the model is not finite.

    Attributes
    ----------
    parameters
        P, the size of H.
    largest, smallest
        λ_max, called *sharpness*, and λ_min, in nats per unit of theta squared. λ_min is set to 0 if its error may be
        as large as itself: within ``1e-10 · max |λ|``, or ``1e-8 · max |λ|`` with the Lanczos method.
    trace
        tr(H), the sum of all eigenvalues.
    trace_error
        The standard error of ``trace`` if it is estimated; None if it is exact.
    adaptive_sharpness
        The largest eigenvalue of diag|θ| H diag|θ|, in nats; see :func:`adaptive_sharpness`.
    negative_count
        The number of eigenvalues below ``-1e-10 · max |λ|``; None if the spectrum is not known.
    spectrum
        ``[P]`` float64: all eigenvalues, ascending; None if they are not known.
    """

    parameters: int
    largest: float
    smallest: float
    trace: float
    trace_error: float | None
    adaptive_sharpness: float
    negative_count: int | None
    spectrum: Float64 | None

    @property
    def mean(self) -> float:
        """The average curvature dᵀHd along a random direction d of length 1, which is tr(H) / P."""
        return self.trace / self.parameters

    @property
    def non_convexity(self) -> float:
        """The ratio |λ_min / λ_max| (Li et al. 2018, section 6): 0 if convex, NaN if H is zero or not finite."""
        return abs(self.smallest / self.largest) if self.largest else float("nan")


def curvature_of(
    network: Network, theta: Floats, points: Floats, labels: Integers, spectrum: bool | Literal["auto"] = "auto"
) -> Curvature:
    """Compute the curvature of the loss at one model.

    Parameters
    ----------
    network
        The network.
    theta
        One model ``[P]``, in theta's order, of any real dtype.
    points, labels
        Inputs ``[N, features]`` of any real dtype, and true classes ``[N]``, integers.
    spectrum
        True computes all eigenvalues from the whole matrix, and ``"auto"`` does so up to 1,000 parameters. Otherwise
        the extreme eigenvalues come from the Lanczos method (with residuals of 1e-8 of the larger one), and for more
        than 512 units the trace comes from random vectors.

    Returns
    -------
    Curvature
        The numbers.

    Raises
    ------
    LossAtlasError
        If a spectrum of more than 5,000 parameters is requested, or if the Lanczos method does not converge.
    """
    model: Float64 = np.asarray(theta, np.float64)
    if spectrum is True and len(model) > SPECTRUM_LIMIT:
        raise LossAtlasError(f"a spectrum of {len(model)} eigenvalues takes too long; the limit is {SPECTRUM_LIMIT}")
    if spectrum is True or (spectrum == "auto" and len(model) <= DENSE_LIMIT):
        return _measure_matrix(network, model, points, labels)
    with one_blas_thread:
        hessian = Hessians(network, network.pack(model)[None], points, labels)
        smallest, largest = find_extremes(hessian, 1, draw_lanczos_start(network), _TOLERANCE)
        trace, error = _compute_trace(hessian, PROBES)
        return Curvature(
            parameters=len(model),
            largest=float(largest[0]),
            smallest=_round_to_zero(float(smallest[0]), float(largest[0]), _TOLERANCE),
            trace=trace,
            trace_error=error,
            adaptive_sharpness=_compute_lanczos_adaptive(network, model, hessian),
            negative_count=None,
            spectrum=None,
        )


def hessian_trace(
    network: Network, theta: Floats, points: Floats, labels: Integers, probes: int = PROBES
) -> tuple[float, float | None]:
    """Compute the trace of the Hessian of one model.

    Up to 512 units, the trace is exact. Beyond that, it is Hutchinson's estimate (1990, "A stochastic estimator of the
    trace of the influence matrix for Laplacian smoothing splines"): the mean of vᵀHv over vectors v of random signs,
    which are the same for every model.

    Parameters
    ----------
    network
        The network.
    theta
        One model ``[P]``, in theta's order, of any real dtype.
    points, labels
        Inputs ``[N, features]`` of any real dtype, and true classes ``[N]``, integers.
    probes
        The number of random vectors.

    Returns
    -------
    tuple
        The trace, and its standard error, which is None if the trace is exact. The trace is NaN if theta is not finite
        or float64 overflows.
    """
    model: Float64 = np.asarray(theta, np.float64)
    with one_blas_thread:
        return _compute_trace(Hessians(network, network.pack(model)[None], points, labels), probes)


def adaptive_sharpness(network: Network, theta: Floats, points: Floats, labels: Integers) -> float:
    """Compute the adaptive sharpness of one model: the largest eigenvalue of diag|θ| H diag|θ|.

    This is the second-order form of adaptive sharpness with elementwise normalisation (Kwon et al. 2021, "ASAM",
    definition 2, with T_w = diag|w|): ½ρ²λ is the largest increase of the quadratic part of the loss over all ε with
    |ε / |θ|| ≤ ρ. If theta is multiplied by a positive diagonal A that does not change the function of the network, H
    becomes A⁻¹HA⁻¹ and diag|θ| H diag|θ| stays the same. Plain sharpness changes, and can take any value (Dinh et al.
    2017, "Sharp minima can generalize for deep nets").

    Parameters
    ----------
    network
        The network.
    theta
        One model ``[P]``, in theta's order, of any real dtype.
    points, labels
        Inputs ``[N, features]`` of any real dtype, and true classes ``[N]``, integers.

    Returns
    -------
    float
        The eigenvalue in nats; NaN if the Hessian is not finite.
    """
    model: Float64 = np.asarray(theta, np.float64)
    with one_blas_thread:
        if len(model) <= DENSE_LIMIT:
            return _compute_dense_adaptive(model, dense_hessian(network, model, points, labels))
        return _compute_lanczos_adaptive(network, model, Hessians(network, network.pack(model)[None], points, labels))


def _measure_matrix(network: Network, theta: Float64, points: Floats, labels: Integers) -> Curvature:
    with one_blas_thread:
        hessian = dense_hessian(network, theta, points, labels)
        finite = bool(np.isfinite(hessian).all())
        values = np.linalg.eigvalsh(hessian).astype(np.float64) if finite else np.full(len(theta), np.nan)
        return Curvature(
            parameters=len(theta),
            largest=float(values[-1]),
            smallest=_round_to_zero(float(values[0]), float(values[-1]), NEGATIVE),
            trace=float(np.trace(hessian)) if finite else float("nan"),
            trace_error=None,
            adaptive_sharpness=_compute_dense_adaptive(theta, hessian),
            negative_count=int((values < -NEGATIVE * np.abs(values).max()).sum()) if finite else None,
            spectrum=values if finite else None,
        )


def _round_to_zero(smallest: float, largest: float, share: float) -> float:
    """Return the smallest eigenvalue, or 0 if its error may be as large as itself."""
    # The error is at most the residual, which is this share of the larger eigenvalue (Parlett 1998, "The symmetric
    # eigenvalue problem", theorem 4.5.1).
    return 0.0 if abs(smallest) <= share * max(abs(smallest), abs(largest)) else smallest


def _compute_dense_adaptive(theta: Float64, hessian: Float64) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.abs(theta)[:, None] * hessian * np.abs(theta)
    return float(np.linalg.eigvalsh(scaled)[-1]) if np.isfinite(scaled).all() else float("nan")


def _compute_lanczos_adaptive(network: Network, theta: Float64, hessian: Hessians) -> float:
    scaled = Scaled(hessian, network.pack(np.abs(theta))[None])
    _, largest = find_extremes(scaled, 1, draw_lanczos_start(network), _TOLERANCE)
    return float(largest[0])


def _compute_trace(hessian: Hessians, probes: int) -> tuple[float, float | None]:
    if sum(hessian.network.layers[1:]) <= EXACT_TRACE_UNITS:
        trace = hessian.trace()
        return trace if np.isfinite(trace) else float("nan"), None
    return estimate_trace(hessian, hessian.network.parameter_count, probes)


def estimate_trace(
    hessian: Operators, parameters: int, probes: int, at_once: int = _PROBES_AT_ONCE
) -> tuple[float, float]:
    """Estimate the trace of a Hessian from its products alone; see :func:`hessian_trace`.

    Parameters
    ----------
    hessian
        The Hessian of one model.
    parameters
        P, the number of its rows.
    probes
        The number of random vectors.
    at_once
        The number of vectors ``[n, P]`` in one product.

    Returns
    -------
    tuple
        The trace and its error: the true trace is within ± the error with a probability of 68.3 %, as within a standard
        error of many probes. For few probes, whose spread is not known well, Student's t makes it larger (Abramowitz
        and Stegun 1964, formula 26.7.5, at one standard deviation).
    """
    draws = Draws(0, Stream.TRACE_PROBES)
    samples = np.empty(probes)
    for start, stop in pairwise(find_chunk_edges(probes, at_once)):
        signs = np.where(draws.uniform(stop - start, parameters) < 0.5, -1.0, 1.0)
        samples[start:stop] = (signs * hessian.products(signs)).sum(axis=1)
    freedom = probes - 1
    student = 1 + 1 / (2 * freedom) + 1 / (4 * freedom**2)
    return float(samples.mean()), float(student * samples.std(ddof=1) / np.sqrt(probes))

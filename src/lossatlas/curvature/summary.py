"""The curvature of the loss at one model, in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from lossatlas.arrays import Float64, Floats, Integers
from lossatlas.curvature.eigenvalues import DENSE_LIMIT, Scaled, lanczos_start
from lossatlas.curvature.lanczos import extremes
from lossatlas.derivatives import Hessians, dense_hessian, find_chunk_edges
from lossatlas.engine import one_blas_thread
from lossatlas.errors import LossAtlasError
from lossatlas.networks import Network
from lossatlas.rng import Draws, Stream

#: Beyond this many parameters a spectrum is refused: the matrix alone would take more than 200 MB.
SPECTRUM_LIMIT = 5_000
#: An eigenvalue is negative below ``-NEGATIVE · max |λ|``, and 0 within it: those that are 0 (the softmax has some at
#: every model) come out within about P · 1e-16 · max |λ| (LAPACK Users' Guide, section 4.7: p(P) · ε · max |λ|).
NEGATIVE = 1e-10
#: Up to this many units (hidden ones, and logits) the trace is exact: it takes a pass a unit, a third of a product.
EXACT_TRACE_UNITS = 512
#: Rademacher vectors for the trace, and how many of them are drawn at a time.
PROBES = 128
_PROBES_AT_ONCE = 16
#: Of the Lanczos iterations here.
_TOLERANCE = 1e-8


@dataclass(frozen=True)
class Curvature:
    """The Hessian H of the training loss at one model. All NaN where the model is not finite or overflows.

    Attributes
    ----------
    parameters
        P, the size of H.
    largest, smallest
        λ_max, called *sharpness*, and λ_min: in nats, per unit of theta squared. λ_min is 0 where it is so but for
        rounding: within ``1e-10 · max |λ|``, or 1e-8 by the Lanczos method.
    trace
        tr(H), the sum of all eigenvalues.
    trace_error
        Standard error of ``trace`` where it is estimated; None where it is exact.
    adaptive_sharpness
        Largest eigenvalue of diag|θ| H diag|θ|, in nats: see :func:`adaptive_sharpness`.
    negative_count
        How many eigenvalues are below ``-1e-10 · max |λ|``; None where the spectrum is not known.
    spectrum
        ``[P]`` float64: all eigenvalues, ascending; None where they are not known.
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
        """tr(H) / P: the curvature dᵀHd that a random direction d of length 1 sees on average."""
        return self.trace / self.parameters

    @property
    def non_convexity(self) -> float:
        """|λ_min / λ_max| (Li et al. 2018, section 6): 0 for convex, NaN where H is zero or not finite."""
        return abs(self.smallest / self.largest) if self.largest else float("nan")


def curvature_of(
    network: Network, theta: Floats, points: Floats, labels: Integers, spectrum: bool | Literal["auto"] = "auto"
) -> Curvature:
    """Curvature of the loss at one model ``[P]``, on inputs ``[N, features]`` and their true classes ``[N]``.

    ``spectrum=True`` computes all eigenvalues, from the whole matrix; ``"auto"`` does so up to 1,000 parameters. Else
    the eigenvalues come from the Lanczos method (residuals of 1e-8 of the larger end), and the trace, beyond 512
    units, from random probes.

    Raises
    ------
    LossAtlasError
        A spectrum is asked for beyond 5,000 parameters.
    """
    model: Float64 = np.asarray(theta, np.float64)
    if spectrum is True and len(model) > SPECTRUM_LIMIT:
        raise LossAtlasError(f"a spectrum of {len(model)} eigenvalues takes too long; the limit is {SPECTRUM_LIMIT}")
    if spectrum is True or (spectrum == "auto" and len(model) <= DENSE_LIMIT):
        return _from_matrix(network, model, points, labels)
    with one_blas_thread:
        hessian = Hessians(network, network.pack(model)[None], points, labels)
        smallest, largest = extremes(hessian, 1, lanczos_start(network), _TOLERANCE)
        trace, error = _trace(hessian, PROBES)
        return Curvature(
            parameters=len(model),
            largest=float(largest[0]),
            smallest=_clear(float(smallest[0]), float(largest[0]), _TOLERANCE),
            trace=trace,
            trace_error=error,
            adaptive_sharpness=_lanczos_adaptive(network, model, hessian),
            negative_count=None,
            spectrum=None,
        )


def hessian_trace(
    network: Network, theta: Floats, points: Floats, labels: Integers, probes: int = PROBES
) -> tuple[float, float | None]:
    """tr(H) of one model ``[P]``, and its standard error: None up to 512 units, where the trace is exact.

    Beyond, Hutchinson's estimate (1990, "A stochastic estimator of the trace of the influence matrix for Laplacian
    smoothing splines"): the mean of vᵀHv over vectors v of random signs, the same ones for every model. NaN where theta
    is not finite or float64 overflows.
    """
    model: Float64 = np.asarray(theta, np.float64)
    with one_blas_thread:
        return _trace(Hessians(network, network.pack(model)[None], points, labels), probes)


def adaptive_sharpness(network: Network, theta: Floats, points: Floats, labels: Integers) -> float:
    """Largest eigenvalue of diag|θ| H diag|θ|, for one model ``[P]``; NaN where it is not finite.

    The second-order form of adaptive sharpness with elementwise normalisation (Kwon et al. 2021, "ASAM", definition 2,
    with T_w = diag|w|): the steepest rise ½ρ²λ of the quadratic part of the loss over all ε with |ε / |θ|| ≤ ρ. Where
    theta is multiplied by a positive diagonal A that leaves the function as it is, H becomes A⁻¹HA⁻¹ and the product
    stays the same; plain sharpness does not, and can be made anything (Dinh et al. 2017, "Sharp minima can generalize
    for deep nets").
    """
    model: Float64 = np.asarray(theta, np.float64)
    with one_blas_thread:
        if len(model) <= DENSE_LIMIT:
            return _dense_adaptive(model, dense_hessian(network, model, points, labels))
        return _lanczos_adaptive(network, model, Hessians(network, network.pack(model)[None], points, labels))


def _from_matrix(network: Network, theta: Float64, points: Floats, labels: Integers) -> Curvature:
    with one_blas_thread:
        hessian = dense_hessian(network, theta, points, labels)
        finite = bool(np.isfinite(hessian).all())
        values = np.linalg.eigvalsh(hessian).astype(np.float64) if finite else np.full(len(theta), np.nan)
        return Curvature(
            parameters=len(theta),
            largest=float(values[-1]),
            smallest=_clear(float(values[0]), float(values[-1]), NEGATIVE),
            trace=float(np.trace(hessian)) if finite else float("nan"),
            trace_error=None,
            adaptive_sharpness=_dense_adaptive(theta, hessian),
            negative_count=int((values < -NEGATIVE * np.abs(values).max()).sum()) if finite else None,
            spectrum=values if finite else None,
        )


def _clear(smallest: float, largest: float, share: float) -> float:
    """The smallest eigenvalue, or 0 where its error may be as large as itself.

    Both methods err by at most the residual, a share of the larger end (Parlett 1998, "The symmetric eigenvalue
    problem", theorem 4.5.1).
    """
    return 0.0 if abs(smallest) <= share * max(abs(smallest), abs(largest)) else smallest


def _dense_adaptive(theta: Float64, hessian: Float64) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.abs(theta)[:, None] * hessian * np.abs(theta)
    return float(np.linalg.eigvalsh(scaled)[-1]) if np.isfinite(scaled).all() else float("nan")


def _lanczos_adaptive(network: Network, theta: Float64, hessian: Hessians) -> float:
    scaled = Scaled(hessian, network.pack(np.abs(theta))[None])
    _, largest = extremes(scaled, 1, lanczos_start(network), _TOLERANCE)
    return float(largest[0])


def _trace(hessian: Hessians, probes: int) -> tuple[float, float | None]:
    if sum(hessian.network.layers[1:]) <= EXACT_TRACE_UNITS:
        trace = hessian.trace()
        return trace if np.isfinite(trace) else float("nan"), None
    return _hutchinson(hessian, probes)


def _hutchinson(hessian: Hessians, probes: int) -> tuple[float, float]:
    draws, parameters = Draws(0, Stream.TRACE_PROBES), hessian.network.parameter_count
    samples = np.empty(probes)
    for start, stop in pairwise(find_chunk_edges(probes, _PROBES_AT_ONCE)):
        signs = np.where(draws.uniform(stop - start, parameters) < 0.5, -1.0, 1.0)
        samples[start:stop] = (signs * hessian.products(signs)).sum(axis=1)
    return float(samples.mean()), float(samples.std(ddof=1) / np.sqrt(probes))

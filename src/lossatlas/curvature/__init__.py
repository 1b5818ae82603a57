"""Measures the curvature of the loss at a model, which is described by the Hessian H of the loss.

A picture of a plane shows only the curvature dᵀHd along its own directions. Random directions of length 1 show tr(H)/P
on average, which is close to 0, and never show the few large eigenvalues or the negative ones. This package computes:

- the largest eigenvalue, called *sharpness*, and *adaptive sharpness*. Rescaling the layers of a network changes
  sharpness (Dinh et al. 2017), but not adaptive sharpness (Kwon et al. 2021);
- |λ_min / λ_max|, which says how far the loss is from convex (Li et al. 2018, section 6), for one or many models;
- the whole spectrum if P is small enough, and otherwise its two ends by the Lanczos method.

Everything is computed in float64 and in theta's order. If a model is not finite, or overflows, the results are NaN.
"""

from lossatlas.curvature.along_training import (
    CurvatureConfig,
    TrainingCurvature,
    curvature_at,
    spread_frames,
    stability_formula,
    stability_limit,
)
from lossatlas.curvature.eigenvalues import extreme_eigenpairs, extreme_eigenvalues, hessian_operator
from lossatlas.curvature.lanczos import Operators, extreme_pairs, find_extremes
from lossatlas.curvature.summary import Curvature, adaptive_sharpness, curvature_of, estimate_trace, hessian_trace

__all__ = [
    "Curvature",
    "CurvatureConfig",
    "Operators",
    "TrainingCurvature",
    "adaptive_sharpness",
    "curvature_at",
    "curvature_of",
    "estimate_trace",
    "extreme_eigenpairs",
    "extreme_eigenvalues",
    "extreme_pairs",
    "find_extremes",
    "hessian_operator",
    "hessian_trace",
    "spread_frames",
    "stability_formula",
    "stability_limit",
]

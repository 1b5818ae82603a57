"""Curvature of the loss at a model: what its Hessian H says that no picture of a plane shows.

A plane shows the curvature dᵀHd along its own directions. Random ones of length 1 see tr(H)/P on average, which is
close to 0, and never see the few large and the negative eigenvalues; so each picture should say what H has:

- its largest eigenvalue, *sharpness*, and *adaptive sharpness*, which a mere rescaling of layers does not change
  (Kwon et al. 2021), as it changes sharpness (Dinh et al. 2017);
- |λ_min / λ_max|, how far from convex the loss is there (Li et al. 2018, section 6), for one model or a grid of them;
- the whole spectrum where P is small enough; its two ends by the Lanczos method where it is not.

All of it in float64, in theta's order. A model that is not finite, or overflows, gives NaN.
"""

from lossatlas.curvature.along_training import (
    CurvatureConfig,
    TrainingCurvature,
    curvature_at,
    spread_frames,
    stability_formula,
)
from lossatlas.curvature.eigenvalues import extreme_eigenpairs, extreme_eigenvalues, hessian_operator
from lossatlas.curvature.lanczos import Operators, extreme_pairs, extremes
from lossatlas.curvature.summary import Curvature, adaptive_sharpness, curvature_of, hessian_trace

__all__ = [
    "Curvature",
    "CurvatureConfig",
    "Operators",
    "TrainingCurvature",
    "adaptive_sharpness",
    "curvature_at",
    "curvature_of",
    "extreme_eigenpairs",
    "extreme_eigenvalues",
    "extreme_pairs",
    "extremes",
    "hessian_operator",
    "hessian_trace",
    "spread_frames",
    "stability_formula",
]

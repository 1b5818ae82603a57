"""Provides the stored runs that the tour shows: those of the default gallery, but with fewer frames."""

from __future__ import annotations

from lossatlas.planes import FreshPlane, GaussianPlane, HessianPlane, PcaPlane
from lossatlas.runs import RunConfig
from lossatlas.showcase import showcase_configs


def tour_configs() -> list[RunConfig]:
    """Return the default run, the twins, and gradient descent at and below the edge of stability."""
    plain, residual, edge, below, *_ = showcase_configs()
    usual = (FreshPlane(grid=11), PcaPlane(grid=11), HessianPlane(grid=11))
    twins = (GaussianPlane(normalization="filter", moving=False, spans=(0.25, 1.0, 0.05), grid=11),)
    return [
        *(_light(config, usual) for config in (RunConfig(), edge, below)),
        *(_light(config, twins) for config in (plain, residual)),
    ]


def _light(config: RunConfig, planes: tuple[object, ...]) -> RunConfig:
    return config.with_values(
        training=config.training.with_values(frames=12),
        planes=planes,
        boundary=config.boundary.with_values(resolution=24),
        curvature=config.curvature.with_values(frames=5),
    )

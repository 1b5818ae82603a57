"""Planes: a pair of directions in parameter space, along which a loss surface is cut.

Each kind is a configuration that knows how to lay its plane (:meth:`PlaneConfig.lay`), one module a kind; listing it in
:data:`KINDS` is all that makes it known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Discriminator, Tag

from lossatlas.directions.hessian import HessianPlane
from lossatlas.directions.normalization import normalized
from lossatlas.directions.path import Path, fitting_spans, project, random_walk_variance
from lossatlas.directions.pca import PcaPlane, principal_directions
from lossatlas.directions.plane import Anchor, Plane, PlaneConfig, Span, Trained
from lossatlas.directions.random import FreshPlane, GaussianPlane, RandomPlane
from lossatlas.directions.through import ThroughPlane
from lossatlas.directions.vectors import FilePlane

KINDS: dict[str, type[PlaneConfig]] = {
    "fresh": FreshPlane,
    "gaussian": GaussianPlane,
    "pca": PcaPlane,
    "hessian": HessianPlane,
    "through": ThroughPlane,
    "file": FilePlane,
}


def _kind_of(values: Any) -> str:
    """The tag of a plane; one of no kind is the mission's. Brackets keep it out of the paths that people are told."""
    return f"({values.get('kind', 'fresh') if isinstance(values, dict) else getattr(values, 'kind', None)})"


#: Any kind of plane, told apart by ``kind``.
AnyPlane = Annotated[
    Annotated[FreshPlane, Tag("(fresh)")]
    | Annotated[GaussianPlane, Tag("(gaussian)")]
    | Annotated[PcaPlane, Tag("(pca)")]
    | Annotated[HessianPlane, Tag("(hessian)")]
    | Annotated[ThroughPlane, Tag("(through)")]
    | Annotated[FilePlane, Tag("(file)")],
    Discriminator(
        _kind_of,
        custom_error_type="unknown_kind",
        custom_error_message=f"there are {', '.join(KINDS)}",
    ),
]


def plane_names(configs: Sequence[PlaneConfig]) -> list[str]:
    """A name for each plane of a run: its label, with a number where several have one label."""
    labels = [config.label for config in configs]
    before = [labels[:place].count(label) for place, label in enumerate(labels)]
    return [f"{label}-{count + 1}" if count else label for label, count in zip(labels, before, strict=True)]


__all__ = [
    "KINDS",
    "Anchor",
    "AnyPlane",
    "FilePlane",
    "FreshPlane",
    "GaussianPlane",
    "HessianPlane",
    "Path",
    "PcaPlane",
    "Plane",
    "PlaneConfig",
    "RandomPlane",
    "Span",
    "ThroughPlane",
    "Trained",
    "fitting_spans",
    "normalized",
    "plane_names",
    "principal_directions",
    "project",
    "random_walk_variance",
]

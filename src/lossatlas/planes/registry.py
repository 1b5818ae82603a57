"""Every kind of plane, by name; one that is listed here is known to configurations and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Discriminator, Tag

from lossatlas.planes.from_file import FilePlane
from lossatlas.planes.hessian import HessianPlane
from lossatlas.planes.pca import PcaPlane
from lossatlas.planes.plane import PlaneConfig
from lossatlas.planes.random import FreshPlane, GaussianPlane
from lossatlas.planes.through import ThroughPlane

KINDS: dict[str, type[PlaneConfig]] = {
    "fresh": FreshPlane,
    "gaussian": GaussianPlane,
    "pca": PcaPlane,
    "hessian": HessianPlane,
    "through": ThroughPlane,
    "file": FilePlane,
}


def _kind_of(values: Any) -> str:
    """The tag of a plane; one of no kind is the default one. Brackets keep it out of what people read."""
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

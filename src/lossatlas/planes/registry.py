"""The list of all kinds of planes. Configurations and the command line know the kinds that are listed here."""

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


def _find_tag(values: Any) -> str:
    """Return the tag of a plane; the default kind is ``fresh``. The brackets keep the tag out of messages to people."""
    return f"({values.get('kind', 'fresh') if isinstance(values, dict) else getattr(values, 'kind', None)})"


#: Any kind of plane. The field ``kind`` selects the class.
AnyPlane = Annotated[
    Annotated[FreshPlane, Tag("(fresh)")]
    | Annotated[GaussianPlane, Tag("(gaussian)")]
    | Annotated[PcaPlane, Tag("(pca)")]
    | Annotated[HessianPlane, Tag("(hessian)")]
    | Annotated[ThroughPlane, Tag("(through)")]
    | Annotated[FilePlane, Tag("(file)")],
    Discriminator(
        _find_tag,
        custom_error_type="unknown_kind",
        custom_error_message=f"there are {', '.join(KINDS)}",
    ),
]


def name_planes(configs: Sequence[PlaneConfig]) -> list[str]:
    """Name the planes of a run by their labels, with a number if several planes have the same label."""
    labels = [config.label for config in configs]
    before = [labels[:place].count(label) for place, label in enumerate(labels)]
    return [f"{label}-{count + 1}" if count else label for label, count in zip(labels, before, strict=True)]

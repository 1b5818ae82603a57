"""Reads the choice of planes to cut, which are given by name or as configurations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from lossatlas.errors import ConfigError
from lossatlas.planes import KINDS, PlaneConfig

#: A plane by name, or its configuration.
PlaneChoice: TypeAlias = str | PlaneConfig | Mapping[str, Any]

_NAMED: dict[str, dict[str, Any]] = {
    "fresh": {"kind": "fresh"},
    "fresh-filter": {"kind": "fresh", "normalization": "filter"},
    "fresh-layer": {"kind": "fresh", "normalization": "layer"},
    "gaussian": {"kind": "gaussian", "spans": (1.0, 0.1)},
    "gaussian-filter": {"kind": "gaussian", "normalization": "filter", "spans": (1.0, 0.1)},
    "gaussian-layer": {"kind": "gaussian", "normalization": "layer", "spans": (1.0, 0.1)},
    "pca": {"kind": "pca"},
    "hessian": {"kind": "hessian"},
    "through": {"kind": "through"},
}
#: The default numbers of samples along each axis, for planes that are fixed and for planes that move.
_GRID, _MOVING_GRID = 41, 21


def read_planes(planes: PlaneChoice | Sequence[PlaneChoice]) -> list[PlaneConfig]:
    """Read planes, or a single one.

    Returns
    -------
    list
        One configuration for each plane, in their order.

    Raises
    ------
    ConfigError
        If there is no such plane, or a setting is not valid.
    """
    several = [planes] if isinstance(planes, str | PlaneConfig | Mapping) else planes
    return [_read_plane(plane, number) for number, plane in enumerate(several)]


def _read_plane(plane: PlaneChoice, number: int) -> PlaneConfig:
    if isinstance(plane, PlaneConfig):
        return plane
    if isinstance(plane, str) and plane not in _NAMED:
        raise ConfigError([(f"planes.{number}", f"there is no plane {plane!r}; there are {', '.join(_NAMED)}")])
    values = _NAMED[plane] if isinstance(plane, str) else plane
    kind = values.get("kind", "fresh")
    if kind not in KINDS:
        raise ConfigError([(f"planes.{number}.kind", f"{kind!r} is not allowed: there are {', '.join(KINDS)}")])
    try:
        return KINDS[kind].from_mapping(values)
    except ConfigError as error:
        faults = [(f"planes.{number}.{field}".rstrip("."), message) for field, message in error.faults]
        raise ConfigError(faults) from None


def with_grid(plane: PlaneConfig, grid: int | None = None) -> PlaneConfig:
    """Return a configuration with this final grid, if it has no grid of its own."""
    if "grid" in plane.model_fields_set:
        return plane
    return plane.with_values(grid=grid or (_MOVING_GRID if plane.moving else _GRID))

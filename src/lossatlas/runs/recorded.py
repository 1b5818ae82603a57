"""A recorded run: somebody's own training, with all that was computed of it, as its manifest describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lossatlas.arrays import AnyArray, Float64
from lossatlas.errors import DataError


@dataclass(frozen=True)
class RecordedRun:
    """Somebody's own training. Its model is known to this run by name only, so nothing new is computed from it here.

    Attributes
    ----------
    manifest
        What ``run.json`` says; see docs/run-format.md, version 2.
    arrays
        Every array by its path without ``.npy``: ``gram``, ``planes/pca/loss_surface``.
    folder
        The folder from which the run was opened; None if the run is only in memory.
    """

    manifest: dict[str, Any]
    arrays: Mapping[str, AnyArray]
    folder: Path | None = None

    @property
    def id(self) -> str:
        """The id of its recording."""
        return str(self.manifest["id"])

    @property
    def title(self) -> str:
        """For people."""
        return str(self.manifest["title"])

    @property
    def epochs(self) -> tuple[int, ...]:
        """The epoch of each of F frames."""
        return tuple(self.manifest["frames"])

    @property
    def metrics(self) -> dict[str, Float64]:
        """Losses and accuracies ``[F]`` by name; NaN where one is not known."""
        values = self.manifest["metrics"].items()
        return {name: np.array([np.nan if v is None else v for v in row]) for name, row in values}

    @property
    def planes(self) -> tuple[str, ...]:
        """The names of its planes."""
        return tuple(plane["name"] for plane in self.manifest["planes"])

    def plane(self, name: str | None = None) -> dict[str, AnyArray]:
        """Give the arrays of a plane by name: ``loss_surface``, ``path``; left out, of the plane that is shown first.

        Returns
        -------
        The arrays; see docs/run-format.md.

        Raises
        ------
        DataError
            If the run has no plane of this name.
        """
        chosen = self.planes[0] if name is None else name
        if chosen not in self.planes:
            raise DataError(f"this run has no plane {chosen!r}; it has {', '.join(self.planes)}")
        start = f"planes/{chosen}/"
        return {path.removeprefix(start): array for path, array in self.arrays.items() if path.startswith(start)}

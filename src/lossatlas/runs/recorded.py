"""The class of recorded runs: somebody's own training, with everything that was computed from it."""

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
    """Somebody's own training. The run does not contain the model, so nothing new can be computed from it here.

    Attributes
    ----------
    manifest
        The content of ``run.json``; see docs/run-format.md, version 2.
    arrays
        Every array by its path without ``.npy``, such as ``gram`` or ``planes/pca/loss_surface``.
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
        """The title for people."""
        return str(self.manifest["title"])

    @property
    def epochs(self) -> tuple[int, ...]:
        """The epoch of each of F frames."""
        return tuple(self.manifest["frames"])

    @property
    def metrics(self) -> dict[str, Float64]:
        """Losses and accuracies ``[F]`` by name; NaN for a number that is not known."""
        values = self.manifest["metrics"].items()
        return {name: np.array([np.nan if v is None else v for v in row]) for name, row in values}

    @property
    def planes(self) -> tuple[str, ...]:
        """The names of its planes."""
        return tuple(plane["name"] for plane in self.manifest["planes"])

    def plane(self, name: str | None = None) -> dict[str, AnyArray]:
        """Return the arrays of a plane, such as ``loss_surface`` and ``path``; by default, those of the first plane.

        Returns
        -------
        dict
            The arrays by name; see docs/run-format.md.

        Raises
        ------
        DataError
            If the run has no plane of this name.
        """
        chosen = self.planes[0] if name is None else name
        if chosen not in self.planes:
            raise DataError(f"this run has no plane {chosen!r}; it has {', '.join(self.planes)}")
        [entry] = [plane for plane in self.manifest["planes"] if plane["name"] == chosen]
        files = {name: str(array["file"]).removesuffix(".npy") for name, array in entry["arrays"].items()}
        return {name: self.arrays[file] for name, file in files.items()}

"""Computes a small run in a single part."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lossatlas.arrays import Floats
from lossatlas.building.task import Part
from lossatlas.building.worker_functions import compute_whole_run
from lossatlas.runs import Run, RunConfig, Setup
from lossatlas.store import save_run_or_keep


class WholeRun:
    """A run that is computed in a single part."""

    def __init__(self, config: RunConfig, data: Path, references: Mapping[str, Floats]) -> None:
        self._config, self._data, self._references = config, data, references
        self._found: dict[str, Any] = {}

    def begin(self) -> list[Part]:
        """Return the single part."""
        return [Part("run", compute_whole_run, lambda: (self._config.canonical, self._references), self._found.update)]

    def accept(self, part: Part, result: Any) -> list[Part]:
        """Keep the result of the single part. No part follows."""
        part.store(result)
        return []

    def finish(self) -> None:
        """Store the run."""
        save_run_or_keep(Run(setup=Setup.of(self._config), **self._found), self._data)
        self._found.clear()

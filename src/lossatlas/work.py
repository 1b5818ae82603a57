"""Runs as work to hand out: which parts there are, when each can be computed, and what to do with its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lossatlas import parts
from lossatlas.arrays import Floats
from lossatlas.directions import FilePlane
from lossatlas.network import Network
from lossatlas.runs import Run, RunConfig, Setup
from lossatlas.store import save_run

#: Beyond so much work (see :func:`work_of`), or so many bytes, a run is computed in parts: about a minute and a half
#: of one core. The default run is a twentieth of it.
LARGE_WORK, LARGE_BYTES = 1e12, 64 * 2**20
#: What one part is to be, about: some seconds of one core, and what a worker holds of it.
PART_WORK, PART_BYTES = 1e11, 16 * 2**20
#: A step of training is about so many evaluations: forwards, and backwards twice.
STEP_WORK = 3
_USUAL_SPANS = 3


@dataclass(frozen=True)
class Part:
    """Something to compute.

    Attributes
    ----------
    name
        Unique in its run.
    function, arguments
        What to call, anywhere, and with what; the latter are made when its turn comes.
    store
        Called with what it returned, here.
    then
        Called when that is stored; gives the parts that could not be computed before.
    here
        It needs files of this machine: it is computed by the process that builds.
    """

    name: str
    function: Callable[..., Any]
    arguments: Callable[[], tuple[Any, ...]]
    store: Callable[[Any], None]
    then: Callable[[], list[Part]] = list
    here: bool = False


class Work(Protocol):
    """One run, as a build sees it."""

    def begin(self) -> list[Part]:
        """Take up what is there, and return the parts that can be computed now; without any it is finished."""

    def accept(self, part: Part, result: Any) -> list[Part]:
        """Store what a part gave, and return the parts that can be computed now."""

    def finish(self) -> None:
        """Put the run in its place, all its parts being there."""


@dataclass(frozen=True)
class Sizes:
    """Which runs are computed in parts, and how large a part is to be: work and bytes. Bits do not depend on it."""

    large_work: float = LARGE_WORK
    large_bytes: float = LARGE_BYTES
    part_work: float = PART_WORK
    part_bytes: float = PART_BYTES

    def in_parts(self, config: RunConfig) -> bool:
        """Whether a run is large, or needs a file of this machine."""
        needs_a_file = any(isinstance(plane, FilePlane) for plane in config.planes)
        return needs_a_file or work_of(config) > self.large_work or config.size > self.large_bytes


def work_of(config: RunConfig) -> float:
    """Estimate a run's work: models evaluated × points × parameters; an epoch of training counts as three models."""
    frames = min(config.training.frames, config.training.epochs + 1)
    parameters = Network.of(config.model, 2, config.classes).parameter_count
    models = sum(
        len(plane.spans or range(_USUAL_SPANS)) * plane.grid**2 * (frames if plane.moving else 1)
        for plane in config.planes
    )
    return float(models + STEP_WORK * config.training.epochs) * config.dataset.points * parameters


class WholeRun:
    """A run that is computed in one go."""

    def __init__(self, config: RunConfig, data: Path, references: Mapping[str, Floats]) -> None:
        self._config, self._data, self._references = config, data, references
        self._found: dict[str, Any] = {}

    def begin(self) -> list[Part]:
        """Everything is one part."""
        return [Part("run", parts.whole_run, lambda: (self._config.canonical, self._references), self._found.update)]

    def accept(self, part: Part, result: Any) -> list[Part]:
        """Keep what it gave: that is all."""
        part.store(result)
        return []

    def finish(self) -> None:
        """Store it."""
        save_run(Run(setup=Setup.of(self._config), **self._found), self._data)
        self._found.clear()

"""Defines how much a server does at a time, and how much it keeps."""

from __future__ import annotations

from dataclasses import dataclass

from lossatlas.building.estimate import MOST_MEMORY, MOST_WORK, Limits


@dataclass(frozen=True)
class Capacity:
    """The limits of a server, with their defaults.

    Attributes
    ----------
    work, memory
        The largest work and memory of a run that is computed; see :class:`~lossatlas.building.estimate.Limits`.
    space
        The largest number of bytes of all runs that were computed on demand. The oldest make room for new ones.
    workers
        How many runs are computed at the same time. If there is more than one, large runs leave one worker to others.
    queue_size, client_queue_size
        How many runs may wait, and how many of one client.
    streams
        How many streams of events may be open. One address may have half of them.
    """

    work: float = MOST_WORK
    memory: float = MOST_MEMORY
    space: float = 10e9
    workers: int = 2
    queue_size: int = 64
    client_queue_size: int = 8
    streams: int = 1000

    @property
    def limits(self) -> Limits:
        """The limits of a single run."""
        return Limits(self.work, self.memory)

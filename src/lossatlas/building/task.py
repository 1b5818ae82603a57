"""The interface between a build and its runs: a run is a ``Work``, which consists of ``Part`` objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Part:
    """A part of a run that one worker computes.

    Attributes
    ----------
    name
        The name of the part, which is unique in its run.
    function
        The function that a worker calls.
    arguments
        A function that makes the arguments, called just before the part is computed.
    store
        A function of the building process that stores the result.
    list_next
        A function that is called after that, and returns the parts that can be computed now.
    here
        Whether the building process computes the part, because it needs files of this machine.
    frame
        The first frame that cannot be shown before this part is finished; -1 if no frame can be shown. It is None if
        the part computes nothing that is shown while the run is computed.
    is_plane
        Whether the part makes a plane, which other parts follow.
    stretch
        For a part of the training: its number, from 1, and the number of all such parts.
    """

    name: str
    function: Callable[..., Any]
    arguments: Callable[[], tuple[Any, ...]]
    store: Callable[[Any], None]
    list_next: Callable[[], list[Part]] = list
    here: bool = False
    frame: int | None = None
    is_plane: bool = False
    stretch: tuple[int, int] | None = None


class Work(Protocol):
    """One run that a build computes."""

    def begin(self) -> list[Part]:
        """Read the finished parts, and return those that can be computed now; none if all are finished."""

    def accept(self, part: Part, result: Any) -> list[Part]:
        """Store the result of a part, and return the parts that can be computed now."""

    def finish(self) -> None:
        """Store the whole run after all its parts are finished."""

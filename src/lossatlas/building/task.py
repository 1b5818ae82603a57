"""What a build hands to its workers: parts of runs, and what is to be done with the numbers that they give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


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

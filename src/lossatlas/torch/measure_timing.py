"""Decides when the losses of a recorded frame are measured: in its snapshot, or later."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from lossatlas.errors import DataError

#: The share of a training's time that its measurements may take while it runs.
SHARE = 0.01
_CHOICES = ("auto", "now", "later")


class MeasureTiming:
    """The time that a measurement takes, and the time since the last one.

    With ``auto``, a frame is measured in its snapshot if this takes at most :data:`SHARE` of the time since the last
    measurement. So a measurement of c seconds is made about every 100·c seconds, whatever the length of an epoch.

    Parameters
    ----------
    measure
        ``"auto"``, ``"now"`` (always) or ``"later"`` (never).

    Raises
    ------
    DataError
        If there is no such choice.
    """

    def __init__(self, measure: str) -> None:
        if measure not in _CHOICES:
            raise DataError(f"measure is {measure!r}; give 'auto', 'now' or 'later'")
        self._measure, self._seconds, self._ended = measure, 0.0, time.perf_counter()

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Note how long a measurement takes, which is made in this block."""
        began = time.perf_counter()
        yield
        self._ended = time.perf_counter()
        self._seconds = self._ended - began

    def is_affordable(self) -> bool:
        """Return whether the next frame is measured at once."""
        if self._measure != "auto":
            return self._measure == "now"
        return self._seconds <= SHARE * (time.perf_counter() - self._ended)

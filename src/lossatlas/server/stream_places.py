"""Counts the streams of events that are open, and refuses more than a server or a client may have."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import AsyncIterator

from lossatlas.errors import QueueFullError, QuotaError


class StreamPlaces:
    """The places for streams. One address may take half of them.

    Parameters
    ----------
    most
        The number of places.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """The number of streams that are open."""
        with self._lock:
            return self._taken.total()

    def check(self, address: str) -> None:
        """Refuse a stream if there is no place for it.

        Raises
        ------
        QuotaError
            If the address has half of all places already.
        QueueFullError
            If all places are taken.
        """
        with self._lock:
            mine, all_of_them = self._taken[address], self._taken.total()
        if all_of_them >= self._most:
            raise QueueFullError(f"{all_of_them} pages follow runs already; try again in a moment")
        if mine >= max(1, self._most // 2):
            raise QuotaError(f"{mine} pages of your address follow runs already; close some of them")

    async def occupy(self, address: str, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield what a stream yields, and take a place meanwhile."""
        with self._lock:
            self._taken[address] += 1
        try:
            async for piece in stream:
                yield piece
        finally:
            with self._lock:
                self._taken[address] -= 1
                if not self._taken[address]:
                    del self._taken[address]

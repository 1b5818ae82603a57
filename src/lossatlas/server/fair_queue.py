"""The order of the runs that wait: those that somebody watches come first, and clients take turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


@dataclass(frozen=True)
class Owner:
    """The client that was the first to ask for a run.

    Attributes
    ----------
    address
        The address of the client.
    name
        The name that the client chose. The clients of one address, such as those of a classroom, differ in it.
    """

    address: str = ""
    name: str = ""


#: The owner of a run that no client has asked for.
NOBODY = Owner()


class Waiting(Protocol):
    """An entry of the queue. Entries with a lower rank come first."""

    owner: Owner

    @property
    def rank(self) -> int:
        """The rank, which may change while the entry waits."""


_Entry = TypeVar("_Entry", bound=Waiting)


class FairQueue(Generic[_Entry]):
    """A queue in which addresses take turns, and within an address its clients.

    A client that asks for many runs delays itself, but others by one entry only. It gains nothing by using many names.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[_Entry, int]] = []  # in the order of arrival, with the turn within the address
        self._addresses, self._clients = _Turns(), _Turns()

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[_Entry]:
        """Iterate over the entries in the order in which they will be taken."""
        return iter(entry for entry, _ in self._sort())

    def add(self, entry: _Entry) -> None:
        """Add an entry."""
        turn = self._clients.find_next(entry.owner)
        self._clients.last[entry.owner] = turn
        self._waiting.append((entry, turn))

    def remove(self, entry: _Entry) -> None:
        """Remove an entry. Its client keeps its turn."""
        self._waiting = [each for each in self._waiting if each[0] is not entry]
        self._forget()

    def take(self, entry: _Entry) -> None:
        """Remove an entry because its turn has come."""
        turn = next(turn for each, turn in self._sort() if each is entry)
        self._addresses.last[entry.owner.address] = self._addresses.current = turn
        self._clients.current = max(self._clients.current, next(turn for each, turn in self._waiting if each is entry))
        self.remove(entry)

    def count(self, owner: Owner) -> int:
        """Return how many entries of a client wait."""
        return sum(entry.owner == owner for entry, _ in self._waiting)

    def find_surplus(self, address: str) -> _Entry | None:
        """Return the entry to drop for one of another address: the last one of the address with the most entries.

        Parameters
        ----------
        address
            The address that needs room.

        Returns
        -------
        entry or None
            The entry; None if no address has at least two more entries than this one.
        """
        counts = Counter(entry.owner.address for entry, _ in self._waiting)
        for most, count in counts.most_common(1):
            if count >= counts[address] + 2:
                return [entry for entry in self if entry.owner.address == most][-1]
        return None

    def _sort(self) -> list[tuple[_Entry, int]]:
        """Return the entries in order, each with the turn of its address."""
        by_address: dict[str, list[tuple[_Entry, int]]] = {}
        for entry, turn in self._waiting:
            by_address.setdefault(entry.owner.address, []).append((entry, turn))
        turns = []
        for address, waiting in by_address.items():
            waiting.sort(key=lambda each: (each[0].rank, each[1]))  # a stable sort keeps the order of arrival
            first = self._addresses.find_next(address)
            turns += [(entry, first + number) for number, (entry, _) in enumerate(waiting)]
        arrival = {id(entry): number for number, (entry, _) in enumerate(self._waiting)}
        return sorted(turns, key=lambda each: (each[0].rank, each[1], arrival[id(each[0])]))

    def _forget(self) -> None:
        """Forget the turns of clients that do not wait, unless they had more than their share."""
        if not self._waiting:
            self._addresses, self._clients = _Turns(), _Turns()
        self._addresses.forget()
        self._clients.forget()


class _Turns:
    """The turns of clients. The next turn of a client comes after its last one, and not before the current one."""

    def __init__(self) -> None:
        self.current = 0
        self.last: dict[object, int] = {}

    def find_next(self, client: object) -> int:
        """Return the next turn of a client."""
        return max(self.current, self.last.get(client, -1) + 1)

    def forget(self) -> None:
        """Forget the turns that have passed."""
        self.last = {client: turn for client, turn in self.last.items() if turn >= self.current}

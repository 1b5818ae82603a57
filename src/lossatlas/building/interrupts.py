"""Ends a wait for workers at Ctrl-C, and defers Ctrl-C everywhere else.

Python raises KeyboardInterrupt between any two instructions: while a thread is started, with a lock just taken, or in
the import of an extension module, which makes an ImportError of it. Here it is raised only where the program waits.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

#: The seconds between two looks at whether Ctrl-C was pressed.
_LOOK_EVERY = 0.1


@dataclass
class Interrupts:
    """Ctrl-C within a block of :func:`defer_interrupts`.

    Attributes
    ----------
    pressed
        Whether it was pressed.
    """

    pressed: bool = False

    def check(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C was pressed."""
        if self.pressed:
            raise KeyboardInterrupt

    def wait_for_any(self, futures: Collection[Future[Any]]) -> set[Future[Any]]:
        """Wait until at least one future is done, and return all that are.

        Parameters
        ----------
        futures
            The futures.

        Returns
        -------
        set
            The futures that are done; none if there are no futures.

        Raises
        ------
        KeyboardInterrupt
            If Ctrl-C was pressed.
        """
        while True:
            self.check()
            done = wait(futures, _LOOK_EVERY, FIRST_COMPLETED).done
            if done or not futures:
                return done


@contextmanager
def defer_interrupts() -> Iterator[Interrupts]:
    """Defer Ctrl-C within a block to the waits of the yielded object, or to the end of the block.

    A second Ctrl-C is raised at once. Only Python's default handler is replaced, and only in the main thread, which is
    the thread that it interrupts.

    Yields
    ------
    Interrupts
        The object that waits.

    Raises
    ------
    KeyboardInterrupt
        At the end of the block, if Ctrl-C was pressed and the block raised nothing.
    """
    interrupts = Interrupts()
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield interrupts
        return

    def note(_signal: int, _frame: FrameType | None) -> None:
        interrupts.check()
        interrupts.pressed = True

    signal.signal(signal.SIGINT, note)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupts.check()

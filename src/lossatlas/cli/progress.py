"""Shows a progress bar with the remaining time on stderr, if stderr is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from click.termui import progressbar

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

_STEPS = 1000


@contextmanager
def show_progress(length: int, label: str) -> Iterator[Callable[[], None]]:
    """Show a bar of ``length`` steps, and yield a function to call after each step."""
    with progressbar(iterable=range(length), label=label, show_pos=True, file=sys.stderr) as bar:
        yield lambda: bar.update(1)


@contextmanager
def show_share(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar whose length is known later, and yield a function to call with the numbers of done and of all steps.

    Yields
    ------
    Callable
        The function.
    """
    with ExitStack() as stack:
        bars: list[ProgressBar[int]] = []

        def show(done: int, whole: int) -> None:
            if not bars:  # the bar appears with the first step, and not above an error that comes before it
                bars.append(stack.enter_context(progressbar(length=_STEPS, label=label, file=sys.stderr)))
            bars[0].update(_STEPS * done // max(whole, 1) - bars[0].pos)

        yield show

"""Shows a progress bar with the remaining time on stderr, if stderr is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from click.termui import progressbar


@contextmanager
def show_progress(length: int, label: str) -> Iterator[Callable[[], None]]:
    """Show a bar of ``length`` steps, and yield a function to call after each step."""
    with progressbar(iterable=range(length), label=label, show_pos=True, file=sys.stderr) as bar:
        yield lambda: bar.update(1)

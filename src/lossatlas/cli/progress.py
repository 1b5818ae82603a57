"""The progress bar of long work, on stderr, with an estimate of the time left; none where that is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from click.termui import progressbar


@contextmanager
def progress(length: int, label: str) -> Iterator[Callable[[], None]]:
    """Show a bar of ``length`` steps; what is yielded is called after each."""
    with progressbar(iterable=range(length), label=label, show_pos=True, file=sys.stderr) as bar:
        yield lambda: bar.update(1)

"""Measures times of several candidates in turns, so that a change of the machine's speed affects all of them."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping

import numpy as np


def time_interleaved(
    candidates: Mapping[str, Callable[[], object]], rounds: int, *, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Measure the seconds of each candidate in each round, after one round that does not count.

    Each round begins with another candidate, so that none profits from the one that always comes before it.

    The clock is on the wall; where all candidates use one thread, ``time.process_time`` leaves out other programs.

    Returns
    -------
    The seconds of each round, for each candidate.
    """
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(rounds + 1):
        first = turn % len(candidates)
        for name in [*times][first:] + [*times][:first]:
            start = clock()
            candidates[name]()
            if turn:
                times[name].append(clock() - start)
    return times


def format_ratio(times: Mapping[str, list[float]], slow: str, fast: str) -> str:
    """Write the median, the lowest and the highest of the ratios of all rounds."""
    ratios = sorted(a / b for a, b in zip(times[slow], times[fast], strict=True))
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def format_table(times: Mapping[str, list[float]]) -> str:
    """Write one line for each candidate, with the median and the range in milliseconds."""
    return "\n".join(
        f"  {name:<48} {statistics.median(values) * 1e3:9.1f} ms  ({min(values) * 1e3:.1f} to {max(values) * 1e3:.1f})"
        for name, values in times.items()
    )


def describe_machine() -> str:
    """Describe the machine: its cores, and the SIMD level of NumPy's tanh."""
    info = np.lib.introspect.opt_func_info(func_name="^tanh$", signature="float32")
    level = info["tanh"]["ff"]["current"] or "baseline"
    return f"{platform.machine()}, {os.cpu_count()} cores, NumPy {np.__version__}, float32 tanh at {level}"

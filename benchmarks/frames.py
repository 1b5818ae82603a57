"""What a page's main thread did in the animation frames in which the plots were drawn anew, by Chromium's trace."""

from __future__ import annotations

import json
from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Page


@dataclass(frozen=True)
class Frames:
    """Milliseconds that each of these frames took, all of it: plots, readouts, curves."""

    #: Time of the processor that its JavaScript took.
    own: list[float]
    #: Time by the clock, in which other threads and the software rendering have the cores as well.
    clock: list[float]


def trace_frames(browser: Browser, page: Page, watch: Callable[[], None]) -> Frames:
    """Trace a page while ``watch`` runs."""
    browser.start_tracing(page=page, categories=["devtools.timeline", "blink.user_timing"])
    watch()
    events = json.loads(browser.stop_tracing())["traceEvents"]
    ends = sorted(event["ts"] for event in events if event["name"] == "lossatlas:draw" and event["ph"] == "e")
    frames = [event for event in events if event["name"] == "FireAnimationFrame" and holds_one(event, ends)]
    return Frames(*([event[field] / 1000 for event in frames] for field in ("tdur", "dur")))


def holds_one(event: dict[str, Any], times: list[int]) -> bool:
    """Whether one of the ascending ``times`` lies within an event of a trace."""
    after = bisect(times, event["ts"])
    return after < len(times) and times[after] <= event["ts"] + event["dur"]

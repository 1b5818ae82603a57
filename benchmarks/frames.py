"""Measures the main thread of a page in the animation frames that draw the plots, with Chromium's trace."""

from __future__ import annotations

import json
from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Page


@dataclass(frozen=True)
class Frames:
    """The milliseconds that each of these frames took, for plots, readouts and curves together."""

    #: The CPU time of the JavaScript.
    own: list[float]
    #: The wall time, which includes waiting for other threads and for software rendering.
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
    """Return whether one of the ascending ``times`` is within an event of a trace."""
    after = bisect(times, event["ts"])
    return after < len(times) and times[after] <= event["ts"] + event["dur"]

"""Pages of a real browser that tests take turns in, each watched for complaints and for requests to other hosts."""

from __future__ import annotations

import functools
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, expect

#: Rendering in software on a busy machine: how long to wait for a condition before it counts as failed, in ms.
PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)

#: What leaves traces in a page or its context that no navigation removes: after it the page is given up.
LASTING = (
    *("add_init_script", "add_locator_handler", "expose_binding", "expose_function"),
    *("new_cdp_session", "on", "set_extra_http_headers", "set_offline"),
)
#: A page is given up after so many tests. A browser holds sixteen WebGL drawings of a page's life, and lets go of those
#: of earlier documents when it likes.
TURNS = 8
#: How large a page is where nothing else is said: Playwright's own.
DEFAULT: ViewportSize = {"width": 1280, "height": 720}
#: A document is given up after so many tests: a mistake in one of them does not reach the whole file.
VISITS = 12
#: How many pages wait for their next test, of the options that were asked for last.
KEPT = 3
_kept: dict[str, Watched] = {}


@dataclass(frozen=True)
class Seat:
    """What a page can be given without a context of its own: its size, and what media queries answer."""

    viewport: ViewportSize
    color_scheme: Literal["dark", "light"] = "light"
    reduced_motion: Literal["no-preference", "reduce"] = "no-preference"
    forced_colors: Literal["active", "none"] = "none"

    def take(self, page: Page) -> None:
        """Give it to a page."""
        if page.viewport_size != self.viewport:
            page.set_viewport_size(self.viewport)
        page.emulate_media(
            media="null",
            color_scheme=self.color_scheme,
            reduced_motion=self.reduced_motion,
            forced_colors=self.forced_colors,
        )


MEDIA = {"color_scheme", "reduced_motion", "forced_colors"}


@dataclass
class Watched:
    """A page, and everything it complained of or asked for.

    As a context manager it closes the page, which a test's own server has to outlive:
    ``with static_server(site) as origin, desktop:``
    """

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    #: How many documents it has had, and whether a test has left something in it.
    turns: int = 0
    spoiled: bool = False
    #: The address of the document that the next test can have, and how many tests have had it.
    place: str = ""
    visits: int = 0
    #: What the page was given for the test.
    seat: Seat | None = None

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        self.spoiled = True
        self.page.context.close()

    def open(self, url: str) -> Page:
        """Load the page from this address and wait for both plots."""
        self.place, self.visits = "", 0
        self.page.goto(url)
        until(self.page, "() => Boolean(window.lossatlas)")
        self.page.evaluate("() => window.lossatlas.ready")
        return self.page

    def show(self, url: str) -> Page:
        """Show what an address with a query says, in the document that an earlier test has left if there is one.

        For tests that do not hang on how the page was opened: a step through the browser's history takes a tenth of the
        processor time of a load. A test that changes the document by hand opens one of its own.
        """
        place, mark, query = url.partition("?")
        assert mark, "a bare address is a first visit, which only a load is: open it"
        if self.place == place and self.visits < VISITS:
            self.page.evaluate(_TRAVEL, mark + query)
            until(self.page, "() => window.lossatlas.isCurrent()")
        else:
            self.open(url)
        self.place = place
        self.visits += 1
        return self.page


#: Back to what a page has when it opens, and on to an address of the same page, as the browser's Back does it.
_TRAVEL = """async (query) => {
    for (const dialog of document.querySelectorAll('dialog[open]')) dialog.close();
    for (const popover of document.querySelectorAll(':popover-open')) popover.hidePopover();
    document.activeElement?.blur();
    scrollTo(0, 0);
    document.querySelector('#reset').click();
    history.pushState(null, '', query);
    dispatchEvent(new PopStateEvent('popstate'));
}"""


def until(page: Page, condition: str, arg: Any = None, patience: int = PATIENCE) -> None:
    """Wait for a condition in the page; Playwright's own waiting needs an eval, which the page's CSP forbids."""
    deadline = time.monotonic() + patience / 1000
    while not page.evaluate(condition, arg):
        assert time.monotonic() < deadline, f"waited in vain for {condition} ({arg})"
        page.wait_for_timeout(20)


def watched(browser: Browser, *, alone: bool = False, **options: Any) -> Iterator[Watched]:
    """A page that fails its test if it complains on the console, or asks another host for anything.

    Tests take turns in one page for each set of options of a browser context: there the page opens in much less time,
    as the browser has read its scripts before. A test finds it blank, with nothing stored. A test that is ``alone`` has
    a page that no test has had.
    """
    seat = Seat(options.pop("viewport", DEFAULT), **{name: options.pop(name) for name in MEDIA & options.keys()})
    key = json.dumps([id(browser), options], sort_keys=True)
    seen = None if alone else _kept.pop(key, None)  # the page of a test that failed half-way is not put back
    if seen is None:
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE)
        seen = Watched(context.new_page())
        _watch(seen)
    if seat != seen.seat:
        _make_blank(seen)
        seen.seat = seat
        seat.take(seen.page)
    seen.complaints.clear()
    seen.requests.clear()
    yield seen
    if alone or seen.spoiled or seen.turns >= TURNS or seen.page.is_closed():
        seen.page.context.close()
    else:
        _tidy(seen)
        _kept[key] = seen
        while len(_kept) > KEPT:
            _kept.pop(next(iter(_kept))).page.context.close()
    assert seen.complaints == []
    assert [url for url in seen.requests if not re.match(r"(http://127\.0\.0\.1:\d+/|data:|blob:)", url)] == []


def _watch(seen: Watched) -> None:
    def on_console(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not _is_of_the_test_machine(message.text):
            seen.complaints.append(f"{message.type}: {message.text}")

    def on_document(page: Page) -> None:
        seen.turns += page.url != "about:blank"

    seen.page.on("console", on_console)
    seen.page.on("domcontentloaded", on_document)
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    for owner in (seen.page, seen.page.context):
        for name in LASTING:
            if method := getattr(owner, name, None):
                setattr(owner, name, functools.partial(_spoil, seen, method))


def _spoil(seen: Watched, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
    seen.spoiled = True
    return method(*args, **options)


def _is_of_the_test_machine(text: str) -> bool:
    """Chromium's remarks about drawing in software."""
    return "GPU stall due to ReadPixels" in text or "software WebGL" in text


def _tidy(seen: Watched) -> None:
    """Leave the page as a new one, with nothing stored; a document that the next test can have stays in it."""
    page = seen.page
    for other in page.context.pages:
        if other is not page:
            other.close()
    page.unroute_all()
    page.context.unroute_all()
    if page.url != "about:blank":
        page.evaluate("() => window.sessionStorage.clear()")
    page.mouse.move(-1, -1)
    page.context.clear_permissions()
    assert seen.seat is not None
    if page.url.partition("?")[0] != seen.place or page.viewport_size != seen.seat.viewport:
        _make_blank(seen)
    seen.seat.take(page)
    session = BrowserContext.new_cdp_session(page.context, page)  # its own method would spoil the page
    for origin in {found.group() for url in seen.requests if (found := re.match(r"http://[^/]+", url))}:
        session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
    session.detach()


def _make_blank(seen: Watched) -> None:
    seen.place = ""
    if seen.page.url != "about:blank":
        seen.page.goto("about:blank")

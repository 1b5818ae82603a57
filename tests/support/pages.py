"""Provides pages of a real browser, which tests share one after another, and collects their errors and requests."""

from __future__ import annotations

import functools
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Frame, Page, ViewportSize, expect

#: The time in milliseconds after which a condition counts as failed. Rendering in software takes long.
PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)

#: Methods whose effects outlast a navigation. A page on which a test has called one is not used again.
LASTING = (
    *("add_init_script", "add_locator_handler", "expose_binding", "expose_function"),
    *("new_cdp_session", "on", "set_extra_http_headers", "set_offline"),
)
#: A page is closed after this many documents. A browser allows sixteen WebGL contexts in a page, and releases those
#: of earlier documents at any time.
TURNS = 8
#: The default size of a page, which is Playwright's.
DEFAULT: ViewportSize = {"width": 1280, "height": 720}
#: From this height of the window on, the page begins with all the facts about the plane.
TALL = 960
#: A document is used for at most this many tests, so that a mistake in one of them does not affect a whole file.
VISITS = 30
#: The number of pages that are kept for later tests: those whose options were requested last.
KEPT = 3
_kept: dict[str, Watched] = {}


@dataclass(frozen=True)
class Seat:
    """The settings of a page that do not need another browser context: its size and the answers to media queries."""

    viewport: ViewportSize
    color_scheme: Literal["dark", "light"] = "light"
    reduced_motion: Literal["no-preference", "reduce"] = "no-preference"
    forced_colors: Literal["active", "none"] = "none"

    def loads_as(self, other: Seat | None) -> bool:
        """Return whether a document would begin in the same way: it reads some settings only when it is loaded."""
        return other is not None and self._at_load() == other._at_load()

    def _at_load(self) -> tuple[str, bool]:
        return self.reduced_motion, self.viewport["height"] >= TALL

    def take(self, page: Page) -> None:
        """Apply the settings to a page."""
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
    """A page, with the errors that it reported and the requests that it made.

    As a context manager it closes the page, so that the test's own server is stopped after the page:
    ``with static_server(site) as origin, desktop:``
    """

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    #: How many documents it has loaded, and whether a test has left lasting effects in it.
    turns: int = 0
    spoiled: bool = False
    #: The address of the document that the next test can use, and how many tests have used it.
    place: str = ""
    visits: int = 0
    #: The settings that the page has for the test.
    seat: Seat | None = None

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        self.spoiled = True
        self.page.context.close()

    def open(self, url: str) -> Page:
        """Load the page from this address, and wait for both plots."""
        self.place, self.visits = "", 0
        self.page.goto(url)
        until(self.page, "() => Boolean(window.lossatlas)")
        self.page.evaluate("() => window.lossatlas.ready")
        return self.page

    def show(self, url: str, *, view: str = "contours") -> Page:
        """Show the state of an address with a query, in the document that an earlier test has left if there is one.

        It is for tests that do not depend on how the page was opened: a step in the history takes a tenth of the
        processor time of a load. A test that changes the document itself must open a new one.

        The landscape is shown as its contours, unless the address or the argument names another view: without a
        graphics processor, a surface takes several times the processor time of its contours.
        """
        place, mark, query = url.partition("?")
        assert mark, "an address without a query is a first visit, which needs a load: use open"
        if "view=" not in query:
            query = f"view={view}&{query}"
        if self.place == place and self.visits < VISITS and not self.spoiled:
            if "train=" in query or self.page.evaluate(
                _IS_TRAINED_HERE
            ):  # so that no picture is of the earlier training
                self.page.evaluate(_TRAVEL, "?epoch=0")
                until(self.page, "() => window.lossatlas.isCurrent()")
            self.page.evaluate(_TRAVEL, mark + query)
            until(self.page, f"() => window.lossatlas.isCurrent() || ({_IS_TRAINED_HERE})()")
        else:
            self.open(place + mark + query)
        self.place = place
        self.visits += 1
        return self.page


#: JavaScript that says whether the page shows a training of its own, each of which has another number.
_IS_TRAINED_HERE = "() => window.lossatlas.shown()?.run.startsWith('here-') === true"
#: JavaScript that resets the page, and then goes to another address of it as the browser's Back button does.
_TRAVEL = """async (query) => {
    for (const dialog of document.querySelectorAll('dialog[open]')) dialog.close();
    for (const popover of document.querySelectorAll(':popover-open')) popover.hidePopover();
    document.activeElement?.blur();
    scrollTo(0, 0);
    document.querySelector('#reset').click();
    document.querySelector('#plots input:not(:checked)[value=landscape]')?.click();
    document.querySelector('#options[aria-expanded=true]')?.click();
    if (innerHeight < TALL) document.querySelector('#slice-about').open = false;
    history.pushState(null, '', query);
    dispatchEvent(new PopStateEvent('popstate'));
}""".replace("TALL", str(TALL))


def until(page: Page | Frame, condition: str, arg: Any = None, patience: int = PATIENCE) -> None:
    """Wait until a function in the page returns true. Playwright's own wait needs eval, which the page's CSP forbids.

    The page itself asks again and again: questions from here would take a tenth of a core.
    """
    deadline = time.monotonic() + patience / 1000
    wait = _WAIT.replace("CONDITION", condition)
    while True:
        left = deadline - time.monotonic()
        try:
            if page.evaluate(wait, [arg, 1000 * left]):
                return
        except Error as error:
            if "context was destroyed" not in error.message:
                raise  # otherwise the page has been left, and the next one is asked
        assert time.monotonic() < deadline, f"waited in vain for {condition} ({arg})"


_WAIT = """async ([argument, patience]) => {
    const holds = CONDITION;
    const end = performance.now() + patience;
    for (;;) {
        if (await holds(argument)) return true;
        if (performance.now() > end) return false;
        await new Promise((done) => setTimeout(done, 20));
    }
}"""


def watched(browser: Browser, *, alone: bool = False, **options: Any) -> Iterator[Watched]:
    """Yield a page. The test fails if the page reports an error or a warning, or sends a request to another host.

    Tests share one page for each set of options of a browser context: there the page opens in much less time,
    as the browser has read its scripts before. Nothing is stored when a test gets it. A test with ``alone`` gets a page
    that no other test has used.
    """
    seat = Seat(options.pop("viewport", DEFAULT), **{name: options.pop(name) for name in MEDIA & options.keys()})
    key = json.dumps([id(browser), options], sort_keys=True)
    seen = None if alone else _kept.pop(key, None)  # if a test fails, its page is not kept
    if seen is None:
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE)
        seen = Watched(context.new_page())
        _watch(seen)
    if seat != seen.seat:
        if not seat.loads_as(seen.seat):
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
    """Return whether a message is one of Chromium's about drawing in software, or about the speed of the machine."""
    parts = ("GPU stall due to ReadPixels", "software WebGL", "was preloaded using link preload but not used within")
    return any(part in text for part in parts)


def _tidy(seen: Watched) -> None:
    """Make the page like a new one, with nothing stored. A document that the next test can use stays in it."""
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
    if page.url.partition("?")[0] != seen.place:
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

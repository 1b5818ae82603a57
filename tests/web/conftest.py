"""A real Chromium, a small gallery, and the page twice: served by us, and exported to a plain static file server."""

from __future__ import annotations

import functools
import http.server
import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect, sync_playwright

from lossatlas.runs import Run, RunConfig, compute_run
from lossatlas.site import export_site
from lossatlas.store import Gallery

FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--ignore-gpu-blocklist",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
#: For tests: the page itself is put together without a simulated GPU, which takes a sixth of their time off.
_PLAIN = "--disable-gpu-compositing"
#: Rendering in software on a busy machine: how long to wait for a condition before it counts as failed, in ms.
PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)


def quick(name: str = "moons", hidden: tuple[int, ...] = (16, 16), **training: Any) -> RunConfig:
    """A run small enough for a test, as the page asks for it where it is told to train like :data:`MOONS`."""
    return RunConfig(
        dataset={"name": name, "points": 80} if name == "moons" else {"name": name},
        model={
            "hidden": hidden,
            "activation": training.pop("activation", "tanh"),
            "residual": training.pop("residual", False),
        },
        training={"epochs": 60, "frames": 12, **training},
        planes=({"grid": 15},),
        boundary={"resolution": 24},
    )


MOONS = quick()
MOONS_FAST = quick(learning_rate=0.05)
ARMS = quick("arms")
IRIS = quick("iris", (4,))
DIVERGED = quick("corners", (10,), activation="linear", optimizer="sgd", learning_rate=9999.0)
UNUSUAL = quick("moons", (7, 5))
#: Several planes, curvature, and an optimizer that has an edge of stability.
PLANES = RunConfig(
    dataset={"name": "moons", "points": 80},
    model={"hidden": (8,)},
    training={"epochs": 60, "frames": 12, "optimizer": "sgd", "batch_size": "full", "learning_rate": 0.5},
    planes=(
        {"kind": "fresh", "grid": 15},
        {"kind": "pca", "grid": 15, "nonconvexity": 5},
        {"kind": "hessian", "grid": 15},
    ),
    boundary={"resolution": 24},
    curvature={"frames": 5},
)
RESIDUAL = quick(residual=True)


def until(page: Page, condition: str, arg: Any = None, patience: int = PATIENCE) -> None:
    """Wait for a condition in the page; Playwright's own waiting needs an eval, which the page's CSP forbids."""
    deadline = time.monotonic() + patience / 1000
    while not page.evaluate(condition, arg):
        assert time.monotonic() < deadline, f"waited in vain for {condition} ({arg})"
        page.wait_for_timeout(20)


def with_access(page: Page) -> None:
    """Wait for what comes after the first picture."""
    until(page, "() => document.querySelector('#announcement') !== null")
    until(page, "() => [...document.styleSheets].some((sheet) => sheet.href?.endsWith('accessibility.css'))")


def as_toml(config: RunConfig) -> str:
    """The configuration as a file of settings; JSON's numbers, strings and lists are TOML as well."""
    sections = config.model_dump(mode="json", exclude_none=True)
    planes = sections.pop("planes")
    tables = [*((f"[{name}]", section) for name, section in sections.items()), *(("[[planes]]", p) for p in planes)]
    return "\n".join(
        "\n".join([head, *(f"{key} = {json.dumps(value)}" for key, value in table.items())]) for head, table in tables
    )


@dataclass
class Site:
    """A place where the page is to be had."""

    url: str
    gallery: Gallery
    computes: bool

    def run(self, config: RunConfig = MOONS) -> Run:
        """The stored run, from its files."""
        return self.gallery.open(config.id)


@dataclass
class Watched:
    """A page, and everything it complained of or asked for.

    As a context manager it closes the page, which a test's own server has to outlive:
    ``with static_server(site) as origin, desktop:``
    """

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        self.page.context.close()

    def open(self, url: str) -> Page:
        """Go there and wait for both plots."""
        self.page.goto(url)
        until(self.page, "() => Boolean(window.lossatlas)")
        self.page.evaluate("() => window.lossatlas.ready")
        return self.page


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    gallery = Gallery(tmp_path_factory.mktemp("web") / "data")
    for config in (MOONS, MOONS_FAST, ARMS, IRIS, DIVERGED, UNUSUAL, RESIDUAL, PLANES):
        gallery.save(compute_run(config))
    return gallery


@pytest.fixture(scope="session")
def exported(gallery: Gallery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("static")
    export_site(gallery, root / "some" / "sub path")
    with static_server(root) as origin:
        yield Site(f"{origin}/some/sub%20path/", gallery, computes=False)


@pytest.fixture(scope="session")
def served(gallery: Gallery) -> Iterator[Site]:
    with app_server(gallery, MOONS) as url:
        yield Site(url, gallery, computes=True)


@pytest.fixture
def empty_served(tmp_path: Path) -> Iterator[Site]:
    gallery = Gallery(tmp_path / "data")
    with app_server(gallery) as url:
        yield Site(url, gallery, computes=True)


@pytest.fixture(params=["served", "exported"])
def site(request: pytest.FixtureRequest) -> Site:
    """The page, once from our server and once from a plain one; with :data:`EITHER`, from one of them."""
    kinds = {"either": ("served", "exported")[zlib.crc32(request.node.name.encode()) % 2]}
    found: Site = request.getfixturevalue(kinds.get(request.param, request.param))
    return found


#: For what does not depend on the server, where another test of the same feature runs on both: half the time.
EITHER = pytest.mark.parametrize("site", ["either"], indirect=True)


class static_server:  # noqa: N801 - reads as the context manager it is
    """``with static_server(folder) as origin``: Python's own file server, which knows nothing of us."""

    def __init__(self, folder: Path, handler: type[http.server.SimpleHTTPRequestHandler] | None = None) -> None:
        handling = functools.partial(handler or Silent, directory=str(folder))
        self._server = Patient(("127.0.0.1", 0), handling)

    def __enter__(self) -> str:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class Patient(http.server.ThreadingHTTPServer):
    """Lets more than five wait: on a busy machine a browser would be turned away."""

    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A page may be closed before all that it asked for has come: that is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Silent(http.server.SimpleHTTPRequestHandler):
    """Serves files, and writes no log."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        pass


class app_server:  # noqa: N801
    """``with app_server(gallery) as url``: ``lossatlas serve`` as a person starts it, perhaps with a ``--config``."""

    def __init__(self, gallery: Gallery, default: RunConfig | None = None, *, port: int | None = None) -> None:
        self.port = port or free_port()
        command = [sys.executable, "-c", "from lossatlas.cli import main; main()", "serve", "--no-browser"]
        options = ["--port", str(self.port), "--data", str(gallery.data)]
        if default:
            settings = gallery.data.parent / f"default-{self.port}.toml"
            settings.write_text(as_toml(default), encoding="utf-8")
            options += ["--config", str(settings)]
        self._server = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> str:
        assert self._server.stdout is not None
        told = re.search(r"http://\S+", self._server.stdout.readline())
        assert told, "the server did not say where it is"
        return told.group()

    def __exit__(self, *_: object) -> None:
        self._server.terminate()
        self._server.communicate(timeout=20)

    def kill(self) -> None:
        """End it without a word, as a machine that goes down."""
        self._server.kill()
        self._server.wait(timeout=20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium(), args=[*FLAGS, _PLAIN])
    yield browser
    browser.close()


#: A page that does not play by itself, so that a test decides what is shown; small, as software draws it.
DESKTOP: dict[str, Any] = {"viewport": {"width": 1100, "height": 620}, "reduced_motion": "reduce"}


@pytest.fixture
def desktop(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Watched]:
    """A page of its own for a test; in a module marked ``one_page``, the module's page, emptied after each test."""
    if request.node.get_closest_marker("one_page"):
        lender: PageLender = request.getfixturevalue("page_lender")
        yield from lender.lend()
    else:
        yield from watched(browser, **DESKTOP)


@pytest.fixture(scope="module")
def page_lender(browser: Browser) -> Iterator[PageLender]:
    lender = PageLender(browser)
    yield lender
    lender.close()


class PageLender:
    """Lends one page to test after test.

    A load in a page that has read the scripts before takes a quarter of the processor time of a load in a new one.
    """

    #: A browser holds sixteen drawings of a page's life, and lets go of those of earlier documents when it likes.
    LOANS = 8

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._page: Page | None = None
        self._loans = 0

    def lend(self) -> Iterator[Watched]:
        """The page for one test; what it complained of fails that test."""
        if self._page is None or self._page.is_closed() or self._loans == self.LOANS:
            self.close()
            context = self._browser.new_context(**DESKTOP)
            context.set_default_timeout(PATIENCE)
            self._page, self._loans = context.new_page(), 0
        self._loans += 1
        seen = Watched(self._page)
        listeners = listen(seen)
        yield seen
        for event, listener in listeners.items():
            seen.page.remove_listener(event, listener)
        self._empty(seen)
        hold(seen)

    def close(self) -> None:
        if self._page is not None:
            self._page.context.close()
            self._page = None

    def _empty(self, seen: Watched) -> None:
        """Leave the page as a new one: nothing stored, nothing intercepted, as large as before."""
        page = seen.page
        if page.is_closed() or len(page.context.pages) > 1:
            self.close()
            return
        page.unroute_all()
        page.evaluate("() => window.sessionStorage.clear()")
        page.goto("about:blank")
        page.mouse.move(-1, -1)
        page.set_viewport_size(DESKTOP["viewport"])
        session = page.context.new_cdp_session(page)
        origins = {found.group() for url in seen.requests if (found := re.match(r"https?://[^/]+", url))}
        for origin in sorted(origins):
            session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
        session.detach()


def watched(browser: Browser, **context: Any) -> Iterator[Watched]:
    """A page that fails its test if it complains on the console, or asks another host for anything."""
    opened = browser.new_context(**context)
    opened.set_default_timeout(PATIENCE)
    seen = Watched(opened.new_page())
    listen(seen)
    yield seen
    opened.close()
    hold(seen)


def listen(seen: Watched) -> dict[Any, Any]:
    """Write down what a page complains of and asks for; the listeners by their events."""

    def on_console(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not _is_of_the_test_machine(message.text):
            seen.complaints.append(f"{message.type}: {message.text}")

    listeners = {
        "console": on_console,
        "pageerror": lambda error: seen.complaints.append(str(error)),
        "request": lambda request: seen.requests.append(request.url),
    }
    for event, listener in listeners.items():
        seen.page.on(event, listener)  # type: ignore[call-overload]
    return listeners


def hold(seen: Watched) -> None:
    """Fail if the page complained, or asked another host for anything."""
    assert seen.complaints == []
    assert [url for url in seen.requests if not re.match(r"(http://127\.0\.0\.1:\d+/|data:|blob:)", url)] == []


def _is_of_the_test_machine(text: str) -> bool:
    """Chromium's remarks about drawing in software."""
    return "GPU stall due to ReadPixels" in text or "software WebGL" in text


def chromium() -> str:
    found = shutil.which("chromium")
    assert found, "Chromium is needed: apt-get install chromium"
    return found

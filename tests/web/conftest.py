"""Provides a real Chromium, a small gallery, and the page: from our server, and as an export on a static server."""

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
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from lossatlas.runs import Run, RunConfig, compute_run
from lossatlas.server.app import create_app
from lossatlas.server.serving import Server
from lossatlas.site import export_site
from lossatlas.store import Gallery
from tests.support.order import site_of_module
from tests.support.pages import Watched, until, watched

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
#: Chromium composes the page without a simulated GPU, which saves a sixth of the time, and leaves the edges of the
#: surface rough, which saves a quarter of what its drawing takes.
PLAIN = ["--disable-gpu-compositing", "--webgl-antialiasing-mode=none"]


def quick(name: str = "moons", hidden: tuple[int, ...] = (16, 16), **training: Any) -> RunConfig:
    """Return the configuration of a run that is small enough for a test."""
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
#: A run with several planes, with curvature, and with an optimizer that has an edge of stability.
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


def with_access(page: Page) -> None:
    """Wait for the features that are loaded after the first picture."""
    until(page, "() => document.querySelector('#announcement') !== null")
    until(page, "() => [...document.styleSheets].some((sheet) => sheet.href?.endsWith('accessibility.css'))")


def as_toml(config: RunConfig) -> str:
    """Write a configuration as a TOML file. Numbers, strings and lists of JSON are valid TOML as well."""
    sections = config.model_dump(mode="json", exclude_none=True)
    planes = sections.pop("planes")
    tables = [*((f"[{name}]", section) for name, section in sections.items()), *(("[[planes]]", p) for p in planes)]
    return "\n".join(
        "\n".join([head, *(f"{key} = {json.dumps(value)}" for key, value in table.items())]) for head, table in tables
    )


@dataclass
class Site:
    """A server or an export with the page, and its gallery."""

    url: str
    gallery: Gallery
    computes: bool

    def run(self, config: RunConfig = MOONS) -> Run:
        """Open a stored run."""
        return self.gallery.open(config.id)


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Gallery:
    """Return this worker's copy of the gallery, which the first worker computes."""
    own = tmp_path_factory.mktemp("web")
    shared = own if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    computed = shared / "gallery"
    with FileLock(shared / "gallery.lock"):
        if not computed.exists():
            gallery = Gallery(own / "computed")
            for config in (MOONS, MOONS_FAST, ARMS, IRIS, DIVERGED, UNUSUAL, RESIDUAL, PLANES):
                gallery.save(compute_run(config))
            (own / "computed").rename(computed)
    return Gallery(Path(shutil.copytree(computed, own / "data")))


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
    with app_in_thread(gallery) as url:
        yield Site(url, gallery, computes=True)


@pytest.fixture(params=["served", "exported"])
def site(request: pytest.FixtureRequest) -> Site:
    """Return the page from our server, and then from a static one; with :data:`EITHER`, from only one of them."""
    kinds = {"either": site_of_module(request.path)}
    found: Site = request.getfixturevalue(kinds.get(request.param, request.param))
    return found


#: For tests that do not depend on the server, if another test of the same feature runs on both. It saves half the time.
EITHER = pytest.mark.parametrize("site", ["either"], indirect=True)


class static_server:  # noqa: N801 - reads as the context manager it is
    """Python's own file server: ``with static_server(folder) as origin``."""

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
    """A server in whose queue more than five connections can wait, so that it refuses none on a busy machine."""

    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore errors: a page may be closed before its requests are answered."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Silent(http.server.SimpleHTTPRequestHandler):
    """A handler that serves files and writes no log."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        pass


class app_server:  # noqa: N801
    """The command ``lossatlas serve``, perhaps with ``--config``: ``with app_server(gallery) as url``."""

    def __init__(self, gallery: Gallery, default: RunConfig | None = None, *, port: int = 0) -> None:
        self.port = port
        command = [sys.executable, "-c", "from lossatlas.cli import main; main()", "serve", "--no-browser"]
        options = ["--port", str(port), "--data", str(gallery.data)]
        if default:
            settings = gallery.data.parent / f"{default.id}.toml"
            settings.write_text(as_toml(default), encoding="utf-8")
            options += ["--config", str(settings)]
        self._server = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> str:
        assert self._server.stdout is not None
        found = re.search(r"http://[\d.]+:(\d+)/", self._server.stdout.readline())
        assert found, "the server did not say where it is"
        self.port = int(found.group(1))
        return found.group()

    def __exit__(self, *_: object) -> None:
        self._server.terminate()
        self._server.communicate(timeout=20)

    def kill(self) -> None:
        """Kill the server, as if the machine went down."""
        self._server.kill()
        self._server.wait(timeout=20)


class app_in_thread:  # noqa: N801
    """The server's app in a thread of the tests, which starts in no time: ``with app_in_thread(gallery) as url``."""

    def __init__(self, gallery: Gallery, default: RunConfig | None = None) -> None:
        self._server = Server(create_app(gallery, default=default))
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],))

    def __enter__(self) -> str:
        self._thread.start()  # requests wait until it listens
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/"

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium_without_windows(), args=[*FLAGS, *PLAIN])
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def whole_browser(playwright: Playwright) -> Iterator[Browser]:
    """Start the Chromium that people use, with windows."""
    browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def desktop(browser: Browser) -> Iterator[Watched]:
    """Yield a page that does not play by itself. It is small, because it is rendered in software."""
    yield from watched(browser, viewport={"width": 1100, "height": 620}, reduced_motion="reduce")


def chromium() -> str:
    found = shutil.which("chromium")
    assert found, "Chromium is needed: apt-get install chromium"
    return found


def chromium_without_windows() -> str:
    """Find the browser without windows, if it is installed. It takes a third less processor time."""
    return shutil.which("chromium-headless-shell") or chromium()

"""Drives Firefox and WebKit, which Playwright does not: Debian's own builds, on a screen in memory (Xvfb)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

#: How long to wait for a browser to start, and for a condition in a page, in seconds.
PATIENCE = 30
#: Where Debian keeps WebKitGTK's browser for tests.
MINI_BROWSERS = "/usr/lib/*/webkit2gtk-4*/MiniBrowser"
PREFERENCES = {
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "ui.prefersReducedMotion": 1,
    "webgl.force-enabled": True,
}


class Driven(Protocol):
    """A browser with one page."""

    def open(self, url: str) -> None:
        """Load an address."""

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of the page, which may be a promise."""


def until(browser: Driven, condition: str) -> None:
    """Wait for a condition in the page."""
    deadline = time.monotonic() + PATIENCE
    while not browser.evaluate(condition):
        assert time.monotonic() < deadline, f"waited in vain for {condition}"
        time.sleep(0.05)


def need(program: str, package: str) -> str:
    """Return a program's path, or skip the test."""
    found = shutil.which(program) or next((str(path) for path in Path("/").glob(program.lstrip("/"))), None)
    if found is None:
        pytest.skip(f"{program} is not installed (on Debian: apt-get install {package})")
    return found


@contextmanager
def screen() -> Iterator[dict[str, str]]:
    """A screen in memory: the environment of a program that is to be shown on it, drawn in software."""
    reading, writing = os.pipe()
    options = ["-displayfd", str(writing), "-screen", "0", "1440x900x24"]
    server = subprocess.Popen([need("Xvfb", "xvfb"), *options], pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as told:
            yield {**os.environ, "DISPLAY": f":{told.readline().strip()}", "LIBGL_ALWAYS_SOFTWARE": "1"}
    finally:
        server.terminate()
        server.wait()


class Firefox:
    """Firefox by WebDriver BiDi, which it speaks without another program."""

    def __init__(self, port: int) -> None:
        connect = pytest.importorskip("websocket").create_connection  # a dependency of selenium
        self._socket = connect(f"ws://127.0.0.1:{port}/session", timeout=PATIENCE, suppress_origin=True)
        self._count = 0
        self._ask("session.new", capabilities={})
        self._page = self._ask("browsingContext.getTree")["contexts"][0]["context"]

    def open(self, url: str) -> None:
        self._ask("browsingContext.navigate", context=self._page, url=url, wait="complete")

    def evaluate(self, expression: str) -> Any:
        script = f"(async () => JSON.stringify((await ({expression})) ?? null))()"
        found = self._ask("script.evaluate", expression=script, target={"context": self._page}, awaitPromise=True)
        assert found["type"] == "success", found["exceptionDetails"]["text"]
        return json.loads(found["result"]["value"])

    def close(self) -> None:
        self._socket.close()

    def _ask(self, method: str, **params: Any) -> Any:
        self._count += 1
        self._socket.send(json.dumps({"id": self._count, "method": method, "params": params}))
        while (answer := json.loads(self._socket.recv())).get("id") != self._count:
            pass  # an event, or the answer to an earlier command
        assert answer["type"] == "success", answer
        return answer["result"]


@contextmanager
def firefox(folder: Path) -> Iterator[Firefox]:
    """Start Firefox with a profile of its own in a folder."""
    program = need("firefox-esr", "firefox-esr")
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
    (folder / "user.js").write_text("\n".join(lines), encoding="utf-8")
    with screen() as environment:
        options = ["--no-remote", "--profile", str(folder), "--remote-debugging-port", "0", "about:blank"]
        browser = subprocess.Popen(
            [program, *options],
            env={**environment, "HOME": str(folder), "MOZ_X11_EGL": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            told = folder / "WebDriverBiDiServer.json"
            deadline = time.monotonic() + PATIENCE
            while not (told.exists() and told.read_text()):
                assert time.monotonic() < deadline, "Firefox did not start"
                time.sleep(0.05)
            with closing(Firefox(json.loads(told.read_text())["ws_port"])) as page:
                yield page
        finally:
            browser.terminate()
            browser.wait()


class WebKit:
    """WebKitGTK by WebDriver."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        driver.set_script_timeout(PATIENCE)

    def open(self, url: str) -> None:
        self._driver.get(url)

    def evaluate(self, expression: str) -> Any:
        script = (
            f"const done = arguments[0]; (async () => [await ({expression})])().then(done, (e) => done(String(e)));"
        )
        found = self._driver.execute_async_script(script)
        assert isinstance(found, list), found
        return found[0]


@contextmanager
def webkit() -> Iterator[WebKit]:
    """Start WebKitGTK's browser for tests."""
    pytest.importorskip("selenium")
    from selenium.webdriver import WebKitGTK
    from selenium.webdriver.webkitgtk.options import Options
    from selenium.webdriver.webkitgtk.service import Service

    driver_path = need("WebKitWebDriver", "webkit2gtk-driver")
    options = Options()
    options.binary_location = need(MINI_BROWSERS, "webkit2gtk-driver")
    options.add_argument("--automation")
    with screen() as environment:
        # Its sandbox needs rights that a container does not give; it opens nothing but our own page.
        environment["WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS"] = "1"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # selenium warns of its own call
            driver: Any = WebKitGTK(options=options, service=Service(driver_path, env=environment))
        try:
            yield WebKit(driver)
        finally:
            driver.quit()
            driver.command_executor.close()

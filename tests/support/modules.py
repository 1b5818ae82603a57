"""Opens a document in which tests import the page's modules, without the page.

The page itself runs the modules of its bundles. A module that a test imports is another instance, and knows nothing
that the page has told its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from playwright.sync_api import Browser, Page

from tests.support.pages import watched

#: JavaScript that gives the modules of a document the constants, which the first module of a page does.
TAKE_CONSTANTS = """async () => {
    const at = (path) => new URL(path, document.baseURI).href;
    const {takeConstants} = await import(at('model/constants.js'));
    takeConstants(await (await fetch(at('catalog.json'))).json());
}"""


def open_modules(browser: Browser, site: str) -> Iterator[Page]:
    """Open a small document at the root of a site, whose modules have the constants of its catalog."""
    for seen in watched(browser):
        seen.page.goto(site + "catalog.json")
        seen.page.evaluate(TAKE_CONSTANTS)
        yield seen.page


def with_constants(script: str) -> str:
    """Return a function in JavaScript that gives the modules the constants before it calls another one."""
    return f"async (argument) => {{ await ({TAKE_CONSTANTS})(); return ({script})(argument); }}"
